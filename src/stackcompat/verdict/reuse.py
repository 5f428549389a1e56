"""How many results of other cells were reused, and whether those that were run again came out the same. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.verdict.infrastructure import is_infrastructure
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.signature import failed_alike

__all__ = ["ReuseCount", "count_reuse"]


class ReuseCount(Record):
    """How many results of other cells were reused, and what became of those that were run again."""

    reused: Annotated[int, Field(description="Number of results that other cells showed and that hold here too.")] = 0
    rerun: Annotated[int, Field(description="How many of them were run here as well, chosen at random.")] = 0
    differed: Annotated[int, Field(description="How many of those came out otherwise. The real result counts.")] = 0
    sentences: Annotated[tuple[str, ...], Field(description="The same in words, with each difference.")] = ()


def count_reuse(cells: Iterable[Sequence[Evidence]]) -> ReuseCount:
    """Count the reused results of some cells.

    Args:
        cells: The runs of each cell, oldest first.

    Returns:
        The numbers. Without a reused result there is no sentence.
    """
    reused = rerun = 0
    differences: list[str] = []
    for runs in cells:
        borrowed = {one.test: one for run in runs for one in run.tests if one.reused is not None}
        reused += len(borrowed)
        real = [one for run in runs if run.outcome == "ran" for one in run.tests if one.reused is None]
        again = {one.test: one for one in reversed(real) if one.test in borrowed and not is_infrastructure(one)}
        rerun += len(again)
        differences += [
            _difference(borrowed[test], one) for test, one in again.items() if not _is_same(borrowed[test], one)
        ]
    if not reused:
        return ReuseCount()
    were = "result of another cell was" if reused == 1 else "results of other cells were"
    again_words = f"{rerun:,} of them {'was' if rerun == 1 else 'were'} run again, {len(differences):,} differed"
    sentence = f"{reused:,} {were} reused; {again_words}"
    return ReuseCount(reused=reused, rerun=rerun, differed=len(differences), sentences=(sentence, *sorted(differences)))


def _is_same(one: TestResult, other: TestResult) -> bool:
    """Whether two results of a test are the same: the outcome, and for failures the way of failing."""
    return one.outcome == other.outcome and (one.outcome != "failed" or failed_alike(one, other))


def _difference(borrowed: TestResult, real: TestResult) -> str:
    """The difference between a reused result and the real one, in a sentence."""
    assert borrowed.reused is not None
    return (
        f"{real.test}: {_words(borrowed)} in {borrowed.reused.label or borrowed.reused.cell} and was reused, but "
        f"{_words(real)} when it was run again; the real result counts"
    )


def _words(result: TestResult) -> str:
    reason = why(result)
    return f"{result.outcome} ({reason})" if result.outcome != "passed" and reason else result.outcome
