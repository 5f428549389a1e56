"""Resolve many cells at once. An earlier resolution is reused in the same night while the index says nothing new.

A resolution of a cell that is taken back to a past day is reused later, too: no new release can change it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
from collections.abc import Callable, Sequence

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcompat.core.dates import now
from stackcompat.core.record import digest
from stackcompat.core.requirements import name_of, parse_requirement
from stackcompat.ecosystem.declared import requirements
from stackcompat.ecosystem.releases import Catalog, IndexUnreachable, Release
from stackcompat.evidence.store import KeptResolution
from stackcompat.pipeline.runner import Runner
from stackcompat.pipeline.workers import as_completed
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import links_of
from stackcompat.resolve.lock import Resolution

__all__ = ["NIGHT", "lock_cells"]

#: How long a resolution is reused. A nightly with its shards and rounds takes less, and the next one begins later.
NIGHT = dt.timedelta(hours=12)

#: Gives the fingerprint of a distribution, without the releases that were uploaded after a moment.
StateOf = Callable[[str, dt.datetime | None], str]


def lock_cells(cells: Sequence[Cell], runner: Runner, *, again: bool = False) -> dict[str, Resolution]:
    """Resolve cells, or reuse their earlier resolutions.

    Args:
        cells: The cells.
        runner: Has the index, the resolver and the store.
        again: Whether cells are resolved again although the index says nothing new about them.

    Returns:
        The resolutions by cell id.
    """
    runner.reporter.stage("lock", len(cells))

    @functools.cache
    def state_of(name: str, before: dt.datetime | None) -> str:
        return runner.catalog.project(name).fingerprint(before)

    resolutions = {} if again else _known_resolutions(cells, runner, state_of)
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

    for cell, resolution in as_completed(due, resolve, runner.executor, at_once=runner.executor.local_workers):
        resolutions[cell.id] = resolution
        _keep(cell, resolution, runner, state_of)
        runner.reporter.step(f"{cell.label}: {resolution.outcome}")
    return resolutions


def _known_resolutions(cells: Sequence[Cell], runner: Runner, state_of: StateOf) -> dict[str, Resolution]:
    """The earlier resolutions that still hold, by cell id."""
    recent = {cell.id: kept for cell in cells if (kept := _recent(cell, runner)) is not None}
    # The index is asked for all of them at once. Where it does not answer, the loop asks again for each cell alone.
    with contextlib.suppress(IndexUnreachable):
        runner.catalog.prefetch(
            name for cell in cells if cell.id in recent for name in _named(cell, recent[cell.id].resolution)
        )
    known = {}
    for cell in cells:
        kept = recent.get(cell.id)
        if kept is not None and cell.id not in known:
            with contextlib.suppress(IndexUnreachable):
                if _fingerprint(cell, kept.resolution, kept.resolved, runner, state_of) == kept.fingerprint:
                    known[cell.id] = kept.resolution
    return known


def _recent(cell: Cell, runner: Runner) -> KeptResolution | None:
    """The earlier resolution of a cell, unless it can have changed without a sign of it."""
    if cell.index or cell.local:  # an extra index and local files change unnoticed by the catalog
        return None
    kept = runner.store.kept_resolution(cell.id)
    if kept is None or _settled(cell, kept.resolved) or now() - kept.resolved < NIGHT:
        return kept
    return None


def _settled(cell: Cell, resolved: dt.datetime) -> bool:
    """Whether no release that is uploaded later can change a resolution of the cell."""
    return cell.exclude_newer is not None and not cell.admitted and resolved - cell.exclude_newer >= NIGHT


def _keep(cell: Cell, resolution: Resolution, runner: Runner, state_of: StateOf) -> None:
    """Store a resolution, if the same question will have the same answer next time."""
    if resolution.outcome not in ("locked", "conflict"):
        return
    resolved = now()
    with contextlib.suppress(IndexUnreachable):  # an unstored resolution is made again next time
        runner.catalog.prefetch(_named(cell, resolution))
        fingerprint = _fingerprint(cell, resolution, resolved, runner, state_of)
        runner.store.keep_resolution(cell.id, KeptResolution(resolution, fingerprint, resolved))


# ---------------------------------------------------------------------------------------------------------------------
# What a resolution depends on
# ---------------------------------------------------------------------------------------------------------------------


def _named(cell: Cell, resolution: Resolution) -> set[str]:
    """The distributions that a resolution names: the roots, those in the lock, those in the conflict."""
    names = set(cell.roots())
    if resolution.lock is not None:
        names |= resolution.lock.versions().keys()
    if resolution.conflict is not None:
        names |= {name_of(text) for link in links_of(resolution.conflict.chain) for text in link}
    return names - {"", "python"}


def _awaited(cell: Cell, resolution: Resolution, catalog: Catalog) -> set[str]:
    """The distributions that can bring in a newer release of something in the cell.

    The newest release of a distribution may have been left out because another distribution was missing, or was too
    old. So its requirements are followed. Where the newest release of a required one was left out as well, they are
    followed from there.
    """
    versions = resolution.lock.versions() if resolution.lock is not None else {}
    asked = {requirement.name: requirement for requirement in map(parse_requirement, cell.requirements)}
    found: set[str] = set()
    waiting = sorted({*asked, *versions})
    while waiting:
        name = waiting.pop()
        newest = _newest(name, asked.get(name), cell, catalog)
        if newest is None or (name in versions and newest.parsed <= Version(versions[name])):
            continue
        extras = asked[name].extras if name in asked else ()
        required = {one.name for one in requirements(catalog, name, newest.version, cell.python, extras)}
        waiting += sorted(required - found - versions.keys() - asked.keys())
        found |= required
    return found


def _newest(name: str, asked: Requirement | None, cell: Cell, catalog: Catalog) -> Release | None:
    """The newest release of a distribution that the cell can take, if no other distribution stands in the way."""
    bounds = asked.specifier if asked is not None else SpecifierSet()
    before = None if name in cell.admitted else cell.exclude_newer
    releases = catalog.project(name).fit(python=cell.python, before=before, prereleases=bool(bounds.prereleases))
    return next((release for release in releases if bounds.contains(release.version, prereleases=True)), None)


def _fingerprint(cell: Cell, resolution: Resolution, resolved: dt.datetime, runner: Runner, state_of: StateOf) -> str:
    """A digest of what a resolution depends on apart from the cell's id.

    It covers the releases of the distributions that decided it, the interpreter, and the distributions that are to be
    at their newest.
    """
    names = _named(cell, resolution)
    if not _settled(cell, resolved):
        names |= _awaited(cell, resolution, runner.catalog)
    interpreter = runner.interpreters[cell.python].label if cell.python in runner.interpreters else ""
    releases = sorted(state_of(name, None if name in cell.admitted else cell.exclude_newer) for name in names)
    return digest(releases, interpreter, cell.newest)
