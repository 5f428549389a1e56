"""Features that do not work in some cells, though the rest of these cells may. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stackcompat.evidence import TestResult
from stackcompat.matrix import Components
from stackcompat.report.cases import Case
from stackcompat.report.model import LimitRow
from stackcompat.report.words import version_key
from stackcompat.suspicion import Names
from stackcompat.verdict import why

__all__ = ["limit_rows"]


def limit_rows(cases: Iterable[Case], components: Components) -> tuple[LimitRow, ...]:
    """Each feature that fails somewhere, once for each way in which it does; those of today first."""
    found: dict[tuple[str, str], list[tuple[Case, TestResult]]] = {}
    for case in cases:
        for test in case.verdict.limits:
            found.setdefault((test.feature, why(test)), []).append((case, test))
    rows = [_row(feature, signature, seen, components) for (feature, signature), seen in found.items()]
    return tuple(sorted(rows, key=lambda row: (not row.today, -len(row.cells), row.feature)))


def _row(feature: str, signature: str, seen: Sequence[tuple[Case, TestResult]], components: Components) -> LimitRow:
    versions: dict[str, set[str]] = {}
    for case, test in seen:
        for name in Names(components, case.components).users(test.components):
            versions.setdefault(name, set()).add(case.components[name].version)
    return LimitRow(
        feature=feature,
        signature=signature,
        tests=tuple(sorted({test.test for _, test in seen})),
        components={
            name: tuple(sorted(versions[name], key=version_key)) for name in components.names() if name in versions
        },
        cells=tuple(dict.fromkeys(case.verdict.cell.id for case, _ in seen)),
        today=any(case.today for case, _ in seen),
    )
