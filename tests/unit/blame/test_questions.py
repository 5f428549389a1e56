"""What a search asks, and what it does not ask again."""

from __future__ import annotations

import datetime as dt

import pytest

from stackcompat.blame.probe import Probe, ProbeAnswer, Search, Value
from stackcompat.blame.questions import (
    BudgetSpent,
    SearchState,
    answer_for,
    ask,
    ask_exactly,
    held_probe,
    versions_that_fail_too,
)
from stackcompat.blame.result import Culprit
from stackcompat.blame.units import find_units
from support.blame_world import PAIR, Universe

RED = {"alpha": "5", "beta": "5", "gamma": "3"}
PASSES = {"alpha": "3", "beta": "5", "gamma": "3"}


def new_state(world: Universe, budget: int = 60) -> SearchState:
    red = world.red({name: int(version) for name, version in RED.items()}, PAIR)
    units = find_units(red, world, world.components)
    return SearchState(red=red, units=units, catalog=world, components=world.components, budget=budget)


@pytest.fixture
def world() -> Universe:
    return Universe({"alpha": 8, "beta": 8, "gamma": 8}, (PAIR,))


def drive(steps: Search[Value], *answers: ProbeAnswer) -> tuple[Value, list[Probe]]:
    """The value of `steps` when it is sent `answers`, and the probes that it asked."""
    asked = []
    given = iter(answers)
    try:
        probe = next(steps)
        while True:
            asked.append(probe)
            probe = steps.send(next(given))
    except StopIteration as end:
        return end.value, asked


def passed(versions: dict[str, str]) -> ProbeAnswer:
    return ProbeAnswer(outcome="pass", versions=versions, ran=True)


def test_the_red_cell_is_not_asked_for(world: Universe) -> None:
    answer, asked = drive(ask_exactly(new_state(world), RED))
    assert (answer.outcome, asked) == ("same", [])


def test_an_installer_may_give_something_else_than_the_red_cell(world: Universe) -> None:
    _, asked = drive(ask(new_state(world), Probe(pins=RED, free=("delta",))), passed({**RED, "delta": "1"}))
    assert len(asked) == 1


def test_nothing_is_asked_twice_however_it_was_asked_for(world: Universe) -> None:
    state = new_state(world)
    probe = Probe(free=("alpha", "beta", "gamma"))
    drive(ask(state, probe), passed(PASSES))
    assert drive(ask(state, probe)) == (passed(PASSES), [])
    assert drive(ask_exactly(state, dict(reversed(PASSES.items())))) == (passed(PASSES), [])
    assert answer_for(state, PASSES) == passed(PASSES)
    assert answer_for(state, {**PASSES, "beta": "1"}) is None
    assert state.probes == 1


def test_only_environments_count_against_the_budget_and_questions_end_as_well(world: Universe) -> None:
    state = new_state(world, budget=1)
    for number in range(4):
        drive(ask(state, Probe(free=(f"alpha=={number}.5",))), ProbeAnswer(outcome="unresolved"))
    assert state.probes == 0
    with pytest.raises(BudgetSpent):
        drive(ask_exactly(state, PASSES))
    state = new_state(world, budget=1)
    drive(ask_exactly(state, PASSES), passed(PASSES))
    with pytest.raises(BudgetSpent):
        drive(ask_exactly(state, {**PASSES, "beta": "1"}))
    assert drive(ask_exactly(state, PASSES)) == (passed(PASSES), [])


def test_what_is_held_and_what_is_free(world: Universe) -> None:
    state = new_state(world)
    now = held_probe(state, {"beta": "5", "alpha": "5"}, at_their_time=False)
    assert (list(now.pins), now.free, now.until) == (["alpha", "beta"], ("gamma",), None)
    then = held_probe(state, {"beta": "5", "alpha": "5"}, at_their_time=True)
    assert then.until == world.project("beta").releases[5].uploaded + dt.timedelta(days=1)
    first_day = world.project("alpha").releases[0].uploaded
    state.red = state.red.model_copy(update={"until": first_day})
    assert held_probe(state, {"beta": "5"}, at_their_time=True).until == first_day
    assert held_probe(state, {}, at_their_time=True).until == first_day


def test_releases_beside_which_the_other_members_were_seen_to_fail(world: Universe) -> None:
    state = new_state(world)
    assert versions_that_fail_too(state, "alpha") == set()
    state.members["beta"] = Culprit(name="beta", version="5")
    fails = {**RED, "alpha": "4"}
    drive(ask_exactly(state, fails), ProbeAnswer(outcome="same", versions=fails, ran=True))
    elsewhere = {**RED, "alpha": "6", "beta": "6"}
    drive(ask_exactly(state, elsewhere), ProbeAnswer(outcome="same", versions=elsewhere, ran=True))
    drive(ask_exactly(state, PASSES), passed(PASSES))
    assert versions_that_fail_too(state, "alpha") == {"4"}
    assert versions_that_fail_too(state, "beta") == set()
