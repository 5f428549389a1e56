"""An environment against what is known: the advisories that hit it, and the nearest set that works. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from packaging.version import Version

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.undeclared import lone_component
from stackcompat.core.record import Record
from stackcompat.core.requirements import version_key
from stackcompat.resolve.islands import IslandRow, island_of, number_islands
from stackcompat.table.cells import CellRow
from stackcompat.table.frontiers import FrontierPair, FrontierRow
from stackcompat.table.summary import Summary
from stackcompat.table.vocabulary import titled

__all__ = ["Checked", "LikelyBreak", "PinChange", "check"]


class PinChange(Record):
    """A component that the nearest working set has in another version: the `installed` one and the `working` one."""

    distribution: str
    title: str
    installed: str
    working: str


class LikelyBreak(Record):
    """Versions that are inferred to be broken together: not tested, or it is not known which component is at fault.

    Attributes:
        versions: The versions, by component.
        sentence: The versions and the failure.
        advisory: Id of the advisory that it most likely belongs to; empty: unknown.
    """

    versions: dict[str, str]
    sentence: str
    advisory: str


class Checked(Record):
    """What is known of one environment.

    Attributes:
        components: Its components, name to version.
        hits: The advisories that were seen at exactly these versions.
        likely: What is inferred to be broken.
        pairs: The number of its pairs of components.
        seen: How many of these were tested at exactly these versions and work.
        nearest: Id of the working cell that is nearest to it; empty: no working cell has all its components.
        moves: What that cell has in another version.
        island: The island of the newest releases that has most of its components; None: no island has any.
        unread: What was not checked.
    """

    components: dict[str, str]
    hits: tuple[Advisory, ...]
    likely: tuple[LikelyBreak, ...]
    pairs: int
    seen: int
    nearest: str
    moves: tuple[PinChange, ...]
    island: IslandRow | None
    unread: tuple[str, ...] = ()


#: A set of components with their versions, comparable.
_Set = frozenset[tuple[str, Version]]


def check(
    installed: Mapping[str, str], summary: Summary, advisories: Iterable[Advisory], unread: Iterable[str] = ()
) -> Checked:
    """Check an environment against the table and its advisories.

    Args:
        installed: Distribution to version.
        summary: The table.
        advisories: Its advisories.
        unread: What of the environment could not be read.
    """
    advisories = tuple(advisories)
    components = _components_of(installed, summary)
    working = _working_pairs(summary)
    pairs = [_comparable(dict(pair)) for pair in combinations(components.items(), 2)]
    nearest = _nearest(components, summary.cells)
    return Checked(
        components=components,
        hits=tuple(advisory for advisory in advisories if advisory.hits(installed)),
        likely=tuple(_likely_breaks(components, installed, summary, advisories, working)),
        pairs=len(pairs),
        seen=sum(pair in working for pair in pairs),
        nearest=nearest.id if nearest is not None else "",
        moves=tuple(_pin_changes(components, nearest, summary)) if nearest is not None else (),
        island=island_of(components, number_islands(summary.islands)),
        unread=tuple(unread),
    )


def _components_of(installed: Mapping[str, str], summary: Summary) -> dict[str, str]:
    """The components in an environment, name to version; of several with one distribution only the first."""
    components: dict[str, str] = {}
    distributions = set()
    for row in summary.components:
        if row.distribution in installed and row.distribution not in distributions:
            distributions.add(row.distribution)
            components[row.name] = installed[row.distribution]
    return components


def _working_pairs(summary: Summary) -> set[_Set]:
    """The pairs of releases that work in a cell."""
    return {
        _comparable({row.first: release.first_version, row.second: release.second_version})
        for row in summary.pairs
        for release in row.releases
        if release.verdict == "works" and not release.inferred
    }


def _comparable(versions: Mapping[str, str]) -> _Set:
    return frozenset((name, version_key(version)) for name, version in versions.items())


def _likely_breaks(
    components: Mapping[str, str],
    installed: Mapping[str, str],
    summary: Summary,
    advisories: Sequence[Advisory],
    working: Container[_Set],
) -> Iterator[LikelyBreak]:
    """What was not seen and can be inferred: from an advisory, or from a frontier whose failure is in none that hits.

    Args:
        components: The components of the environment.
        installed: Its distributions.
        summary: The table.
        advisories: The advisories of the table.
        working: Pairs of releases that work in a cell.
    """
    titles = summary.titles()
    reported = {_comparable(_side_versions(advisory, installed)) for advisory in advisories if advisory.hits(installed)}
    for advisory in advisories:
        if not advisory.likely_hits(installed):
            continue
        versions = _side_versions(advisory, installed)
        if _comparable(versions) not in reported and _comparable(versions) not in working:
            reported.add(_comparable(versions))
            sentence = _sentence(versions, titles, advisory.signature)
            yield LikelyBreak(versions=versions, sentence=sentence, advisory=advisory.id)
    pairs = [(row, pair) for row in summary.frontiers for pair in row.judged()]
    passed = {_comparable(pair.versions) for _, pair in pairs if pair.verdict == "works" and not pair.inferred}
    for row, pair in pairs:
        versions = {name: components.get(name, installed.get(name, "")) for name in pair.versions}
        if pair.verdict != "broken" or not all(versions.values()):
            continue
        key = _comparable(versions)
        if key != _comparable(pair.versions) or key in passed | reported or key in working:
            continue
        if not _fails_alone(row, pair, summary):
            reported.add(key)
            yield LikelyBreak(versions=versions, sentence=_sentence(versions, titles, _failure(row, pair)), advisory="")


def _side_versions(advisory: Advisory, installed: Mapping[str, str]) -> dict[str, str]:
    """The versions of an advisory's sides in an environment, by component."""
    return {side.component: installed[side.distribution] for side in advisory.sides}


def _fails_alone(row: FrontierRow, pair: FrontierPair, summary: Summary) -> bool:
    return pair.reason is not None and bool(lone_component(row.reasons[pair.reason], row, summary.components))


def _failure(row: FrontierRow, pair: FrontierPair) -> str:
    """What a broken pair of a frontier fails with; empty: unknown."""
    if pair.reason is None:
        return ""
    reason = row.reasons[pair.reason]
    return reason.signature or reason.sentence


def _sentence(versions: Mapping[str, str], titles: Mapping[str, str], failure: str) -> str:
    releases = " with ".join(f"{titled(titles, name)} {version}" for name, version in versions.items())
    return f"{releases}: {failure}" if failure else releases


def _nearest(components: Mapping[str, str], cells: Iterable[CellRow]) -> CellRow | None:
    """The working cell with all `components` that moves the fewest; of equals the one with newer releases.

    It holds releases of the index with what they declare: no local file, nothing forced, no pre-release.
    """

    def nearness(cell: CellRow) -> tuple[int, list[Version]]:
        same = sum(_same(cell.components[name].version, version) for name, version in components.items())
        return same, [version_key(cell.components[name].version) for name in components]

    working = [
        cell
        for cell in cells
        if components
        and cell.verdict == "works"
        and not cell.forced
        and cell.policy != "local"
        and components.keys() <= cell.components.keys()
        and not any(version_key(held.version).is_prerelease for held in cell.components.values())
    ]
    return max(working, key=nearness, default=None)


def _pin_changes(components: Mapping[str, str], nearest: CellRow, summary: Summary) -> Iterator[PinChange]:
    titles = summary.titles()
    distributions = {row.name: row.distribution for row in summary.components}
    for name, version in components.items():
        working = nearest.components[name].version
        if not _same(working, version):
            yield PinChange(distribution=distributions[name], title=titles[name], installed=version, working=working)


def _same(version: str, other: str) -> bool:
    return version_key(version) == version_key(other)
