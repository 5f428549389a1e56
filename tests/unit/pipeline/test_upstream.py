"""Releases' own tests with their baselines, with an executor that answers from rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackcompat.blame.prober import run_test
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.ecosystem.releases import IndexUnreachable
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.cells import plan_cell, run_cells
from stackcompat.pipeline.execution import execute
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.runner import Runner
from stackcompat.pipeline.try_cell import try_cell
from stackcompat.pipeline.upstream import OwnTests
from stackcompat.plan.cell import Cell
from stackcompat.plan.matrix import Matrix
from stackcompat.run.job import Job
from stackcompat.verdict.verdict import CellVerdict, judge
from support.fakes import Catalogue, FakeExecutor, Rule, make_runner
from support.loopback_index import make_sdist
from support.made_up import COMPONENTS, component, failed, passed

FILE = "upstream/beta/tests/nets_test.py"
OWN = {"archive": "sdist", "tests": ["tests/*_test.py"], "beside": ["tests/data/*"], "requires": ["gamma"]}
FILES = {
    "beta-1.0/beta/__init__.py": "",
    "beta-1.0/tests/nets_test.py": "def test_it(): ...",
    "beta-1.0/tests/data/x": "1",
}


class Shelf(Catalogue):
    """An index that has a source archive of every release, or of none."""

    def __init__(self, content: bytes | None) -> None:
        projects = {
            "alpha": {"1.0": "2026-01-01", "2.0": "2026-06-01"},
            "beta": {"1.0": "2026-01-20", "1.5": "2026-03-01"},
            "gamma": {"1.0": "2026-01-01"},
        }
        super().__init__(projects)
        self.content = content
        self.asked: list[str] = []

    def sdist(self, name: str, version: str) -> bytes:
        """See :class:`stackcompat.pipeline.upstream.Archives`."""
        self.asked.append(f"{name} {version}")
        if self.content is None:
            raise IndexUnreachable("the package index did not answer")
        return self.content


def own(test: str, *, ok: bool = True) -> TestResult:
    found = passed(test, "beta") if ok else failed(test, "beta")
    return found.model_copy(update={"level": "upstream"})


def in_its_own_time(job: Job) -> bool:
    return job.files == () and job.upstream != () and job.upstream[0].tests is None


def broken_by_new_alpha(job: Job, _: int) -> Iterable[TestResult]:
    """One of beta's own tests never passes, and another fails with alpha 2.0."""
    new = job.lock.versions().get("alpha") == "2.0" or job.lock.versions().get("beta") == "1.5"
    done = {
        FILE: own(FILE),
        f"{FILE}::good": own(f"{FILE}::good"),
        f"{FILE}::never": own(f"{FILE}::never", ok=False),
        f"{FILE}::then": own(f"{FILE}::then", ok=not new),
    }
    for each in job.upstream:
        counted = done if each.tests is None else each.tests
        yield from (result for test, result in done.items() if test in counted and (not job.tests or test in job.tests))
    if not in_its_own_time(job):
        yield passed("test_it.py::smoke", "alpha", "beta", "gamma")


class Table:
    """A runner for releases' own tests, with its fakes."""

    def __init__(self, folder: Path, rule: Rule, content: bytes | None = make_sdist(FILES)) -> None:
        rows = tuple(component("beta", upstream=(OWN,)) if c.name == "beta" else c for c in COMPONENTS.components)
        plain, executor, resolver = make_runner(folder, rule, {"alpha": "1.0", "gamma": "1.0"})
        self.shelf = Shelf(content)
        self.executor: FakeExecutor = executor
        self.plain = replace(plain, components=Components(components=rows), catalog=self.shelf)
        self.resolver = resolver
        self.runner = self.fresh()

    def fresh(self) -> Runner:
        """A runner that remembers no baseline, but has the store."""
        return self.plain.using(OwnTests(self.shelf))

    def attempt(self, *requirements: str, runner: Runner | None = None, level: Any = "upstream") -> CellVerdict:
        cell = Cell(python="3.12", platform=this_platform(), requirements=requirements)
        return try_cell(cell, runner or self.runner, level)[0]


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    made = Table(tmp_path, broken_by_new_alpha)
    yield made
    made.runner.store.close()


def test_only_what_passed_in_its_own_time_and_fails_here_breaks_a_cell(table: Table) -> None:
    verdict = table.attempt("alpha==2.0", "beta==1.0", "gamma==1.0")
    assert (verdict.verdict, verdict.level) == ("broken", "upstream")
    assert [failure.test for failure in verdict.failures] == [f"{FILE}::then"]
    green = table.attempt("alpha==1.0", "beta==1.0", "gamma==1.0")
    assert (green.verdict, green.level) == ("works", "interop")
    baselines = [job for job in table.executor.asked if in_its_own_time(job)]
    # All tests once, then the failed ones once more. This serves both cells.
    assert [job.tests for job in baselines] == [(), (f"{FILE}::never",)]
    assert {job.requirements for job in baselines} == {("beta==1.0", "gamma")}


def test_the_baseline_is_asked_for_as_of_the_day_of_the_upload(table: Table) -> None:
    table.attempt("alpha==2.0", "beta==1.5", "gamma==1.0")
    (asked,) = [cell for cell in table.resolver.asked if cell.policy == "baseline"]
    assert asked.requirements == ("beta==1.5", "gamma")
    assert asked.exclude_newer == dt.datetime(2026, 3, 1, 23, 59, 59, tzinfo=dt.UTC)


def test_a_job_says_which_tests_count_where_they_are_and_how_long(table: Table) -> None:
    table.attempt("alpha==2.0", "beta==1.0", "gamma==1.0")
    job = next(job for job in table.executor.asked if not in_its_own_time(job))
    (told,) = job.upstream
    assert told.tests == (FILE, f"{FILE}::good", f"{FILE}::then")
    assert told.left_out.keys() == {f"{FILE}::never"}
    assert told.folder is not None
    found = [str(path.relative_to(told.folder)) for path in told.folder.rglob("*") if path.is_file()]
    assert sorted(found) == ["tests/data/x", "tests/nets_test.py"]
    assert job.limits.seconds == 900 + 120
    assert table.shelf.asked == ["beta 1.0"]


def ask(table: Table, test: str, *requirements: str, runner: Runner | None = None) -> PlannedCell:
    """Run one test of a cell, as blame does."""
    cell = Cell(python="3.12", platform=this_platform(), requirements=requirements)
    runner = runner or table.runner
    resolution = lock_cells([cell], runner)[cell.id]
    planned = plan_cell(cell, resolution, runner, "upstream", (test,))
    run_cells([planned], runner, "upstream")
    return planned


def test_the_baseline_for_one_test_has_that_test_alone(table: Table) -> None:
    planned = ask(table, f"{FILE}::then", "alpha==2.0", "beta==1.0", "gamma==1.0")
    (failure,) = judge(planned, table.runner.store.of_key(planned.key), COMPONENTS).failures
    assert failure.test == f"{FILE}::then"
    assert [job.tests for job in table.executor.asked if in_its_own_time(job)] == [(f"{FILE}::then",)]
    # A test that failed in its own time is not run here.
    planned = ask(table, f"{FILE}::never", "alpha==2.0", "beta==1.0", "gamma==1.0")
    assert not judge(planned, table.runner.store.of_key(planned.key), COMPONENTS).failures


def test_blame_makes_no_environment_for_a_pointless_test(table: Table) -> None:
    verdict = table.attempt("alpha==2.0", "beta==1.0", "gamma==1.0")
    (failure,) = verdict.failures
    asked = []
    for beta in ("1.0", "1.5"):
        cell = verdict.cell.model_copy(update={"requirements": ("alpha==2.0", f"beta=={beta}", "gamma==1.0")})
        resolution = lock_cells([cell], table.runner)[cell.id]
        before = len(table.executor.asked)
        answer = run_test(PlannedCell(cell=cell, resolution=resolution), failure, table.runner)
        asked.append((answer.outcome, answer.ran, [in_its_own_time(job) for job in table.executor.asked[before:]]))
    # With release 1.5, the test fails in the own time, too.
    assert asked == [("same", True, [False, False]), ("unresolved", False, [True, True])]


@pytest.mark.parametrize(
    ("test", "requirements", "reason"),
    [
        (f"{FILE}::then", ("alpha==2.0", "beta==1.0", "gamma==1.0"), ""),
        (f"{FILE}::never", ("alpha==2.0", "beta==1.0", "gamma==1.0"), "failed on 2026-01-20 too: "),
        (
            f"{FILE}::new",
            ("alpha==2.0", "beta==1.0", "gamma==1.0"),
            "no baseline of 2026-01-20: the release holds none of",
        ),
        (f"{FILE}::then", ("alpha==2.0", "beta==1.0"), "its tests need gamma, not installed here"),
        (f"{FILE}::then", ("alpha==2.0", "gamma==1.0"), "the release that ships this test is not installed"),
    ],
)
def test_a_pointless_test_is_known_beforehand(
    table: Table, test: str, requirements: tuple[str, ...], reason: str
) -> None:
    cell = Cell(python="3.12", platform=this_platform(), requirements=requirements)
    lock = lock_cells([cell], table.runner)[cell.id].lock
    assert lock is not None
    said = table.runner.pointless(cell, lock, "upstream", test)
    assert said.startswith(reason) if reason else not said
    assert not table.runner.pointless(cell, lock, "interop", "test_it.py::smoke")


def test_a_smoke_test_needs_no_baseline(table: Table) -> None:
    ask(table, "test_it.py::smoke", "alpha==2.0", "beta==1.0", "gamma==1.0")
    assert [job.upstream for job in table.executor.asked] == [()]


def test_a_baseline_that_is_known_whole_serves_one_test_as_well(table: Table) -> None:
    first = ask(table, f"{FILE}::then", "alpha==2.0", "beta==1.0", "gamma==1.0")
    table.attempt("alpha==1.0", "beta==1.0", "gamma==1.0")
    before = len(table.executor.asked)
    for runner in (table.runner, table.fresh()):
        again = ask(table, f"{FILE}::then", "alpha==2.0", "beta==1.0", "gamma==1.0", runner=runner)
        assert again.key == first.key
    assert len(table.executor.asked) == before
    ask(table, f"{FILE}::good", "alpha==2.0", "beta==1.0", "gamma==1.0", runner=table.fresh())
    assert not in_its_own_time(table.executor.asked[-1])
    assert len(table.executor.asked) == before + 1


def test_what_is_known_is_not_run_again(table: Table) -> None:
    table.attempt("alpha==2.0", "beta==1.0", "gamma==1.0")
    before = len(table.executor.asked)
    again = table.attempt("alpha==2.0", "beta==1.0", "gamma==1.0", runner=table.fresh())
    assert again.verdict == "broken"
    assert len(table.executor.asked) == before


def test_shallower_cells_run_no_own_tests(table: Table) -> None:
    verdict = table.attempt("alpha==2.0", "beta==1.0", "gamma==1.0", level="interop")
    assert (verdict.verdict, verdict.level) == ("works", "interop")
    assert [job.upstream for job in table.executor.asked] == [()]


def test_without_what_the_tests_need_none_is_run(table: Table) -> None:
    verdict = table.attempt("alpha==2.0", "beta==1.0")
    assert (verdict.verdict, verdict.level) == ("works", "interop")
    assert [job.upstream[0].left_out for job in table.executor.asked] == [
        {"upstream/beta/": "its tests need gamma, not installed here"}
    ]


@pytest.mark.parametrize(
    ("content", "version", "reason"),
    [
        (None, "1.0", "the package index did not answer"),
        (b"", "1.0", "beta 1.0 has no sdist"),
        (make_sdist(FILES), "1.1.dev1", "the index does not have this release"),
    ],
    ids=["no answer", "no sdist", "no release"],  # the bytes of an archive have the time in them
)
def test_without_a_baseline_the_reason_is_said(
    tmp_path: Path, content: bytes | None, version: str, reason: str
) -> None:
    table = Table(tmp_path, broken_by_new_alpha, content)
    table.attempt("alpha==2.0", f"beta=={version}", "gamma==1.0")
    (job,) = table.executor.asked
    assert reason in job.upstream[0].left_out["upstream/beta/"]
    assert job.upstream[0].tests == ()
    table.runner.store.close()


def test_a_matrix_runs_its_baselines_first(table: Table) -> None:
    policies = [
        {"policy": "pins", "requirements": ["alpha==1.0", "beta==1.0", "gamma==1.0"]},
        {"policy": "pins", "requirements": ["alpha==2.0", "beta==1.0", "gamma==1.0"]},
    ]
    fields = {"title": "M", "components": ("alpha", "beta", "gamma"), "pythons": ("3.12",), "level": "upstream"}
    matrix = Matrix.model_validate(fields | {"policies": policies})
    record = execute(matrix, table.runner)
    verdicts = [judge(cell, table.runner.store.of_key(cell.key), COMPONENTS) for cell in record.cells]
    assert sorted((verdict.verdict, verdict.level) for verdict in verdicts) == [
        ("broken", "upstream"),
        ("works", "interop"),
    ]
    assert [in_its_own_time(job) for job in table.executor.asked] == [True, True, False, False, False]
