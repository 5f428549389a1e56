"""A paired cell before it is locked."""

from __future__ import annotations

from collections.abc import Collection

from stackcompat.core.record import Record, digest
from stackcompat.core.requirements import parse_requirement
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
        rank: Orders questions by what they would tell; the lowest comes first.
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
        return tuple(parse_requirement(text).name for text in self.others)

    def without(self, names: Collection[str]) -> PairedQuestion:
        """The question without the distributions `names` among its others."""
        others = tuple(text for text in self.others if parse_requirement(text).name not in names)
        return self.model_copy(update={"others": others})
