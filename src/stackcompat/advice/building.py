"""What all kinds of advisories share when they are built. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

from stackcompat.advice.advisory import AffectedSide
from stackcompat.core.requirements import version_key
from stackcompat.core.vocabulary import Level
from stackcompat.table.failures import FailureGroup
from stackcompat.table.frontiers import FrontierPair, FrontierReason, FrontierRow
from stackcompat.table.summary import Summary

__all__ = [
    "FrontierResult",
    "affected_side",
    "distinct",
    "failing_package",
    "failure_message",
    "own_tests",
    "seen_between",
    "sorted_versions",
]


class FrontierResult(NamedTuple):
    """A pair of a frontier, with the frontier and with the reason why it does not work (None: it works)."""

    row: FrontierRow
    pair: FrontierPair
    reason: FrontierReason | None


def affected_side(name: str, summary: Summary, versions: Iterable[str], known: Iterable[str]) -> AffectedSide:
    """The side of an advisory that a component is.

    Args:
        name: The component, or a distribution that is none.
        summary: The table that gives the component its title.
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


def failure_message(signature: str) -> str:
    """The message of a signature, without the error's type before it and the package behind it."""
    words = signature.rpartition(" [")[0] or signature
    return words.partition(": ")[2] or words


def own_tests(level: Level) -> str:
    """Words for a failure that shows only in the tests that a release ships; empty: any user can meet it."""
    return " in tests that a release ships" if level == "upstream" else ""


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
