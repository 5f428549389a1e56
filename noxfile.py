"""What people and CI run. Every session does its own set-up; ``nox --list`` is the menu.

A session fails if one of its commands ends with another code than 0. nox knows but two ends: 0 and 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.10.14"
nox.options.default_venv_backend = "uv"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.error_on_external_run = True

PROJECT = nox.project.load_toml("pyproject.toml")
#: The Pythons that the project is for, oldest first, as its classifiers say.
PYTHONS = nox.project.python_versions(PROJECT)

# nox looks on PATH alone; pyenv keeps there only the version that is switched on.
_PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *map(str, sorted(_PYENV.glob("3.*/bin")))])


def _newest_python() -> str:
    """The newest of `PYTHONS` that is found here, else the one that runs this."""
    found = [python for python in PYTHONS if shutil.which(f"python{python}")]
    return found[-1] if found else f"{sys.version_info.major}.{sys.version_info.minor}"


def _tool(session: nox.Session, *groups: str, extra: str = "") -> None:
    """Install the project as a wheel, as its users do, with the `extra`, and the dependency `groups`."""
    dependencies = [d for group in groups for d in nox.project.dependency_groups(PROJECT, group)]
    session.install(f".[{extra}]" if extra else ".", *dependencies)
    # What the caller's shell forbids must not slow every import of the tool itself.
    session.env["PYTHONDONTWRITEBYTECODE"] = None
    session.env["PYTHONPATH"] = None


#: With one seed, so that a commit that passed passes again. `pytest tests/property` draws other examples each time.
_WITHOUT_REAL_RUNS = ("--hypothesis-seed=0", "tests/unit", "tests/property")
_IN_PARALLEL = ("--numprocesses", "auto")
#: Runs of end-to-end tests wait for an index and for processes half of the time. More at once would disturb those that
#: watch the time.
_TWO_FILES_AT_ONCE = ("--numprocesses", "2", "--dist", "loadfile")


@nox.session
def quick(session: nox.Session) -> None:
    """The main job, small: try a few combinations for real; the table is in .stackcompat/site/ afterwards."""
    _tool(session)
    session.run("stackcompat", "run", "quick", "--verbose", *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """The main job, whole: what has no evidence yet is run; then who broke it, the table, and what changed.

    What --fail-on asks for is asked of the night, at the end, so that all else is written before: nox -s nightly --
    --fail-on new.
    """
    _tool(session)
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    options.add_argument("--fail-on", action="append", default=[])
    asked, others = options.parse_known_args(session.posargs)
    session.run("stackcompat", "run", "nightly", "--no-report", "--verbose", *others)
    session.run("stackcompat", "blame", "--minutes", "30")
    session.run("stackcompat", "islands", success_codes=[0, 3])
    session.run("stackcompat", "report", "--publish")
    fail_on = [f"--fail-on={words}" for words in asked.fail_on]
    session.run("stackcompat", "night", "nightly", "--publish", *fail_on)


# The nightly in steps, for several machines: each is a job of .github/workflows/nightly.yml, see docs/ci.md.


@nox.session
def plan(session: nox.Session) -> None:
    """Lock a matrix for machines that run a part each: nox -s plan -- nightly --shards 4 --json plan.json."""
    _tool(session)
    session.run("stackcompat", "plan", *session.posargs)


@nox.session
def shard(session: nox.Session) -> None:
    """Run one part of what was planned: nox -s shard -- nightly --shard 1/4."""
    _tool(session)
    session.run("stackcompat", "run", "--no-report", "--verbose", *session.posargs)


@nox.session
def merge(session: nox.Session) -> None:
    """Make one run of the parts: nox -s merge -- parts/*/evidence.sqlite."""
    _tool(session)
    session.run("stackcompat", "merge", *session.posargs)


@nox.session
def evidence(session: nox.Session) -> None:
    """Carry evidence to another machine: nox -s evidence -- export evidence.parquet; or import FILE|URL."""
    _tool(session)
    session.run("stackcompat", "evidence", *session.posargs)


@nox.session
def rounds(session: nox.Session) -> None:
    """Go on with the merged run, as planned: further rounds of the covering arrays: nox -s rounds -- nightly."""
    _tool(session)
    session.run("stackcompat", "run", "--continue", "--no-report", "--verbose", *session.posargs)


@nox.session
def blame(session: nox.Session) -> None:
    """Who broke it: nox -s blame -- --minutes 30."""
    _tool(session)
    session.run("stackcompat", "blame", *session.posargs)


@nox.session
def islands(session: nox.Session) -> None:
    """Which newest releases can be installed together."""
    _tool(session)
    session.run("stackcompat", "islands", *session.posargs)


@nox.session
def night(session: nox.Session) -> None:
    """What the last run of a matrix changed: nox -s night -- nightly --output site --fail-on new."""
    _tool(session)
    session.run("stackcompat", "night", *session.posargs)


@nox.session
def watch(session: nox.Session) -> None:
    """Keep issues about what broke up to date: nox -s watch -- nightly --dry-run."""
    _tool(session, extra="tracker")
    session.run("stackcompat", "watch", *session.posargs)


@nox.session
def exchange(session: nox.Session) -> None:
    """Artifacts across versions: what one environment wrote another reads."""
    _tool(session)
    session.run("stackcompat", "run", "exchange", "--verbose", *session.posargs)


@nox.session
def cell(session: nox.Session) -> None:
    """One combination by hand: nox -s cell -- "jax==0.11.2" "flax==0.12.9" --python 3.12."""
    _tool(session)
    session.run("stackcompat", "try", *session.posargs)


@nox.session
def report(session: nox.Session) -> None:
    """Write the table again from the evidence that is there: nox -s report -- --publish."""
    _tool(session)
    session.run("stackcompat", "report", *session.posargs)


@nox.session
def site(session: nox.Session) -> None:
    """Write the published table as a site of small pages: nox -s site -- --output public."""
    _tool(session)
    session.run("stackcompat", "site", *session.posargs)


@nox.session
def calibrate(session: nox.Session) -> None:
    """Measure the smoke tests and blame: try every known case, print caught / known and exact / known culprits."""
    _tool(session)
    session.run("stackcompat", "calibrate", "--blame", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Measure the smoke tests: do they notice a release that is a little wrong? nox -s mutants -- jax flax optax."""
    _tool(session)
    session.run("python", "benchmarks/mutants.py", *session.posargs)


@nox.session
def gate(session: nox.Session) -> None:
    """Whether a release may ship: nox -s gate -- dist/flax-0.13.0-py3-none-any.whl --json gate.json.

    nox knows but two ends: 0 is PASS, 1 is anything else. Which, the JSON says.
    """
    _tool(session)
    session.run("stackcompat", "gate", *session.posargs)


@nox.session
def gate_aa(session: nox.Session) -> None:
    """The gate with nothing new: the newest release against itself must be green; prints the rate of false reds."""
    _tool(session)
    session.run("stackcompat", "gate", "--aa", *session.posargs)


@nox.session
def replay(session: nox.Session) -> None:
    """Prove the gate on releases of the past, and publish how it judged them."""
    _tool(session)
    reports = ("--json", "reports/replay-gate.json", "--markdown", "reports/replay-gate.md")
    session.run("stackcompat", "replay", *reports, *session.posargs)


@nox.session(python=_newest_python())
def tests(session: nox.Session) -> None:
    """The tester's own tests, against the installed wheel: unit, property, end to end; with the share they cover."""
    _tool(session, "test")
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    session.run("pytest", *_IN_PARALLEL, *_WITHOUT_REAL_RUNS, "--cov", "--cov-report=", "--cov-fail-under=0")
    # The share that these cover is added.
    session.run("pytest", *_TWO_FILES_AT_ONCE, "tests/e2e", "--cov", "--cov-append", "--cov-report=term:skip-covered")


@nox.session
def faults(session: nox.Session) -> None:
    """Faults on purpose: wrong indexes and files, full disks, odd releases; each is told, and no verdict follows."""
    _tool(session, "test")
    session.run("pytest", *(session.posargs or ["tests/faults"]))


@nox.session(python=PYTHONS)
def unit(session: nox.Session) -> None:
    """Unit and property tests on each Python that the project is for: nox -s unit-3.12."""
    _tool(session, "test")
    session.run("pytest", *(session.posargs or [*_IN_PARALLEL, *_WITHOUT_REAL_RUNS]))


@nox.session(python=PYTHONS[0])
def minimums(session: nox.Session) -> None:
    """Unit and property tests on the oldest Python with the lowest versions of all direct dependencies."""
    requirements = nox.project.dependency_groups(PROJECT, "test")
    session.install("--resolution", "lowest-direct", ".", *requirements)
    session.run("uv", "pip", "list", external=True, silent=False)
    session.run("pytest", *(session.posargs or [*_IN_PARALLEL, *_WITHOUT_REAL_RUNS]))


@nox.session
def next_uv(session: nox.Session) -> None:
    """Try the uv after the bound one: which of the sentences that conflicts are read from does it word otherwise?"""
    _tool(session)
    session.run("python", "benchmarks/uv_sentences.py", *session.posargs)


@nox.session
def changelog(session: nox.Session) -> None:
    """Collect changelog.d/ into CHANGELOG.md: nox -s changelog -- 0.2.0; without a version, show it as a draft."""
    session.install(*nox.project.dependency_groups(PROJECT, "release"))
    version = session.posargs or ["0.0.0", "--draft"]
    session.run("towncrier", "build", "--yes", "--version", *version)


@nox.session
def dist(session: nox.Session) -> None:
    """Build the source distribution and, from it, the wheel, into dist/, and check them: nox -s dist -- v0.2.0.

    With a tag, both must have its version.
    """
    session.install(*nox.project.dependency_groups(PROJECT, "release"))
    folder = Path("dist")
    shutil.rmtree(folder, ignore_errors=True)
    session.run("uv", "build", "--out-dir", str(folder))
    files = sorted(folder.glob("stackcompat-*"))
    session.run("twine", "check", "--strict", *map(str, files))
    session.run("check-wheel-contents", *(str(file) for file in files if file.suffix == ".whl"))
    for tag in session.posargs:
        version = tag.removeprefix("v")
        if {file.name for file in files} != {
            f"stackcompat-{version}-py3-none-any.whl",
            f"stackcompat-{version}.tar.gz",
        }:
            session.error(f"{tag} is not the version of {', '.join(file.name for file in files)}")


@nox.session
def reference(session: nox.Session) -> None:
    """Make docs/reference.md anew from the commands."""
    _tool(session)
    session.run("python", "-m", "stackcompat.cli.reference", "docs/reference.md")


@nox.session
def man(session: nox.Session) -> None:
    """Write the manual page of all commands: man -l dist/stackcompat.1"""  # noqa: D415  (the full stop would be part of the command)
    _tool(session)
    session.run("python", "-m", "stackcompat.cli.reference", "dist/stackcompat.1")


@nox.session
def lint(session: nox.Session) -> None:
    """Style, spelling, formatting, layers of packages, workflows: their security and their schema."""
    session.install(".", *nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("lint-imports")
    session.run("zizmor", "--offline", "--quiet", ".")
    workflows = sorted(str(path) for path in Path(".github/workflows").glob("*.yml"))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml")
    session.run("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "docs/recipes/gitlab-ci.yml")


@nox.session
def types(session: nox.Session) -> None:
    """Strict static types, of the engine, its tests and this file."""
    _tool(session, "types")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into site/, with the site of the published table in site/table/; broken links fail."""
    _tool(session, "docs")
    site = Path("site")
    session.run("mkdocs", "build", "--strict", "--site-dir", str(site))
    if Path("reports/compat.json").is_file():
        session.run("stackcompat", "site", "--output", str(site / "table"))
    session.log(f"open {site / 'index.html'}")
