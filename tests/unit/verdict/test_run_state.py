"""What of a run is new, red or unknown."""

from __future__ import annotations

from typing import get_args

from stackcompat.core.vocabulary import Verdict
from stackcompat.verdict.history import GREEN, RED
from stackcompat.verdict.run_state import UNKNOWN, RunState, run_state


def test_what_was_green_or_was_not_there_is_new() -> None:
    verdicts: dict[str, Verdict] = {"a": "broken", "b": "uninstallable", "c": "unresolvable", "d": "broken"}
    before: dict[str, Verdict] = {"a": "works", "b": "flaky", "c": "broken"}
    assert run_state(verdicts, before) == RunState(new=2, broken=4, unknown=0)
    assert run_state(verdicts, {}) == RunState(new=4, broken=4, unknown=0)


def test_what_has_no_verdict_is_unknown() -> None:
    every: dict[str, Verdict] = {verdict: verdict for verdict in get_args(Verdict)}
    assert run_state(every, every) == RunState(new=0, broken=3, unknown=4)
    assert set(get_args(Verdict)) - RED - GREEN - UNKNOWN == {"changed", "not-applicable"}


def test_an_empty_run_is_as_it_should_be() -> None:
    assert run_state({}, {"a": "broken"}) == RunState(0, 0, 0)
