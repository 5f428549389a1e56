"""The failures that are new in the last night, and the releases to blame for them. Pure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Verdict
from stackcompat.nightly.earlier import EarlierNights, key_of_group, tests_with_failure
from stackcompat.table.failures import FailureGroup
from stackcompat.table.summary import Summary, suspects_of
from stackcompat.verdict.history import RED, CellAtRun, VersionChange

__all__ = [
    "FailingCells",
    "NewBreak",
    "blamed_releases",
    "changed_releases",
    "is_sure",
    "new_breaks",
    "tests_of_group",
]


class FailingCells(Record):
    """A failure in one or more cells.

    Attributes:
        signature: The failure.
        culprits: The releases to blame, ``name version`` each.
        moved: What differs in the first cell since its test last passed; empty if it never did. Where the cell did not
            come as far as its tests: since the cell last worked.
        last_green: When that run began; None: there is none.
        is_new_test: Whether the first cell was tried before and did not have the test then.
        sure: Whether the culprits are certain. After a search: it left no doubt. Without a search: exactly one thing
            moved since the test last passed, and that is the culprit.
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
    is_new_test: bool = False
    sure: bool = False
    cells: tuple[str, ...]
    pythons: tuple[str, ...]
    tests: tuple[str, ...]
    reproduce: str
    details: str


class NewBreak(FailingCells):
    """A failure that is new in the last night.

    :func:`blamed_releases` says which releases its `culprits` are.

    Attributes:
        failure: Id of the failure in the table.
        verdict: The verdict on its cells.
        subject: The suspects with their versions.
        moved_by: The sentence that says which side moved; empty: no search has shown it.
    """

    failure: str
    verdict: Verdict
    subject: str
    moved_by: str


def new_breaks(summary: Summary, last: Mapping[str, CellAtRun], earlier: EarlierNights) -> tuple[NewBreak, ...]:
    """The new breaks, grouped by their culprits.

    The group in most cells comes first, and breaks without a culprit come last. Within a group, the break in most cells
    comes first.

    A failure is new in a cell in which one of its tests passed when it last passed or failed there, and in a cell that
    was green when it was last judged. A failure that no earlier run saw is new in all its cells. Bounds that exclude
    each other are the exception, because they show as soon as a matrix asks for the two releases. They are new only in
    a cell that was green. Failures of releases' own tests are notes about these releases and no breaks.

    Args:
        summary: The table of the last night.
        last: Its cells, by their ids.
        earlier: What the nights before showed.
    """
    breaks = []
    for group in summary.failures:
        if group.verdict not in RED or group.level == "upstream":
            continue
        turned_red = [cell for cell in group.cells if _turned_red(last[cell], group, earlier)]
        first_seen = key_of_group(group) not in earlier.failures and group.verdict != "unresolvable"
        cells = list(group.cells) if first_seen else turned_red
        if cells:
            breaks.append(_new_break(group, cells, turned_red, summary, last, earlier))
    weights: Counter[tuple[str, ...]] = Counter()
    for broken in breaks:
        weights[broken.culprits] += len(broken.cells)
    breaks.sort(
        key=lambda broken: (not broken.culprits, -weights[broken.culprits], broken.culprits, -len(broken.cells))
    )
    return tuple(breaks)


def tests_of_group(group: FailureGroup, cell: CellAtRun) -> tuple[str, ...]:
    """The tests that show a failure in one of its cells; none if the cell did not come as far as its tests."""
    return tests_with_failure(cell.verdict.failures, key_of_group(group)) if group.tests else ()


def _turned_red(cell: CellAtRun, group: FailureGroup, earlier: EarlierNights) -> bool:
    """Whether a failure is one that its cell did not have before."""
    cell_id = cell.planned.cell.id
    tests = tests_of_group(group, cell)
    return earlier.was_green(cell_id) or any(earlier.was_passing(cell_id, test) for test in tests)


def _new_break(
    group: FailureGroup,
    cells: Iterable[str],
    turned_red: Iterable[str],
    summary: Summary,
    last: Mapping[str, CellAtRun],
    earlier: EarlierNights,
) -> NewBreak:
    """The new break that a failure makes.

    Args:
        group: The failure.
        cells: The cells in which it is new. One in which its test passed before explains it, if possible one with the
            newest releases.
        turned_red: Those of them that did not have it before.
        summary: The table of the last night.
        last: The cells of the last night, by their ids.
        earlier: What the nights before showed.
    """
    rows = {cell.id: cell for cell in summary.cells}
    turned_red = set(turned_red)
    passes = {cell: earlier.last_pass(last[cell], tests_of_group(group, last[cell])) for cell in cells}
    ordered = sorted(
        passes, key=lambda cell: (passes[cell].green is None, cell not in turned_red, rows[cell].policy != "newest")
    )
    first = ordered[0]
    green, changes, is_new_test = passes[first]
    culprits = blamed_releases(group, summary, changes)
    return NewBreak(
        failure=group.id,
        verdict=group.verdict,
        subject=suspects_of(group, summary),
        signature=group.signature,
        culprits=culprits,
        sure=is_sure(group, culprits, changes),
        moved_by=group.culprit.moved if group.culprit is not None else "",
        moved=changes,
        last_green=green.run.started if green else None,
        is_new_test=is_new_test,
        cells=tuple(ordered),
        pythons=tuple(dict.fromkeys(rows[cell].python for cell in ordered)),
        tests=group.tests,
        reproduce=rows[first].reproduce,
        details=group.details,
    )


def is_sure(group: FailureGroup | None, culprits: Sequence[str], changes: Sequence[VersionChange]) -> bool:
    """Whether the culprits of a failure are certain.

    Args:
        group: The failure, if the table has it.
        culprits: The releases to blame.
        changes: What moved since the test last passed; nothing if it never did.
    """
    if group is not None and group.culprit is not None:
        return bool(culprits) and not group.culprit.doubt
    return bool(culprits) and len(changes) == 1


def blamed_releases(group: FailureGroup, summary: Summary, changes: Iterable[VersionChange]) -> tuple[str, ...]:
    """The releases to blame for a failure, ``name version`` each.

    A search has found the culprits. Without a search, the components that the failure points at and the distribution
    that the error came out of are taken for them. Those of them that moved since the test last passed are to blame. If
    none of them moved, all culprits of the search are; without a search, everything that moved is. Nothing is to blame
    without a search if the test never passed.

    Args:
        group: The failure.
        summary: The table that has it.
        changes: What moved since the test last passed.
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
    """What distributions and the interpreter moved to, ``name version`` each. Smoke tests are no release."""
    return tuple(f"{change.name} {change.after or 'taken away'}" for change in changes if change.kind != "smoke tests")
