"""The results of searches for culprits, and which failures they explain. Pure.

A diagnosis is about one failing test in one lock. Another cell that fails in the same way most likely fails for the
same reason. So the diagnosis explains that cell as well, as an inference.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

from packaging.version import Version

from stackcompat.blame.cause import Moved
from stackcompat.blame.result import Culprit, SearchResult
from stackcompat.core.record import Kind, digest
from stackcompat.core.requirements import name_of
from stackcompat.core.text import and_list
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import TestResult
from stackcompat.verdict.artifacts import ExchangeSide
from stackcompat.verdict.attribution import Attribution, attribute_failure
from stackcompat.verdict.exchange import CrossingVerdict
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.ownership import Ownership
from stackcompat.verdict.signature import failure_of, has_particulars, leading, same_break
from stackcompat.verdict.verdict import CellVerdict

__all__ = ["DIAGNOSES", "Diagnoses", "Diagnosis", "unsearched_cells", "unsearched_crossings"]


class Diagnosis(SearchResult):
    """What a search found about one failing test of a cell, or of one side of a crossing. The store keeps it.

    Attributes:
        cell: The id of the cell, or of the crossing.
        lock_id: The id of the lock of the cell; of a crossing, the id of both locks. Empty if the cell does not
            resolve.
        failing: The failing test. If the cell does not resolve, it is a test without a name, whose reason is the
            resolver's.
        made: When the search ended.
        side: Of a crossing, the side whose releases the search moved while it held the other side.
        moved: How the break came about; None if no culprit was found.
        chain: The requirements that exclude each other, if the cell does not resolve.
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
        """Make a diagnosis of the result of a search and the failure that it explains.

        Args:
            verdict: What is known of the cell or crossing in which the test fails.
            failing: The failing test that the search followed.
            result: What the search found.
            made: When it ended.
            side: Of a crossing, the side that was searched.
            moved: How the break came about.
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
        """The id: equal for the same failure in the same lock, on the same side.

        A failure without particulars is the same only in the same test.
        """
        test = "" if has_particulars(failure_of(self.failing)) else self.failing.test
        return digest(self.lock_id, why(self.failing), *(part for part in (self.side, test) if part))

    @property
    def names(self) -> tuple[str, ...]:
        """The distributions that are to blame."""
        return tuple(culprit.name for culprit in self.culprits)

    @property
    def certain(self) -> bool:
        """Whether the search showed that its culprits are enough, and that each of them is needed."""
        return bool(self.culprits) and not self.doubt

    def sentences(self) -> tuple[str, ...]:
        """What is said of each culprit; see :meth:`~stackcompat.blame.result.Culprit.sentence`."""
        return tuple(culprit.sentence(_still_passes(self.failing)) for culprit in self.culprits)

    def sets(self) -> str:
        """Each set of releases that is enough by itself: ``alpha 5 with beta 2; or gamma 3``."""
        every = (self.culprits, *self.alternatives)
        return "; or ".join(" with ".join(f"{c.name} {c.version}" for c in members) for members in every)

    @property
    def precedence(self) -> tuple[bool, int, dt.datetime]:
        """A sort key: a certain diagnosis comes first, then one that shows more members, then a later one."""
        shown = sum(culprit.shown_by == "moving" for culprit in self.culprits)
        return self.certain, shown, self.made

    def reaches(self, versions: Mapping[str, str]) -> bool:
        """Whether `versions` have each culprit, at a release that is in its red stretch."""
        return all(
            culprit.name in versions and culprit.is_in_stretch(Version(versions[culprit.name]))
            for culprit in self.culprits
        )


#: Of several diagnoses of one failure in one lock, the one that was made last counts.
DIAGNOSES = Kind("diagnosis", Diagnosis, key=lambda diagnosis: diagnosis.id, made=lambda diagnosis: diagnosis.made)


class Diagnoses:
    """Finds the diagnosis that explains a failing test. If several do, the first in order of precedence is taken."""

    def __init__(self, diagnoses: Iterable[Diagnosis] = ()) -> None:
        ordered = sorted(diagnoses, key=lambda diagnosis: diagnosis.precedence, reverse=True)
        self._of_cells = [diagnosis for diagnosis in ordered if not diagnosis.side]
        self._of_crossings = [diagnosis for diagnosis in ordered if diagnosis.side]

    def of_cell(self, verdict: CellVerdict, test: TestResult) -> Diagnosis | None:
        """The diagnosis that explains the failing `test` of the cell of `verdict`; None where no culprit is known.

        A diagnosis of the cell's own lock comes first. A diagnosis of another cell counts only if the failure has
        particulars by which it is recognised, and if this cell has releases in the red stretches that were found there.
        """
        alike = [d for d in self._of_cells if d.names and same_break(d.failing, test)]
        own = [diagnosis for diagnosis in alike if diagnosis.lock_id == verdict.lock_id]
        others = [diagnosis for diagnosis in alike if diagnosis.reaches(verdict.installed)]
        if own or not has_particulars(failure_of(test)):
            return next(iter(own), None)
        return next(iter(others), None)

    def of_crossing(self, verdict: CrossingVerdict, test: TestResult) -> tuple[Diagnosis, ...]:
        """The diagnoses that explain the failing `test` of the crossing of `verdict`: the reader's, then the writer's.

        The crossing's own diagnoses are taken if they name a culprit. If they do not, those of another crossing that
        fails alike are taken, provided that they are certain and reach the versions of both sides. If there is no such
        crossing, the crossing's own diagnoses are taken, if there are any.
        """
        by_lock: dict[str, dict[ExchangeSide, Diagnosis]] = {}
        for diagnosis in self._of_crossings:
            if same_break(diagnosis.failing, test):
                by_lock.setdefault(diagnosis.lock_id, {}).setdefault(diagnosis.side, diagnosis)
        chosen = by_lock.pop(verdict.lock_id, {})
        if not any(diagnosis.names for diagnosis in chosen.values()) and has_particulars(failure_of(test)):
            chosen = next((sides for sides in by_lock.values() if _explain(sides, verdict)), chosen)
        return tuple(chosen[side] for side in sorted(chosen))

    def was_searched(self, verdict: CellVerdict, test: TestResult) -> bool:
        """Whether the failing `test` needs no search: one was made in this lock, or a diagnosis explains it."""
        in_this_lock = any(
            diagnosis.lock_id == verdict.lock_id and same_break(diagnosis.failing, test) for diagnosis in self._of_cells
        )
        return in_this_lock or self.of_cell(verdict, test) is not None

    def is_explained(self, verdict: CellVerdict, test: TestResult) -> bool:
        """Whether a search has shown beyond doubt why `test` fails in the cell of `verdict`."""
        diagnosis = self.of_cell(verdict, test)
        return diagnosis is not None and diagnosis.certain

    def attribute(
        self, verdict: CellVerdict, test: TestResult, present: Collection[str], components: Components
    ) -> Attribution:
        """The components at which the failing `test` of a cell points.

        A certain diagnosis of this very lock decides, since its search tried it out. A component that it does not name
        is acquitted, even if the words of the failure point at it. Without one, the failure itself decides if it leaves
        no doubt, and otherwise a certain diagnosis of another cell. A diagnosis of another cell that contradicts a
        failure without doubt makes it doubtful.

        If a diagnosis blames one component, and the test fails in a package that another component brought, the failure
        points at both.

        Args:
            verdict: The verdict on the cell.
            test: The failing test.
            present: The components of the cell.
            components: All components.
        """
        by_failure = attribute_failure(test, present, components)
        diagnosis = self.of_cell(verdict, test)
        if diagnosis is None or not diagnosis.certain:
            return by_failure
        owners = _owners(diagnosis, present, components)
        blamed = Ownership(components, present).lead({owner for owner in owners.values() if owner})
        agrees = bool(blamed) and None not in owners.values() and blamed <= by_failure.components
        if by_failure.sure and agrees:
            return by_failure
        shown_here = diagnosis.lock_id == verdict.lock_id
        if not shown_here and (by_failure.sure or not blamed):
            doubt = by_failure.doubt or f"{_releases(diagnosis, verdict)} was shown to be to blame in {diagnosis.cell}"
            return by_failure.model_copy(update={"doubt": doubt})
        return _attribution(diagnosis, verdict, test, present, components)

    def passing_sets(self, verdict: CellVerdict, test: TestResult) -> tuple[dict[str, str], ...]:
        """Sets of versions with which searches in this lock saw `test` pass, on the Python of the cell."""
        sets: list[dict[str, str]] = []
        for diagnosis in self._of_cells:
            if diagnosis.lock_id == verdict.lock_id and diagnosis.failing.test == test.test:
                sets += [_moved(verdict.installed, differences) for differences in diagnosis.passed]
        return tuple(sets)


def _still_passes(test: TestResult) -> str:
    """What is said of a release with which the failing test passes."""
    _, bracket, parameter = test.test.rstrip("]").partition("[")
    if test.level == "import" and bracket:
        return f"{parameter} could still be imported"
    if test.level == "resolve":
        return "it still resolves"
    return f"{test.test} still passes" if test.test else "the failing test still passes"


def _explain(sides: Mapping[ExchangeSide, Diagnosis], verdict: CrossingVerdict) -> bool:
    """Whether the diagnoses of another crossing, by side, explain a failure in the crossing of `verdict`."""
    return all(diagnosis.certain and diagnosis.reaches(verdict.installed(side)) for side, diagnosis in sides.items())


def _attribution(
    diagnosis: Diagnosis,
    verdict: CellVerdict,
    test: TestResult,
    present: Collection[str],
    components: Components,
) -> Attribution:
    """The components that a certain `diagnosis` blames for `test`; none if no culprit belongs to a component."""
    ownership = Ownership(components, present)
    owners = _owners(diagnosis, present, components)
    blamed = ownership.lead({component for component in owners.values() if component})
    if not blamed:
        return Attribution(components=frozenset(), doubt=f"{_releases(diagnosis, verdict)} alone is to blame")
    doubt = ""
    if diagnosis.lock_id != verdict.lock_id:
        doubt = f"{and_list(sorted(blamed))} was shown to be to blame for it in cell {diagnosis.cell}"
    if None in owners.values() or len(blamed) > 2:
        doubt = f"{_releases(diagnosis, verdict)} are to blame together"
    if diagnosis.alternatives:
        further = {owner for owner in _owners_of(diagnosis.alternatives, present, components).values() if owner}
        blamed |= ownership.lead(further)
        doubt = f"each of these is enough for it: {diagnosis.sets()}"
    package = failure_of(test).package
    carrier = None if ownership.owner(package) else _carrier(package, present, components)
    if len(blamed) == 1 and carrier and carrier not in blamed:
        blamed = blamed | {carrier}
        doubt = doubt or f"it comes out of {package}, which is there for {carrier}"
    return Attribution(components=blamed, doubt=doubt)


def _owners(diagnosis: Diagnosis, present: Collection[str], components: Components) -> dict[str, str | None]:
    """The component that each culprit belongs to, or that brings it; None where there is none."""
    return _owners_of((diagnosis.culprits,), present, components)


def _owners_of(
    sets: Iterable[Iterable[Culprit]], present: Collection[str], components: Components
) -> dict[str, str | None]:
    ownership = Ownership(components, present)
    names = [culprit.name for members in sets for culprit in members]
    return {name: ownership.owner(name) or _carrier(name, present, components) for name in names}


def _releases(diagnosis: Diagnosis, verdict: CellVerdict) -> str:
    """The culprits, with the versions that the cell has."""
    return and_list([f"{name} {verdict.installed.get(name, '')}".rstrip() for name in diagnosis.names])


def _moved(versions: Mapping[str, str], differences: Mapping[str, str]) -> dict[str, str]:
    """`versions` with other versions of some distributions; an empty one: not installed."""
    return {name: version for name, version in {**versions, **differences}.items() if version}


def _carrier(distribution: str, present: Collection[str], components: Components) -> str | None:
    """The component among `present` whose documentation also installs `distribution`; None if there is none."""
    for component in components.components:
        if component.name in present:
            installed = {name_of(text) for text in component.install}
            if distribution in installed - set(component.distributions):
                return component.name
    return None


def unsearched_cells(verdicts: Iterable[CellVerdict], diagnoses: Diagnoses) -> tuple[CellVerdict, ...]:
    """The broken cells in which a search is due: one cell for each distinct leading failure.

    Cells that ask for the newest releases come first. Among equals, the cell with the fewest distributions is taken,
    since its search is the cheapest.
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

    Artifacts that cannot be read come before artifacts that are read as other values. For each failure, the crossing
    whose sides differ least is taken, since its search is the cheapest. Tests of one artifact that fail in one crossing
    are taken to fail for the same reason.
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
    return any(same_break(test, other) for other in others)
