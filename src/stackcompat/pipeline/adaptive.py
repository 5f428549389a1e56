"""Which combinations of a covering array have a verdict, and the next cells for those that have none. Pure functions.

Releases that do not work together mask the others in their cell: where one cannot be imported, nothing that uses it is
tried. So what is known not to work is a constraint of the next array, which brings the masked combinations together in
other company; and so on, round after round, until each has a verdict, nothing new can be made or the budget is spent.

What counts as a verdict on a combination:

* two of its releases are known not to work together, or one on its Python; then it is never asked for again. Known is
  what was *seen*, and what a failure is held against alone where nothing that was seen explains it;
* some cell holds it in which the tests that use all of its components and fewest others came to an outcome, and none is
  red. Where no test uses all of them, they need no more than to be in a cell together in which the tests closest to
  each of them did so;
* it does not resolve with nothing else pinned.

What infrastructure kept from an outcome is not moved elsewhere: the very same cell is tried again in the next run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from stackcompat.core.record import Record
from stackcompat.core.requirements import split_pin
from stackcompat.core.text import and_list
from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.plan.cell import Cell, readable
from stackcompat.plan.covering import CombinationSpace, share_covered
from stackcompat.plan.goal import Goal
from stackcompat.verdict.attribution import attribute_failure
from stackcompat.verdict.outcomes import TestStatus, classify
from stackcompat.verdict.ownership import Ownership
from stackcompat.verdict.pairs import PairVerdict, judge_pairs
from stackcompat.verdict.retry import next_run
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = ["Round", "next_round"]

#: A combination that so many cells without a known culprit were made for, and none told, is let be.
MOST_TRIES = 3


PinSet = frozenset[str]


class Round(Record):
    """Where a goal stands, and the cells to try next: none if it ends here.

    `locked` and `answered` are percentages of its combinations: those that some lock holds, and those that have a
    verdict. `unanswered` says why the others have none, should it end here.
    """

    locked: float
    answered: float
    cells: tuple[Cell, ...] = ()
    unanswered: tuple[str, ...] = ()


def next_round(
    goal: Goal,
    planned: Iterable[PlannedCell],
    evidence: Mapping[str, tuple[Evidence, ...]],
    components: Components,
    left: int,
) -> Round:
    """What the `evidence` (by key) on all cells so far says of `goal`, and at most `left` further cells.

    A cell that forces what metadata forbids counts only for a goal that forces the same.
    """
    like = [one for one in planned if one.cell.overrides == goal.template.overrides and not one.cell.local]
    cases = [_case(one, evidence.get(one.key, ()), goal, components) for one in like]
    locked, _ = share_covered(goal.combinations, [case.held for case in cases if case.held])
    known = _Knowledge.of(cases, evidence, components)
    unanswered = _unanswered(goal, cases, known)
    answered = 100.0 * (1 - len(unanswered) / len(goal.combinations)) if goal.combinations else 100.0
    cells, reasons = _next(goal, cases, known, unanswered, left)
    return Round(locked=locked, answered=answered, cells=cells, unanswered=reasons)


# ---------------------------------------------------------------------------------------------------------------------
# What a cell tells
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _LockedCell:
    """A cell, as far as it is about a goal: the pins that it `asked` for, and those that its lock `held`.

    `undecided`: it is tried again in the next run, whatever else happens.
    """

    verdict: CellVerdict
    asked: PinSet
    held: PinSet
    undecided: bool
    versions: Mapping[str, str]
    names: Ownership
    statuses: tuple[TestStatus, ...]

    @cached_property
    def _states(self) -> dict[frozenset[str], set[str]]:
        """The components that tests use, and where those tests stand; what does not apply tells nothing."""
        found: dict[frozenset[str], set[str]] = {}
        for status in self.statuses:
            if status.state not in ("not-applicable", "feature-broken"):
                users = frozenset(self.names.users(status.result.components))
                found.setdefault(users, set()).add(status.state)
        return found

    def tells(self, components: Collection[str]) -> bool:
        """Whether there is a verdict on `components` here, all of which are in the cell."""
        together = self._closest(components)
        closest = [together] if together else [self._closest([name]) for name in components]
        return bool(self.statuses) and all(states <= {"passed", "flaky"} for states in closest)

    def refuses(self, cell: Cell) -> bool:
        """Whether this is `cell`, and it can have no lock."""
        return self.verdict.cell.id == cell.id and self.verdict.verdict in ("unresolvable", "not-applicable")

    def _closest(self, components: Collection[str]) -> set[str]:
        """Where the tests stand that use all of `components` and fewest others."""
        using = {users: states for users, states in self._states.items() if users.issuperset(components)}
        fewest = min(map(len, using), default=0)
        return {state for users, states in using.items() if len(users) == fewest for state in states}


def _case(planned: PlannedCell, evidence: tuple[Evidence, ...], goal: Goal, components: Components) -> _LockedCell:
    chosen = {pin for pins in goal.axes for pin in pins}
    cell, lock = planned.cell, planned.resolution.lock
    python = f"python=={cell.python}"
    installed = lock.versions() if lock else {}
    versions = versions_of(installed, components)
    due = lock is not None and next_run(evidence, ()) is not None
    return _LockedCell(
        verdict=judge(planned, evidence),
        asked=frozenset(chosen.intersection((*cell.requirements, python))),
        held=frozenset(chosen.intersection((*map(_pin, installed.items()), python)) if lock else ()),
        undecided=due or planned.resolution.outcome not in ("locked", "conflict", "no-wheel-for-platform"),
        versions=versions,
        names=Ownership(components, versions),
        statuses=classify(evidence),
    )


def _pin(item: tuple[str, str]) -> str:
    return "==".join(item)


# ---------------------------------------------------------------------------------------------------------------------
# What is known not to work
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Knowledge:
    """Two pins that do not work together, each with a sentence; a Python is a pin too.

    Those in `apart` mask others, so they are kept apart; a test that passed nowhere yet masks nothing but itself.
    """

    bad: dict[PinSet, str]
    apart: frozenset[PinSet]

    @classmethod
    def of(
        cls, cases: Sequence[_LockedCell], evidence: Mapping[str, tuple[Evidence, ...]], components: Components
    ) -> _Knowledge:
        """What all cells together say."""
        told = judge_pairs([case.verdict.model_copy(update={"forced": ()}) for case in cases], evidence, components)
        distribution = {c.name: c.distribution for c in components.components}

        def pins(pair: PairVerdict) -> PinSet:
            first = distribution[pair.first], pair.first_version
            return frozenset((_pin(first), _pin((distribution[pair.second], pair.second_version))))

        red = {pins(pair): pair for pair in told if pair.verdict in ("broken", "unresolvable")}
        seen = {pair for pair, said in red.items() if not said.inferred or said.verdict == "unresolvable"}
        bad = {pair: red[pair] for pair in sorted(seen | _alone(cases, red, seen), key=sorted)}
        passed = {s.result.test for case in cases for s in case.statuses if s.state == "passed"}
        apart = {pair for pair, said in bad.items() if pair in seen or passed.intersection(said.tests)}
        said = {pair: f"{_together(pair)} is {red[pair].verdict}" for pair in bad}
        by_itself = _by_itself(cases, components)
        said |= {pair: f"{_together(pair)} is broken by itself" for pair in by_itself}
        return cls(bad=said, apart=frozenset(apart | by_itself))

    def settled(self, pins: Iterable[str]) -> bool:
        """Whether some two of `pins` do not work together."""
        return any(pair in self.bad for pair in _pairs(pins))

    def masked(self, pins: Iterable[str]) -> bool:
        """Whether some of `pins` must be kept apart."""
        return any(pair in self.apart for pair in _pairs(pins))


def _pairs(pins: Iterable[str]) -> Iterator[PinSet]:
    return map(frozenset, combinations(sorted(pins), 2))


def _alone(cases: Iterable[_LockedCell], red: Mapping[PinSet, PairVerdict], seen: Collection[PinSet]) -> set[PinSet]:
    """The pairs that some failure is held against alone, where nothing that was seen explains it."""
    found = set()
    for case in cases:
        failing = [status.result.test for status in case.statuses if status.state == "confirmed"]
        here = frozenset(map(_pin, case.verdict.installed.items()))
        charged = [pair for pair in red if failing and pair <= here]
        for test in failing:
            held = [pair for pair in charged if test in red[pair].tests]
            if len(held) == 1 and held[0] not in seen:
                found.add(held[0])
    return found


def _by_itself(cases: Iterable[_LockedCell], components: Components) -> set[PinSet]:
    """A release and a Python on which it fails in two environments or more, with nobody else to suspect."""
    locks = {case.verdict.lock_id: case for case in cases if case.statuses}.values()
    failed: Counter[tuple[str, PinSet]] = Counter()
    for case in locks:
        for status in case.statuses:
            if status.state == "confirmed":
                suspicion = attribute_failure(status.result, case.versions, components)
                if suspicion.sure and len(suspicion.components) == 1:
                    (name,) = suspicion.components
                    failed[status.result.test, _on_python(case, name, components)] += 1
    tests = {test for test, _ in failed}
    passed = {
        (status.result.test, _on_python(case, name, components))
        for case in locks
        for status in case.statuses
        if status.state == "passed" and status.result.test in tests
        for name in case.names.users(status.result.components)
    }
    return {pair for (test, pair), times in failed.items() if times > 1 and (test, pair) not in passed}


def _on_python(case: _LockedCell, component: str, components: Components) -> PinSet:
    pin = _pin((components[component].distribution, case.versions[component]))
    return frozenset((f"python=={case.verdict.cell.python}", pin))


# ---------------------------------------------------------------------------------------------------------------------
# What has no verdict, and where to get one
# ---------------------------------------------------------------------------------------------------------------------


def _unanswered(goal: Goal, cases: Iterable[_LockedCell], known: _Knowledge) -> list[tuple[str, ...]]:
    still = {frozenset(pins): pins for pins in goal.combinations if not known.settled(pins)}
    strength = len(goal.combinations[0]) if goal.combinations else 0
    for case in cases:
        if not case.held:
            for pins in (case.asked, case.asked - {f"python=={case.verdict.cell.python}"}):
                if pins in still and case.refuses(goal.cell(still[pins], "")):
                    del still[pins]
        told: dict[tuple[str, ...], bool] = {}
        for pins in map(frozenset, combinations(sorted(case.held), strength)):
            if pins in still:
                owners = (case.names.owner(split_pin(pin)[0]) for pin in sorted(pins))
                names = tuple(name for name in owners if name is not None)
                if names not in told:
                    told[names] = case.tells(names)
                if told[names]:
                    del still[pins]
    return list(still.values())


def _next(
    goal: Goal, cases: Sequence[_LockedCell], known: _Knowledge, unanswered: Sequence[tuple[str, ...]], left: int
) -> tuple[tuple[Cell, ...], tuple[str, ...]]:
    """At most `left` new cells for what is `unanswered`, and a sentence for each reason why others have none."""
    open_ = {frozenset(pins): pins for pins in unanswered}
    strength = len(unanswered[0]) if unanswered else 0
    waiting: set[PinSet] = set()
    tries: Counter[PinSet] = Counter()
    #: Pairs that were in a cell with a failure that nothing known explains: any of them may be to blame.
    suspects: set[PinSet] = set()
    for case in cases:
        pins = case.asked | case.held
        inside = [one for one in map(frozenset, combinations(sorted(pins), strength)) if one in open_]
        if case.undecided:
            waiting.update(inside)
        elif not known.masked(case.asked):
            tries.update(one for one in inside if one <= case.asked)
            if not known.masked(pins):
                suspects.update(frozenset(pair) for one in inside for pair in combinations(one, 2))
    reasons: dict[str, list[tuple[str, ...]]] = {}

    def let_be(some: Iterable[tuple[str, ...]], reason: str) -> None:
        reasons.setdefault(reason, []).extend(some)

    let_be((open_[one] for one in open_ if one in waiting), _WAITING)
    let_be((open_[one] for one in open_ if one not in waiting and tries[one] >= MOST_TRIES), _UNEXPLAINED)
    wanted = [open_[one] for one in open_ if one not in waiting and tries[one] < MOST_TRIES]
    rows, impossible = _rows(goal, known, suspects, wanted)
    let_be(impossible, _IMPOSSIBLE)
    asked = {case.verdict.cell.id for case in cases}
    cells: dict[str, tuple[Cell, tuple[str, ...]]] = {}
    for row in rows:
        cell = goal.cell(row, readable(pin for pin in row if not pin.startswith("python==")))
        if cell.id not in asked:
            cells.setdefault(cell.id, (cell, row))
    _, stuck = share_covered(wanted, [row for _, row in cells.values()])
    hopeless, nothing_new = set(impossible), set(stuck)
    let_be((pins for pins in stuck if pins not in hopeless), _UNEXPLAINED)
    let_be((pins for pins in wanted if pins not in nothing_new), _SPENT.format(budget=goal.budget))
    reached = tuple(cell for cell, _ in cells.values())[:left]
    return reached, tuple(_sentence(some, why, known) for why, some in reasons.items() if some)


def _rows(
    goal: Goal, known: _Knowledge, suspects: AbstractSet[PinSet], wanted: Sequence[tuple[str, ...]]
) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Rows for the `wanted` combinations, in other company than the suspects' where there is any; what no row can hold.

    Where metadata leaves no release of some component to choose, that component is left to the resolver.
    """
    together = {frozenset(pair) for pins in goal.combinations for pair in combinations(pins, 2)}
    allowed = CombinationSpace(goal.axes, lambda first, second: frozenset((first, second)) in together)
    sound = CombinationSpace(
        goal.axes, lambda *pair: frozenset(pair) in together and frozenset(pair) not in known.apart
    )
    unsuspected = CombinationSpace(
        goal.axes,
        lambda *pair: frozenset(pair) in together and frozenset(pair) not in known.apart | suspects,
    )
    rows = unsuspected.cover(wanted)
    _, missing = share_covered(wanted, rows)
    rows += sound.cover(missing)
    _, missing = share_covered(wanted, rows)
    for row in sound.cover((pins for pins in missing if not allowed.holds(pins)), whole=False):
        if not allowed.grows(row):  # else only what is known to be broken could be added to it
            rows.append(row)
    _, missing = share_covered(wanted, rows)
    return rows, list(missing)


_WAITING = "wait for the next run, since infrastructure kept a cell from an outcome"


_UNEXPLAINED = (
    "have no verdict: in each cell that could be made, their tests failed or were not tried, and nothing tells why"
)


_IMPOSSIBLE = "cannot be brought together without releases that are known not to work"


_SPENT = "were not asked for again, since the budget of {budget} further cells is spent"


def _sentence(some: Sequence[tuple[str, ...]], why: str, known: _Knowledge) -> str:
    """How many combinations have no verdict, and why; with an example."""
    example = some[0]
    said = f"{len(some)} {why}; for example, {_together(example)}"
    if why != _IMPOSSIBLE:
        return said
    against = [text for pair, text in known.bad.items() if pair in known.apart and pair.intersection(example)]
    return f"{said}: {and_list(against[:2])}"


def _together(pins: Iterable[str]) -> str:
    return " with ".join(sorted(readable([pin]) for pin in pins))
