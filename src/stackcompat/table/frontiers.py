"""Frontiers as published: release by release, with their edges and how they were found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Annotated, NamedTuple

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.redact import public
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.frontier.frontier import StoredFinding, StoredFrontier
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.space import Side
from stackcompat.table.base import Sparse
from stackcompat.verdict.signature import failure_kind

__all__ = [
    "DatedRelease",
    "FrontierCheck",
    "FrontierEdge",
    "FrontierPair",
    "FrontierRange",
    "FrontierReason",
    "FrontierRow",
    "frontier_row",
]


class DatedRelease(Record):
    """One release of one side of a frontier."""

    version: str
    uploaded: dt.date


class FrontierPair(Sparse):
    """Two releases, each one of its side. Tried as of the day on which the later of the two was uploaded."""

    versions: Annotated[dict[str, str], Field(description="Component to version, the two of the pair.")]
    verdict: Verdict
    level: Annotated[Level, Field(description="The first that is red, or else the deepest that was reached.")] = (
        "interop"
    )
    inferred: Annotated[bool, Field(description="Whether it follows from other pairs; then it was not tried.")] = True
    evidence: Annotated[str, Field(description="Id of one run that shows it; empty: inferred, or bounds say it.")] = ""
    reason: Annotated[
        int | None,
        Field(description="Place in `reasons`; of an inferred break, that of the nearest break that was seen."),
    ] = None


class FrontierRange(Record):
    """Releases from one to another of the first side with releases from one to another of the second."""

    first: tuple[str, str]
    second: tuple[str, str]


class FrontierReason(Record):
    """What pairs that do not work say for themselves, once."""

    verdict: Verdict
    level: Level
    sentence: str
    signature: Annotated[str, Field(description="That of the failure; empty: none was met.")]
    doubt: Annotated[str, Field(description="Why the failure may be another's; empty: it is surely of these two.")]
    alone: Annotated[
        str, Field(description="The component that it points at and nobody else; empty: both, or others too.")
    ] = ""
    seen: Annotated[int, Field(description="Pairs that were seen to have it.")]
    inferred: Annotated[int, Field(description="Pairs that are inferred to be broken, of which this is the nearest.")]
    ranges: Annotated[tuple[FrontierRange, ...], Field(description="Where it is, inferred pairs included.")]


class FrontierEdge(Record):
    """The releases of the second side that work with one of the first, as intervals: first and last release of each."""

    version: str
    works: tuple[tuple[str, str], ...]


class FrontierCheck(Record):
    """An inferred pair that was tried after all."""

    versions: dict[str, str]
    inferred: Verdict
    observed: Verdict


class FrontierRow(Record):
    """Every release of one component against every release of another, as far as `level`, on one Python.

    The partners of each pair are those of the day on which the later of the two was uploaded, not those of today.
    """

    first: str
    second: str
    python: str
    platform: str
    level: Annotated[Level, Field(description="How far a pair has to work.")]
    seen: dt.datetime
    complete: Annotated[bool, Field(description="Whether each pair has a verdict and the last checks agreed.")]
    runs: Annotated[int, Field(description="Fresh environments that were made for it, or that there were before.")]
    pairs_answered: Annotated[int, Field(description="Pairs that work or are broken.")]
    pairs_inferred: int
    checks: Annotated[tuple[FrontierCheck, ...], Field(description="Inferences that were checked.")]
    disagreement: Annotated[float | None, Field(description="The share of these that were wrong; null: no checks.")]
    precision: Annotated[float | None, Field(description="Of the forecast from source, against what was tried.")]
    recall: Annotated[float | None, Field(description="Of the forecast from source, against what was tried.")]
    first_releases: tuple[DatedRelease, ...]
    second_releases: tuple[DatedRelease, ...]
    edges: tuple[FrontierEdge, ...]
    second_edges: Annotated[tuple[FrontierEdge, ...], Field(description="The same, seen from the second side.")]
    reasons: tuple[FrontierReason, ...]
    pairs: Annotated[
        tuple[FrontierPair, ...], Field(description="What is not there cannot be had together: `reasons` tell why.")
    ]

    def told(self) -> tuple[FrontierPair, ...]:
        """The pairs that work or are broken, inferred ones too."""
        return tuple(pair for pair in self.pairs if pair.verdict in ("works", "broken"))

    def observed(self) -> tuple[FrontierPair, ...]:
        """The pairs that were seen to work or to be broken."""
        return tuple(pair for pair in self.told() if not pair.inferred)


class _Said(NamedTuple):
    """What makes two reasons the same."""

    verdict: Verdict
    level: Level
    sentence: str
    signature: str
    doubt: str
    alone: str


def frontier_row(chart: StoredFrontier) -> FrontierRow:
    """What is published of a chart. Works by itself if one of the two is no component of the table."""
    first, second, known = chart.first, chart.second, chart.by_pair()
    said = {f.pair: _said(f) for f in chart.findings if f.sentence and f.verdict != "works"}
    alike: dict[_Said, _Said] = {}
    for pair, one in said.items():
        said[pair] = alike.setdefault(_kind(one), one)
    broken = [pair for pair in said if known[pair].verdict == "broken"]
    for finding in chart.findings:
        if finding.inferred and finding.verdict == "broken" and broken:
            said[finding.pair] = said[_nearest(finding.pair, broken)]
    reasons = sorted(dict.fromkeys(said.values()), key=lambda reason: reason.verdict != "broken")  # red ones first

    def named(pair: Pair) -> dict[str, str]:
        return {first.name: first.versions[pair[0]], second.name: second.versions[pair[1]]}

    return FrontierRow(
        first=first.name,
        second=second.name,
        python=chart.python,
        platform=chart.platform,
        level=chart.level,
        seen=chart.seen,
        complete=chart.complete,
        runs=chart.runs + chart.reused,
        pairs_answered=sum(finding.verdict in ("works", "broken") for finding in chart.findings),
        pairs_inferred=sum(finding.inferred for finding in chart.findings),
        checks=tuple(
            FrontierCheck(versions=named(check.pair), inferred=check.inferred, observed=check.observed)
            for check in chart.checks
        ),
        disagreement=chart.disagreement,
        precision=chart.precision,
        recall=chart.recall,
        first_releases=_dated(first),
        second_releases=_dated(second),
        edges=_edges(chart, 0),
        second_edges=_edges(chart, 1),
        reasons=tuple(_reason(reason, [p for p in said if said[p] == reason], chart, known) for reason in reasons),
        pairs=tuple(
            FrontierPair(
                versions=named(finding.pair),
                verdict=finding.verdict,
                level=finding.level,
                inferred=finding.inferred,
                evidence=next(iter(finding.evidence), ""),
                reason=reasons.index(said[finding.pair]) if finding.pair in said else None,
            )
            for finding in chart.findings
            if finding.verdict != "unresolvable"
        ),
    )


def _said(finding: StoredFinding) -> _Said:
    return _Said(
        finding.verdict, finding.level, public(finding.sentence), finding.signature, finding.doubt, finding.alone
    )


def _kind(said: _Said) -> _Said:
    """What a failure says without its numbers, which may differ from pair to pair; a bound is what it is."""
    if not said.signature:
        return said
    return said._replace(sentence=failure_kind(said.sentence), signature=failure_kind(said.signature))


def _nearest(pair: Pair, others: Iterable[Pair]) -> Pair:
    """The one in the nearest row, there in the nearest column: a release breaks by what it uses."""
    return min(others, key=lambda other: (abs(other[0] - pair[0]), abs(other[1] - pair[1]), other))


def _dated(side: Side) -> tuple[DatedRelease, ...]:
    return tuple(
        DatedRelease(version=version, uploaded=moment.date())
        for version, moment in zip(side.versions, side.uploaded, strict=True)
    )


def _edges(chart: StoredFrontier, axis: int) -> tuple[FrontierEdge, ...]:
    side = (chart.first, chart.second)[axis]
    return tuple(
        FrontierEdge(version=version, works=chart.intervals(axis, number))
        for number, version in enumerate(side.versions)
    )


def _reason(
    said: _Said, pairs: Collection[Pair], chart: StoredFrontier, known: Mapping[Pair, StoredFinding]
) -> FrontierReason:
    inferred = sum(known[pair].inferred for pair in pairs)
    return FrontierReason(
        **said._asdict(), seen=len(pairs) - inferred, inferred=inferred, ranges=tuple(_ranges(set(pairs), chart, known))
    )


def _ranges(
    pairs: Collection[Pair], chart: StoredFrontier, known: Mapping[Pair, StoredFinding]
) -> Iterable[FrontierRange]:
    """`pairs` as rectangles: rows that follow each other and have the same stretch of columns are one."""
    first, second = chart.first.versions, chart.second.versions
    stretches: dict[tuple[int, int], list[int]] = {}
    for row in sorted({row for row, _ in pairs}):
        permitted = [c for c in range(len(second)) if known[row, c].verdict != "unresolvable" or (row, c) in pairs]
        for here, some in groupby(permitted, key=lambda column, row=row: (row, column) in pairs):  # type: ignore[misc]
            if here:
                columns = list(some)
                stretches.setdefault((columns[0], columns[-1]), []).append(row)
    for (low, high), rows in stretches.items():
        for top, bottom in _follow(rows):
            yield FrontierRange(first=(first[top], first[bottom]), second=(second[low], second[high]))


def _follow(rows: Sequence[int]) -> Iterable[tuple[int, int]]:
    """The first and last of each run of numbers that follow each other."""
    for _, some in groupby(enumerate(rows), key=lambda item: item[1] - item[0]):
        run = [row for _, row in some]
        yield run[0], run[-1]
