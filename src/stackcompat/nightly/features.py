"""The features that do not work any more in the last night, and the releases to blame. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from stackcompat.core.redact import public
from stackcompat.evidence.results import TestResult
from stackcompat.nightly.breaks import FailingCells, changed_releases, is_sure
from stackcompat.nightly.earlier import EarlierNights, FailureKey, LastPass, key_of_failure
from stackcompat.table.cells import CellRow
from stackcompat.table.summary import Summary
from stackcompat.verdict.history import CellAtRun, VersionChange
from stackcompat.verdict.signature import failure_of

__all__ = ["LostFeature", "lost_features"]


class LostFeature(FailingCells):
    """A feature that does not work any more. Most users do without it, so its cells can work.

    Its `culprits` are the distributions that moved and that its test uses, or all that moved if there are none. Its
    `last_green` is the run in which the test last passed.
    """

    feature: str


class _Loss(NamedTuple):
    """A feature test that fails in a cell, and when it last passed there."""

    cell: str
    test: TestResult
    last_pass: LastPass


def lost_features(summary: Summary, last: Mapping[str, CellAtRun], earlier: EarlierNights) -> tuple[LostFeature, ...]:
    """The features that are lost in the last night, those in most cells first.

    A feature is lost in a cell if its test passed when it last passed or failed there. If no earlier run saw the
    feature fail in this way, it is lost in every cell in which it fails.

    Args:
        summary: The table of the last night.
        last: Its cells, by their ids.
        earlier: What the nights before showed.
    """
    losses: dict[tuple[str, FailureKey], list[_Loss]] = {}
    for cell, now in last.items():
        for test in now.verdict.broken_features:
            failure = (test.feature, key_of_failure(test))
            if earlier.was_passing(cell, test.test) or failure not in earlier.broken_features:
                losses.setdefault(failure, []).append(_Loss(cell, test, earlier.last_pass(now, [test.test])))
    rows = {row.id: row for row in summary.cells}
    distributions = {row.name: row.distribution for row in summary.components}
    lost = [
        _lost_feature(feature, key.signature, group, rows, distributions) for (feature, key), group in losses.items()
    ]
    return tuple(sorted(lost, key=lambda row: (-len(row.cells), row.feature)))


def _lost_feature(
    feature: str,
    signature: str,
    losses: Sequence[_Loss],
    rows: Mapping[str, CellRow],
    distributions: Mapping[str, str],
) -> LostFeature:
    """One lost feature.

    Args:
        feature: Its name.
        signature: The failure of its test.
        losses: The cells in which it is lost. One in which the test passed before explains the loss, if possible one
            with the newest releases.
        rows: The cells of the last night, as the table has them.
        distributions: Component to distribution.
    """
    first = min(losses, key=lambda loss: (loss.last_pass.green is None, rows[loss.cell].policy != "newest"))
    green, changes, is_new_test = first.last_pass
    cells = tuple(dict.fromkeys([first.cell, *(loss.cell for loss in losses)]))
    culprits = _blamed(first.test, changes, distributions)
    return LostFeature(
        feature=feature,
        signature=signature,
        culprits=culprits,
        sure=is_sure(None, culprits, changes),
        moved=changes,
        last_green=green.run.started if green else None,
        is_new_test=is_new_test,
        cells=cells,
        pythons=tuple(dict.fromkeys(rows[cell].python for cell in cells)),
        tests=tuple(dict.fromkeys(loss.test.test for loss in losses)),
        reproduce=rows[first.cell].reproduce,
        details=public(failure_of(first.test).traceback),
    )


def _blamed(test: TestResult, changes: Iterable[VersionChange], distributions: Mapping[str, str]) -> tuple[str, ...]:
    """The distributions that moved and that the test uses; all that moved if there are none."""
    changes = tuple(changes)
    used = {distributions.get(name, name) for name in test.components}
    return changed_releases(change for change in changes if change.name in used) or changed_releases(changes)
