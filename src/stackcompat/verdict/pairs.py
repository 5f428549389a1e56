"""The verdict on two component versions together. Pure functions over records.

A red verdict on a pair is *observed* only if the evidence leaves no other suspect. Every other red verdict is marked as
inferred, and the remaining doubt is said.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from stackcompat.core.record import Record
from stackcompat.core.requirements import python_key
from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import LEVELS, WORST_FIRST, Level, Verdict, worst
from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.evidence.results import TestResult
from stackcompat.verdict.attribution import Attributor, FailureAlone
from stackcompat.verdict.outcomes import TestStatus, why
from stackcompat.verdict.ownership import Ownership, mentioned, pins_of
from stackcompat.verdict.verdict import NOT_GREEN, CellVerdict, deepest

__all__ = ["PairVerdict", "judge_pairs", "tests_without_outcome"]

#: The states of a test that was to run and has no outcome that counts.
_NO_OUTCOME = frozenset(("infra", "blocked", "unconfirmed", "hangs"))


class PairVerdict(Record):
    """The verdict on two component versions together.

    Attributes:
        first: The component that stands first in the tables.
        first_version: The version of `first`.
        second: The other component.
        second_version: The version of `second`.
        verdict: The worst verdict over the Pythons that were tried.
        level: The level that is red; for a green verdict, the deepest level that passed.
        inferred: Whether the evidence leaves another explanation.
        doubt: The other explanation, in one sentence; empty if the verdict is observed.
        pythons: The verdict on each Python.
        witness: The id of the cell that shows the verdict.
        tests: The tests that the verdict rests on: those that use both and passed, or those that failed.
        signature: The signature of the failure; empty if the verdict is not red.
        seen: When the last run of the witness began.
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
    """The verdict on every pair of component versions that some cell holds, or that a cell could not bring together.

    * A pair works if a test that uses both components passed and no failure counts against the pair. If another test
      that uses both had no outcome there, the pair is only inferred to work.
    * A confirmed failure counts against each pair that it points at. It does not count if the same test passed in
      another cell with the same two versions on the same Python.
    * A failure with a doubtful attribution counts, as inferred, only against the likeliest of the pairs that it points
      at. Of the other pairs it is not known whether they work, whatever smaller tests they passed. A pair is only
      inferred to work if another test that uses all of the same components passed with its two versions.
    * Where each of these pairs passed the failing test in another cell, the components fail only together. This is a
      doubt about each of the pairs.
    * A pass in a search for a culprit counts like one in a cell, but what rests on it alone is inferred.
    * A test that passed nowhere can itself be at fault, so its failures count as inferred.
    * A failure of a release's own tests is a note about that release and counts against no pair.

    Cells with overridden metadata or local code do not count: they say nothing about the releases as published.

    Args:
        cells: The verdicts on all cells.
        components: The components of the ecosystem.
        attributor: Says which components a failure points at. Without one, the failure alone is read.
    """
    released = [
        _read_cell(verdict, verdict.installed, components)
        for verdict in cells
        if not verdict.forced and not verdict.cell.local
    ]
    tally = _Tally(components, attributor or FailureAlone())
    for cell in released:
        _note_passes(tally, cell)
        _note_passes_of_searches(tally, cell)
        _note_missing_outcomes(tally, cell)
    for cell in released:
        for status in cell.verdict.statuses:
            if status.state in ("confirmed", "flaky") and status.result.level != "upstream":
                _note_failure(tally, cell, status)
    for cell in released:
        for place in cell.pairs.values():
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
    """A pair on one Python and platform. Its verdict can differ from that on another Python or platform."""

    pair: _VersionPair
    python: str
    platform: str


class _Cell(NamedTuple):
    """A cell that counts: it has released versions only, and follows their metadata.

    Attributes:
        verdict: The verdict on the cell.
        versions: The versions of its components.
        ownership: To which component its distributions belong.
        pairs: The pair of each two components, in the order of `versions`. A component that moves with a leader is
            paired with its leader only.
    """

    verdict: CellVerdict
    versions: dict[str, str]
    ownership: Ownership
    pairs: dict[tuple[str, str], _Place]

    def places(self, names: Collection[str]) -> list[_Place]:
        """Each pair of `names` in this cell."""
        chosen = combinations([name for name in self.versions if name in names], 2)
        return [self.pairs[names_of_pair] for names_of_pair in chosen if names_of_pair in self.pairs]


def _read_cell(verdict: CellVerdict, installed: Mapping[str, str], components: Components) -> _Cell:
    """A cell, or a set of releases that was tried in the search for what breaks the cell.

    Args:
        verdict: The verdict on the cell.
        installed: Distribution to version.
        components: The components of the ecosystem.
    """
    cell, versions = verdict.cell, versions_of(installed, components)
    ownership = Ownership(components, versions)
    leaders = ownership.leaders
    pairs = {
        (first, second): _Place(
            _VersionPair(first, versions[first], second, versions[second]), cell.python, cell.platform
        )
        for first, second in combinations(versions, 2)
        if leaders.get(first, second) == second and leaders.get(second, first) == first
    }
    return _Cell(verdict, versions, ownership, pairs)


# ---------------------------------------------------------------------------------------------------------------------
# What speaks for and against each pair
# ---------------------------------------------------------------------------------------------------------------------


class _CountedFailure(NamedTuple):
    """A failure that counts against a pair. If `doubt` is empty, it is observed, else inferred."""

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
        attributor: Says which components a failure points at.
        met: By place, the first cell in which both versions are installed.
        passes: By place, the tests that use both and passed, each with the first cell that shows it.
        passed_there: By place, the sets of tests that passed where both are installed, each cell with its set. So the
            two alone do not fail such a test. Most cells have one of few sets, and an equal set is one object.
        passed_in_search: Tests that use both and passed in a search, each with the red cell that was searched.
        used_together: The sets of components that tests used which passed with the two versions of a place.
        passed_alone: Places in which a test passed that uses the two components and no others.
        passed_somewhere: Tests that passed in some cell, with any versions.
        failures: By place, the failures that count against it.
        unknown: Places of which a failure leaves it open whether they work, with the reason.
        cleared: Places that a failure pointed at and that are inferred to work, each with the reason.
        without_outcome: By place, the tests that use both and had no outcome in some cell, each with the reason.
    """

    components: Components
    attributor: Attributor
    met: dict[_Place, CellVerdict] = field(default_factory=dict)
    passes: dict[_Place, dict[str, tuple[CellVerdict, TestResult]]] = field(default_factory=dict)
    passed_there: dict[_Place, set[frozenset[str]]] = field(default_factory=dict)
    passed_in_search: dict[_Place, dict[str, tuple[CellVerdict, TestResult]]] = field(default_factory=dict)
    used_together: dict[_Place, set[frozenset[str]]] = field(default_factory=dict)
    passed_alone: set[_Place] = field(default_factory=set)
    passed_somewhere: set[str] = field(default_factory=set)
    failures: dict[_Place, list[_CountedFailure]] = field(default_factory=dict)
    unknown: dict[_Place, str] = field(default_factory=dict)
    cleared: dict[_Place, str] = field(default_factory=dict)
    without_outcome: dict[_Place, dict[str, str]] = field(default_factory=dict)
    _sets: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)

    def note_passed(self, places: Iterable[_Place], tests: Collection[str]) -> None:
        """Note that tests passed where the versions of these places are installed."""
        self.passed_somewhere.update(tests)
        distinct = frozenset(tests)
        shared = self._sets.setdefault(distinct, distinct)
        for place in places:
            self.passed_there.setdefault(place, set()).add(shared)

    def has_passed(self, test: str, place: _Place) -> bool:
        """Whether a test passed where both versions of a place are installed."""
        return any(test in tests for tests in self.passed_there.get(place, ()))


def _note_passes(tally: _Tally, cell: _Cell) -> None:
    """Add the tests that passed in a cell to the tally."""
    passed = [status.result for status in cell.verdict.statuses if status.state == "passed"]
    for users, results in _by_users(passed, cell.ownership).items():
        places = cell.places(users)
        followers = [name for name, leader in cell.ownership.leaders.items() if leader in users]
        for place in places:
            tally.used_together.setdefault(place, set()).add(frozenset(users))
        if len(places) == 1 and any(result.level != "import" for result in results.values()):
            tally.passed_alone.add(places[0])
        for place in cell.places({*users, *followers}) if followers else places:
            of_place = tally.passes.setdefault(place, {})
            if not results.keys() <= of_place.keys():
                new = results.keys() - of_place.keys()
                of_place |= {test: (cell.verdict, result) for test, result in results.items() if test in new}
    tally.note_passed(cell.pairs.values(), {result.test for result in passed})


def _by_users(passed: Iterable[TestResult], ownership: Ownership) -> dict[tuple[str, ...], dict[str, TestResult]]:
    """The smoke tests that passed in a cell, by the components that they use: name of the test to its result."""
    groups: dict[tuple[str, ...], dict[str, TestResult]] = {}
    for result in passed:
        if result.level != "upstream":  # a release's own test says nothing of two together
            groups.setdefault(ownership.users(result.components), {}).setdefault(result.test, result)
    return groups


def _note_missing_outcomes(tally: _Tally, cell: _Cell) -> None:
    """Add the tests that had no outcome in a cell to the tally."""
    for place, status in _missing_outcomes(cell):
        reason = status.note or why(status.result) or status.result.outcome
        tally.without_outcome.setdefault(place, {}).setdefault(status.result.test, reason)


def tests_without_outcome(verdict: CellVerdict, components: Components) -> dict[tuple[str, str], frozenset[str]]:
    """By pair of components in a cell, the smoke tests that use both and were to run, but had no outcome.

    Args:
        verdict: The verdict on the cell.
        components: The components of the ecosystem.
    """
    tests: dict[tuple[str, str], set[str]] = {}
    for place, status in _missing_outcomes(_read_cell(verdict, verdict.installed, components)):
        tests.setdefault((place.pair.first, place.pair.second), set()).add(status.result.test)
    return {names: frozenset(of_pair) for names, of_pair in tests.items()}


def _missing_outcomes(cell: _Cell) -> Iterator[tuple[_Place, TestStatus]]:
    """The smoke tests of a cell that had no outcome, each with every pair that it would have told something of.

    A test that was blocked because a third component cannot be imported tells nothing of the other two: that failure
    counts on its own.
    """
    statuses = [status for status in cell.verdict.statuses if status.result.level != "upstream"]
    without_outcome = [status for status in statuses if status.state in _NO_OUTCOME]
    if not without_outcome:
        return
    unimportable = {
        user
        for status in statuses
        if status.result.level == "import" and status.state not in ("passed", "not-applicable")
        for user in cell.ownership.users(status.result.components)
    }
    for status in without_outcome:
        users = cell.ownership.users(status.result.components)
        followers = [name for name, leader in cell.ownership.leaders.items() if leader in users]
        blocking = unimportable.intersection(users) if status.state == "blocked" else frozenset()
        for place in cell.places({*users, *followers}):
            if not blocking or blocking & {place.pair.first, place.pair.second}:
                yield place, status


def _note_passes_of_searches(tally: _Tally, cell: _Cell) -> None:
    """Add the sets in which searches for the culprits of a cell saw its failing tests pass."""
    for status in cell.verdict.statuses:
        if status.state not in ("confirmed", "flaky"):
            continue
        result = status.result
        for installed in tally.attributor.passing_sets(cell.verdict, result):
            probed = _read_cell(cell.verdict, installed, tally.components)
            tally.note_passed(probed.pairs.values(), {result.test})
            for place in probed.places(probed.ownership.users(result.components)):
                tally.passed_in_search.setdefault(place, {}).setdefault(result.test, (cell.verdict, result))


def _note_failure(tally: _Tally, cell: _Cell, status: TestStatus) -> None:
    """Count one failure of a cell against the pairs that it points at."""
    result = status.result
    attribution = tally.attributor.attribute(cell.verdict, result, cell.versions, tally.components)
    pointed_at = cell.places(attribution.components)
    suspects = [place for place in pointed_at if not tally.has_passed(result.test, place)]
    if status.state == "confirmed" and pointed_at and not suspects:
        _note_joint_failure(tally, cell, status, attribution.components)
    users = frozenset(cell.ownership.users(result.components))
    elsewhere = [place for place in suspects if any(users <= used for used in tally.used_together.get(place, ()))]
    left = [place for place in suspects if place not in elsewhere] or suspects
    blamed = suspects if attribution.sure else _likeliest(tally, left, attribution.traced)
    doubt = attribution.doubt or _doubt_about_test(tally, cell, result)
    verdict = NOT_GREEN[status.state]
    for place in blamed:
        failure = _CountedFailure(verdict, result.level, cell.verdict, result.test, why(result), doubt)
        tally.failures.setdefault(place, []).append(failure)
    likelier = ", ".join(str(other.pair) for other in blamed)
    for place in suspects:
        if place in blamed:
            continue
        if place in elsewhere:
            tally.cleared[place] = f"{result.test} failed with both there; inferred to lie with {likelier}"
        else:
            tally.unknown[place] = (
                f"{result.test} failed with both there, and it is not known if it lies with them (likelier: {likelier})"
            )


def _note_joint_failure(tally: _Tally, cell: _Cell, status: TestStatus, pointed_at: Collection[str]) -> None:
    """Note a failure of components of which each two passed the same test elsewhere, as a doubt about each pair."""
    users = {*pointed_at, *cell.ownership.users(status.result.components)}
    releases = [f"{name} {version}" for name, version in cell.versions.items() if name in users]
    for place in cell.places(pointed_at):
        tally.cleared[place] = (
            f"{status.result.test} fails with {and_list(releases)} together in cell {cell.verdict.cell.id}, "
            "though it passed with these two elsewhere"
        )


def _likeliest(tally: _Tally, suspects: list[_Place], traced: Sequence[str]) -> list[_Place]:
    """Choose the pairs that a failure counts against: the first of these groups that is not empty.

    1. The pairs on the traceback for which no test of the two alone passed.
    2. All pairs for which no test of the two alone passed.
    3. The pairs on the traceback.
    4. All pairs.
    """
    on_traceback = [place for place in suspects if place.pair.first in traced and place.pair.second in traced]
    untested = [place for place in suspects if place not in tally.passed_alone]
    return [place for place in on_traceback if place in untested] or untested or on_traceback or suspects


def _doubt_about_test(tally: _Tally, cell: _Cell, result: TestResult) -> str:
    """Why a test itself can be at fault, in a sentence; empty if it passed somewhere or a search explains it."""
    if result.level == "import" or result.test in tally.passed_somewhere:
        return ""
    if tally.attributor.is_explained(cell.verdict, result):
        return ""
    return f"{result.test} passed in no cell yet, so the test itself may be at fault"


def _note_conflict(tally: _Tally, verdict: CellVerdict) -> None:
    """Count a conflict of bounds against a pair, if it names exactly two pinned components, and these never met."""
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
    if place in tally.unknown:
        return _pair_verdict(place, "untested", "install", tally.met[place], doubt=tally.unknown[place])
    if place in tally.passes:
        doubt = tally.cleared.get(place, "") or _doubt_by_missing_outcome(tally, place)
        return _green(place, tally.passes[place], doubt)
    if place in tally.passed_in_search:
        passes = tally.passed_in_search[place]
        searched = next(cell.cell.id for cell, _ in passes.values())
        tests = and_list(sorted(passes))
        doubt = f"only seen in the search for what breaks cell {searched}, where {tests} passed with both"
        return _green(place, passes, doubt)
    return _pair_verdict(place, "untested", "install", tally.met[place])


def _doubt_by_missing_outcome(tally: _Tally, place: _Place) -> str:
    """The doubt about a pair that works, if a test that uses both had no outcome there; else empty."""
    for test, reason in tally.without_outcome.get(place, {}).items():
        if not tally.has_passed(test, place):
            return f"{test} uses both and had no outcome with them: {reason}"
    return ""


def _red(place: _Place, failures: Sequence[_CountedFailure]) -> PairVerdict:
    """The verdict on a pair against which failures count."""
    verdict = worst(failure.verdict for failure in failures)
    deciding = [failure for failure in failures if failure.verdict == verdict]
    # Observed failures go first, then those at the shallowest level, since deeper failures can follow from these.
    first = min(deciding, key=lambda failure: (bool(failure.doubt), LEVELS.index(failure.level)))
    tests = {failure.test for failure in deciding if failure.test}
    return _pair_verdict(
        place, verdict, first.level, first.witness, tests=tests, doubt=first.doubt, signature=first.signature
    )


def _green(place: _Place, passes: dict[str, tuple[CellVerdict, TestResult]], doubt: str) -> PairVerdict:
    """The verdict on a pair for which tests passed and against which no failure counts."""
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
    """Merge the verdicts on each Python and platform: the worst counts, and of equal ones an observed one."""
    decisive = min(
        (verdict for _, verdict in verdicts), key=lambda verdict: (WORST_FIRST.index(verdict.verdict), verdict.inferred)
    )
    by_python: dict[str, list[Verdict]] = {}
    for place, verdict in verdicts:
        by_python.setdefault(place.python, []).append(verdict.verdict)
    pythons = {python: worst(by_python[python]) for python in sorted(by_python, key=python_key)}
    return decisive.model_copy(update={"pythons": pythons})
