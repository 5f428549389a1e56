"""Rows about features that do not work, though the rest of their cells can."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.requirements import version_key
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import TestResult
from stackcompat.table.judged import JudgedCell
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.ownership import Ownership

__all__ = ["FeatureRow", "feature_rows"]


class FeatureRow(Record):
    """A feature that does not work in some cells. It decides no verdict: the rest of a cell can work."""

    feature: str
    signature: str
    tests: tuple[str, ...]
    components: Annotated[
        dict[str, tuple[str, ...]],
        Field(description="Components that its tests use, each with its versions in these cells, lowest first."),
    ]
    cells: Annotated[tuple[str, ...], Field(description="Ids of the cells.")]
    today: Annotated[bool, Field(description="Whether it does not work with the newest releases.")]


def feature_rows(cells: Iterable[JudgedCell], components: Components) -> tuple[FeatureRow, ...]:
    """Each feature that fails somewhere, once for each way in which it fails; those of the newest releases first.

    Args:
        cells: All cells.
        components: The components of the ecosystem.
    """
    failing: dict[tuple[str, str], list[tuple[JudgedCell, TestResult]]] = {}
    for cell in cells:
        for test in cell.verdict.broken_features:
            failing.setdefault((test.feature, why(test)), []).append((cell, test))
    rows = [_row(feature, signature, seen, components) for (feature, signature), seen in failing.items()]
    return tuple(sorted(rows, key=lambda row: (not row.today, -len(row.cells), row.feature)))


def _row(
    feature: str, signature: str, seen: Sequence[tuple[JudgedCell, TestResult]], components: Components
) -> FeatureRow:
    """The row of a feature.

    Args:
        feature: Its name.
        signature: How it fails.
        seen: The cells in which it fails so, each with its test.
        components: The components of the ecosystem.
    """
    versions: dict[str, set[str]] = {}
    for cell, test in seen:
        for name in Ownership(components, cell.components).users(test.components):
            versions.setdefault(name, set()).add(cell.components[name].version)
    return FeatureRow(
        feature=feature,
        signature=signature,
        tests=tuple(sorted({test.test for _, test in seen})),
        components={
            name: tuple(sorted(versions[name], key=version_key)) for name in components.names() if name in versions
        },
        cells=tuple(dict.fromkeys(cell.id for cell, _ in seen)),
        today=any(cell.today for cell, _ in seen),
    )
