"""Which tests of a paired cell ran too seldom."""

from __future__ import annotations

from typing import Any

from stackcompat.evidence.results import TestResult
from stackcompat.gate.cells import PairedCell
from stackcompat.gate.moving import Moving
from stackcompat.gate.options import GateOptions
from stackcompat.gate.repeats import is_complete, too_few_runs
from stackcompat.gate.state import GateState
from support.made_up import limited, passed
from support.paired import ALPHA, GREEN, JOINT, OLD, POLICY, RED, arm, changed, pair

A_LIFETIME = POLICY.model_copy(update={"max_age_days": 36500.0})


def state() -> GateState:
    runner: Any = None  # nothing is run
    options = GateOptions(policy=A_LIFETIME, pythons=("3.12",))
    return GateState(
        runner=runner, options=options, candidates=(ALPHA,), moving=Moving(asked=(), control={}, candidate={})
    )


def due(cell: PairedCell) -> dict[str, tuple[str, ...]]:
    return {few.name: few.tests for few in too_few_runs(state(), cell)}


def test_the_control_of_a_failure_need_not_wait_until_it_is_confirmed() -> None:
    cell = pair(changed(RED))
    assert due(cell) == {"control": (JOINT,), "candidate": (JOINT,)}
    assert not is_complete(state(), cell)


def test_what_regressed_is_repeated_in_both_arms_as_often_as_the_policy_wants() -> None:
    again: tuple[TestResult, ...] = (RED,)
    repeated = [again] * (POLICY.repeats - 1)
    assert due(pair(changed(RED), *repeated)) == {"control": (JOINT,)}
    passes = [(passed(JOINT, "alpha", "beta"),)] * (POLICY.repeats - 1)
    assert due(pair(changed(RED), *repeated, control=arm(OLD, GREEN, *passes))) == {}


def test_what_failed_before_and_what_shows_a_limit_is_not_repeated() -> None:
    assert due(pair(changed(RED), control=arm(OLD, changed(RED)))) == {}
    limit = limited(JOINT, "alpha", "beta", packages=("beta",))
    assert due(pair(changed(limit))) == {}


def test_a_green_cell_lacks_nothing() -> None:
    assert due(pair(GREEN)) == {}
    assert is_complete(state(), pair(GREEN))
