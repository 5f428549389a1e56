"""What is known of every two releases, on each Python: seen in cells, seen along frontiers, or inferred. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

from stackcompat.advice.undeclared import lone_component
from stackcompat.core.vocabulary import LEVELS
from stackcompat.table.summary import Summary

__all__ = ["Observation", "ObservationsByBound", "PossibleBound", "Rank", "observations"]


class Rank(IntEnum):
    """How well it is known whether two releases work together, best first.

    A doubtful failure can be a third component's.
    """

    SEEN_IN_CELL = 0
    SEEN_ALONG_FRONTIER = 1
    DOUBTFUL_ALONG_FRONTIER = 2
    INFERRED_ALONG_FRONTIER = 3
    DOUBTFUL_IN_CELL = 4


class Observation(NamedTuple):
    """Whether two releases work together on one Python.

    Attributes:
        rank: How well that is known.
        works: Whether the two releases work together.
        python: The Python.
        cell: Id of the cell that shows it; empty: a frontier does.
        run: Id of the run of a frontier that shows it; empty: a cell does, or it is inferred.
    """

    rank: Rank
    works: bool
    python: str
    cell: str = ""
    run: str = ""

    @property
    def certain(self) -> bool:
        """Whether a run shows it, and no third component can be at fault."""
        return self.rank <= Rank.SEEN_ALONG_FRONTIER

    @property
    def shows_break(self) -> bool:
        """Whether it is certain that these two releases do not work together."""
        return self.certain and not self.works


class PossibleBound(NamedTuple):
    """A release, and another distribution that it can declare a bound on."""

    distribution: str
    release: str
    on: str


#: What is known of two releases: by possible bound, then by version of the distribution that the bound is on.
ObservationsByBound = dict[PossibleBound, dict[str, list[Observation]]]


#: Two releases: name and version of each.
_Pair = Iterable[tuple[str, str]]


def observations(summary: Summary) -> ObservationsByBound:
    """What is known of every two releases, once from each side: either of them can declare a bound on the other."""
    distributions = {row.name: row.distribution for row in summary.components}
    known: ObservationsByBound = {}
    for pair, observation in (*_in_cells(summary), *_along_frontiers(summary)):
        first, second = ((distributions.get(name, name), version) for name, version in pair)
        for (name, version), (on, other_version) in ((first, second), (second, first)):
            by_version = known.setdefault(PossibleBound(name, version, on), {})
            by_version.setdefault(other_version, []).append(observation)
    return known


def _in_cells(summary: Summary) -> Iterator[tuple[_Pair, Observation]]:
    """The observations of cells."""
    for row in summary.pairs:
        for release in row.releases:
            pair = ((row.first, release.first_version), (row.second, release.second_version))
            for python, verdict in release.pythons.items():
                if verdict in ("works", "broken"):
                    doubtful = verdict == "broken" and release.inferred
                    rank = Rank.DOUBTFUL_IN_CELL if doubtful else Rank.SEEN_IN_CELL
                    yield pair, Observation(rank, verdict == "works", python, cell=release.cell)


def _along_frontiers(summary: Summary) -> Iterator[tuple[_Pair, Observation]]:
    """The observations of frontiers, without the failures that one of the two releases has alone."""
    for frontier in summary.frontiers:
        for pair in frontier.judged():
            reason = frontier.reasons[pair.reason] if pair.reason is not None else None
            if reason is not None and lone_component(reason, frontier, summary.components):
                continue
            works = pair.verdict == "works"
            # Two releases that were only imported together are no more than likely to work.
            shallow = works and LEVELS.index(pair.level) < LEVELS.index(frontier.level)
            if pair.inferred or shallow:
                rank = Rank.INFERRED_ALONG_FRONTIER
            elif reason is not None and reason.doubt:
                rank = Rank.DOUBTFUL_ALONG_FRONTIER
            else:
                rank = Rank.SEEN_ALONG_FRONTIER
            yield pair.versions.items(), Observation(rank, works, frontier.python, run=pair.evidence)
