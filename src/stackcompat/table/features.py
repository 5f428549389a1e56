"""Rows about features that do not work in cells that work otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.requirements import version_key
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import TestResult
from stackcompat.table.cells import JudgedCell
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.ownership import Ownership

__all__ = ["FeatureRow", "feature_rows"]


class FeatureRow(Record):
    """A feature that does not work in some cells, though the rest of them may: it decides no verdict."""

    feature: str
    signature: str
    tests: tuple[str, ...]
    components: Annotated[
        dict[str, tuple[str, ...]],
        Field(description="Components that its tests use, each with its versions in these cells, lowest first."),
    ]
    cells: Annotated[tuple[str, ...], Field(description="Ids of the cells.")]
    today: Annotated[bool, Field(description="Whether it is so with the newest releases.")]


def feature_rows(cases: Iterable[JudgedCell], components: Components) -> tuple[FeatureRow, ...]:
    """Each feature that fails somewhere, once for each way in which it does; those of today first."""
    found: dict[tuple[str, str], list[tuple[JudgedCell, TestResult]]] = {}
    for case in cases:
        for test in case.verdict.broken_features:
            found.setdefault((test.feature, why(test)), []).append((case, test))
    rows = [_row(feature, signature, seen, components) for (feature, signature), seen in found.items()]
    return tuple(sorted(rows, key=lambda row: (not row.today, -len(row.cells), row.feature)))


def _row(
    feature: str, signature: str, seen: Sequence[tuple[JudgedCell, TestResult]], components: Components
) -> FeatureRow:
    versions: dict[str, set[str]] = {}
    for case, test in seen:
        for name in Ownership(components, case.components).users(test.components):
            versions.setdefault(name, set()).add(case.components[name].version)
    return FeatureRow(
        feature=feature,
        signature=signature,
        tests=tuple(sorted({test.test for _, test in seen})),
        components={
            name: tuple(sorted(versions[name], key=version_key)) for name in components.names() if name in versions
        },
        cells=tuple(dict.fromkeys(case.verdict.cell.id for case, _ in seen)),
        today=any(case.today for case, _ in seen),
    )
