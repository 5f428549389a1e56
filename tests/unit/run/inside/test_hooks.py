"""The events of a run over a suite: tests are collected, run and described."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.plugin_runs import collected, ends, install, run_plugin

SUITE = """
    import warnings
    import pytest

    @pytest.mark.level("import")
    @pytest.mark.uses("whole")
    def test_import_whole():
        import whole

    @pytest.mark.level("import")
    @pytest.mark.uses("torn")
    def test_import_torn():
        import torn

    @pytest.mark.uses("whole>=2")
    def test_for_another_release():
        raise AssertionError

    @pytest.mark.uses("absent")
    def test_for_something_absent():
        raise AssertionError

    @pytest.mark.uses("whole", "torn")
    def test_with_torn():
        raise AssertionError

    @pytest.mark.limit(5)
    @pytest.mark.uses("whole")
    def test_warns():
        import whole
        whole.warn_caller()
        whole.warn_caller()

    def test_skips():
        pytest.skip("has a reason")

    @pytest.fixture
    def falls_apart():
        yield
        raise OSError("in teardown")

    def test_teardown(falls_apart):
        pass

    def test_fails_twice(falls_apart):
        raise ValueError("in the test")

    @pytest.fixture
    def holds():
        yield

    def test_interrupts(holds):
        raise KeyboardInterrupt

    def test_stops_pytest():
        pytest.exit("enough")

    def test_last():
        pass

    @pytest.mark.level("exchange")
    def test_too_deep():
        raise AssertionError
"""
WHOLE = "import warnings\n\ndef warn_caller():\n    warnings.warn('old at 0x1234', DeprecationWarning, stacklevel=2)\n"


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("run")
    (folder / "site").mkdir()
    install(folder / "site", "whole", files={"whole.py": WHOLE})
    install(folder / "site", "torn", files={"torn.py": "raise ImportError('half is missing')"})
    return run_plugin(folder, SUITE)


def test_events_come_in_order(events: list[dict[str, Any]]) -> None:
    kinds = [event["event"] for event in events]
    assert kinds[:2] == ["environment", "collected"]
    assert kinds[-2:] == ["environment", "done"]
    assert kinds[2:-2] == ["start", "end"] * len(events[1]["tests"])
    assert [e["when"] for e in events if e["event"] == "environment"] == ["start", "end"]
    assert events[0]["distributions"]["whole"] == "1.0"


def test_a_start_has_the_limit_of_the_test(events: list[dict[str, Any]]) -> None:
    limits = {event["test"].split("::")[1]: event["limit"] for event in events if event["event"] == "start"}
    assert (limits["test_warns"], limits["test_import_whole"], limits["test_skips"]) == (5.0, 7.0, 60.0)
    assert {name: test["limit"] for name, test in collected(events).items()} == limits


@pytest.mark.parametrize(
    ("test", "outcome", "reason"),
    [
        ("test_import_whole", "passed", ""),
        ("test_for_another_release", "not-applicable", "whole 1.0 is outside >=2"),
        ("test_for_something_absent", "not-applicable", "absent is not installed"),
        ("test_with_torn", "blocked", "torn cannot be imported (test_suite.py::test_import_torn)"),
        ("test_skips", "not-applicable", "has a reason"),
        ("test_last", "passed", ""),
    ],
)
def test_outcome_and_reason(events: list[dict[str, Any]], test: str, outcome: str, reason: str) -> None:
    end = ends(events)[test]
    assert (end["outcome"], end["reason"], end["failure"]) == (outcome, reason, None)


def test_a_failed_import_is_the_distributions_own(events: list[dict[str, Any]]) -> None:
    end = ends(events)["test_import_torn"]
    assert end["outcome"] == "failed"
    assert (end["failure"]["type"], end["failure"]["package"]) == ("ImportError", "torn")
    assert end["failure"]["phase"] == "call"


def test_a_failure_in_teardown_is_a_failure(events: list[dict[str, Any]]) -> None:
    end = ends(events)["test_teardown"]
    assert (end["outcome"], end["failure"]["phase"]) == ("failed", "teardown")


def test_the_first_failure_of_all_phases_is_kept(events: list[dict[str, Any]]) -> None:
    end = ends(events)["test_fails_twice"]
    assert (end["failure"]["message"], end["failure"]["phase"]) == ("in the test", "call")


@pytest.mark.parametrize(
    ("test", "kind"), [("test_interrupts", "KeyboardInterrupt"), ("test_stops_pytest", "_pytest.outcomes.Exit")]
)
def test_a_test_that_stops_everything_stops_only_itself(events: list[dict[str, Any]], test: str, kind: str) -> None:
    end = ends(events)[test]
    assert (end["outcome"], end["failure"]["type"]) == ("failed", kind)


def test_warnings_are_counted(events: list[dict[str, Any]]) -> None:
    (warning,) = ends(events)["test_warns"]["warnings"]
    assert warning == {
        "category": "DeprecationWarning",
        "raised_by": "whole",
        "triggered_by": "",
        "message": "old at 0x…",
        "count": 2,
    }
    assert ends(events)["test_last"]["warnings"] == []


TORN = {
    "distributions": ["torn"],
    "module": "torn",
    "main": True,
    "test": "test_import.py::test_import[torn]",
    "limit": "",
}

ALONE = """
    import pytest

    def test_together():
        pass

    @pytest.mark.alone
    def test_alone():
        pass

    @pytest.mark.uses("torn")
    def test_torn():
        pass
"""


def test_what_needs_a_process_of_its_own_is_announced_and_left_to_be_asked_for_alone(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", "torn")
    both = run_plugin(tmp_path, ALONE, unimportable=[TORN])
    assert collected(both)["test_alone"]["alone"]
    assert ends(both).keys() == {"test_together", "test_torn"}
    assert ends(both)["test_torn"]["outcome"] == "blocked"
    (tmp_path / "again").mkdir()
    one = run_plugin(tmp_path / "again", ALONE, tests=["test_suite.py::test_alone"])
    assert ends(one)["test_alone"]["outcome"] == "passed"


def test_what_follows_a_test_that_does_not_apply_is_set_up_afresh(tmp_path: Path) -> None:
    suite = """
        import pytest

        class TestFirst:
            def test_runs(self): pass

            @pytest.mark.uses("absent")
            def test_does_not_apply(self): pass

        class TestSecond:
            def test_runs_too(self): pass
    """
    outcomes = [end["outcome"] for end in ends(run_plugin(tmp_path, suite)).values()]
    assert outcomes == ["passed", "not-applicable", "passed"]
