"""A night of an earlier build and of the working tree side by side: CPU seconds, environments, every test outcome.

    python benchmarks/night.py --cells 6 --pythons 3.12
    python benchmarks/night.py --json night.json --write docs/performance.md

A wheel of the earlier commit and one of the working tree are installed beside equal dependencies. Both run the same
cells with the same smoke tests (those of the working tree without the import sweep, which an earlier build cannot
collect), each with its own store, with one package cache. Each build
reads its own components.toml, which belongs to its code.

``first``    the cells of the policy `pairs` of nightly.toml, and nothing known before
``release``  the same policy a second before the upload of a release, which is not measured, and then an hour after it:
             one component has a new release, and hardly anything else is new

The wheels of all locks are downloaded and compiled before anything is measured. CPU seconds are those of all processes.
``floor`` is the time that the tests took by themselves, over cores and wall clock: the share of the night that no tool
can save without running fewer tests.

Of each test in each cell, the first run of either build is compared: its outcome and the signature of its failure.
Exit code 1 if one differs, or if a lock does, other than those that --excuse names.
"""

from __future__ import annotations

import argparse
import datetime as dt
import fnmatch
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import uv
from measuring import HERE, Build, Measured, Seen, clean_environment, machine, measure, table, write_block

from stackcompat.core.dates import now
from stackcompat.core.requirements import name_of
from stackcompat.ecosystem.index import PackageIndex
from stackcompat.ecosystem.interpreters import find_interpreters, this_platform
from stackcompat.ecosystem.releases import CatalogAt, Release
from stackcompat.evidence.store import Store
from stackcompat.plan.cell import Cell
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.plan import make_plan
from stackcompat.plan.policies import Pairs
from stackcompat.resolve.lock import Lock

#: The commit that the working tree is compared with.
OLD = "02be743"
#: How long after its first file a release has all its files.
UPLOAD = dt.timedelta(hours=1)
#: Differences that are printed in full.
SHOWN = 50


# ---------------------------------------------------------------------------------------------------------------------
# The builds
# ---------------------------------------------------------------------------------------------------------------------


def make_build(name: str, source: Path, folder: Path, constraints: Path | None = None) -> Build:
    """Build a wheel, and install it into an environment of its own, with a checkout for it.

    Args:
        name: The name of the build.
        source: Its sources.
        folder: The folder that everything is made in.
        constraints: The versions of its dependencies.
    """
    program, environment = uv.find_uv_bin(), clean_environment()
    home = folder / name
    built = [program, "build", "--quiet", "--wheel", "--out-dir", str(home / "wheel"), str(source)]
    subprocess.run(built, env=environment, check=True)
    made = [program, "venv", "--quiet", "--python", sys.executable, str(home / "environment")]
    subprocess.run(made, env=environment, check=True)
    python = home / "environment" / "bin" / "python"
    install = [program, "pip", "install", "--quiet", "--python", str(python)]
    install += ["--constraint", str(constraints)] if constraints else []
    subprocess.run([*install, *map(str, (home / "wheel").glob("*.whl"))], env=environment, check=True)
    project = home / "project"
    (project / "matrices").mkdir(parents=True)
    shutil.copy(source / "matrices" / "components.toml", project / "matrices")
    # An earlier build cannot collect the import sweep.
    sweep = shutil.ignore_patterns("test_sweep.py", "__pycache__")
    shutil.copytree(HERE / "tests" / "interop", project / "tests" / "interop", ignore=sweep)
    return Build(name, python, project)


def make_builds(commit: str, folder: Path) -> tuple[Build, Build]:
    """The build of a commit, and that of the working tree; equal dependencies of the two have equal versions."""
    new = make_build("now", HERE, folder)
    freeze = [uv.find_uv_bin(), "pip", "freeze", "--python", str(new.python)]
    done = subprocess.run(freeze, env=clean_environment(), check=True, capture_output=True, text=True)
    constraints = folder / "constraints.txt"
    pins = [line for line in done.stdout.splitlines() if "==" in line and name_of(line) != "stackcompat"]
    constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
    archive = subprocess.run(["git", "archive", commit], cwd=HERE, check=True, capture_output=True)  # noqa: S607
    source = folder / "source"
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as packed:
        packed.extractall(source, filter="data")
    return make_build("before", source, folder, constraints), new


# ---------------------------------------------------------------------------------------------------------------------
# The cells
# ---------------------------------------------------------------------------------------------------------------------


def plan_cells(index: PackageIndex, matrix: Matrix, pythons: Sequence[str], moment: dt.datetime) -> tuple[Cell, ...]:
    """The cells of the policies `pairs` of a matrix, as planned at a moment."""
    components = find_ecosystem(str(HERE)).components()
    catalog = CatalogAt(index, moment)
    plan = make_plan(matrix, components, catalog, platform=this_platform(), pythons=pythons, now=moment)
    return tuple(cell for cell in plan.cells if cell.policy == "pairs")


def spread(cells: Sequence[Cell], number: int | None) -> tuple[Cell, ...]:
    """So many of the cells, evenly spread; all if None."""
    if number is None or number >= len(cells):
        return tuple(cells)
    return tuple(cells[place * len(cells) // number] for place in range(number))


def matrix_text(matrix: Matrix, cells: Iterable[Cell], moment: dt.datetime, level: str = "interop") -> str:
    """A matrix of exactly these cells, as TOML, with the index taken back to a moment."""
    lines = ['title = "The cells of a night"', f"components = {json.dumps(matrix.components)}"]
    lines += [f"also = {json.dumps(matrix.also)}", f"pythons = {json.dumps(matrix.pythons)}", f'level = "{level}"']
    for cell in cells:
        asked = [text for text in cell.requirements if name_of(text) not in cell.accompanying]
        lines += ["[[policies]]", 'policy = "pins"', "thorough = false"]
        lines += [f"requirements = {json.dumps(asked)}", f"pythons = {json.dumps([cell.python])}"]
        lines += [f"exclude_newer = {moment.isoformat()}"]
    return "\n".join(lines) + "\n"


def latest_release(
    index: PackageIndex, matrix: Matrix, wanted: str | None, pythons: Collection[str]
) -> tuple[str, Release]:
    """The latest release on an axis of the policies `pairs`, with its name; of one component, if it is named."""
    names = {name for policy in matrix.policies if isinstance(policy, Pairs) for name in policy.releases}
    if wanted is not None and wanted not in names:
        sys.exit(f'--component: "{wanted}" is not possible here; allowed are {", ".join(sorted(names))}')
    projects = [index.project(name) for name in sorted(names if wanted is None else {wanted})]
    found = ((p.name, r) for p in projects for r in p.fit() if any(map(r.supports, pythons)))
    return max(found, key=lambda entry: entry[1].uploaded)


def covering_cells(locks: Sequence[Lock]) -> list[int]:
    """The places of few locks that together hold every release of all of them, on each Python."""
    held = [{(lock.python, pin) for pin in lock.versions().items()} for lock in locks]
    wanted = set().union(*held)
    chosen = []
    while wanted:
        best = max(range(len(held)), key=lambda place: len(wanted & held[place]))
        wanted -= held[best]
        chosen.append(best)
    return sorted(chosen)


# ---------------------------------------------------------------------------------------------------------------------
# One night
# ---------------------------------------------------------------------------------------------------------------------


class Night(NamedTuple):
    """What one night of one build took.

    Attributes:
        scenario: ``first`` or ``release``.
        build: The name of the build.
        cells: How many cells it had.
        locking: What locking took.
        running: What running took, once everything was locked.
        environments: How many environments were made.
        tests: How many tests were run in them.
        test_seconds: The seconds of these tests.
        reused: How many results of other cells the results of its cells hold.
    """

    scenario: str
    build: str
    cells: int
    locking: Measured
    running: Measured
    environments: int
    tests: int
    test_seconds: float
    reused: int

    @property
    def cpu(self) -> float:
        """The CPU seconds of the whole night."""
        return self.locking.cpu + self.running.cpu

    def floor(self, cores: int) -> float:
        """The share of the time of all cores, while cells ran, in which tests ran."""
        return self.test_seconds / (cores * self.running.wall)


class Nights:
    """The nights of several builds.

    Args:
        folder: Where the stores and the log are.
        cache: The package cache.
        jobs: How many cells run at once.
    """

    def __init__(self, folder: Path, cache: Path, jobs: int) -> None:
        self._folder, self._cache, self._jobs = folder, cache, jobs
        self.log = folder / "log.txt"

    def _command(self, build: Build, store: Path, *arguments: str) -> Measured:
        options = ("--jobs", str(self._jobs))
        command, environment = build.command(*arguments, *options), build.environment(store, self._cache)
        measured = measure(command, folder=self._folder, environment=environment, log=self.log)
        if measured.code != 0:
            words = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
            sys.exit(f"{build.name}: {arguments[0]} {arguments[1]} ended with code {measured.code}:\n{words}")
        return measured

    def store(self, build: Build, scenario: str) -> Path:
        """The store of a build for a scenario."""
        return self._folder / f"{build.name}-{scenario}.sqlite"

    def warm(self, builds: Sequence[Build], matrix: Matrix, cells: Sequence[Cell], moment: dt.datetime) -> None:
        """Download and compile every wheel of the locks of these cells. Only the modules are imported.

        Args:
            builds: The builds. The last one is that of this process, and makes the locks.
            matrix: The matrix of the cells.
            cells: The cells.
            moment: The moment that the index is taken back to.
        """
        locking = builds[-1]
        path = locking.project / "matrices" / "warm.toml"
        path.write_text(matrix_text(matrix, cells, moment, "import"), encoding="utf-8")
        self._lock(locking, self.store(locking, "warm"), "warm")
        plan = self._folder / "warm.json"
        self._command(locking, self.store(locking, "warm"), "plan", "warm", "--json", str(plan))
        planned = [Cell.model_validate(cell) for cell in json.loads(plan.read_text(encoding="utf-8"))["cells"]]
        store = Store(self.store(locking, "warm"))
        kept = [(cell, store.kept_resolution(cell.id)) for cell in planned]
        store.close()
        locked = [(cell, known.resolution.lock) for cell, known in kept if known and known.resolution.lock]
        chosen = [locked[place][0] for place in covering_cells([lock for _, lock in locked])]
        text = matrix_text(matrix, chosen, moment, "import")
        for build in builds:
            (build.project / "matrices" / "warm.toml").write_text(text, encoding="utf-8")
            self._command(build, self.store(build, "warm"), "run", "warm", "--no-report")
        print(f"{len(chosen)} of {len(cells)} cells hold every release; their packages are ready", flush=True)

    def _lock(self, build: Build, store: Path, matrix: str) -> Measured:
        """Lock a matrix, so that the store has its locks."""
        return self._command(build, store, "plan", matrix, "--shards", "1")

    def night(self, build: Build, scenario: str, name: str, matrix: str, cells: int) -> Night:
        """Lock and run a matrix.

        Args:
            build: The build.
            scenario: The scenario, whose store is used.
            name: The name of the matrix.
            matrix: The matrix as TOML.
            cells: How many cells it has.
        """
        (build.project / "matrices" / f"{name}.toml").write_text(matrix, encoding="utf-8")
        store, began = self.store(build, scenario), now().isoformat()
        locking = self._lock(build, store, name)
        running = self._command(build, store, "run", name, "--no-report")
        seen = build.read(store, name)
        runs = [run for run in seen.runs if run.started >= began]
        real = [run for run in runs if run.real]
        seconds = sum(sum(run.seconds.values()) for run in real)
        tests = sum(len(run.seconds) for run in real)
        reused = sum(len(run.tests) - len(run.seconds) for run in runs)
        night = Night(scenario, build.name, cells, locking, running, len(real), tests, seconds, reused)
        took = f"{night.cpu:.0f} s of CPU, {running.wall:.0f} s, {night.environments} environments"
        print(f"{name} {build.name}: {took}", flush=True)
        return night


# ---------------------------------------------------------------------------------------------------------------------
# What differs
# ---------------------------------------------------------------------------------------------------------------------


def differences(before: Seen, after: Seen, excused: Sequence[str]) -> Iterator[str]:
    """A sentence for each test with another outcome, and for each cell with another lock.

    Args:
        before: What the earlier build has in its store.
        after: What the working tree has.
        excused: Patterns of the tests whose outcome does not count.
    """
    ours, theirs = after.first_runs(), before.first_runs()
    others = {(cell.python, cell.asked): cell for cell in before.cells}
    for cell in after.cells:
        where = f"{cell.label} on Python {cell.python}"
        other = others.pop((cell.python, cell.asked), None)
        if other is None:
            yield f"{where}: the earlier build has no such cell"
        elif other.pins != cell.pins:
            changed = sorted(f"{name} {version}" for name, version in set(cell.pins.items()) ^ set(other.pins.items()))
            yield f"{where}: another lock: {', '.join(changed)}"
        elif (cell.key in ours) != (other.key in theirs):
            yield f"{where}: only one build has run it"
        elif cell.key in ours:
            first, second = theirs[other.key], ours[cell.key]
            if first.outcome != second.outcome:
                yield f"{where}: {first.outcome} ({first.detail}), now {second.outcome} ({second.detail})"
            for test in sorted(first.tests.keys() | second.tests.keys()):
                then, today = first.tests.get(test), second.tests.get(test)
                if then != today and not any(fnmatch.fnmatchcase(test, pattern) for pattern in excused):
                    words = (" ".join(filter(None, seen)) if seen else "not there" for seen in (then, today))
                    yield f"{where}: {test}: {', now '.join(words)}"
    for cell in others.values():
        yield f"{cell.label} on Python {cell.python}: the working tree has no such cell"


def figures(nights: Sequence[Night], jobs: int) -> str:
    """The table of all nights, each with its share of what the earlier build took."""
    rows = []
    for night in nights:
        base = next(other for other in nights if other.scenario == night.scenario)
        rows.append(
            [
                f"{night.scenario}, {night.build}",
                night.cells,
                night.environments,
                night.tests,
                night.reused,
                f"{night.locking.cpu:.0f}",
                f"{night.running.cpu:.0f}",
                f"{night.cpu / base.cpu:.2f}",
                f"{night.locking.wall + night.running.wall:.0f}",
                f"{night.floor(jobs):.2f}",
            ]
        )
    heads = [
        "night",
        "cells",
        "environments",
        "tests run",
        "reused",
        "CPU s, locking",
        "CPU s, running",
        "share of CPU",
    ]
    return table([*heads, "wall s", "floor / wall"], rows)


def main() -> int:
    """Run the nights; the exit code."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--old", default=OLD, help="the commit of the earlier build")
    options.add_argument("--scenario", choices=("first", "release"), action="append", help="default: both")
    options.add_argument("--cells", type=int, help="so many of the cells, evenly spread; default: all")
    options.add_argument("--pythons", default="", help="the Pythons, with commas; default: all of the matrix")
    options.add_argument("--component", help="whose latest release is the one of `release`; default: the latest of all")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="cells at once")
    options.add_argument("--excuse", action="append", default=[], metavar="PATTERN", help="tests that may differ")
    options.add_argument("--cache", type=Path, help="the package cache; default: a new one")
    options.add_argument("--folder", type=Path, help="where it is done, and kept; default: a temporary folder")
    options.add_argument("--json", type=Path, help="write all figures to this file")
    options.add_argument("--write", type=Path, help="write the table into this page")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="night-") as name:
        folder = (given.folder or Path(name)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        return _compare(given, folder)


def _compare(given: argparse.Namespace, folder: Path) -> int:
    matrix = find_ecosystem(str(HERE)).matrix("nightly")
    pythons = [python for python in given.pythons.split(",") if python] or list(matrix.pythons)
    unknown = [python for python in pythons if python not in matrix.pythons]
    if unknown:
        sys.exit(f"--pythons: {', '.join(unknown)} is not possible here; allowed are {', '.join(matrix.pythons)}")
    pythons = [python for python in pythons if python in find_interpreters(pythons)]
    cache = (given.cache or folder / "cache").resolve()
    builds = make_builds(given.old, folder)
    nights = Nights(folder, cache, given.jobs)
    index = PackageIndex(cache / "index")
    done: list[Night] = []
    found: list[str] = []
    said: list[str] = []
    for scenario in given.scenario or ("first", "release"):
        days = [now()]
        if scenario == "release":
            component, release = latest_release(index, matrix, given.component, pythons)
            days = [release.uploaded - dt.timedelta(seconds=1), release.uploaded + UPLOAD]
            said.append(f"The release of `release` is {component} {release.version} of {release.uploaded:%Y-%m-%d}.")
        planned = [spread(plan_cells(index, matrix, pythons, day), given.cells) for day in days]
        for cells, day in zip(planned, days, strict=True):
            nights.warm(builds, matrix, cells, day)
        for number, (cells, day) in enumerate(zip(planned, days, strict=True), start=1):
            name, text = f"{scenario}{number}", matrix_text(matrix, cells, day)
            last = [nights.night(build, scenario, name, text, len(cells)) for build in builds]
            before, after = (build.read(nights.store(build, scenario), name) for build in builds)
            found += [f"{scenario}, day {number}: {sentence}" for sentence in differences(before, after, given.excuse)]
        done += last
    index.close()
    limits = f"{given.cells or 'All'} cells, on Python {', '.join(pythons)}; {given.jobs} at once"
    text = "\n\n".join(
        [
            f"`before` is commit {given.old}. {limits}, on {machine()}. {' '.join(said)}".strip(),
            figures(done, given.jobs),
            f"{len(found)} outcomes of tests, or locks, differ.",
        ]
    )
    print(text, *found[:SHOWN], sep="\n")
    if given.json:
        described = [
            night._asdict() | {"locking": night.locking._asdict(), "running": night.running._asdict()} for night in done
        ]
        document = {"machine": machine(), "old": given.old, "nights": described, "differences": found}
        given.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if given.write:
        write_block(given.write, "night", text)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
