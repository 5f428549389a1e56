"""Helpers that build parts of advisories of every kind. Pure."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterable
from typing import NamedTuple

from stackcompat.advice.advisory import AffectedSide
from stackcompat.core.requirements import version_key
from stackcompat.table.failures import FailureGroup
from stackcompat.table.frontiers import FrontierPair, FrontierReason, FrontierRow
from stackcompat.table.summary import Summary

__all__ = [
    "FrontierResult",
    "affected_side",
    "because",
    "distinct",
    "failing_package",
    "failure_message",
    "newest_set",
    "seen_between",
    "sorted_versions",
]


#: The most characters of a failure's message that a sentence quotes.
_REASON_CHARACTERS = 200


class FrontierResult(NamedTuple):
    """A frontier, one of its pairs, and the reason why that pair does not work (None: none is known)."""

    row: FrontierRow
    pair: FrontierPair
    reason: FrontierReason | None


def affected_side(name: str, summary: Summary, versions: Iterable[str], known: Iterable[str]) -> AffectedSide:
    """The side of an advisory for one component.

    Args:
        name: The component, or a distribution that is no component.
        summary: The table, which has the titles of components.
        versions: The affected versions.
        known: The versions that were tried.
    """
    row = next((row for row in summary.components if row.name == name), None)
    return AffectedSide(
        component=name,
        title=row.title if row else name,
        distribution=row.distribution if row else name,
        versions=sorted_versions(versions),
        known=sorted_versions(known),
    )


def sorted_versions(versions: Iterable[str]) -> tuple[str, ...]:
    """`versions`, lowest first."""
    return tuple(sorted(versions, key=version_key))


def distinct(*groups: Iterable[str]) -> tuple[str, ...]:
    """The items of all `groups` in their order, each once."""
    return tuple(dict.fromkeys(item for group in groups for item in group))


def failing_package(signature: str) -> str:
    """The distribution that the error of a signature came out of."""
    return signature.rpartition(" [")[2].removesuffix("]")


def newest_set(together: Iterable[tuple[str, ...]], place: int) -> tuple[str, ...]:
    """Of sets of releases, the one with the newest release at `place`; of several, the one with the newest others."""
    return max(together, key=lambda releases: (version_key(releases[place]), [version_key(each) for each in releases]))


def failure_message(signature: str) -> str:
    """The message of a signature, without the error's type before it and the package behind it."""
    words = signature.rpartition(" [")[0] or signature
    return words.partition(": ")[2] or words


def because(message: str) -> str:
    """The words for why something fails: the quoted message of the failure, on one line and of bounded length."""
    words = " ".join(message.split()).rstrip(".:;, ")
    if not words:
        return "for a reason that is not known"
    return f'because "{textwrap.shorten(words, _REASON_CHARACTERS, placeholder=" …", break_on_hyphens=False)}"'


def seen_between(group: FailureGroup | None, rows: Iterable[FrontierRow]) -> dict[str, dt.datetime | None]:
    """The fields `first_seen` and `last_seen` of an advisory.

    Args:
        group: The failure in cells; None: no cell has it.
        rows: The frontiers that show it.
    """
    moments = [row.seen for row in rows]
    if group is not None:
        moments += [moment for moment in (group.first_seen, group.last_seen) if moment is not None]
    return {"first_seen": min(moments, default=None), "last_seen": max(moments, default=None)}
