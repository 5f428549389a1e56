"""What is known of any two releases on one Python: cells first, then frontiers, then other Pythons. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from stackcompat.advice.undeclared import lone_component
from stackcompat.core.vocabulary import LEVELS, Level, Verdict
from stackcompat.table.summary import Summary

__all__ = ["KnownVerdict", "PairLookup", "pair_verdicts"]


class KnownVerdict(NamedTuple):
    """The verdict on two releases, the level that is red (else the deepest reached), and whether it is inferred."""

    verdict: Verdict
    level: Level = "interop"
    inferred: bool = False


#: What is known of two releases: first name and version, second name and version.
PairLookup = Callable[[str, str, str, str], KnownVerdict]


#: Two releases, in either order: name and version of each.
_Pair = frozenset[tuple[str, str]]


class _Ranked(NamedTuple):
    """A verdict on two releases, with its rank: of several verdicts, the one with the lowest rank counts."""

    pair: _Pair
    rank: int
    known: KnownVerdict


#: The ranks of cells: on this Python; on another Python; without a verdict on the pair, which counts only if nothing
#: else is known.
_CELL, _OTHER_CELL, _CELL_WITHOUT_VERDICT = 0, 3, 6


#: The ranks of pairs that frontiers observed: on this Python; on another one. An inferred pair has the rank after that.
_FRONTIER, _OTHER_FRONTIER = 1, 4


def pair_verdicts(summary: Summary, python: str, *, inferred: bool = False) -> PairLookup:
    """A function that says what is known of two releases on `python`.

    Cells of that Python count first, then the pairs that a frontier of that Python observed, then those that it
    inferred. Of two frontiers, the deeper one counts. Cells and frontiers of other Pythons come after these, and are
    marked as inferred. A result that is no verdict on the pair (flaky, unresolvable) counts only if nothing else is
    known.

    A failure that a release has alone is left out: it says nothing about a set that has what the release needs. Two
    components that no test uses together are "not-applicable".

    Args:
        summary: The table.
        python: The Python.
        inferred: Whether breaks count that cells only infer. A third component can be at fault for them.
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
    """The verdicts of cells, of this Python and of any; `inferred` says whether inferred breaks count."""
    for row in summary.pairs:
        for release in row.releases:
            if release.verdict == "broken" and release.level == "upstream":
                continue  # a release's own tests tell nothing about its users
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
    """The verdicts of frontiers, those of the deepest frontier first."""
    for row in sorted(summary.frontiers, key=lambda row: LEVELS.index(row.level), reverse=True):
        nearest = _FRONTIER if row.python == python else _OTHER_FRONTIER
        for pair in row.judged():
            if pair.reason is not None and lone_component(row.reasons[pair.reason], row, summary.components):
                continue
            rank = nearest + pair.inferred
            known = KnownVerdict(pair.verdict, pair.level, inferred=rank > _FRONTIER)
            yield _Ranked(frozenset(pair.versions.items()), rank, known)
