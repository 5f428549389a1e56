"""Whole executions of a matrix, with an executor and a resolver that answer from rules."""

from __future__ import annotations

import contextlib
import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from stackcompat.core.dates import now
from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.ecosystem.components import Component, Components
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.evidence.archive import export_archive, import_archive
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.shards import all_shards
from stackcompat.pipeline.execution import execute, plan_shards
from stackcompat.pipeline.progress import Silent
from stackcompat.plan.matrix import Matrix
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import Resolution
from stackcompat.run.hardware import Hardware
from stackcompat.run.job import Job
from stackcompat.table.build import summarise
from stackcompat.table.components import ComponentRow
from stackcompat.verdict.verdict import CellVerdict, judge
from support.fakes import Catalogue, FakeExecutor, FakeResolver, make_runner
from support.made_up import COMPONENTS, blocked, failed, make_lock, passed, starved

NEWEST = {"alpha": "2.0", "beta": "2.0"}
WORLD = Catalogue(
    {
        "alpha": {"1.0": "2026-01-01", "2.0": "2026-02-01", "3.0": {"uploaded": "2026-03-01", "yanked": True}},
        "beta": {"1.0": "2026-01-01", "2.0": "2026-02-01"},
    }
)
PATH = Path("matrices/m.toml")


def matrix(*policies: dict[str, Any], pythons: tuple[str, ...] = ("3.12",), **more: Any) -> Matrix:
    fields = {"title": "M", "components": ("alpha", "beta"), "pythons": pythons, "policies": list(policies)}
    return Matrix.model_validate(fields | more).read_from(PATH)


def pins(*requirements: str, **more: Any) -> dict[str, Any]:
    return {"policy": "pins", "requirements": requirements, **more}


EVERYTHING = (
    {"policy": "newest"},
    pins("alpha==1.0", "beta==1.0"),
    pins("alpha==2.0", "beta==1.0"),
    pins("alpha==1.0", "beta==2.0"),
)


def all_green(job: Job, before: int) -> Iterable[TestResult]:
    return (passed("one", "alpha"), passed("two", "alpha", "beta"))


def red_with_old_beta(job: Job, before: int) -> Iterable[TestResult]:
    red = job.lock.versions()["beta"] == "1.0" and job.lock.versions()["alpha"] == "2.0"
    return (passed("one", "alpha"), failed("two", "alpha", "beta") if red else passed("two", "alpha", "beta"))


def verdicts(record: RunRecord, runner: Any) -> list[CellVerdict]:
    return [judge(cell, runner.store.of_key(cell.key), COMPONENTS) for cell in record.cells]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_disk_that_gets_full_ends_the_run_and_the_same_command_goes_on(tmp_path: Path, workers: int) -> None:
    runner, executor, _ = make_runner(tmp_path, red_with_old_beta, NEWEST, catalog=WORLD, workers=workers)
    added = 0

    def full(connection: sa.Connection, cursor: Any, statement: str, *_: Any) -> None:
        nonlocal added
        if statement.startswith("INSERT INTO evidence"):
            added += 1
            if added == 3:
                cursor.execute("CREATE TABLE filler (content)")
                cursor.execute(
                    "CREATE TRIGGER fills AFTER INSERT ON evidence "
                    "BEGIN INSERT INTO filler VALUES (randomblob(4000000)); END"
                )
                (pages,) = cursor.execute("PRAGMA page_count").fetchone()
                cursor.execute(f"PRAGMA max_page_count = {pages}")

    sa.event.listen(runner.store.engine, "before_cursor_execute", full)
    with pytest.raises(
        StackcompatError, match=r"^the disk is full for .+; what was finished is kept, the same command"
    ):
        execute(matrix(*EVERYTHING), runner)
    sa.event.remove(runner.store.engine, "before_cursor_execute", full)
    runner.store.engine.dispose()
    kept = runner.store.size()
    assert kept >= 2
    executor.asked.clear()
    record = execute(matrix(*EVERYTHING), runner)
    assert len(executor.asked) == 5 - kept
    assert {verdict.verdict for verdict in verdicts(record, runner)} == {"works", "broken"}


def test_a_machine_that_starts_from_an_archive_runs_and_resolves_nothing_again(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, red_with_old_beta, NEWEST, catalog=WORLD)
    record = execute(matrix(*EVERYTHING), runner)
    assert len(executor.asked) == 5
    export_archive(runner.store, tmp_path / "evidence.parquet", (), ("alpha", "beta"))
    (tmp_path / "new").mkdir()
    other, idle, resolver = make_runner(tmp_path / "new", red_with_old_beta, NEWEST, catalog=WORLD)
    import_archive(tmp_path / "evidence.parquet", "evidence.parquet", other.store, (), ("alpha", "beta"))
    again = execute(matrix(*EVERYTHING), other)
    assert idle.asked == []
    assert resolver.asked == []
    assert again.cells == record.cells
    assert [(v.verdict, v.sentence) for v in verdicts(again, other)] == [
        (v.verdict, v.sentence) for v in verdicts(record, runner)
    ]


def test_red_is_confirmed_once_by_what_failed_only(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, red_with_old_beta, NEWEST, catalog=WORLD)
    record = execute(matrix(*EVERYTHING), runner)
    assert sorted(v.verdict for v in verdicts(record, runner)) == ["broken", "works", "works", "works"]
    assert len(executor.asked) == 5
    red = [
        job for job in executor.asked if job.lock.versions()["beta"] == "1.0" and job.lock.versions()["alpha"] == "2.0"
    ]
    assert [job.tests for job in red] == [(), ("two",)]
    assert runner.store.runs() == (record,)
    runner.store.close()


def test_red_and_then_green_is_flaky(tmp_path: Path) -> None:
    def flaky(job: Job, before: int) -> Iterable[TestResult]:
        return (failed("one", "alpha"),) if before == 0 else (passed("one", "alpha"),)

    runner, executor, _ = make_runner(tmp_path, flaky, NEWEST, catalog=WORLD)
    record = execute(matrix({"policy": "newest"}), runner)
    assert [v.verdict for v in verdicts(record, runner)] == ["flaky"]
    assert len(executor.asked) == 2
    runner.store.close()


def test_red_each_time_in_another_way_is_not_broken(tmp_path: Path) -> None:
    def fickle(job: Job, before: int) -> Iterable[TestResult]:
        return (failed("one", "alpha", type=f"Error{before}"),)

    runner, _, _ = make_runner(tmp_path, fickle, NEWEST, catalog=WORLD)
    record = execute(matrix({"policy": "newest"}), runner)
    assert [v.verdict for v in verdicts(record, runner)] == ["flaky"]
    runner.store.close()


@pytest.mark.parametrize("outcome", ["index-unreachable", "timeout", "crashed", "disk-full", "invalid"])
def test_infrastructure_is_tried_again_now_and_next_time_and_never_red(tmp_path: Path, outcome: str) -> None:
    answers: dict[str, Any] = {"now": outcome}
    runner, executor, _ = make_runner(tmp_path, lambda job, before: answers["now"], NEWEST, catalog=WORLD)
    record = execute(matrix({"policy": "newest"}), runner)
    assert [v.verdict for v in verdicts(record, runner)] == ["invalid" if outcome == "invalid" else "infra-error"]
    assert len(executor.asked) == 2
    answers["now"] = all_green(executor.asked[0], 0)
    record = execute(matrix({"policy": "newest"}), runner)
    assert [v.verdict for v in verdicts(record, runner)] == ["works"]
    assert len(executor.asked) == 3
    runner.store.close()


def test_a_starved_test_alone_is_tried_again(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(
        tmp_path, lambda *_: (passed("one", "alpha"), starved("two", "beta")), NEWEST, catalog=WORLD
    )
    record = execute(matrix({"policy": "newest"}), runner)
    assert [v.verdict for v in verdicts(record, runner)] == ["infra-error"]
    assert [job.tests for job in executor.asked] == [(), ("two",)]
    runner.store.close()


def test_what_has_evidence_is_not_run_again_unless_asked(tmp_path: Path) -> None:
    runner, executor, resolver = make_runner(tmp_path, red_with_old_beta, NEWEST, catalog=WORLD)
    first = execute(matrix(*EVERYTHING), runner)
    runs, resolved = len(executor.asked), len(resolver.asked)
    second = execute(matrix(*EVERYTHING), runner)
    assert (len(executor.asked), len(resolver.asked)) == (runs, resolved)
    assert [v.verdict for v in verdicts(second, runner)] == [v.verdict for v in verdicts(first, runner)]
    execute(matrix(*EVERYTHING), runner, rerun=True)
    assert len(executor.asked) == 2 * runs
    assert len(resolver.asked) == resolved
    execute(matrix(*EVERYTHING), runner, relock=True)
    assert len(resolver.asked) == 2 * resolved
    runner.store.close()


def test_a_new_release_resolves_anew_what_it_may_change(tmp_path: Path) -> None:
    runner, _, resolver = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    policies = ({"policy": "newest"}, pins("alpha==1.0", "beta", exclude_newer="2026-02-15"))
    execute(matrix(*policies), runner)
    newer = Catalogue(
        {"alpha": {"1.0": "2026-01-01", "2.0": "2026-02-01", "2.1": "2026-03-01"}, "beta": {"2.0": "2026-02-01"}}
    )
    same_then = Catalogue(
        {
            "alpha": {"1.0": "2026-01-01", "2.0": "2026-02-01", "2.1": "2026-03-01"},
            "beta": {"1.0": "2026-01-01", "2.0": "2026-02-01"},
        }
    )
    resolver.asked.clear()
    execute(matrix(*policies), replace(runner, catalog=same_then))
    assert [cell.policy for cell in resolver.asked] == ["newest"]
    resolver.asked.clear()
    execute(matrix(*policies), replace(runner, catalog=newer))
    assert [cell.policy for cell in resolver.asked] == ["newest", "pins"]
    runner.store.close()


def test_cells_that_share_a_lock_are_run_once(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    same = ({"policy": "newest"}, pins("alpha==2.0", "beta==2.0"), pins("alpha", "beta==2.0"))
    record = execute(matrix(*same), runner)
    assert len(record.cells) == 3
    assert len({cell.key for cell in record.cells}) == 1
    assert len(executor.asked) == 1
    runner.store.close()


def test_the_suite_is_part_of_the_question(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    execute(matrix({"policy": "newest"}), runner)
    runner.store.close()
    (tmp_path / "suite" / "test_more.py").write_text("def test_more(): pass\n")
    runner, executor, _ = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    execute(matrix({"policy": "newest"}), runner)
    assert len(executor.asked) == 1
    runner.store.close()


def test_a_cell_that_does_not_resolve_is_not_run(tmp_path: Path) -> None:
    conflict = Resolution(outcome="conflict", conflict=Conflict(kind="bounds", sentence="alpha depends on beta<1"))
    lost = Resolution(outcome="index-unreachable", detail="the package index did not answer")
    others = {"no: alpha==1.0": conflict, "lost: beta==1.0": lost}
    runner, executor, resolver = make_runner(tmp_path, all_green, NEWEST, others, catalog=WORLD)
    policies = (pins("alpha==1.0", label="no"), pins("beta==1.0", label="lost"))
    record = execute(matrix(*policies), runner)
    assert [v.verdict for v in verdicts(record, runner)] == ["unresolvable", "infra-error"]
    assert not executor.asked
    # A conflict is remembered, but not that the index did not answer.
    resolver.asked.clear()
    execute(matrix(*policies), runner)
    assert [cell.label for cell in resolver.asked] == ["lost: beta==1.0"]
    runner.store.close()


def test_the_pythons_that_are_not_there_are_recorded(tmp_path: Path) -> None:
    runner, _, _ = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    record = execute(matrix({"policy": "newest"}, pythons=("3.99", "3.12")), runner)
    assert (record.pythons, record.missing_pythons) == (("3.12",), ("3.99",))
    with pytest.raises(StackcompatError, match=r"Python 3\.99 was not found") as caught:
        execute(matrix({"policy": "newest"}, pythons=("3.99",)), runner)
    assert not isinstance(caught.value, UsageError)
    runner.store.close()


def test_another_platform_is_not_pretended(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    with pytest.raises(StackcompatError, match="cannot run plan9-vax"):
        execute(matrix({"policy": "newest"}, platform="plan9-vax"), runner)
    execute(matrix({"policy": "newest"}, platform=this_platform()), runner)
    assert len(executor.asked) == 1
    runner.store.close()


def test_a_job_says_all_that_the_cell_needs(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    execute(matrix(pins("alpha", "beta==1.0", overrides=["alpha==1.0"]), level="import"), runner)
    (job,) = executor.asked
    assert job.requirements == ("alpha", "beta==1.0")
    assert job.forced == ("alpha==1.0",)
    assert job.level == "import"
    imports = {(entry.distribution, entry.module) for entry in job.imports}
    assert {("alpha", "alpha"), ("beta", "beta"), ("beta", "beta.nets")} <= imports
    assert "gamma" not in dict(imports)
    assert job.guesses == ()
    assert job.lock == make_lock({"alpha": "2.0", "beta": "1.0"})
    runner.store.close()


def test_a_reserved_name_wakes_up_when_there_is_a_release(tmp_path: Path) -> None:
    """No file changes: the same matrix asks for the release and imports it, and the row has a verdict."""
    named = Component.model_validate({**COMPONENTS["eta"].model_dump(), "placeholders": "<=0.0.0", "modules": ()})
    rows = Components(components=(COMPONENTS["alpha"], named))
    watching = matrix({"policy": "newest"}).model_copy(update={"components": ("alpha", "eta")})

    def imports(job: Job, before: int) -> Iterable[TestResult]:
        found = [(name, name) for name in job.guesses]
        found += [(entry.distribution, entry.module) for entry in job.imports]
        return [passed(f"test_import[{module}]", name, level="import") for name, module in found]

    def row(eta: dict[str, str]) -> tuple[ComponentRow, FakeExecutor, RunRecord]:
        world = Catalogue({"alpha": {"1.0": "2026-01-01", "2.0": "2026-02-01"}, "eta": eta})
        runner, executor, _ = make_runner(tmp_path, imports, {"alpha": "2.0", "eta": "0.1.0"}, catalog=world)
        runner = replace(runner, components=rows)
        record = execute(watching, runner)
        runs = runner.store.runs()
        summary = summarise(rows, runs, runner.store.of_keys(record.evidence_keys()), now())
        runner.store.close()
        return next(one for one in summary.components if one.name == "eta"), executor, record

    asleep, executor, record = row({"0.0.0": "2026-01-01"})
    assert (asleep.level, asleep.deepest_level, asleep.newest, asleep.cell) == ("reserved", "reserved", "", "")
    assert asleep.blocker == "the index has only eta 0.0.0, which reserves the name"
    assert [cell.cell.requirements for cell in record.cells] == [("alpha",)]
    assert all("eta" not in job.lock.versions() for job in executor.asked)

    awake, executor, record = row({"0.0.0": "2026-01-01", "0.1.0": "2026-02-01"})
    assert [cell.cell.requirements for cell in record.cells] == [("alpha", "eta")]
    assert [job.guesses for job in executor.asked] == [("eta",)]
    assert record.reserved == {}
    assert (awake.level, awake.deepest_level, awake.newest) == ("import", "import", "0.1.0")
    assert awake.cell == record.cells[0].cell.id


class Spy(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def stage(self, title: str, total: int | None) -> None:
        self.said.append(f"{title} {total}")

    def step(self, text: str) -> None:
        self.said.append(text)


def test_progress_is_reported(tmp_path: Path) -> None:
    runner, _, _ = make_runner(tmp_path, red_with_old_beta, NEWEST, catalog=WORLD)
    spy = Spy()
    execute(matrix({"policy": "newest"}, pins("alpha==2.0", "beta==1.0")), runner.reporting(spy))
    assert spy.said[0] == "lock 2"
    assert spy.said[3] == "run 2"
    # In the order in which the cells end.
    assert sorted(spy.said[4:]) == ["alpha==2.0, beta==1.0 on Python 3.12: 1 red", "newest on Python 3.12: green"]
    runner.store.close()


def test_an_interrupt_ends_what_runs_and_waits_for_nothing_else(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The executor is stopped while cells run, not after they have come to their own end."""
    # A shell that starts the tests in the background has them ignore interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    begun, released = threading.Event(), threading.Event()

    def endless(job: Job, before: int) -> Iterable[TestResult]:
        begun.set()
        assert released.wait(60)
        return (passed("one"),)

    runner, executor, _ = make_runner(tmp_path, endless, NEWEST, workers=2, catalog=WORLD)
    executor.stop = released.set  # type: ignore[method-assign]

    class Impatient(Silent):
        def step(self, text: str) -> None:
            pass

        def stage(self, title: str, total: int | None) -> None:
            if title == "run":
                threading.Thread(target=interrupt).start()

    def interrupt() -> None:
        import _thread

        assert begun.wait(60)
        time.sleep(0.1)  # so that the main thread waits for a result; it is interrupted when that wait ends
        _thread.interrupt_main()

    with pytest.raises(KeyboardInterrupt):
        execute(matrix(*EVERYTHING), runner.reporting(Impatient()))
    assert released.is_set()
    assert len(executor.asked) <= 3
    # The record is there, so that what was finished can be published.
    (record,) = runner.store.runs()
    assert {verdict.verdict for verdict in verdicts(record, runner)} <= {"works", "untested"}
    runner.store.close()


# --- one cell by hand ---


def test_a_matrix_with_a_release_that_does_not_exist_runs_nothing(tmp_path: Path) -> None:
    runner, executor, resolver = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    with pytest.raises(UsageError, match=r"policies\[1\]"):
        execute(matrix({"policy": "newest"}, pins("alpha==9")), runner)
    assert not executor.asked
    assert not resolver.asked
    assert not runner.store.runs()
    runner.store.close()


def test_the_made_up_world_has_the_components_that_are_used() -> None:
    used: Sequence[str] = ("alpha", "beta")
    assert set(used) <= set(COMPONENTS.names())


# --- further rounds of a covering array ---

FULL = {
    "policy": "pairs",
    "releases": {name: {"all": True} for name in ("alpha", "beta", "gamma")},
}
THREE_ALONE: dict[str, Any] = {name: {"1.0": "2026-01-01", "2.0": "2026-02-01"} for name in ("alpha", "beta", "gamma")}
THREE = Catalogue(THREE_ALONE)
LABEL = "2-way over Python, alpha, beta, gamma"


def no_import(job: Job, before: int) -> Iterable[TestResult]:
    """Old beta cannot be imported with new alpha. Then no test that uses beta is tried."""
    versions = job.lock.versions()
    if versions["alpha"] == "2.0" and versions["beta"] == "1.0":
        lacking = "module 'alpha.core' has no attribute 'x'"
        yield failed("in", "beta", level="import", type="AttributeError", message=lacking, packages=("beta",))
        yield from (blocked("ab", "alpha", "beta"), blocked("bc", "beta", "gamma"))
    else:
        yield passed("in", "beta", level="import")
        yield from (passed("ab", "alpha", "beta"), passed("bc", "beta", "gamma"))
    yield passed("ac", "alpha", "gamma")


def three(**more: Any) -> Matrix:
    return matrix(FULL | more, components=("alpha", "beta", "gamma"))


def test_what_a_known_culprit_hides_is_tried_with_other_releases(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, no_import, {}, catalog=THREE)
    record = execute(three(), runner)
    first = len(record.cells) - sum(record.rounds)
    assert record.rounds == (1,)
    masked = next(v for v in verdicts(record, runner)[:first] if v.verdict == "broken")
    # The further cell has what the red cell hid, without the new alpha that broke it.
    further = verdicts(record, runner)[-1]
    assert further.verdict == "works"
    assert set(further.cell.requirements) == {"alpha==1.0"} | set(masked.cell.requirements) - {"alpha==2.0"}
    assert (record.coverage, record.answered, record.unanswered) == ({LABEL: 100.0}, {LABEL: 100.0}, ())
    assert runner.store.history("m") == (record,)
    # An unchanged night comes to the same end and runs nothing.
    runs = len(executor.asked)
    again = execute(three(), runner)
    assert len(executor.asked) == runs
    assert (again.cells, again.rounds, again.answered) == (record.cells, record.rounds, record.answered)
    runner.store.close()


def test_without_a_budget_what_is_hidden_is_reported(tmp_path: Path) -> None:
    runner, _, _ = make_runner(tmp_path, no_import, {}, catalog=THREE)
    record = execute(three(budget=0), runner)
    assert record.rounds == ()
    assert record.answered[LABEL] < record.coverage[LABEL] == 100.0
    (sentence,) = record.unanswered
    assert sentence.startswith(f"{LABEL}: ")
    assert "were not asked for again, since the budget of 0 further cells is spent; for example, beta 1.0" in sentence
    runner.store.close()


def test_a_shard_makes_no_further_rounds_and_the_whole_run_after_it_does(tmp_path: Path) -> None:
    (tmp_path / "merged").mkdir()
    runner, executor, _ = make_runner(tmp_path, no_import, {}, catalog=THREE)
    parts = [execute(three(), runner, shard=shard) for shard in all_shards(2)]
    assert {(part.rounds, *part.answered) for part in parts} == {((),)}
    # Releases that were uploaded in the meantime are for the next night.
    later = {name: {"1.0": "2026-01-01", "2.0": "2026-02-01", "3.0": "2099-01-01"} for name in ("alpha", "beta")}
    merged, went_on, _ = make_runner(tmp_path / "merged", no_import, {}, catalog=Catalogue(THREE_ALONE | later))
    merged.store.merge([runner.store])
    whole = execute(three(), merged, go_on=True)
    assert (whole.rounds, whole.answered) == ((1,), {LABEL: 100.0})
    assert len(executor.asked) == len(whole.cells)  # one is further, one is red and ran twice
    assert len(went_on.asked) == 1
    assert merged.store.history("m") == (whole,)
    merged.store.merge([runner.store])
    assert merged.store.history("m") == (whole,)
    for each_ in (runner, merged):
        each_.store.close()


def test_shards_have_the_cells_and_locks_of_their_plan(tmp_path: Path) -> None:
    runner, executor, resolver = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    plan = plan_shards(matrix(*EVERYTHING), runner, 2)
    assert not executor.asked
    assert runner.store.history("m") == ()
    asked = len(resolver.asked)
    # Beta 2.0 was uploaded after it was planned.
    later = replace(runner, resolver=FakeResolver(NEWEST | {"beta": "9.0"}))  # type: ignore[arg-type]
    first, second = (execute(matrix(*EVERYTHING), later, shard=shard) for shard in all_shards(2))
    assert len(resolver.asked) == asked
    assert {run.plan for run in (first, second)} == {plan.plan}
    assert [run.planned for run in (first, second)] == [plan.started] * 2
    assert first.cells == second.cells == plan.cells
    assert sorted(job.lock.id for job in executor.asked) == sorted({cell.resolution.lock.id for cell in plan.cells})  # type: ignore[union-attr]
    assert plan_shards(matrix(*EVERYTHING), runner, 2).plan != plan.plan
    runner.store.close()


def test_a_matrix_with_a_python_older_than_the_tests_is_refused(tmp_path: Path) -> None:
    runner, _, _ = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    with pytest.raises(UsageError, match=r"m\.toml: pythons: the smoke tests need Python 3\.10 or newer, so nothing"):
        execute(matrix({"policy": "newest"}, pythons=("3.12", "3.9")), runner)
    runner.store.close()


def test_the_keys_of_a_shard_are_those_of_its_machine(tmp_path: Path) -> None:
    runner, _, _ = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    plan = plan_shards(matrix(*EVERYTHING), runner, 2)
    newer = {python: here.model_copy(update={"version": f"{python}.8"}) for python, here in runner.interpreters.items()}
    (shard, _) = all_shards(2)
    run = execute(matrix(*EVERYTHING), replace(runner, interpreters=newer), shard=shard)
    for planned, own in zip(plan.cells, run.cells, strict=True):
        assert planned.resolution == own.resolution
        assert (planned.key != own.key) == shard.owns(planned)
    runner.store.close()


def test_a_shard_that_does_not_fit_its_plan_is_refused(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    plan_shards(matrix(*EVERYTHING), runner, 2)
    (shard, _) = all_shards(2)
    with pytest.raises(UsageError, match=r"--shard: .*m\.toml was changed after it was planned in 2 parts"):
        execute(matrix({"policy": "newest"}), runner, shard=shard)
    with pytest.raises(UsageError, match="--relock: a shard has the locks of its plan"):
        execute(matrix(*EVERYTHING), runner, shard=shard, relock=True)
    both = matrix({"policy": "newest"}, pythons=("3.13", "3.12"))
    plan_shards(both, runner, 1)
    without = replace(runner, interpreters={"3.12": runner.interpreters["3.12"]})
    with pytest.raises(StackcompatError, match=r"Python 3\.13 was not found"):
        execute(both, without, shard=all_shards(1)[0])
    assert not executor.asked
    runner.store.close()


def test_a_merged_run_goes_on_as_it_was_planned(tmp_path: Path) -> None:
    """A newer alpha was uploaded since. It does not make a second run of the same night."""
    runner, executor, resolver = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    with pytest.raises(UsageError, match=r"--continue: evidence\.sqlite holds no whole run of m to go on with"):
        execute(matrix({"policy": "newest"}), runner, go_on=True)
    planned = execute(matrix({"policy": "newest"}), runner)
    resolved, ran = len(resolver.asked), len(executor.asked)
    resolver._newest = NEWEST | {"alpha": "3.0"}
    assert execute(matrix({"policy": "newest"}), runner, go_on=True) == planned
    assert (len(resolver.asked), len(executor.asked)) == (resolved, ran)
    assert runner.store.history("m") == (planned,)
    runner.store.close()


def impatient(rule: Callable[[Job, int], Iterable[TestResult]], stop: int) -> Callable[[Job, int], list[TestResult]]:
    """`rule`, but somebody presses Ctrl-C once, after so many cells."""
    calls = itertools.count()

    def run(job: Job, before: int) -> list[TestResult]:
        if next(calls) == stop:
            raise KeyboardInterrupt
        return list(rule(job, before))

    return run


@pytest.mark.parametrize("stop", range(4))
def test_a_run_that_was_stopped_and_went_on_is_one_run(tmp_path: Path, stop: int) -> None:
    runner, _, _ = make_runner(tmp_path, impatient(all_green, stop), NEWEST, catalog=WORLD)
    with contextlib.suppress(KeyboardInterrupt):
        execute(matrix(*EVERYTHING), runner)
    record = execute(matrix(*EVERYTHING), runner)
    assert runner.store.history("m") == (record,)
    again = execute(matrix(*EVERYTHING), runner)
    assert runner.store.history("m") == (record, again)
    runner.store.close()


@pytest.mark.parametrize("stop", range(8))
def test_rounds_that_were_stopped_come_out_the_same(tmp_path: Path, stop: int) -> None:
    runner, executor, _ = make_runner(tmp_path, impatient(no_import, stop), {}, catalog=THREE)
    with contextlib.suppress(KeyboardInterrupt):
        execute(three(), runner)
    record = execute(three(), runner)
    assert (record.rounds, record.answered) == ((1,), {LABEL: 100.0})
    assert len(executor.finished) == len(record.cells) + 1  # one is red and runs twice
    assert runner.store.history("m")[-1] == record
    runner.store.close()


def test_a_cell_without_an_outcome_is_tried_again_and_not_replaced(tmp_path: Path) -> None:
    answers: dict[str, Any] = {"starved": True}
    rule = lambda job, before: "timeout" if answers["starved"] else no_import(job, before)  # noqa: E731
    runner, _, _ = make_runner(tmp_path, rule, {}, catalog=THREE)
    record = execute(three(), runner)
    assert (record.rounds, record.answered) == ((), {LABEL: 0.0})
    assert "wait for the next run, since infrastructure kept a cell from an outcome" in record.unanswered[0]
    answers["starved"] = False
    assert execute(three(), runner).answered == {LABEL: 100.0}
    runner.store.close()


@pytest.mark.parametrize(
    ("alpha", "beta", "limit"), [(None, None, 8192), (4096, None, 4096), (4096, 6144, 6144), (12288, 4096, 12288)]
)
def test_what_components_say_of_memory_decides_lower_or_not(
    tmp_path: Path, alpha: int | None, beta: int | None, limit: int
) -> None:
    runner, executor, _ = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    wants = {"alpha": alpha, "beta": beta, "gamma": 16384}  # gamma is not installed
    rows = tuple(row.model_copy(update={"memory_mb": wants.get(row.name)}) for row in COMPONENTS.components)
    execute(matrix({"policy": "newest"}), replace(runner, components=Components(components=rows)))
    assert {job.limits.memory_mb for job in executor.asked} == {limit}
    runner.store.close()


def test_evidence_of_a_cpu_is_no_answer_for_an_accelerator(tmp_path: Path) -> None:
    """The accelerator's runner starts from the store with the evidence of the CPU."""

    def wrong_on_gpu(job: Job, before: int) -> Iterable[TestResult]:
        return (failed("one", "alpha", "beta") if job.hardware.accelerated else passed("one", "alpha", "beta"),)

    runner, executor, _ = make_runner(tmp_path, wrong_on_gpu, NEWEST, catalog=WORLD)
    execute(matrix({"policy": "newest"}), runner)
    gpu = replace(runner, hardware=Hardware(label="1 NVIDIA H200, driver 550.54.15", accelerated=True))
    record = execute(matrix({"policy": "newest"}), gpu)
    assert len(executor.asked) == 3
    (cell,) = record.cells
    evidence = runner.store.of_key(cell.key)
    assert judge(cell, evidence, COMPONENTS).verdict == "broken"
    assert {run.hardware for run in evidence} == {"1 NVIDIA H200, driver 550.54.15"}
    threads = replace(runner, hardware=Hardware(variables={"OMP_NUM_THREADS": "1"}))
    (other,) = execute(matrix({"policy": "newest"}), threads).cells
    assert [run.variables for run in runner.store.of_key(other.key)] == [{"OMP_NUM_THREADS": "1"}]
    runner.store.close()
