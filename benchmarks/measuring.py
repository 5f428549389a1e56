"""What the benchmarks of whole runs share: a measured command, a build of stackcompat, tables of figures.

`peers.py` and `night.py` use it. It is no program.
"""

from __future__ import annotations

import json
import os
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from stackcompat.evidence.results import Failure
from stackcompat.run.watchdog import adopt_orphans

__all__ = [
    "HERE",
    "Build",
    "CellSeen",
    "Measured",
    "Outcome",
    "RunSeen",
    "Seen",
    "clean_environment",
    "machine",
    "measure",
    "table",
    "write_block",
]

#: The root of the working tree.
HERE = Path(__file__).resolve().parents[1]
_READ_STORE = Path(__file__).with_name("read_store.py")
#: Seconds that processes can outlive the command that started them before they are ended.
_PATIENCE = 10.0


class Measured(NamedTuple):
    """What a command took: `wall` clock and `cpu` time, in seconds, and its exit `code`.

    The CPU time is that of the command and of every process that it started, directly or not.
    """

    wall: float
    cpu: float
    code: int


def measure(command: Sequence[str | Path], *, folder: Path, environment: Mapping[str, str], log: Path) -> Measured:
    """Run a command, and measure it together with everything that it starts.

    No other child of this process can run meanwhile, since the times of all children are added up. Processes that the
    command leaves behind become children of this process (on Linux), and are ended after some seconds.

    Args:
        command: The command.
        folder: The folder that it runs in.
        environment: Its environment variables.
        log: The file that its output is added to.
    """
    adopt_orphans()
    before, began = _cpu_of_children(), time.monotonic()
    with log.open("ab") as output:
        output.write(f"$ {' '.join(map(str, command))}\n".encode())
        output.flush()
        done = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
    wall = time.monotonic() - began
    _, alive = psutil.wait_procs(psutil.Process().children(recursive=True), timeout=_PATIENCE)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive)
    return Measured(wall, _cpu_of_children() - before, done.returncode)


def _cpu_of_children() -> float:
    """The CPU seconds of all processes that descend from this one and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def clean_environment(**more: str) -> dict[str, str]:
    """The environment variables of this process, with `more`, and without those that change how Python or uv work."""
    ours = re.compile(r"PYTHON|NOX|TOX|UV_|PIP_|VIRTUAL_ENV|PYTEST|STACKCOMPAT_")
    # Where an index is, the tools must be told as ever.
    kept = re.compile(r"(UV|PIP)_.*(INDEX|CERT|TLS|TRUSTED_HOST)")
    return {n: v for n, v in os.environ.items() if not ours.match(n) or kept.match(n)} | more


class Outcome(NamedTuple):
    """What one run says of one test: its `outcome`, and the `signature` of its failure (empty without one)."""

    outcome: str
    signature: str = ""


class RunSeen(NamedTuple):
    """One run in the store of a build.

    Attributes:
        key: The question that it answers.
        attempt: Its number for this question, from 0.
        started: When it began, as ISO 8601.
        outcome: The outcome of the whole run.
        detail: Why it has this outcome; empty if the tests ran.
        tests: The outcome of each test.
        seconds: The seconds of each test that was run for it, by test. Results of other cells are left out.
        components: The distributions that each test uses.
    """

    key: str
    attempt: int
    started: str
    outcome: str
    detail: str
    tests: dict[str, Outcome]
    seconds: dict[str, float]
    components: dict[str, tuple[str, ...]]

    @property
    def real(self) -> bool:
        """Whether an environment was made for it."""
        return self.outcome != "ran" or bool(self.seconds)


class CellSeen(NamedTuple):
    """One cell of the last run of a matrix.

    Attributes:
        key: The key of its evidence; empty if it was not locked.
        python: Its Python.
        label: Its label.
        asked: Its requirements, and the moment that the index is taken back to.
        pins: The version of each distribution in its lock.
        lock: Its lock as a requirements file; empty if it has none.
    """

    key: str
    python: str
    label: str
    asked: tuple[str, ...]
    pins: dict[str, str]
    lock: str


class Seen(NamedTuple):
    """What a build has in its store: the cells of the last run of a matrix, and all runs."""

    cells: tuple[CellSeen, ...]
    runs: tuple[RunSeen, ...]

    def first_runs(self) -> dict[str, RunSeen]:
        """The first run of each question, by key. What another cell confirmed has the time of the run before it."""
        newest_first = sorted(self.runs, key=lambda run: (run.started, run.attempt), reverse=True)
        return {run.key: run for run in newest_first}


class Build(NamedTuple):
    """A build of stackcompat.

    Attributes:
        name: Its name in tables.
        python: The interpreter that it is installed for.
        project: The checkout that it works in.
    """

    name: str
    python: Path
    project: Path

    def command(self, *arguments: str | Path) -> list[str]:
        """A command of this build."""
        return [str(self.python), "-m", "stackcompat", *map(str, arguments), "--project", str(self.project)]

    def environment(self, store: Path, cache: Path) -> dict[str, str]:
        """The environment variables of its commands: where the `store` and the package `cache` are."""
        return clean_environment(STACKCOMPAT_STORE=str(store), STACKCOMPAT_CACHE=str(cache))

    def read(self, store: Path, matrix: str) -> Seen:
        """What is in a `store` of this build about a `matrix`. The build's own code reads it."""
        command = [str(self.python), str(_READ_STORE), str(store), matrix]
        done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{self.name}: {store.name} cannot be read: {done.stderr.strip()[-2000:]}")
        read = json.loads(done.stdout)
        return Seen(tuple(map(_cell, read["cells"])), tuple(map(_run, read["runs"])))


def _cell(read: dict[str, Any]) -> CellSeen:
    return CellSeen(**(read | {"asked": tuple(read["asked"])}))


def _run(read: dict[str, Any]) -> RunSeen:
    tests = {}
    for test in read["tests"]:
        failure = test["failure"]
        # One rule for all builds, so that a change of the rule is no difference.
        tests[test["test"]] = Outcome(test["outcome"], Failure(**failure).signature if failure else "")
    real = {test["test"]: test["seconds"] for test in read["tests"] if not test["reused"]}
    components = {test["test"]: tuple(test["components"]) for test in read["tests"]}
    plain = {name: read[name] for name in ("key", "attempt", "started", "outcome", "detail")}
    return RunSeen(**plain, tests=tests, seconds=real, components=components)


def machine() -> str:
    """This machine in a sentence: how many cores and how much memory, system, Python."""
    memory = psutil.virtual_memory().total / 2**30
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB of memory, {system}, Python {platform.python_version()}"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown. All columns but the first are aligned to the right."""
    lines = [f"| {' | '.join(heads)} |", f"| --- |{' ---: |' * (len(heads) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def write_block(page: Path, name: str, text: str) -> None:
    """Put `text` between the lines ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->`` of a page.

    Raises:
        SystemExit: The page has no such lines.
    """
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        sys.exit(f"{page}: has no lines {begin.strip()} and {end}; add them where the figures belong")
    page.write_text(f"{before}{begin}{text.strip()}\n{end}{after}", encoding="utf-8")
