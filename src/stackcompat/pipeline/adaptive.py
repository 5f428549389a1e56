"""Further rounds of cells, for the combinations of a covering array that have no verdict yet. Pure functions.

Releases that do not work together hide the others in their cell: where one of them cannot be imported, no test that
uses it can run. So releases that are known not to work together are kept apart in the next cells, which bring the
hidden combinations together in other company. Round follows round until each combination has a verdict, no new cell
can be made, or the budget is spent.

A combination has a verdict if one of these holds:

* Two of its releases are known not to work together, or one of them not on its Python; see
  :mod:`stackcompat.pipeline.known_broken`.
* Some cell contains it, and the most specific tests that use all its components ran there and none failed; see
  :meth:`stackcompat.pipeline.goal_cell.GoalCell.answers`.
* It does not resolve with nothing else pinned.

A combination that infrastructure kept from a verdict is not moved to another cell: the same cell is tried again in the
next run.
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
from stackcompat.pipeline.goal_cell import GoalCell, Pins, exact_pin, read_goal_cell
from stackcompat.pipeline.known_broken import KnownBroken, find_known_broken, named_together
from stackcompat.plan.cell import Cell, readable
from stackcompat.plan.covering import CombinationSpace, share_covered
from stackcompat.plan.goal import Goal

__all__ = ["Round", "next_round"]

#: Give up on a combination after so many cells that were made for it and gave no verdict, without a known culprit.
MOST_TRIES = 3

#: Why a combination has no verdict, as its sentence says it.
_WAITING = "wait for the next run, since infrastructure kept a cell from an outcome"
_UNEXPLAINED = (
    "have no verdict: in each cell that could be made, their tests failed or were not tried, and nothing tells why"
)
_IMPOSSIBLE = "cannot be brought together without releases that are known not to work"
_SPENT = "were not asked for again, since the budget of {budget} further cells is spent"

#: Pins of a combination in the order of the goal.
Combination = tuple[str, ...]


class Round(Record):
    """How far a goal is, and the cells to try next.

    Attributes:
        locked: The percentage of its combinations that some lock holds.
        answered: The percentage of its combinations that have a verdict.
        cells: The cells to try next; none if the goal ends here.
        unanswered: Why the other combinations have no verdict, should the goal end here.
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
    """Say how far a goal is, and make the next cells for it.

    Args:
        goal: The covering array.
        planned: All cells so far. A cell that forces what metadata forbids counts only for a goal that forces the same.
        evidence: The runs of the cells, by evidence key.
        components: The components of the checkout.
        left: How many cells can still be made.
    """
    cells = [
        read_goal_cell(cell, evidence.get(cell.key, ()), goal, components)
        for cell in planned
        if cell.cell.overrides == goal.template.overrides and not cell.cell.local
    ]
    locked, _ = share_covered(goal.combinations, [cell.held for cell in cells if cell.held])
    known = find_known_broken(cells, components)
    unanswered = _without_verdict(goal, cells, known)
    answered = 100.0 * (1 - len(unanswered) / len(goal.combinations)) if goal.combinations else 100.0
    further, reasons = _plan_round(goal, cells, known, unanswered, left)
    return Round(locked=locked, answered=answered, cells=further, unanswered=reasons)


# ---------------------------------------------------------------------------------------------------------------------
# What has no verdict
# ---------------------------------------------------------------------------------------------------------------------


def _without_verdict(goal: Goal, cells: Iterable[GoalCell], known: KnownBroken) -> list[Combination]:
    """The combinations of a goal that have no verdict."""
    unanswered = {frozenset(pins): pins for pins in goal.combinations if not known.settles(pins)}
    for cell in cells:
        answered = _answered_by(cell, goal, unanswered) if cell.held else _refused_by(cell, goal, unanswered)
        for pins in answered:
            del unanswered[pins]
    return list(unanswered.values())


def _answered_by(cell: GoalCell, goal: Goal, unanswered: Mapping[Pins, Combination]) -> list[Pins]:
    """Those of the unanswered combinations that a locked cell has a verdict on."""
    answered = []
    known: dict[tuple[str, ...], bool] = {}  # by components, since asking takes long
    for pins in _combinations(cell.held, goal):
        if pins in unanswered:
            owners = (cell.ownership.owner(split_pin(pin)[0]) for pin in sorted(pins))
            names = tuple(name for name in owners if name is not None)
            if names not in known:
                known[names] = cell.answers(names)
            if known[names]:
                answered.append(pins)
    return answered


def _refused_by(cell: GoalCell, goal: Goal, unanswered: Mapping[Pins, Combination]) -> list[Pins]:
    """The unanswered combination that a cell asked for with nothing else pinned, if it can have no lock."""
    asked = (cell.asked, cell.asked - {cell.python_pin})
    return [pins for pins in asked if pins in unanswered and cell.refuses(goal.cell(unanswered[pins], ""))]


def _combinations(pins: Iterable[str], goal: Goal) -> list[Pins]:
    """The combinations among `pins` of as many as the goal wants to see together."""
    strength = len(goal.combinations[0]) if goal.combinations else 0
    return [frozenset(chosen) for chosen in combinations(sorted(pins), strength)]


# ---------------------------------------------------------------------------------------------------------------------
# Where to get a verdict
# ---------------------------------------------------------------------------------------------------------------------


@dataclass
class _Attempts:
    """What happened to the combinations without a verdict.

    Attributes:
        waiting: Those in a cell that is tried again in the next run.
        tries: How many cells were made for each in which nothing known hides it.
        suspects: Pairs that were in a cell with a failure that nothing known explains. Any of them can be to blame.
    """

    waiting: set[Pins] = field(default_factory=set)
    tries: Counter[Pins] = field(default_factory=Counter)
    suspects: set[Pins] = field(default_factory=set)


def _plan_round(
    goal: Goal, cells: Sequence[GoalCell], known: KnownBroken, unanswered: Sequence[Combination], left: int
) -> tuple[tuple[Cell, ...], tuple[str, ...]]:
    """At most `left` new cells for the unanswered combinations, and why the others have no verdict."""
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
    sentences = tuple(_sentence(some, reason, known) for some, reason in reasons if some)
    return tuple(cell for cell, _ in further)[:left], sentences


def _past_attempts(
    goal: Goal, cells: Iterable[GoalCell], known: KnownBroken, unanswered: Iterable[Combination]
) -> _Attempts:
    """What all cells so far did for the unanswered combinations."""
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
    goal: Goal, known: KnownBroken, suspects: set[Pins], wanted: Sequence[Combination]
) -> tuple[list[Combination], list[Combination]]:
    """Rows that bring the `wanted` combinations together, and the combinations that no row can hold.

    A row is free of suspects where that is possible. Where metadata leaves no release of some component to choose, the
    row leaves that component to the resolver.
    """
    allowed = {frozenset(pair) for pins in goal.combinations for pair in combinations(pins, 2)}

    def space(apart: Iterable[Pins]) -> CombinationSpace:
        possible = allowed.difference(apart)
        return CombinationSpace(goal.axes, lambda first, second: frozenset((first, second)) in possible)

    unsuspected, sound, everything = space(known.apart | suspects), space(known.apart), space(())
    rows = unsuspected.cover(wanted)
    _, missing = share_covered(wanted, rows)
    rows += sound.cover(missing)
    _, missing = share_covered(wanted, rows)
    incomplete = [pins for pins in missing if not everything.holds(pins)]
    for row in sound.cover(incomplete, whole=False):
        if not everything.grows(row):  # else only what is known to be broken could be added to it
            rows.append(row)
    _, missing = share_covered(wanted, rows)
    return rows, list(missing)


def _new_cells(goal: Goal, cells: Iterable[GoalCell], rows: Iterable[Combination]) -> list[tuple[Cell, Combination]]:
    """A cell for each row that no cell asked for yet, each cell once."""
    asked = {cell.verdict.cell.id for cell in cells}
    new: dict[str, tuple[Cell, Combination]] = {}
    for row in rows:
        cell = goal.cell(row, readable(pin for pin in row if not pin.startswith(exact_pin("python", ""))))
        if cell.id not in asked:
            new.setdefault(cell.id, (cell, row))
    return list(new.values())


def _sentence(some: Sequence[Combination], reason: str, known: KnownBroken) -> str:
    """How many combinations have no verdict, and why; with an example."""
    example = some[0]
    sentence = f"{len(some)} {reason}; for example, {named_together(example)}"
    if reason != _IMPOSSIBLE:
        return sentence
    obstacles = [text for pair, text in known.sentences.items() if pair in known.apart and pair.intersection(example)]
    return f"{sentence}: {and_list(obstacles[:2])}"
