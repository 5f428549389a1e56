"""Rows about pairs of components: which of their releases work together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, NamedTuple

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
    """The verdict on two releases together."""

    first_version: str
    second_version: str
    verdict: Verdict
    level: Level = "interop"
    inferred: bool = False
    pythons: dict[str, Verdict]
    cell: Annotated[str, Field(description="Id of the cell that shows the verdict.")]
    failure: Annotated[str, Field(description="Id of the failure; empty: none.")] = ""


class Interval(Sparse):
    """Neighbouring releases with the same verdict. Each of them is in `tested` or in `inferred`."""

    verdict: Verdict
    first: str
    last: str
    tested: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()


class Ranges(Record):
    """One release of `component` with the releases of `other`. Those in no interval are untested with it."""

    component: str
    version: str
    other: str
    intervals: tuple[Interval, ...]


class PairRow(Record):
    """Two components: the verdict at their newest releases, at every tested combination, and by ranges."""

    first: str
    first_version: str
    second: str
    second_version: str
    verdict: Annotated[
        Verdict, Field(description="The verdict at the newest releases of both, the worst over all Pythons.")
    ]
    level: Level
    inferred: Annotated[bool, Field(description="Whether the evidence leaves another explanation.")]
    doubt: Annotated[str, Field(description="The other explanation; empty: there is none.")]
    pythons: dict[str, Verdict]
    cell: str
    tests: tuple[str, ...]
    failure: str
    seen: Timestamp | None
    age: Annotated[int | None, Field(description="Days from `seen` to the time of the table.")]
    together: Annotated[
        tuple[str, str] | None,
        Field(description="The newest releases that work together; null: the newest of both do, or none do."),
    ]
    releases: tuple[PairRelease, ...]
    ranges: tuple[Ranges, ...]
    history: Annotated[
        tuple[HistoryEntry, ...],
        Field(description="The verdict of each of the last runs, at the releases that an installer gave then."),
    ] = ()
    first_red: Annotated[
        dt.datetime | None, Field(description="When the latest stretch of red began; null: it was never red.")
    ] = None
    last_green: Annotated[dt.datetime | None, Field(description="When the pair last worked; null: never.")] = None


class _Releases(NamedTuple):
    """The releases of components, by name: the newest release, and all that were tried, lowest first."""

    newest: dict[str, str]
    tried: dict[str, list[str]]


class _VersionPair(NamedTuple):
    """Two releases."""

    first: str
    first_version: str
    second: str
    second_version: str


#: Failures, by the signature of the failure and the id of a cell that has it.
_Failures = Mapping[tuple[str, str], Sequence[FailureGroup]]


def pair_rows(
    rows: Sequence[ComponentRow],
    verdicts: Iterable[PairVerdict],
    groups: Iterable[FailureGroup],
    now: dt.datetime,
) -> tuple[PairRow, ...]:
    """The rows of all pairs of components that met in a cell, or that a cell could not bring together.

    Args:
        rows: The components, in the order of the tables.
        verdicts: The verdicts on all pairs of releases.
        groups: The failures of the table.
        now: The time of the table. Ages are counted up to it.
    """
    verdicts = tuple(verdicts)
    releases = _releases(rows, verdicts)
    failures: dict[tuple[str, str], list[FailureGroup]] = {}
    for group in groups:
        for cell in group.cells:
            failures.setdefault((group.signature, cell), []).append(group)
    pairs: dict[tuple[str, str], list[PairVerdict]] = {}
    for verdict in verdicts:
        pairs.setdefault((verdict.first, verdict.second), []).append(verdict)
    order = list(releases.newest)
    ordered = sorted(pairs.items(), key=lambda item: [order.index(name) for name in item[0]])
    return tuple(_row(names, of_pair, releases, failures, now) for names, of_pair in ordered)


def _releases(rows: Iterable[ComponentRow], verdicts: Iterable[PairVerdict]) -> _Releases:
    newest, tried = {}, {}
    for row in rows:
        newest[row.name] = row.newest
        tried[row.name] = set(row.releases)
    for verdict in verdicts:
        tried[verdict.first].add(verdict.first_version)
        tried[verdict.second].add(verdict.second_version)
    return _Releases(newest, {name: sorted(versions, key=version_key) for name, versions in tried.items()})


def _row(
    names: tuple[str, str],
    verdicts: Sequence[PairVerdict],
    releases: _Releases,
    failures: _Failures,
    now: dt.datetime,
) -> PairRow:
    """The row of two components.

    Args:
        names: The two components.
        verdicts: The verdicts on their releases together.
        releases: The releases of all components.
        failures: The ids of the failures of the table.
        now: The time of the table.
    """
    first, second = names
    first_version, second_version = releases.newest[first], releases.newest[second]
    pairs = [_pair_release(verdict, failures) for verdict in verdicts if verdict.verdict != "untested"]
    pairs.sort(key=lambda pair: (version_key(pair.first_version), version_key(pair.second_version)), reverse=True)
    newest = _at_newest(verdicts, _VersionPair(first, first_version, second, second_version))
    works = [(pair.first_version, pair.second_version) for pair in pairs if pair.verdict == "works"]
    return PairRow(
        first=first,
        first_version=first_version,
        second=second,
        second_version=second_version,
        verdict=newest.verdict,
        level=newest.level,
        inferred=newest.inferred,
        doubt=newest.doubt,
        pythons=newest.pythons,
        cell=newest.witness,
        tests=newest.tests,
        failure=_failure_id(newest, failures),
        seen=newest.seen,
        age=(now - newest.seen).days if newest.seen else None,
        together=works[0] if works and newest.verdict != "works" else None,
        releases=tuple(pairs),
        ranges=_ranges(first, second, pairs, releases.tried),
    )


def _at_newest(verdicts: Iterable[PairVerdict], newest: _VersionPair) -> PairVerdict:
    """The verdict on the newest releases of both components; `untested` if no cell had them together."""
    for verdict in verdicts:
        if (verdict.first_version, verdict.second_version) == (newest.first_version, newest.second_version):
            return verdict
    return PairVerdict(
        **newest._asdict(),
        verdict="untested",
        level="reserved",  # the shallowest level: not even a lock is known
        inferred=False,
        pythons={},
        witness="",
        tests=(),
    )


def _failure_id(verdict: PairVerdict, failures: _Failures) -> str:
    """The id of the failure that a verdict rests on: with its signature, in its witness, in one of its tests."""
    groups = failures.get((verdict.signature, verdict.witness), ())
    fitting = [group for group in groups if not set(group.tests).isdisjoint(verdict.tests)] or groups
    return next((group.id for group in fitting), "")


def _pair_release(verdict: PairVerdict, failures: _Failures) -> PairRelease:
    return PairRelease(
        first_version=verdict.first_version,
        second_version=verdict.second_version,
        verdict=verdict.verdict,
        level=verdict.level,
        inferred=verdict.inferred,
        pythons=verdict.pythons,
        cell=verdict.witness,
        failure=_failure_id(verdict, failures),
    )


def _ranges(
    first: str, second: str, pairs: Iterable[PairRelease], tried: Mapping[str, Sequence[str]]
) -> tuple[Ranges, ...]:
    """For each release of either component, the intervals of the other component's releases; first those of `first`."""
    by_first: dict[str, dict[str, PairRelease]] = {}
    by_second: dict[str, dict[str, PairRelease]] = {}
    for pair in pairs:
        by_first.setdefault(pair.first_version, {})[pair.second_version] = pair
        by_second.setdefault(pair.second_version, {})[pair.first_version] = pair
    return tuple(
        Ranges(component=component, version=version, other=other, intervals=intervals(tried[other], known))
        for component, other, by_version in ((first, second, by_first), (second, first, by_second))
        for version, known in by_version.items()
    )


def intervals(among: Sequence[str], known: Mapping[str, PairRelease]) -> tuple[Interval, ...]:
    """Join neighbouring releases with equal verdicts to intervals.

    An unknown release between two releases with the same verdict is in their interval, as inferred. Every other unknown
    release is in no interval.

    Args:
        among: All releases, lowest first.
        known: The verdicts, by release. A release that is not in it is unknown.
    """
    stretches: list[tuple[Verdict, list[str], list[str]]] = []  # verdict, tested releases, inferred releases
    unknown: list[str] = []
    for version in among:
        pair = known.get(version)
        if pair is None:
            unknown.append(version)
            continue
        if not stretches or stretches[-1][0] != pair.verdict:
            stretches.append((pair.verdict, [], []))
            unknown = []
        _, tested, inferred = stretches[-1]
        inferred += unknown
        unknown = []
        (inferred if pair.inferred else tested).append(version)
    return tuple(
        Interval(
            verdict=verdict,
            first=min([*tested, *inferred], key=among.index),
            last=max([*tested, *inferred], key=among.index),
            tested=tuple(tested),
            inferred=tuple(inferred),
        )
        for verdict, tested, inferred in stretches
    )
