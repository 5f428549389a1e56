"""An environment against what is known: the advisories that hit it, and the nearest set that was seen to work. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import combinations

from packaging.version import Version

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.undeclared import alone
from stackcompat.core.record import Record
from stackcompat.core.requirements import version_key
from stackcompat.resolve.islands import IslandRow, island_of, number_islands
from stackcompat.table.cells import CellRow
from stackcompat.table.summary import Summary
from stackcompat.table.vocabulary import titled

__all__ = ["Checked", "Likely", "PinChange", "check"]


class PinChange(Record):
    """A component that the nearest working set has in another version."""

    distribution: str
    title: str
    here: str
    there: str


class Likely(Record):
    """What is inferred to be broken: `versions` (by component) together. Nobody tried these, or saw who is at fault.

    `advisory` is the id of the one that they most likely belong to; empty: it is not known.
    """

    versions: dict[str, str]
    sentence: str
    advisory: str


class Checked(Record):
    """What is known of one environment. `hits` were seen at just these versions, `likely` is inferred.

    `pairs` counts its pairs of components, `seen` those that were seen to work at just these versions. `nearest` is the
    cell that works and is nearest to it (empty: none has all its components), `moves` what it has otherwise. `unread`
    is what was not checked. `island` is the one of the newest releases that has most of its components (none: none has
    any).
    """

    components: dict[str, str]
    hits: tuple[Advisory, ...]
    likely: tuple[Likely, ...]
    pairs: int
    seen: int
    nearest: str
    moves: tuple[PinChange, ...]
    island: IslandRow | None
    unread: tuple[str, ...] = ()


def check(
    installed: Mapping[str, str], summary: Summary, advisories: Iterable[Advisory], unread: Iterable[str] = ()
) -> Checked:
    """Check `installed` (distribution to version) against the table and its advisories; `unread` could not be read."""
    advisories = tuple(advisories)
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
        PinChange(
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
        likely=tuple(_likely(here, installed, summary, advisories, works)),
        pairs=len(pairs),
        seen=sum(frozenset(pair) in works for pair in pairs),
        nearest=nearest.id if nearest is not None else "",
        moves=tuple(moves),
        island=island_of(here, number_islands(summary.islands)),
        unread=tuple(unread),
    )


#: Some components with their versions, comparable.
_Set = frozenset[tuple[str, Version]]


def _likely(
    here: Mapping[str, str],
    installed: Mapping[str, str],
    summary: Summary,
    advisories: Iterable[Advisory],
    works: Container[_Set],
) -> Iterator[Likely]:
    """What was not seen and can be inferred: by an advisory, or by a frontier whose failure is in none that hits."""
    told: set[_Set] = set()
    titles = summary.titles()
    known = sorted(advisories, key=lambda one: not one.hits(installed))
    for one in known:
        hits = one.hits(installed)
        if not hits and not one.likely(installed):
            continue
        versions = {side.component: installed[side.distribution] for side in one.sides}
        if hits:
            told.add(_set(versions))
        elif _set(versions) not in told and _set(versions) not in works:
            told.add(_set(versions))
            yield Likely(versions=versions, sentence=_sentence(versions, titles, one.signature), advisory=one.id)
    frontiers = [(row, pair) for row in summary.frontiers for pair in row.told()]
    seen = {_set(pair.versions) for _, pair in frontiers if pair.verdict == "works" and not pair.inferred}
    for row, pair in frontiers:
        versions = {name: here.get(name, installed.get(name, "")) for name in pair.versions}
        if pair.verdict != "broken" or not all(versions.values()) or _set(versions) != _set(pair.versions):
            continue
        reason = row.reasons[pair.reason] if pair.reason is not None else None
        by_itself = reason is not None and alone(reason, row, summary.components)
        if _set(versions) not in seen | told and _set(versions) not in works and not by_itself:
            told.add(_set(versions))
            signature = reason.signature or reason.sentence if reason is not None else ""
            yield Likely(versions=versions, sentence=_sentence(versions, titles, signature), advisory="")


def _set(versions: Mapping[str, str]) -> _Set:
    return frozenset((name, version_key(version)) for name, version in versions.items())


def _sentence(versions: Mapping[str, str], titles: Mapping[str, str], signature: str) -> str:
    who = " with ".join(f"{titled(titles, name)} {version}" for name, version in versions.items())
    return f"{who}: {signature}" if signature else who


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
