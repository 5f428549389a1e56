"""A paired cell before it is locked."""

from __future__ import annotations

from collections.abc import Collection

from stackcompat.core.record import Record, digest
from stackcompat.core.requirements import name_of
from stackcompat.gate.policy import Direction, Weight

__all__ = ["PairedQuestion"]


class PairedQuestion(Record):
    """A paired cell before it is locked.

    Attributes:
        rule: The rule of the policy that asks.
        weight: What a failure means.
        label: The cell in words, without its Python.
        python: The Python, such as ``3.12``.
        thorough: Whether tests marked ``thorough`` run too.
        others: The requirements on everything but the candidates and what moves with them.
        subject: The component whose release the cell is about; empty: all of them.
        direction: Which arm reads what the other wrote; None where no artifacts cross.
        only: The artifacts that cross, or words of their names; none: all.
        rank: A sort key: the question with the lowest rank would tell most.
    """

    rule: str
    weight: Weight
    label: str
    python: str
    thorough: bool = False
    others: tuple[str, ...]
    subject: str = ""
    direction: Direction | None = None
    only: tuple[str, ...] = ()
    rank: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        """Content address of the question."""
        artifacts = [self.only] if self.only else []  # the label names the direction
        return digest(self.rule, self.label, self.python, self.others, self.thorough, *artifacts, length=12)

    @property
    def place(self) -> str:
        """The cell in words, with its Python."""
        return f"{self.label} on Python {self.python}"

    def names(self) -> tuple[str, ...]:
        """The distributions of `others`."""
        return tuple(map(name_of, self.others))

    def without(self, names: Collection[str]) -> PairedQuestion:
        """The question without those of its others that are in `names`."""
        others = tuple(text for text in self.others if name_of(text) not in names)
        return self.model_copy(update={"others": others})
