"""A frontier as it is kept: the answer of a search, where and when it was found, and what was predicted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence

from stackcompat.core.record import Kind, Record
from stackcompat.core.requirements import python_key
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.frontier.answers import NO_VERDICT, Check, Frontier, PairFinding, disagreement
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.space import Side
from stackcompat.frontier.static.usage import Missing

__all__ = ["FRONTIERS", "Accuracy", "StoredFinding", "StoredFrontier", "compare", "without_superseded"]


class StoredFinding(PairFinding):
    """The verdict on one pair, and what the forecast said about it.

    Attributes:
        pair: The place of the release of the first side, and that of the release of the second side.
        forecast: What the pair was predicted to lack, each as a sentence.
    """

    pair: Pair
    forecast: tuple[str, ...] = ()


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
        reused: How many runs there were before.
        complete: Whether each pair has a verdict, and the last sample of inferred pairs agreed with its tests.
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
        accuracy = compare({pair for pair, missing in forecast.items() if missing}, frontier.observed())
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
        """One line of JSON without the fields that have their default: most pairs have no more than a verdict."""
        return self.model_dump_json(by_alias=False, exclude_defaults=True)

    @property
    def adds_to_metadata(self) -> bool:
        """Whether it says more than what metadata forbids: some pair was tried and has a verdict, or all is known."""
        verdicts = (finding.verdict for finding in self.findings)
        return self.complete or any(verdict not in (*NO_VERDICT, "unresolvable") for verdict in verdicts)

    @property
    def disagreement(self) -> float | None:
        """The share of checked inferences that were wrong; None when none was checked."""
        return disagreement(self.checks)

    def counts(self) -> dict[str, int]:
        """How many pairs have each verdict, and how many are inferred."""
        verdicts = [finding.verdict for finding in self.findings]
        inferred = sum(finding.inferred for finding in self.findings)
        return {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)} | {"inferred": inferred}

    def by_pair(self) -> dict[Pair, StoredFinding]:
        """The findings by their pair."""
        return {finding.pair: finding for finding in self.findings}

    def along(self, axis: int, number: int) -> list[StoredFinding]:
        """The findings for one release, by the releases of the other side.

        Args:
            axis: The side of the release: 0 or 1.
            number: The place of the release on its side.
        """
        return [finding for finding in self.findings if finding.pair[axis] == number]

    def intervals(self, axis: int, number: int) -> tuple[tuple[str, str], ...]:
        """The intervals of the other side's releases that work with one release, as first and last version.

        An interval goes past what metadata forbids, and past nothing else.

        Args:
            axis: The side of the release: 0 or 1.
            number: The place of the release on its side.
        """
        versions = (self.second, self.first)[axis].versions
        intervals: list[tuple[str, str]] = []
        continues = False
        for finding in self.along(axis, number):
            if finding.verdict == "unresolvable":
                continue
            version = versions[finding.pair[1 - axis]]
            if finding.verdict == "works" and continues:
                intervals[-1] = intervals[-1][0], version
            elif finding.verdict == "works":
                intervals.append((version, version))
            continues = finding.verdict == "works"
        return tuple(intervals)


def _subject(frontier: StoredFrontier) -> tuple[str, ...]:
    """What a frontier is about."""
    return frontier.first.name, frontier.second.name, frontier.python, frontier.platform, frontier.level


#: Of the frontiers about the same subject, the one that was found last counts.
FRONTIERS = Kind(
    "frontier",
    StoredFrontier,
    key=lambda frontier: "/".join(_subject(frontier)),
    made=lambda frontier: frontier.seen,
)


def without_superseded(frontiers: Iterable[StoredFrontier]) -> tuple[StoredFrontier, ...]:
    """Leave out each frontier that a complete, deeper one about the same releases covers.

    The rest comes by name, the newest Python first.
    """
    ordered = sorted(sorted(frontiers, key=_subject), key=lambda frontier: python_key(frontier.python), reverse=True)
    return tuple(frontier for frontier in ordered if not any(_covers(other, frontier) for other in ordered))


def _covers(deep: StoredFrontier, shallow: StoredFrontier) -> bool:
    """Whether `deep` is complete and says more about every pair of `shallow`."""
    return (
        _subject(deep)[:-1] == _subject(shallow)[:-1]
        and deep.complete
        and LEVELS.index(deep.level) > LEVELS.index(shallow.level)
        and set(deep.first.versions) >= set(shallow.first.versions)
        and set(deep.second.versions) >= set(shallow.second.versions)
    )


class Accuracy(Record):
    """How often a forecast of breaks was right.

    Attributes:
        hits: Breaks that were predicted and observed.
        misses: Breaks that were observed and not predicted.
        false: Predicted breaks where the pair works.
    """

    hits: int
    misses: int
    false: int

    @property
    def precision(self) -> float | None:
        """The share of the predicted breaks that were observed; None when none was predicted."""
        return self.hits / (self.hits + self.false) if self.hits + self.false else None

    @property
    def recall(self) -> float | None:
        """The share of the observed breaks that were predicted; None when none was observed."""
        return self.hits / (self.hits + self.misses) if self.hits + self.misses else None


def compare(predicted: Collection[Pair], observed: Mapping[Pair, bool]) -> Accuracy:
    """Hold the pairs that were predicted to break against what was observed (whether a pair works)."""
    broken = {pair for pair, works in observed.items() if not works}
    tested = observed.keys() & set(predicted)
    return Accuracy(hits=len(tested & broken), misses=len(broken - tested), false=len(tested - broken))
