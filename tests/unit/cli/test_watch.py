"""The commands about what changed from night to night."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackcompat.evidence.results import TestResult
from stackcompat.evidence.store import Store
from support.command_line import Run
from support.made_up import failed
from support.nights import NEW, OLD, Nights


def test_night_and_watch_want_a_run(run: Run) -> None:
    for command in (("night", "m"), ("watch", "m", "--dry-run")):
        code, _, error = run(*command)
        assert code == 2
        assert 'MATRIX: "m" has no run in evidence.sqlite; run it first: stackcompat run m' in error


@pytest.mark.parametrize("command", [("night",), ("watch", "--dry-run")])
def test_the_matrix_that_nobody_gave_is_named_as_the_default(run: Run, command: tuple[str, ...]) -> None:
    code, _, error = run(*command)
    assert code == 2
    assert 'MATRIX: none is given, so that it is "nightly", which has no run in evidence.sqlite; run it first' in error


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("watch",), "watch: give either --dry-run or --repository OWNER/NAME"),
        (("watch", "--dry-run", "--repository", "a/b"), "watch: give either --dry-run or --repository"),
        (("watch", "--repository", "a/b", "--token-variable", "NO_SUCH"), "--token-variable: NO_SUCH is empty"),
        (("watch", "--dry-run", "--most-new", "0"), "0 is not in the range x>=1"),
    ],
)
def test_mistakes_with_issues(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    code, _, error = run(*arguments)
    assert code == 2
    assert sentence in error


def fails(number: int, word: str) -> TestResult:
    """A test of alpha that fails in a way of its own."""
    return failed(f"t.py::t{number}", "alpha", type="ValueError", message=word, packages=("numbers",))


@pytest.fixture
def broken(checkout: Path) -> None:
    """A store with a green night, and a night on which four tests fail, each in a way of its own."""
    failing = [fails(number, word) for number, word in enumerate(("one", "two", "three", "four"))]
    nights = Nights()
    nights.add(1, OLD, tuple(test.model_copy(update={"outcome": "passed", "failure": None}) for test in failing))
    nights.add(0, NEW, tuple(failing))
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    for run in nights.runs:
        store.add_run(run.model_copy(update={"matrix": "m"}))
    for runs in nights.evidence.values():
        for evidence in runs:
            store.add(evidence)
    store.close()


@pytest.mark.usefixtures("broken")
def test_a_dry_run_prints_the_issues_of_a_night_and_names_the_rest(run: Run) -> None:
    code, output, _ = run("watch", "m", "--dry-run", "--most-new", "3")
    assert code == 0
    actions = [line for line in output.splitlines() if line.startswith("test:")]
    assert actions == [
        "test:t.py::t0: confirmed, open",
        "test:t.py::t1: confirmed, open",
        "test:t.py::t2: confirmed, named in the summary issue",
        "test:t.py::t3: confirmed, named in the summary issue",
    ]
    assert output.count("is broken at the newest releases") == 2
    _, output, _ = run("watch", "m", "--dry-run", "--json", "-")
    assert {alert["matrix"] for alert in json.loads(output)} == {"m"}
