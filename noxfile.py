"""What people and CI run. Every session does its own set-up; ``nox --list`` is the menu."""

from __future__ import annotations

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


@nox.session
def quick(session: nox.Session) -> None:
    """The main job, small: try a few combinations for real and publish the table in reports/."""
    _tool(session)
    session.run("stackcompat", "run", "quick", "--verbose", *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """The main job, whole: what has no evidence yet is run; then who broke it, the table, and what changed."""
    _tool(session)
    session.run("stackcompat", "run", "nightly", "--no-report", "--verbose", *session.posargs)
    session.run("stackcompat", "blame", "--minutes", "30")
    session.run("stackcompat", "islands", success_codes=[0, 3])
    session.run("stackcompat", "report")
    session.run("stackcompat", "night", "nightly")


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
    """What the last run of a matrix changed: nox -s night -- nightly --output site."""
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
    session.run("stackcompat", "try", *session.posargs, success_codes=[0, 1, 3])


@nox.session
def report(session: nox.Session) -> None:
    """Write reports/ again from the evidence that is there."""
    _tool(session)
    session.run("stackcompat", "report", *session.posargs)


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
    coverage = [] if session.posargs else ["--cov", "--cov-report=term:skip-covered"]
    session.run("pytest", *coverage, *session.posargs)


@nox.session(python=PYTHONS)
def unit(session: nox.Session) -> None:
    """Unit and property tests on each Python that the project is for: nox -s unit-3.12."""
    _tool(session, "test")
    session.run("pytest", *(session.posargs or ["tests/unit", "tests/property"]))


@nox.session(python=PYTHONS[0])
def minimums(session: nox.Session) -> None:
    """Unit and property tests on the oldest Python with the lowest versions of all direct dependencies."""
    requirements = nox.project.dependency_groups(PROJECT, "test")
    session.install("--resolution", "lowest-direct", ".", *requirements)
    session.run("uv", "pip", "list", external=True, silent=False)
    session.run("pytest", *(session.posargs or ["tests/unit", "tests/property"]))


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


@nox.session
def types(session: nox.Session) -> None:
    """Strict static types, of the engine, its tests and this file."""
    _tool(session, "types")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into site/, with the published table inside; broken links are errors."""
    session.install(*nox.project.dependency_groups(PROJECT, "docs"))
    site = Path("site")
    session.run("mkdocs", "build", "--strict", "--site-dir", str(site))
    if Path("reports").is_dir():
        shutil.copytree("reports", site / "reports", dirs_exist_ok=True)
    session.log(f"open {site / 'index.html'}")
