"""What one cell says about the combinations of a covering array. Pure functions over records.

A pin is an exact requirement such as ``alpha==1.2``; a Python is a pin as well (``python==3.12``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.plan.cell import Cell
from stackcompat.plan.goal import Goal
from stackcompat.verdict.outcomes import TestStatus
from stackcompat.verdict.ownership import Ownership
from stackcompat.verdict.retry import next_run
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = ["GoalCell", "Pins", "exact_pin", "read_goal_cell"]

#: Pins in no order.
Pins = frozenset[str]


@dataclass(frozen=True)
class GoalCell:
    """A cell, as far as it matters to a goal.

    Attributes:
        verdict: The verdict on the cell.
        asked: The pins of the goal that the cell asks for.
        held: The pins of the goal that its lock holds; none without a lock.
        undecided: Whether the same cell is tried again in the next run, whatever else happens.
        versions: The version of each component in its lock.
        ownership: Which component a distribution belongs to.
    """

    verdict: CellVerdict
    asked: Pins
    held: Pins
    undecided: bool
    versions: dict[str, str]
    ownership: Ownership

    @property
    def statuses(self) -> tuple[TestStatus, ...]:
        """What all runs of each test say."""
        return self.verdict.statuses

    @property
    def python_pin(self) -> str:
        """The Python of the cell as a pin."""
        return exact_pin("python", self.verdict.cell.python)

    @property
    def installed(self) -> Pins:
        """What is installed, as pins."""
        return frozenset(exact_pin(name, version) for name, version in self.verdict.installed.items())

    def failing(self) -> tuple[str, ...]:
        """The tests that failed twice in the same way."""
        return tuple(status.result.test for status in self.statuses if status.state == "confirmed")

    def answers(self, components: Collection[str]) -> bool:
        """Whether there is a verdict on `components` here, all of which are in the cell.

        The most specific tests that use all of them decide: those that use the fewest others. Where no test uses all
        of them, the most specific tests of each decide. None of the deciding tests can have failed.
        """
        together = self._closest(components)
        deciding = [together] if together else [self._closest([name]) for name in components]
        return bool(self.statuses) and all(states <= {"passed", "flaky"} for states in deciding)

    def refuses(self, cell: Cell) -> bool:
        """Whether this is `cell`, and it can have no lock."""
        return self.verdict.cell.id == cell.id and self.verdict.verdict in ("unresolvable", "not-applicable")

    @cached_property
    def _states(self) -> dict[frozenset[str], set[str]]:
        """By the components that a test uses, the states of such tests. A test that does not apply has none."""
        states: dict[frozenset[str], set[str]] = {}
        for status in self.statuses:
            if status.state not in ("not-applicable", "feature-broken"):
                users = frozenset(self.ownership.users(status.result.components))
                states.setdefault(users, set()).add(status.state)
        return states

    def _closest(self, components: Collection[str]) -> set[str]:
        """The states of the tests that use all of `components` and the fewest others."""
        using = {users: states for users, states in self._states.items() if users.issuperset(components)}
        fewest = min((len(users) for users in using), default=0)
        return {state for users, states in using.items() if len(users) == fewest for state in states}


def read_goal_cell(
    planned: PlannedCell, evidence: tuple[Evidence, ...], goal: Goal, components: Components
) -> GoalCell:
    """Read what a cell says about a goal.

    Args:
        planned: The cell and what it resolved to.
        evidence: All runs of the cell.
        goal: The covering array.
        components: The components of the checkout.
    """
    cell, lock = planned.cell, planned.resolution.lock
    chosen = {pin for axis in goal.axes for pin in axis}
    python = exact_pin("python", cell.python)
    installed = lock.versions() if lock else {}
    versions = versions_of(installed, components)
    held = {exact_pin(name, version) for name, version in installed.items()} | {python} if lock else set[str]()
    due = lock is not None and next_run(evidence, ()) is not None
    return GoalCell(
        verdict=judge(planned, evidence),
        asked=frozenset(chosen.intersection((*cell.requirements, python))),
        held=frozenset(chosen & held),
        undecided=due or planned.resolution.outcome not in ("locked", "conflict", "no-wheel-for-platform"),
        versions=versions,
        ownership=Ownership(components, versions),
    )


def exact_pin(name: str, version: str) -> str:
    """The pin of a distribution, or of a Python."""
    return f"{name}=={version}"
