"""What metapackages pin, and what their sets came to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.requirements import only_version, parse_requirement
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.table.cells import JudgedCell

__all__ = ["MovedPin", "PinAnswer", "PinnedSet", "pinned_sets"]


class PinAnswer(Record):
    """What a metapackage's set does on one Python, whole or with one of its pins moved."""

    python: str
    version: Annotated[str, Field(description="What the pin moved to; empty: none moved, or there is no lock.")]
    verdict: Verdict
    level: Level
    sentence: str
    held_back: Annotated[str, Field(description="Whose bound keeps the pin from its newest; empty: it is there.")]
    cell: Annotated[str, Field(description="Id of the cell that shows it.")]


class MovedPin(Record):
    """One pin of a metapackage moved to the newest release, the others as they are."""

    distribution: Annotated[str, Field(description="Empty: none moved, the set as it is pinned.")]
    answers: tuple[PinAnswer, ...]


class PinnedSet(Record):
    """The exact pins of a release of a metapackage."""

    name: Annotated[str, Field(description="The metapackage and its release.")]
    pins: Annotated[dict[str, str], Field(description="Distribution to version.")]
    moved: tuple[MovedPin, ...]


def pinned_sets(cases: Sequence[JudgedCell]) -> tuple[PinnedSet, ...]:
    """Each set that some cell of the policy `metapackage` holds, in the order of `cases`."""
    asked = [case for case in cases if case.verdict.cell.policy == "metapackage"]
    labels = dict.fromkeys(case.verdict.cell.label for case in asked if not case.verdict.cell.newest)
    return tuple(
        _set(label, [case for case in asked if f"{case.verdict.cell.label} ".startswith(f"{label} ")])
        for label in labels
    )


def _set(label: str, cases: Sequence[JudgedCell]) -> PinnedSet:
    """The set with this `label`, from the cells that hold it, or all of it but one."""
    whole = next(case for case in cases if case.verdict.cell.label == label)
    wanted = map(parse_requirement, whole.verdict.cell.requirements)
    pins = {requirement.name: version for requirement in wanted if (version := only_version(requirement))}
    moved: dict[str, list[PinAnswer]] = {}
    for case in cases:
        verdict = case.verdict
        name = next(iter(verdict.cell.newest), "")
        held = next((f"{held.by}: {held.bound}" for held in verdict.held_back if held.name == name), "")
        moved.setdefault(name, []).append(
            PinAnswer(
                python=verdict.cell.python,
                version=verdict.installed.get(name, ""),
                verdict=verdict.verdict,
                level=verdict.level,
                sentence=verdict.sentence,
                held_back=held,
                cell=verdict.cell.id,
            )
        )
    return PinnedSet(
        name=label,
        pins={name: version for name, version in pins.items() if not label.endswith(f"{name} {version}")},
        moved=tuple(MovedPin(distribution=name, answers=tuple(answers)) for name, answers in moved.items()),
    )
