"""Does each smoke test notice a release that is a little wrong? Mutation testing of `tests/interop`.

For each test and each component that it uses, a function of the component which the test calls is made to give wrong
results (see `planted.py`), and the test is run in a process of its own: it must become red. What stays green is a test
whose claim does not depend on that component, or that only sees that nothing was raised.

    python benchmarks/mutants.py --python 3.12 --test "test_grain.py::*" "jax==0.12.0.1" "flax==0.12.12" grain

The environment is made anew of the requirements, by uv. Exit code 1 if a test that is green by itself notices nothing.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name
from uv import find_uv_bin

from stackcompat.ecosystem.interpreters import find_interpreters
from stackcompat.run.sandbox import PLUGIN

SUITE = Path(__file__).parents[1] / "tests" / "interop"
PLANTED = Path(__file__).with_name("planted.py")
#: Functions that are tried in each way for a test and a component before the test is said to notice nothing.
TRIES = 5
#: Seconds after which a process is ended.
LIMIT = 300


class Mutant(NamedTuple):
    """A wrong function under a test. `red` says how the test failed: empty where it did not."""

    test: str
    component: str
    target: str
    how: str
    red: str


class Cell:
    """An environment with the requirements, pytest beside it, and the module that plants breaks in it."""

    def __init__(self, folder: Path, python: str, requirements: list[str], overrides: list[str]) -> None:
        self.folder, self.harness = folder, folder / "harness"
        interpreter = find_interpreters()[python].path
        environment = folder / "environment"
        uv = find_uv_bin()
        subprocess.run([uv, "venv", "--quiet", "--python", interpreter, environment], check=True)
        self.python = environment / "bin" / "python"
        install = [uv, "pip", "install", "--quiet", "--python", str(self.python)]
        (folder / "overrides.txt").write_text("\n".join(overrides), encoding="utf-8")
        subprocess.run([*install, "--overrides", str(folder / "overrides.txt"), *requirements], check=True)
        subprocess.run([*install, "--target", str(self.harness), "pytest"], check=True)
        site = environment / "lib" / f"python{python}" / "site-packages"
        (site / "stackcompat_planted.py").write_bytes(PLANTED.read_bytes())
        (site / "stackcompat_planted.pth").write_text("import stackcompat_planted\n", encoding="utf-8")
        self.owners = self._owners(site)

    def _owners(self, site: Path) -> dict[str, str]:
        """Each installed file with its distribution."""
        found = {}
        for record in site.glob("*.dist-info/RECORD"):
            name = canonicalize_name(record.parent.name.partition("-")[0])
            for line in record.read_text(encoding="utf-8").splitlines():
                found[os.path.normpath(site / line.split(",")[0])] = name
        return found

    def run(
        self, tests: list[str], files: Sequence[str] = ("*",), **planted: str
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The events of the plugin for `tests` (none: all those of `files`), and what the planted module did."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            folder = Path(name)
            events, out, job = folder / "events", folder / "out", folder / "job.json"
            paths = [path for path in SUITE.rglob("test_*.py") if path.name != "test_import.py"]
            chosen = [path for path in paths if any(path.match(each) for each in files)]
            names = sorted(path.relative_to(SUITE).as_posix() for path in chosen)
            asked = {"events": events, "tests": tests, "files": names, "suite": SUITE, "harness": self.harness}
            more = {"imports": [], "guesses": [], "limits": {}, "unimportable": [], "level": "interop"}
            more |= {"modules": {}, "distributions": {}, "environment": {}}
            more |= {"thorough": True, "helpers": [], "temporary": [], "exchange": None, "upstream": None}
            more |= {"wrappers": {"classes": [], "lines": []}, "watch": None, "skip": [], "unimportable_tests": {}}
            job.write_text(json.dumps({**asked, **more}, default=str), encoding="utf-8")
            environment = {
                "PATH": os.environ["PATH"],
                "HOME": name,
                "TMPDIR": name,
                "STACKCOMPAT_PLANTED": json.dumps({"suite": str(SUITE), "out": str(out), **planted}),
            }
            command = [str(self.python), "-I", str(PLUGIN), str(job)]
            with (folder / "log").open("wb") as log:
                try:
                    subprocess.run(command, env=environment, stdout=log, stderr=log, check=False, timeout=LIMIT)
                except subprocess.TimeoutExpired:
                    out.write_text(json.dumps({"late": True}), encoding="utf-8")
            if not events.exists():
                raise SystemExit((folder / "log").read_text(encoding="utf-8", errors="replace"))
            return _lines(events), _lines(out)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _ends(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {event["test"]: event for event in events if event["event"] == "end"}


class Tested(NamedTuple):
    """A test that is green by itself, and the functions of each of its components that it calls, in order."""

    test: str
    called: dict[str, list[str]]


def healthy(cell: Cell, patterns: list[str], jobs: int) -> list[Tested]:
    """The tests that pass in `cell`, by what they call."""
    together, lines = cell.run([], [pattern.partition("::")[0] for pattern in patterns] or ["*"])
    collected = next(event["tests"] for event in together if event["event"] == "collected")
    apart = [entry["test"] for entry in collected if entry["alone"] and _wanted(entry["test"], patterns)]
    ends = _ends(together)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for events, more in pool.map(lambda test: cell.run([test]), apart):
            ends |= _ends(events)
            lines += more
    called = _called(cell, lines)
    # What tests share is made for the first of them: such a test shows by itself what it rests on.
    silent = [test for test, end in ends.items() if end["outcome"] == "passed" and not called[test]]
    for test in silent:
        if _wanted(test, patterns):
            called |= _called(cell, cell.run([test])[1])
    return [
        Tested(test, {name: called[test][name] for name in end["components"] if called[test][name]})
        for test, end in ends.items()
        if end["outcome"] == "passed" and _wanted(test, patterns)
    ]


def _called(cell: Cell, lines: list[dict[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """By test and distribution the functions that were called, in order."""
    called: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        owner = cell.owners.get(os.path.normpath(line["file"] or ""))
        if owner:
            called[line["test"]][owner].append(line["target"])
    return called


def _wanted(test: str, patterns: list[str]) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(test, pattern) for pattern in patterns)


def survey(cell: Cell, tested: Tested, component: str) -> Mutant:
    """The first wrong function of `component` that turns the test red; else the last that did not."""
    left = Mutant(tested.test, component, "", "", "")
    # The last calls are the nearest to what the test claims.
    targets = tested.called[component][::-1]
    for how in ("value", "skip", "raise"):
        tries = 0
        for target in targets:
            events, told = cell.run([tested.test], target=target, how=how)
            if any(line.get("spoiled") for line in told):
                tries += 1
                left = Mutant(tested.test, component, target, how, _red(_ends(events).get(tested.test)))
                if left.red:
                    alone = _red(_ends(cell.run([tested.test])[0]).get(tested.test))
                    return left._replace(red="") if alone else left  # what is red by itself has noticed nothing
                if tries == TRIES:
                    break
    return left


def _red(end: dict[str, Any] | None) -> str:
    if end is None:
        return "the process ended"
    return str(end["failure"]["type"]) if end["failure"] else ""


def main() -> int:
    """Print each mutant, and how many of the tests noticed one."""
    parser = argparse.ArgumentParser(description="Does each smoke test notice a release that is a little wrong?")
    parser.add_argument("requirements", nargs="+", help="what is installed")
    parser.add_argument("--python", default="3.12", help="3.12 or newer")
    parser.add_argument("--override", action="append", default=[], help="a requirement in place of what metadata says")
    parser.add_argument("--test", action="append", default=[], help="only these tests (* allowed)")
    parser.add_argument("--without", action="append", default=[], help="no breaks of this one, where others are used")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        cell = Cell(Path(folder), asked.python, asked.requirements, asked.override)
        tests = healthy(cell, asked.test, asked.jobs)
        questions = [
            (tested, component)
            for tested in tests
            for component in ([name for name in tested.called if name not in asked.without] or tested.called)
        ]
        print(f"{len(tests)} tests are green, {len(questions)} breaks to plant")
        found = []
        with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
            for mutant in pool.map(lambda question: survey(cell, *question), questions):
                found.append(mutant)
                said = mutant.red or ("NOT NOTICED" if mutant.target else "nothing to change")
                print(f"{mutant.test} | {mutant.component} | {mutant.target} {mutant.how} | {said}", flush=True)
    noticed = {mutant.test for mutant in found if mutant.red}
    silent = sorted({tested.test for tested in tests} - noticed)
    for test in silent:
        print(f"notices nothing: {test}")
    print(
        f"{len(noticed)} of {len(tests)} tests notice a break; {sum(bool(m.red) for m in found)} of {len(found)} breaks"
    )
    if asked.json:
        asked.json.write_text(json.dumps([mutant._asdict() for mutant in found], indent=1) + "\n", encoding="utf-8")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())
