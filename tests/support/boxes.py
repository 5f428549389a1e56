"""Releases of alpha that write and read a box; what the new one wrote, the old one does not read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import ExchangePlan
from stackcompat.pipeline.exchange import plan_exchange, run_exchange
from stackcompat.run.job import Job
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossing
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


def jobs(table: Table) -> list[tuple[str, str]]:
    return [(job.exchange.mode, version(job)) for job in table.executor.asked if job.exchange is not None]
