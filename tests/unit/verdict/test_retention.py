"""Which runs tables rest on: the last ones, and those at which red and green began."""

from __future__ import annotations

import datetime as dt

import pytest

from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import RunRecord
from stackcompat.verdict.history import LAST_RUNS, History, first_red, last_green
from stackcompat.verdict.retention import runs_from, runs_needed
from support.made_up import COMPONENTS, NOW, failed, make_cell, passed, planned, run_of

CELL = planned(make_cell({"alpha": "1.1"}, policy="newest", newest=("alpha",)), {"alpha": "1.1"})
NEVER = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


def history(signs: str, kept: frozenset[int] | None = None) -> History:
    """A matrix with a run each day, of which each was red (``-``) or green (``+``)."""
    runs, evidence = [], dict[str, tuple[Evidence, ...]]()
    for day, sign in enumerate(signs):
        if kept is not None and day not in kept:
            continue
        started = NOW + dt.timedelta(days=day)
        cell = CELL.model_copy(update={"key": f"key-{day}"})
        runs.append(
            RunRecord(matrix="m", started=started, title="M", components=("alpha",), pythons=("3.12",), cells=(cell,))
        )
        result = (failed if sign == "-" else passed)("t.py::test", "alpha")
        seen = [run_of(cell, result, attempt=attempt) for attempt in range(2 if sign == "-" else 1)]
        moment = started + dt.timedelta(minutes=1)
        evidence[cell.key] = tuple(run.model_copy(update={"started": moment}) for run in seen)
    return History(COMPONENTS, runs, evidence)


@pytest.mark.parametrize(
    "signs",
    [
        "+" * 80,
        "-" * 80,
        "+" * 10 + "-" * 70,
        "-" * 10 + "+" * 70,
        "+-" * 10 + "+" * 60,
        "--++--" + "+" * 5 + "-" * 60,
        "+" * 3 + "-" * 3 + "+" * 3 + "-" * 3 + "+" * 60,
    ],
)
def test_the_history_says_the_same_without_the_others(signs: str) -> None:
    whole = history(signs)
    needed = runs_needed(whole, NEVER)
    cut = history(signs, needed)
    (before,), (after,) = whole.of_cells().values(), cut.of_cells().values()
    assert len(after) == len(needed) < len(signs)
    assert after[-LAST_RUNS:] == before[-LAST_RUNS:]
    assert (first_red(after), last_green(after)) == (first_red(before), last_green(before))
    assert len(needed) <= LAST_RUNS + 1 + 6
    assert runs_from(whole, needed) >= needed


def test_all_runs_from_the_first_one_that_is_needed_have_those_before_it_as_witnesses() -> None:
    assert runs_from(history("+" * 80), frozenset({50, 60})) == frozenset(range(50 - LAST_RUNS, 80))
    assert runs_from(history("+" * 80), frozenset({5})) == frozenset(range(80))
    assert runs_from(history("+" * 80), frozenset()) == frozenset(range(80))


def test_young_runs_are_needed_in_any_case() -> None:
    assert runs_needed(history("+" * 80), NOW + dt.timedelta(days=20)) >= frozenset(range(20, 80))
