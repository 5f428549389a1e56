"""What searches for culprits found, kept with the failures that they explain. Pure.

A diagnosis is about one failing test in one lock. Another cell that fails the same way most likely does so for the same
reason: the diagnosis explains it, too, as an inference.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from stackcompat.blame.cause import Moved
from stackcompat.blame.culprit import SearchResult
from stackcompat.core.record import Kind, digest
from stackcompat.core.text import and_list
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import TestResult
from stackcompat.verdict.attribution import Attribution, attribute_failure
from stackcompat.verdict.exchange import CrossingVerdict, ExchangeSide
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.ownership import Ownership
from stackcompat.verdict.signature import failure_of, leading, similar_failure
from stackcompat.verdict.verdict import CellVerdict

__all__ = ["DIAGNOSES", "Diagnoses", "Diagnosis", "unsearched_cells", "unsearched_crossings"]


class Diagnosis(SearchResult):
    """What a search found about one failing test of a cell, or of one side of a crossing. The store keeps it.

    Attributes:
        cell: The id of the cell, or of the crossing.
        lock_id: What the cell was locked to; of a crossing, what both sides were. Empty where the cell does not
            resolve.
        failing: The failing test. Where the cell does not resolve, it has no name, and its reason is the resolver's.
        made: When the search ended.
        side: Of a crossing, the side whose releases the search moved while it held the other side.
        moved: Which side of the break moved, and how; None where no culprit was found.
        chain: The requirements that exclude each other, where the cell does not resolve.
    """

    cell: str
    lock_id: str
    failing: TestResult
    made: dt.datetime
    side: ExchangeSide = ""
    moved: Moved | None = None
    chain: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        verdict: CellVerdict | CrossingVerdict,
        failing: TestResult,
        result: SearchResult,
        made: dt.datetime,
        *,
        side: ExchangeSide = "",
        moved: Moved | None = None,
        chain: tuple[str, ...] = (),
    ) -> Diagnosis:
        """The diagnosis that keeps the result of a search.

        Args:
            verdict: What is known of the cell or crossing in which the test fails.
            failing: The failing test that the search followed.
            result: What the search found.
            made: When it ended.
            side: Of a crossing, the side that was searched.
            moved: Which side of the break moved.
            chain: The requirements that exclude each other.
        """
        return cls(
            **dict(result),
            cell=verdict.id if isinstance(verdict, CrossingVerdict) else verdict.cell.id,
            lock_id=verdict.lock_id,
            failing=failing,
            made=made,
            side=side,
            moved=moved,
            chain=chain,
        )

    @property
    def id(self) -> str:
        """The same for the same failure of the same lock, on the same side."""
        return digest(self.lock_id, why(self.failing), *([self.side] if self.side else []))

    @property
    def names(self) -> tuple[str, ...]:
        """The distributions that are to blame."""
        return tuple(culprit.name for culprit in self.culprits)

    @property
    def certain(self) -> bool:
        """Whether its culprits were shown to be enough, and each to be needed."""
        return bool(self.culprits) and not self.doubt

    @property
    def weight(self) -> tuple[bool, int, dt.datetime]:
        """A sort key: a certain diagnosis counts most, then one that shows more members, then a later one."""
        shown = sum(culprit.shown_by == "moving" for culprit in self.culprits)
        return self.certain, shown, self.made

    def reaches(self, versions: Mapping[str, str]) -> bool:
        """Whether `versions` have each culprit, at a release in the stretch that was found to be red."""
        return all(
            culprit.name in versions and culprit.is_red(Version(versions[culprit.name])) for culprit in self.culprits
        )


#: Of each failure of a lock the diagnosis that was made last counts.
DIAGNOSES = Kind("diagnosis", Diagnosis, key=lambda diagnosis: diagnosis.id, made=lambda diagnosis: diagnosis.made)


class Diagnoses:
    """Looks up which of many diagnoses explains a failing test. Of several, the one with most weight does."""

    def __init__(self, diagnoses: Iterable[Diagnosis] = ()) -> None:
        by_weight = sorted(diagnoses, key=lambda diagnosis: diagnosis.weight, reverse=True)
        self._of_cells = [diagnosis for diagnosis in by_weight if not diagnosis.side]
        self._of_crossings = [diagnosis for diagnosis in by_weight if diagnosis.side]

    def of_cell(self, verdict: CellVerdict, test: TestResult) -> Diagnosis | None:
        """The diagnosis that explains the failing `test` of the cell of `verdict`; None where no culprit is known.

        The cell's own diagnosis goes first. Of the diagnoses of other cells that fail alike, those go first whose red
        releases this cell has.
        """
        alike = [d for d in self._of_cells if d.names and similar_failure(d.failing, test)]
        of_this_lock = [diagnosis for diagnosis in alike if diagnosis.lock_id == verdict.lock_id]
        others = [diagnosis for diagnosis in alike if set(diagnosis.names) <= verdict.installed.keys()]
        others.sort(key=lambda diagnosis: not diagnosis.reaches(verdict.installed))
        return next(iter(of_this_lock or others), None)

    def of_crossing(self, verdict: CrossingVerdict, test: TestResult) -> tuple[Diagnosis, ...]:
        """The diagnoses that explain the failing `test` of the crossing of `verdict`: the reader's, then the writer's.

        The crossing's own diagnoses go first, if they name a culprit. Else another crossing that fails alike explains
        it, if its diagnoses are certain and reach the versions of both sides. Else they are the crossing's own, which
        name nobody, or none.
        """
        by_lock: dict[str, dict[ExchangeSide, Diagnosis]] = {}
        for diagnosis in self._of_crossings:
            if similar_failure(diagnosis.failing, test):
                by_lock.setdefault(diagnosis.lock_id, {}).setdefault(diagnosis.side, diagnosis)
        chosen = by_lock.pop(verdict.lock_id, {})
        if not any(diagnosis.names for diagnosis in chosen.values()):
            chosen = next((sides for sides in by_lock.values() if _explain(sides, verdict)), chosen)
        return tuple(chosen[side] for side in sorted(chosen))

    def was_searched(self, verdict: CellVerdict, test: TestResult) -> bool:
        """Whether the failing `test` needs no search any more: one was made in this lock, or found who is to blame."""
        in_this_lock = any(
            diagnosis.lock_id == verdict.lock_id and similar_failure(diagnosis.failing, test)
            for diagnosis in self._of_cells
        )
        return in_this_lock or self.of_cell(verdict, test) is not None

    def is_explained(self, verdict: CellVerdict, test: TestResult) -> bool:
        """Whether a search has shown beyond doubt why `test` fails in the cell of `verdict`."""
        diagnosis = self.of_cell(verdict, test)
        return diagnosis is not None and diagnosis.certain

    def attribute(
        self, verdict: CellVerdict, test: TestResult, present: Collection[str], components: Components
    ) -> Attribution:
        """Whom the failing `test` of a cell points at.

        The failure itself decides where it leaves no doubt. Else a certain diagnosis does. Where its only culprit is
        not the component that brought the package in which the test fails, the failure points at these two.

        Args:
            verdict: The verdict on the cell.
            test: The failing test.
            present: The components of the cell.
            components: All components.
        """
        by_failure = attribute_failure(test, present, components)
        diagnosis = self.of_cell(verdict, test)
        if by_failure.sure or diagnosis is None or not diagnosis.certain:
            return by_failure
        return _attribution(diagnosis, verdict, test, present, components) or by_failure


def _explain(sides: Mapping[ExchangeSide, Diagnosis], verdict: CrossingVerdict) -> bool:
    """Whether the diagnoses of another crossing, by side, explain a failure in the crossing of `verdict`."""
    return all(diagnosis.certain and diagnosis.reaches(verdict.installed(side)) for side, diagnosis in sides.items())


def _attribution(
    diagnosis: Diagnosis,
    verdict: CellVerdict,
    test: TestResult,
    present: Collection[str],
    components: Components,
) -> Attribution | None:
    """Whom the failing `test` points at by a certain `diagnosis`; None where no culprit is of a component."""
    ownership = Ownership(components, present)
    owners = {name: ownership.owner(name) or _carrier(name, present, components) for name in diagnosis.names}
    blamed = ownership.lead({component for component in owners.values() if component})
    if not blamed:
        return None
    doubt = ""
    if diagnosis.lock_id != verdict.lock_id:
        doubt = f"{and_list(sorted(blamed))} was shown to be to blame for it in cell {diagnosis.cell}"
    if None in owners.values() or len(blamed) > 2:
        culprits = [f"{name} {verdict.installed.get(name, '')}".rstrip() for name in diagnosis.names]
        doubt = f"{and_list(culprits)} are to blame together"
    package = failure_of(test).package
    carrier = None if ownership.owner(package) else _carrier(package, present, components)
    if len(blamed) == 1 and carrier and carrier not in blamed:
        blamed = blamed | {carrier}
        doubt = doubt or f"it comes out of {package}, which is there for {carrier}"
    return Attribution(components=blamed, doubt=doubt)


def _carrier(distribution: str, present: Collection[str], components: Components) -> str | None:
    """The component, of those `present`, whose documentation installs `distribution` beside it; None: no component."""
    for component in components.components:
        if component.name in present:
            installed = {canonicalize_name(Requirement(text).name) for text in component.install}
            if distribution in installed - set(component.distributions):
                return component.name
    return None


def unsearched_cells(verdicts: Iterable[CellVerdict], diagnoses: Diagnoses) -> tuple[CellVerdict, ...]:
    """The broken cells in which a search is due: one for each distinct failure that leads in some cell.

    Cells that ask for the newest releases come first. Of each failure it is the cell with the fewest distributions,
    since a search in it is the cheapest.
    """
    red = [verdict for verdict in verdicts if verdict.verdict == "broken"]
    red.sort(key=lambda verdict: (verdict.cell.policy != "newest", len(verdict.installed)))
    due: list[CellVerdict] = []
    tests: list[TestResult] = []
    for verdict in red:
        test = leading(verdict.failures)
        if not diagnoses.was_searched(verdict, test) and not _fails_like_any(test, tests):
            due.append(verdict)
            tests.append(test)
    return tuple(due)


def unsearched_crossings(
    verdicts: Iterable[CrossingVerdict], diagnoses: Diagnoses
) -> tuple[tuple[CrossingVerdict, TestResult], ...]:
    """The crossings in which a search is due, with the test to follow: one for each distinct failure of an artifact.

    What is not read comes before what is changed. Of each failure it is the crossing whose sides differ least, since a
    search in it is the cheapest. Tests of one artifact that fail in one crossing are taken to fail for the same reason.
    """
    candidates: list[tuple[CrossingVerdict, TestResult]] = []
    for verdict in verdicts:
        for artifact in dict.fromkeys(test.artifact for test in verdict.red):
            tests = [test for test in verdict.red if test.artifact == artifact]
            if not any(diagnoses.of_crossing(verdict, test) for test in tests):
                candidates.append((verdict, leading(tests)))
    due: list[tuple[CrossingVerdict, TestResult]] = []
    for verdict, test in sorted(candidates, key=_cost):
        if not _fails_like_any(test, [other for _, other in due]):
            due.append((verdict, test))
    return tuple(due)


def _cost(candidate: tuple[CrossingVerdict, TestResult]) -> tuple[bool, int]:
    """A sort key: failures before changed values, then by how many distributions the two sides differ in."""
    verdict, test = candidate
    is_changed = test.failure is not None and test.failure.changed
    return is_changed, len(verdict.installed("writer").items() ^ verdict.installed("reader").items())


def _fails_like_any(test: TestResult, others: Iterable[TestResult]) -> bool:
    return any(similar_failure(test, other) for other in others)
