"""Which combinations to try: policies and releases in, cells out. Pure: the index is a Catalog."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stackcompat.core.requirements import python_key
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog
from stackcompat.plan.cell import Cell
from stackcompat.plan.covering import share_covered
from stackcompat.plan.existence import check_exists, check_policy
from stackcompat.plan.goal import Goal, Plan
from stackcompat.plan.inputs import PlanInputs
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.pairs import plan_pairs
from stackcompat.plan.policies import Newest, Pairs, Policy
from stackcompat.plan.policy_cells import cells_of

__all__ = ["make_plan"]


@dataclass
class _Collected:
    """What the policies have made so far.

    Attributes:
        cells: The cells, by id, in order.
        keys: By cell id, the key in the matrix of the policy that made it first.
        goals: What the covering arrays are to show.
        excluded: What metadata does not allow, in sentences.
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
    """The cells of a matrix, newest combinations and newest Pythons first. A cell of two policies is made once.

    Args:
        matrix: The matrix.
        components: The components of the ecosystem.
        catalog: The index.
        platform: The platform of the cells.
        pythons: Those of the matrix's Pythons that this machine has.
        now: The moment for which the plan is made.

    Raises:
        UsageError: A release that the index does not have, a selection or policy that chooses nothing, or a cell given
            twice; the message names the matrix file and the key.
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
    """Add what one policy makes on `pythons`."""
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
    """Add a cell; where an equal one is there, it takes over the label, and is thorough if either is."""
    same = collected.cells.setdefault(cell.id, cell)
    first_key = collected.keys.setdefault(cell.id, key)
    if same is not cell and same.policy == cell.policy != "pairs":
        inputs.refuse(key, f'makes the cell "{cell.label}" that {first_key} makes; each may be given once')
    if cell.label not in same.label.split("; "):
        update = {"label": f"{same.label}; {cell.label}", "thorough": same.thorough or cell.thorough}
        collected.cells[cell.id] = same.model_copy(update=update)
