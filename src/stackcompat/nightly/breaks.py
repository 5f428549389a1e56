"""The failures that are new in the last night, and whose release did it. Pure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Verdict
from stackcompat.nightly.earlier import EarlierNights
from stackcompat.table.failures import FailureGroup
from stackcompat.table.summary import Summary, suspects_of
from stackcompat.verdict.history import RED, CellAtRun, VersionChange, changed_since

__all__ = ["FailingCells", "NewBreak", "blamed_releases", "changed_releases", "new_breaks"]


class FailingCells(Record):
    """A failure in one or more cells.

    Attributes:
        signature: The failure.
        culprits: The releases to blame, ``name version`` each.
        moved: What differs from the lock of the last green run of the first cell; empty if that cell never worked.
        last_green: When that run began; None: the first cell never worked.
        cells: Ids of the cells.
        pythons: Their Pythons.
        tests: The failing tests.
        reproduce: The command that shows the failure again.
        details: The traceback, or the chain of bounds.
    """

    signature: str
    culprits: tuple[str, ...]
    moved: tuple[VersionChange, ...]
    last_green: dt.datetime | None
    cells: tuple[str, ...]
    pythons: tuple[str, ...]
    tests: tuple[str, ...]
    reproduce: str
    details: str


class NewBreak(FailingCells):
    """A failure that is new in the last night.

    Its `culprits` are the releases that a search has found. Without a search they are the suspects of the failure among
    what moved, else all that moved.

    Attributes:
        failure: Id of the failure in the table.
        verdict: What it makes of its cells.
        subject: The suspects with their versions.
        sure: Whether the search left no doubt; without a search, whether nothing else moved.
        moved_by: Which side moved, in a sentence; empty: no search has shown it.
    """

    failure: str
    verdict: Verdict
    subject: str
    sure: bool
    moved_by: str


def new_breaks(summary: Summary, last: Mapping[str, CellAtRun], earlier: EarlierNights) -> tuple[NewBreak, ...]:
    """The new breaks, those with a culprit first, one culprit after another, then those in most cells.

    A failure is new in a cell that was green when it was last judged. A failure that no earlier run saw is new in all
    its cells. Bounds that exclude each other are new as soon as somebody asks for the two releases, so they count only
    in a cell that was green.

    Args:
        summary: The table of the last night.
        last: Its cells, by their ids.
        earlier: What the nights before showed.
    """
    breaks = []
    for group in summary.failures:
        turned_red = [cell for cell in group.cells if earlier.was_green(cell)]
        first_seen = group.signature not in earlier.signatures and group.verdict != "unresolvable"
        cells = list(group.cells) if first_seen else turned_red
        if cells and group.verdict in RED:
            breaks.append(_new_break(group, cells, turned_red, summary, last, earlier))
    weights: Counter[tuple[str, ...]] = Counter()
    for broken in breaks:
        weights[broken.culprits] += len(broken.cells)
    breaks.sort(
        key=lambda broken: (not broken.culprits, -weights[broken.culprits], broken.culprits, -len(broken.cells))
    )
    return tuple(breaks)


def _new_break(
    group: FailureGroup,
    cells: Iterable[str],
    turned_red: Iterable[str],
    summary: Summary,
    last: Mapping[str, CellAtRun],
    earlier: EarlierNights,
) -> NewBreak:
    """The break of a failure.

    Args:
        group: The failure.
        cells: The cells in which it is new. The first one that was green explains it, if possible one with the newest
            releases.
        turned_red: Those of them that were green when they were last judged.
        summary: The table of the last night.
        last: The cells of the last night, by their ids.
        earlier: What the nights before showed.
    """
    rows = {cell.id: cell for cell in summary.cells}
    turned_red = set(turned_red)
    ordered = sorted(cells, key=lambda cell: (cell not in turned_red, rows[cell].policy != "newest"))
    first = ordered[0]
    green = earlier.green.get(first)
    changes = changed_since(green, last[first])
    culprit = group.culprit
    return NewBreak(
        failure=group.id,
        verdict=group.verdict,
        subject=suspects_of(group, summary),
        signature=group.signature,
        culprits=blamed_releases(group, summary, changes),
        sure=not culprit.doubt if culprit is not None else len(changes) == 1,
        moved_by=culprit.moved if culprit is not None else "",
        moved=changes,
        last_green=green.run.started if green else None,
        cells=tuple(ordered),
        pythons=tuple(dict.fromkeys(rows[cell].python for cell in ordered)),
        tests=group.tests,
        reproduce=rows[first].reproduce,
        details=group.details,
    )


def blamed_releases(group: FailureGroup, summary: Summary, changes: Iterable[VersionChange]) -> tuple[str, ...]:
    """The releases to blame for a failure, ``name version`` each.

    Those that moved and are culprits come first; without a search, those that moved and are suspects. Where none of
    these moved: the culprits that a search has found, else everything that moved.

    Args:
        group: The failure.
        summary: The table that has it.
        changes: What moved since the last green run.
    """
    culprits = group.culprit.versions if group.culprit is not None else {}
    if culprits:
        suspects = set(culprits)
    else:
        distributions = {row.name: row.distribution for row in summary.components}
        suspects = {distributions[name] for name in group.suspects} | {group.package}
    changes = tuple(changes)
    return (
        changed_releases(change for change in changes if change.name in suspects)
        or tuple(f"{name} {version}" for name, version in culprits.items())
        or changed_releases(changes)
    )


def changed_releases(changes: Iterable[VersionChange]) -> tuple[str, ...]:
    """What distributions moved to, ``name version`` each."""
    return tuple(f"{change.name} {change.after or 'taken away'}" for change in changes)
