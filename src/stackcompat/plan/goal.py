"""The goal of a `pairs` policy: combinations of releases that must meet, and how many of them do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stackcompat.core.record import Record
from stackcompat.core.requirements import split_pin
from stackcompat.plan.cell import Cell, readable
from stackcompat.plan.covering import share_covered

__all__ = ["Goal", "pin_requirements"]


class Goal(Record):
    """The combinations of pins that must meet in some cell of a `pairs` policy. A Python is pinned as ``python==3.12``.

    Attributes:
        label: The name of the goal.
        axes: The pins to choose from, newest first: an axis of Pythons, then one of releases for each component.
        budget: How many further cells can follow the first array (see :mod:`stackcompat.pipeline.adaptive`).
        combinations: The combinations of pins that metadata allows.
        template: A cell without pins. All others are made from it.
        pythons: By pin, the Pythons that it supports, newest first. The empty text stands for no pin: all Pythons.
    """

    label: str
    axes: tuple[tuple[str, ...], ...]
    budget: int
    combinations: tuple[tuple[str, ...], ...]
    template: Cell
    pythons: dict[str, tuple[str, ...]]

    def reached(self, held: Iterable[Mapping[str, str]]) -> tuple[float, tuple[Cell, ...]]:
        """How many of the combinations meet in some environments.

        Args:
            held: For each environment, name to version. Its Python is called ``python``.

        Returns:
            The percentage of the combinations that meet in some environment; and for each other combination, a cell
            that pins only that.
        """
        rows = ([f"{name}=={version}" for name, version in versions.items()] for versions in held)
        percent, missing = share_covered(self.combinations, rows)
        return percent, tuple(self.cell(pins, f"{readable(pins)}, all else free") for pins in missing)

    def cell(self, pins: Iterable[str], label: str) -> Cell:
        """The template with `pins`, on the newest Python that all pins support, or else on the template's."""
        pinned = list(pins)
        supported = [self.pythons[pin] for pin in pinned]
        common = [python for python in self.pythons[""] if all(python in pythons for pythons in supported)]
        python = common[0] if common else self.template.python
        requirements = pin_requirements(self.template.requirements, pinned)
        return self.template.model_copy(update={"python": python, "requirements": requirements, "label": label})


def pin_requirements(names: Iterable[str], pins: Iterable[str]) -> tuple[str, ...]:
    """A requirement for each of `names`: its pin among `pins`, or else the bare name. Sorted."""
    exact = {split_pin(pin)[0]: pin for pin in pins}
    return tuple(sorted(exact.get(name, name) for name in names))
