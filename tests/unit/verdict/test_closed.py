"""How far runs were closed, in words."""

from __future__ import annotations

import datetime as dt

from stackcompat.evidence.results import Environment, Evidence, Isolation
from stackcompat.verdict.closed import count_closed


def run(key: str, isolation: dict[str, object] | None) -> Evidence:
    return Evidence(
        outcome="ran",
        started=dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
        seconds=1.0,
        observed=Environment(distributions={}),
        isolation=None if isolation is None else Isolation.model_validate(isolation),
        key=key,
        attempt=0,
        lock_id="l",
        python="3.12",
        interpreter="cpython 3.12.1",
        platform="p",
        suite="s",
        level="interop",
    )


LIMITS = {"memory_limit_mb": 100, "time_limit_s": 60.0}
CLOSED = run("a", {"network": "loopback only", "sandbox": "bubblewrap", **LIMITS})
OLD = run("b", {"network": "loopback only", **LIMITS})
OPEN = run("c", {"network": "open", **LIMITS})


def test_where_all_is_closed_there_is_nothing_to_say() -> None:
    counted = count_closed([CLOSED, CLOSED, run("d", None)])
    assert (counted.sandbox, counted.network, counted.open, counted.sentence) == (1, 0, 0, "")
    assert count_closed([]).sentence == ""


def test_what_was_open_is_said() -> None:
    counted = count_closed([CLOSED, OLD, OPEN])
    assert (counted.sandbox, counted.network, counted.open) == (1, 1, 1)
    assert counted.sentence == (
        "2 of 3 runs had no sandbox: 1 had only no network and 1 could reach everything that the user can, so that the "
        "code under test could have changed files of this machine"
    )


def test_a_run_without_an_environment_does_not_count() -> None:
    assert count_closed([OPEN.model_copy(update={"observed": None})]).sentence == ""


def test_evidence_from_before_there_was_a_sandbox_reads_on() -> None:
    assert OLD.isolation is not None
    assert OPEN.isolation is not None
    assert (OLD.isolation.level, OPEN.isolation.level) == ("namespaces", "open")
