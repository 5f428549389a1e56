"""Rows about pairs of components: which of their versions were seen to work together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.requirements import version_key
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.table.base import Sparse, Timestamp
from stackcompat.table.components import ComponentRow
from stackcompat.table.failures import FailureGroup
from stackcompat.verdict.history import HistoryEntry
from stackcompat.verdict.pairs import PairVerdict

__all__ = ["Interval", "PairRelease", "PairRow", "Ranges", "intervals", "pair_rows"]


class PairRelease(Sparse):
    """Two releases together."""

    first_version: str
    second_version: str
    verdict: Verdict
    level: Level = "interop"
    inferred: bool = False
    pythons: dict[str, Verdict]
    cell: Annotated[str, Field(description="Id of the cell that shows it.")]
    failure: Annotated[str, Field(description="Id of the failure; empty: none.")] = ""


class Interval(Sparse):
    """Releases with the same verdict. `tested` ones were seen; `inferred` ones lie between, or follow from others."""

    verdict: Verdict
    first: str
    last: str
    tested: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()


class Ranges(Record):
    """What the releases of `other` do with one of `component`. A release in no interval is untested with it."""

    component: str
    version: str
    other: str
    intervals: tuple[Interval, ...]


class PairRow(Record):
    """Two components: at the newest releases of both, at every combination that was tried, and as ranges."""

    first: str
    first_version: str
    second: str
    second_version: str
    verdict: Annotated[Verdict, Field(description="At the newest releases of both; worst over the Pythons.")]
    level: Level
    inferred: Annotated[bool, Field(description="Whether the evidence leaves another explanation.")]
    doubt: Annotated[str, Field(description="That explanation.")]
    pythons: dict[str, Verdict]
    cell: str
    tests: tuple[str, ...]
    failure: str
    seen: Timestamp | None
    age: Annotated[int | None, Field(description="Days since it was seen.")]
    together: Annotated[
        tuple[str, str] | None,
        Field(description="The newest releases that work together, where the newest of both do not."),
    ]
    releases: tuple[PairRelease, ...]
    ranges: tuple[Ranges, ...]
    history: Annotated[
        tuple[HistoryEntry, ...],
        Field(description="What each of the last runs saw of the two, at what an installer gave then."),
    ] = ()
    first_red: Annotated[
        dt.datetime | None, Field(description="When the latest stretch of red began; null: never red in that time.")
    ] = None
    last_green: Annotated[dt.datetime | None, Field(description="When it last worked; null: not in that time.")] = None


def pair_rows(
    rows: Sequence[ComponentRow],
    verdicts: Iterable[PairVerdict],
    groups: Iterable[FailureGroup],
    now: dt.datetime,
) -> tuple[PairRow, ...]:
    """Every pair of components that met in a cell, or that a cell could not bring together."""
    newest = {row.name: row.newest for row in rows}
    known: dict[str, set[str]] = {row.name: set(row.releases) for row in rows}
    grouped: dict[tuple[str, str], list[PairVerdict]] = {}
    for pair in verdicts:
        grouped.setdefault((pair.first, pair.second), []).append(pair)
        known[pair.first].add(pair.first_version)
        known[pair.second].add(pair.second_version)
    tested = {name: sorted(versions, key=version_key) for name, versions in known.items()}
    failures = {(group.signature, cell): group.id for group in groups for cell in group.cells}

    def release(pair: PairVerdict) -> PairRelease:
        return PairRelease(
            first_version=pair.first_version,
            second_version=pair.second_version,
            verdict=pair.verdict,
            level=pair.level,
            inferred=pair.inferred,
            pythons=pair.pythons,
            cell=pair.witness,
            failure=failures.get((pair.signature, pair.witness), ""),
        )

    found = []
    order = list(newest)
    for (first, second), pairs in sorted(grouped.items(), key=lambda item: [order.index(name) for name in item[0]]):
        told = [release(pair) for pair in pairs if pair.verdict != "untested"]
        told.sort(key=lambda one: (version_key(one.first_version), version_key(one.second_version)), reverse=True)
        top = next((p for p in pairs if (p.first_version, p.second_version) == (newest[first], newest[second])), None)
        seen = top.seen if top else None
        works = [(one.first_version, one.second_version) for one in told if one.verdict == "works"]
        found.append(
            PairRow(
                first=first,
                first_version=newest[first],
                second=second,
                second_version=newest[second],
                verdict=top.verdict if top else "untested",
                level=top.level if top else "reserved",
                inferred=top.inferred if top else False,
                doubt=top.doubt if top else "",
                pythons=top.pythons if top else {},
                cell=top.witness if top else "",
                tests=top.tests if top else (),
                failure=failures.get((top.signature, top.witness), "") if top else "",
                seen=seen,
                age=(now - seen).days if seen else None,
                together=works[0] if works and not (top and top.verdict == "works") else None,
                releases=tuple(told),
                ranges=_ranges(first, second, told, tested),
            )
        )
    return tuple(found)


def _ranges(
    first: str, second: str, releases: Sequence[PairRelease], tested: Mapping[str, Sequence[str]]
) -> tuple[Ranges, ...]:
    """Each release of one side with the intervals of the other side's; first by `first`, then by `second`."""
    by_first: dict[str, dict[str, PairRelease]] = {}
    by_second: dict[str, dict[str, PairRelease]] = {}
    for release in releases:
        by_first.setdefault(release.first_version, {})[release.second_version] = release
        by_second.setdefault(release.second_version, {})[release.first_version] = release
    return tuple(
        Ranges(component=one, version=version, other=other, intervals=intervals(tested[other], known))
        for one, other, sides in ((first, second, by_first), (second, first, by_second))
        for version, known in sides.items()
    )


def intervals(among: Sequence[str], known: Mapping[str, PairRelease]) -> tuple[Interval, ...]:
    """Neighbouring releases of `among` (lowest first) with equal verdict, as intervals.

    A release of which nothing is known counts, as inferred, only between two of the same verdict; elsewhere it ends the
    interval and is in none.
    """
    found: list[tuple[Verdict, list[str], list[str]]] = []
    between: list[str] = []
    for version in among:
        release = known.get(version)
        if release is None:
            between.append(version)
            continue
        if not found or found[-1][0] != release.verdict:
            found.append((release.verdict, [], []))
            between = []
        _, seen, inferred = found[-1]
        inferred += between
        between = []
        (inferred if release.inferred else seen).append(version)
    return tuple(
        Interval(
            verdict=verdict,
            first=min([*seen, *inferred], key=among.index),
            last=max([*seen, *inferred], key=among.index),
            tested=tuple(seen),
            inferred=tuple(inferred),
        )
        for verdict, seen, inferred in found
    )
