"""Advisories: each distinct incompatibility as one entry that other tools can read, in the shape of OSV records.

An advisory is about two components: which releases of the one fail with which of the other, in what way. Its id is made
of that, so it stays the same from night to night while the list of affected releases grows. Only what was confirmed is
in one, in a cell or in a run of a frontier; releases between two affected ones that nobody tried are not, and what a
frontier infers is told apart.

Source of the shape: the Open Source Vulnerability schema, 1.6 (``affected``, ``ranges`` with ``introduced`` and
``last_affected`` events, ``database_specific`` for what it has no word for: that both sides must be there).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stackcompat.evidence import incompatibility_id
from stackcompat.matrix import Level, Table, load_record
from stackcompat.record import Record
from stackcompat.report.model import FailureGroup, FrontierPair, FrontierReason, FrontierRow, PairRelease, Summary
from stackcompat.report.words import and_list, span, version_key
from stackcompat.verdict import LEVELS

__all__ = ["Advisory", "Link", "advisories", "load_links", "osv"]

OSV_VERSION = "1.6.7"


class Side(Record):
    """One of the two components. `versions` are affected, lowest first; `known` were tried with the other one."""

    component: str
    title: str
    distribution: str
    versions: tuple[str, ...]
    known: tuple[str, ...]


class Advisory(Record):
    """One incompatibility. `pairs` are the releases of `first` and `second` that were seen to fail together.

    `cells` and `evidence` (ids of runs of frontiers) show it. `inferred` are pairs that a frontier infers to be broken
    and whose nearest break that was seen is this one; nobody tried them.

    `workaround` is one sentence; empty: none is known.
    """

    id: str
    summary: str
    first: Side
    second: Side
    pairs: tuple[tuple[str, str], ...]
    level: Level
    signature: str
    package: str
    tests: tuple[str, ...]
    pythons: tuple[str, ...]
    cells: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    inferred: tuple[tuple[str, str], ...] = ()
    first_seen: dt.datetime | None
    last_seen: dt.datetime | None
    workaround: str
    links: tuple[str, ...] = ()

    def hits(self, installed: Mapping[str, str]) -> bool:
        """Whether an environment with these distributions (name to version) has it."""
        first, second = installed.get(self.first.distribution), installed.get(self.second.distribution)
        if first is None or second is None:
            return False
        here = version_key(first), version_key(second)
        return any((version_key(one), version_key(other)) == here for one, other in self.pairs)


class Link(Table):
    """What a person knows of an advisory: the address of an issue about it."""

    id: str
    url: str


class _Links(Table):
    links: tuple[Link, ...] = ()


def load_links(path: Path) -> tuple[Link, ...]:
    """The links in a TOML file; none where there is no such file. Raises UsageError for a mistake in it."""
    return load_record(path, _Links).links if path.exists() else ()


def advisories(summary: Summary, links: Iterable[Link] = ()) -> tuple[Advisory, ...]:
    """Every confirmed incompatibility between two components, those of the newest releases first."""
    groups = {group.id: group for group in summary.failures if group.verdict == "broken"}
    addresses: dict[str, list[str]] = {}
    for link in links:
        addresses.setdefault(link.id, []).append(link.url)
    tried = {(row.first, row.second): row.releases for row in summary.pairs}
    sides = {frozenset(names): names for names in tried}
    for row in summary.frontiers:  # its sides may be the other way round, or two that met in no cell
        sides.setdefault(frozenset((row.first, row.second)), (row.first, row.second))
    found = [
        one for names in sides.values() for one in _of_pair(names, tried.get(names, ()), summary, groups, addresses)
    ]
    return tuple(sorted(found, key=lambda one: [version_key(one.first.versions[-1]), one.id], reverse=True))


class _Charted(NamedTuple):
    """A pair of a frontier, its versions in the order of an advisory's sides, and what it says for itself."""

    versions: tuple[str, str]
    pair: FrontierPair
    reason: FrontierReason | None
    row: FrontierRow


def _charted(sides: tuple[str, str], summary: Summary) -> list[_Charted]:
    """The pairs of `sides` that frontiers tell of, as (version, version)."""
    return [
        _Charted(
            versions=(pair.versions[sides[0]], pair.versions[sides[1]]),
            pair=pair,
            reason=row.reasons[pair.reason] if pair.reason is not None else None,
            row=row,
        )
        for row in summary.frontiers
        if {row.first, row.second} == set(sides)
        for pair in row.told()
    ]


def _of_pair(
    sides: tuple[str, str],
    releases: Sequence[PairRelease],
    summary: Summary,
    groups: Mapping[str, FailureGroup],
    links: Mapping[str, Sequence[str]],
) -> Iterator[Advisory]:
    """Where a frontier's failure may be another's, it only adds to what cells have shown to be of these two."""
    charted = _charted(sides, summary)
    observed = [one for one in charted if not one.pair.inferred]
    said = {(r.first_version, r.second_version): r for r in releases}
    tried = said.keys() | {one.versions for one in observed}
    cells: dict[str, list[PairRelease]] = {}
    for release in releases:
        # What is inferred may be the fault of a third one: it is no advisory until it was told apart.
        if release.verdict == "broken" and release.failure in groups and not release.inferred:
            cells.setdefault(groups[release.failure].signature, []).append(release)
    runs: dict[str, list[_Charted]] = {}
    for one in observed:
        if one.pair.verdict != "broken" or one.reason is None or not one.reason.signature:
            continue
        cell = said.get(one.versions)
        mended = cell is not None and cell.pythons.get(one.row.python, cell.verdict) == "works"  # by other partners
        if not mended and (one.reason.signature in cells or not one.reason.doubt):
            runs.setdefault(one.reason.signature, []).append(one)
    for signature in dict.fromkeys((*cells, *runs)):
        here, also = cells.get(signature, []), runs.get(signature, [])
        group = groups[here[0].failure] if here else None
        reasons = [one.reason for one in also if one.reason is not None]
        moments = [one.row.seen for one in also]
        level = min([group.level] if group else (reason.level for reason in reasons), key=LEVELS.index)
        pairs = tuple(
            dict.fromkeys((*((r.first_version, r.second_version) for r in here), *(one.versions for one in also)))
        )
        works = _works(said, observed)
        first, second = (_side(name, axis, pairs, tried, summary) for axis, name in enumerate(sides))
        identity = incompatibility_id(signature, (first.distribution, second.distribution))
        message = (group.message or group.type) if group else _message(signature)
        yield Advisory(
            id=identity,
            summary=(
                f"{first.title} {span(first.versions, first.known)} with {second.title} "
                f"{span(second.versions, second.known)}: {message}"
            ),
            first=first,
            second=second,
            pairs=pairs,
            level=level,
            signature=signature,
            package=group.package if group else signature.rpartition(" [")[2].removesuffix("]"),
            tests=_together(group.tests if group else (), (r.sentence.removesuffix(f": {signature}") for r in reasons)),
            pythons=_together(group.pythons if group else (), (one.row.python for one in also)),
            cells=tuple(sorted({release.cell for release in here})),
            evidence=tuple(sorted({one.pair.evidence for one in also})),
            inferred=tuple(
                dict.fromkeys(
                    one.versions
                    for one in charted
                    if one.pair.verdict == "broken" and one.versions not in tried and one.reason is not None
                    if one.reason.signature == signature
                )
            ),
            first_seen=min([*_some(group.first_seen if group else None), *moments], default=None),
            last_seen=max([*_some(group.last_seen if group else None), *moments], default=None),
            workaround=_workaround(works - set(pairs), first, second, pairs),
            links=tuple(links.get(identity, ())),
        )


def _works(said: Mapping[tuple[str, str], PairRelease], observed: Iterable[_Charted]) -> set[tuple[str, str]]:
    """The pairs that were seen to work as deep as any of the two: that something can be imported is no advice."""
    green = [(versions, one.level) for versions, one in said.items() if one.verdict == "works" and not one.inferred] + [
        (one.versions, one.pair.level) for one in observed if one.pair.verdict == "works"
    ]
    enough = min(max((LEVELS.index(level) for _, level in green), default=0), LEVELS.index("interop"))
    return {versions for versions, level in green if LEVELS.index(level) >= enough}


def _side(
    name: str, axis: int, pairs: Iterable[tuple[str, str]], tried: Iterable[tuple[str, str]], summary: Summary
) -> Side:
    row = next((row for row in summary.components if row.name == name), None)
    return Side(
        component=name,
        title=row.title if row else name,
        distribution=row.distribution if row else name,
        versions=_sorted({pair[axis] for pair in pairs}),
        known=_sorted({pair[axis] for pair in tried}),
    )


def _message(signature: str) -> str:
    """What a signature says without the type before it and the package behind it."""
    words = signature.rpartition(" [")[0] or signature
    return words.partition(": ")[2] or words


def _together(some: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*some, *more)))


def _some(moment: dt.datetime | None) -> tuple[dt.datetime, ...]:
    return () if moment is None else (moment,)


def _sorted(versions: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(versions, key=version_key))


def _workaround(works: Iterable[tuple[str, str]], first: Side, second: Side, pairs: Sequence[tuple[str, str]]) -> str:
    """For the newest affected pair: the nearest release of each side that works with the other as it is."""
    one, other = max(pairs, key=lambda pair: (version_key(pair[0]), version_key(pair[1])))
    offers = []
    for keep, kept, move, index in ((second, other, first, 0), (first, one, second, 1)):
        fit = [pair[index] for pair in works if pair[1 - index] == kept]
        if fit:
            order = sorted({*move.known, (one, other)[index]}, key=version_key)
            here = order.index((one, other)[index])
            nearest = min(fit, key=lambda version: (abs(order.index(version) - here), -order.index(version)))
            offers.append(f"with {keep.title} {kept} take {move.title} {nearest}")
    return "; ".join(offers)


def osv(advisory: Advisory, modified: dt.datetime) -> dict[str, Any]:
    """The advisory as an OSV record, last changed at the time `modified`."""
    published = advisory.first_seen or modified
    return {
        "schema_version": OSV_VERSION,
        "id": advisory.id,
        "published": _moment(published),
        "modified": _moment(modified),
        "summary": advisory.summary[:120],
        "details": _details(advisory),
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": side.distribution},
                "versions": list(side.versions),
                "ranges": [{"type": "ECOSYSTEM", "events": _events(side)}],
            }
            for side in (advisory.first, advisory.second)
        ],
        "references": [{"type": "REPORT", "url": url} for url in advisory.links],
        "database_specific": {
            "affected_together": [list(pair) for pair in advisory.pairs],
            "level": advisory.level,
            "signature": advisory.signature,
            "tests": list(advisory.tests),
            "pythons": list(advisory.pythons),
            "cells": list(advisory.cells),
            "evidence": list(advisory.evidence),
            "inferred_together": [list(pair) for pair in advisory.inferred],
            "workaround": advisory.workaround,
        },
    }


def _details(advisory: Advisory) -> str:
    lines = [
        f"{advisory.summary}.",
        f"Only both together fail, at the level {advisory.level}, on Python {and_list(list(advisory.pythons))}.",
        f"Signature: {advisory.signature}",
    ]
    if advisory.workaround:
        lines.append(f"Workaround: {advisory.workaround}.")
    return "\n\n".join(lines)


def _events(side: Side) -> list[dict[str, str]]:
    """Affected releases as ranges over those that were tried; a release that works, or nobody tried, ends a range."""
    events = []
    affected = set(side.versions)
    for index, version in enumerate(side.known):
        if version in affected and (index == 0 or side.known[index - 1] not in affected):
            events.append({"introduced": version})
        if version in affected and (index + 1 == len(side.known) or side.known[index + 1] not in affected):
            events.append({"last_affected": version})
    return events


def _moment(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
