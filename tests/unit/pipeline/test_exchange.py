"""Crossings run with an executor that answers from rules."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stackcompat.core.record import UsageError
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import ExchangePlan
from stackcompat.pipeline.exchange import execute_exchange, plan_exchange, run_exchange
from stackcompat.plan.matrix import Matrix
from stackcompat.run.job import Exchange, Job
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossing, judge_crossings
from support.fakes import Catalogue, FakeExecutor, Rule, make_exchange_runner, make_runner
from support.made_up import failed, make_cell, passed

WORLD = Catalogue({"alpha": {"1.0.0": "2026-01-01", "1.3.0": "2026-06-01"}})
OLD, NEW = make_cell({"alpha": "1.0.0"}), make_cell({"alpha": "1.3.0"})
SQUARE = (OLD, NEW)


def result(test: str, *, ok: bool = True, artifact: str = "box") -> TestResult:
    found = passed(test, "alpha") if ok else failed(test, "alpha")
    return found.model_copy(update={"artifact": artifact, "level": "exchange"})


def version(job: Job) -> str:
    return job.lock.versions()["alpha"]


def writing(job: Job) -> Iterable[TestResult]:
    """Leave the artifact, as the session in a cell does."""
    assert job.exchange is not None
    (job.exchange.store / "box").mkdir(parents=True, exist_ok=True)
    (job.exchange.store / "box" / "by").write_text(version(job))
    return (result("write"),)


def written_by(job: Job) -> str:
    assert job.exchange is not None
    return (job.exchange.store / "box" / "by").read_text()


def new_to_old_is_red(job: Job, _: int) -> Iterable[TestResult]:
    assert job.exchange is not None
    if job.exchange.mode == "write":
        return writing(job)
    return (result("read", ok=not (written_by(job) == "1.3.0" and version(job) == "1.0.0")),)


class Table:
    """A runner for artifacts with its fakes; `only` are those that are written and read."""

    def __init__(self, folder: Path, rule: Rule, only: tuple[str, ...] = ()) -> None:
        plain, executor, _ = make_runner(folder, rule, {"alpha": "1.3.0"}, catalog=WORLD)
        self.only = only
        helpers = folder / "helpers"
        helpers.mkdir(exist_ok=True)
        (helpers / "idioms.py").write_text("")
        (plain.suite.folder / "test_box.py").write_text("import idioms\n\ndef test_it(): ...\n")
        self.executor: FakeExecutor = executor
        self.runner = make_exchange_runner(plain, helpers)

    def run(self, *squares: Any, **more: Any) -> dict[tuple[str, str], CrossingVerdict]:
        plan = run_exchange(self.plan(*squares), self.runner, artifacts=self.only, **more)
        return self.judge(plan)

    def plan(self, *squares: Any) -> ExchangePlan:
        return plan_exchange(squares or [("s", SQUARE, SQUARE)], self.runner, artifacts=self.only)

    def judge(self, plan: ExchangePlan) -> dict[tuple[str, str], CrossingVerdict]:
        evidence = self.runner.store.of_keys([*(c.key for c in plan.crossings), *(c.key for c in plan.cells)])
        verdicts = [judge_crossing(c, plan, evidence) for c in plan.crossings if c.square]
        return {(pin(v.writer.cell), pin(v.reader.cell)): v for v in verdicts}


def pin(cell: Any) -> str:
    return str(cell.requirements[0]).removeprefix("alpha==")


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    made = Table(tmp_path, new_to_old_is_red)
    yield made
    made.runner.store.close()


def jobs(table: Table) -> list[tuple[str, str]]:
    return [(job.exchange.mode, version(job)) for job in table.executor.asked if job.exchange is not None]


def test_one_writer_serves_all_its_readers(table: Table) -> None:
    found = table.run()
    assert {ends: verdict.verdict for ends, verdict in found.items()} == {
        ("1.0.0", "1.0.0"): "works",
        ("1.0.0", "1.3.0"): "works",
        ("1.3.0", "1.0.0"): "broken",
        ("1.3.0", "1.3.0"): "works",
    }
    assert sorted(jobs(table)) == sorted(
        [
            *[("write", "1.0.0"), ("write", "1.3.0")],
            *[("read", "1.0.0"), ("read", "1.3.0"), ("read", "1.3.0")],
            *[("read", "1.0.0")] * 2,  # confirmed
        ]
    )


def test_a_baseline_is_run_where_something_is_red_and_only_there(table: Table) -> None:
    table.run(("s", [OLD], [NEW]))
    assert jobs(table) == [("write", "1.0.0"), ("read", "1.3.0")]
    table.executor.asked.clear()
    found = table.run(("s", [NEW], [OLD]))
    assert found["1.3.0", "1.0.0"].verdict == "broken"
    assert jobs(table)[:3] == [("write", "1.3.0"), ("read", "1.0.0"), ("read", "1.0.0")]
    # The baselines, of what is red alone.
    baselines = [("write", "1.0.0"), ("read", "1.0.0"), ("write", "1.3.0"), ("read", "1.3.0")]
    assert sorted(jobs(table)[3:]) == sorted(baselines)
    assert {job.exchange.artifacts for job in table.executor.asked[3:] if job.exchange} == {("box",)}
    before = len(table.executor.asked)
    assert table.run(("s", [NEW], [OLD]))["1.3.0", "1.0.0"].verdict == "broken"
    assert len(table.executor.asked) == before


def test_what_has_evidence_is_not_run_again_unless_asked(table: Table) -> None:
    first = table.run()
    before = len(table.executor.asked)
    assert {k: v.verdict for k, v in table.run().items()} == {k: v.verdict for k, v in first.items()}
    assert len(table.executor.asked) == before
    table.run(rerun=True)
    assert len(table.executor.asked) == 2 * before


def test_artifacts_are_made_again_when_they_are_missing(table: Table, tmp_path: Path) -> None:
    table.run(("s", [OLD], [NEW]))
    (store,) = (tmp_path / "cache" / "artifacts").iterdir()
    for path in [*store.rglob("*")][::-1]:
        path.unlink() if path.is_file() else path.rmdir()
    table.executor.asked.clear()
    table.run(("s", [OLD], [OLD, NEW]))
    assert jobs(table) == [("write", "1.0.0"), ("read", "1.0.0")]


def test_artifacts_that_nobody_read_for_long_are_dropped(table: Table, tmp_path: Path) -> None:
    table.run(("s", [OLD], [NEW]))
    (store,) = (tmp_path / "cache" / "artifacts").iterdir()
    os.utime(store, (0, 0))
    table.run(("s", [NEW], [NEW]))
    assert not store.exists()


def test_who_writes_nothing_is_not_read(tmp_path: Path) -> None:
    table = Table(tmp_path, lambda *_: (result("write", ok=False),))
    found = table.run(("s", [OLD], [NEW]))
    assert (found["1.0.0", "1.3.0"].verdict, found["1.0.0", "1.3.0"].side) == ("untested", "writer")
    assert jobs(table) == [("write", "1.0.0")] * 2
    table.runner.store.close()


def test_jobs_are_told_what_to_write_and_to_read(tmp_path: Path) -> None:
    table = Table(tmp_path, new_to_old_is_red, only=("box", "crate"))
    table.run(("s", [OLD], [NEW]))
    write, read = table.executor.asked
    assert write.exchange is not None
    assert read.exchange is not None
    assert (write.exchange.artifacts, read.exchange.artifacts) == (("box", "crate"), ("box",))
    assert write.exchange.store == read.exchange.store
    assert write.helpers == read.helpers == tmp_path / "helpers"
    evidence = table.runner.store.of_key
    plan = table.plan(("s", [OLD], [NEW]))
    (run,) = evidence(plan.crossings[0].key)
    assert run.reads == plan.cell(plan.crossings[0].writer).key
    table.runner.store.close()


def test_keys_tell_apart_what_results_depend_on(tmp_path: Path) -> None:
    def keys(table: Table) -> set[str]:
        plan = table.plan()
        return {*(c.key for c in plan.crossings), *(c.key for c in plan.cells)}

    whole, part = Table(tmp_path, new_to_old_is_red), Table(tmp_path, new_to_old_is_red, only=("box",))
    assert len(keys(whole)) == 6  # two writers, and four crossings of them
    assert keys(whole) == keys(Table(tmp_path, new_to_old_is_red))
    assert not keys(whole) & keys(part)
    before = keys(whole)
    (tmp_path / "helpers" / "idioms.py").write_text("# another way")
    whole.runner = make_exchange_runner(whole.runner, tmp_path / "helpers")
    assert not before & keys(whole)
    whole.runner.store.close()
    part.runner.store.close()


def test_a_reader_gets_a_copy_and_a_writer_keeps_what_passed(tmp_path: Path) -> None:
    store, folder = tmp_path / "store", tmp_path / "one"
    write = Exchange(mode="write", store=store)
    write.open(folder)
    for name in ("box", "crate"):
        (folder / name).mkdir()
        (folder / name / "content").write_text("first")
    write.close(folder, [result("write"), result("write crate", ok=False, artifact="crate")])
    assert [path.name for path in store.iterdir()] == ["box"]
    read = Exchange(mode="read", store=store, artifacts=("box",))
    read.open(tmp_path / "two")
    (tmp_path / "two" / "box" / "content").write_text("scribble")
    read.close(tmp_path / "two", [result("read")])
    assert (store / "box" / "content").read_text() == "first"
    write.open(tmp_path / "three")
    (tmp_path / "three" / "box").mkdir()
    write.close(tmp_path / "three", [result("write")])
    assert not (store / "box" / "content").exists()


def test_a_matrix_of_squares(tmp_path: Path) -> None:
    table = Table(tmp_path, new_to_old_is_red)
    text = {
        "title": "M",
        "components": ("alpha",),
        "pythons": ("3.12", "3.99"),
        "level": "exchange",
        "policies": [
            {"policy": "series", "component": "alpha", "releases": {"all": True}, "label": "all"},
            {"policy": "pins", "requirements": ["alpha==1.3.0"]},
        ],
        "promises": [{"artifact": "box*", "component": "alpha", "backward-days": 365, "forward-days": 7}],
    }
    matrix = Matrix.model_validate(text).read_from(Path("matrices/m.toml"))
    record = execute_exchange(matrix, table.runner)
    assert table.runner.store.runs() == (record,)
    assert (record.pythons, record.missing_pythons, record.cells) == (("3.12",), ("3.99",), ())
    assert record.exchange is not None
    evidence = table.runner.store.of_keys(record.evidence_keys())
    judged = judge_crossings(record.exchange, evidence)
    found = {(c.square, pin(v.writer.cell), pin(v.reader.cell)): (v.verdict, c.promised["box*"]) for c, v in judged}
    assert found == {
        ("all", "1.0.0", "1.0.0"): ("works", True),
        ("all", "1.0.0", "1.3.0"): ("works", True),
        ("all", "1.3.0", "1.0.0"): ("broken", False),
        ("all", "1.3.0", "1.3.0"): ("works", True),
        ("pins", "1.3.0", "1.3.0"): ("works", True),
    }
    runs = len(table.executor.asked)
    again = execute_exchange(matrix, table.runner)
    assert len(table.executor.asked) == runs
    assert execute_exchange(matrix, table.runner, go_on=True) == again
    assert table.runner.store.history("m") == (record, again)  # what goes on is no run of its own
    twice = matrix.model_copy(update={"policies": (matrix.policies[1], matrix.policies[1])})
    with pytest.raises(UsageError, match=r"m\.toml: policies\[1\]\.label: is that of another policy"):
        execute_exchange(twice, table.runner)
    table.runner.store.close()
