"""A session of pytest: no file from outside takes part, and a broken suite is no failure of a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.plugin_runs import ends, read_events, run_plugin


def test_a_suite_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="nothing_of_that_name"):
        run_plugin(tmp_path, "import nothing_of_that_name\n")
    (broken,) = (event for event in read_events(tmp_path) if event["event"] == "broken-suite")
    assert broken["where"] == "test_suite.py"
    assert "nothing_of_that_name" in broken["message"]


def test_what_stands_above_the_suite_takes_no_part(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import nothing_of_that_name\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    events = run_plugin(tmp_path, "def test_a(): pass\n")
    assert ends(events)["test_a"]["outcome"] == "passed"


def test_a_set_up_that_cannot_be_loaded_is_reported(tmp_path: Path) -> None:
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "conftest.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(AssertionError, match="nothing_of_that_name"):
        run_plugin(tmp_path, "def test_a(): pass\n")
    (broken,) = (event for event in read_events(tmp_path) if event["event"] == "broken-suite")
    assert "before it had found any test" in broken["message"]
