"""Rows about features that do not work. The rest of such a cell can work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.requirements import version_key
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import TestResult
from stackcompat.table.judged import JudgedCell
from stackcompat.verdict.missing import missing_in
from stackcompat.verdict.outcomes import cure, why
from stackcompat.verdict.ownership import Ownership, owner_of

__all__ = ["FeatureRow", "feature_rows"]


class FeatureRow(Record):
    """A feature that does not work in some cells. It changes no verdict, since the rest of a cell can work."""

    feature: str
    signature: str
    tests: tuple[str, ...]
    components: Annotated[
        dict[str, tuple[str, ...]],
        Field(description="Components that the tests use, each with its versions in these cells, lowest first."),
    ]
    cells: Annotated[tuple[str, ...], Field(description="Ids of the cells.")]
    today: Annotated[bool, Field(description="Whether it does not work with the newest releases.")]
    cure: Annotated[str, Field(description="What makes it work with these releases; empty if nothing is known.")] = ""
    module: Annotated[bool, Field(description="Whether the feature is a module that cannot be imported.")] = False

    @property
    def lacks(self) -> str:
        """The distribution that makes it work and that these releases do not declare; empty if none is known."""
        return self.cure.removeprefix("install ")

    @property
    def words(self) -> str:
        """What does not work, in words."""
        return f"{self.feature} cannot be imported" if self.module else f"{self.feature} does not work"


def feature_rows(cells: Iterable[JudgedCell], components: Components) -> tuple[FeatureRow, ...]:
    """The rows of all features that fail in some cell: one for each feature and signature.

    Features that fail with the newest releases come first.

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
    """The row of a feature with one signature.

    Args:
        feature: The name of the feature.
        signature: The signature of the failure.
        seen: The cells with this failure, each with its test.
        components: The components of the ecosystem.
    """
    versions: dict[str, set[str]] = {}
    for cell, test in seen:
        for name in Ownership(components, cell.components).users(_involved(test, cell, components)):
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
        cure=cure(seen[0][1]),
        module=seen[0][1].modules is not None,
    )


def _involved(test: TestResult, cell: JudgedCell, components: Components) -> tuple[str, ...]:
    """The distributions whose versions a failure is about.

    A module names only its own distribution. What it fails at is on the traceback, or is the owner of what is missing.
    """
    if test.modules is None or test.failure is None:
        return test.components
    missing = missing_in(test.failure.message)
    owner = owner_of(missing.owner, cell.verdict.installed, components) if missing.owner else None
    return tuple(dict.fromkeys(filter(None, (*test.components, *test.failure.packages, owner))))
