"""The sets of releases that a table knows to work: its cells that work, without those that an advisory hits. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Annotated

from packaging.requirements import Requirement
from pydantic import Field

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.set_knowledge import works
from stackcompat.core.record import Record
from stackcompat.core.requirements import python_key, version_key
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.table.summary import Summary

__all__ = ["KnownSet", "known_sets", "newest_fitting"]


class KnownSet(Record):
    """A set of releases that was installed and tested together, and that works."""

    cell: Annotated[str, Field(description="Id of the cell that shows it.")]
    python: str
    platform: str
    versions: Annotated[dict[str, str], Field(description="Component to version.")]
    besides: Annotated[
        tuple[str, ...],
        Field(description="Requirements to install too, since a component needs them and does not declare them."),
    ] = ()
    level: Annotated[Level, Field(description="The level that its shallowest component reached.")]
    seen: Annotated[dt.datetime | None, Field(description="When it was last tested.")]


def known_sets(summary: Summary, advisories: Iterable[Advisory] = ()) -> tuple[KnownSet, ...]:
    """The sets that work, each once a Python: the one that was tested deepest, then the one that was tested last.

    Sets that declared metadata forbids, sets with local code, and sets that an advisory hits are left out.

    Args:
        summary: The table.
        advisories: Its advisories. Those about a release's own tests do not count.
    """
    distributions = {row.name: row.distribution for row in summary.components}
    known = [advisory for advisory in advisories if advisory.level != "upstream"]
    found: dict[tuple[str, frozenset[tuple[str, str]]], KnownSet] = {}
    for cell in summary.cells:
        if not works(cell) or cell.forced or cell.policy == "local" or not cell.components:
            continue
        versions = {name: held.version for name, held in cell.components.items()}
        installed = {distributions.get(name, name): version for name, version in versions.items()}
        if any(advisory.hits(installed) for advisory in known):
            continue
        level = min((held.level for held in cell.components.values()), key=LEVELS.index)
        one = KnownSet(
            cell=cell.id,
            python=cell.python,
            platform=cell.platform,
            versions=versions,
            besides=summary.besides(cell),
            level=level,
            seen=cell.seen,
        )
        place = (cell.python, frozenset(versions.items()))
        if place not in found or _worth(one) > _worth(found[place]):
            found[place] = one
    return tuple(sorted(found.values(), key=lambda one: python_key(one.python), reverse=True))


def _worth(one: KnownSet) -> tuple[int, float]:
    return LEVELS.index(one.level), one.seen.timestamp() if one.seen else 0.0


def newest_fitting(
    asked: Sequence[Requirement], sets: Iterable[KnownSet], summary: Summary, *, prereleases: bool = False
) -> list[KnownSet]:
    """The sets that have all that is asked for, within its bounds; the newest first.

    Of two sets, the newer one has the newer release of the first requirement on which they differ. If they differ on
    none, it has fewer other components that are not at their newest release, then it is the set that an installer gives
    for everything at once, and then it has fewer other components.

    Args:
        asked: Requirements on components, named by their distributions.
        sets: The sets.
        summary: The table.
        prereleases: Whether sets with a pre-release count.
    """
    names = {row.distribution: row.name for row in reversed(summary.components) if row.distribution}
    newest = {row.name: row.newest for row in summary.components}
    newest_sets = [(row.python, row.versions) for row in summary.today]
    wanted = [(names[requirement.name], requirement.specifier) for requirement in asked]

    def fits(one: KnownSet) -> bool:
        if not prereleases and any(version_key(version).is_prerelease for version in one.versions.values()):
            return False
        return all(
            name in one.versions and specifier.contains(one.versions[name], prereleases=True)
            for name, specifier in wanted
        )

    def newness(one: KnownSet) -> tuple[object, ...]:
        others = one.versions.keys() - {name for name, _ in wanted}
        older = sum(one.versions[name] != newest.get(name) for name in others)
        return (
            *(version_key(one.versions[name]) for name, _ in wanted),
            -older,
            (one.python, one.versions) in newest_sets,
            -len(others),
            sorted((version_key(one.versions[name]) for name in others), reverse=True),
            LEVELS.index(one.level),
        )

    return sorted((one for one in sets if fits(one)), key=newness, reverse=True)
