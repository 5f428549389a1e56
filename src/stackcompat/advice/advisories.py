"""Every advisory that a table has evidence for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from packaging.version import Version

from stackcompat.advice.advisory import Advisory, Link
from stackcompat.advice.culprit_advisories import culprit_advisories
from stackcompat.advice.lone_advisories import lone_advisories
from stackcompat.advice.pair_advisories import pair_advisories
from stackcompat.core.requirements import version_key
from stackcompat.table.failures import FailureGroup
from stackcompat.table.summary import Summary

__all__ = ["advisories"]


def advisories(summary: Summary, links: Iterable[Link] = ()) -> tuple[Advisory, ...]:
    """Every confirmed incompatibility, those of the newest releases first.

    Args:
        summary: The table.
        links: Addresses of issues that people have written down for advisories.
    """
    groups = _broken(summary)
    unlinked = [*pair_advisories(summary, groups), *lone_advisories(summary, groups.values())]
    unlinked += culprit_advisories(summary, groups.values(), unlinked)
    addresses: dict[str, list[str]] = {}
    for link in links:
        addresses.setdefault(link.id, []).append(link.url)
    linked = [advisory.model_copy(update={"links": tuple(addresses.get(advisory.id, ()))}) for advisory in unlinked]
    return tuple(sorted(linked, key=_newest_affected, reverse=True))


def _broken(summary: Summary) -> Mapping[str, FailureGroup]:
    """The confirmed failures of the table, by their ids."""
    return {group.id: group for group in summary.failures if group.verdict == "broken"}


def _newest_affected(advisory: Advisory) -> tuple[Version, str]:
    return version_key(advisory.sides[0].versions[-1]), advisory.id
