"""What a plan asks for, and what the covering arrays in it still lack once cells are locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stackcompat.core.record import Record
from stackcompat.core.requirements import split_pin
from stackcompat.plan.cell import Cell, readable
from stackcompat.plan.covering import share_covered

__all__ = ["Goal", "Plan", "pin_requirements"]


class Goal(Record):
    """What a `pairs` policy wants to see together: combinations of exact pins, ``python`` among them, that are allowed.

    `axes` are the pins to choose from, each component's (and the Pythons) newest first. `template` is the cell that
    pins nothing, from which others are made; `pythons` are those that a pin supports, newest first. `budget` is how
    many cells may be made after the first array (see :mod:`stackcompat.pipeline.adaptive`).
    """

    label: str
    axes: tuple[tuple[str, ...], ...]
    budget: int
    combinations: tuple[tuple[str, ...], ...]
    template: Cell
    pythons: dict[str, tuple[str, ...]]

    def reached(self, held: Iterable[Mapping[str, str]]) -> tuple[float, tuple[Cell, ...]]:
        """How many percent meet in environments that hold `held` (name to version), and cells for the rest.

        There is one cell for each combination that meets nowhere: with its pins, and nothing else pinned.
        """
        rows = ([f"{name}=={version}" for name, version in versions.items()] for versions in held)
        percent, missing = share_covered(self.combinations, rows)
        cells = []
        for pins in missing:
            cells.append(self.cell(pins, f"{readable(pins)}, all else free"))
        return percent, tuple(cells)

    def cell(self, pins: Iterable[str], label: str) -> Cell:
        """The template with `pins`, on the newest Python that all of them support."""
        common = [set(self.pythons[pin]) for pin in pins]
        python = next((p for p in self.pythons[""] if all(p in some for some in common)), self.template.python)
        requirements = pin_requirements(self.template.requirements, pins)
        return self.template.model_copy(update={"python": python, "requirements": requirements, "label": label})


class Plan(Record):
    """The cells to try, in order and each once; what the `pairs` policies want, and how much of it the cells ask for.

    `coverage` is a percentage of the allowed combinations by goal, `excluded` says what metadata does not allow.
    `reserved` are components that no cell asks for, since their newest release only reserves the name.
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
