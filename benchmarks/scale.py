"""How a store and the report on it grow: CPU time and memory for stores of 1,000, 10,000 and more made-up records.

Each record is the evidence on a cell of its own: 36 distributions, 150 tests with their measurements, a log, and in one
cell of twelve a confirmed failure with its traceback. The records are written into a new store, and public commands
work on it in processes of their own. The index cannot be reached from there, so the report has no advisories.

    python benchmarks/scale.py [--records 1000 10000] [--python PYTHON] [--keep DIR]

The table has a line for each step. `keys` reads the evidence of so many keys of the largest store.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from stackcompat.core.record import digest
from stackcompat.evidence.results import Environment, Evidence, Failure, TestResult, WarningSeen
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.evidence.store import Store
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock, Pin, Resolution

BEGIN = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
PLATFORM = "linux-x86_64"
COMPONENTS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")
#: How many releases each component has. Their product is how many distinct cells there can be.
RELEASES = 12
BELOW = tuple(f"below-{number:02}" for number in range(30))
LOG = "a line of the output of the tests, as long as such lines are\n" * 60
TRACEBACK = "Traceback (most recent call last):\n" + '  File "site-packages/alpha/core.py", line 10, in go\n' * 40
#: How many keys are read at once.
KEYS = (500, 501, 5000)

READ_KEYS = """
import sys
from pathlib import Path
from stackcompat.evidence.store import Store
store = Store(Path(sys.argv[1]))
assert len(store.of_keys(Path(sys.argv[2]).read_text().split())) == int(sys.argv[3])
store.close()
"""


def project(folder: Path) -> None:
    """Write a checkout whose components are made up."""
    (folder / "matrices").mkdir(parents=True)
    (folder / "tests" / "interop").mkdir(parents=True)
    entries = [
        f'[[components]]\nname = "{name}"\ntitle = "{name.capitalize()}"\nsummary = "does what {name} does"\n'
        f'group = "core"\ndistributions = ["{name}"]\nmodules = [{{ name = "{name}" }}]\n'
        f'documentation = "https://{name}.example/"\n'
        for name in COMPONENTS
    ]
    (folder / "matrices" / "components.toml").write_text("\n".join(entries))
    (folder / "pyproject.toml").write_text("")


def planned(number: int) -> PlannedCell:
    """The cell with this number, locked."""
    digits = [number // RELEASES**place % RELEASES for place in range(len(COMPONENTS))]
    versions = {name: f"1.{digit}.0" for name, digit in zip(COMPONENTS, digits, strict=True)}
    cell = Cell(
        python="3.12",
        platform=PLATFORM,
        requirements=tuple(f"{name}=={version}" for name, version in sorted(versions.items())),
        policy="pairs",
        label=f"row {number}",
    )
    pins = sorted((versions | dict.fromkeys(BELOW, "2.0")).items())
    lock = Lock(
        python="3.12",
        platform=PLATFORM,
        pins=tuple(
            Pin(name=name, version=version, hashes=(f"sha256:{digest(name, version, length=64)}",))
            for name, version in pins
        ),
    )
    return PlannedCell(
        cell=cell, resolution=Resolution(outcome="locked", lock=lock, seconds=0.4), key=digest("key", number)
    )


def tests(dice: random.Random, *, red: bool) -> tuple[TestResult, ...]:
    """The results of 150 tests: one of each ten does not apply. If `red`, one of them fails."""
    failing = dice.randrange(1, 150, 10) if red else -1
    return tuple(one_test(number, dice, red=number == failing) for number in range(150))


def one_test(number: int, dice: random.Random, *, red: bool) -> TestResult:
    """The result of one test."""
    name = COMPONENTS[number % len(COMPONENTS)]
    test, uses = f"test_{name}.py::test_{number}", tuple(sorted({"alpha", name}))
    if number % 10 == 0:
        return TestResult(
            test=test, level="interop", components=uses, outcome="not-applicable", reason="outside what the test is for"
        )
    warned = WarningSeen(
        category="DeprecationWarning", raised_by="alpha", triggered_by=name, message="alpha.old is deprecated", count=3
    )
    failure = Failure(
        type="TypeError",
        message=f"make_{number}() got an unexpected keyword argument 'kind'",
        package="alpha",
        packages=(name, "alpha"),
        where="alpha.core:make",
        traceback=TRACEBACK,
    )
    return TestResult(
        test=test,
        level="interop",
        components=uses,
        outcome="failed" if red else "passed",
        seconds=round(dice.uniform(0.01, 2), 3),
        memory_mb=round(dice.uniform(300, 900), 1),
        failure=failure if red else None,
        warnings=(warned,) if number % 25 == 1 else (),
    )


def runs_of(cell: PlannedCell, number: int) -> Iterator[Evidence]:
    """The runs of a cell; a red one is confirmed."""
    lock = cell.resolution.lock
    assert lock is not None
    dice = random.Random(number)
    red = dice.random() < 1 / 12
    state = dice.getstate()
    for attempt in range(1 + red):
        dice.setstate(state)
        yield Evidence(
            key=cell.key,
            attempt=attempt,
            lock_id=lock.id,
            python="3.12",
            interpreter="cpython-3.12.9",
            platform=PLATFORM,
            suite="5e0f",
            level="interop",
            roots=cell.cell.roots(),
            outcome="ran",
            started=BEGIN + dt.timedelta(seconds=2 * number + attempt),
            seconds=21.5,
            install_seconds=0.3,
            observed=Environment(distributions=lock.versions()),
            tests=tests(dice, red=red),
            log=LOG,
        )


def write_store(path: Path, records: int) -> list[str]:
    """Write a store with so many records of evidence or one more; returns the keys."""
    store = Store(path)
    cells: list[PlannedCell] = []
    written = 0
    while written < records:
        cell = planned(len(cells))
        for evidence in runs_of(cell, len(cells)):
            store.add(evidence)
            written += 1
        cells.append(cell)
    store.add_run(
        RunRecord(
            matrix="large",
            started=BEGIN - dt.timedelta(hours=1),
            title="Made up",
            components=COMPONENTS,
            pythons=("3.12",),
            cells=tuple(cells),
        )
    )
    store.close()
    return [cell.key for cell in cells]


def measured(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """The CPU seconds and the highest memory in MB of a command. It must succeed."""
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def show(step: str, records: int, seconds: float, memory: float | None = None) -> None:
    """Print a line of the table."""
    print(f"{step:<14} {records:>8,} {seconds:>9.2f} {'' if memory is None else f'{memory:>9,.0f}'}", flush=True)


def main() -> None:
    """Make the stores and measure."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=int, nargs="+", default=[1000, 10000])
    options.add_argument("--python", default=sys.executable, help="the interpreter that has the stackcompat to measure")
    options.add_argument("--keep", type=Path, help="a folder for stores and reports; those that are there are used")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        if not (folder / "project").exists():
            project(folder / "project")
        print(f"{'step':<14} {'records':>8} {'CPU s':>9} {'max MB':>9}")
        for records in given.records:
            path, keys = folder / f"{records}.sqlite", folder / f"{records}.keys"
            if not path.exists():
                begin = time.process_time()
                keys.write_text("\n".join(write_store(path, records)))
                show("write", records, time.process_time() - begin)
            environment = {
                "STACKCOMPAT_STORE": str(path),
                "UV_INDEX_URL": "http://127.0.0.1:9/simple",
                "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
                "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
            }
            command = [given.python, "-m", "stackcompat", "report", "--project", str(folder / "project")]
            output = ["-o", str(folder / f"reports-{records}")]
            show("report", records, *measured([*command, *output], environment))
            known = keys.read_text().split()
            for count in (count for count in KEYS if count <= len(known)):
                few = folder / "few.keys"
                few.write_text("\n".join(random.Random(count).sample(known, count)))
                read = [given.python, "-c", READ_KEYS, str(path), str(few), str(count)]
                show(f"keys {count:,}", records, *measured(read, {}))


if __name__ == "__main__":
    main()
