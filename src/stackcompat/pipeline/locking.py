"""Resolves many cells at once, and reuses earlier resolutions while the index says nothing new."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

from stackcompat.core.record import digest
from stackcompat.core.requirements import name_of
from stackcompat.ecosystem.releases import IndexUnreachable
from stackcompat.pipeline.runner import Runner
from stackcompat.pipeline.workers import as_completed
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import links_of
from stackcompat.resolve.lock import Resolution

__all__ = ["lock_cells"]


def lock_cells(cells: Sequence[Cell], runner: Runner, *, again: bool = False) -> dict[str, Resolution]:
    """Resolve cells.

    Args:
        cells: The cells.
        runner: Has the index, the resolver and the store.
        again: Whether cells are resolved again although the index says nothing new about them.

    Returns:
        The resolutions by cell id.
    """
    runner.reporter.stage("lock", len(cells))
    resolutions = {} if again else _known_resolutions(cells, runner)
    due = []
    for cell in cells:
        if cell.id in resolutions:
            runner.reporter.step(f"{cell.label}: known")
        else:
            due.append(cell)

    def resolve(cell: Cell) -> Resolution:
        try:
            return runner.resolver.resolve(cell, runner.catalog)
        except IndexUnreachable as error:
            return Resolution(outcome="index-unreachable", detail=str(error))

    for cell, resolution in as_completed(due, resolve, runner.executor):
        resolutions[cell.id] = resolution
        _keep(cell, resolution, runner)
        runner.reporter.step(f"{cell.label}: {resolution.outcome}")
    return resolutions


def _known_resolutions(cells: Sequence[Cell], runner: Runner) -> dict[str, Resolution]:
    """By cell id, the earlier resolutions that still hold."""
    consulted = {}
    for cell in cells:
        earlier = runner.store.any_resolution(cell.id)
        if earlier is not None:
            consulted[cell.id] = _consulted(cell, earlier)
    with contextlib.suppress(IndexUnreachable):  # each cell asks again for the projects that it needs
        runner.catalog.prefetch(name for names in consulted.values() for name in names)
    known = {}
    for cell in cells:
        # An extra index and local files can change without the catalog noticing.
        if cell.id in consulted and not cell.index and not cell.local:
            with contextlib.suppress(IndexUnreachable):
                resolution = runner.store.resolution(cell.id, _fingerprint(cell, consulted[cell.id], runner))
                if resolution is not None:
                    known[cell.id] = resolution
    return known


def _keep(cell: Cell, resolution: Resolution, runner: Runner) -> None:
    """Remember a resolution, if the same question has the same answer next time."""
    if resolution.outcome not in ("locked", "conflict"):
        return
    names = _consulted(cell, resolution)
    with contextlib.suppress(IndexUnreachable):  # then the cell is resolved again the next time
        runner.catalog.prefetch(names)
        runner.store.keep_resolution(cell.id, _fingerprint(cell, names, runner), resolution)


def _consulted(cell: Cell, resolution: Resolution) -> set[str]:
    """The distributions whose releases decided the resolution, as far as its outcome names them."""
    names = set(cell.roots())
    if resolution.lock is not None:
        names |= resolution.lock.versions().keys()
    if resolution.conflict is not None:
        names |= {name_of(text) for link in links_of(resolution.conflict.chain) for text in link}
    return names - {"", "python"}


def _fingerprint(cell: Cell, names: Iterable[str], runner: Runner) -> str:
    """What a resolution rests on besides the cell: the releases of `names`, the interpreter, what is to be newest."""
    interpreter = runner.interpreters[cell.python].label if cell.python in runner.interpreters else ""
    releases = sorted(
        runner.catalog.project(name).fingerprint(None if name in cell.admitted else cell.exclude_newer)
        for name in names
    )
    return digest(releases, interpreter, cell.newest)
