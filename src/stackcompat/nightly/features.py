"""The features that do not work any more in the last night, and whose release did it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from stackcompat.core.redact import public
from stackcompat.evidence.results import TestResult
from stackcompat.nightly.breaks import FailingCells, changed_releases
from stackcompat.nightly.earlier import EarlierNights, passed_tests
from stackcompat.table.cells import CellRow
from stackcompat.table.summary import Summary
from stackcompat.verdict.history import CellAtRun, VersionChange, changed_since
from stackcompat.verdict.signature import failure_of

__all__ = ["LostFeature", "lost_features"]


class LostFeature(FailingCells):
    """A feature that does not work any more. Most users do without it, so its cells can work.

    Its `culprits` are what moved and its test uses, else all that moved. `last_green` is when the test last passed.
    """

    feature: str


class _Loss(NamedTuple):
    """A feature test that fails in a cell; `passed` is the earlier run in which it passed, None if there is none."""

    cell: str
    test: TestResult
    passed: CellAtRun | None


def lost_features(summary: Summary, last: Mapping[str, CellAtRun], earlier: EarlierNights) -> tuple[LostFeature, ...]:
    """The features that are lost in the last night, those in most cells first.

    A feature is lost in a cell where its test passed when the cell was last judged. Where no earlier run saw it fail in
    this way, it is lost in every cell.

    Args:
        summary: The table of the last night.
        last: Its cells, by their ids.
        earlier: What the nights before showed.
    """
    losses: dict[tuple[str, str], list[_Loss]] = {}
    for cell, now in last.items():
        before = earlier.judged.get(cell)
        passed = passed_tests(before) if before is not None else frozenset()
        for test in now.verdict.broken_features:
            failure = (test.feature, failure_of(test).signature)
            if test.test in passed or failure not in earlier.broken_features:
                losses.setdefault(failure, []).append(_Loss(cell, test, before if test.test in passed else None))
    rows = {row.id: row for row in summary.cells}
    distributions = {row.name: row.distribution for row in summary.components}
    lost = [
        _lost_feature(feature, signature, group, last, rows, distributions)
        for (feature, signature), group in losses.items()
    ]
    return tuple(sorted(lost, key=lambda row: (-len(row.cells), row.feature)))


def _lost_feature(
    feature: str,
    signature: str,
    losses: Sequence[_Loss],
    last: Mapping[str, CellAtRun],
    rows: Mapping[str, CellRow],
    distributions: Mapping[str, str],
) -> LostFeature:
    """One lost feature.

    Args:
        feature: Its name.
        signature: The failure of its test.
        losses: Where it is lost. One in which the test passed before explains it, if possible with the newest releases.
        last: The cells of the last night, by their ids.
        rows: The same, as the table has them.
        distributions: Component to distribution.
    """
    first = min(losses, key=lambda loss: (loss.passed is None, rows[loss.cell].policy != "newest"))
    changes = changed_since(first.passed, last[first.cell])
    cells = tuple(dict.fromkeys([first.cell, *(loss.cell for loss in losses)]))
    return LostFeature(
        feature=feature,
        signature=signature,
        culprits=_blamed(first.test, changes, distributions),
        moved=changes,
        last_green=first.passed.run.started if first.passed else None,
        cells=cells,
        pythons=tuple(dict.fromkeys(rows[cell].python for cell in cells)),
        tests=tuple(dict.fromkeys(loss.test.test for loss in losses)),
        reproduce=rows[first.cell].reproduce,
        details=public(failure_of(first.test).traceback),
    )


def _blamed(test: TestResult, changes: Iterable[VersionChange], distributions: Mapping[str, str]) -> tuple[str, ...]:
    """What moved and the test uses, else all that moved."""
    changes = tuple(changes)
    used = {distributions.get(name, name) for name in test.components}
    return changed_releases(change for change in changes if change.name in used) or changed_releases(changes)
