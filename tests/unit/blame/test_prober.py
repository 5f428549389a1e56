"""What probes are answered from real cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stackcompat.blame.probe import Probe, ProbeAnswer, Search
from stackcompat.blame.prober import Target, answer_probe, drive, judge_probe, run_test
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell
from support.made_up import failed, make_cell, passed, planned, run_of
from support.table_world import BOX, RED, Setting, Steps, dropped


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path, dropped)
    yield made
    made.runner.store.close()


@pytest.fixture
def target(setting: Setting) -> Target:
    verdict = setting.verdict(*RED)
    setting.executor.asked.clear()
    return Target(verdict.cell, verdict.installed, verdict.lock_id, verdict.failures[0])


def never(planned: PlannedCell) -> ProbeAnswer:
    raise AssertionError(f"{planned.cell} was run")


def test_each_step_says_what_was_tried_though_it_cannot_be_had(setting: Setting, target: Target) -> None:
    def asking() -> Search[str]:
        yield Probe(free=("alpha", "beta"))
        yield Probe(free=("alpha==9.9", "beta"))
        yield Probe(pins={**target.versions, "alpha": "9.9"})
        yield Probe(pins=target.versions)
        return "done"

    told = Steps()
    runner = setting.runner.reporting(told)
    assert drive(asking(), target, runner, lambda cell: run_test(cell, target.test, runner)) == "done"
    assert told.stages == [("which release breaks it", None)]
    assert told.steps == [
        "with alpha 1.5, beta 1.4: works",
        "with alpha==9.9, beta: tells nothing: no alpha==9.9",
        "with alpha 9.9: tells nothing: no alpha==9.9",
        "with all as it is in the red cell: fails in the same way",
    ]


def test_a_step_names_four_distributions_at_most(setting: Setting, target: Target) -> None:
    def asking() -> Search[None]:
        yield Probe(pins=dict.fromkeys("abcdef", "1"))

    told = Steps()
    drive(asking(), target, setting.runner.reporting(told), never)
    assert told.steps == ["with a 1, b 1, c 1, d 1, ...: tells nothing: no a==1"]


def test_the_lock_of_the_red_cell_is_not_run_again(setting: Setting, target: Target) -> None:
    answer = answer_probe(Probe(pins=target.versions), target, setting.runner, never)
    assert (answer.outcome, answer.versions, answer.ran) == ("same", target.versions, False)


def test_exact_versions_that_metadata_forbids_are_forced(setting: Setting, target: Target) -> None:
    """Beta 1.4 needs a newer gamma."""
    ran: list[PlannedCell] = []

    def run(planned: PlannedCell) -> ProbeAnswer:
        ran.append(planned)
        return ProbeAnswer(outcome="pass", ran=True)

    pins = {"alpha": "1.4", "beta": "1.4", "gamma": "1.0"}
    answer = answer_probe(Probe(pins=pins), target, setting.runner, run)
    assert (answer.outcome, answer.versions, answer.forced) == ("pass", pins, True)
    assert ran[0].cell.overrides == ran[0].cell.requirements == ("alpha==1.4", "beta==1.4", "gamma==1.0")
    free = Probe(pins={"beta": "1.4", "gamma": "1.0"}, free=("alpha",))
    assert answer_probe(free, target, setting.runner, never).outcome == "unresolved"


def test_whether_a_set_resolves_is_asked_of_the_resolver_alone(setting: Setting, target: Target) -> None:
    fits = Probe(pins={"beta": "1.4"}, free=("gamma",), resolves=True)
    assert answer_probe(fits, target, setting.runner, never).outcome == "pass"
    refused = Probe(pins={"beta": "1.4", "gamma": "1.0"}, resolves=True)
    assert answer_probe(refused, target, setting.runner, never).outcome == "same"


def test_the_cell_asks_for_what_is_in_the_lock_however_it_was_found(setting: Setting, target: Target) -> None:
    ran: list[PlannedCell] = []

    def run(planned: PlannedCell) -> ProbeAnswer:
        ran.append(planned)
        return ProbeAnswer(outcome="pass", ran=True)

    pins = {"alpha": "1.5", "beta": "1.4", "gamma": "1.1"}
    for probe in (Probe(pins=pins), Probe(free=("alpha", "beta", "gamma"))):
        answer_probe(probe, target, setting.runner, run)
    exact, free = ran
    assert exact.cell.requirements == free.cell.requirements == ("alpha==1.5", "beta==1.4", "gamma==1.1")


CELL = planned(make_cell({"alpha": "1.4", "beta": "1.1"}), {"alpha": "1.4", "beta": "1.1"})
TEST = failed("t", "alpha", "beta", **BOX)
OTHER = failed("t", "alpha", "beta", message="something else")


def runs(*results: TestResult | str) -> tuple[Evidence, ...]:
    """Runs of one cell: each has one test, or ended in another way."""
    return tuple(
        run_of(CELL, attempt=number).model_copy(update={"outcome": result})
        if isinstance(result, str)
        else run_of(CELL, result, attempt=number)
        for number, result in enumerate(results)
    )


@pytest.mark.parametrize(
    ("results", "outcome", "detail"),
    [
        ((passed("t", "alpha"),), "pass", ""),
        ((TEST, TEST), "same", "AttributeError: module 'alpha.boxes' has no attribute 'Box' [beta]"),
        ((OTHER, OTHER), "other", "AssertionError: something else [test]"),
        ((TEST,), "infra", None),
        ((TEST, passed("t", "alpha")), "unresolved", None),
        ((passed("u", "alpha"),), "unresolved", "t does not apply"),
        (("disk-full",), "infra", "disk-full"),
        (("uninstallable", "uninstallable"), "unresolved", "uninstallable"),
        (("no-wheel-for-platform",), "unresolved", "no-wheel-for-platform"),
        ((), "infra", "it was not run"),
    ],
    ids=[
        *("passes", "the same", "another", "not confirmed", "flaky"),
        *("another test", "no run", "cannot be installed", "no wheel", "nothing"),
    ],
)
def test_what_runs_say_of_the_failing_test(results: tuple[Any, ...], outcome: str, detail: str | None) -> None:
    evidence = runs(*results)
    answer = judge_probe(evidence, TEST)
    assert (answer.outcome, answer.ran) == (outcome, True)
    assert detail is None or answer.detail == detail
    assert answer.signature == (detail if outcome == "other" else "")
    assert answer.evidence == tuple(run.id for run in evidence)
