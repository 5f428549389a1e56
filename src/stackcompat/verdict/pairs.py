"""What the evidence says of two component versions together. Pure functions over records.

A pair is red as *observed* only if the evidence leaves no other suspect. Whatever else is said of it is marked as
inferred, with the doubt that remains.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from stackcompat.core.record import Record
from stackcompat.core.requirements import python_key
from stackcompat.core.vocabulary import LEVELS, WORST_FIRST, Level, Verdict, worst
from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.evidence.results import TestResult
from stackcompat.verdict.attribution import Attributor, FailureAlone
from stackcompat.verdict.outcomes import TestStatus, why
from stackcompat.verdict.ownership import Ownership, mentioned, pins_of
from stackcompat.verdict.verdict import NOT_GREEN, CellVerdict, deepest

__all__ = ["PairVerdict", "judge_pairs"]


class PairVerdict(Record):
    """What is known of two component versions together.

    Attributes:
        first: The component that stands first in the tables.
        first_version: Its version.
        second: The other component.
        second_version: Its version.
        verdict: The worst verdict over the Pythons that were tried.
        level: The level that is red, or the deepest that passed.
        inferred: Whether the evidence leaves another explanation.
        doubt: That explanation, in one sentence.
        pythons: The verdict on each Python.
        witness: The id of the cell that shows it.
        tests: The tests of both that passed, or that failed.
        signature: The failure, if it is red.
        seen: When the witness was run.
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


def judge_pairs(
    cells: Iterable[CellVerdict], components: Components, attributor: Attributor | None = None
) -> tuple[PairVerdict, ...]:
    """The verdict on every pair of component versions that is in some cell, or that a cell could not bring together.

    A pair works if a test that uses both passed and no failure counts against it. A confirmed failure counts against a
    pair that it points at, unless the same test passed where the same two versions were installed on the same Python in
    another cell. If a failure points at several pairs, it counts, as inferred, against the likeliest of them, and the
    others are inferred to work. If a test passed nowhere, the test itself can be at fault, so what it says is inferred.

    Cells with overridden metadata or local code do not count: they say nothing about the releases as published.

    Args:
        cells: The verdicts on all cells.
        components: The components of the ecosystem.
        attributor: Says whom a failure points at, by what searches have shown; without one, the failure itself does.
    """
    released = [_read_cell(verdict, components) for verdict in cells if not verdict.forced and not verdict.cell.local]
    tally = _Tally(components, attributor or FailureAlone())
    for cell in released:
        _note_passes(tally, cell)
    for cell in released:
        for status in cell.verdict.statuses:
            if status.state in ("confirmed", "flaky"):
                _note_failure(tally, cell, status)
    for cell in released:
        for place in cell.places(cell.versions):
            tally.met.setdefault(place, cell.verdict)
    for cell in released:
        _note_conflict(tally, cell.verdict)
    verdicts: dict[_VersionPair, list[tuple[_Place, PairVerdict]]] = {}
    for place in sorted(tally.met.keys() | tally.failures.keys()):
        verdicts.setdefault(place.pair, []).append((place, _judge_place(tally, place)))
    return tuple(_merge(verdicts_of_pair) for verdicts_of_pair in verdicts.values())


# ---------------------------------------------------------------------------------------------------------------------
# Cells and pairs
# ---------------------------------------------------------------------------------------------------------------------


class _VersionPair(NamedTuple):
    first: str
    first_version: str
    second: str
    second_version: str

    def __str__(self) -> str:
        return f"{self.first} {self.first_version} with {self.second} {self.second_version}"


class _Place(NamedTuple):
    """A pair on one Python and platform: what holds on one need not hold on another."""

    pair: _VersionPair
    python: str
    platform: str


class _Cell(NamedTuple):
    """A cell that tells something about released versions as their metadata allows them."""

    verdict: CellVerdict
    versions: dict[str, str]
    ownership: Ownership

    def places(self, names: Collection[str]) -> list[_Place]:
        """Each pair of `names` in this cell. A component that moves with another is in a pair with that one only."""
        cell, leaders = self.verdict.cell, self.ownership.leaders
        return [
            _Place(_VersionPair(first, self.versions[first], second, self.versions[second]), cell.python, cell.platform)
            for first, second in combinations([name for name in self.versions if name in names], 2)
            if leaders.get(first, second) == second and leaders.get(second, first) == first
        ]


def _read_cell(verdict: CellVerdict, components: Components) -> _Cell:
    versions = versions_of(verdict.installed, components)
    return _Cell(verdict, versions, Ownership(components, versions))


# ---------------------------------------------------------------------------------------------------------------------
# What speaks for and against each pair
# ---------------------------------------------------------------------------------------------------------------------


class _CountedFailure(NamedTuple):
    """A failure that counts against a pair. Without a doubt, it was observed."""

    verdict: Verdict
    level: Level
    witness: CellVerdict
    test: str
    signature: str
    doubt: str


@dataclass
class _Tally:
    """What speaks for and against each pair, over all cells.

    Attributes:
        components: The components of the ecosystem.
        attributor: Says whom a failure points at.
        met: Places in which both versions are installed, with the first cell that has them.
        passes: Tests that use both and passed, each with the first cell that shows it.
        passed_there: Tests that passed where both are installed. Whatever else fails them, these two alone do not.
        passed_alone: Places that passed a test of their own, which uses nobody else.
        passed_somewhere: Tests that passed in some cell, with any versions.
        failures: Failures that count against a place.
        cleared: Places that a failure could point at as well, but that are inferred to work, with the reason.
    """

    components: Components
    attributor: Attributor
    met: dict[_Place, CellVerdict] = field(default_factory=dict)
    passes: dict[_Place, dict[str, tuple[CellVerdict, TestResult]]] = field(default_factory=dict)
    passed_there: dict[_Place, set[str]] = field(default_factory=dict)
    passed_alone: set[_Place] = field(default_factory=set)
    passed_somewhere: set[str] = field(default_factory=set)
    failures: dict[_Place, list[_CountedFailure]] = field(default_factory=dict)
    cleared: dict[_Place, str] = field(default_factory=dict)


def _note_passes(tally: _Tally, cell: _Cell) -> None:
    """Note what passed in a cell."""
    passed = [status.result for status in cell.verdict.statuses if status.state == "passed"]
    leaders = cell.ownership.leaders
    for result in passed:
        users = cell.ownership.users(result.components)
        places = cell.places(users)
        if len(places) == 1 and result.level != "import":
            tally.passed_alone.add(places[0])
        followers = [name for name, leader in leaders.items() if leader in users]
        for place in cell.places({*users, *followers}):
            tally.passes.setdefault(place, {}).setdefault(result.test, (cell.verdict, result))
    tests = {result.test for result in passed}
    tally.passed_somewhere |= tests
    for place in cell.places(cell.versions):
        tally.passed_there.setdefault(place, set()).update(tests)


def _note_failure(tally: _Tally, cell: _Cell, status: TestStatus) -> None:
    """Count one failure of a cell against the pairs that it points at."""
    result = status.result
    attribution = tally.attributor.attribute(cell.verdict, result, cell.versions, tally.components)
    suspects = [place for place in cell.places(attribution.components) if result.test not in tally.passed_there[place]]
    blamed = suspects if attribution.sure else _likeliest(tally, suspects, attribution.traced)
    doubt = attribution.doubt or _doubt_about_test(tally, cell, result)
    verdict = NOT_GREEN[status.state]
    for place in blamed:
        failure = _CountedFailure(verdict, result.level, cell.verdict, result.test, why(result), doubt)
        tally.failures.setdefault(place, []).append(failure)
    for place in suspects:
        if place not in blamed:
            others = ", ".join(str(other.pair) for other in blamed)
            tally.cleared[place] = f"{result.test} failed with both there; inferred to lie with {others}"


def _likeliest(tally: _Tally, suspects: list[_Place], traced: Sequence[str]) -> list[_Place]:
    """Choose the pairs that a failure counts against: the first of these groups that has any.

    On the traceback and without a passed test of their own; without one; on the traceback; all.
    """
    on_traceback = [place for place in suspects if place.pair.first in traced and place.pair.second in traced]
    untested = [place for place in suspects if place not in tally.passed_alone]
    return [place for place in on_traceback if place in untested] or untested or on_traceback or suspects


def _doubt_about_test(tally: _Tally, cell: _Cell, result: TestResult) -> str:
    """Why a test itself can be at fault, in a sentence; empty if it was seen to pass, or a search explains it."""
    if result.level == "import" or result.test in tally.passed_somewhere:
        return ""
    if tally.attributor.is_explained(cell.verdict, result):
        return ""
    return f"{result.test} passed in no cell yet, so the test itself may be at fault"


def _note_conflict(tally: _Tally, verdict: CellVerdict) -> None:
    """Count a conflict of bounds against the two exact pins that it names, if it names just two that never met."""
    conflict = verdict.conflict
    if verdict.verdict != "unresolvable" or conflict is None or conflict.kind != "bounds":
        return
    pins = pins_of(verdict.cell, tally.components)
    named = mentioned(conflict.sentence, tally.components)
    if len(named) != 2 or not named <= pins.keys():
        return
    first, second = (name for name in tally.components.names() if name in named)
    pair = _VersionPair(first, pins[first], second, pins[second])
    place = _Place(pair, verdict.cell.python, verdict.cell.platform)
    if place not in tally.met:
        doubt = "" if len(verdict.cell.requirements) == 2 else "other requirements were part of the request"
        failure = _CountedFailure("unresolvable", "resolve", verdict, "", conflict.sentence, doubt)
        tally.failures.setdefault(place, []).append(failure)


# ---------------------------------------------------------------------------------------------------------------------
# The verdict
# ---------------------------------------------------------------------------------------------------------------------


def _judge_place(tally: _Tally, place: _Place) -> PairVerdict:
    """The verdict on a pair in one place."""
    if place in tally.failures:
        return _red(place, tally.failures[place])
    if place in tally.passes:
        return _green(place, tally.passes[place], tally.cleared.get(place, ""))
    return _pair_verdict(place, "untested", "install", tally.met[place])


def _red(place: _Place, failures: Sequence[_CountedFailure]) -> PairVerdict:
    """The verdict on a pair that failures count against."""
    verdict = worst(failure.verdict for failure in failures)
    deciding = [failure for failure in failures if failure.verdict == verdict]
    # What was observed goes before what was inferred, then the shallowest level: the rest can follow from it.
    first = min(deciding, key=lambda failure: (bool(failure.doubt), LEVELS.index(failure.level)))
    tests = {failure.test for failure in deciding if failure.test}
    return _pair_verdict(
        place, verdict, first.level, first.witness, tests=tests, doubt=first.doubt, signature=first.signature
    )


def _green(place: _Place, passes: dict[str, tuple[CellVerdict, TestResult]], doubt: str) -> PairVerdict:
    """The verdict on a pair that passed tests of both, and that no failure counts against."""
    level = deepest(result for _, result in passes.values())
    witness = next(cell for cell, result in passes.values() if result.level == level)
    return _pair_verdict(place, "works", level, witness, tests=passes, doubt=doubt)


def _pair_verdict(
    place: _Place,
    verdict: Verdict,
    level: Level,
    witness: CellVerdict,
    *,
    tests: Iterable[str] = (),
    doubt: str = "",
    signature: str = "",
) -> PairVerdict:
    return PairVerdict(
        **place.pair._asdict(),
        verdict=verdict,
        level=level,
        inferred=bool(doubt),
        doubt=doubt,
        pythons={place.python: verdict},
        witness=witness.cell.id,
        tests=tuple(sorted(tests)),
        signature=signature,
        seen=witness.seen,
    )


def _merge(verdicts: Sequence[tuple[_Place, PairVerdict]]) -> PairVerdict:
    """One verdict from those on each Python and platform: the worst, what was observed before what was inferred."""
    decisive = min(
        (verdict for _, verdict in verdicts), key=lambda verdict: (WORST_FIRST.index(verdict.verdict), verdict.inferred)
    )
    by_python: dict[str, list[Verdict]] = {}
    for place, verdict in verdicts:
        by_python.setdefault(place.python, []).append(verdict.verdict)
    pythons = {python: worst(by_python[python]) for python in sorted(by_python, key=python_key)}
    return decisive.model_copy(update={"pythons": pythons})
