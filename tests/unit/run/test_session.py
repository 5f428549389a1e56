"""What a cell concludes from what it sees; the processes themselves are in tests/e2e."""

from __future__ import annotations

import contextlib
import datetime as dt
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stackcompat.evidence.results import CellResult, Evidence, Isolation, TestResult
from stackcompat.resolve.lock import Lock
from stackcompat.run import session
from stackcompat.run.job import Exchange, Job
from stackcompat.run.session import _install_outcome, difference
from stackcompat.run.supervisor import Observations

LOCK = Lock.parse("alpha==1.0\nbeta==2.0.dev3\ngamma==3.0", "3.12", "linux-x86_64")
SAME = {"alpha": "1.0", "beta": "2.0.dev3", "gamma": "3.0"}


def job(*requirements: str, **more: object) -> Job:
    fields: dict[str, object] = {
        "folder": Path("/job"),
        "lock": LOCK,
        "interpreter": Path("/python"),
        "requirements": requirements,
        "level": "interop",
        "suite": Path("/suite"),
        "files": (),
        "cache": Path("/cache"),
        "uv": "uv",
    }
    return Job.model_validate(fields | more)


@pytest.mark.parametrize(
    "asked",
    [
        job("alpha==1.0", "beta>=2.0.dev0", "gamma"),
        job("Alpha==1"),
        job("beta", development=("beta",)),
        job("gamma<3", forced=("gamma==3.0",)),
        job("absent; python_version < '3.0'"),
    ],
)
def test_what_was_asked_for_is_there(asked: Job) -> None:
    assert difference(asked, SAME) == ""


@pytest.mark.parametrize(
    ("asked", "observed", "sentence"),
    [
        (job("alpha"), SAME | {"alpha": "1.0.1"}, "alpha 1.0 was locked but 1.0.1 is installed"),
        (job("alpha"), {"alpha": "1.0", "beta": "2.0.dev3"}, "gamma 3.0 was locked but is not installed"),
        (job("alpha"), SAME | {"delta": "1", "eps": "2"}, "delta, eps is installed but was not locked"),
        (job("alpha"), SAME | {"alpha": "1.0 and 1.1"}, "alpha 1.0 was locked but 1.0 and 1.1 is installed"),
        (job("alpha"), SAME | {"alpha": "1.0+cpu"}, "alpha 1.0 was locked but 1.0+cpu is installed"),
        # A lock that does not hold what was asked for: the trap of most nightly jobs.
        (job("alpha==2.0"), SAME, "alpha==2.0 was requested but alpha 1.0 is installed"),
        (job("delta"), SAME, "delta was requested but is not installed"),
        (job("gamma", development=("gamma",)), SAME, "gamma was to be a development version but is 3.0"),
        (job("gamma<3", forced=("alpha==1.0",)), SAME, "gamma<3 was requested but gamma 3.0 is installed"),
        (job("absent; python_version > '3.0'"), SAME, None),
    ],
)
def test_every_difference_is_named(asked: Job, observed: dict[str, str], sentence: str | None) -> None:
    found = difference(asked, observed)
    assert found
    if sentence:
        assert found == sentence


def test_versions_are_compared_as_versions() -> None:
    assert difference(job("alpha"), SAME | {"alpha": "1.0.0"}) == ""


DOWNLOAD = "error: Failed to download `alpha==1`\n cause: "
EXTRACT = f"{DOWNLOAD}Failed to extract archive: alpha-1-py3-none-any.whl\n cause: "
ARCHIVE, ABSENT = "~/.cache/uv/archive-v0/AtjthVXF0qFDc51t", "No such file or directory (os error 2)"
GONE = "Because there is no version of alpha==1 and you require alpha==1, we can conclude that x."


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("error: Failed to install\n cause: No space left on device (os error 28)", "disk-full"),
        ("Downloading beta\n" * 80 + f"{EXTRACT}failed to write: No space left on device (os error 28)", "disk-full"),
        ("error: Failed to download and build `alpha==1`\n cause: Package metadata name `beta`", "uninstallable"),
        (f"{DOWNLOAD}error sending request for url (https://x.example/a)", "index-unreachable"),
        (f"{DOWNLOAD}HTTP status client error (404 Not Found) for url (https://x.example/a)", "index-unreachable"),
        (f"{DOWNLOAD}dns error", "index-unreachable"),
        (f"{DOWNLOAD}operation timed out", "index-unreachable"),
        (f"{EXTRACT}request or response body error\n cause: operation timed out", "index-unreachable"),
        # The release, or the index that had it, is gone since it was locked.
        (f"error: No solution found when resolving dependencies\n cause: {GONE}", "index-unreachable"),
        (f"{DOWNLOAD}Hash mismatch for `alpha==1`\n Expected: sha256:a", "uninstallable"),
        (f"{EXTRACT}Bad uncompressed size", "uninstallable"),
        ("error: Failed to build `alpha==1`\n cause: The build backend returned an error", "uninstallable"),
        (
            "error: Failed to build `alpha==1`\n cause: The build backend returned an error\n"
            + "Updating\n" * 200
            + "failed to resolve address for x.example: Name or service not known; class=Net (12)",
            "index-unreachable",
        ),
        # Somebody emptied the package cache meanwhile.
        (f"error: Failed to install: alpha\n cause: failed to read directory `{ARCHIVE}`: {ABSENT}", "crashed"),
    ],
)
def test_a_failed_install_is_told_from_a_failed_machine(words: str, outcome: str) -> None:
    found, detail = _install_outcome(words)
    assert found == outcome
    assert "x.example" not in detail


def test_every_field_of_a_result_is_kept_as_evidence() -> None:
    assert CellResult.model_fields.keys() <= Evidence.model_fields.keys()
    assert CellResult(outcome="ran", started=dt.datetime.now(dt.UTC), seconds=1.0).tests == ()


# --- a whole run, with a package cache and tests that answer from rules ---

ADDRESS = "https://me:pw@x.example/simple"
FENCE = Isolation(network="loopback only", memory_limit_mb=100, time_limit_s=10)


class FakeCache:
    """Installs what it is told to; `done` are the calls in order."""

    stderr = ""
    compiled = 0

    def __init__(self, *_: object) -> None:
        self.done: list[str] = []
        made.append(self)

    def in_use(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def sync(self, *_: object) -> subprocess.CompletedProcess[str]:
        self.done.append("sync")
        return subprocess.CompletedProcess([], 1 if self.stderr else 0, "", self.stderr)

    def compile(self, *_: object) -> int:
        self.done.append("compile")
        return self.compiled

    def renew(self, *_: object) -> None:
        self.done.append("renew")

    def harness(self, *_: object) -> Path:
        return Path("/harness")


made: list[FakeCache] = []


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Observations:
    """What the tests of the cell show; it can be changed before the cell is run."""
    observations = Observations(FENCE, environments=[("start", dict(SAME)), ("end", dict(SAME))])
    monkeypatch.setattr(session, "PackageCache", FakeCache)
    monkeypatch.setattr(session, "adopt_orphans", lambda: None)
    monkeypatch.setattr(session, "supervise", lambda *_: observations)
    made.clear()
    return observations


def run_cell(folder: Path, **more: object) -> CellResult:
    return session.run(job("alpha", folder=folder, **more), Path("/env/bin/python"))


def test_a_cell_that_ran_has_its_tests_and_what_was_installed(tmp_path: Path, seen: Observations) -> None:
    seen.results["t.py::one"] = TestResult(test="t.py::one", level="run", components=("alpha",), outcome="passed")
    seen.log = f"looked at {ADDRESS}"
    result = run_cell(tmp_path)
    assert (result.outcome, result.detail, result.log) == ("ran", "", "looked at <address>")
    assert result.observed is not None
    assert result.observed.distributions == SAME
    assert [test.test for test in result.tests] == ["t.py::one"]
    assert result.isolation == FENCE
    assert result.seconds >= result.install_seconds
    assert made[0].done == ["sync", "compile"]
    assert (tmp_path / "lock.txt").read_text() == LOCK.text()


def test_an_environment_is_linked_anew_once_its_wheels_are_compiled(
    tmp_path: Path, seen: Observations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeCache, "compiled", 3)
    assert run_cell(tmp_path).outcome == "ran"
    assert made[0].done == ["sync", "compile", "renew", "sync"]


def test_a_lock_that_does_not_install_runs_no_test(
    tmp_path: Path, seen: Observations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeCache, "stderr", f"error: Hash mismatch for `alpha==1` of {ADDRESS}")
    monkeypatch.setattr(session, "supervise", lambda *_: pytest.fail("nothing is installed"))
    result = run_cell(tmp_path)
    assert (result.outcome, result.tests, result.observed) == ("uninstallable", (), None)
    assert "x.example" not in result.log + result.detail
    assert made[0].done == ["sync"]


LEFT: Any = {"t.py::one": {"test": "t.py::one"}}


@pytest.mark.parametrize(
    ("change", "outcome", "detail", "observed"),
    [
        ({"suite_error": "t.py: no such module"}, "suite-broken", "t.py: no such module", False),
        (
            {"environments": [("start", SAME), ("end", SAME | {"alpha": "1.1"})]},
            "invalid",
            "at the end of the tests, alpha 1.0 was locked but 1.1 is installed",
            False,
        ),
        ({"foreign": ["six from x"]}, "invalid", "loaded from outside the environment: six from x", False),
        ({"environments": []}, "crashed", "the interpreter ended before it could say anything", False),
        ({"over_time": True}, "timeout", "the cell's limit of 900 s was reached", True),
        ({"collected": LEFT}, "crashed", "the interpreter ended before 1 of the tests could begin", True),
    ],
)
def test_what_keeps_a_run_from_counting_is_said(
    tmp_path: Path, seen: Observations, change: dict[str, Any], outcome: str, detail: str, observed: bool
) -> None:
    for name, value in change.items():
        setattr(seen, name, value)
    result = run_cell(tmp_path)
    assert (result.outcome, result.detail, result.observed is not None) == (outcome, detail, observed)


@pytest.mark.parametrize(("suite_error", "kept"), [("", True), ("broken", False)])
def test_artifacts_are_kept_where_the_tests_ran(
    tmp_path: Path, seen: Observations, monkeypatch: pytest.MonkeyPatch, suite_error: str, kept: bool
) -> None:
    seen.suite_error = suite_error
    box = {"test": "t.py::write", "level": "exchange", "components": (), "outcome": "passed", "artifact": "box"}
    seen.results["t.py::write"] = TestResult.model_validate(box)

    def write(job: Job, *_: object) -> Observations:
        (job.artifacts / "box").mkdir()
        return seen

    monkeypatch.setattr(session, "supervise", write)
    run_cell(tmp_path, exchange=Exchange(mode="write", store=tmp_path / "store"))
    assert (tmp_path / "store" / "box").is_dir() == kept
