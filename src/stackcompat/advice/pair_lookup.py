"""What is known of any two releases on one Python: cells first, then frontiers, then other Pythons. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from stackcompat.advice.undeclared import lone_component
from stackcompat.core.vocabulary import LEVELS, Level, Verdict
from stackcompat.table.summary import Summary

__all__ = ["KnownVerdict", "PairLookup", "pair_verdicts"]


class KnownVerdict(NamedTuple):
    """The verdict on two releases, the level that is red or else the deepest reached, and whether it is inferred."""

    verdict: Verdict
    level: Level = "interop"
    inferred: bool = False


#: What is known of two releases: first name and version, second name and version.
PairLookup = Callable[[str, str, str, str], KnownVerdict]


#: Two releases, in either order: name and version of each.
_Pair = frozenset[tuple[str, str]]


class _Ranked(NamedTuple):
    """A verdict on two releases, and how near it is to the Python in question: the lowest rank counts."""

    pair: _Pair
    rank: int
    known: KnownVerdict


#: A cell of this Python; a cell of another one. A cell without a verdict on the pair counts only where nothing else is
#: known.
_CELL, _OTHER_CELL, _CELL_WITHOUT_VERDICT = 0, 3, 6


#: An observed pair of a frontier of this Python; one of another. The inferred ones follow right behind.
_FRONTIER, _OTHER_FRONTIER = 1, 4


def pair_verdicts(summary: Summary, python: str, *, inferred: bool = False) -> PairLookup:
    """A function that says what is known of two releases on `python`.

    Cells of that Python count first, then what a frontier of it observed, then what that inferred; of two frontiers the
    deeper one. After these come cells and frontiers of other Pythons, marked as inferred. A result that is no verdict
    on the pair (flaky, unresolvable) counts only where nothing else is known.

    A failure that a release has alone says nothing of a set that has what the release needs, so it is left out.
    Components that no test uses together have nothing to say about each other: "not-applicable".

    Args:
        summary: The table.
        python: The Python.
        inferred: Whether breaks that are only inferred in cells count. They can be a third component's fault.
    """
    best: dict[_Pair, _Ranked] = {}
    for ranked in (*_from_cells(summary, python, inferred=inferred), *_from_frontiers(summary, python)):
        if ranked.pair not in best or ranked.rank < best[ranked.pair].rank:
            best[ranked.pair] = ranked
    unrelated = {frozenset((row.first, row.second)) for row in summary.pairs if not row.releases}

    def lookup(first: str, first_version: str, second: str, second_version: str) -> KnownVerdict:
        ranked = best.get(frozenset(((first, first_version), (second, second_version))))
        if ranked is not None:
            return ranked.known
        return KnownVerdict("not-applicable" if frozenset((first, second)) in unrelated else "untested")

    return lookup


def _from_cells(summary: Summary, python: str, *, inferred: bool) -> Iterator[_Ranked]:
    for row in summary.pairs:
        for release in row.releases:
            pair = frozenset(((row.first, release.first_version), (row.second, release.second_version)))
            for verdict, rank in ((release.pythons.get(python), _CELL), (release.verdict, _OTHER_CELL)):
                if verdict is None or verdict == "untested":
                    continue
                guess = verdict == "broken" and release.inferred
                if guess and not inferred:
                    continue
                decides = verdict in ("works", "broken")
                known = KnownVerdict(verdict, release.level, guess or (decides and rank == _OTHER_CELL))
                yield _Ranked(pair, rank if decides else _CELL_WITHOUT_VERDICT, known)


def _from_frontiers(summary: Summary, python: str) -> Iterator[_Ranked]:
    """Those of the deepest frontier first."""
    for row in sorted(summary.frontiers, key=lambda row: LEVELS.index(row.level), reverse=True):
        nearest = _FRONTIER if row.python == python else _OTHER_FRONTIER
        for pair in row.judged():
            if pair.reason is not None and lone_component(row.reasons[pair.reason], row, summary.components):
                continue
            rank = nearest + pair.inferred
            known = KnownVerdict(pair.verdict, pair.level, inferred=rank > _FRONTIER)
            yield _Ranked(frozenset(pair.versions.items()), rank, known)
