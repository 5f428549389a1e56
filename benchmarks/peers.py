"""The cells of a matrix, as people test many sets of versions today, and as stackcompat does.

    python benchmarks/peers.py --rounds 5 --json peers.json --write docs/performance.md
    python benchmarks/peers.py --stackcompat before /venvs/before/bin/python /checkouts/before --stackcompat now ...

Every tool gets the same locks (requirements files with hashes), the same tests, and the same number of cores, and makes
new environments in each round. The rounds are interleaved: each round runs every tool once, beginning with another one.

``nox-pip``       nox with virtualenv and pip, one cell after another
``nox-uv``        nox with uv, as many cells at once as there are cores
``tox-uv``        tox with tox-uv, as many cells at once as there are cores
``uv-run``        ``uv run --isolated``, as many cells at once as there are cores
``stackcompat``   ``stackcompat run``, with locks but no evidence in its store

stackcompat does more than the others: it reads the index, imports every public module, runs a red cell again, isolates
the tests and keeps evidence.
With warm caches, every tool has run once before. With cold caches, each run begins with empty folders for packages. The
tests of a cell are those that stackcompat ran there with a result; the outcome of each is compared. Exit code 1 if one
differs.

The package caches are on one file system with the environments, so that uv links files. pip compiles bytecode when it
installs and uv does not; both are left as they are by default.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import uv
from measuring import HERE, Build, Measured, RunSeen, clean_environment, machine, measure, table, write_block

from stackcompat.ecosystem.interpreters import find_interpreters

#: What the tools are installed from, into an environment of their own.
TOOLS = ("nox", "pip", "pytest", "tox", "tox-uv", "uv", "virtualenv")
#: Tests with other outcomes end their process, which one pytest for a cell does not survive; or were not run at all.
WITH_RESULT = ("passed", "failed")
#: The tests of every public module, which stackcompat makes out of what is installed.
SWEEP = "test_sweep.py::"


class PeerCell(NamedTuple):
    """One cell for the other tools.

    Attributes:
        name: Its name as an environment of tox.
        interpreter: The interpreter that its environment is made from.
        requirements: Its lock, and pytest, as a file.
        job: The file with its tests, for `peers_plugin.py`.
        files: The test files that are collected.
        expected: The outcome of each test.
    """

    name: str
    interpreter: Path
    requirements: Path
    job: Path
    files: tuple[str, ...]
    expected: dict[str, str]


class Workplace(NamedTuple):
    """Where the tools work.

    Attributes:
        folder: The folder that all of it is in.
        caches: The folder of the warm caches.
        suite: The folder of the tests.
        tools: The folder with the programs of the tools.
        jobs: How many cells run at once.
    """

    folder: Path
    caches: Path
    suite: Path
    tools: Path
    jobs: int

    def pytest(self, cell: PeerCell, results: Path) -> list[str]:
        """The command for the tests of a cell, by the Python of its environment."""
        options = ["-q", "--color=no", "-p", "no:cacheprovider", "-p", "no:warnings", "-p", "no:faulthandler"]
        options += ["-o", "addopts=", "--rootdir", str(self.suite), "--confcutdir", str(self.suite), "-c", os.devnull]
        options += ["-p", "peers_plugin", "-o", "junit_family=xunit1", "--junitxml", str(results / f"{cell.name}.xml")]
        return ["python", "-m", "pytest", *options, *(str(self.suite / name) for name in cell.files)]

    def variables(self, cell: PeerCell) -> dict[str, str]:
        """The variables of that command."""
        return {"PEERS_CELL": str(cell.job), "PYTHONPATH": str(self.folder / "plugin")}


# ---------------------------------------------------------------------------------------------------------------------
# The tools
# ---------------------------------------------------------------------------------------------------------------------

_NOXFILE = """\
import json
from pathlib import Path

import nox


def define(cell):
    @nox.session(name=cell["name"], python=cell["interpreter"])
    def tests(session):
        session.install("--require-hashes", "-r", cell["requirements"])
        session.chdir(cell["suite"])
        session.run(*cell["command"], env=cell["variables"])


for cell in json.loads(Path(__file__).with_name("cells.json").read_text()):
    define(cell)
"""


def _nox(place: Workplace, cells: Sequence[PeerCell], folder: Path, *options: str) -> list[str]:
    described = [
        {
            "name": cell.name,
            "interpreter": str(cell.interpreter),
            "requirements": str(cell.requirements),
            "suite": str(place.suite),
            "command": place.pytest(cell, folder),
            "variables": place.variables(cell),
        }
        for cell in cells
    ]
    (folder / "cells.json").write_text(json.dumps(described), encoding="utf-8")
    (folder / "noxfile.py").write_text(_NOXFILE, encoding="utf-8")
    files = ("--noxfile", str(folder / "noxfile.py"), "--envdir", str(folder / "environments"))
    return [str(place.tools / "nox"), *files, "--reuse-venv", "never", *options]


def nox_pip(place: Workplace, cells: Sequence[PeerCell], folder: Path) -> list[str]:
    """Write what nox with virtualenv needs into a folder; the command."""
    return _nox(place, cells, folder, "--default-venv-backend", "virtualenv")


def nox_uv(place: Workplace, cells: Sequence[PeerCell], folder: Path) -> list[str]:
    """Write what nox with uv needs into a folder; the command."""
    together = ("--parallel", str(place.jobs), "--allow-parallel")
    return _nox(place, cells, folder, "--default-venv-backend", "uv", *together)


def tox_uv(place: Workplace, cells: Sequence[PeerCell], folder: Path) -> list[str]:
    """Write what tox with tox-uv needs into a folder; the command."""
    lines = ["[tox]", "no_package = true", f"env_list = {','.join(cell.name for cell in cells)}"]
    for cell in cells:
        lines += [f"[testenv:{cell.name}]", f"base_python = {cell.interpreter}", f"deps = -r{cell.requirements}"]
        lines += [f"change_dir = {place.suite}", "pass_env = *", "set_env ="]
        lines += [f"    {name} = {value}" for name, value in place.variables(cell).items()]
        lines += [f"commands = {' '.join(place.pytest(cell, folder))}"]
    (folder / "tox.ini").write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = ("--workdir", str(folder / "environments"), "--parallel", str(place.jobs), "--parallel-no-spinner")
    return [str(place.tools / "tox"), "run-parallel", "-c", str(folder / "tox.ini"), *options]


def uv_run(place: Workplace, cells: Sequence[PeerCell], folder: Path) -> list[str]:
    """Write a script for each cell that calls ``uv run`` into a folder; the command that runs them."""
    for cell in cells:
        exports = [f"export {name}={value}" for name, value in place.variables(cell).items()]
        made = ["uv", "run", "--isolated", "--no-project", "--python", str(cell.interpreter)]
        made += ["--with-requirements", str(cell.requirements)]
        script = [f"cd {place.suite}", *exports, " ".join([*made, *place.pytest(cell, folder)])]
        (folder / f"{cell.name}.sh").write_text("\n".join(script) + "\n", encoding="utf-8")
    names = "\n".join(str(folder / f"{cell.name}.sh") for cell in cells)
    (folder / "scripts.txt").write_text(names + "\n", encoding="utf-8")
    return ["xargs", "-a", str(folder / "scripts.txt"), "-P", str(place.jobs), "-n", "1", "sh"]


PEERS: dict[str, Callable[[Workplace, Sequence[PeerCell], Path], list[str]]] = {
    "nox-pip": nox_pip,
    "nox-uv": nox_uv,
    "tox-uv": tox_uv,
    "uv-run": uv_run,
}


def install_tools(folder: Path) -> tuple[Path, dict[str, str]]:
    """Make an environment with the newest releases of the tools; the folder of their programs, and their versions."""
    program, environment = uv.find_uv_bin(), clean_environment()
    subprocess.run([program, "venv", "--quiet", "--python", sys.executable, folder], env=environment, check=True)
    asked = [program, "pip", "--quiet", "--python", str(folder / "bin" / "python")]
    subprocess.run([asked[0], *asked[1:2], "install", *asked[2:], *TOOLS], env=environment, check=True)
    listing = [asked[0], "pip", "list", "--format", "json", *asked[2:]]
    done = subprocess.run(listing, env=environment, check=True, capture_output=True, text=True)
    versions = {entry["name"]: entry["version"] for entry in json.loads(done.stdout)}
    return folder / "bin", {name: versions[name] for name in TOOLS}


# ---------------------------------------------------------------------------------------------------------------------
# The cells
# ---------------------------------------------------------------------------------------------------------------------


def make_cells(build: Build, store: Path, matrix: str, place: Workplace, pytest_version: str) -> list[PeerCell]:
    """The cells of a matrix for the other tools, from what a build has locked and run."""
    seen = build.read(store, matrix)
    runs, cells = seen.first_runs(), []
    interpreters = find_interpreters()
    for number, planned in enumerate(seen.cells, start=1):
        run = runs.get(planned.key)
        if run is None or run.outcome != "ran":
            print(f"left out, since its tests did not run: {planned.label} on Python {planned.python}")
            continue
        expected = {
            test: seen.outcome
            for test, seen in run.tests.items()
            if seen.outcome in WITH_RESULT and not test.startswith(SWEEP)
        }
        name = f"cell{number}"
        interpreter = interpreters[planned.python].path
        requirements = place.folder / "cells" / f"{name}.txt"
        requirements.parent.mkdir(exist_ok=True)
        pins = "".join(f"{pin}=={version}\n" for pin, version in planned.pins.items())
        requirements.write_text(planned.lock + _pytest_lines(pytest_version, interpreter, pins), encoding="utf-8")
        job = requirements.with_suffix(".json")
        job.write_text(json.dumps({"tests": list(expected), "imports": _imports(run)}), encoding="utf-8")
        files = tuple(sorted({test.partition("::")[0] for test in expected}))
        cells.append(PeerCell(name, interpreter, requirements, job, files, expected))
    return cells


def _imports(run: RunSeen) -> list[tuple[str, str]]:
    """The distribution and the module of each test of one import, by the test's name and what it uses."""
    tests = [test for test in run.tests if test.startswith("test_import.py::test_import[")]
    return [(run.components[test][0], test.partition("[")[2].removesuffix("]")) for test in tests]


def _pytest_lines(version: str, interpreter: Path, pins: str) -> str:
    """pytest, and what it needs beside a lock, as lines with hashes."""
    with tempfile.TemporaryDirectory() as name:
        constraints, asked = Path(name, "constraints.txt"), Path(name, "requirements.in")
        constraints.write_text(pins, encoding="utf-8")
        asked.write_text(f"pytest=={version}\n", encoding="utf-8")
        command = [uv.find_uv_bin(), "pip", "compile", "--quiet", "--generate-hashes", "--no-annotate", "--no-header"]
        command += ["--python", str(interpreter), "--constraint", str(constraints), str(asked)]
        done = subprocess.run(command, env=clean_environment(), check=True, capture_output=True, text=True)
    locked = {line.partition("==")[0] for line in pins.splitlines()}
    blocks = done.stdout.replace("\\\n", "").splitlines()
    return "".join(block + "\n" for block in blocks if block.partition("==")[0] not in locked)


def read_results(folder: Path, cell: PeerCell) -> dict[str, str]:
    """The outcome of each test of a cell, from the JUnit file that pytest wrote; none if it wrote none."""
    path = folder / f"{cell.name}.xml"
    if not path.is_file():
        return {}
    found = {}
    for case in ET.parse(path).getroot().iter("testcase"):  # noqa: S314  (pytest wrote it a moment ago)
        kinds = {child.tag for child in case}
        red = bool(kinds & {"failure", "error"})
        outcome = "failed" if red else "not-applicable" if "skipped" in kinds else "passed"
        found[f"{case.get('file')}::{case.get('name')}"] = outcome
    return found


# ---------------------------------------------------------------------------------------------------------------------
# The rounds
# ---------------------------------------------------------------------------------------------------------------------


class Turn(NamedTuple):
    """One run of one tool.

    Attributes:
        tool: The tool.
        caches: ``warm`` or ``cold``.
        measured: What it took.
        outcomes: How many tests had each outcome.
        differing: The tests whose outcome was another one, each with both.
    """

    tool: str
    caches: str
    measured: Measured
    outcomes: dict[str, int]
    differing: tuple[str, ...]


def compare(cells: Iterable[PeerCell], results: Mapping[str, Mapping[str, str]]) -> tuple[dict[str, int], list[str]]:
    """How many tests had each outcome, and the tests with another outcome than expected, each with both."""
    counts: Counter[str] = Counter()
    differing = []
    for cell in cells:
        seen = results.get(cell.name, {})
        for test, expected in cell.expected.items():
            outcome = seen.get(test, "no result")
            counts[outcome] += 1
            if outcome != expected:
                differing.append(f"{cell.name} {test}: {outcome} instead of {expected}")
    return dict(counts), differing


class Contest:
    """The rounds of all tools.

    Args:
        place: Where they work.
        builds: The builds of stackcompat. The first one makes the locks and says which tests there are.
        peers: The names of the other tools.
        matrix: The file of the matrix, in the project of every build.
    """

    def __init__(self, place: Workplace, builds: Sequence[Build], peers: Sequence[str], matrix: str) -> None:
        self._place = place
        self._builds = {build.name: build for build in builds}
        self._peers = peers
        self._matrix = matrix
        self._log = place.folder / "log.txt"
        self.cells: list[PeerCell] = []
        self.turns: list[Turn] = []

    def prepare(self, pytest_version: str) -> None:
        """Lock the matrix with every build, and run it once with the first, which warms its caches."""
        first = next(iter(self._builds.values()))
        for build in self._builds.values():
            self._stackcompat(build, self._locked(build), "plan", self._matrix, "--shards", "1")
        store = self._place.folder / "reference.sqlite"
        _copy(self._locked(first), store)
        self._stackcompat(first, store, "run", self._matrix, "--no-report", "--jobs", str(self._place.jobs))
        self.cells = make_cells(first, store, self._matrix, self._place, pytest_version)
        for name in [*list(self._builds)[1:], *self._peers]:
            self._turn(name, "warm")

    def round(self, number: int, caches: str) -> None:
        """Run every tool once."""
        names = [*self._builds, *self._peers]
        first = number % len(names)
        for name in names[first:] + names[:first]:
            turn = self._turn(name, caches)
            self.turns.append(turn)
            print(
                f"{caches} {name}: {turn.measured.wall:.1f} s, {turn.measured.cpu:.1f} s of CPU, {turn.outcomes}, "
                f"{len(turn.differing)} outcomes differ",
                flush=True,
            )

    def _turn(self, name: str, caches: str) -> Turn:
        with tempfile.TemporaryDirectory(dir=self._place.folder, prefix=f"{name}-") as folder:
            home = Path(folder)
            build = self._builds.get(name)
            if build is not None:
                return self._stackcompat_turn(build, caches, home)
            cache = home / "cache" if caches == "cold" else self._place.caches / "peers"
            environment = clean_environment(UV_CACHE_DIR=str(cache / "uv"), PIP_CACHE_DIR=str(cache / "pip"))
            environment["PATH"] = f"{self._place.tools}{os.pathsep}{environment['PATH']}"
            command = PEERS[name](self._place, self.cells, home)
            measured = measure(command, folder=home, environment=environment, log=self._log)
            results = {cell.name: read_results(home, cell) for cell in self.cells}
        counts, differing = compare(self.cells, results)
        return Turn(name, caches, measured, counts, tuple(differing))

    def _stackcompat_turn(self, build: Build, caches: str, home: Path) -> Turn:
        store, cache = home / "store.sqlite", self._cache(build)
        _copy(self._locked(build), store)
        if caches == "cold":
            cache = home / "cache"
            # What the index says is no package: the other tools get their locks from files.
            shutil.copytree(self._cache(build) / "index", cache / "index")
        arguments = ("run", self._matrix, "--no-report", "--jobs", str(self._place.jobs))
        measured = self._stackcompat(build, store, *arguments, cache=cache)
        seen = build.read(store, self._matrix)
        runs = seen.first_runs()
        planned = {f"cell{number}": cell for number, cell in enumerate(seen.cells, start=1)}
        results, differing = {}, []
        for cell in self.cells:
            other = planned.get(cell.name)
            if other is None or not cell.requirements.read_text(encoding="utf-8").startswith(other.lock):
                differing.append(f"{cell.name}: another lock")
            elif other.key in runs:
                results[cell.name] = {test: result.outcome for test, result in runs[other.key].tests.items()}
        counts, others = compare(self.cells, results)
        return Turn(build.name, caches, measured, counts, (*differing, *others))

    def _stackcompat(self, build: Build, store: Path, *arguments: str, cache: Path | None = None) -> Measured:
        environment = build.environment(store, cache or self._cache(build))
        measured = measure(build.command(*arguments), folder=self._place.folder, environment=environment, log=self._log)
        if measured.code not in (0, 1):
            sys.exit(f"{build.name}: {arguments[0]} ended with code {measured.code}; see {self._log}")
        return measured

    def _cache(self, build: Build) -> Path:
        return self._place.caches / build.name

    def _locked(self, build: Build) -> Path:
        return self._place.folder / f"locked-{build.name}.sqlite"


def _copy(source: Path, target: Path) -> None:
    """Copy a store, with what SQLite keeps beside it."""
    with sqlite3.connect(source) as original, sqlite3.connect(target) as copy:
        original.backup(copy)
    original.close()
    copy.close()


def make_project(folder: Path, checkout: Path, matrix: Path) -> Path:
    """A checkout for a build: its own components, one matrix, and the smoke tests of this working tree.

    Args:
        folder: The folder that is made.
        checkout: Has the components that the build can read.
        matrix: The matrix.
    """
    shutil.copytree(checkout / "matrices", folder / "matrices")
    shutil.copyfile(matrix, folder / "matrices" / matrix.name)
    shutil.copytree(HERE / "tests" / "interop", folder / "tests" / "interop")
    return folder


# ---------------------------------------------------------------------------------------------------------------------
# The figures
# ---------------------------------------------------------------------------------------------------------------------


def figures(turns: Sequence[Turn], builds: Sequence[str]) -> str:
    """The table of all tools, by caches: medians, and how many times as long as each build a tool took."""
    parts = []
    for caches in dict.fromkeys(turn.caches for turn in turns):
        by_tool: dict[str, list[Turn]] = {}
        for turn in turns:
            if turn.caches == caches:
                by_tool.setdefault(turn.tool, []).append(turn)
        walls = {tool: statistics.median(turn.measured.wall for turn in some) for tool, some in by_tool.items()}
        rows = [_row(tool, by_tool[tool], walls, builds) for tool in sorted(walls, key=lambda tool: walls[tool])]
        heads = [
            "tool",
            "seconds",
            "range",
            "CPU seconds",
            *(f"times {build}" for build in builds),
            "passed",
            "failed",
            "differ",
        ]
        parts.append(f"With {caches} caches:\n\n{table(heads, rows)}")
    return "\n\n".join(parts)


def _row(tool: str, turns: Sequence[Turn], walls: Mapping[str, float], builds: Sequence[str]) -> list[str]:
    every = sorted(turn.measured.wall for turn in turns)
    cpu = statistics.median(turn.measured.cpu for turn in turns)
    last = turns[-1]
    differing = len({test for turn in turns for test in turn.differing})
    return [
        tool,
        f"{walls[tool]:.1f}",
        f"{every[0]:.1f} to {every[-1]:.1f}",
        f"{cpu:.1f}",
        *(f"{walls[tool] / walls[build]:.2f}" for build in builds),
        str(last.outcomes.get("passed", 0)),
        str(last.outcomes.get("failed", 0)),
        str(differing),
    ]


def main() -> int:
    """Run the rounds; the exit code."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--matrix", type=Path, default=HERE / "matrices" / "quick.toml")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="cells at once, for all but nox-pip")
    options.add_argument("--tools", default=",".join(PEERS), help="the other tools, with commas; default: all")
    options.add_argument("--warm", action="store_true", help="with warm caches; the default")
    options.add_argument("--cold", action="store_true", help="with cold caches; needs the network")
    options.add_argument(
        "--stackcompat",
        nargs=3,
        action="append",
        metavar=("NAME", "PYTHON", "CHECKOUT"),
        help="a build, by its interpreter and the checkout with its matrices; default: this one",
    )
    options.add_argument("--folder", type=Path, help="where caches stay warm; default: a temporary folder")
    options.add_argument("--json", type=Path, help="write all figures to this file")
    options.add_argument("--write", type=Path, help="write the table into this page")
    given = options.parse_args()
    peers = [name for name in given.tools.split(",") if name]
    unknown = [name for name in peers if name not in PEERS]
    if unknown:
        options.error(f"--tools: {', '.join(unknown)} is not known; allowed are {', '.join(PEERS)}")
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="peers-") as name:
        folder = Path(name).resolve()
        builds = [
            Build(name, Path(python).absolute(), make_project(folder / f"project-{name}", Path(checkout), given.matrix))
            for name, python, checkout in given.stackcompat or [("stackcompat", sys.executable, HERE)]
        ]
        tools, versions = install_tools(folder / "tools")
        (folder / "plugin").mkdir()
        shutil.copy(Path(__file__).with_name("peers_plugin.py"), folder / "plugin")
        caches = (given.folder or folder).resolve() / "caches"
        place = Workplace(folder, caches, builds[0].project / "tests" / "interop", tools, given.jobs)
        contest = Contest(place, builds, peers, given.matrix.stem)
        contest.prepare(versions["pytest"])
        for caches in [*(["warm"] if given.warm or not given.cold else []), *(["cold"] if given.cold else [])]:
            for number in range(given.rounds):
                contest.round(number, caches)
    size = f"{len(contest.cells)} cells of `{given.matrix.stem}`, {given.rounds} rounds, {given.jobs} cells at once"
    releases = ", ".join(f"{tool} {version}" for tool, version in versions.items())
    text = f"{size}, on {machine()}; {releases}.\n\n{figures(contest.turns, [build.name for build in builds])}"
    print(text)
    differing = sorted({f"{turn.tool}: {test}" for turn in contest.turns for test in turn.differing})
    print("\n".join(["", *differing]))
    if given.json:
        _write_json(given.json, contest.turns, versions)
    if given.write:
        write_block(given.write, "peers", text)
    return bool(differing)


def _write_json(path: Path, turns: Iterable[Turn], versions: Mapping[str, str]) -> None:
    described: list[dict[str, Any]] = [turn._asdict() | {"measured": turn.measured._asdict()} for turn in turns]
    document = {"machine": machine(), "tools": versions, "turns": described}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
