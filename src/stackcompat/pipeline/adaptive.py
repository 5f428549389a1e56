"""Further rounds of cells, for the combinations of a covering array that have no verdict yet. Pure functions.

Releases that do not work together hide the other combinations of their cell: if a component cannot be imported, no
test that uses it can run. So the next cells keep apart the releases that are known not to work together. These cells
contain the hidden combinations, each with other releases around it. Further rounds follow until each combination has a
verdict, no new cell can be made, or the budget is spent.

A combination has a verdict if one of these holds:

* Two of its releases are known not to work together, or one is known not to work on its Python; see
  :mod:`stackcompat.pipeline.known_broken`.
* Some cell contains it, and the most specific tests that use all its components ran there and none failed; see
  :meth:`stackcompat.pipeline.goal_cell.GoalCell.answer`.
* A cell that pins only this combination has no lock.

A combination that was installed together although no test uses all its components has no verdict. A further cell would
not give one, so none is made.

If infrastructure kept a combination from a verdict, no new cell is made for it. The next run tries the same cell again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from stackcompat.core.record import Record
from stackcompat.core.requirements import split_pin
from stackcompat.core.text import and_list
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.goal_cell import Answer, GoalCell, PinSet, read_goal_cell
from stackcompat.pipeline.known_broken import KnownBroken, find_known_broken, named_together
from stackcompat.plan.cell import Cell, readable
from stackcompat.plan.covering import CombinationSpace, share_covered
from stackcompat.plan.goal import Goal
from stackcompat.verdict.greens import Greens

__all__ = ["Round", "next_round"]

#: The most cells that are made for a combination. If none of them gives a verdict, it is given up.
MOST_TRIES = 3

#: The reasons why combinations have no verdict. Each continues a sentence that begins with their number.
_WAITING = "wait for the next run, since infrastructure kept a cell from an outcome"
_UNEXPLAINED = (
    "have no verdict: in each cell that could be made, their tests failed or were not tried, and nothing tells why"
)
_UNTESTED = "were installed together and have no verdict, since no test that fits them uses them together"
_IMPOSSIBLE = "cannot be brought together without releases that are known not to work"
_SPENT = "were not asked for again, since the budget of {budget} further cells is spent"

#: Pins of a combination in the order of the goal.
Combination = tuple[str, ...]


class Round(Record):
    """How far a goal is, and the cells to try next.

    Attributes:
        locked: The percentage of the goal's combinations that some lock holds.
        answered: The percentage of the goal's combinations that have a verdict.
        cells: The cells to try next; none if this was the last round.
        unanswered: Why the other combinations have no verdict, if no further round follows.
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
    greens: Greens | None = None,
) -> Round:
    """Compute how many combinations of a goal have a verdict, and make the next cells for the others.

    Args:
        goal: The covering array.
        planned: All cells so far. A cell with overrides counts only for a goal with the same overrides.
        evidence: The runs of the cells, by evidence key.
        components: The components of the ecosystem.
        left: How many cells can still be made.
        greens: In which releases each smoke test was seen to pass; see :func:`stackcompat.verdict.verdict.judge`.
    """
    cells = [
        read_goal_cell(cell, evidence.get(cell.key, ()), goal, components, greens)
        for cell in planned
        if cell.cell.overrides == goal.template.overrides and not cell.cell.local
    ]
    locked, _ = share_covered(goal.combinations, [cell.held for cell in cells if cell.held])
    known = find_known_broken(cells, components)
    unanswered, untested = _without_verdict(goal, cells, known)
    without = len(unanswered) + len(untested)
    answered = 100.0 * (1 - without / len(goal.combinations)) if goal.combinations else 100.0
    further, reasons = _plan_round(goal, cells, known, unanswered, left)
    if untested:
        reasons = (*reasons, _sentence(untested, _UNTESTED, known))
    return Round(locked=locked, answered=answered, cells=further, unanswered=reasons)


# ---------------------------------------------------------------------------------------------------------------------
# What has no verdict
# ---------------------------------------------------------------------------------------------------------------------


def _without_verdict(
    goal: Goal, cells: Iterable[GoalCell], known: KnownBroken
) -> tuple[list[Combination], list[Combination]]:
    """The combinations of a goal that have no verdict: those to try, and those that were together without a test."""
    unanswered = {frozenset(pins): pins for pins in goal.combinations if not known.settles(pins)}
    together: set[PinSet] = set()
    for cell in cells:
        answers = _answers_of(cell, goal, unanswered) if cell.held else _refused_by(cell, goal, unanswered)
        for pins, answer in answers.items():
            if answer == "verdict":
                del unanswered[pins]
            elif answer == "together":
                together.add(pins)
    to_try = [pins for pin_set, pins in unanswered.items() if pin_set not in together]
    untested = [pins for pin_set, pins in unanswered.items() if pin_set in together]
    return to_try, untested


def _answers_of(cell: GoalCell, goal: Goal, unanswered: Mapping[PinSet, Combination]) -> dict[PinSet, Answer]:
    """What a locked cell says about the unanswered combinations in it."""
    answers: dict[PinSet, Answer] = {}
    known: dict[tuple[str, ...], Answer] = {}  # by components, since `answer` is slow
    for pins in _combinations(cell.held, goal):
        if pins in unanswered:
            # A Python has no owner: no test uses it, so the components of the combination decide.
            owners = (cell.ownership.owner(split_pin(pin)[0]) for pin in sorted(pins))
            names = tuple(name for name in owners if name is not None)
            if names not in known:
                known[names] = cell.answer(names)
            answers[pins] = known[names]
    return answers


def _refused_by(cell: GoalCell, goal: Goal, unanswered: Mapping[PinSet, Combination]) -> dict[PinSet, Answer]:
    """The unanswered combination that is all that a cell pinned, if the cell can have no lock."""
    asked = (cell.asked, cell.asked - {cell.python_pin})
    return {pins: "verdict" for pins in asked if pins in unanswered and cell.refuses(goal.cell(unanswered[pins], ""))}


def _combinations(pins: Iterable[str], goal: Goal) -> list[PinSet]:
    """The combinations of `pins` that have as many pins as the combinations of the goal."""
    strength = len(goal.combinations[0]) if goal.combinations else 0
    return [frozenset(chosen) for chosen in combinations(sorted(pins), strength)]


# ---------------------------------------------------------------------------------------------------------------------
# Where to get a verdict
# ---------------------------------------------------------------------------------------------------------------------


@dataclass
class _Attempts:
    """What earlier cells did for the combinations without a verdict.

    Attributes:
        waiting: The combinations in a cell that is tried again in the next run.
        tries: By combination, the number of cells that were made for it and in which no known break hides it.
        suspects: The pairs of pins in cells that gave no verdict although no known break hides them. Each of these
            pairs can be to blame.
    """

    waiting: set[PinSet] = field(default_factory=set)
    tries: Counter[PinSet] = field(default_factory=Counter)
    suspects: set[PinSet] = field(default_factory=set)


def _plan_round(
    goal: Goal, cells: Sequence[GoalCell], known: KnownBroken, unanswered: Sequence[Combination], left: int
) -> tuple[tuple[Cell, ...], tuple[str, ...]]:
    """At most `left` new cells for the unanswered combinations, and why combinations have no verdict."""
    attempts = _past_attempts(goal, cells, known, unanswered)
    waiting, given_up, wanted = [], [], []
    for pins in unanswered:
        if frozenset(pins) in attempts.waiting:
            waiting.append(pins)
        elif attempts.tries[frozenset(pins)] >= MOST_TRIES:
            given_up.append(pins)
        else:
            wanted.append(pins)
    rows, impossible = _rows(goal, known, attempts.suspects, wanted)
    further = _new_cells(goal, cells, rows)
    _, stuck = share_covered(wanted, [row for _, row in further])
    never = set(impossible)
    given_up += [pins for pins in stuck if pins not in never]
    nothing_new = set(stuck)
    possible = [pins for pins in wanted if pins not in nothing_new]
    reasons = [
        (waiting, _WAITING),
        (given_up, _UNEXPLAINED),
        (impossible, _IMPOSSIBLE),
        (possible, _SPENT.format(budget=goal.budget)),
    ]
    sentences = tuple(_sentence(group, reason, known) for group, reason in reasons if group)
    return tuple(cell for cell, _ in further)[:left], sentences


def _past_attempts(
    goal: Goal, cells: Iterable[GoalCell], known: KnownBroken, unanswered: Iterable[Combination]
) -> _Attempts:
    """Collect what all cells so far did for the unanswered combinations."""
    open_ = {frozenset(pins) for pins in unanswered}
    attempts = _Attempts()
    for cell in cells:
        contained = [pins for pins in _combinations(cell.asked | cell.held, goal) if pins in open_]
        if cell.undecided:
            attempts.waiting.update(contained)
        elif not known.hides(cell.asked):
            attempts.tries.update(pins for pins in contained if pins <= cell.asked)
            if not known.hides(cell.asked | cell.held):
                pairs = (pair for pins in contained for pair in combinations(pins, 2))
                attempts.suspects.update(map(frozenset, pairs))
    return attempts


def _rows(
    goal: Goal, known: KnownBroken, suspects: set[PinSet], wanted: Sequence[Combination]
) -> tuple[list[Combination], list[Combination]]:
    """Rows that contain the `wanted` combinations, and the combinations that no row can contain.

    A row has no suspects where that is possible. If metadata allows no release of some component in a row, the row
    does not pin that component, so that the resolver chooses it.
    """
    allowed = {frozenset(pair) for pins in goal.combinations for pair in combinations(pins, 2)}

    def space(apart: Iterable[PinSet]) -> CombinationSpace:
        possible = allowed.difference(apart)
        return CombinationSpace(goal.axes, lambda first, second: frozenset((first, second)) in possible)

    unsuspected, sound, everything = space(known.apart | suspects), space(known.apart), space(())
    rows = unsuspected.cover(wanted)
    _, missing = share_covered(wanted, rows)
    rows += sound.cover(missing)
    _, missing = share_covered(wanted, rows)
    incomplete = [pins for pins in missing if not everything.holds(pins)]
    for row in sound.cover(incomplete, whole=False):
        if not everything.can_grow(row):  # a row that can grow lacks only pins that are known to be broken with it
            rows.append(row)
    _, missing = share_covered(wanted, rows)
    return rows, list(missing)


def _new_cells(goal: Goal, cells: Iterable[GoalCell], rows: Iterable[Combination]) -> list[tuple[Cell, Combination]]:
    """A new cell for each row for which there is none yet. Rows with equal cells give one cell."""
    asked = {cell.verdict.cell.id for cell in cells}
    new: dict[str, tuple[Cell, Combination]] = {}
    for row in rows:
        cell = goal.cell(row, readable(pin for pin in row if split_pin(pin)[0] != "python"))
        if cell.id not in asked:
            new.setdefault(cell.id, (cell, row))
    return list(new.values())


def _sentence(group: Sequence[Combination], reason: str, known: KnownBroken) -> str:
    """The sentence that says how many combinations have no verdict and why, with an example."""
    example = group[0]
    sentence = f"{len(group)} {reason}; for example, {named_together(example)}"
    if reason != _IMPOSSIBLE:
        return sentence
    obstacles = [text for pair, text in known.sentences.items() if pair in known.apart and pair.intersection(example)]
    return f"{sentence}: {and_list(obstacles[:2])}"
