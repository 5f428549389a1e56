"""What the evidence says of components: of each one in a cell, and of two of their versions together. Pure functions.

These rules go on from those of :mod:`stackcompat.verdict.verdict`: a pair is red as *seen* only where the evidence
leaves no other suspect; whatever else is said of it is marked inferred, with the doubt that remains.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from stackcompat.core.record import Record
from stackcompat.core.requirements import python_key
from stackcompat.core.vocabulary import LEVELS, WORST_FIRST, Level, Verdict, worst
from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.verdict.attribution import Attributor, FailureAlone
from stackcompat.verdict.outcomes import TestStatus, classify, why
from stackcompat.verdict.ownership import Ownership, mentioned, pins_of
from stackcompat.verdict.verdict import NOT_GREEN, CellVerdict, deepest

__all__ = ["PairVerdict", "judge_components", "judge_pairs", "judge_parts"]


def judge_components(
    verdict: CellVerdict, statuses: Iterable[TestStatus], components: Components, attributor: Attributor | None = None
) -> dict[str, tuple[Verdict, Level]]:
    """Each component of a cell: its verdict there, and the level that is red or, if none is, the deepest that passed.

    A component that moves with another has that other's verdict.

    A component is red only where a confirmed failure points at it (where that is unsure: where it is on the traceback,
    or nobody narrows it down), and green only where no test that uses it lacks an outcome. `attributor` says whom a
    failure points at; without one, the failure itself.
    """
    attributor = attributor or FailureAlone()
    present = versions_of(verdict.installed, components)
    names = Ownership(components, present)
    found: dict[str, list[tuple[Verdict, Level]]] = {name: [] for name in present}
    for status in statuses:
        result = status.result
        if status.state in ("confirmed", "flaky"):
            suspicion = attributor.attribute(verdict, result, present, components)
            narrowed = not suspicion.sure and len(suspicion.traced) > 1
            for name in suspicion.traced if narrowed else suspicion.components:
                found[name].append((NOT_GREEN[status.state], result.level))
        elif status.state not in ("not-applicable", "feature-broken"):
            for name in names.users(result.components):
                found[name].append((NOT_GREEN.get(status.state, "works"), result.level))
    return {name: _summarise_component(found[names.leaders.get(name, name)]) for name in found}


def judge_parts(
    verdict: CellVerdict, statuses: Iterable[TestStatus], components: Components, attributor: Attributor | None = None
) -> dict[str, tuple[Verdict, Level]]:
    """As :func:`judge_components`, for those that are a part of another's distribution: by the tests that tell of them.

    A part of which no test tells anything here is not in the answer.
    """
    told = tuple(statuses)
    found = {}
    for part in components.components:
        whole = components.whole(part) if part.tests else None
        if whole is not None and whole.distribution in verdict.installed:
            telling = [status for status in told if part.tested_by(status.result.test)]
            found[part.name] = judge_components(verdict, telling, components, attributor)[whole.name]
    return {name: said for name, said in found.items() if said[0] != "untested"}


def _summarise_component(entries: Sequence[tuple[Verdict, Level]]) -> tuple[Verdict, Level]:
    verdict = worst(verdict for verdict, _ in entries)
    levels = [level for entry, level in entries if entry == verdict]
    pick = max if verdict == "works" else min
    return verdict, pick(levels, key=LEVELS.index, default="install")


class PairVerdict(Record):
    """What is known of two component versions together; `first` stands before `second` in the tables.

    `verdict` is the worst over the Pythons that were tried, `pythons` has each. `inferred` is true when the evidence
    leaves another explanation, which `doubt` gives in one sentence. `witness` is the id of the cell that shows it;
    `tests` the joint tests that passed, or that failed. `level` is the first that is red, or the deepest that passed.
    """

    first: str
    first_version: str
    second: str
    second_version: str
    verdict: Verdict
    level: Level
    inferred: bool
    doubt: str = ""
    pythons: dict[str, Verdict]
    witness: str
    tests: tuple[str, ...]
    signature: str = ""
    seen: dt.datetime | None = None


class _VersionPair(NamedTuple):
    first: str
    first_version: str
    second: str
    second_version: str

    def __str__(self) -> str:
        return f"{self.first} {self.first_version} with {self.second} {self.second_version}"


class _Where(NamedTuple):
    """A pair on one Python and platform: what holds on one need not hold on another."""

    pair: _VersionPair
    python: str
    platform: str


class _CellEvidence(NamedTuple):
    """A cell that tells something about released versions as their metadata allows them."""

    verdict: CellVerdict
    versions: dict[str, str]
    names: Ownership
    statuses: tuple[TestStatus, ...]

    def places(self, names: Collection[str]) -> list[_Where]:
        """Each pair of `names` as it stands in this cell; who moves with another is in a pair with that one only."""
        cell, leaders = self.verdict.cell, self.names.leaders
        return [
            _Where(_VersionPair(a, self.versions[a], b, self.versions[b]), cell.python, cell.platform)
            for a, b in combinations([name for name in self.versions if name in names], 2)
            if leaders.get(a, b) == b and leaders.get(b, a) == a
        ]


class _HeldFailure(NamedTuple):
    """A failure held against a pair; no doubt: it was seen."""

    verdict: Verdict
    level: Level
    witness: CellVerdict
    test: str
    signature: str
    doubt: str


def judge_pairs(
    cells: Iterable[CellVerdict],
    evidence: Mapping[str, tuple[Evidence, ...]],
    components: Components,
    attributor: Attributor | None = None,
) -> tuple[PairVerdict, ...]:
    """The verdict on every pair of component versions that met in some cell, or that a cell could not bring together.

    A pair works where a test that uses both passed and no failure is held against it. A confirmed failure is held
    against a pair that it points at, unless the same test passed where the same two versions were installed on the same
    Python in some other cell. Where a failure points at more than one pair, it is held, as inferred, against those that
    are the likeliest, and the others' innocence is inferred too. Where a test never passed anywhere, the test itself
    may be at fault, so what it says is inferred. What the `attributor` knows from searches goes before what a failure
    only suggests. Cells with overridden metadata or local code do not count: they say
    nothing about the releases as published.
    """
    cases = []
    for verdict in cells:
        if not verdict.forced and not verdict.cell.local:
            versions = versions_of(verdict.installed, components)
            statuses = classify(evidence.get(verdict.key, ()))
            cases.append(_CellEvidence(verdict, versions, Ownership(components, versions), statuses))
    trial = _Tally(cases, components, attributor or FailureAlone())
    for case in cases:
        for status in case.statuses:
            if status.state in ("confirmed", "flaky"):
                trial.hear(case, status)
    met: dict[_Where, CellVerdict] = {}
    for case in cases:
        for where in case.places(case.versions):
            met.setdefault(where, case.verdict)
    for case in cases:
        for where, charge in _unresolvable(case.verdict, components):
            if where not in met:
                trial.charges.setdefault(where, []).append(charge)
    found: dict[_VersionPair, list[tuple[_Where, PairVerdict]]] = {}
    for where in sorted(met.keys() | trial.charges.keys()):
        found.setdefault(where.pair, []).append((where, trial.judge(where, met.get(where))))
    return tuple(_merge(said) for said in found.values())


class _Tally:
    """What speaks for and against each pair, wherever it was."""

    def __init__(self, cases: Iterable[_CellEvidence], components: Components, attributor: Attributor) -> None:
        self._components = components
        self._attributor = attributor
        #: Tests that use both sides of a pair and passed, each with the first cell that shows it.
        self._passes: dict[_Where, dict[str, tuple[CellVerdict, TestResult]]] = {}
        #: Tests that passed where both sides were installed: whatever else fails them, these two alone do not.
        self._harmless: dict[_Where, set[str]] = {}
        #: Pairs that passed a test of their own, which uses nobody else.
        self._own: set[_Where] = set()
        #: Tests that passed somewhere, with whatever versions.
        self._proven: set[str] = set()
        self.charges: dict[_Where, list[_HeldFailure]] = {}
        #: Suspects that were let off, and why.
        self._acquitted: dict[_Where, str] = {}
        for case in cases:
            self._admit(case)

    def _admit(self, case: _CellEvidence) -> None:
        """Take down what passed in `case`."""
        passed = [status.result for status in case.statuses if status.state == "passed"]
        for result in passed:
            users = case.names.users(result.components)
            places = case.places(users)
            if len(places) == 1 and result.level != "import":
                self._own.add(places[0])
            followers = [name for name, leader in case.names.leaders.items() if leader in users]
            for where in case.places({*users, *followers}):
                self._passes.setdefault(where, {}).setdefault(result.test, (case.verdict, result))
        tests = {result.test for result in passed}
        self._proven |= tests
        for where in case.places(case.versions):
            self._harmless.setdefault(where, set()).update(tests)

    def hear(self, case: _CellEvidence, status: TestStatus) -> None:
        """Hold one failure of `case` against whom it points at."""
        result = status.result
        suspicion = self._attributor.attribute(case.verdict, result, case.versions, self._components)
        suspects = [where for where in case.places(suspicion.components) if result.test not in self._harmless[where]]
        blamed = suspects if suspicion.sure else self._likeliest(suspects, suspicion.traced)
        doubt = suspicion.doubt
        proven = result.test in self._proven or self._attributor.is_explained(case.verdict, result)
        if not doubt and not proven and result.level != "import":
            doubt = f"{result.test} passed in no cell yet, so the test itself may be at fault"
        for where in blamed:
            verdict = NOT_GREEN[status.state]
            charge = _HeldFailure(verdict, result.level, case.verdict, result.test, why(result), doubt)
            self.charges.setdefault(where, []).append(charge)
        for where in suspects:
            if where not in blamed:
                who = ", ".join(str(other.pair) for other in blamed)
                self._acquitted[where] = f"{result.test} failed with both there; inferred to lie with {who}"

    def _likeliest(self, suspects: list[_Where], traced: Sequence[str]) -> list[_Where]:
        """Choose the pairs to blame among several: the first of these groups that has any.

        On the traceback and without a passed test of their own; without one; on the traceback; all.
        """
        on_way = [where for where in suspects if where.pair.first in traced and where.pair.second in traced]
        without = [where for where in suspects if where not in self._own]
        return [where for where in on_way if where in without] or without or on_way or suspects

    def judge(self, where: _Where, met: CellVerdict | None) -> PairVerdict:
        """The verdict on a pair in one place, where it `met` in a cell or is charged."""
        charges, passes = self.charges.get(where, []), self._passes.get(where, {})
        if charges:
            verdict = worst(charge.verdict for charge in charges)
            held = [charge for charge in charges if charge.verdict == verdict]
            # What was seen goes before what was inferred, then the shallowest level: the rest may follow from it.
            chief = min(held, key=lambda charge: (bool(charge.doubt), LEVELS.index(charge.level)))
            tests = {charge.test for charge in held if charge.test}
            level, witness, signature, doubt = chief.level, chief.witness, chief.signature, chief.doubt
        elif passes:
            verdict, tests, signature = "works", set(passes), ""
            level = deepest(result for _, result in passes.values())
            witness = next(cell for cell, result in passes.values() if result.level == level)
            doubt = self._acquitted.get(where, "")
        else:
            assert met is not None  # a place is known by a meeting or by a charge
            verdict, level, witness, tests, signature, doubt = "untested", "install", met, set(), "", ""
        return PairVerdict(
            **where.pair._asdict(),
            verdict=verdict,
            level=level,
            inferred=bool(doubt),
            doubt=doubt,
            pythons={where.python: verdict},
            witness=witness.cell.id,
            tests=tuple(sorted(tests)),
            signature=signature,
            seen=witness.seen,
        )


def _unresolvable(verdict: CellVerdict, components: Components) -> list[tuple[_Where, _HeldFailure]]:
    """The pair of exact pins whose bounds exclude each other, where a conflict names just two of them."""
    conflict = verdict.conflict
    if verdict.verdict != "unresolvable" or conflict is None or conflict.kind != "bounds":
        return []
    pins = pins_of(verdict.cell, components)
    named = mentioned(conflict.sentence, components)
    if len(named) != 2 or not named <= pins.keys():
        return []
    first, second = (name for name in components.names() if name in named)
    pair = _VersionPair(first, pins[first], second, pins[second])
    doubt = "" if len(verdict.cell.requirements) == 2 else "other requirements were part of the request"
    where = _Where(pair, verdict.cell.python, verdict.cell.platform)
    return [(where, _HeldFailure("unresolvable", "resolve", verdict, "", conflict.sentence, doubt))]


def _merge(said: Sequence[tuple[_Where, PairVerdict]]) -> PairVerdict:
    """One verdict from those on each Python and platform: the worst, the one seen before the one inferred."""
    chief = min((v for _, v in said), key=lambda v: (WORST_FIRST.index(v.verdict), v.inferred))
    by_python: dict[str, list[Verdict]] = {}
    for where, verdict in said:
        by_python.setdefault(where.python, []).append(verdict.verdict)
    pythons = {python: worst(by_python[python]) for python in sorted(by_python, key=python_key)}
    return chief.model_copy(update={"pythons": pythons})
