"""Frontiers as they are published: release by release, with the edges of what works and how they were found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.redact import public
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.frontier.frontier import StoredFinding, StoredFrontier
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.nearest import NearestPair
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
    """Two releases, one of each side, with partners of the day on which the later of the two was uploaded."""

    versions: Annotated[dict[str, str], Field(description="Component to version, the two of the pair.")]
    verdict: Verdict
    level: Annotated[Level, Field(description="The first level that is red, or else the deepest that was reached.")] = (
        "interop"
    )
    inferred: Annotated[bool, Field(description="Whether it follows from other pairs; then it was not tested.")] = True
    evidence: Annotated[str, Field(description="Id of one run that shows it; empty: inferred, or bounds say it.")] = ""
    reason: Annotated[
        int | None,
        Field(description="Place in `reasons`; of an inferred break, that of the nearest observed break."),
    ] = None


class FrontierRange(Record):
    """Releases of the first side with releases of the second side: the first and the last release of each."""

    first: tuple[str, str]
    second: tuple[str, str]


class FrontierReason(Record):
    """One reason why pairs do not work, and the pairs that have it."""

    verdict: Verdict
    level: Level
    sentence: str
    signature: Annotated[str, Field(description="The signature of the failure; empty: there was no failure.")]
    doubt: Annotated[str, Field(description="Why the failure may come from a third component; empty: no doubt.")]
    alone: Annotated[
        str, Field(description="The component that alone is to blame; empty: both together, or others too.")
    ] = ""
    seen: Annotated[int, Field(description="Pairs that were observed to have it.")]
    inferred: Annotated[int, Field(description="Pairs that are inferred to be broken, of which this is the nearest.")]
    ranges: Annotated[tuple[FrontierRange, ...], Field(description="Where it is, inferred pairs included.")]


class FrontierEdge(Record):
    """The releases of one side that work with one release of the other: first and last release of each interval."""

    version: str
    works: tuple[tuple[str, str], ...]


class FrontierCheck(Record):
    """An inferred pair that was tested afterwards."""

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
    level: Annotated[Level, Field(description="How deep a pair has to work.")]
    seen: dt.datetime
    complete: Annotated[bool, Field(description="Whether each pair has a verdict and the last checks agreed.")]
    runs: Annotated[int, Field(description="Runs that were made for it, or that there were before.")]
    pairs_answered: Annotated[int, Field(description="Pairs that work or are broken.")]
    pairs_inferred: int
    checks: Annotated[tuple[FrontierCheck, ...], Field(description="Inferences that were checked.")]
    disagreement: Annotated[float | None, Field(description="The share of these that were wrong; null: no checks.")]
    precision: Annotated[float | None, Field(description="Of the forecast from source, against what was tested.")]
    recall: Annotated[float | None, Field(description="Of the forecast from source, against what was tested.")]
    first_releases: tuple[DatedRelease, ...]
    second_releases: tuple[DatedRelease, ...]
    edges: tuple[FrontierEdge, ...]
    second_edges: Annotated[tuple[FrontierEdge, ...], Field(description="The same, seen from the second side.")]
    reasons: tuple[FrontierReason, ...]
    pairs: Annotated[
        tuple[FrontierPair, ...],
        Field(description="A pair that is not listed cannot be installed together: `reasons` say why."),
    ]

    def judged(self) -> tuple[FrontierPair, ...]:
        """The pairs that work or are broken, inferred ones too."""
        return tuple(pair for pair in self.pairs if pair.verdict in ("works", "broken"))

    def observed(self) -> tuple[FrontierPair, ...]:
        """The pairs that were observed to work or to be broken."""
        return tuple(pair for pair in self.judged() if not pair.inferred)


class _Reason(NamedTuple):
    """What makes two reasons the same."""

    verdict: Verdict
    level: Level
    sentence: str
    signature: str
    doubt: str
    alone: str


def frontier_row(frontier: StoredFrontier) -> FrontierRow:
    """What is published of a frontier. Neither of the two need be a component of the table."""
    first, second = frontier.first, frontier.second
    reason_of = _reasons(frontier)
    # Failures come before bounds.
    reasons = sorted(dict.fromkeys(reason_of.values()), key=lambda reason: reason.verdict != "broken")
    return FrontierRow(
        first=first.name,
        second=second.name,
        python=frontier.python,
        platform=frontier.platform,
        level=frontier.level,
        seen=frontier.seen,
        complete=frontier.complete,
        runs=frontier.runs + frontier.reused,
        pairs_answered=sum(finding.verdict in ("works", "broken") for finding in frontier.findings),
        pairs_inferred=sum(finding.inferred for finding in frontier.findings),
        checks=tuple(
            FrontierCheck(versions=_versions(frontier, check.pair), inferred=check.inferred, observed=check.observed)
            for check in frontier.checks
        ),
        disagreement=frontier.disagreement,
        precision=frontier.precision,
        recall=frontier.recall,
        first_releases=_dated(first),
        second_releases=_dated(second),
        edges=_edges(frontier, 0),
        second_edges=_edges(frontier, 1),
        reasons=tuple(_published_reason(reason, reason_of, frontier) for reason in reasons),
        pairs=tuple(
            FrontierPair(
                versions=_versions(frontier, finding.pair),
                verdict=finding.verdict,
                level=finding.level,
                inferred=finding.inferred,
                evidence=next(iter(finding.evidence), ""),
                reason=reasons.index(reason_of[finding.pair]) if finding.pair in reason_of else None,
            )
            for finding in frontier.findings
            if finding.verdict != "unresolvable"
        ),
    )


def _versions(frontier: StoredFrontier, pair: Pair) -> dict[str, str]:
    """Component to version, of a pair."""
    row, column = pair
    return {
        frontier.first.name: frontier.first.versions[row],
        frontier.second.name: frontier.second.versions[column],
    }


def _reasons(frontier: StoredFrontier) -> dict[Pair, _Reason]:
    """The reason of each pair that does not work; of an inferred break, that of the nearest observed one."""
    alike: dict[_Reason, _Reason] = {}
    reasons: dict[Pair, _Reason] = {}
    for finding in frontier.findings:
        if finding.sentence and finding.verdict != "works":
            reason = _reason(finding)
            reasons[finding.pair] = alike.setdefault(_without_numbers(reason), reason)
    broken = NearestPair(pair for pair, reason in reasons.items() if reason.verdict == "broken")
    for finding in frontier.findings:
        nearest = broken.to(finding.pair) if finding.inferred and finding.verdict == "broken" else None
        if nearest is not None:
            reasons[finding.pair] = reasons[nearest]
    return reasons


def _reason(finding: StoredFinding) -> _Reason:
    return _Reason(
        finding.verdict, finding.level, public(finding.sentence), finding.signature, finding.doubt, finding.alone
    )


def _without_numbers(reason: _Reason) -> _Reason:
    """A failure without its numbers, which can differ from pair to pair. A bound stays as it is."""
    if not reason.signature:
        return reason
    return reason._replace(sentence=failure_kind(reason.sentence), signature=failure_kind(reason.signature))


def _dated(side: Side) -> tuple[DatedRelease, ...]:
    return tuple(
        DatedRelease(version=version, uploaded=moment.date())
        for version, moment in zip(side.versions, side.uploaded, strict=True)
    )


def _edges(frontier: StoredFrontier, axis: int) -> tuple[FrontierEdge, ...]:
    side = (frontier.first, frontier.second)[axis]
    return tuple(
        FrontierEdge(version=version, works=frontier.intervals(axis, number))
        for number, version in enumerate(side.versions)
    )


def _published_reason(reason: _Reason, reason_of: Mapping[Pair, _Reason], frontier: StoredFrontier) -> FrontierReason:
    """What is published of a reason; `reason_of` has the reason of each pair that does not work."""
    findings = [finding for finding in frontier.findings if reason_of.get(finding.pair) == reason]
    inferred = sum(finding.inferred for finding in findings)
    return FrontierReason(
        **reason._asdict(),
        seen=len(findings) - inferred,
        inferred=inferred,
        ranges=_ranges({finding.pair for finding in findings}, frontier),
    )


def _ranges(pairs: Collection[Pair], frontier: StoredFrontier) -> tuple[FrontierRange, ...]:
    """`pairs` as rectangles: rows that follow each other and have the same stretch of columns are one."""
    first, second = frontier.first.versions, frontier.second.versions
    rows_of: dict[tuple[int, int], list[int]] = {}
    for row in sorted({row for row, _ in pairs}):
        for stretch in _stretches(frontier.along(0, row), pairs):
            rows_of.setdefault(stretch, []).append(row)
    return tuple(
        FrontierRange(first=(first[top], first[bottom]), second=(second[low], second[high]))
        for (low, high), rows in rows_of.items()
        for top, bottom in _runs(rows)
    )


def _stretches(findings: Iterable[StoredFinding], pairs: Collection[Pair]) -> list[tuple[int, int]]:
    """The first and last column of each stretch of `pairs` in a row. It goes past pairs that metadata forbids."""
    stretches: list[tuple[int, int]] = []
    continues = False
    for finding in findings:
        column = finding.pair[1]
        if finding.pair in pairs:
            first = stretches.pop()[0] if continues else column
            stretches.append((first, column))
            continues = True
        elif finding.verdict != "unresolvable":
            continues = False
    return stretches


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """The first and last of each run of numbers that follow each other."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return runs
