"""A frontier as the store keeps it: the result of a search, its place and time, and what was predicted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from stackcompat.core.record import Kind, Record
from stackcompat.core.requirements import python_key
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.frontier.accuracy import measure_accuracy
from stackcompat.frontier.answers import NO_VERDICT, Check, Frontier, PairFinding, disagreement
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.inference_accuracy import InferenceAccuracy, inference_accuracy
from stackcompat.frontier.space import Side
from stackcompat.frontier.static.usage import Missing

__all__ = [
    "FRONTIERS",
    "StoredFinding",
    "StoredFrontier",
    "WorkingInterval",
    "is_part_of",
    "join_working",
    "new_releases",
    "newest_incomplete",
    "without_superseded",
]


class StoredFinding(PairFinding):
    """The verdict on one pair, and what the forecast said about it.

    Attributes:
        pair: The place of the release of the first side, and that of the release of the second side.
        forecast: What the pair was predicted to lack, each as a sentence.
    """

    pair: Pair
    forecast: tuple[str, ...] = ()


class WorkingInterval(NamedTuple):
    """Releases of one side that follow each other and work with one release of the other, up to the same level.

    Attributes:
        first: The lowest version.
        last: The highest version.
        level: The level up to which all of them work.
        tested: How many of them were tested.
        inferred: How many of them are inferred to work.
        first_inferred: Whether the lowest version is inferred.
        last_inferred: Whether the highest version is inferred.
    """

    first: str
    last: str
    level: Level
    tested: int
    inferred: int
    first_inferred: bool
    last_inferred: bool


def _interval(version: str, level: Level, *, inferred: bool) -> WorkingInterval:
    """The interval of one release."""
    return WorkingInterval(version, version, level, int(not inferred), int(inferred), inferred, inferred)


def _joined(low: WorkingInterval, high: WorkingInterval) -> WorkingInterval:
    """Two intervals that follow each other, as one."""
    return low._replace(
        last=high.last,
        tested=low.tested + high.tested,
        inferred=low.inferred + high.inferred,
        last_inferred=high.last_inferred,
    )


class StoredFrontier(Record):
    """Which releases of one component work with which releases of another.

    Attributes:
        first: The first component and its releases.
        second: The second component and its releases.
        python: The Python.
        platform: The platform.
        level: How deep a pair has to work.
        seen: When the search ended.
        findings: The verdict on every pair.
        checks: The inferred pairs that were tested afterwards.
        runs: How many runs were made.
        reused: How many runs of the same cells existed before.
        complete: Whether each pair has a verdict, and the last sample of inferred pairs agreed with the inferences or
            all samples together say that few of them are wrong.
        precision: The share of the predicted breaks that were observed; None if none was predicted for a tested pair.
        recall: The share of the observed breaks that were predicted; None if none was observed.
    """

    first: Side
    second: Side
    python: str
    platform: str
    level: Level
    seen: dt.datetime
    findings: tuple[StoredFinding, ...]
    checks: tuple[Check, ...] = ()
    runs: int = 0
    reused: int = 0
    complete: bool = True
    precision: float | None = None
    recall: float | None = None

    @classmethod
    def of(
        cls,
        frontier: Frontier,
        forecast: Mapping[Pair, Sequence[Missing]],
        *,
        python: str,
        platform: str,
        level: Level,
        seen: dt.datetime,
    ) -> StoredFrontier:
        """The record of what a search found.

        Args:
            frontier: What the search found.
            forecast: What each pair was predicted to lack at `level`.
            python: The Python.
            platform: The platform.
            level: How deep a pair has to work.
            seen: When the search ended.
        """
        accuracy = measure_accuracy({pair for pair, missing in forecast.items() if missing}, frontier.observed())
        return cls(
            first=frontier.space.first,
            second=frontier.space.second,
            python=python,
            platform=platform,
            level=level,
            seen=seen,
            findings=tuple(
                StoredFinding(pair=pair, forecast=tuple(map(str, forecast.get(pair, ()))), **dict(finding))
                for pair, finding in frontier.findings.items()
            ),
            checks=frontier.checks,
            runs=frontier.runs,
            reused=frontier.reused,
            complete=frontier.complete,
            precision=accuracy.precision,
            recall=accuracy.recall,
        )

    def to_json(self) -> str:
        """One line of JSON, without fields that have their default value: most pairs have only a verdict."""
        return self.model_dump_json(by_alias=False, exclude_defaults=True)

    @property
    def adds_to_metadata(self) -> bool:
        """Whether it says more than metadata does: it is complete, or some pair that was tried has a verdict."""
        verdicts = (finding.verdict for finding in self.findings)
        return self.complete or any(verdict not in (*NO_VERDICT, "unresolvable") for verdict in verdicts)

    @property
    def accuracy(self) -> InferenceAccuracy | None:
        """What the random ones of the checks say about all inferred pairs; None if none was drawn."""
        return inference_accuracy(self.checks)

    @property
    def disagreement(self) -> float | None:
        """The share of checked inferences that were wrong; None when none was checked."""
        return disagreement(self.checks)

    @property
    def pairs_answered(self) -> int:
        """How many pairs work or are broken."""
        return sum(finding.verdict in ("works", "broken") for finding in self.findings)

    def counts(self) -> dict[str, int]:
        """How many pairs have each verdict, and how many are inferred."""
        verdicts = [finding.verdict for finding in self.findings]
        inferred = sum(finding.inferred for finding in self.findings)
        return {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)} | {"inferred": inferred}

    def along(self, axis: int, number: int) -> list[StoredFinding]:
        """The findings for one release, by the releases of the other side.

        Args:
            axis: The side of the release: 0 or 1.
            number: The place of the release on its side.
        """
        return [finding for finding in self.findings if finding.pair[axis] == number]

    def intervals(self, axis: int, number: int) -> tuple[tuple[str, str], ...]:
        """The intervals of the other side's releases that work with one release, as first and last version.

        Args:
            axis: The side of the release: 0 or 1.
            number: The place of the release on its side.
        """
        intervals = self.working_intervals(axis, number)
        return tuple((interval.first, interval.last) for interval in intervals if interval.level == self.level)

    def working_intervals(self, axis: int, number: int) -> tuple[WorkingInterval, ...]:
        """The intervals of the other side's releases that work with one release, up to whatever level.

        Any pair that does not work ends an interval, also one that metadata forbids, and so does one that works up to
        another level: everything between the ends of an interval works.

        Args:
            axis: The side of the release: 0 or 1.
            number: The place of the release on its side.
        """
        versions = (self.second, self.first)[axis].versions
        return join_working(
            (
                versions[finding.pair[1 - axis]],
                self.level_of(finding) if finding.verdict == "works" else None,
                finding.inferred,
            )
            for finding in self.along(axis, number)
        )

    def level_of(self, finding: StoredFinding) -> Level:
        """The level of a finding, no deeper than that of the frontier."""
        return min(finding.level, self.level, key=LEVELS.index)

    def is_shallow(self, finding: StoredFinding) -> bool:
        """Whether a pair works, but was not tested as deep as the frontier goes."""
        return finding.verdict == "works" and self.level_of(finding) != self.level


def join_working(along: Iterable[tuple[str, Level | None, bool]]) -> tuple[WorkingInterval, ...]:
    """The intervals of releases that work; see :meth:`StoredFrontier.working_intervals`.

    Args:
        along: The releases in their order, each with the level up to which it works (None: it does not, or that is not
            known) and whether that is inferred.
    """
    intervals: list[WorkingInterval] = []
    continues = False
    for version, level, inferred in along:
        if level is not None:
            interval = _interval(version, level, inferred=inferred)
            if continues and intervals[-1].level == interval.level:
                interval = _joined(intervals.pop(), interval)
            intervals.append(interval)
        continues = level is not None
    return tuple(intervals)


def _subject(frontier: StoredFrontier) -> tuple[str, ...]:
    """What a frontier is about."""
    return frontier.first.name, frontier.second.name, frontier.python, frontier.platform, frontier.level


def _key(frontier: StoredFrontier) -> str:
    """What a frontier is about, and whether it is complete."""
    return "/".join((*_subject(frontier), "complete" if frontier.complete else "incomplete"))


#: Records of earlier versions have a key without this end; nothing takes their place.
#: Of the complete frontiers about the same subject the one that was found last counts, and so it is with incomplete
#: ones. An incomplete one never takes the place of a complete one.
FRONTIERS = Kind("frontier", StoredFrontier, key=_key, made=lambda frontier: frontier.seen)


def without_superseded(frontiers: Iterable[StoredFrontier]) -> tuple[StoredFrontier, ...]:
    """One frontier about each subject: the complete one that was found last, or else the last one.

    Frontiers that a complete, deeper one about the same releases covers are left out. The rest is sorted: the newest
    Python first, then by name.
    """
    best: dict[tuple[str, ...], StoredFrontier] = {}
    for frontier in sorted(frontiers, key=lambda frontier: (frontier.complete, frontier.seen)):
        best[_subject(frontier)] = frontier
    ordered = sorted((best[key] for key in sorted(best)), key=lambda one: python_key(one.python), reverse=True)
    return tuple(frontier for frontier in ordered if not any(_covers(other, frontier) for other in ordered))


def newest_incomplete(frontier: StoredFrontier, frontiers: Iterable[StoredFrontier]) -> StoredFrontier | None:
    """The newest incomplete frontier about the same subject, if it has releases that a complete one does not have."""
    others = [
        other
        for other in frontiers
        if frontier.complete
        and not other.complete
        and other.seen > frontier.seen
        and _subject(other) == _subject(frontier)
        and (new_releases(other.first, frontier.first) or new_releases(other.second, frontier.second))
    ]
    return max(others, key=lambda other: other.seen, default=None)


def new_releases(side: Side, before: Side) -> tuple[str, ...]:
    """The releases of a side that were uploaded after all releases that it had before."""
    last = max(before.uploaded, default=None)
    return tuple(
        version
        for version, uploaded in zip(side.versions, side.uploaded, strict=True)
        if last is None or (uploaded > last and version not in before.versions)
    )


def is_part_of(
    frontier: StoredFrontier, wider: StoredFrontier, since: dt.datetime | None, until: dt.datetime | None
) -> bool:
    """Whether a frontier about some releases would take the place of a complete one about these and others.

    Args:
        frontier: The frontier about the releases of a certain time.
        wider: Another frontier.
        since: The beginning of that time; None: there is none.
        until: Its end; None: there is none.
    """

    def left_out(side: Side, other: Side) -> bool:
        """Whether the releases that only `other` has are not of that time, and `side` has no others."""
        lacking = [
            moment
            for version, moment in zip(other.versions, other.uploaded, strict=True)
            if version not in side.versions
        ]
        asked_for = [moment for moment in lacking if (not since or moment >= since) and (not until or moment <= until)]
        return not asked_for and set(side.versions) <= set(other.versions)

    return (
        _key(frontier) == _key(wider)
        and wider.complete
        and (frontier.first.versions, frontier.second.versions) != (wider.first.versions, wider.second.versions)
        and left_out(frontier.first, wider.first)
        and left_out(frontier.second, wider.second)
    )


def _covers(deep: StoredFrontier, shallow: StoredFrontier) -> bool:
    """Whether `deep` is complete and says more about every pair of `shallow`."""
    return (
        _subject(deep)[:-1] == _subject(shallow)[:-1]
        and deep.complete
        and LEVELS.index(deep.level) > LEVELS.index(shallow.level)
        and set(deep.first.versions) >= set(shallow.first.versions)
        and set(deep.second.versions) >= set(shallow.second.versions)
    )
