"""The plan of a matrix: the cells that its policies make. Pure: the index is a Catalog."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stackcompat.core.record import Record
from stackcompat.core.requirements import python_key
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog
from stackcompat.plan.cell import Cell
from stackcompat.plan.covering import share_covered
from stackcompat.plan.existence import check_exists, check_policy
from stackcompat.plan.goal import Goal
from stackcompat.plan.inputs import PlanInputs
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.pairs import plan_pairs
from stackcompat.plan.policies import Newest, Pairs, Policy
from stackcompat.plan.policy_cells import cells_of

__all__ = ["Plan", "make_plan"]


class Plan(Record):
    """The cells of a matrix and the goals of its `pairs` policies.

    Attributes:
        cells: The cells to try, in order, each once.
        coverage: By goal, the percentage of its combinations that the cells ask for.
        excluded: Combinations that metadata excludes, counted in sentences.
        goals: The goals of the `pairs` policies.
        reserved: The components that no cell asks for, since their newest release only reserves the name; with that
            release.
    """

    cells: tuple[Cell, ...]
    coverage: dict[str, float]
    excluded: tuple[str, ...]
    goals: tuple[Goal, ...]
    reserved: dict[str, str] = {}

    def unreached(self, locked: Mapping[str, Mapping[str, str]]) -> tuple[tuple[Cell, ...], dict[str, float]]:
        """The combinations of the goals that are in no lock.

        A cell with overrides shows nothing about releases without them. So its lock counts only for a goal that has the
        same overrides.

        Args:
            locked: By cell id, the versions of its lock by distribution, and its Python as ``python``.

        Returns:
            A further cell for each combination that is in no lock; and by goal, the percentage of its combinations that
            are in some lock.
        """
        planned = {cell.id: cell for cell in self.cells}
        cells: list[Cell] = []
        coverage = {}
        for goal in self.goals:
            held = [
                versions
                for cell_id, versions in locked.items()
                if planned.get(cell_id, goal.template).overrides == goal.template.overrides
            ]
            coverage[goal.label], further = goal.reached(held)
            cells += [cell for cell in further if cell.id not in planned]
        return tuple(cells), coverage


@dataclass
class _Collected:
    """The parts of a plan that the policies have made so far.

    Attributes:
        cells: The cells, by id, in order.
        keys: By cell id, the policy that made the cell first, as a key of the matrix file.
        goals: The goals of the `pairs` policies.
        excluded: Combinations that metadata excludes, counted in sentences.
    """

    cells: dict[str, Cell] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)


def make_plan(
    matrix: Matrix,
    components: Components,
    catalog: Catalog,
    *,
    platform: str,
    pythons: Sequence[str],
    now: dt.datetime,
) -> Plan:
    """Make the plan of a matrix.

    The cells of the policy `newest` come first. Within a policy other than `pairs`, those of the newest Python come
    first. A cell that two policies make is in the plan once.

    Args:
        matrix: The matrix.
        components: The components of the ecosystem.
        catalog: The index.
        platform: The platform of the cells.
        pythons: The Pythons of the matrix that this machine has.
        now: The moment for which the plan is made.

    Raises:
        UsageError: The index lacks a release, a selection selects nothing, a policy makes no cell, or two policies of
            one kind make the same cell. The message names the matrix file and the key.
    """
    inputs = PlanInputs(matrix, components, catalog, platform, now)
    for text in matrix.also:
        check_exists(inputs, text, "also")
    collected = _Collected()
    newest_first = sorted(enumerate(matrix.policies), key=lambda entry: not isinstance(entry[1], Newest))
    for number, policy in newest_first:
        wanted = [python for python in pythons if not policy.pythons or python in policy.pythons]
        wanted.sort(key=python_key, reverse=True)
        key = f"policies[{number}]"
        check_policy(inputs, policy, key, wanted)
        if wanted:
            _collect(inputs, collected, policy, key, wanted)
    asked = [(f"python=={cell.python}", *cell.requirements) for cell in collected.cells.values()]
    return Plan(
        cells=tuple(collected.cells.values()),
        coverage={goal.label: share_covered(goal.combinations, asked)[0] for goal in collected.goals},
        excluded=tuple(collected.excluded),
        goals=tuple(collected.goals),
        reserved=inputs.reserved,
    )


def _collect(inputs: PlanInputs, collected: _Collected, policy: Policy, key: str, pythons: Sequence[str]) -> None:
    """Add the cells of one policy on `pythons`, and its goal if it is a `pairs` policy."""
    made: Iterable[Cell]
    if isinstance(policy, Pairs):
        covering = plan_pairs(inputs, policy, pythons)
        if covering.goal.label in {goal.label for goal in collected.goals}:
            inputs.refuse(f"{key}.label", "is that of another pairs policy; allowed is one of its own")
        collected.goals.append(covering.goal)
        collected.excluded += covering.excluded
        made = covering.cells
    else:
        made = [cell for python in pythons for cell in cells_of(inputs, policy, python)]
    if not made:
        inputs.refuse(key, f"makes no cell for Python {', '.join(pythons)}; widen what it chooses, or drop it")
    for cell in made:
        _add_cell(inputs, collected, cell, key)


def _add_cell(inputs: PlanInputs, collected: _Collected, cell: Cell, key: str) -> None:
    """Add a cell. If an equal one is there, that stays: it gets both labels, and is thorough if either cell is."""
    same = collected.cells.setdefault(cell.id, cell)
    first_key = collected.keys.setdefault(cell.id, key)
    if same is not cell and same.policy == cell.policy != "pairs":
        inputs.refuse(key, f'makes the cell "{cell.label}" that {first_key} makes; each may be given once')
    if cell.label not in same.label.split("; "):
        update = {"label": f"{same.label}; {cell.label}", "thorough": same.thorough or cell.thorough}
        collected.cells[cell.id] = same.model_copy(update=update)
