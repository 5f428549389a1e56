"""The cells of a gate: paired with two arms, excluded by a bound, or untried.

A cell becomes one of three types while it is locked. Only a :class:`PairedCell` has two arms to run; the other two
types say why there is nothing to compare. :mod:`stackcompat.gate.evaluate` judges the cells.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from stackcompat.core.record import Record
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.gate.policy import Direction, Weight

__all__ = ["Arm", "ArmName", "ExcludedCell", "Exclusion", "GateCell", "PairedCell", "UntriedCell"]

ArmName = Literal["control", "candidate"]


class Arm(Record):
    """One half of a paired cell.

    Attributes:
        planned: What it was locked to.
        evidence: Every run of that lock, oldest first.
        imports: The key of the runs that only imported, before all other tests; empty where there were none.
    """

    planned: PlannedCell
    evidence: tuple[Evidence, ...] = ()
    imports: str = ""

    def since(self, moment: dt.datetime) -> Arm:
        """The arm with the runs all of whose results were seen at `moment` or later."""
        return self.model_copy(update={"evidence": tuple(run for run in self.evidence if run.seen >= moment)})

    def ran(self) -> bool:
        """Whether any run got as far as the tests."""
        return any(run.outcome == "ran" for run in self.evidence)

    def versions(self) -> dict[str, str]:
        """The version of every distribution in the lock; nothing if there is no lock."""
        lock = self.planned.resolution.lock
        return lock.versions() if lock else {}

    def requested(self) -> dict[str, str]:
        """The versions of the distributions that the arm asks for by name; nothing if there is no lock."""
        versions = self.versions()
        return {name: versions[name] for name in self.planned.cell.roots() if name in versions}


class Exclusion(Record):
    """Why the candidate cannot be installed together with another component, or on a Python.

    The release that the candidate replaces can be installed there.

    Attributes:
        by: Whose bound it is. ``candidate``: the candidate, or one of its dependencies, declares it. ``other``: another
            component declares it, and does not accept the candidate yet. ``python``: the candidate no longer supports
            the Python.
        component: The other component; empty if the exclusion is not about a component.
        version: The version of that component in the control; empty where there is none.
        bound: The bound that excludes, in words.
        sentence: The exclusion in words.
        remedy: What to do about it.
        chain: The bounds that lead to it, one after another.
    """

    by: Literal["candidate", "other", "python"]
    component: str
    version: str = ""
    bound: str
    sentence: str
    remedy: str
    chain: tuple[str, ...] = ()


class _BaseCell(Record):
    """What every cell of the gate has.

    Attributes:
        id: Content address of the question that the cell answers.
        rule: The rule of the policy that asks for the cell.
        weight: What a failure of the cell means.
        label: The cell in words, without its Python.
        python: The Python, such as ``3.12``.
        waiting: The components that the cell leaves out, because their bounds do not accept the candidate yet.
    """

    id: str
    rule: str
    weight: Weight
    label: str
    python: str
    waiting: tuple[Exclusion, ...] = ()

    @property
    def place(self) -> str:
        """The cell in words, with its Python."""
        return f"{self.label} on Python {self.python}"


class PairedCell(_BaseCell):
    """A cell with two arms that are locked alike but for the candidate.

    Attributes:
        control: The arm with the releases that the candidates replace.
        candidate: The arm with the candidates.
        differs: Distributions that could not be locked alike, other than the candidates, each with both versions.
        direction: Which arm reads what the other wrote; None where no artifacts cross.
    """

    control: Arm
    candidate: Arm
    differs: tuple[str, ...] = ()
    direction: Direction | None = None

    @property
    def arms(self) -> tuple[tuple[ArmName, Arm], tuple[ArmName, Arm]]:
        """Both arms by name, the control first."""
        return ("control", self.control), ("candidate", self.candidate)

    def since(self, moment: dt.datetime) -> PairedCell:
        """The cell with the runs that began at `moment` or later."""
        return self.model_copy(
            update={"control": self.control.since(moment), "candidate": self.candidate.since(moment)}
        )

    def untried(self, why: str, remedy: str) -> UntriedCell:
        """The same cell as an :class:`UntriedCell`.

        Args:
            why: The reason, as a part of a sentence about the cell.
            remedy: What to do about it.
        """
        return UntriedCell(
            id=self.id,
            rule=self.rule,
            weight=self.weight,
            label=self.label,
            python=self.python,
            waiting=self.waiting,
            why=why,
            remedy=remedy,
            paired=self,
        )


class ExcludedCell(_BaseCell):
    """A cell whose control has a lock, and in which a bound of the candidates keeps them out.

    Attributes:
        control: The arm with the releases that the candidates replace; it is not run.
        exclusions: What keeps them out, at least one. Either all have ``by="candidate"`` or all have ``by="python"``.
    """

    control: Arm
    exclusions: tuple[Exclusion, ...]


class UntriedCell(_BaseCell):
    """A cell that was not run.

    Attributes:
        why: The reason, as a part of a sentence about the cell.
        remedy: What to do about it.
        paired: The cell with both arms; None if it was not locked.
    """

    why: str
    remedy: str
    paired: PairedCell | None = None


GateCell = PairedCell | ExcludedCell | UntriedCell
