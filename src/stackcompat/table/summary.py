"""The published table as one record; every report is rendered from it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from stackcompat.core.record import Record
from stackcompat.core.requirements import version_key
from stackcompat.core.vocabulary import Verdict
from stackcompat.resolve.islands import Islands
from stackcompat.table.accelerators import AcceleratorRow
from stackcompat.table.cells import CellRow
from stackcompat.table.components import ComponentRow
from stackcompat.table.exchange import ExchangeSquare
from stackcompat.table.failures import FailureGroup
from stackcompat.table.features import FeatureRow
from stackcompat.table.frontiers import FrontierRow
from stackcompat.table.pairs import PairRow
from stackcompat.table.pinned import PinnedSet
from stackcompat.table.runs import Measured, RunRow
from stackcompat.table.today import Today
from stackcompat.table.vocabulary import span
from stackcompat.table.warnings import WarningRow

__all__ = ["SCHEMA_VERSION", "Summary", "suspects_of"]


#: Grows when a field changes its meaning or goes away; new fields alone do not change it.
SCHEMA_VERSION = 2


class Summary(Record):
    """Everything that the reports show: what was tested, and the results."""

    schema_version: int
    generated: dt.datetime
    headline: Annotated[str, Field(description="What works today, in a few sentences.")]
    claim: Annotated[str, Field(description="The headline without the versions to install and the number of cells.")]
    today: tuple[Today, ...]
    counts: Annotated[dict[Verdict, int], Field(description="Cells by verdict.")]
    could_not_tell: Annotated[int, Field(description="Cells of the verdicts invalid and infra-error.")]
    runs: tuple[RunRow, ...]
    measured: tuple[Measured, ...]
    components: tuple[ComponentRow, ...]
    pairs: tuple[PairRow, ...]
    failures: tuple[FailureGroup, ...]
    features: Annotated[
        tuple[FeatureRow, ...],
        Field(description="Features that do not work in some cells, those of the newest releases first."),
    ] = ()
    cells: tuple[CellRow, ...]
    exchanges: Annotated[
        tuple[ExchangeSquare, ...],
        Field(description="Artifacts across versions: a square of writers and readers for each."),
    ] = ()
    pinned: Annotated[
        tuple[PinnedSet, ...],
        Field(description="The exact sets of metapackages, as they are and with one pin moved to its newest release."),
    ] = ()
    accelerators: Annotated[
        tuple[AcceleratorRow, ...],
        Field(description="Releases that run only on an accelerator, with the levels that were tested without one."),
    ] = ()
    warnings: Annotated[
        tuple[WarningRow, ...], Field(description="The most frequent, those of the newest releases first.")
    ]
    islands: Annotated[
        tuple[Islands, ...],
        Field(description="Which newest releases can be installed together, for each Python that was asked about."),
    ] = ()
    frontiers: Annotated[
        tuple[FrontierRow, ...],
        Field(description="Which releases of one component work with which of another, release by release."),
    ] = ()
    locks: SkipJsonSchema[dict[str, str]] = Field(default={}, exclude=True)
    installed: SkipJsonSchema[dict[str, dict[str, str]]] = Field(default={}, exclude=True)

    def titles(self) -> dict[str, str]:
        """Component name to title."""
        return {component.name: component.title for component in self.components}

    def tested(self) -> tuple[ComponentRow, ...]:
        """Components that have a verdict of their own, or one together with some other."""
        paired = {name for pair in self.pairs if pair.releases for name in (pair.first, pair.second)}
        return tuple(row for row in self.components if row.verdict != "untested" or row.name in paired)

    def pairs_by_names(self) -> dict[frozenset[str], PairRow]:
        """The pairs, by the names of their components in any order."""
        return {frozenset((pair.first, pair.second)): pair for pair in self.pairs}

    def square(self) -> tuple[ComponentRow, ...]:
        """The tested components that move on their own: what the table of pairs sets against each other.

        A component that no test uses together with another is left out, unless that is so of all.
        """
        tested = self.tested()
        names = {row.name for row in tested}
        paired = set()
        for pair in self.pairs:
            if any(release.verdict != "untested" for release in pair.releases):
                paired |= {pair.first, pair.second}
        return tuple(row for row in tested if row.moves_with not in names and (row.name in paired or not paired))


def suspects_of(group: FailureGroup, summary: Summary) -> str:
    """The suspects of a failure with the versions where it was seen: ``Alpha 1.2, 1.3 with Beta 2.0``; may be empty."""
    rows = {row.name: row for row in summary.components}
    releases = []
    for name in group.suspects:
        versions = group.versions.get(name, ())
        among = sorted({*rows[name].releases, *versions}, key=version_key)
        releases.append(f"{rows[name].title} {span(versions, among)}".rstrip())
    return " with ".join(filter(None, (", ".join(releases[:-1]), *releases[-1:])))
