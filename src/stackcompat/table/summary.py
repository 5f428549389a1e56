"""The published table as one record. Every report is rendered from it."""

from __future__ import annotations

import datetime as dt
from functools import cache, cached_property
from typing import Annotated

from packaging.version import Version
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from stackcompat.core.record import Record
from stackcompat.core.requirements import exactly, name_of, version_key
from stackcompat.core.vocabulary import Verdict
from stackcompat.resolve.islands import Islands
from stackcompat.table.accelerators import AcceleratorRow
from stackcompat.table.cells import CellRow
from stackcompat.table.components import ComponentRow
from stackcompat.table.exchange import ArtifactSquare
from stackcompat.table.failures import FailureGroup
from stackcompat.table.features import FeatureRow
from stackcompat.table.frontiers import FrontierRow
from stackcompat.table.pairs import PairRelease, PairRow
from stackcompat.table.pinned import PinnedSet
from stackcompat.table.runs import MeasurementRow, RunRow
from stackcompat.table.today import Today
from stackcompat.table.version_ranges import span
from stackcompat.table.warnings import WarningRow

__all__ = ["SCHEMA_VERSION", "Summary", "suspects_of"]


#: The version grows if a field changes its meaning or is removed, but not if a field is added.
SCHEMA_VERSION = 2


class Summary(Record):
    """Everything that the reports show: what was tested, and the results."""

    schema_version: int
    generated: dt.datetime
    headline: Annotated[str, Field(description="What works today, in a few sentences.")]
    claim: Annotated[str, Field(description="The headline without the versions to install and the number of cells.")]
    today: tuple[Today, ...]
    counts: Annotated[dict[Verdict, int], Field(description="Cells by verdict.")]
    could_not_tell: Annotated[int, Field(description="Number of cells with the verdict invalid or infra-error.")]
    runs: tuple[RunRow, ...]
    measured: tuple[MeasurementRow, ...]
    components: tuple[ComponentRow, ...]
    pairs: tuple[PairRow, ...]
    failures: tuple[FailureGroup, ...]
    features: Annotated[
        tuple[FeatureRow, ...],
        Field(description="Features that do not work in some cells, those of the newest releases first."),
    ] = ()
    cells: tuple[CellRow, ...]
    exchanges: Annotated[
        tuple[ArtifactSquare, ...],
        Field(description="Artifacts across versions: one row for each artifact of each square."),
    ] = ()
    pinned: Annotated[
        tuple[PinnedSet, ...],
        Field(description="The sets that metapackages pin, as they are and with one pin moved to its newest release."),
    ] = ()
    accelerators: Annotated[
        tuple[AcceleratorRow, ...],
        Field(description="Releases that run only on an accelerator, with the levels that were tested without one."),
    ] = ()
    warnings: Annotated[
        tuple[WarningRow, ...], Field(description="The most frequent, those of the newest releases first.")
    ]
    distributions: Annotated[
        tuple[str, ...],
        Field(description="Every distribution that some cell had; empty: the table is older than this field."),
    ] = ()
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

    def besides(self, cell: CellRow) -> tuple[str, ...]:
        """What has to be installed for the set of a cell beside its components, as requirements.

        Some releases need distributions that they do not declare. So the cell asked for these, and each is there in the
        version that was installed, if that is known. A distribution without which a feature failed in the cell is there
        without a version, since it was not installed.

        Args:
            cell: The cell.
        """
        ours = {row.distribution for row in self.components}
        installed = self.installed.get(cell.id, {})
        wanted = {name_of(text): text for text in cell.requirements}
        wanted |= {row.lacks: row.lacks for row in self.features if row.lacks and cell.id in row.cells}
        return tuple(
            exactly(text, installed[name]) if name in installed else text
            for name, text in wanted.items()
            if name not in ours
        )

    def tested_cells(self) -> int:
        """How many cells have been run, or were found to have no lock."""
        return sum(cell.verdict != "untested" for cell in self.cells)

    def tested(self) -> tuple[ComponentRow, ...]:
        """The components with a verdict of their own, and those in a pair with a verdict."""
        paired = {name for pair in self.pairs if pair.releases for name in (pair.first, pair.second)}
        return tuple(row for row in self.components if row.verdict != "untested" or row.name in paired)

    def pairs_by_names(self) -> dict[frozenset[str], PairRow]:
        """The pairs, by the names of their components in any order."""
        return {frozenset((pair.first, pair.second)): pair for pair in self.pairs}

    @cached_property
    def cells_by_id(self) -> dict[str, CellRow]:
        """The cells by their ids."""
        return {cell.id: cell for cell in self.cells}

    @cached_property
    def releases_together(self) -> tuple[tuple[frozenset[tuple[str, Version]], PairRelease], ...]:
        """Every two releases that the pairs tell of, as names with versions in any order.

        There are tens of thousands of them, and all that looks up facts by them shares these.
        """
        release = cache(lambda name, version: (name, version_key(version)))
        return tuple(
            (frozenset((release(row.first, one.first_version), release(row.second, one.second_version))), one)
            for row in self.pairs
            for one in row.releases
        )

    @cached_property
    def broken_pairs(self) -> frozenset[frozenset[tuple[str, str]]]:
        """The pairs of releases that were seen to fail together, in a cell or along a frontier."""
        in_cells = {
            frozenset(((row.first, release.first_version), (row.second, release.second_version)))
            for row in self.pairs
            for release in row.releases
            if release.verdict == "broken" and not release.inferred
        }
        along_frontiers = {
            frozenset(pair.versions.items())
            for row in self.frontiers
            for pair in row.observed()
            if pair.verdict == "broken" and (pair.reason is None or not row.reasons[pair.reason].doubt)
        }
        return frozenset(in_cells | along_frontiers)

    def square(self) -> tuple[ComponentRow, ...]:
        """The components in the rows and columns of the table of pairs.

        These are the tested components that do not move with another of them. A component without a verdict beside the
        newest tested release of any other is left out, unless no component has one.
        """
        tested = self.tested()
        names = {row.name for row in tested}
        paired = {name for pair in self.pairs if pair.verdict != "untested" for name in (pair.first, pair.second)}
        return tuple(row for row in tested if row.moves_with not in names and (row.name in paired or not paired))


def suspects_of(group: FailureGroup, summary: Summary) -> str:
    """The suspects of a failure with their versions in its cells, such as ``Alpha 1.2, 1.3 with Beta 2.0``.

    The text is empty if there are no suspects.
    """
    rows = {row.name: row for row in summary.components}
    releases = []
    for name in group.suspects:
        versions = group.versions.get(name, ())
        among = sorted({*rows[name].releases, *versions}, key=version_key)
        releases.append(f"{rows[name].title} {span(versions, among)}".rstrip())
    return " with ".join(filter(None, (", ".join(releases[:-1]), *releases[-1:])))
