"""Frontiers as they are published: each pair once, each reason once with the releases that it covers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from stackcompat.chart import Chart, Charted
from stackcompat.evidence import failure_kind
from stackcompat.frontier import Side
from stackcompat.intervals import Pair
from stackcompat.matrix import Level
from stackcompat.report.failures import public
from stackcompat.report.model import (
    DatedRelease,
    FrontierCheck,
    FrontierEdge,
    FrontierPair,
    FrontierRange,
    FrontierReason,
    FrontierRow,
)
from stackcompat.verdict import Verdict

__all__ = ["frontier_row"]


class _Said(NamedTuple):
    """What makes two reasons the same."""

    verdict: Verdict
    level: Level
    sentence: str
    signature: str
    doubt: str
    alone: str


def frontier_row(chart: Chart) -> FrontierRow:
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


def _said(finding: Charted) -> _Said:
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


def _edges(chart: Chart, axis: int) -> tuple[FrontierEdge, ...]:
    side = (chart.first, chart.second)[axis]
    return tuple(
        FrontierEdge(version=version, works=chart.intervals(axis, number))
        for number, version in enumerate(side.versions)
    )


def _reason(said: _Said, pairs: Collection[Pair], chart: Chart, known: Mapping[Pair, Charted]) -> FrontierReason:
    inferred = sum(known[pair].inferred for pair in pairs)
    return FrontierReason(
        **said._asdict(), seen=len(pairs) - inferred, inferred=inferred, ranges=tuple(_ranges(set(pairs), chart, known))
    )


def _ranges(pairs: Collection[Pair], chart: Chart, known: Mapping[Pair, Charted]) -> Iterable[FrontierRange]:
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
