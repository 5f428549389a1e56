"""Some of the results that were reused from other cells are run again, for real.

A difference is seen in the evidence: the same key has a reused result and a real one
(:mod:`stackcompat.verdict.reuse`).
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence

from stackcompat.core.text import counted
from stackcompat.core.vocabulary import Level
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.cells import run_once, run_until_judged
from stackcompat.pipeline.runner import Runner
from stackcompat.pipeline.workers import as_completed

__all__ = ["audit_reused", "choose_reused"]

#: The part of the reused results that is run again.
SHARE = 0.02

#: In an execution of at least so many cells, at least one reused result is run again.
_MANY_CELLS = 20


def audit_reused(planned: Sequence[PlannedCell], runner: Runner, level: Level, since: dt.datetime) -> None:
    """Run some of the results again that cells have reused, and confirm what fails then.

    Args:
        planned: The cells.
        runner: Runs the tests, and has the evidence.
        level: How deep the cells are run.
        since: Only runs that began at this time or later are looked at. It also seeds the choice.
    """
    cells = {cell.key: cell for cell in planned if cell.key}
    runs = [run for run in runner.store.since(since) if run.key in cells]
    reused = {run.key: tests for run in runs if (tests := [one.test for one in run.tests if one.reused is not None])}
    chosen = choose_reused(reused, len(cells), since.isoformat())
    if not chosen:
        return
    real = runner.reusing(None)
    runner.reporter.stage("check reused results", len(chosen))

    def work(key: str) -> list[Evidence]:
        cell, earlier = cells[key], real.store.of_key(key)
        again = run_once(cell, chosen[key], real, level, attempt=len(earlier))
        return [again, *run_until_judged(cell, (*earlier, again), real, level)]

    for key, _ in as_completed(sorted(chosen), work, runner.executor):
        runner.reporter.step(
            f"{cells[key].cell.label} on Python {cells[key].cell.python}: {counted(len(chosen[key]), 'test')}"
        )


def choose_reused(reused: Mapping[str, Sequence[str]], cells: int, seed: str) -> dict[str, tuple[str, ...]]:
    """Choose the reused results that are run again. They are taken from few cells, since each needs an environment.

    Args:
        reused: The tests whose results were reused, by the key of the cell.
        cells: How many cells the execution has.
        seed: Decides the choice.

    Returns:
        The chosen tests by key. Keys without a chosen test are left out.
    """
    draw = random.Random(seed)  # noqa: S311  (nobody gains by foreseeing the choice)
    number = sum(map(len, reused.values()))
    left = int(SHARE * number + draw.random())
    if number and cells >= _MANY_CELLS:
        left = max(left, 1)
    chosen: dict[str, tuple[str, ...]] = {}
    for key in draw.sample(sorted(reused), len(reused)):
        tests = sorted(reused[key])
        some = draw.sample(tests, min(left, len(tests)))
        left -= len(some)
        if some:
            chosen[key] = tuple(sorted(some))
    return chosen
