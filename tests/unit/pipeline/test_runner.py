"""What a runner holds, and the addresses of the evidence that it makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import Components
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
    """Of the tests that beta ships, one never passes."""
    results = [passed(OWN_FILE, "beta"), passed(f"{OWN_FILE}::good", "beta"), failed(f"{OWN_FILE}::never", "beta")]
    return [result.model_copy(update={"level": "upstream"}) for result in results]


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    """A runner over a suite of one file. The code that runs inside a cell is the same for ever."""
    monkeypatch.setattr(fakes, "plugin_code", lambda: b"# the plugin\n")
    for name in ("suite", "helpers"):
        (tmp_path / name).mkdir()
    (tmp_path / "suite" / "test_beta.py").write_text(TESTS)
    (tmp_path / "suite" / "idioms.py").write_text("# ways\n")
    (tmp_path / "helpers" / "values.py").write_text("# values\n")
    made, _, _ = make_runner(tmp_path, beta_of_its_own_time, {"gamma": "1.0"}, catalog=SHELF)
    yield made
    made.store.close()


# --- The addresses of evidence: stores hold years of them, so a change of the code must not change any. ---


@pytest.mark.parametrize(
    ("level", "tests", "thorough", "key"),
    [
        ("interop", (), True, "e4b7f1ead6135c07"),
        ("import", (), True, "ef414bb8c3843466"),
        ("interop", ("test_beta.py::test_it",), True, "701002b1a5a054c5"),
        ("interop", (), False, "b7d51ebdf80d51a4"),
    ],
)
def test_the_address_of_evidence_on_smoke_tests(
    runner: Runner, level: Level, tests: tuple[str, ...], thorough: bool, key: str
) -> None:
    assert runner.key(CELL.model_copy(update={"thorough": thorough}), LOCK, level, tests) == key


def test_the_address_of_evidence_on_own_tests_and_on_their_baselines(runner: Runner) -> None:
    rows = tuple(component("beta", upstream=(OWN,)) if c.name == "beta" else c for c in COMPONENTS.components)
    runner = replace(runner, components=Components(components=rows)).using(OwnTests(SHELF))
    assert isinstance(runner.executor, FakeExecutor)
    assert runner.key(CELL, LOCK, "interop") == "bfeba3c16e5e0a0a"
    assert runner.key(CELL, LOCK, "upstream", (f"{OWN_FILE}::good",)) == "9b80590ae7c6f7ff"
    assert runner.key(CELL, LOCK, "upstream") == "d011fefeae8f7d4e"
    # The baseline of one test, then the whole one, with what was red in it once more.
    assert [job.tests for job in runner.executor.asked] == [(f"{OWN_FILE}::good",), (), (f"{OWN_FILE}::never",)]
    assert runner.store.of_keys(["a8858f8c8d27343d", "1b362db0fca6ea77"]).keys() == {
        "a8858f8c8d27343d",
        "1b362db0fca6ea77",
    }


@pytest.mark.parametrize(
    ("artifacts", "write", "read"),
    [((), "d81cdad5c94a3a3b", "fc42fbd48c8f0167"), (("crate", "box"), "b9c17bbc1f49bdbf", "cef5c0c414421907")],
)
def test_the_address_of_evidence_on_artifacts(
    runner: Runner, tmp_path: Path, artifacts: tuple[str, ...], write: str, read: str
) -> None:
    exchange = make_exchange_runner(runner, tmp_path / "helpers")
    assert exchange.using(Writing(artifacts)).key(OLD_CELL, OLD_LOCK, "exchange") == write
    assert exchange.using(Reading(write, artifacts)).key(CELL, LOCK, "exchange") == read


# --- Copies. ---


class Steps(Silent):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def stage(self, title: str, total: int) -> None:
        self.said.append(f"{title} {total}")


class OneTest(JobTransform):
    """The jobs run one test of their own."""

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


def test_progress_is_told_to_the_reporter_that_the_runner_holds(runner: Runner) -> None:
    steps = Steps()
    run_cells([], runner.reporting(steps), "interop")
    run_cells([], runner.reporting(steps).quiet(), "interop")
    assert steps.said == ["run 0"]


def test_a_transform_decides_address_and_job(runner: Runner) -> None:
    resolution = Resolution(outcome="locked", lock=LOCK)
    plain = plan_cell(CELL, resolution, runner, "interop")
    special = plan_cell(CELL, resolution, runner.using(OneTest()), "interop")
    assert special.key == f"special {plain.key}"
    assert runner.job(plain, "interop").tests == ()
    assert runner.using(OneTest()).job(special, "interop").tests == ("special",)
    assert not runner.using(OneTest()).pointless(CELL, LOCK, "interop", "special")
