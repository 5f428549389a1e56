"""An environment against what is known: the advisories that hit it, and the nearest set that was seen to work. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

from packaging.version import Version

from stackcompat.advisory import Advisory
from stackcompat.islands import Shore, number_islands, shore_of
from stackcompat.record import Record
from stackcompat.report.model import CellRow, Summary
from stackcompat.report.words import version_key

__all__ = ["Checked", "Move", "check"]


class Move(Record):
    """A component that the nearest working set has in another version."""

    distribution: str
    title: str
    here: str
    there: str


class Checked(Record):
    """What is known of one environment.

    `pairs` counts its pairs of components, `seen` those that were seen to work at just these versions. `nearest` is the
    cell that works and is nearest to it (empty: none has all its components), `moves` what it has otherwise.
    `island` is the one of the newest releases that has most of its components (none: none has any).
    """

    components: dict[str, str]
    hits: tuple[Advisory, ...]
    pairs: int
    seen: int
    nearest: str
    moves: tuple[Move, ...]
    island: Shore | None


def check(installed: Mapping[str, str], summary: Summary, advisories: Iterable[Advisory]) -> Checked:
    """Check `installed` (distribution to version) against the table and its advisories."""
    rows = {row.distribution: row for row in reversed(summary.components) if row.distribution in installed}
    here = {row.name: installed[row.distribution] for row in summary.components if rows.get(row.distribution) is row}
    works = {
        frozenset(((row.first, version_key(release.first_version)), (row.second, version_key(release.second_version))))
        for row in summary.pairs
        for release in row.releases
        if release.verdict == "works" and not release.inferred
    }
    pairs = list(combinations([(name, version_key(version)) for name, version in here.items()], 2))
    nearest = _nearest(here, summary.cells)
    titles = summary.titles()
    distribution = {row.name: row.distribution for row in summary.components}
    moves = [
        Move(
            distribution=distribution[name],
            title=titles[name],
            here=version,
            there=nearest.components[name].version,
        )
        for name, version in here.items()
        if nearest is not None and not _same(nearest.components[name].version, version)
    ]
    return Checked(
        components=here,
        hits=tuple(advisory for advisory in advisories if advisory.hits(installed)),
        pairs=len(pairs),
        seen=sum(frozenset(pair) in works for pair in pairs),
        nearest=nearest.id if nearest is not None else "",
        moves=tuple(moves),
        island=shore_of(here, number_islands(summary.islands)),
    )


def _nearest(here: Mapping[str, str], cells: Iterable[CellRow]) -> CellRow | None:
    """The working cell with all components of `here` that moves the fewest; of equals the one with newer releases.

    It holds what the index has, with what its releases declare: no local file, nothing forced, no pre-release.
    """

    def nearness(cell: CellRow) -> tuple[int, list[Version]]:
        same = sum(_same(cell.components[name].version, version) for name, version in here.items())
        return same, [version_key(cell.components[name].version) for name in here]

    fit = [
        cell
        for cell in cells
        if here
        and cell.verdict == "works"
        and not cell.forced
        and cell.policy != "local"
        and here.keys() <= cell.components.keys()
        and not any(version_key(held.version).is_prerelease for held in cell.components.values())
    ]
    return max(fit, key=nearness, default=None)


def _same(one: str, other: str) -> bool:
    return version_key(one) == version_key(other)
