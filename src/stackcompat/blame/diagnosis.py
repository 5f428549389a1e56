"""What searches for culprits came to, kept with the failures that they explain. Pure.

A charge was brought about one failure of one lock, and says of that who is to blame. Another cell that fails the same
way most likely does so for the same reason: whom it points at there is inferred from the charge.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from stackcompat.blame.cause import Moved
from stackcompat.blame.culprit import SearchResult
from stackcompat.core.record import Kind, Record, digest
from stackcompat.core.text import and_list
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import TestResult
from stackcompat.verdict.attribution import Attribution, attribute_failure
from stackcompat.verdict.exchange import CrossingVerdict, ExchangeSide
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.ownership import Ownership
from stackcompat.verdict.signature import failure_of, leading, similar_failure
from stackcompat.verdict.verdict import CellVerdict

__all__ = ["DIAGNOSES", "Blame", "Diagnoses", "Diagnosis", "unexplained", "unexplained_crossings"]


class Blame(Record):
    """Who broke a cell: what was searched for, what was found, and which side moved.

    `test` and `signature` are the failure that was followed; `chain` are the requirements that exclude each other,
    where nothing could be resolved.
    """

    test: str = ""
    signature: str
    found: SearchResult
    moved: Moved | None = None
    chain: tuple[str, ...] = ()


class Diagnosis(Record):
    """A blame that is kept: the cell and the lock that it is about, the failing test, and when it was found.

    Of a crossing it is one `side`: whose releases, the other side held, keep the test from passing there.
    """

    cell: str
    lock_id: str
    failing: TestResult
    blame: Blame
    made: dt.datetime
    side: ExchangeSide = ""

    @classmethod
    def of(cls, verdict: CellVerdict, blame: Blame, made: dt.datetime) -> Diagnosis:
        """The charge that keeps `blame`, which was laid for a failing test of the cell of `verdict`."""
        failing = next(test for test in verdict.failures if test.test == blame.test)
        return cls(cell=verdict.cell.id, lock_id=verdict.lock_id, failing=failing, blame=blame, made=made)

    @classmethod
    def across(cls, verdict: CrossingVerdict, side: ExchangeSide, blame: Blame, made: dt.datetime) -> Diagnosis:
        """The charge that keeps `blame`, which was laid on one `side` of the crossing of `verdict`."""
        failing = next(test for test in verdict.red if test.test == blame.test)
        return cls(cell=verdict.id, lock_id=verdict.lock_id, failing=failing, blame=blame, made=made, side=side)

    @property
    def certain(self) -> bool:
        """Whether its culprits were shown to be enough, and each to be needed."""
        return bool(self.blame.found.culprits) and not self.blame.found.doubt

    @property
    def weight(self) -> tuple[bool, int, dt.datetime]:
        """How much it counts beside others: certain ones first, of those who shows most members, then the latest."""
        shown = sum(culprit.shown_by == "moving" for culprit in self.blame.found.culprits)
        return self.certain, shown, self.made

    def reaches(self, versions: Mapping[str, str]) -> bool:
        """Whether each culprit is there, at a release between its edges."""
        culprits = self.blame.found.culprits
        return all(culprit.name in versions and culprit.red(Version(versions[culprit.name])) for culprit in culprits)

    @property
    def names(self) -> tuple[str, ...]:
        """The distributions that are to blame."""
        return tuple(culprit.name for culprit in self.blame.found.culprits)

    @property
    def id(self) -> str:
        """The same for the same failure of the same lock, on the same side."""
        return digest(self.lock_id, why(self.failing), *([self.side] if self.side else []))


#: Of each failure of a lock the charge that was made last counts.
DIAGNOSES = Kind("diagnosis", Diagnosis, key=lambda charge: charge.id, made=lambda charge: charge.made)


class Diagnoses:
    """Every charge that was brought; about a failure the one counts that has most weight."""

    def __init__(self, charges: Iterable[Diagnosis] = ()) -> None:
        every = sorted(charges, key=lambda charge: charge.weight, reverse=True)
        self._charges = [charge for charge in every if not charge.side]
        self._across = [charge for charge in every if charge.side]

    def about(self, verdict: CellVerdict, test: TestResult) -> Diagnosis | None:
        """The charge that explains the failing `test` of the cell of `verdict`: its own, else that of another cell.

        Of others those come first that reach the versions that are here.
        """
        fit = [charge for charge in self._charges if similar_failure(charge.failing, test) and charge.names]
        own = [charge for charge in fit if charge.lock_id == verdict.lock_id]
        alike = [charge for charge in fit if set(charge.names) <= verdict.installed.keys()]
        alike.sort(key=lambda charge: not charge.reaches(verdict.installed))
        return next(iter(own or alike), None)

    def across(self, verdict: CrossingVerdict, test: TestResult) -> tuple[Diagnosis, ...]:
        """The charges, the reader's before the writer's, that explain the failing `test` of the crossing of `verdict`.

        Its own, if they name anybody; else those of another crossing, if both are certain and reach the versions here.
        Where there are neither, its own in vain.
        """
        found: dict[str, dict[ExchangeSide, Diagnosis]] = {}
        for charge in self._across:
            if similar_failure(charge.failing, test):
                found.setdefault(charge.lock_id, {}).setdefault(charge.side, charge)
        own = found.pop(verdict.lock_id, {})
        fit = (
            sides
            for sides in found.values()
            if all(charge.certain and charge.reaches(verdict.installed(side)) for side, charge in sides.items())
        )
        told = own if any(charge.names for charge in own.values()) else next(fit, own)
        return tuple(told[side] for side in sorted(told))

    def tried(self, verdict: CellVerdict, test: TestResult) -> bool:
        """Whether a search was made for the failing `test`, with whatever success."""
        own = any(
            charge.lock_id == verdict.lock_id and similar_failure(charge.failing, test) for charge in self._charges
        )
        return own or self.about(verdict, test) is not None

    def shown(self, verdict: CellVerdict, test: TestResult) -> bool:
        """Whether a search has shown beyond doubt why `test` fails in the cell of `verdict`."""
        charge = self.about(verdict, test)
        return charge is not None and charge.certain

    def suspicion(
        self, verdict: CellVerdict, test: TestResult, present: Collection[str], components: Components
    ) -> Attribution:
        """Whom the failing `test` of a cell points at, among the components `present` there.

        What the failure says by itself goes first where that leaves no doubt; then what a search has shown. Where one
        alone is to blame, while the failure comes out of what another has installed beside it, it is these two.
        """
        told = attribute_failure(test, present, components)
        charge = self.about(verdict, test)
        if told.sure or charge is None or not charge.certain:
            return told
        names = Ownership(components, present)
        carried = {name: names.owner(name) or _carrier(name, present, components) for name in charge.names}
        blamed = names.lead({component for component in carried.values() if component})
        if not blamed:
            return told
        strangers = [name for name, component in carried.items() if component is None]
        doubt = ""
        if charge.lock_id != verdict.lock_id:
            doubt = f"{and_list(sorted(blamed))} was shown to be to blame for it in cell {charge.cell}"
        if strangers or len(blamed) > 2:
            held = [f"{name} {verdict.installed.get(name, '')}".rstrip() for name in charge.names]
            doubt = f"{and_list(held)} are to blame together"
        # One alone is to blame, and the failure comes out of what is there for another: these two do not work together.
        package = failure_of(test).package
        brings = None if names.owner(package) else _carrier(package, present, components)
        if len(blamed) == 1 and brings and brings not in blamed:
            doubt = doubt or f"it comes out of {package}, which is there for {brings}"
            blamed = blamed | {brings}
        return Attribution(components=blamed, doubt=doubt)


def _carrier(distribution: str, present: Collection[str], components: Components) -> str | None:
    """The component whose documentation installs `distribution` beside it, if it is here."""
    for component in components.components:
        if component.name in present:
            beside = {canonicalize_name(Requirement(text).name) for text in component.install}
            if distribution in beside - set(component.distributions):
                return component.name
    return None


def unexplained(verdicts: Iterable[CellVerdict], charges: Diagnoses) -> tuple[CellVerdict, ...]:
    """One broken cell for each distinct failure that leads in some cell and that no search was made for.

    The cells that ask for the newest releases come first, and of each failure the cell with the fewest distributions: a
    search in it is the cheapest.
    """
    red = [verdict for verdict in verdicts if verdict.verdict == "broken"]
    red.sort(key=lambda verdict: (verdict.cell.policy != "newest", len(verdict.installed)))
    found: list[tuple[CellVerdict, TestResult]] = []
    for verdict in red:
        test = leading(verdict.failures)
        if not charges.tried(verdict, test) and not any(similar_failure(test, other) for _, other in found):
            found.append((verdict, test))
    return tuple(verdict for verdict, _ in found)


def unexplained_crossings(
    verdicts: Iterable[CrossingVerdict], charges: Diagnoses
) -> tuple[tuple[CrossingVerdict, TestResult], ...]:
    """Each distinct failure that leads for an artifact in some crossing, with one where no search was made for it.

    What is not read comes before what is changed, and of each failure the crossing whose sides differ least: a search
    in it is the cheapest. Tests of one artifact that fail in one crossing are taken to fail for the same reason.
    """

    def weight(seen: tuple[CrossingVerdict, TestResult]) -> tuple[bool, int]:
        verdict, test = seen
        changed = test.failure is not None and test.failure.changed
        return changed, len(verdict.installed("writer").items() ^ verdict.installed("reader").items())

    due: list[tuple[CrossingVerdict, TestResult]] = []
    for verdict in verdicts:
        for artifact in dict.fromkeys(test.artifact for test in verdict.red):
            tests = [test for test in verdict.red if test.artifact == artifact]
            if not any(charges.across(verdict, test) for test in tests):
                due.append((verdict, leading(tests)))
    found: list[tuple[CrossingVerdict, TestResult]] = []
    for verdict, test in sorted(due, key=weight):
        if not any(similar_failure(test, other) for _, other in found):
            found.append((verdict, test))
    return tuple(found)
