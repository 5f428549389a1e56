"""How many cells an ecosystem of 100 components asks for, policy by policy, and what they cost: docs/scale.md.

    python benchmarks/ecosystem_scale.py --write docs/scale.md

The ecosystem is made up, from a fixed seed: 100 components with four years of releases, of which 12 are a core that the
others build on. Its releases have uploads, bounds and a range of Pythons. The planner and the store are the real ones.
No cell is run: the costs of a run are those that docs/performance.md has measured, and stand at the top of this file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE / "tests"))

from measuring import machine, table, write_block
from packaging.requirements import Requirement
from scale import BELOW, LOG, tests

from stackcompat.core.record import digest
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Project
from stackcompat.evidence.results import Environment, Evidence
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.evidence.store import Store
from stackcompat.plan.cell import Cell
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.plan import Plan, make_plan
from stackcompat.resolve.lock import Lock, Pin, Resolution
from support.world import World

#: docs/performance.md, "Beside other tools": 254.1 CPU seconds for the ten environments of six cells.
CPU_SECONDS_OF_AN_ENVIRONMENT = 25.4
ENVIRONMENTS_OF_A_CELL = 10 / 6
#: docs/performance.md, "Reports of large stores".
REPORT_SECONDS_OF_A_RECORD, REPORT_BYTES_OF_A_CELL = 0.0023, 55_000
#: What a core costs for an hour, in dollars. It is no measurement: put in your own.
DOLLARS_OF_A_CORE_HOUR = 0.04
#: A machine, and the hours that a night has.
CORES, HOURS = 16, 8

TODAY = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
#: Cells run on Linux. Two of the platforms are machines with accelerators.
PLATFORMS = ("linux-x86_64", "linux-aarch64", "linux-x86_64 with a GPU", "linux-x86_64 with a TPU")
CORE = tuple(f"core-{number:02}" for number in range(12))
OTHERS = tuple(f"library-{number:02}" for number in range(88))
YEARS = 4
#: The days between two releases: of the core, of most others, of those that are hardly kept.
RHYTHMS = {"core": (14, 35), "usual": (30, 90), "slow": (150, 400)}


class Asked(World):
    """The made-up index. It counts what a client would ask a real one for."""

    def __init__(self, projects: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        super().__init__(projects)
        self.pages: set[str] = set()
        self.metadata: set[tuple[str, str]] = set()

    def project(self, name: str) -> Project:
        """The releases of a project: one request."""
        self.pages.add(name)
        return super().project(name)

    def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
        """What a release requires: one request, once and for all, since it never changes."""
        self.metadata.add((name, version))
        return super().requires(name, version)


def make_world(dice: random.Random) -> dict[str, dict[str, dict[str, Any]]]:
    """All releases of all components: name to version to what the index says of it."""
    begin = TODAY - dt.timedelta(days=365 * YEARS)
    projects: dict[str, dict[str, dict[str, Any]]] = {}
    for name in (*CORE, *OTHERS):
        rhythm = "core" if name in CORE else dice.choices(["usual", "slow"], [3, 1])[0]
        least, most = RHYTHMS[rhythm]
        at = begin + dt.timedelta(days=dice.uniform(0, most))
        versions: dict[str, dict[str, Any]] = {}
        minor = patch = 0
        while at < TODAY:
            age = (TODAY - at).days / 365
            oldest = 9 if age > 2.5 else 10 if age > 1 else 11
            newest = 14 - int(age * 1.1)
            requires = _requires(name, dice, projects, at)
            versions[f"0.{minor}.{patch}"] = {
                "uploaded": f"{at:%Y-%m-%d}",
                "python": f">=3.{oldest},<3.{newest + 1}",
                "requires": requires,
            }
            minor, patch = (minor, patch + 1) if dice.random() < 0.45 else (minor + 1, 0)
            at += dt.timedelta(days=dice.uniform(least, most))
        projects[name] = versions
    return projects


def _requires(name: str, dice: random.Random, before: Mapping[str, Any], at: dt.datetime) -> list[str]:
    """What a release requires of earlier components: lower bounds, and upper ones in a tenth of them."""
    pool = [core for core in CORE if core in before and core != name]
    chosen = dice.sample(pool, min(len(pool), dice.randint(1, 4)))
    texts = []
    for core in chosen:
        there = [version for version, about in before[core].items() if about["uploaded"] < f"{at:%Y-%m-%d}"]
        if not there:
            continue
        lower = there[max(0, len(there) - 1 - dice.randint(3, 12))]
        minor = int(there[-1].split(".")[1])
        texts.append(f"{core}>={lower}" + (f",<0.{minor + 2}" if dice.random() < 0.1 else ""))
    return texts


def make_components() -> Components:
    """A component for each distribution."""
    rows = [
        {"name": name, "distributions": [name], "group": "core" if name in CORE else "application"}
        for name in (*CORE, *OTHERS)
    ]
    return Components.model_validate({"components": rows})


class Policy(NamedTuple):
    """A policy that is measured: what it is called, its table, and whether a night asks it anew or once for all."""

    title: str
    fields: Mapping[str, Any]
    components: tuple[str, ...] = (*CORE, *OTHERS)


def policies(world: Mapping[str, Mapping[str, Any]]) -> list[Policy]:
    """The policies in order of the cells that they make."""
    minors = {name: {"minors": 6} for name in CORE}
    return [
        Policy("`newest`, all in one cell", {"policy": "newest"}),
        Policy("`newest`, each library with the core", {"policy": "newest", "each": list(OTHERS)}),
        Policy("`oldest`", {"policy": "oldest"}),
        Policy("`pairs` of the core, 6 minors", {"policy": "pairs", "releases": minors, "budget": 0}, CORE),
        Policy(
            "`as-of` 12 months, each library with the core", {"policy": "as-of", "months": 12, "each": list(OTHERS)}
        ),
        *(
            Policy(
                f"`pairs` of all, the last {last}",
                {"policy": "pairs", "releases": {name: {"last": last} for name in world}, "budget": 0},
            )
            for last in (3, 6)
        ),
    ]


def plan_of(fields: Iterable[Mapping[str, Any]], names: tuple[str, ...], catalog: Asked, rows: Components) -> Plan:
    """The plan of a matrix of these policies, for one platform."""
    document = {"title": "made up", "components": names, "pythons": PYTHONS, "policies": list(fields)}
    matrix = Matrix.model_validate(document).read_from(Path("made.toml"))
    return make_plan(matrix, rows, catalog, platform=PLATFORMS[0], pythons=PYTHONS, now=TODAY)


def main() -> int:
    """Plan, measure, print and write; the exit code."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--write", type=Path, help="write the tables into this page")
    given = options.parse_args()
    world = make_world(random.Random(given.seed))
    rows = make_components()
    releases = sum(map(len, world.values()))
    core = sum(len(world[name]) for name in CORE)
    planned: list[list[object]] = []
    for policy in policies(world):
        catalog = Asked(world)
        began = time.process_time()
        plan = plan_of([policy.fields], policy.components, catalog, rows)
        seconds = time.process_time() - began
        planned.append(_row(policy.title, len(plan.cells), seconds, catalog))
        print(planned[-1], flush=True)
    catalog = Asked(world)
    began = time.process_time()
    series = [{"policy": "series", "component": name, "releases": {"all": True}} for name in CORE]
    beside = [({"policy": "series", "component": name, "releases": {"all": True}}, (*CORE, name)) for name in OTHERS]
    number = len(plan_of(series, CORE, catalog, rows).cells)
    number += sum(len(plan_of([fields], names, catalog, rows).cells) for fields, names in beside)
    title = "`series`: all releases of each, with the newest core"
    planned.append(_row(title, number, time.process_time() - began, catalog))
    counts = list(map(len, world.values()))
    everything = (sum(counts) ** 2 - sum(count**2 for count in counts)) // 2 * len(PYTHONS)
    heads = ["policy", "cells a platform", "CPU s to plan", "pages", "metadata files", "machine nights", "dollars"]
    about = (
        f"{len(world)} components with {releases:,} releases in {YEARS} years ({core} of them of the core of "
        f"{len(CORE)}), {len(PYTHONS)} Pythons, {len(PLATFORMS)} platforms; planned on {machine()}."
    )
    compared = (
        f"For comparison: each release with each release of each other component on each Python would be "
        f"{everything:,} cells a platform."
    )
    text = "\n\n".join([about, table(heads, planned), compared, _nights(world), _growth()])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    text += f"\n\nThis script needed {peak:.0f} MB of memory at most."
    print(text)
    if given.write:
        write_block(given.write, "scale", text)
    return 0


def _row(title: str, cells: int, seconds: float, catalog: Asked) -> list[object]:
    """A line of the table of policies: all platforms, once, with nothing known."""
    hours = cells * len(PLATFORMS) * ENVIRONMENTS_OF_A_CELL * CPU_SECONDS_OF_AN_ENVIRONMENT / 3600
    nights = hours / (CORES * HOURS)
    pages, metadata = len(catalog.pages), len(catalog.metadata)
    cost = hours * DOLLARS_OF_A_CORE_HOUR
    return [title, f"{cells:,}", f"{seconds:.1f}", pages, f"{metadata:,}", f"{nights:.1f}", f"{cost:,.0f}"]


def _nights(world: Mapping[str, Mapping[str, Any]]) -> str:
    """What the nights after the first one run: the cells that can hold a release of that day."""
    days = 30
    uploads: list[set[str]] = []
    for ago in range(days):
        day = f"{TODAY - dt.timedelta(days=ago + 1):%Y-%m-%d}"
        uploads.append(
            {name for name, versions in world.items() if any(v["uploaded"] == day for v in versions.values())}
        )
    released = sum(map(len, uploads))
    of_core = sum(bool(names & {*CORE}) for names in uploads)
    each = len(OTHERS) * len(PYTHONS)
    due = []
    for names in uploads:
        touched = len(OTHERS) if names & {*CORE} else len(names & {*OTHERS})
        due.append(touched * len(PYTHONS) + (len(PYTHONS) if names else 0))
    due.sort()
    middle, worst, mean = due[len(due) // 2], due[-1], sum(due) / len(due)
    hours = worst * len(PLATFORMS) * ENVIRONMENTS_OF_A_CELL * CPU_SECONDS_OF_AN_ENVIRONMENT / 3600
    machines = max(1, math.ceil(hours / (CORES * HOURS)))
    return (
        f"In the last {days} days there were {released} releases, and on {of_core} of the days one of the core. A "
        f"night of both `newest` policies ({each + len(PYTHONS)} cells a platform) runs the cells that can hold a "
        f"release of the day: {middle} a platform in the median, {mean:.0f} in the mean, {worst} at most. The worst "
        f"is {hours:.0f} core hours on all platforms, or {machines} machine of {CORES} cores for {HOURS} hours. It is "
        f"an upper bound: results of tests that cannot reach the new release are reused."
    )


def _growth() -> str:
    """What the store keeps of a night, measured on made-up records in a real store."""
    rows = []
    for cells in (440, 4400):
        with tempfile.TemporaryDirectory(prefix="scale-") as name:
            path = Path(name) / "evidence.sqlite"
            store = Store(path)
            dice = random.Random(0)
            record = RunRecord(
                matrix="m",
                started=TODAY,
                title="m",
                components=CORE,
                pythons=PYTHONS,
                coverage={},
                reserved={},
                cells=tuple(_planned(number) for number in range(cells)),
            )
            store.close()
            empty = path.stat().st_size
            store = Store(path)
            began = time.process_time()
            store.add_run(record)
            run_seconds = time.process_time() - began
            store.close()
            of_run = path.stat().st_size - empty
            store = Store(path)
            some = 200
            began = time.process_time()
            for number in range(some):
                store.add(_evidence(record.cells[number], dice))
            seconds = (time.process_time() - began) / some
            store.close()
            of_evidence = (path.stat().st_size - empty - of_run) / some
            store = Store(path)
            began = time.process_time()
            store.runs()
            read_seconds = time.process_time() - began
            store.close()
        rows.append(
            [
                f"{cells:,}",
                f"{of_run / 2**20:.1f}",
                f"{of_evidence * cells * ENVIRONMENTS_OF_A_CELL / 2**20:.0f}",
                f"{run_seconds:.1f}",
                f"{read_seconds:.1f}",
                f"{seconds * 1000:.0f}",
                f"{cells * REPORT_SECONDS_OF_A_RECORD * ENVIRONMENTS_OF_A_CELL:.0f}",
                f"{cells * REPORT_BYTES_OF_A_CELL / 2**20:.0f}",
            ]
        )
    heads = [
        "cells in the matrix",
        "MB a night for the plan and its locks",
        "MB for the evidence of all of them",
        "CPU s to store the plan",
        "CPU s to read it",
        "CPU ms to store a run",
        "CPU s of a report",
        "MB of memory of a report",
    ]
    return table(heads, rows)


def _planned(number: int) -> PlannedCell:
    """A locked cell with 42 distributions, each with two wheels."""
    versions = {name: f"0.{number % 40}.{place}" for place, name in enumerate(CORE)} | dict.fromkeys(BELOW, "2.0")
    versions["core-00"] = f"0.{number}.0"
    pins = tuple(
        Pin(name=name, version=version, hashes=tuple(f"sha256:{digest(name, version, n, length=64)}" for n in (0, 1)))
        for name, version in sorted(versions.items())
    )
    requirements = tuple(f"{name}=={versions[name]}" for name in CORE)
    cell = Cell(python="3.12", platform=PLATFORMS[0], requirements=requirements, policy="pairs", label=f"row {number}")
    lock = Lock(python="3.12", platform=PLATFORMS[0], pins=pins)
    return PlannedCell(cell=cell, resolution=Resolution(outcome="locked", lock=lock), key=digest("key", number))


def _evidence(planned: PlannedCell, dice: random.Random) -> Evidence:
    """A run of a cell with 150 tests, one of them red in a twelfth of the cells."""
    lock = planned.resolution.lock
    assert lock is not None
    return Evidence(
        key=planned.key,
        attempt=0,
        lock_id=lock.id,
        python="3.12",
        interpreter="cpython-3.12.4",
        platform=PLATFORMS[0],
        suite="suite",
        level="interop",
        roots=CORE,
        outcome="ran",
        started=TODAY,
        seconds=40.0,
        observed=Environment(distributions=lock.versions()),
        tests=tests(dice, red=dice.random() < 1 / 12),
        log=LOG,
    )


if __name__ == "__main__":
    sys.exit(main())
