"""Published frontiers: the verdict on each pair of releases, the intervals that work, and the reasons for breaks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.redact import public
from stackcompat.core.requirements import version_key
from stackcompat.core.vocabulary import LEVELS, Level, Verdict
from stackcompat.frontier.frontier import StoredFinding, StoredFrontier, WorkingInterval, join_working, new_releases
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.inference_accuracy import CheckReason, InferenceAccuracy
from stackcompat.frontier.nearest import NearestPair
from stackcompat.frontier.space import Side
from stackcompat.table.base import Sparse
from stackcompat.table.cells import CellRow
from stackcompat.table.pairs import Interval, PairRow, Ranges
from stackcompat.verdict.signature import failure_kind

__all__ = [
    "DatedRelease",
    "FrontierCheck",
    "FrontierEdge",
    "FrontierInterval",
    "FrontierNews",
    "FrontierPair",
    "FrontierRange",
    "FrontierReason",
    "FrontierRow",
    "frontier_row",
    "with_exact_edges",
    "without_contradictions",
    "without_refuted",
]


class DatedRelease(Record):
    """One release of one side of a frontier."""

    version: str
    uploaded: dt.date


class FrontierPair(Sparse):
    """Two releases, one of each side. All other releases are of the day on which the later of the two was uploaded."""

    versions: Annotated[dict[str, str], Field(description="Component to version, the two of the pair.")]
    verdict: Verdict
    level: Annotated[Level, Field(description="The first level that is red, or else the deepest that was reached.")] = (
        "interop"
    )
    inferred: Annotated[
        bool, Field(description="Whether the verdict follows from other pairs, so that the pair was not tested.")
    ] = True
    evidence: Annotated[
        str, Field(description="Id of one run that shows it; empty: it is inferred or follows from bounds.")
    ] = ""
    reason: Annotated[
        int | None,
        Field(description="Place in `reasons`; for an inferred break, the place of the nearest observed break."),
    ] = None


class FrontierRange(Record):
    """A rectangle of pairs: the first and the last release of the first side, and those of the second side."""

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
        str, Field(description="The component that is to blame alone; empty: both together, or also others.")
    ] = ""
    seen: Annotated[int, Field(description="Number of pairs that were observed to have this reason.")]
    inferred: Annotated[
        int, Field(description="Number of inferred breaks whose nearest observed break has this reason.")
    ]
    ranges: Annotated[
        tuple[FrontierRange, ...], Field(description="All pairs with this reason, including inferred ones.")
    ]


class FrontierInterval(Sparse):
    """Releases of one side that follow each other and work with one release of the other, up to the same level."""

    first: str
    last: str
    level: Annotated[Level, Field(description="The level up to which all of them work.")] = "interop"
    tested: Annotated[int, Field(description="How many of them were tested.")] = 0
    inferred: Annotated[int, Field(description="How many of them are inferred to work.")] = 0
    first_inferred: Annotated[bool, Field(description="Whether the first release is inferred, so not tested.")] = False
    last_inferred: Annotated[bool, Field(description="Whether the last release is inferred, so not tested.")] = False


class FrontierEdge(Record):
    """One release, and the intervals of the other side's releases that work with it: first and last of each."""

    version: str
    works: Annotated[tuple[tuple[str, str], ...], Field(description="Those that work up to the level of the frontier.")]
    intervals: Annotated[
        tuple[FrontierInterval, ...],
        Field(description="The same with those that work up to a shallower level only, and what is inferred of each."),
    ] = ()


class FrontierNews(Record):
    """A newer search about the same two components that has newer releases and is not complete."""

    seen: dt.datetime
    releases: Annotated[dict[str, tuple[str, ...]], Field(description="The newer releases, by component.")]
    pairs_answered: Annotated[int, Field(description="Number of its pairs that work or are broken.")]
    pairs: Annotated[int, Field(description="Number of its pairs that can be installed together.")]


class FrontierCheck(Record):
    """An inferred verdict on a pair that was tested afterwards."""

    versions: dict[str, str]
    inferred: Verdict
    observed: Verdict
    reason: Annotated[
        CheckReason,
        Field(description="Why it was tested: at random; for a release or a block in no test; near a wrong inference."),
    ] = "random"


class FrontierRow(Record):
    """Every release of one component with every release of another, tested up to `level`, on one Python.

    In the cell of a pair, all other releases are of the day on which the later of the two was uploaded.
    """

    first: str
    second: str
    python: str
    platform: str
    level: Annotated[Level, Field(description="The level up to which a pair must work.")]
    seen: dt.datetime
    complete: Annotated[
        bool, Field(description="Whether each pair has a verdict, and the last checks agreed or few can be wrong.")
    ]
    runs: Annotated[int, Field(description="Number of runs that were used, new and earlier ones.")]
    pairs_answered: Annotated[int, Field(description="Number of pairs that work or are broken.")]
    pairs_inferred: int
    pairs_shallow: Annotated[
        int, Field(description="Number of pairs that work, but that no test that uses both reached as deep as `level`.")
    ] = 0
    checks: Annotated[tuple[FrontierCheck, ...], Field(description="Inferred pairs that were tested as a check.")]
    disagreement: Annotated[
        float | None, Field(description="Share of the checks that contradict the inference; null: no checks.")
    ]
    accuracy: Annotated[
        InferenceAccuracy | None,
        Field(description="How many inferred pairs can be wrong, by the random checks; null: no checks."),
    ] = None
    precision: Annotated[
        float | None,
        Field(description="Of the breaks forecast from source alone, the share that was observed; null: unknown."),
    ]
    recall: Annotated[
        float | None,
        Field(description="Of the observed breaks, the share that was forecast from source alone; null: unknown."),
    ]
    first_releases: tuple[DatedRelease, ...]
    second_releases: tuple[DatedRelease, ...]
    edges: tuple[FrontierEdge, ...]
    second_edges: Annotated[
        tuple[FrontierEdge, ...], Field(description="The same for each release of the second side.")
    ]
    reasons: tuple[FrontierReason, ...]
    pairs: Annotated[
        tuple[FrontierPair, ...],
        Field(description="A pair that is not listed cannot be installed together: `reasons` say why."),
    ]

    newer: Annotated[
        FrontierNews | None, Field(description="A newer search with newer releases that is not complete; null: none.")
    ] = None

    def judged(self) -> tuple[FrontierPair, ...]:
        """The pairs that work or are broken, including inferred ones.

        A pair that is red only in tests that a release ships is left out: that is a note about the release.
        """
        return tuple(
            pair
            for pair in self.pairs
            if pair.verdict == "works" or (pair.verdict == "broken" and pair.level != "upstream")
        )

    def observed(self) -> tuple[FrontierPair, ...]:
        """The pairs that were observed to work or to be broken."""
        return tuple(pair for pair in self.judged() if not pair.inferred)


class _Reason(NamedTuple):
    """A reason why pairs do not work. Two reasons are the same if all fields are equal."""

    verdict: Verdict
    level: Level
    sentence: str
    signature: str
    doubt: str
    alone: str


def frontier_row(frontier: StoredFrontier, newer: StoredFrontier | None = None) -> FrontierRow:
    """The published row of a frontier. Its sides need not be components of the table.

    Args:
        frontier: The frontier.
        newer: A newer one about the same two that is not complete and has newer releases.
    """
    first, second = frontier.first, frontier.second
    reason_of = _reasons(frontier)
    # Reasons that are failures come before bounds.
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
        pairs_answered=frontier.pairs_answered,
        pairs_shallow=sum(map(frontier.is_shallow, frontier.findings)),
        pairs_inferred=sum(finding.inferred for finding in frontier.findings),
        checks=tuple(
            FrontierCheck(
                versions=_versions(frontier, check.pair),
                inferred=check.inferred,
                observed=check.observed,
                reason=check.reason,
            )
            for check in frontier.checks
        ),
        disagreement=frontier.disagreement,
        accuracy=frontier.accuracy,
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
        newer=_news(frontier, newer) if newer is not None else None,
    )


def _news(frontier: StoredFrontier, newer: StoredFrontier) -> FrontierNews:
    """What is told of a newer frontier that is not complete."""
    sides = ((newer.first, frontier.first), (newer.second, frontier.second))
    releases = {side.name: new_releases(side, before) for side, before in sides}
    return FrontierNews(
        seen=newer.seen,
        releases={name: versions for name, versions in releases.items() if versions},
        pairs_answered=newer.pairs_answered,
        pairs=sum(finding.verdict != "unresolvable" for finding in newer.findings),
    )


def with_exact_edges(row: FrontierRow) -> FrontierRow:
    """A row whose edges are made anew from its pairs.

    Older tables have intervals with releases between their ends that no installer puts together with the other one.
    """
    known = {(pair.versions[row.first], pair.versions[row.second]): pair for pair in row.pairs}
    sides = (row.first_releases, row.second_releases)

    def edge(axis: int, version: str) -> FrontierEdge:
        along = []
        for other in sides[1 - axis]:
            pair = known.get((version, other.version) if axis == 0 else (other.version, version))
            level = min(pair.level, row.level, key=LEVELS.index) if pair and pair.verdict == "works" else None
            along.append((other.version, level, pair is not None and pair.inferred))
        return _with_intervals(version, join_working(along), row.level)

    first, second = (tuple(edge(axis, release.version) for release in sides[axis]) for axis in (0, 1))
    return row.model_copy(update={"edges": first, "second_edges": second})


def without_contradictions(frontier: StoredFrontier, pairs: Iterable[PairRow]) -> StoredFrontier:
    """A frontier without inferred breaks of pairs that work in a cell, if it is not complete.

    A sample has not checked such a break yet, so it counts for less than the cell.

    Args:
        frontier: The frontier.
        pairs: What cells say about pairs.
    """
    if frontier.complete:
        return frontier
    names = (frontier.first.name, frontier.second.name)
    working = {
        tuple(versions[name] for name in names)
        for row in pairs
        if {row.first, row.second} == set(names)
        for release in row.releases
        if release.verdict == "works" and not release.inferred
        for versions in [{row.first: release.first_version, row.second: release.second_version}]
    }
    findings = tuple(
        StoredFinding(pair=finding.pair, verdict="untested", level="resolve", forecast=finding.forecast)
        if finding.inferred
        and finding.verdict == "broken"
        and tuple(_versions(frontier, finding.pair).values()) in working
        else finding
        for finding in frontier.findings
    )
    return frontier.model_copy(update={"findings": findings})


def without_refuted(
    pairs: Iterable[PairRow], frontiers: Iterable[FrontierRow], cells: Iterable[CellRow]
) -> tuple[PairRow, ...]:
    """Rows about pairs, without what does not hold against a frontier, of any Python, that saw the two releases broken.

    That is a release that a range infers to work between two others. And it is a pair whose tests passed in cells that
    a third component breaks: a frontier has beside the two what an installer puts there, and no cell shows that they
    work with anything. It is not known then whether they do.

    Args:
        pairs: The rows.
        frontiers: The frontiers of the table.
        cells: The cells of the table.
    """
    verdicts: dict[frozenset[str], dict[_Releases, set[Verdict]]] = {}
    for frontier in frontiers:
        of_names = verdicts.setdefault(frozenset((frontier.first, frontier.second)), {})
        for pair in frontier.pairs:
            if pair.verdict != "untested" and pair.level != "upstream":
                of_names.setdefault(frozenset(pair.versions.items()), set()).add(pair.verdict)
    together = _together_in_working_cells(cells, verdicts)

    def settled(row: PairRow) -> PairRow:
        known = verdicts.get(frozenset((row.first, row.second)), {})
        refuted = {releases for releases, found in known.items() if "works" not in found}
        return _settled(row, refuted, refuted - together) if refuted else row

    return tuple(map(settled, pairs))


#: Two releases: component and version of each.
_Releases = frozenset[tuple[str, str]]


def _together_in_working_cells(cells: Iterable[CellRow], names: Collection[frozenset[str]]) -> set[_Releases]:
    """The releases of components that are together in a cell that works, for each two components in `names`."""
    return {
        frozenset((name, cell.components[name].version) for name in two)
        for cell in cells
        if cell.verdict == "works" or cell.level == "upstream"
        for two in names
        if cell.components.keys() >= two
    }


def _settled(row: PairRow, refuted: Collection[_Releases], lone: Collection[_Releases]) -> PairRow:
    """A row without what is refuted.

    Args:
        row: The row.
        refuted: The releases that no frontier saw to work together, and some saw not to.
        lone: Those of them that are together in no cell that works.
    """

    def versions(first: str, second: str) -> _Releases:
        return frozenset(((row.first, first), (row.second, second)))

    def parts(ranges: Ranges) -> Iterator[Interval]:
        for interval in ranges.intervals:
            out = {
                version
                for among, which in ((interval.inferred, refuted), (interval.tested, lone))
                for version in among
                if interval.verdict == "works"
                and frozenset(((ranges.component, ranges.version), (ranges.other, version))) in which
            }
            yield from _split(interval, out) if out else (interval,)

    releases = tuple(
        release
        for release in row.releases
        if release.verdict != "works" or versions(release.first_version, release.second_version) not in lone
    )
    ranges = (one.model_copy(update={"intervals": tuple(parts(one))}) for one in row.ranges)
    fields: dict[str, object] = {
        "releases": releases,
        "ranges": tuple(one for one in ranges if one.intervals),
    }
    if row.verdict == "works" and versions(row.first_version, row.second_version) in lone:
        fields |= {"verdict": "untested", "level": "reserved", "pythons": {}, "cell": "", "tests": ()}
        working = [(one.first_version, one.second_version) for one in releases if one.verdict == "works"]
        fields["together"] = working[0] if working else None
    return row.model_copy(update=fields)


def _split(interval: Interval, out: Collection[str]) -> Iterator[Interval]:
    """What is left of an interval without some releases. What lies next to these is inferred no more."""
    stretches: list[list[str]] = [[]]
    for version in sorted((*interval.tested, *interval.inferred), key=version_key):
        if version in out:
            stretches.append([])
        else:
            stretches[-1].append(version)
    for stretch in stretches:
        places = [place for place, version in enumerate(stretch) if version in interval.tested]
        if places:
            kept = stretch[places[0] : places[-1] + 1]
            yield Interval(
                verdict=interval.verdict,
                first=kept[0],
                last=kept[-1],
                tested=tuple(version for version in kept if version in interval.tested),
                inferred=tuple(version for version in kept if version in interval.inferred),
            )


def _versions(frontier: StoredFrontier, pair: Pair) -> dict[str, str]:
    """The two releases of a pair, component to version."""
    row, column = pair
    return {
        frontier.first.name: frontier.first.versions[row],
        frontier.second.name: frontier.second.versions[column],
    }


def _reasons(frontier: StoredFrontier) -> dict[Pair, _Reason]:
    """The reason of each pair that does not work. An inferred break has the reason of the nearest observed break."""
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
    """The reason without the numbers of its failure, which can differ from pair to pair. Bounds are left unchanged."""
    if not reason.signature:
        return reason
    return reason._replace(sentence=failure_kind(reason.sentence), signature=failure_kind(reason.signature))


def _dated(side: Side) -> tuple[DatedRelease, ...]:
    return tuple(
        DatedRelease(version=version, uploaded=moment.date())
        for version, moment in zip(side.versions, side.uploaded, strict=True)
    )


def _edges(frontier: StoredFrontier, axis: int) -> tuple[FrontierEdge, ...]:
    """The edges of each release of one side."""
    side = (frontier.first, frontier.second)[axis]
    return tuple(_edge(frontier, axis, number, version) for number, version in enumerate(side.versions))


def _edge(frontier: StoredFrontier, axis: int, number: int, version: str) -> FrontierEdge:
    return _with_intervals(version, frontier.working_intervals(axis, number), frontier.level)


def _with_intervals(version: str, intervals: Sequence[WorkingInterval], level: Level) -> FrontierEdge:
    """The edge of a release. What it `works` with are the intervals that reach the level of the frontier."""
    return FrontierEdge(
        version=version,
        works=tuple((interval.first, interval.last) for interval in intervals if interval.level == level),
        intervals=tuple(FrontierInterval(**interval._asdict()) for interval in intervals),
    )


def _published_reason(reason: _Reason, reason_of: Mapping[Pair, _Reason], frontier: StoredFrontier) -> FrontierReason:
    """The row of a reason. `reason_of` has the reason of each pair that does not work."""
    findings = [finding for finding in frontier.findings if reason_of.get(finding.pair) == reason]
    inferred = sum(finding.inferred for finding in findings)
    return FrontierReason(
        **reason._asdict(),
        seen=len(findings) - inferred,
        inferred=inferred,
        ranges=_ranges({finding.pair for finding in findings}, frontier),
    )


def _ranges(pairs: Collection[Pair], frontier: StoredFrontier) -> tuple[FrontierRange, ...]:
    """`pairs` as rectangles: neighbouring rows with the same stretch of columns are joined."""
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
    """The first and last column of each stretch of `pairs` in a row.

    Args:
        findings: The findings of the row, by column.
        pairs: The pairs that are looked for.
    """
    stretches: list[tuple[int, int]] = []
    continues = False
    for finding in findings:
        column = finding.pair[1]
        if finding.pair in pairs:
            first = stretches.pop()[0] if continues else column
            stretches.append((first, column))
            continues = True
        else:
            continues = False
    return stretches


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """The first and last number of each series of consecutive numbers."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return runs
