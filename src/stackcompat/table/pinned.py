"""Rows about metapackages: the sets that they pin, and whether these sets work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.requirements import exact_pins
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.table.judged import JudgedCell

__all__ = ["MovedPin", "PinAnswer", "PinnedSet", "pinned_sets"]


class PinAnswer(Record):
    """The result of a metapackage's set on one Python, as it is pinned or with one pin moved."""

    python: str
    version: Annotated[
        str, Field(description="The release to which the pin moved; empty: no pin moved, or there is no lock.")
    ]
    verdict: Verdict
    level: Level
    sentence: str
    held_back: Annotated[str, Field(description="The bound that holds back the moved pin; empty: none does.")]
    cell: Annotated[str, Field(description="Id of the cell that shows the verdict.")]


class MovedPin(Record):
    """The set of a metapackage with one pin moved to the newest release, and the results."""

    distribution: Annotated[str, Field(description="The distribution whose pin moved; empty: the set as it is pinned.")]
    answers: tuple[PinAnswer, ...]


class PinnedSet(Record):
    """The exact pins of a release of a metapackage, and the results of this set."""

    name: Annotated[str, Field(description="The metapackage and its release.")]
    pins: Annotated[dict[str, str], Field(description="Distribution to version.")]
    moved: tuple[MovedPin, ...]


def pinned_sets(cells: Sequence[JudgedCell]) -> tuple[PinnedSet, ...]:
    """The sets of all cells of the policy `metapackage`, in the order of `cells`."""
    asked = [cell for cell in cells if cell.verdict.cell.policy == "metapackage"]
    labels = dict.fromkeys(cell.verdict.cell.label for cell in asked if not cell.verdict.cell.newest)
    return tuple(
        _set(label, [cell for cell in asked if f"{cell.verdict.cell.label} ".startswith(f"{label} ")])
        for label in labels
    )


def _set(label: str, cells: Sequence[JudgedCell]) -> PinnedSet:
    """The set of a release of a metapackage.

    Args:
        label: The metapackage and its release.
        cells: The cells with the set, as it is pinned or with one pin moved.
    """
    whole = next(cell.verdict.cell for cell in cells if cell.verdict.cell.label == label)
    moved: dict[str, list[PinAnswer]] = {}
    for cell in cells:
        name = next(iter(cell.verdict.cell.newest), "")
        moved.setdefault(name, []).append(_answer(cell, name))
    return PinnedSet(
        name=label,
        pins={
            name: version
            for name, version in exact_pins(whole.requirements).items()
            if not label.endswith(f"{name} {version}")
        },
        moved=tuple(MovedPin(distribution=name, answers=tuple(answers)) for name, answers in moved.items()),
    )


def _answer(cell: JudgedCell, moved: str) -> PinAnswer:
    """The result of the set in a cell in which the pin `moved` is at its newest release; empty means no pin."""
    verdict = cell.verdict
    return PinAnswer(
        python=cell.python,
        version=verdict.installed.get(moved, ""),
        verdict=verdict.verdict,
        level=verdict.level,
        sentence=verdict.sentence,
        held_back=next((f"{held.by}: {held.bound}" for held in verdict.held_back if held.name == moved), ""),
        cell=cell.id,
    )
