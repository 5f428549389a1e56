"""A runner: the keys of its evidence, and its copies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import CompilerCache, Component, Components
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.artifacts import Reading, Writing
from stackcompat.pipeline.cells import plan_cell, run_cells
from stackcompat.pipeline.progress import Silent
from stackcompat.pipeline.runner import JobTransform, Runner
from stackcompat.pipeline.upstream import OwnTests
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock, Resolution
from stackcompat.run.job import Job
from support import fakes
from support.fakes import Catalogue, FakeExecutor, make_exchange_runner, make_runner
from support.loopback_index import make_sdist
from support.made_up import COMPONENTS, PLATFORM, component, failed, make_lock, passed

TESTS = """
import idioms

@pytest.mark.uses("beta")
def test_it(): ...

@pytest.mark.thorough
def test_more(): ...
"""
OWN_FILE = "upstream/beta/tests/nets_test.py"
OWN = {"archive": "sdist", "tests": ["tests/*_test.py"], "beside": ["tests/data/*"], "requires": ["gamma"]}
CELL = Cell(python="3.12", platform=PLATFORM, requirements=("alpha==2.0", "beta==1.0", "gamma"))
LOCK = make_lock({"alpha": "2.0", "beta": "1.0", "gamma": "1.0"})
OLD_CELL, OLD_LOCK = Cell(python="3.12", platform=PLATFORM, requirements=("alpha==1.0",)), make_lock({"alpha": "1.0"})


class Shelf(Catalogue):
    """An index with the sdists of beta."""

    def sdist(self, name: str, version: str) -> bytes:
        """See :class:`stackcompat.pipeline.upstream.Archives`."""
        return make_sdist({f"{name}-{version}/tests/nets_test.py": "def test_it(): ..."})


SHELF = Shelf({"beta": {"1.0": "2026-01-20"}, "gamma": {"1.0": "2026-01-01"}})


def beta_of_its_own_time(job: Job, _: int) -> list[TestResult]:
    """Beta ships several tests. One of them never passes."""
    results = [passed(OWN_FILE, "beta"), passed(f"{OWN_FILE}::good", "beta"), failed(f"{OWN_FILE}::never", "beta")]
    return [result.model_copy(update={"level": "upstream"}) for result in results]


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    """A runner over a suite of one file. The code that runs inside a cell never changes."""
    monkeypatch.setattr(fakes, "plugin_code", lambda: b"# the plugin\n")
    for name in ("suite", "helpers"):
        (tmp_path / name).mkdir()
    (tmp_path / "suite" / "test_beta.py").write_text(TESTS)
    (tmp_path / "suite" / "idioms.py").write_text("# ways\n")
    (tmp_path / "helpers" / "values.py").write_text("# values\n")
    made, _, _ = make_runner(tmp_path, beta_of_its_own_time, {"gamma": "1.0"}, catalog=SHELF)
    yield made
    made.store.close()


# --- The keys of evidence: stores have years of them, so a change of the code must not change any. ---


@pytest.mark.parametrize(
    ("level", "tests", "thorough", "key"),
    [
        ("interop", (), True, "e4b7f1ead6135c07"),
        ("import", (), True, "ef414bb8c3843466"),
        ("interop", ("test_beta.py::test_it",), True, "701002b1a5a054c5"),
        ("interop", (), False, "b7d51ebdf80d51a4"),
    ],
)
def test_the_key_of_evidence_on_smoke_tests(
    runner: Runner, level: Level, tests: tuple[str, ...], thorough: bool, key: str
) -> None:
    assert runner.key(CELL.model_copy(update={"thorough": thorough}), LOCK, level, tests) == key


def test_the_key_of_evidence_on_own_tests_and_on_their_baselines(runner: Runner) -> None:
    rows = tuple(component("beta", upstream=(OWN,)) if c.name == "beta" else c for c in COMPONENTS.components)
    runner = replace(runner, components=Components(components=rows)).using(OwnTests(SHELF))
    assert isinstance(runner.executor, FakeExecutor)
    assert runner.key(CELL, LOCK, "interop") == "bfeba3c16e5e0a0a"
    assert runner.key(CELL, LOCK, "upstream", (f"{OWN_FILE}::good",)) == "9b80590ae7c6f7ff"
    assert runner.key(CELL, LOCK, "upstream") == "d011fefeae8f7d4e"
    # The baseline of one test; then the whole baseline, in which the red test runs once more.
    assert [job.tests for job in runner.executor.asked] == [(f"{OWN_FILE}::good",), (), (f"{OWN_FILE}::never",)]
    assert runner.store.of_keys(["a8858f8c8d27343d", "1b362db0fca6ea77"]).keys() == {
        "a8858f8c8d27343d",
        "1b362db0fca6ea77",
    }


@pytest.mark.parametrize(
    ("artifacts", "write", "read"),
    [((), "d81cdad5c94a3a3b", "fc42fbd48c8f0167"), (("crate", "box"), "b9c17bbc1f49bdbf", "cef5c0c414421907")],
)
def test_the_key_of_evidence_on_artifacts(
    runner: Runner, tmp_path: Path, artifacts: tuple[str, ...], write: str, read: str
) -> None:
    exchange = make_exchange_runner(runner, tmp_path / "helpers")
    assert exchange.using(Writing(artifacts)).key(OLD_CELL, OLD_LOCK, "exchange") == write
    assert exchange.using(Reading(write, artifacts)).key(CELL, LOCK, "exchange") == read


# --- Copies. ---


class Steps(Silent):
    """A reporter that remembers the progress."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def stage(self, title: str, total: int | None) -> None:
        self.said.append(f"{title} {total}")


class OneTest(JobTransform):
    """Makes jobs that run one test of their own."""

    def key(self, key: str, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...], runner: Runner) -> str:
        return f"special {key}"

    def job(self, job: Job, planned: PlannedCell, runner: Runner) -> Job:
        return job.model_copy(update={"tests": ("special",)})


def test_a_copy_differs_in_one_thing(runner: Runner) -> None:
    steps, transform = Steps(), OneTest()
    loud = runner.reporting(steps)
    assert (loud.reporter, loud.store, loud.transform) == (steps, runner.store, runner.transform)
    assert isinstance(loud.quiet().reporter, Silent)
    assert loud.using(transform).transform is transform
    assert loud.using(transform).reporter is steps
    other = loud.using(transform).testing(replace(runner).suite)
    assert (other.reporter, other.store, type(other.transform)) == (steps, runner.store, JobTransform)


def test_progress_goes_to_the_reporter_that_the_runner_holds(runner: Runner) -> None:
    steps = Steps()
    run_cells([], runner.reporting(steps), "interop")
    run_cells([], runner.reporting(steps).quiet(), "interop")
    assert steps.said == ["run 0"]


def test_a_transform_decides_key_and_job(runner: Runner) -> None:
    resolution = Resolution(outcome="locked", lock=LOCK)
    plain = plan_cell(CELL, resolution, runner, "interop")
    special = plan_cell(CELL, resolution, runner.using(OneTest()), "interop")
    assert special.key == f"special {plain.key}"
    assert runner.job(plain, "interop").tests == ()
    assert runner.using(OneTest()).job(special, "interop").tests == ("special",)
    assert not runner.using(OneTest()).pointless(CELL, LOCK, "interop", "special")


# --- What a cell is tested with ---


@pytest.mark.parametrize(
    ("requirements", "installed", "files", "modules"),
    [
        (("alpha",), {"alpha": "1.0"}, (), {}),
        (("beta[lids]==1.0",), {"beta": "1.0"}, ("test_beta.py",), {}),
        (("beta-cpu",), {"beta-cpu": "1.0"}, ("test_beta.py",), {"beta": (("beta", ""),)}),
        # It came along with alpha. The data says what it has.
        (("alpha",), {"alpha": "1.0", "beta-cpu": "1.0"}, ("test_beta.py",), {"beta": (("beta", ""),)}),
        (("a-fork",), {"a-fork": "1.0", "alpha": "1.0"}, ("test_beta.py",), {"beta": (("beta", ""),)}),
    ],
)
def test_a_job_has_the_tests_of_what_can_be_imported(
    runner: Runner,
    requirements: tuple[str, ...],
    installed: dict[str, str],
    files: tuple[str, ...],
    modules: dict[str, tuple[tuple[str, str], ...]],
) -> None:
    beta = {"modules": [{"name": "beta"}, {"name": "beta.more", "optional": True}], "also_as": ["Beta_CPU"]}
    rows = (COMPONENTS["alpha"], Component.model_validate({**COMPONENTS["beta"].model_dump(), **beta}))
    (Path(runner.suite.folder) / "test_beta.py").write_text("@pytest.mark.uses('beta')\ndef test_it(): ...\n")
    runner = replace(runner, components=Components(components=rows))
    cell = Cell(python="3.12", platform=PLATFORM, requirements=requirements)
    lock = Lock.parse("".join(f"{name}=={version}\n" for name, version in installed.items()), "3.12", PLATFORM)
    planned = PlannedCell(cell=cell, resolution=Resolution(outcome="locked", lock=lock))
    job = runner.job(planned, "interop")
    assert job.files == files
    assert {name: job.modules[name] for name in job.modules if name == "beta"} == modules
    assert job.distributions["beta"] == "beta"
    optional = {entry.distribution for entry in job.imports if entry.optional}
    assert optional == {"beta", "beta-cpu"} & installed.keys()


def test_how_a_module_is_imported_is_part_of_the_key(runner: Runner) -> None:
    def key(**more: object) -> str:
        beta = {**COMPONENTS["beta"].model_dump(), "modules": [{"name": "beta", **more}]}
        rows = Components(components=(COMPONENTS["alpha"], Component.model_validate(beta)))
        return replace(runner, components=rows).key(CELL, LOCK, "interop")

    ways: list[dict[str, object]] = [{}, {"requires": ["x"]}, {"optional": True}, {"environment": {"END": "1"}}]
    assert len({key(**way) for way in ways}) == len(ways)


# --- The caches of compilers ---

GAMMA = CompilerCache(keyed_by=("gamma",), environment={"GAMMA_CACHE": "{folder}"})


def compiling(runner: Runner) -> Runner:
    """The runner, with a compiler in gamma."""
    rows = runner.components.components
    with_cache = tuple(row.model_copy(update={"compiler_cache": GAMMA}) if row.name == "gamma" else row for row in rows)
    return replace(runner, components=runner.components.model_copy(update={"components": with_cache}))


def job_of(runner: Runner, cell: Cell = CELL, lock: Lock = LOCK) -> Job:
    return runner.job(plan_cell(cell, Resolution(outcome="locked", lock=lock), runner, "interop"), "interop")


def test_jobs_use_the_caches_of_the_compilers_in_their_lock(runner: Runner) -> None:
    assert job_of(runner).compilers == {}
    runner = compiling(runner)
    assert job_of(runner).compilers == {"gamma": GAMMA}
    assert job_of(runner, OLD_CELL, OLD_LOCK).compilers == {}
    assert job_of(replace(runner, compiler_cache=False)).compilers == {}


def test_artifacts_are_made_without_caches(runner: Runner) -> None:
    assert job_of(compiling(runner).using(Writing(["model"]))).compilers == {}


def test_a_cache_is_no_part_of_the_key(runner: Runner) -> None:
    keys = [each.key(CELL, LOCK, "interop") for each in (runner, compiling(runner))]
    assert keys[0] == keys[1]


def test_cells_of_releases_of_the_index_leave_their_programs(runner: Runner) -> None:
    assert job_of(runner).leaves_programs
    assert not job_of(replace(runner, leaves_programs=False)).leaves_programs


@pytest.mark.parametrize(
    "change",
    [
        {"index": "NIGHTLY_INDEX"},
        {"local": {"beta": "beta.whl"}},
        {"overrides": ("beta==1.0",)},
        {"development": ("beta",)},
    ],
    ids=["extra index", "local", "forced", "development"],
)
def test_strange_cells_leave_no_programs(runner: Runner, change: dict[str, object]) -> None:
    assert not job_of(runner, CELL.model_copy(update=change)).leaves_programs


@pytest.mark.parametrize("change", [{"hashes": ()}, {"source": "file:///beta-1.0-py3-none-any.whl"}])
def test_a_lock_with_a_file_from_elsewhere_leaves_no_programs(runner: Runner, change: dict[str, object]) -> None:
    pins = tuple(pin.model_copy(update=change) if pin.name == "beta" else pin for pin in LOCK.pins)
    assert not job_of(runner, lock=LOCK.model_copy(update={"pins": pins})).leaves_programs
