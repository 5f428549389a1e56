"""What one cell says about the combinations of a covering array. Pure functions over records.

A pin is an exact requirement such as ``alpha==1.2``. A Python is a pin as well: ``python==3.12``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.plan.cell import Cell
from stackcompat.plan.goal import Goal
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.outcomes import TestStatus
from stackcompat.verdict.ownership import Ownership
from stackcompat.verdict.retry import needs_run
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = ["Answer", "GoalCell", "PinSet", "exact_pin", "read_goal_cell"]

#: A set of pins, such as a combination without its order.
PinSet = frozenset[str]


#: What a cell says about some components together. ``verdict``: every deciding test passed or is flaky. ``together``:
#: they were installed, nothing is wrong with any of them, but no test uses all of them. ``none``: a test failed or has
#: no outcome.
Answer = Literal["verdict", "together", "none"]

#: The states of a test that decide something where nothing is red.
_DECIDED = frozenset({"passed", "flaky"})


@dataclass(frozen=True)
class GoalCell:
    """A cell with everything about it that matters to a goal.

    Attributes:
        verdict: The verdict on the cell.
        asked: The pins of the goal that the cell asks for.
        held: The pins of the goal that the lock of the cell holds; empty without a lock.
        undecided: Whether the next run tries the same cell again.
        versions: The version of each component in the lock.
        ownership: Says which component of the cell a distribution belongs to.
    """

    verdict: CellVerdict
    asked: PinSet
    held: PinSet
    undecided: bool
    versions: dict[str, str]
    ownership: Ownership

    @property
    def statuses(self) -> tuple[TestStatus, ...]:
        """The status of each test."""
        return self.verdict.statuses

    @property
    def python_pin(self) -> str:
        """The Python of the cell as a pin."""
        return exact_pin("python", self.verdict.cell.python)

    @property
    def installed(self) -> PinSet:
        """The installed distributions as pins."""
        return frozenset(exact_pin(name, version) for name, version in self.verdict.installed.items())

    def failing(self) -> tuple[str, ...]:
        """The tests that failed twice in the same way."""
        return tuple(status.result.test for status in self.statuses if status.state == "confirmed")

    def answer(self, components: Collection[str]) -> Answer:
        """What the cell says about some components together.

        The tests that use all of the components decide, and of these the ones that use the fewest others. If no test
        uses all of them, they have only been together, in which case nothing may be wrong with one of them alone.

        Args:
            components: The names of the components. All of them must be in the cell.
        """
        joint = self._closest(components)
        if joint:
            return "verdict" if joint <= _DECIDED else "none"
        alone = [self._closest([name]) for name in components]
        return "together" if self.statuses and all(states <= _DECIDED for states in alone) else "none"

    def refuses(self, cell: Cell) -> bool:
        """Whether this cell is `cell` and can have no lock."""
        return self.verdict.cell.id == cell.id and self.verdict.verdict in ("unresolvable", "not-applicable")

    @cached_property
    def _states(self) -> dict[frozenset[str], set[str]]:
        """The states of the tests, by the components that they use.

        Tests that do not apply, tests that are not judged, and broken feature tests are left out.
        """
        states: dict[frozenset[str], set[str]] = {}
        for status in self.statuses:
            if status.state not in ("not-applicable", "not-judged", "feature-broken"):
                users = frozenset(self.ownership.users(status.result.components))
                states.setdefault(users, set()).add(status.state)
        return states

    def _closest(self, components: Collection[str]) -> set[str]:
        """The states of the tests that use all of `components` and the fewest others."""
        using = {users: states for users, states in self._states.items() if users.issuperset(components)}
        fewest = min((len(users) for users in using), default=0)
        return {state for users, states in using.items() if len(users) == fewest for state in states}


def read_goal_cell(
    planned: PlannedCell,
    evidence: tuple[Evidence, ...],
    goal: Goal,
    components: Components,
    greens: Greens | None = None,
) -> GoalCell:
    """Collect everything about a cell that matters to a goal.

    Args:
        planned: The cell and what it resolved to.
        evidence: All runs of the cell.
        goal: The covering array.
        components: The components of the ecosystem.
        greens: The releases with which each smoke test was seen to pass; see :func:`stackcompat.verdict.verdict.judge`.
    """
    cell, lock = planned.cell, planned.resolution.lock
    chosen = {pin for axis in goal.axes for pin in axis}
    python = exact_pin("python", cell.python)
    installed = lock.versions() if lock else {}
    versions = versions_of(installed, components)
    held = {exact_pin(name, version) for name, version in installed.items()} | {python} if lock else set[str]()
    due = lock is not None and needs_run(evidence)
    return GoalCell(
        verdict=judge(planned, evidence, components, greens=greens),
        asked=frozenset(chosen.intersection((*cell.requirements, python))),
        held=frozenset(chosen & held),
        undecided=due or planned.resolution.outcome not in ("locked", "conflict", "no-wheel-for-platform"),
        versions=versions,
        ownership=Ownership(components, versions),
    )


def exact_pin(name: str, version: str) -> str:
    """The pin ``name==version``. A Python is pinned under the name ``python``."""
    return f"{name}=={version}"
