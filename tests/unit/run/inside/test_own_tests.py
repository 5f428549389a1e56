"""The tests that a release ships, run in place of the suite."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from support.plugin_runs import install, run_plugin

NETS_TEST = """
import unittest

import pytest

import beta

class Nets(unittest.TestCase):
    def test_good(self):
        self.assertEqual(beta.two(), 2)

    def test_bad(self):
        self.assertEqual(beta.two(), 3)

    def test_skip(self):
        self.skipTest("not today")

    @unittest.expectedFailure
    def test_expected(self):
        raise AssertionError

@pytest.mark.level("import")
@pytest.mark.parametrize("number", [1, 2])
def test_number(number):
    beta.fail(number)

def test_left_out():
    raise AssertionError

def test_itself():
    pytest.neighbour_dropped_it()

def test_calls_back():
    beta.call(lambda: pytest.neighbour_dropped_it())

def test_does_not_raise():
    with pytest.raises(ValueError):
        beta.two()
"""
SHIPPED = {
    "beta/__init__.py": """
def two():
    return 2

def fail(number):
    1 / (number - 1)

def call(function):
    function()
""",
    "beta/torn.py": "import absent\n",
    "beta/nets_test.py": NETS_TEST,
    "beta/deep/torn_test.py": "import beta.torn\n",
    "beta/deep/stale_test.py": "import absent\n",
    "beta/deep/skip_test.py": "import pytest\n\npytest.importorskip('absent')\n",
    "beta/deep/unchosen_test.py": "def test_it(): ...\n",
}


def run_own(folder: Path, tests: tuple[str, ...] = (), shipped: str = "wheel", **changes: object) -> dict[str, Any]:
    """The outcomes of beta's own tests, by the end of their names. They are in its wheel, or unpacked elsewhere."""
    (folder / "site").mkdir()
    (folder / "own" / "beta").mkdir(parents=True)
    held = {name: text for name, text in SHIPPED.items() if shipped == "wheel" or not name.endswith("_test.py")}
    install(folder / "site", "beta", files=held)
    (folder / "own" / "beta" / "nets_test.py").write_text(NETS_TEST, encoding="utf-8")
    own: dict[str, object] = {
        "distribution": "beta",
        "folder": "" if shipped == "wheel" else str(folder / "own"),
        "files": ["beta/nets_test.py", "beta/deep/[st]*_test.py"],
        "without": ["*::test_left_out"],
        "lost": [],
        "until": time.time() + 60,
    }
    asked = [f"upstream/beta/{test}" for test in tests]
    job: dict[str, object] = {"level": "upstream", "limits": {"beta": 9.0}, "temporary": [str(folder / "site")]}
    events = run_plugin(folder, "", tests=asked, upstream=own | changes, **job)
    assert events[-1] == {"event": "done", "foreign": []}
    ends = [event for event in events if event["event"] == "end"]
    assert all((event["level"], event["components"]) == ("upstream", ["beta"]) for event in ends)
    starts = [event for event in events if event["event"] == "start"]
    assert {event["limit"] for event in starts} <= {9.0}
    assert [event["test"] for event in starts] == [event["test"] for event in ends]
    return {event["test"].removeprefix("upstream/beta/"): event for event in ends}


NETS = "beta/nets_test.py"
OUTCOMES = {
    f"{NETS}::Nets::test_good": "passed",
    f"{NETS}::Nets::test_bad": "failed",
    f"{NETS}::Nets::test_skip": "not-applicable",
    f"{NETS}::Nets::test_expected": "not-applicable",
    f"{NETS}::test_number[1]": "failed",
    f"{NETS}::test_number[2]": "passed",
    f"{NETS}::test_itself": "not-applicable",
    f"{NETS}::test_calls_back": "not-applicable",
    f"{NETS}::test_does_not_raise": "failed",
}


def test_the_tests_of_a_wheel_run_where_they_are_installed(tmp_path: Path) -> None:
    ended = run_own(tmp_path)
    deep = {"torn": "failed", "skip": "not-applicable", "stale": "not-applicable"}
    files = {NETS: "passed"} | {f"beta/deep/{name}_test.py": outcome for name, outcome in deep.items()}
    assert {test: event["outcome"] for test, event in ended.items()} == OUTCOMES | files
    # The files come as they are loaded, in the order of the patterns.
    assert list(ended)[:4] == [NETS, *(f"beta/deep/{name}_test.py" for name in ("skip", "stale", "torn"))]
    torn = ended["beta/deep/torn_test.py"]["failure"]
    assert (torn["type"], torn["phase"], torn["package"]) == ("ModuleNotFoundError", "collect", "beta")
    # A failure names the package if its code ran, and not if only its tests did.
    assert ended[f"{NETS}::test_number[1]"]["failure"]["package"] == "beta"
    assert ended[f"{NETS}::Nets::test_bad"]["failure"]["package"] == ""
    # A test that itself uses something that another library dropped says nothing about its own release.
    reasons = [ended[test]["reason"] for test in (f"{NETS}::test_itself", f"{NETS}::test_calls_back")]
    assert all(reason.startswith("the test itself fails: AttributeError: ") for reason in reasons)
    assert ended["beta/deep/stale_test.py"]["reason"].startswith("the test itself fails: ModuleNotFoundError: ")


WRONG_CLASS = """
import pytest

class TestWrong:
    @pytest.mark.parametrize("absent", [1])
    def test_wrong(self): ...

def test_good(): ...
"""


def test_a_file_with_a_class_that_cannot_be_collected_fails(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "wrong_test.py").write_text(WRONG_CLASS, encoding="utf-8")
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", "beta")
    own: dict[str, object] = {"distribution": "beta", "folder": str(tmp_path / "own"), "files": ["*_test.py"]}
    own |= {"without": [], "lost": [], "until": time.time() + 60}
    events = run_plugin(tmp_path, "", upstream=own, level="upstream")
    outcomes = [(event["test"], event["outcome"]) for event in events if event["event"] == "end"]
    # pytest reports the class, and then the file that it is in.
    assert outcomes == [
        ("upstream/beta/wrong_test.py", "failed"),
        ("upstream/beta/wrong_test.py", "failed"),
        ("upstream/beta/wrong_test.py::test_good", "passed"),
    ]


def test_the_tests_of_an_sdist_run_outside_the_environment(tmp_path: Path) -> None:
    ended = run_own(tmp_path, shipped="sdist")
    assert {test: event["outcome"] for test, event in ended.items()} == OUTCOMES | {NETS: "passed"}


def test_only_those_that_are_asked_for_are_run(tmp_path: Path) -> None:
    ended = run_own(tmp_path, (f"{NETS}::Nets::test_bad", "beta/deep/torn_test.py"))
    assert list(ended) == [NETS, "beta/deep/torn_test.py", f"{NETS}::Nets::test_bad"]


def test_a_file_that_took_a_process_with_it_is_not_loaded_again(tmp_path: Path) -> None:
    ended = run_own(tmp_path, lost=[f"upstream/beta/{NETS}"])
    assert list(ended) == [f"beta/deep/{name}_test.py" for name in ("skip", "stale", "torn")]


def test_what_did_not_begin_within_the_time_box_did_not_apply(tmp_path: Path) -> None:
    ended = run_own(tmp_path, until=time.time() - 1)
    tests = {test: event for test, event in ended.items() if "::" in test}
    assert tests.keys() == OUTCOMES.keys()
    assert {event["outcome"] for event in tests.values()} == {"not-applicable"}
    assert {event["reason"] for event in tests.values()} == {"did not begin within the time box"}
