"""Which runs of matrices tables rest on, and which can go. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import pairwise

from stackcompat.verdict.history import GREEN, LAST_RUNS, History, HistoryEntry, first_red

__all__ = ["runs_from", "runs_needed"]


def runs_needed(history: History, since: dt.datetime) -> frozenset[int]:
    """The runs that have to be kept, so that what tables say of cells and pairs stays the same.

    Args:
        history: The history of all runs of all matrices.
        since: Runs that began then or later are kept in any case.

    Returns:
        The places of the runs in ``history.runs``.
    """
    needed = {index for index, run in enumerate(history.runs) if run.started >= since}
    by_matrix: dict[str, list[int]] = {}
    for index, run in enumerate(history.runs):
        by_matrix.setdefault(run.matrix, []).append(index)
    for places in by_matrix.values():
        needed |= {*places[-LAST_RUNS - 1 :]}  # locks of that many runs are witnesses for pairs
    moments = {moment for past in _pasts(history) for moment in _moments(past)}
    needed |= {index for index, run in enumerate(history.runs) if run.started in moments}
    # The evidence on a run is what there was when the next one began, so that one is needed too.
    for places in by_matrix.values():
        needed |= {later for index, later in pairwise(places) if index in needed}
    return frozenset(needed)


def runs_from(history: History, needed: frozenset[int]) -> frozenset[int]:
    """All runs from the first one that is needed, and those before it whose locks are witnesses for its pairs.

    Args:
        history: The history of all runs of all matrices.
        needed: The places of the runs that are needed.
    """
    matrices = len({run.matrix for run in history.runs})
    first = max(min(needed, default=0) - LAST_RUNS * matrices, 0)
    return frozenset(range(first, len(history.runs)))


def _pasts(history: History) -> Iterable[Sequence[HistoryEntry]]:
    """What the runs showed, cell by cell and pair by pair, oldest first."""
    yield from history.of_cells().values()
    yield from history.of_pairs().values()


def _moments(past: Sequence[HistoryEntry]) -> set[dt.datetime]:
    """When the runs began that the row of a cell or a pair tells of: the last ones, and where red and green began."""
    moments = {entry.at for entry in past[-LAST_RUNS:]}
    began = first_red(past)
    green = [entry.at for entry in past if entry.verdict in GREEN]
    moments |= {*green[-1:]}
    if began is not None:
        moments |= {began, *[moment for moment in green if moment < began][-1:]}
    return moments
