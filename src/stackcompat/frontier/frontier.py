"""A frontier as it is kept: the answer of a search, where and when it was found, and what was foreseen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby

from stackcompat.core.record import Kind, Record
from stackcompat.core.requirements import python_key
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.frontier.answers import NO_VERDICT, Check, Frontier, PairFinding, disagreement
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.space import Side
from stackcompat.frontier.static.usage import Missing

__all__ = ["FRONTIERS", "Accuracy", "StoredFinding", "StoredFrontier", "compare", "without_superseded"]


class StoredFinding(PairFinding):
    """What is known of one pair (a release of the first, one of the second), and what the forecast said of it."""

    pair: Pair
    forecast: tuple[str, ...] = ()


class StoredFrontier(Record):
    """Which releases of `first` work with which of `second`, as far as `level`, as it was known at the time `seen`.

    `precision` and `recall` are those of the forecast, against the pairs that were observed.
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
        found: Frontier,
        foreseen: Mapping[Pair, Sequence[Missing]],
        *,
        python: str,
        platform: str,
        level: Level,
        seen: dt.datetime,
    ) -> StoredFrontier:
        """The chart of what a search `found`; `foreseen` is what each pair was expected to want for at `level`."""
        accuracy = compare({pair for pair, lacking in foreseen.items() if lacking}, found.observed())
        return cls(
            first=found.space.first,
            second=found.space.second,
            python=python,
            platform=platform,
            level=level,
            seen=seen,
            findings=tuple(
                StoredFinding(pair=pair, forecast=tuple(map(str, foreseen.get(pair, ()))), **dict(finding))
                for pair, finding in found.findings.items()
            ),
            checks=found.checks,
            runs=found.runs,
            reused=found.reused,
            complete=found.complete,
            precision=accuracy.precision,
            recall=accuracy.recall,
        )

    def to_json(self) -> str:
        """One line of JSON that leaves out what is as by default: most pairs have no more than a verdict."""
        return self.model_dump_json(by_alias=False, exclude_defaults=True)

    @property
    def told(self) -> bool:
        """Whether it says anything that metadata does not say already."""
        known = (finding.verdict for finding in self.findings)
        return self.complete or any(verdict not in (*NO_VERDICT, "unresolvable") for verdict in known)

    @property
    def disagreement(self) -> float | None:
        """The share of checked inferences that were wrong; None when none was checked."""
        return disagreement(self.checks)

    def counts(self) -> dict[str, int]:
        """How many pairs have which verdict, and how many of them are inferred."""
        verdicts = [finding.verdict for finding in self.findings]
        inferred = sum(finding.inferred for finding in self.findings)
        return {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)} | {"inferred": inferred}

    def by_pair(self) -> dict[Pair, StoredFinding]:
        """The findings by their pair."""
        return {finding.pair: finding for finding in self.findings}

    def intervals(self, axis: int, number: int) -> tuple[tuple[str, str], ...]:
        """The first and last of each run of the other side's releases that work with the release `number` of a side.

        `axis` 0 is the first side. A run goes past what metadata forbids, and past nothing else.
        """
        other, known = (self.second, self.first)[axis], self.by_pair()
        line = [
            (place, finding.verdict == "works")
            for place in range(len(other.versions))
            if (finding := known[(number, place) if axis == 0 else (place, number)]).verdict != "unresolvable"
        ]
        runs = [[place for place, _ in some] for good, some in groupby(line, key=lambda one: one[1]) if good]
        return tuple((other.versions[run[0]], other.versions[run[-1]]) for run in runs)


def _subject(chart: StoredFrontier) -> tuple[str, ...]:
    return chart.first.name, chart.second.name, chart.python, chart.platform, chart.level


#: Of each two components, on a Python and platform and to a level, the frontier that was found last counts.
FRONTIERS = Kind("frontier", StoredFrontier, key=lambda chart: "/".join(_subject(chart)), made=lambda chart: chart.seen)


def without_superseded(charts: Iterable[StoredFrontier]) -> tuple[StoredFrontier, ...]:
    """Those of `charts` that no complete, deeper one of the same two, of as many releases, makes superfluous.

    They come by name, the newest Python first.
    """
    known = sorted(sorted(charts, key=_subject), key=lambda chart: python_key(chart.python), reverse=True)

    def covers(one: StoredFrontier, other: StoredFrontier) -> bool:
        alike = (one.first.name, one.second.name, one.python, one.platform)
        return (
            alike == (other.first.name, other.second.name, other.python, other.platform)
            and one.complete
            and LEVELS.index(one.level) > LEVELS.index(other.level)
            and set(one.first.versions) >= set(other.first.versions)
            and set(one.second.versions) >= set(other.second.versions)
        )

    return tuple(chart for chart in known if not any(covers(other, chart) for other in known))


class Accuracy(Record):
    """How a forecast of breaks came out: `hits` were foreseen, `misses` were not, `false` were foreseen and work."""

    hits: int
    misses: int
    false: int

    @property
    def precision(self) -> float | None:
        """The share of the breaks foreseen that came; None when none was foreseen."""
        return self.hits / (self.hits + self.false) if self.hits + self.false else None

    @property
    def recall(self) -> float | None:
        """The share of the breaks that came which were foreseen; None when none came."""
        return self.hits / (self.hits + self.misses) if self.hits + self.misses else None


def compare(foreseen: Collection[Pair], observed: Mapping[Pair, bool]) -> Accuracy:
    """Hold the pairs that were foreseen to break against what was observed (whether a pair works)."""
    broken = {pair for pair, works in observed.items() if not works}
    met = observed.keys() & set(foreseen)
    return Accuracy(hits=len(met & broken), misses=len(broken - met), false=len(met - broken))
