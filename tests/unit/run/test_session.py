"""The outcome of a cell, from made-up observations; real processes are in tests/e2e."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from stackcompat.core.errors import StackcompatError
from stackcompat.ecosystem.components import CompilerCache
from stackcompat.evidence.results import CellResult, CompilerCacheUse, Evidence, Isolation, TestResult
from stackcompat.resolve.lock import Lock
from stackcompat.run import compiler_cache, session
from stackcompat.run.bytecode import FreshWheel
from stackcompat.run.isolation import Means, Sandbox
from stackcompat.run.job import Exchange, Job
from stackcompat.run.manifest import files_of, manifest
from stackcompat.run.session import _install_outcome, difference
from stackcompat.run.supervisor import CellObservations
from support.altering import alter

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
BUILD = "error: Failed to build `alpha==1`\n cause: The build backend returned an error\n"
ARCHIVE, ABSENT = "~/.cache/uv/archive-v0/AtjthVXF0qFDc51t", "No such file or directory (os error 2)"
GONE = "Because there is no version of alpha==1 and you require alpha==1, we can conclude that x."


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("error: Failed to install\n cause: No space left on device (os error 28)", "disk-full"),
        ("Downloading beta\n" * 80 + f"{EXTRACT}failed to write: No space left on device (os error 28)", "disk-full"),
        ("error: Failed to download and build `alpha==1`\n cause: Package metadata name `beta`", "uninstallable"),
        (
            "Downloading beta\n" * 80
            + f"error: Failed to install: alpha\n cause: failed to hardlink file from a to {ARCHIVE}/a.pyc.1: {ABSENT}",
            "crashed",
        ),
        (f"{DOWNLOAD}error sending request for url (https://x.example/a)", "index-unreachable"),
        (f"{DOWNLOAD}HTTP status client error (404 Not Found) for url (https://x.example/a)", "index-unreachable"),
        (f"{DOWNLOAD}dns error", "index-unreachable"),
        (f"{DOWNLOAD}operation timed out", "index-unreachable"),
        (f"{EXTRACT}request or response body error\n cause: operation timed out", "index-unreachable"),
        # The release, or the index that had it, is gone since it was locked.
        (f"error: No solution found when resolving dependencies\n cause: {GONE}", "index-unreachable"),
        (f"{DOWNLOAD}Hash mismatch for `alpha==1`\n Expected: sha256:a", "damaged-download"),
        (f"{EXTRACT}Bad uncompressed size", "damaged-download"),
        (f"{DOWNLOAD}corrupt deflate stream", "damaged-download"),
        (f"{BUILD}a.c:3: error: unexpected end of file", "uninstallable"),
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


def test_a_lock_with_sources_alone_is_said_and_is_no_fault_of_a_release() -> None:
    words = (
        "error: No solution found when resolving dependencies\n  cause: Because beta==1.0 has no usable wheels and you "
        "require beta==1.0, we can conclude that your requirements are unsatisfiable.\n\nhint: Wheels are required for "
        "`beta` because building from source is disabled for all packages (i.e., with `--no-build`)"
    )
    sentence = "beta==1.0 has no wheel for Python 3.12 here, and sources are built only with --build"
    assert _install_outcome(words, "3.12") == ("no-wheel-for-platform", sentence)


def test_every_field_of_a_result_is_kept_as_evidence() -> None:
    assert CellResult.model_fields.keys() <= Evidence.model_fields.keys()
    assert CellResult(outcome="ran", started=dt.datetime.now(dt.UTC), seconds=1.0).tests == ()


# --- a whole run, with a package cache and tests that answer from rules ---

ADDRESS = "https://me:pw@x.example/simple"
FENCE = Isolation(network="loopback only", memory_limit_mb=100, time_limit_s=10)


class FakeCache:
    """A cache that installs nothing. `done` has the calls in order."""

    stderr = ""
    compiled = 0
    changed: ClassVar[dict[str, str]] = {}
    marks: ClassVar[Iterator[str]] = iter(())

    def __init__(self, *_: object) -> None:
        self.done: list[str] = []
        self.whole = False
        made.append(self)

    def in_use(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    packages = Path("/packages")

    def sync(
        self, *_: object, copied: bool = False, build: bool = False, **__: object
    ) -> subprocess.CompletedProcess[str]:
        self.done.append("copy" if copied else "build" if build else "sync")
        return subprocess.CompletedProcess([], 1 if self.stderr else 0, "", self.stderr)

    def heal(self, _: Lock, fresh: tuple[FreshWheel, ...] = (), *, whole: bool = False) -> dict[str, str]:
        """The first time, before the installation, nothing is changed."""
        self.whole = whole
        return self.changed if self.done and fresh else {}

    def wheels(self, _: Lock) -> tuple[FreshWheel, ...]:
        files = next(self.marks, "{}")
        return (FreshWheel(Path("/packages/beta"), "beta", files, None),) if self.done else ()

    def with_bytecode(self, _: Lock) -> list[str]:
        """Instead of what had bytecode, what was done by then to the environment that is now to be linked."""
        return self.done[len(self.done) - self.done[::-1].index("renew") :] if "renew" in self.done else [*self.done]

    def compile(self, _: Lock, __: Path, before: list[str]) -> int:
        assert "sync" not in before
        assert "copy" not in before
        self.done.append("compile")
        return self.compiled

    def renew(self, *_: object) -> None:
        self.done.append("renew")


made: list[FakeCache] = []


@pytest.fixture
def harness(tmp_path: Path) -> Path:
    """What stands for the folder with pytest."""
    folder = tmp_path / "harness"
    folder.mkdir()
    (folder / "pytest.py").write_text("fine = 1\n")
    files_of(folder).write_text(manifest(folder))
    return folder


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, harness: Path) -> CellObservations:
    """The observations of the tests of the cell. A test can change them before it runs the cell."""
    observations = CellObservations(
        FENCE, was_collected=True, environments=[("start", dict(SAME)), ("end", dict(SAME))]
    )
    monkeypatch.setattr(session, "PackageCache", FakeCache)
    monkeypatch.setattr(session, "find_means", lambda _: Means("", layers=False, network=True))
    monkeypatch.setattr(session, "install_harness", lambda *_: harness)
    monkeypatch.setattr(session, "adopt_orphans", lambda: None)
    monkeypatch.setattr(session, "supervise", lambda *_: observations)
    made.clear()
    return observations


def run_cell(folder: Path, **more: object) -> CellResult:
    return session.run(job("alpha", folder=folder, **more), Path("/env/bin/python"))


def test_a_cell_that_ran_has_its_tests_and_what_was_installed(tmp_path: Path, seen: CellObservations) -> None:
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
    tmp_path: Path, seen: CellObservations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeCache, "compiled", 3)
    assert run_cell(tmp_path).outcome == "ran"
    assert made[0].done == ["sync", "compile", "renew", "sync"]


@pytest.mark.usefixtures("seen")
def test_sources_are_built_only_if_that_is_asked_for(tmp_path: Path) -> None:
    run_cell(tmp_path, build=True)
    assert made[0].done == ["build", "compile"]


@pytest.mark.parametrize(("layers", "done"), [(True, "sync"), (False, "copy")])
def test_in_a_sandbox_no_test_can_change_the_package_cache(
    layers: bool, done: str, tmp_path: Path, seen: CellObservations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What tests change in their environment goes into a layer of their own, or the environment is a copy."""
    used: list[Sandbox] = []
    monkeypatch.setattr(session, "find_means", lambda _: Means("/bwrap", layers=layers, network=True))

    def supervise(*given: Any) -> CellObservations:
        used.append(given[4])
        return seen

    monkeypatch.setattr(session, "supervise", supervise)
    run_cell(tmp_path)
    assert made[0].done == [done, "compile"]
    (sandbox,) = used
    assert (sandbox.environment, sandbox.layer is not None) == (Path("/env"), layers)


@pytest.mark.usefixtures("seen")
def test_a_cell_that_changed_the_package_cache_shows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeCache, "changed", {"beta": "beta/core.py"})
    result = run_cell(tmp_path)
    assert result.outcome == "invalid"
    assert result.detail.startswith("beta/core.py of beta was changed in the package cache while the tests ran, so ")


def test_a_cell_that_altered_pytest_and_kept_size_and_time_shows_nothing(
    tmp_path: Path, harness: Path, seen: CellObservations, monkeypatch: pytest.MonkeyPatch
) -> None:
    def supervise(*_: object) -> CellObservations:
        alter(harness / "pytest.py", "evil = 1\n")
        return seen

    monkeypatch.setattr(session, "supervise", supervise)
    result = run_cell(tmp_path)
    sentence = "files of pytest, with which the tests ran, were altered while they ran"
    assert (result.outcome, result.detail, result.observed) == ("invalid", sentence, None)


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize(
    ("marks", "done", "outcome"),
    [
        (["", "{}"], ["sync", "compile", "renew", "sync", "compile"], "ran"),
        (["", ""], ["sync", "compile", "renew", "sync", "compile"], "damaged-download"),
        (["{}"], ["sync", "compile"], "ran"),
    ],
    ids=["once", "twice", "never"],
)
def test_a_wheel_that_is_not_what_its_record_says_is_fetched_once_more(
    marks: list[str], done: list[str], outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeCache, "marks", iter(marks))
    result = run_cell(tmp_path)
    assert (result.outcome, made[0].done) == (outcome, done)
    assert ("beta" in result.detail) == (outcome != "ran")


def starts(folder: Path, name: str, code: int) -> Path:
    """A program in the place of an interpreter."""
    program = folder / name
    program.write_text(f"#!/bin/sh\nexit {code}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("inside", "outside", "outcome"), [(3, 0, "uninstallable"), (3, 3, "crashed"), (0, 0, "crashed")]
)
def test_an_environment_in_which_no_interpreter_starts_is_red_unless_the_interpreter_is_at_fault(
    inside: int, outside: int, outcome: str, tmp_path: Path, seen: CellObservations
) -> None:
    seen.environments.clear()
    asked = job("alpha", folder=tmp_path, interpreter=starts(tmp_path, "outside", outside))
    result = session.run(asked, starts(tmp_path, "inside", inside))
    assert result.outcome == outcome
    if outcome == "uninstallable":
        assert result.detail == (
            "no program starts in the environment: its interpreter ends with code 3 before it runs any"
        )


@pytest.mark.usefixtures("seen")
def test_a_session_whose_engine_has_ended_begins_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(session.ENGINE, "1" if os.getppid() != 1 else "2")
    with pytest.raises(StackcompatError, match="the process that asked for this cell has ended"):
        run_cell(tmp_path)
    assert made == []


def test_a_lock_that_does_not_install_runs_no_test(
    tmp_path: Path, seen: CellObservations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeCache, "stderr", f"error: Failed to build `alpha==1` of {ADDRESS}")
    monkeypatch.setattr(session, "supervise", lambda *_: pytest.fail("nothing is installed"))
    result = run_cell(tmp_path)
    assert (result.outcome, result.tests, result.observed) == ("uninstallable", (), None)
    assert "x.example" not in result.log + result.detail
    assert made[0].done == ["sync"]


LEFT: Any = {"t.py::one": {"test": "t.py::one", "alone": False, "environment": {}}}


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
        ({"was_collected": False}, "crashed", "the interpreter ended before the tests were collected", True),
        ({"over_time": True}, "timeout", "the cell's limit of 900 s was reached", True),
        ({"collected": LEFT}, "crashed", "the interpreter ended before 1 of the tests could begin", True),
    ],
)
def test_what_keeps_a_run_from_counting_is_said(
    tmp_path: Path, seen: CellObservations, change: dict[str, Any], outcome: str, detail: str, observed: bool
) -> None:
    for name, value in change.items():
        setattr(seen, name, value)
    result = run_cell(tmp_path)
    assert (result.outcome, result.detail, result.observed is not None) == (outcome, detail, observed)


@pytest.mark.parametrize(("suite_error", "kept"), [("", True), ("broken", False)])
def test_artifacts_are_kept_where_the_tests_ran(
    tmp_path: Path, seen: CellObservations, monkeypatch: pytest.MonkeyPatch, suite_error: str, kept: bool
) -> None:
    seen.suite_error = suite_error
    box = {"test": "t.py::write", "level": "exchange", "components": (), "outcome": "passed", "artifact": "box"}
    seen.results["t.py::write"] = TestResult.model_validate(box)

    def write(job: Job, *_: object) -> CellObservations:
        (job.artifacts / "box").mkdir()
        return seen

    monkeypatch.setattr(session, "supervise", write)
    run_cell(tmp_path, exchange=Exchange(mode="write", store=tmp_path / "store"))
    assert (tmp_path / "store" / "box").is_dir() == kept


# --- the caches of compilers ---

KERNEL = CompilerCache(keyed_by=("alpha",), environment={"KERNEL_CACHE": "{folder}"})
HASHED = Lock.parse(LOCK.text().replace("alpha==1.0", "alpha==1.0 --hash=sha256:a"), "3.12", "linux-x86_64")


def run_compiling(folder: Path, **more: object) -> CellResult:
    fields = {"lock": HASHED, "cache": folder / "cache", "compilers": {"alpha": KERNEL}, "leaves_programs": True}
    (folder / "job").mkdir(exist_ok=True)
    shutil.rmtree(folder / "job")
    (folder / "job").mkdir()
    return run_cell(folder / "job", **(fields | more))


@pytest.fixture
def compiling(seen: CellObservations, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs of the tests, in order. The tests compile one program wherever they have a cache."""
    jobs: list[Job] = []

    def supervise(job: Job, *_: object) -> CellObservations:
        jobs.append(job)
        if "KERNEL_CACHE" in job.variables:
            Path(job.variables["KERNEL_CACHE"], "program").touch()
        return seen

    monkeypatch.setattr(session, "supervise", supervise)
    monkeypatch.setattr(compiler_cache, "processor", lambda: ["flags: fast"])
    return jobs


def put(seen: CellObservations, outcome: str) -> None:
    seen.results["t.py::one"] = TestResult.model_validate(
        {"test": "t.py::one", "level": "run", "components": ("alpha",), "outcome": outcome}
    )


def test_a_green_cell_leaves_its_programs(tmp_path: Path, seen: CellObservations, compiling: list[Job]) -> None:
    put(seen, "passed")
    assert run_compiling(tmp_path).compiler_caches == (CompilerCacheUse(distribution="alpha", found=0, added=1),)
    assert run_compiling(tmp_path).compiler_caches == (CompilerCacheUse(distribution="alpha", found=1, added=0),)


@pytest.mark.parametrize(
    ("outcome", "change", "more"),
    [
        ("failed", {}, {}),
        ("passed", {"foreign": ["six from x"]}, {}),
        ("passed", {"over_time": True}, {}),
        ("passed", {}, {"leaves_programs": False}),
    ],
    ids=["red", "invalid", "timeout", "not trusted"],
)
def test_other_cells_leave_none(
    tmp_path: Path,
    seen: CellObservations,
    compiling: list[Job],
    outcome: str,
    change: dict[str, Any],
    more: dict[str, Any],
) -> None:
    put(seen, outcome)
    for name, value in change.items():
        setattr(seen, name, value)
    for _ in range(2):
        assert run_compiling(tmp_path, **more).compiler_caches == (CompilerCacheUse(distribution="alpha", found=0),)


def test_doubted_tests_that_fail_without_the_cache_are_not_tried_with_it(
    tmp_path: Path, seen: CellObservations, compiling: list[Job]
) -> None:
    put(seen, "failed")
    result = run_compiling(tmp_path, doubted=("t.py::one", "t.py::absent"))
    assert [job.variables for job in compiling] == [{}]
    assert (result.compiler_caches, result.failed_with_caches) == ((), ())


def test_a_build_that_asks_for_another_host_than_the_index_is_no_fault_of_the_release() -> None:
    words = "error: Failed to build `beta==1.0`\nstackcompat: a build asked for x.example:443, and builds reach less\n"
    outcome, detail = _install_outcome(words)
    assert outcome == "index-unreachable"
    assert detail == "a build asked for x.example:443, and builds reach less (STACKCOMPAT_BUILD_HOSTS names others)"
    # What a build has said itself is not the last line.
    assert _install_outcome(words + "hint: This usually indicates a problem with the package")[0] == "uninstallable"


def test_a_wheel_that_nobody_can_install_is_no_fault_of_the_index() -> None:
    words = "error: Failed to download `a==1.0`\n  cause: The wheel is invalid: Multiple .dist-info directories: a, b"
    assert _install_outcome(words)[0] == "uninstallable"
