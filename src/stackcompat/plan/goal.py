"""What a plan asks for, and what the covering arrays in it still lack once cells are locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stackcompat.core.record import Record
from stackcompat.core.requirements import split_pin
from stackcompat.plan.cell import Cell, readable
from stackcompat.plan.covering import share_covered

__all__ = ["Goal", "Plan", "pin_requirements"]


class Goal(Record):
    """What a `pairs` policy wants to see together. Pins are exact; ``python`` is pinned like a distribution.

    Attributes:
        label: The name of the goal.
        axes: The pins to choose from: the Pythons, then each component's, newest first.
        budget: How many cells can be made after the first array (see :mod:`stackcompat.pipeline.adaptive`).
        combinations: The combinations of pins that metadata allows.
        template: The cell that pins nothing, from which others are made.
        pythons: By pin, the Pythons that it supports, newest first; by the empty text, all of them.
    """

    label: str
    axes: tuple[tuple[str, ...], ...]
    budget: int
    combinations: tuple[tuple[str, ...], ...]
    template: Cell
    pythons: dict[str, tuple[str, ...]]

    def reached(self, held: Iterable[Mapping[str, str]]) -> tuple[float, tuple[Cell, ...]]:
        """How much of the goal some environments show.

        Args:
            held: What each environment holds, by name; its Python as ``python``.

        Returns:
            The percentage of the combinations that meet in some environment; and for each combination that meets in
            none, a cell that pins it and nothing else.
        """
        rows = ([f"{name}=={version}" for name, version in versions.items()] for versions in held)
        percent, missing = share_covered(self.combinations, rows)
        return percent, tuple(self.cell(pins, f"{readable(pins)}, all else free") for pins in missing)

    def cell(self, pins: Iterable[str], label: str) -> Cell:
        """The template with `pins`, on the newest Python that all of them support."""
        pinned = list(pins)
        supported = [self.pythons[pin] for pin in pinned]
        common = [python for python in self.pythons[""] if all(python in pythons for pythons in supported)]
        python = common[0] if common else self.template.python
        requirements = pin_requirements(self.template.requirements, pinned)
        return self.template.model_copy(update={"python": python, "requirements": requirements, "label": label})


class Plan(Record):
    """What a matrix asks for.

    Attributes:
        cells: The cells to try, in order, each once.
        coverage: By goal, the percentage of its allowed combinations that the cells ask for.
        excluded: What metadata does not allow, in sentences.
        goals: What the `pairs` policies want to see.
        reserved: Components that no cell asks for, with the newest release, which only reserves the name.
    """

    cells: tuple[Cell, ...]
    coverage: dict[str, float]
    excluded: tuple[str, ...]
    goals: tuple[Goal, ...]
    reserved: dict[str, str] = {}

    def repair(self, locked: Mapping[str, Mapping[str, str]]) -> tuple[tuple[Cell, ...], dict[str, float]]:
        """Compare the goals with what cells were really locked to.

        Args:
            locked: By cell id, the versions of its lock by distribution, and its Python as ``python``.

        Returns:
            Further cells for what is in no lock, and the coverage in percent by goal. A cell that forces what metadata
            forbids shows nothing about what metadata allows, so it counts only for a goal that forces the same.
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


def pin_requirements(names: Iterable[str], pins: Iterable[str]) -> tuple[str, ...]:
    """Requirements for all `names`: the exact pin where there is one, else the bare name."""
    exact = {split_pin(pin)[0]: pin for pin in pins}
    return tuple(sorted(exact.get(name, name) for name in names))
