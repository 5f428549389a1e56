"""Artifacts that cross between the arms of a gate's cell; with an executor that answers from rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from stackcompat.core.record import UsageError
from stackcompat.evidence.results import TestResult
from stackcompat.gate.gate import run_aa_gate, run_gate
from stackcompat.gate.model import FalseReds, GateReport
from stackcompat.gate.options import GateOptions
from stackcompat.gate.policy import GatePolicy
from stackcompat.pipeline.progress import Silent
from stackcompat.run.job import Job
from support.fakes import Catalogue, Rule, make_exchange_runner, make_runner
from support.made_up import failed, passed

WORLD = Catalogue({"alpha": {"1.1": "2026-02-01", "1.2": "2026-06-01"}, "beta": {"2.0": "2026-02-01"}})
SUITE = """
import pytest

@pytest.mark.writes("box")
@pytest.mark.uses("alpha")
def test_write(): ...

@pytest.mark.reads("box")
@pytest.mark.uses("alpha")
def test_read(): ...
"""


def result(test: str, *, ok: bool = True, changed: bool = False) -> TestResult:
    found = passed(test, "alpha") if ok else failed(test, "alpha")
    if found.failure is not None:
        found = found.model_copy(update={"failure": found.failure.model_copy(update={"changed": changed})})
    return found.model_copy(update={"artifact": "box", "level": "exchange"})


def table(red: Callable[[str, str], bool], *, writes: Callable[[str], bool] = lambda _: True, **more: Any) -> Rule:
    """An executor's rule: reading is `red` by the releases of alpha that wrote and that reads."""

    def answer(job: Job, _: int) -> Iterable[TestResult]:
        assert job.exchange is not None
        version = job.lock.versions()["alpha"]
        box = job.exchange.store / "box"
        if job.exchange.mode == "write":
            if writes(version):
                box.mkdir(parents=True, exist_ok=True)
                (box / "by").write_text(version)
            return (result("write", ok=writes(version)),)
        return (result("read", ok=not red((box / "by").read_text(), version), **more),)

    return answer


def policy(direction: str, **more: Any) -> GatePolicy:
    rule = {"rule": "artifacts", "direction": direction, "weight": "required", **more}
    return GatePolicy.model_validate(
        {"title": "P", "components": ["alpha", "beta"], "pythons": ["3.12"], "rules": [rule]}
    )


class Judge:
    """Holds alpha 1.2 against 1.1, and remembers what the cells did."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modes: list[str] = []

    def __call__(self, rule: Rule, terms: GatePolicy, *, alike: bool = False, **more: Any) -> GateReport:
        def counted(job: Job, before: int) -> Iterable[TestResult] | str:
            assert job.exchange is not None
            self.modes.append(job.exchange.mode)
            return rule(job, before)

        plain, _, _ = make_runner(self.folder, counted, {"alpha": "1.1", "beta": "2.0"}, catalog=WORLD)
        (plain.suite.folder / "test_box.py").write_text(SUITE)
        exchange = make_exchange_runner(plain, plain.suite.folder)
        try:
            terms_ = GateOptions(policy=terms, pythons=("3.12",))
            if alike:
                return run_aa_gate(terms_, plain, WORLD, Silent(), exchange=exchange)
            return run_gate(("alpha==1.2",), terms_, plain, WORLD, Silent(), exchange=exchange, **more)
        finally:
            plain.store.close()


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    return Judge(tmp_path)


@pytest.mark.parametrize("direction", ["backward", "forward"])
def test_what_is_read_as_before_passes(judge: Judge, direction: str) -> None:
    report = judge(table(lambda writer, reader: False), policy(direction))
    (requirement,) = report.requirements
    assert report.decision == "PASS"
    assert requirement.counts["passes"] == (1 if direction == "backward" else 2)  # forward, its writing counts as well
    writer, reader = ("1.1", "1.2") if direction == "backward" else ("1.2", "1.1")
    asked = f'exchange --write-with "alpha=={writer}" "beta==2.0" --read-with "alpha=={reader}" "beta==2.0"'
    assert asked in requirement.reproduce


@pytest.mark.parametrize(
    ("direction", "writer", "reader", "decision"),
    [
        ("backward", "1.1", "1.2", "BLOCK"),
        ("forward", "1.1", "1.2", "PASS"),
        ("backward", "1.2", "1.1", "PASS"),
        ("forward", "1.2", "1.1", "BLOCK"),
    ],
)
def test_what_is_read_no_more_blocks_in_its_own_direction(
    judge: Judge, direction: str, writer: str, reader: str, decision: str
) -> None:
    report = judge(table(lambda w, r: (w, r) == (writer, reader)), policy(direction))
    assert report.decision == decision
    if decision == "BLOCK":
        assert "alpha 1.2 breaks" in report.sentence
        assert ("on what alpha 1.1 wrote" in report.sentence) == (direction == "backward")
        # What the control reads of its own was written, and read, once more in fresh environments.
        assert judge.modes.count("write") >= 2


def test_what_the_old_release_could_not_read_back_is_no_reproach(judge: Judge) -> None:
    report = judge(table(lambda writer, reader: True), policy("backward"))
    assert report.decision == "CANNOT-TELL"  # nothing that uses it passes in both arms
    assert report.requirements[0].counts == {"broken-before": 1}


def test_a_candidate_that_cannot_write_any_more_blocks(judge: Judge) -> None:
    report = judge(table(lambda writer, reader: False, writes=lambda v: v == "1.1"), policy("forward"))
    assert report.decision == "BLOCK"


def test_other_values_from_the_same_seed_ask_a_human(judge: Judge) -> None:
    report = judge(table(lambda writer, reader: writer != reader, changed=True), policy("backward"))
    assert "gives other values from the same seed" in report.requirements[0].doubts[0]
    assert report.decision != "BLOCK"


def test_an_artifact_that_there_is_not_is_a_mistake(judge: Judge) -> None:
    with pytest.raises(UsageError, match='there is no artifact "bag"; allowed are box'):
        judge(table(lambda writer, reader: False), policy("backward", only=["bag"]))


@pytest.mark.parametrize("direction", ["backward", "forward"])
@pytest.mark.parametrize("red", [False, True])
def test_a_budget_leaves_nothing_out_that_was_written_and_read(judge: Judge, direction: str, red: bool) -> None:
    rule = table(lambda writer, reader: red and writer != reader)
    first = judge(rule, policy(direction))
    judge.modes.clear()
    again = judge(rule, policy(direction), budget=1e-6)
    assert (again.decision, again.sentence) == (first.decision, first.sentence)
    assert again.decision == ("BLOCK" if red else "PASS")
    assert not judge.modes
    assert "the time budget" in judge(rule, policy(direction), budget=1e-6, rerun=True).sentence


def test_a_budget_leaves_no_candidate_out_that_wrote_nothing(judge: Judge) -> None:
    rule = table(lambda writer, reader: False, writes=lambda v: v == "1.1")
    assert judge(rule, policy("forward")).decision == "BLOCK"
    judge.modes.clear()
    assert judge(rule, policy("forward"), budget=1e-6).decision == "BLOCK"
    assert not judge.modes


@pytest.mark.parametrize("direction", ["backward", "forward"])
def test_alike_arms_write_and_read_twice_anew(judge: Judge, direction: str) -> None:
    # Forward, what is written counts as well.
    compared = 1 if direction == "backward" else 2
    for _ in range(2):
        judge.modes.clear()
        report = judge(table(lambda writer, reader: False), policy(direction), alike=True)
        assert report.decision == "PASS"
        assert report.alike == FalseReds(different=0, compared=compared, rate=0)
        assert judge.modes == ["write", "read", "write", "read"]
