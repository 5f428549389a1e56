from __future__ import annotations

import datetime as dt

from stackcompat.core.vocabulary import Verdict
from stackcompat.verdict.history import History, HistoryEntry, VersionChange, first_red, last_green, version_changes
from support.made_up import COMPONENTS, NOW
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
    history = History(reversed(nights.runs), nights.evidence)
    (line,) = history.of_cells().values()
    assert [one.verdict for one in line] == ["untested", "works", "broken"]
    (pair,) = [p for names, p in history.of_pairs(COMPONENTS).items() if names == ("alpha", "beta")]
    assert [one.verdict for one in pair] == ["untested", "works", "broken"]
    green = history.last_green(nights.cell.id)
    assert green is not None
    assert green.run.started == nights.runs[1].started
    assert history.last_green("another") is None


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


def test_what_a_cell_forces_is_its_own() -> None:
    """Two cells with one lock, one of which forces it: the other is what an installer gives."""
    nights = Nights()
    plan = nights.add(0, OLD, PASSES)
    forced = plan.model_copy(update={"cell": plan.cell.model_copy(update={"overrides": ("alpha==1.2.0",)})})
    run = nights.runs[0].model_copy(update={"cells": (forced, plan)})
    history = History([run], nights.evidence)
    assert [seen.verdict.forced for seen in history.seen(0)] == [("alpha==1.2.0",), ()]
    assert ("alpha", "beta") in history.pairs(0, COMPONENTS)
