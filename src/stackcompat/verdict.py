"""What the evidence says: of a test, a cell, a component in a cell, and a pair of component versions. Pure functions.

The rules of evidence are here and nowhere else:

* a red run counts only when it fails again, the same way, in a fresh environment; red and green is flaky;
* infrastructure and invalid environments never turn anything red, and never green either;
* a pair is red as *seen* only where the evidence leaves no other suspect; whatever else is said is marked inferred.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Literal, NamedTuple, get_args

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stackcompat.evidence import Evidence, Failure, PlannedCell, TestResult
from stackcompat.lock import Conflict, HeldBack
from stackcompat.matrix import Component, Components, Level
from stackcompat.plan import Cell
from stackcompat.record import Record

__all__ = [
    "LEVELS",
    "CellVerdict",
    "PairVerdict",
    "Standing",
    "Suspicion",
    "Verdict",
    "implicated",
    "judge",
    "judge_components",
    "judge_pairs",
    "mentioned",
    "pins_of",
    "settle",
    "versions_of",
    "worst",
]

Verdict = Literal[
    "works",
    "broken",
    "unresolvable",
    "uninstallable",
    "flaky",
    "invalid",
    "untested",
    "not-applicable",
    "infra-error",
]

#: Levels, shallowest first.
LEVELS: tuple[Level, ...] = get_args(Level)

#: Of two verdicts on the same thing (on two Pythons, by two tests), the one that stands earlier here is shown.
_WORST_FIRST: tuple[Verdict, ...] = (
    "broken",
    "uninstallable",
    "unresolvable",
    "flaky",
    "invalid",
    "infra-error",
    "works",
    "untested",
    "not-applicable",
)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that a reader must see first; ``untested`` when there is none."""
    return min(verdicts, key=_WORST_FIRST.index, default="untested")


# ---------------------------------------------------------------------------------------------------------------------
# One test over all runs of a cell
# ---------------------------------------------------------------------------------------------------------------------


class Standing(Record):
    """Where one test stands after every run of a lock.

    ``confirmed`` failed the same way in two environments, ``flaky`` failed and also passed, or failed in different
    ways, ``once`` failed and was not tried again, ``starved`` was kept from an outcome by infrastructure. `result` is
    the run that tells; `note` says in a few words what a reader should know besides.
    """

    state: Literal["passed", "confirmed", "flaky", "once", "starved", "blocked", "not-applicable"]
    result: TestResult
    note: str = ""


#: What an exhausted machine or an absent network says through an exception: never an incompatibility.
_EXHAUSTED = re.compile(
    r"no space left on device|disk quota exceeded|cannot allocate memory|out of memory|std::bad_alloc"
    r"|too many open files|can't start new thread|resource temporarily unavailable"
    r"|temporary failure in name resolution|name or service not known|network is unreachable",
    re.IGNORECASE,
)


def _starved(result: TestResult) -> bool:
    if result.outcome in ("timeout", "out-of-memory"):
        return True
    failure = result.failure
    return failure is not None and (
        failure.type.endswith("MemoryError") or _EXHAUSTED.search(failure.message) is not None
    )


def _same_way(first: TestResult, second: TestResult) -> bool:
    """The same exception from the same place; the message may hold numbers that differ from run to run."""

    def way(result: TestResult) -> tuple[str, str, str, str]:
        failure = result.failure or Failure(type="", message="")
        return result.outcome, failure.type, failure.package, failure.where

    return way(first) == way(second)


def _why(result: TestResult) -> str:
    return result.failure.signature if result.failure else result.reason


def settle(runs: Iterable[Evidence]) -> tuple[Standing, ...]:
    """Where each test stands, in the order of the first run that had it. Runs that did not run tests count for nothing.

    `runs` are oldest first; each is a fresh environment of the same lock, and may have run some of the tests only.
    """
    seen: dict[str, list[TestResult]] = {}
    for run in runs:
        if run.outcome == "ran":
            for result in run.tests:
                seen.setdefault(result.test, []).append(result)
    return tuple(_stand(results) for results in seen.values())


def _stand(results: Sequence[TestResult]) -> Standing:
    starved = [result for result in results if _starved(result)]
    red = [result for result in results if result.outcome in ("failed", "crashed") and result not in starved]
    green = [result for result in results if result.outcome == "passed"]
    if red and green:
        return Standing(state="flaky", result=red[-1], note="failed once and passed once in fresh environments")
    if green:
        return Standing(state="passed", result=green[-1])
    for first, second in combinations(red, 2):
        if _same_way(first, second):
            same = _why(first) == _why(second)
            note = "" if same else f"with another message the other time: {_why(first)}"
            return Standing(state="confirmed", result=second, note=note)
    if len(red) > 1:
        note = f"failed in {len(red)} fresh environments, each time differently: {_why(red[0])}; then {_why(red[-1])}"
        return Standing(state="flaky", result=red[-1], note=note)
    if red:
        return Standing(state="once", result=red[0], note="failed once and was not tried again")
    if starved:
        last = starved[-1]
        return Standing(state="starved", result=last, note=_why(last) or last.outcome)
    last = results[-1]
    return Standing(state="blocked" if last.outcome == "blocked" else "not-applicable", result=last)


# ---------------------------------------------------------------------------------------------------------------------
# A cell
# ---------------------------------------------------------------------------------------------------------------------


class CellVerdict(Record):
    """What is known of one cell.

    `level`: for a red verdict the first level that is red, for a green one the deepest that was reached. `failures` are
    the tests that the verdict rests on where it is not green. `sentence` says it all in one line. `evidence` holds the
    ids of the runs it rests on.
    """

    cell: Cell
    verdict: Verdict
    level: Level
    sentence: str
    installed: dict[str, str] = {}
    failures: tuple[TestResult, ...] = ()
    conflict: Conflict | None = None
    held_back: tuple[HeldBack, ...] = ()
    forced: tuple[str, ...] = ()
    passed: int = 0
    not_applicable: int = 0
    blocked: int = 0
    lock_id: str = ""
    key: str = ""
    seen: dt.datetime | None = None
    evidence: tuple[str, ...] = ()


def _deepest(results: Iterable[TestResult]) -> Level:
    return max((result.level for result in results), key=LEVELS.index, default="install")


def _shallowest(results: Iterable[TestResult]) -> Level:
    return min((result.level for result in results), key=LEVELS.index, default="install")


#: What a test that is neither green nor not-applicable makes of its cell; the first of these states decides.
_NOT_GREEN: dict[str, Verdict] = {
    "confirmed": "broken",
    "flaky": "flaky",
    "once": "infra-error",
    "starved": "infra-error",
    "blocked": "infra-error",
}


class _Finding(NamedTuple):
    verdict: Verdict
    level: Level
    sentence: str
    failures: tuple[TestResult, ...] = ()


def judge(planned: PlannedCell, evidence: tuple[Evidence, ...]) -> CellVerdict:
    """The verdict on one cell from its resolution and every run of its lock, oldest first."""
    cell, resolution = planned.cell, planned.resolution
    standings = settle(evidence)
    finding = _judge_resolution(planned) or _judge_runs(evidence, standings)
    states = [standing.state for standing in standings]
    return CellVerdict(
        cell=cell,
        verdict=finding.verdict,
        level=finding.level,
        sentence=finding.sentence,
        installed=resolution.lock.versions() if resolution.lock else {},
        failures=finding.failures,
        conflict=resolution.conflict,
        held_back=resolution.held_back,
        forced=cell.overrides,
        passed=states.count("passed"),
        not_applicable=states.count("not-applicable"),
        blocked=states.count("blocked"),
        lock_id=resolution.lock.id if resolution.lock else "",
        key=planned.key,
        seen=evidence[-1].started if evidence else None,
        evidence=tuple(run.id for run in evidence),
    )


def _judge_resolution(planned: PlannedCell) -> _Finding | None:
    """What is known before anything is installed; None when there is a lock to run."""
    resolution = planned.resolution
    if resolution.outcome == "conflict" and resolution.conflict is not None:
        return _Finding("unresolvable", "resolve", resolution.conflict.sentence)
    if resolution.outcome == "no-wheel-for-platform":
        return _Finding("not-applicable", "resolve", resolution.detail)
    if resolution.outcome != "locked":
        return _Finding("infra-error", "resolve", resolution.detail or resolution.outcome)
    return None


def _judge_runs(evidence: tuple[Evidence, ...], standings: tuple[Standing, ...]) -> _Finding:
    if not evidence:
        return _Finding("untested", "resolve", "locked, but not run yet")
    ran = any(run.outcome == "ran" for run in evidence)
    refused = [run for run in evidence if run.outcome == "uninstallable"]
    if not ran and not refused:
        last = evidence[-1]
        if last.outcome == "no-wheel-for-platform":
            return _Finding("not-applicable", "install", last.detail or last.outcome)
        verdict: Verdict = "invalid" if last.outcome == "invalid" else "infra-error"
        return _Finding(verdict, "install", last.detail or last.outcome)
    if not ran:
        if len(refused) < 2:
            return _Finding("infra-error", "install", f"did not install once, not tried again: {refused[0].detail}")
        return _Finding("uninstallable", "install", refused[-1].detail)
    finding = _judge_tests(standings)
    if refused and finding.verdict == "works":
        sentence = f"installed in one fresh environment and not in another: {refused[-1].detail}"
        return _Finding("flaky", "install", sentence)
    return finding


def _judge_tests(standings: tuple[Standing, ...]) -> _Finding:
    """The first of these that any test is in: confirmed, flaky, failed once, without an outcome; else what passed."""
    for state, verdict in _NOT_GREEN.items():
        found = [standing for standing in standings if standing.state == state]
        if found:
            level = _shallowest(standing.result for standing in found)
            first = next(standing for standing in found if standing.result.level == level)
            return _Finding(verdict, level, _sentence(first), tuple(standing.result for standing in found))
    passed = [standing.result for standing in standings if standing.state == "passed"]
    if not passed:
        return _Finding("untested", "install", "installs, but no test applies to what is installed")
    noun = "test" if len(passed) == 1 else "tests"
    return _Finding("works", _deepest(passed), f"{len(passed)} {noun} passed")


def _sentence(standing: Standing) -> str:
    test = standing.result.test
    match standing.state:
        case "confirmed":
            return f"{test}: {_why(standing.result)}" + (f" ({standing.note})" if standing.note else "")
        case "blocked":
            return f"{test} could not be tried: {standing.result.reason}"
        case "starved":
            return f"{test}: {standing.result.outcome}: {standing.note}"
        case _:
            return f"{test} {standing.note}"


# ---------------------------------------------------------------------------------------------------------------------
# Whom a failing test points at
# ---------------------------------------------------------------------------------------------------------------------


class Suspicion(Record):
    """The components that a failing test points at.

    `sure`: the failure itself names the (at most two) components, or no others had a part in it. Otherwise `components`
    are all that had a part, and `traced` those of them on the way down the traceback, deepest last.
    """

    components: frozenset[str]
    sure: bool
    traced: tuple[str, ...] = ()


#: Python's own words for a module, or a name in it, that is not there.
_LACKING = re.compile(
    r"module '(?P<of>[\w.]+)' has no attribute|No module named '(?P<absent>[\w.]+)'"
    r"|cannot import name '[^']+' from '(?P<source>[\w.]+)'"
)
#: A module's own words for a name that it dropped, such as ``pkg.core.thing was removed in 1.2``.
_DROPPED = re.compile(r"(?<![\w'\"./…-])[A-Za-z_]\w*(?:\.\w+)+")


class _Names:
    """Which component a distribution or a module belongs to."""

    def __init__(self, components: Components, present: Collection[str]) -> None:
        here = [component for component in components.components if component.name in present]
        self._owner = {d: component.name for component in reversed(here) for d in component.distributions}
        self._modules = {module: component.name for component in reversed(here) for module in _modules(component)}

    def owners(self, distributions: Iterable[str]) -> tuple[str, ...]:
        """Components of `distributions`, each once, in order; what belongs to none is left out."""
        return tuple(dict.fromkeys(self._owner[d] for d in distributions if d in self._owner))

    def owner(self, distribution: str) -> str | None:
        """The component of `distribution`, if it belongs to one that is here."""
        return self._owner.get(distribution)

    def of_module(self, name: str) -> str | None:
        """The component that has the module, or that has what is in it, by its dotted name."""
        while name:
            if name in self._modules:
                return self._modules[name]
            name = name.rpartition(".")[0]
        return None


def _modules(component: Component) -> tuple[str, ...]:
    named = tuple(module.name for module in component.modules)
    return named or tuple(distribution.replace("-", "_") for distribution in component.distributions)


def implicated(test: TestResult, present: Collection[str], components: Components) -> Suspicion:
    """Whom the failing `test` points at, among the components `present` in its cell.

    A module or an attribute of A that code of B does not find points at A and B and at nobody else; such errors are
    Python's own words. Otherwise everybody who had a part is a suspect: those that the test uses and those on the
    traceback. An error that comes out of a distribution which is no component leaves the suspicion unsure.
    """
    names = _Names(components, present)
    failure = test.failure or Failure(type="", message="")
    traced = names.owners(failure.packages)
    named = _missing_name(failure, traced, names)
    if named is not None:
        return Suspicion(components=named, sure=True, traced=traced)
    involved = frozenset(names.owners(test.components)) | frozenset(traced)
    explained = not failure.package or names.owner(failure.package) is not None
    return Suspicion(components=involved, sure=explained and len(involved) <= 2, traced=traced)


def _missing_name(failure: Failure, traced: Sequence[str], names: _Names) -> frozenset[str] | None:
    """The component that lacks a module or a name and the one whose code asks for it, if the failure says so.

    The one that asks stands alone when it asks itself, or something that is no component.
    """
    kind = failure.type.rpartition(".")[2]
    asks = names.owner(failure.package)
    if kind not in ("AttributeError", "ImportError", "ModuleNotFoundError") or asks is None:
        return None
    if "partially initialized" in failure.message:  # a circular import: the module would have the name, only not yet
        return None
    lacking = _LACKING.search(failure.message)
    if lacking is not None:
        lacks = names.of_module(lacking["of"] or lacking["absent"] or lacking["source"])
        return frozenset((asks, lacks or asks))
    dropped = {names.of_module(name) for name in _DROPPED.findall(failure.message)} - {None}
    if dropped == {asks} and kind == "AttributeError":  # raised by the module itself: the caller asked
        callers = [name for name in traced if name != asks]
        return frozenset((callers[-1], asks)) if callers else None
    return None


def pins_of(cell: Cell, components: Components) -> dict[str, str]:
    """Component to version, for the components that the cell asks for by an exact version."""
    pins = {}
    for requirement in map(Requirement, cell.requirements):
        exact = [s.version for s in requirement.specifier if s.operator == "==" and not s.version.endswith("*")]
        component = components.of_distribution(canonicalize_name(requirement.name))
        if len(exact) == 1 and component and component.distribution == canonicalize_name(requirement.name):
            pins[component.name] = exact[0]
    return pins


def mentioned(sentence: str, components: Components) -> frozenset[str]:
    """The components whose distributions a sentence about bounds names."""
    return frozenset(
        component.name
        for component in components.components
        if any(re.search(rf"(?<![\w.-]){re.escape(d)}(?![\w-])", sentence) for d in component.distributions)
    )


def versions_of(verdict: CellVerdict, components: Components) -> dict[str, str]:
    """Component to version, for the components that the cell's lock holds."""
    return {
        component.name: verdict.installed[component.distribution]
        for component in components.components
        if component.distribution in verdict.installed
    }


def judge_components(
    verdict: CellVerdict, standings: Iterable[Standing], components: Components
) -> dict[str, tuple[Verdict, Level]]:
    """Each component of a cell: its verdict there, and the level that is red or, if none is, the deepest that passed.

    A component is red only where a confirmed failure points at it (where that is unsure: where it is on the traceback,
    or nobody narrows it down), and green only where no test that uses it lacks an outcome.
    """
    present = versions_of(verdict, components)
    names = _Names(components, present)
    found: dict[str, list[tuple[Verdict, Level]]] = {name: [] for name in present}
    for standing in standings:
        result = standing.result
        if standing.state in ("confirmed", "flaky"):
            suspicion = implicated(result, present, components)
            narrowed = not suspicion.sure and len(suspicion.traced) > 1
            for name in suspicion.traced if narrowed else suspicion.components:
                found[name].append((_NOT_GREEN[standing.state], result.level))
        elif standing.state != "not-applicable":
            for name in names.owners(result.components):
                found[name].append((_NOT_GREEN.get(standing.state, "works"), result.level))
    return {name: _summarise_component(entries) for name, entries in found.items()}


def _summarise_component(entries: Sequence[tuple[Verdict, Level]]) -> tuple[Verdict, Level]:
    verdict = worst(verdict for verdict, _ in entries)
    levels = [level for entry, level in entries if entry == verdict]
    pick = max if verdict == "works" else min
    return verdict, pick(levels, key=LEVELS.index, default="install")


# ---------------------------------------------------------------------------------------------------------------------
# Pairs of component versions
# ---------------------------------------------------------------------------------------------------------------------


class PairVerdict(Record):
    """What is known of two component versions together (components in alphabetical order).

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


class _Pair(NamedTuple):
    first: str
    first_version: str
    second: str
    second_version: str

    def __str__(self) -> str:
        return f"{self.first} {self.first_version} with {self.second} {self.second_version}"


class _Where(NamedTuple):
    """A pair on one Python and platform: what holds on one need not hold on another."""

    pair: _Pair
    python: str
    platform: str


class _Case(NamedTuple):
    """A cell that tells something about released versions as their metadata allows them."""

    verdict: CellVerdict
    versions: dict[str, str]
    standings: tuple[Standing, ...]

    def places(self, names: Iterable[str]) -> list[_Where]:
        """Each pair of `names` as it stands in this cell."""
        cell = self.verdict.cell
        here = sorted(set(names) & self.versions.keys())
        return [
            _Where(_Pair(a, self.versions[a], b, self.versions[b]), cell.python, cell.platform)
            for a, b in combinations(here, 2)
        ]


class _Charge(NamedTuple):
    """A failure held against a pair; no doubt: it was seen."""

    verdict: Verdict
    level: Level
    witness: CellVerdict
    test: str
    signature: str
    doubt: str


def judge_pairs(
    cells: Iterable[CellVerdict], evidence: Mapping[str, tuple[Evidence, ...]], components: Components
) -> tuple[PairVerdict, ...]:
    """The verdict on every pair of component versions that met in some cell, or that a cell could not bring together.

    A pair works where a test that uses both passed and no failure is held against it. A confirmed failure is held
    against a pair that it points at, unless the same test passed with the same two versions on the same Python in some
    other cell. Where a failure points at more than one pair, it is held, as inferred, against those that are the
    likeliest, and the others' innocence is inferred too. Where a test never passed anywhere, the test itself may be at
    fault, so what it says is inferred. Cells with overridden metadata or local code do not count: they say nothing
    about the releases as published.
    """
    cases = [
        _Case(verdict, versions_of(verdict, components), settle(evidence.get(verdict.key, ())))
        for verdict in cells
        if not verdict.forced and not verdict.cell.local
    ]
    trial = _Trial(cases, components)
    for case in cases:
        for standing in case.standings:
            if standing.state in ("confirmed", "flaky"):
                trial.hear(case, standing)
    met: dict[_Where, CellVerdict] = {}
    for case in cases:
        for where in case.places(case.versions):
            met.setdefault(where, case.verdict)
    for case in cases:
        for where, charge in _unresolvable(case.verdict, components):
            if where not in met:
                trial.charges.setdefault(where, []).append(charge)
    found: dict[_Pair, list[tuple[_Where, PairVerdict]]] = {}
    for where in sorted(met.keys() | trial.charges.keys()):
        found.setdefault(where.pair, []).append((where, trial.judge(where, met.get(where))))
    return tuple(_merge(said) for said in found.values())


class _Trial:
    """What speaks for and against each pair, wherever it was."""

    def __init__(self, cases: Iterable[_Case], components: Components) -> None:
        self._components = components
        #: Tests that use both sides of a pair and passed, each with the first cell that shows it.
        self._passes: dict[_Where, dict[str, tuple[CellVerdict, TestResult]]] = {}
        #: Pairs that passed a test of their own, which uses nobody else.
        self._own: set[_Where] = set()
        #: Tests that passed somewhere, with whatever versions.
        self._proven: set[str] = set()
        self.charges: dict[_Where, list[_Charge]] = {}
        #: Suspects that were let off, and why.
        self._acquitted: dict[_Where, str] = {}
        for case in cases:
            names = _Names(components, case.versions)
            for standing in case.standings:
                if standing.state != "passed":
                    continue
                result = standing.result
                self._proven.add(result.test)
                places = case.places(names.owners(result.components))
                for where in places:
                    self._passes.setdefault(where, {}).setdefault(result.test, (case.verdict, result))
                if len(places) == 1 and result.level != "import":
                    self._own.add(places[0])

    def hear(self, case: _Case, standing: Standing) -> None:
        """Hold one failure of `case` against whom it points at."""
        result = standing.result
        suspicion = implicated(result, case.versions, self._components)
        suspects = [
            where for where in case.places(suspicion.components) if result.test not in self._passes.get(where, {})
        ]
        blamed = suspects if suspicion.sure else self._likeliest(suspects, suspicion.traced)
        doubt = self._doubt(result, suspicion)
        for where in blamed:
            verdict = _NOT_GREEN[standing.state]
            charge = _Charge(verdict, result.level, case.verdict, result.test, _why(result), doubt)
            self.charges.setdefault(where, []).append(charge)
        for where in suspects:
            if where not in blamed:
                who = ", ".join(str(other.pair) for other in blamed)
                self._acquitted[where] = f"{result.test} failed with both there; inferred to lie with {who}"

    def _doubt(self, result: TestResult, suspicion: Suspicion) -> str:
        """Give the other explanation that the failure leaves, in a sentence; none: empty."""
        if not suspicion.sure and len(suspicion.components) > 2:
            return f"{', '.join(sorted(suspicion.components))} all had a part in {result.test}"
        if not suspicion.sure and result.failure is not None:
            return f"the error came out of {result.failure.package}, which is no component"
        if result.test not in self._proven and result.level != "import":
            return f"{result.test} passed in no cell yet, so the test itself may be at fault"
        return ""

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
            level = _deepest(result for _, result in passes.values())
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


def _unresolvable(verdict: CellVerdict, components: Components) -> list[tuple[_Where, _Charge]]:
    """The pair of exact pins whose bounds exclude each other, where a conflict names just two of them."""
    conflict = verdict.conflict
    if verdict.verdict != "unresolvable" or conflict is None or conflict.kind != "bounds":
        return []
    pins = pins_of(verdict.cell, components)
    named = mentioned(conflict.sentence, components)
    if len(named) != 2 or not named <= pins.keys():
        return []
    first, second = sorted(named)
    pair = _Pair(first, pins[first], second, pins[second])
    doubt = "" if len(verdict.cell.requirements) == 2 else "other requirements were part of the request"
    where = _Where(pair, verdict.cell.python, verdict.cell.platform)
    return [(where, _Charge("unresolvable", "resolve", verdict, "", conflict.sentence, doubt))]


def _merge(said: Sequence[tuple[_Where, PairVerdict]]) -> PairVerdict:
    """One verdict from those on each Python and platform: the worst, the one seen before the one inferred."""
    chief = min((v for _, v in said), key=lambda v: (_WORST_FIRST.index(v.verdict), v.inferred))
    by_python: dict[str, list[Verdict]] = {}
    for where, verdict in said:
        by_python.setdefault(where.python, []).append(verdict.verdict)
    pythons = {python: worst(by_python[python]) for python in sorted(by_python, key=_python_key)}
    return chief.model_copy(update={"pythons": pythons})


def _python_key(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python.split("."))
