"""The distributions that a lock holds back from their newest releases, and the bounds that do it. Pure."""

from __future__ import annotations

from collections.abc import Callable

from packaging.version import Version

from stackcompat.core.requirements import name_of
from stackcompat.ecosystem.releases import Catalog
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict, links_of
from stackcompat.resolve.lock import HeldBack, Lock, Resolution

__all__ = ["held_back"]


def held_back(cell: Cell, lock: Lock, catalog: Catalog, demand: Callable[[str], Resolution]) -> tuple[HeldBack, ...]:
    """The distributions that a cell asks for at their newest, and that its lock has in an older release.

    Args:
        cell: The cell.
        lock: Its lock.
        catalog: Gives the newest releases.
        demand: Resolves the cell with one further requirement.
    """
    versions = lock.versions()
    found = []
    for name in cell.newest:
        if name in cell.local or name not in versions:
            continue
        newest = catalog.project(name).newest(before=cell.exclude_newer)
        if newest is None or newest.parsed <= Version(versions[name]):
            continue
        by, bound = _holder(cell, lock, name, newest.version, demand(f"{name}=={newest.version}"))
        found.append(HeldBack(name=name, newest=newest.version, got=versions[name], by=by, bound=bound))
    return tuple(found)


def _holder(cell: Cell, lock: Lock, name: str, newest: str, demanded: Resolution) -> tuple[str, str]:
    """The holder that keeps `name` from its newest release, and the bound by which it does.

    Args:
        cell: The cell.
        lock: Its lock, with an older release.
        name: The distribution.
        newest: Its newest release.
        demanded: The resolution of the cell with the newest release demanded. If it is a conflict, that names the
            bound.
    """
    if demanded.conflict is not None:
        return _holder_in(demanded.conflict, name, cell.python)
    if demanded.lock is not None:
        versions = demanded.lock.versions()
        older = [
            f"{other} {versions[other]}"
            for other, version in lock.versions().items()
            if other in versions and Version(versions[other]) < Version(version)
        ]
        return "the resolver's choice", f"{name} {newest} resolves as well, with {', '.join(older[:3])}"
    if demanded.outcome == "no-wheel-for-platform":
        return "its files", demanded.detail
    return "an unknown bound", demanded.detail


def _holder_in(conflict: Conflict, name: str, python: str) -> tuple[str, str]:
    """The holder and the bound that a conflict names."""
    if conflict.kind in ("python", "no-wheel-for-python"):
        return f"Python {python}", conflict.sentence
    links = links_of(conflict.chain)
    for link in links:
        if link.subject and name_of(link.dependency) == name and name_of(link.subject) != name:
            return link.subject, f"{link.subject} depends on {link.dependency}"
    for link in links:
        if not link.subject and name_of(link.dependency) != name:
            return link.dependency, conflict.sentence
    return "its bounds", conflict.sentence
