"""Advisories: each distinct incompatibility as one entry that other tools can read, in the shape of OSV records.

An advisory is about two components: which releases of the one fail with which of the other, in what way. Its id is made
of that, so it stays the same from night to night while the list of affected releases grows. Only what was confirmed is
in one; releases between two affected ones that nobody tried are not.

Source of the shape: the Open Source Vulnerability schema, 1.6 (``affected``, ``ranges`` with ``introduced`` and
``last_affected`` events, ``database_specific`` for what it has no word for: that both sides must be there).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from stackcompat.evidence import incompatibility_id
from stackcompat.matrix import Level, Table, load_record
from stackcompat.record import Record
from stackcompat.report.model import FailureGroup, PairRow, Summary
from stackcompat.report.words import and_list, span, version_key

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
    first_seen: dt.datetime | None
    last_seen: dt.datetime | None
    workaround: str
    links: tuple[str, ...] = ()

    def hits(self, installed: Mapping[str, str]) -> bool:
        """Whether an environment with these distributions (name to version) has it."""
        versions = installed.get(self.first.distribution), installed.get(self.second.distribution)
        return versions in self.pairs


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
    found = [advisory for row in summary.pairs for advisory in _of_pair(row, summary, groups, addresses)]
    return tuple(sorted(found, key=lambda one: [version_key(one.first.versions[-1]), one.id], reverse=True))


def _of_pair(
    row: PairRow, summary: Summary, groups: Mapping[str, FailureGroup], links: Mapping[str, Sequence[str]]
) -> Iterator[Advisory]:
    distribution = {component.name: component.distribution for component in summary.components}
    titles = summary.titles()
    broken: dict[str, list[tuple[str, str]]] = {}
    for release in row.releases:
        # What is inferred may be the fault of a third one: it is no advisory until it was told apart.
        if release.verdict == "broken" and release.failure in groups and not release.inferred:
            broken.setdefault(release.failure, []).append((release.first_version, release.second_version))
    for failure, pairs in broken.items():
        group = groups[failure]

        def side(name: str, index: int, pairs: Sequence[tuple[str, str]] = pairs) -> Side:
            known = {(r.first_version, r.second_version)[index] for r in row.releases}
            return Side(
                component=name,
                title=titles[name],
                distribution=distribution[name],
                versions=_sorted({pair[index] for pair in pairs}),
                known=_sorted(known),
            )

        first, second = side(row.first, 0), side(row.second, 1)
        identity = incompatibility_id(group.signature, (first.distribution, second.distribution))
        cells = {r.cell for r in row.releases if r.failure == failure}
        yield Advisory(
            id=identity,
            summary=(
                f"{first.title} {span(first.versions, first.known)} with {second.title} "
                f"{span(second.versions, second.known)}: {group.message or group.type}"
            ),
            first=first,
            second=second,
            pairs=tuple(pairs),
            level=group.level,
            signature=group.signature,
            package=group.package,
            tests=group.tests,
            pythons=group.pythons,
            cells=tuple(sorted(cells)),
            first_seen=group.first_seen,
            last_seen=group.last_seen,
            workaround=_workaround(row, first, second, pairs),
            links=tuple(links.get(identity, ())),
        )


def _sorted(versions: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(versions, key=version_key))


def _workaround(row: PairRow, first: Side, second: Side, pairs: Sequence[tuple[str, str]]) -> str:
    """For the newest affected pair: the nearest release of each side that works with the other as it is."""
    works = [(r.first_version, r.second_version) for r in row.releases if r.verdict == "works"]
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
