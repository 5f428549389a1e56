from __future__ import annotations

import datetime as dt

from stackcompat.core.vocabulary import Verdict
from stackcompat.evidence.runs import RunRecord
from stackcompat.verdict.history import History, HistoryEntry, VersionChange, first_red, last_green, version_changes
from stackcompat.verdict.verdict import judge
from support.made_up import COMPONENTS, NOW, make_cell, passed, planned, run_of
from support.nights import BREAKS, NEW, OLD, PASSES, Nights


def past(*verdicts: Verdict) -> list[HistoryEntry]:
    return [HistoryEntry(at=NOW + dt.timedelta(days=day), verdict=verdict) for day, verdict in enumerate(verdicts)]


def day(at: dt.datetime | None) -> int | None:
    return (at - NOW).days if at is not None else None


def test_the_latest_stretch_of_red_begins_after_green() -> None:
    line = past("broken", "works", "broken", "infra-error", "broken")
    assert day(first_red(line)) == 2
    assert day(last_green(line)) == 1


def test_never_red_and_never_green() -> None:
    assert first_red(past("works", "flaky", "untested")) is None
    assert last_green(past("broken", "invalid")) is None


def test_each_run_is_judged_by_what_was_known_before_the_next_one() -> None:
    nights = Nights()
    nights.add(3, OLD)  # stopped before it ran
    nights.add(2, OLD, PASSES)
    nights.add(1, NEW, BREAKS)
    history = History(COMPONENTS, reversed(nights.runs), nights.evidence)
    (line,) = history.of_cells().values()
    assert [one.verdict for one in line] == ["untested", "works", "broken"]
    (pair,) = [p for names, p in history.of_pairs().items() if names == ("alpha", "beta")]
    assert [one.verdict for one in pair] == ["untested", "works", "broken"]


def test_moves_name_what_differs() -> None:
    nights = Nights()
    before, after = (nights.add(1, versions).resolution.lock for versions in (OLD, NEW))
    assert before is not None
    assert after is not None
    assert version_changes(before, after) == (
        VersionChange(name="alpha", before="1.2.0", after="1.3.0"),
        VersionChange(name="alpha-native", before="1.2.0", after="1.3.0"),
    )
    assert version_changes(before, before) == ()


def test_cells_with_one_lock_keep_their_own_overrides() -> None:
    """Of two cells with one lock, only one has overrides. The other is what an installer gives."""
    nights = Nights()
    plan = nights.add(0, OLD, PASSES)
    forced = plan.model_copy(update={"cell": plan.cell.model_copy(update={"overrides": ("alpha==1.2.0",)})})
    run = nights.runs[0].model_copy(update={"cells": (forced, plan)})
    history = History(COMPONENTS, [run], nights.evidence)
    assert [seen.verdict.forced for seen in history.seen(0)] == [("alpha==1.2.0",), ()]
    assert ("alpha", "beta") in history.pairs(0)


def test_a_night_says_of_a_cell_what_the_table_says() -> None:
    """A cell that asks for a follower is about its leader; without the components, nothing of it was tried."""
    plan = planned(make_cell({"alpha-native": "1.2.0"}, policy="newest"), OLD)
    run = run_of(plan, passed("test_alpha", "alpha"))
    record = RunRecord(
        matrix="nightly", started=NOW, title="t", components=tuple(OLD), pythons=("3.12",), cells=(plan,)
    )
    history = History(COMPONENTS, [record], {plan.key: (run,)})
    (seen,) = history.seen(0)
    assert seen.verdict == judge(plan, (run,), COMPONENTS)
    assert seen.verdict.verdict == "works"
    assert [entry.verdict for entry in history.of_cells()[plan.cell.id]] == ["works"]


def test_cells_with_one_lock_are_judged_by_what_each_asks_for() -> None:
    versions = {**OLD, "gamma": "1.0.0"}
    both = planned(make_cell({"alpha": "", "beta": ""}, policy="newest"), versions)
    other = planned(make_cell({"gamma": ""}, policy="newest"), versions)
    run = run_of(both, passed("test_both", "alpha", "beta"))
    record = RunRecord(
        matrix="nightly", started=NOW, title="t", components=tuple(OLD), pythons=("3.12",), cells=(both, other)
    )
    history = History(COMPONENTS, [record], {both.key: (run,)})
    assert both.key == other.key
    assert [seen.verdict.verdict for seen in history.seen(0)] == ["works", "untested"]
