"""The releases that a tool that updates pins should leave out, one by one. Pure.

Such a tool forbids a release of one distribution, whatever else is installed, and most advisories are about two. So a
release is left out if it was seen to fail with a release of the newest set that works on some Python, and is in none of
these sets: whoever follows the newest sets loses nothing by that. A release that is broken for everybody is left out
too. What fails only beside a third distribution, or where one is missing, is no reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.osv import osv_id
from stackcompat.core.record import Record
from stackcompat.core.requirements import version_key
from stackcompat.table.summary import Summary

__all__ = ["RefusedUpdate", "refused_updates"]


class RefusedUpdate(Record):
    """The releases of a distribution that should be left out.

    Attributes:
        distribution: The distribution.
        versions: The releases, lowest first.
        advisories: Ids of the advisories that say why.
    """

    distribution: str
    versions: tuple[str, ...]
    advisories: tuple[str, ...]


def refused_updates(
    summary: Summary, advisories: Iterable[Advisory], records: Collection[str]
) -> tuple[RefusedUpdate, ...]:
    """The releases that should be left out, by distribution.

    Args:
        summary: The table.
        advisories: Its advisories.
        records: The ids of its OSV records, whose releases are broken for everybody.
    """
    newest = _newest_working(summary)
    kept = {item for versions in newest.values() for item in versions.items()}
    found: dict[str, dict[str, set[str]]] = {}
    for advisory in advisories:
        everybody = _of_everybody(advisory) if osv_id(advisory) in records else ()
        for component, distribution, version in chain(everybody, _of_pair(advisory, newest)):
            if (component, version) not in kept:
                found.setdefault(distribution, {}).setdefault(version, set()).add(advisory.id)
    return tuple(
        RefusedUpdate(
            distribution=distribution,
            versions=tuple(sorted(versions, key=version_key)),
            advisories=tuple(sorted(set().union(*versions.values()))),
        )
        for distribution, versions in sorted(found.items())
    )


def _newest_working(summary: Summary) -> dict[str, Mapping[str, str]]:
    """By Python: the newest releases if they work together, else the nearest set that does; component to version."""
    return {row.python: row.versions if row.verdict == "works" else row.instead_versions for row in summary.today}


def _of_everybody(advisory: Advisory) -> Iterator[tuple[str, str, str]]:
    for side in advisory.sides:
        yield from ((side.component, side.distribution, version) for version in side.versions)


def _of_pair(advisory: Advisory, newest: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str, str]]:
    """The releases of an advisory about two, each failing with the release of the other one in a newest set."""
    if len(advisory.sides) != 2 or advisory.without or advisory.beside or advisory.level == "upstream":
        return
    for python in advisory.pythons:
        versions = newest.get(python, {})
        for releases in advisory.together:
            for side, other, place in zip(advisory.sides, reversed(advisory.sides), (0, 1), strict=True):
                if versions.get(other.component) == releases[1 - place]:
                    yield side.component, side.distribution, releases[place]
