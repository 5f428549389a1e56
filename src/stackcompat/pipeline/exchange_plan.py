"""The crossings of an exchange matrix: which environments write artifacts and which read them. Pure functions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import product

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.runs import Crossing, PlannedCell
from stackcompat.plan.cell import Cell
from stackcompat.plan.matrix import Promise
from stackcompat.resolve.lock import Lock

__all__ = ["choose", "complete", "plan_crossings", "promised"]


def complete(cell: Cell, lock: Lock, components: Components) -> Cell:
    """Add to a cell the distributions that its components need for their artifacts but do not declare.

    Args:
        cell: The cell.
        lock: What the cell resolved to.
        components: The components of the ecosystem.

    Returns:
        The cell with the missing distributions as requirements; the same cell if none is missing.
    """
    versions = lock.versions()
    wanted = {
        name
        for component in components.components
        if component.distribution in versions
        for name in component.undeclared
        if name not in versions
    }
    missing = wanted.difference(cell.roots())
    if not missing:
        return cell
    return cell.model_copy(update={"requirements": tuple(sorted((*cell.requirements, *missing)))})


def choose(words: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    """The artifacts that some words stand for.

    Args:
        words: Each is the name of an artifact, a pattern of names (with ``*``), or a part of names between hyphens. A
            full name stands for that artifact only, even if it is also a part of other names.
        known: The names of all artifacts.

    Raises:
        UsageError: A word stands for no artifact.
    """
    chosen: set[str] = set()
    for word in words:
        fitting = [name for name in known if fnmatchcase(name, word)]
        fitting = fitting or [name for name in known if f"-{word}-" in f"-{name}-"]
        if not fitting:
            raise UsageError(
                f'there is no artifact "{word}"; allowed are {", ".join(known)}, a word of these, or a pattern'
            )
        chosen.update(fitting)
    return tuple(sorted(chosen))


def plan_crossings(
    writers: Sequence[PlannedCell], readers: Sequence[PlannedCell], keys: Mapping[tuple[str, str], str], square: str
) -> tuple[Crossing, ...]:
    """Cross every writer with every reader.

    Args:
        writers: The cells that write.
        readers: The cells that read.
        keys: The key of the evidence on reading, by the ids of the writing and the reading cell.
        square: The label of the square.
    """
    pairs = product(_ids(writers), _ids(readers))
    return tuple(
        Crossing(writer=writer, reader=reader, key=keys.get((writer, reader), ""), square=square)
        for writer, reader in pairs
    )


def _ids(cells: Iterable[PlannedCell]) -> list[str]:
    """The ids of cells, each once."""
    return list(dict.fromkeys(planned.cell.id for planned in cells))


def promised(
    promises: Iterable[Promise], written: Mapping[str, dt.datetime], read: Mapping[str, dt.datetime]
) -> dict[str, bool]:
    """Decide for each promise whether it covers a crossing.

    Args:
        promises: The promises of the components.
        written: When the releases of the writer were uploaded, by component.
        read: When the releases of the reader were uploaded, by component.

    Returns:
        By artifact, whether its promise covers the crossing. A promise is left out if `written` or `read` does not have
        its component.
    """
    covered = {}
    for promise in promises:
        if promise.component in written and promise.component in read:
            days = (read[promise.component] - written[promise.component]) / dt.timedelta(days=1)
            covered[promise.artifact] = -promise.forward_days <= days <= promise.backward_days
    return covered
