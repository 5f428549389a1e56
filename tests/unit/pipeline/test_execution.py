"""The stages joined, with an executor and a resolver that answer from rules."""

from __future__ import annotations

import contextlib
import itertools
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from stackcompat.core.record import StackcompatError, UsageError
from stackcompat.ecosystem.components import Component, Components
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.ecosystem.releases import Catalog, IndexUnreachable, Project
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.shards import shards
from stackcompat.pipeline.cells import now, try_cell
from stackcompat.pipeline.execution import execute
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.progress import Silent
from stackcompat.plan.cell import Cell
from stackcompat.plan.matrix import Matrix
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import Resolution
from stackcompat.run.job import Job
from stackcompat.table.build import summarise
from stackcompat.table.components import ComponentRow
from stackcompat.verdict.verdict import CellVerdict, judge
from support.fakes import Catalogue, FakeExecutor, FakeResolver, make_bench
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


def verdicts(record: RunRecord, bench: Any) -> list[CellVerdict]:
    return [judge(cell, bench.store.of_key(cell.key)) for cell in record.cells]


def test_red_is_confirmed_once_by_what_failed_only(tmp_path: Path) -> None:
    bench, executor, _ = make_bench(tmp_path, red_with_old_beta, NEWEST)
    record = execute(matrix(*EVERYTHING), bench, WORLD, Silent())
    assert sorted(v.verdict for v in verdicts(record, bench)) == ["broken", "works", "works", "works"]
    assert len(executor.asked) == 5
    red = [
        job for job in executor.asked if job.lock.versions()["beta"] == "1.0" and job.lock.versions()["alpha"] == "2.0"
    ]
    assert [job.tests for job in red] == [(), ("two",)]
    assert bench.store.runs() == (record,)
    bench.store.close()


def test_red_and_then_green_is_flaky(tmp_path: Path) -> None:
    def flaky(job: Job, before: int) -> Iterable[TestResult]:
        return (failed("one", "alpha"),) if before == 0 else (passed("one", "alpha"),)

    bench, executor, _ = make_bench(tmp_path, flaky, NEWEST)
    record = execute(matrix({"policy": "newest"}), bench, WORLD, Silent())
    assert [v.verdict for v in verdicts(record, bench)] == ["flaky"]
    assert len(executor.asked) == 2
    bench.store.close()


def test_red_each_time_in_another_way_is_not_broken(tmp_path: Path) -> None:
    def fickle(job: Job, before: int) -> Iterable[TestResult]:
        return (failed("one", "alpha", type=f"Error{before}"),)

    bench, _, _ = make_bench(tmp_path, fickle, NEWEST)
    record = execute(matrix({"policy": "newest"}), bench, WORLD, Silent())
    assert [v.verdict for v in verdicts(record, bench)] == ["flaky"]
    bench.store.close()


@pytest.mark.parametrize("outcome", ["index-unreachable", "timeout", "crashed", "disk-full", "invalid"])
def test_infrastructure_is_tried_again_now_and_next_time_and_never_red(tmp_path: Path, outcome: str) -> None:
    answers: dict[str, Any] = {"now": outcome}
    bench, executor, _ = make_bench(tmp_path, lambda job, before: answers["now"], NEWEST)
    record = execute(matrix({"policy": "newest"}), bench, WORLD, Silent())
    assert [v.verdict for v in verdicts(record, bench)] == ["invalid" if outcome == "invalid" else "infra-error"]
    assert len(executor.asked) == 2
    answers["now"] = all_green(executor.asked[0], 0)
    record = execute(matrix({"policy": "newest"}), bench, WORLD, Silent())
    assert [v.verdict for v in verdicts(record, bench)] == ["works"]
    assert len(executor.asked) == 3
    bench.store.close()


def test_a_starved_test_alone_is_tried_again(tmp_path: Path) -> None:
    bench, executor, _ = make_bench(tmp_path, lambda *_: (passed("one", "alpha"), starved("two", "beta")), NEWEST)
    record = execute(matrix({"policy": "newest"}), bench, WORLD, Silent())
    assert [v.verdict for v in verdicts(record, bench)] == ["infra-error"]
    assert [job.tests for job in executor.asked] == [(), ("two",)]
    bench.store.close()


def test_what_has_evidence_is_not_run_again_unless_asked(tmp_path: Path) -> None:
    bench, executor, resolver = make_bench(tmp_path, red_with_old_beta, NEWEST)
    first = execute(matrix(*EVERYTHING), bench, WORLD, Silent())
    runs, resolved = len(executor.asked), len(resolver.asked)
    second = execute(matrix(*EVERYTHING), bench, WORLD, Silent())
    assert (len(executor.asked), len(resolver.asked)) == (runs, resolved)
    assert [v.verdict for v in verdicts(second, bench)] == [v.verdict for v in verdicts(first, bench)]
    execute(matrix(*EVERYTHING), bench, WORLD, Silent(), rerun=True)
    assert len(executor.asked) == 2 * runs
    assert len(resolver.asked) == resolved
    execute(matrix(*EVERYTHING), bench, WORLD, Silent(), relock=True)
    assert len(resolver.asked) == 2 * resolved
    bench.store.close()


def test_a_new_release_resolves_anew_what_it_may_change(tmp_path: Path) -> None:
    bench, _, resolver = make_bench(tmp_path, all_green, NEWEST)
    policies = ({"policy": "newest"}, pins("alpha==1.0", "beta", exclude_newer="2026-02-15"))
    execute(matrix(*policies), bench, WORLD, Silent())
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
    execute(matrix(*policies), bench, same_then, Silent())
    assert [cell.policy for cell in resolver.asked] == ["newest"]
    resolver.asked.clear()
    execute(matrix(*policies), bench, newer, Silent())
    assert [cell.policy for cell in resolver.asked] == ["newest", "pins"]
    bench.store.close()


def test_cells_that_share_a_lock_are_run_once(tmp_path: Path) -> None:
    bench, executor, _ = make_bench(tmp_path, all_green, NEWEST)
    same = ({"policy": "newest"}, pins("alpha==2.0", "beta==2.0"), pins("alpha", "beta==2.0"))
    record = execute(matrix(*same), bench, WORLD, Silent())
    assert len(record.cells) == 3
    assert len({cell.key for cell in record.cells}) == 1
    assert len(executor.asked) == 1
    bench.store.close()


def test_the_suite_is_part_of_the_question(tmp_path: Path) -> None:
    bench, executor, _ = make_bench(tmp_path, all_green, NEWEST)
    execute(matrix({"policy": "newest"}), bench, WORLD, Silent())
    bench.store.close()
    (tmp_path / "suite" / "test_more.py").write_text("def test_more(): pass\n")
    bench, executor, _ = make_bench(tmp_path, all_green, NEWEST)
    execute(matrix({"policy": "newest"}), bench, WORLD, Silent())
    assert len(executor.asked) == 1
    bench.store.close()


def test_a_cell_that_does_not_resolve_is_not_run(tmp_path: Path) -> None:
    conflict = Resolution(outcome="conflict", conflict=Conflict(kind="bounds", sentence="alpha depends on beta<1"))
    lost = Resolution(outcome="index-unreachable", detail="the package index did not answer")
    others = {"no: alpha==1.0": conflict, "lost: beta==1.0": lost}
    bench, executor, resolver = make_bench(tmp_path, all_green, NEWEST, others)
    policies = (pins("alpha==1.0", label="no"), pins("beta==1.0", label="lost"))
    record = execute(matrix(*policies), bench, WORLD, Silent())
    assert [v.verdict for v in verdicts(record, bench)] == ["unresolvable", "infra-error"]
    assert not executor.asked
    # A conflict is remembered; that the index was away is not.
    resolver.asked.clear()
    execute(matrix(*policies), bench, WORLD, Silent())
    assert [cell.label for cell in resolver.asked] == ["lost: beta==1.0"]
    bench.store.close()


class Patchy:
    """The made-up index, except that it does not answer for `lost`."""

    lost = "beta"

    def project(self, name: str) -> Project:
        if name == self.lost:
            raise IndexUnreachable(f"the package index did not answer for {name}")
        return WORLD.project(name)

    def prefetch(self, names: Iterable[str]) -> None:
        for name in names:
            self.project(name)

    def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
        return WORLD.requires(name, version)


class AskingResolver(FakeResolver):
    """Looks at the catalog as the real one does when it says who is held back."""

    def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
        for name in cell.roots():
            assert catalog is not None
            catalog.project(name)
        return super().resolve(cell, catalog)


def test_an_index_that_stops_answering_costs_the_cells_that_need_it(tmp_path: Path) -> None:
    bench, _, resolver = make_bench(tmp_path, all_green, NEWEST)
    cells = [Cell(python="3.12", platform="p", requirements=(name,), label=name) for name in ("alpha", "beta")]
    lock_cells(cells, bench, Patchy(), Silent())
    assert len(resolver.asked) == 2
    # Both are remembered or not; whichever, only what the index says nothing about is asked again.
    bench.resolver = AskingResolver(NEWEST)  # type: ignore[assignment]
    found = lock_cells(cells, bench, Patchy(), Silent())
    assert [found[cell.id].outcome for cell in cells] == ["locked", "index-unreachable"]
    assert "did not answer for beta" in found[cells[1].id].detail
    bench.store.close()


def test_the_pythons_that_are_not_there_are_told(tmp_path: Path) -> None:
    bench, _, _ = make_bench(tmp_path, all_green, NEWEST)
    record = execute(matrix({"policy": "newest"}, pythons=("3.99", "3.12")), bench, WORLD, Silent())
    assert (record.pythons, record.missing_pythons) == (("3.12",), ("3.99",))
    with pytest.raises(StackcompatError, match=r"Python 3\.99 was not found") as caught:
        execute(matrix({"policy": "newest"}, pythons=("3.99",)), bench, WORLD, Silent())
    assert not isinstance(caught.value, UsageError)
    bench.store.close()


def test_another_platform_is_not_pretended(tmp_path: Path) -> None:
    bench, executor, _ = make_bench(tmp_path, all_green, NEWEST)
    with pytest.raises(StackcompatError, match="cannot run plan9-vax"):
        execute(matrix({"policy": "newest"}, platform="plan9-vax"), bench, WORLD, Silent())
    execute(matrix({"policy": "newest"}, platform=this_platform()), bench, WORLD, Silent())
    assert len(executor.asked) == 1
    bench.store.close()


def test_a_job_says_all_that_the_cell_needs(tmp_path: Path) -> None:
    bench, executor, _ = make_bench(tmp_path, all_green, NEWEST)
    execute(matrix(pins("alpha", "beta==1.0", overrides=["alpha==1.0"]), level="import"), bench, WORLD, Silent())
    (job,) = executor.asked
    assert job.requirements == ("alpha", "beta==1.0")
    assert job.forced == ("alpha==1.0",)
    assert job.level == "import"
    assert {("alpha", "alpha"), ("beta", "beta"), ("beta", "beta.nets")} <= set(job.imports)
    assert "gamma" not in dict(job.imports)
    assert job.guesses == ()
    assert job.lock == make_lock({"alpha": "2.0", "beta": "1.0"})
    bench.store.close()


def test_a_reserved_name_wakes_up_when_there_is_a_release(tmp_path: Path) -> None:
    """No file is changed for it: the same matrix asks for it, imports it, and the row is no longer that of a name."""
    named = Component.model_validate({**COMPONENTS["eta"].model_dump(), "placeholders": "<=0.0.0", "modules": ()})
    rows = Components(components=(COMPONENTS["alpha"], named))
    watching = matrix({"policy": "newest"}).model_copy(update={"components": ("alpha", "eta")})

    def imports(job: Job, before: int) -> Iterable[TestResult]:
        found = [(name, name) for name in job.guesses] + list(job.imports)
        return [passed(f"test_import[{module}]", name, level="import") for name, module in found]

    def row(eta: dict[str, str]) -> tuple[ComponentRow, FakeExecutor, RunRecord]:
        bench, executor, _ = make_bench(tmp_path, imports, {"alpha": "2.0", "eta": "0.1.0"})
        bench.components = rows
        world = Catalogue({"alpha": {"1.0": "2026-01-01", "2.0": "2026-02-01"}, "eta": eta})
        record = execute(watching, bench, world, Silent())
        runs = bench.store.runs()
        summary = summarise(rows, runs, bench.store.of_keys(record.evidence_keys()), now())
        bench.store.close()
        return next(one for one in summary.components if one.name == "eta"), executor, record

    asleep, executor, record = row({"0.0.0": "2026-01-01"})
    assert (asleep.level, asleep.deepest_level, asleep.newest, asleep.cell) == ("reserved", "reserved", "", "")
    assert asleep.blocker == "all that the index has is eta 0.0.0, which reserves the name"
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

    def stage(self, title: str, total: int) -> None:
        self.said.append(f"{title} {total}")

    def step(self, text: str) -> None:
        self.said.append(text)


def test_progress_is_told(tmp_path: Path) -> None:
    bench, _, _ = make_bench(tmp_path, red_with_old_beta, NEWEST)
    spy = Spy()
    execute(matrix({"policy": "newest"}, pins("alpha==2.0", "beta==1.0")), bench, WORLD, spy)
    assert spy.said[0] == "lock 2"
    assert spy.said[3] == "run 2"
    assert spy.said[4:] == ["newest on Python 3.12: green", "alpha==2.0, beta==1.0 on Python 3.12: 1 red"]
    bench.store.close()


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

    bench, executor, _ = make_bench(tmp_path, endless, NEWEST, workers=2)
    executor.stop = released.set  # type: ignore[method-assign]

    class Impatient(Silent):
        def step(self, text: str) -> None:
            pass

        def stage(self, title: str, total: int) -> None:
            if title == "run":
                threading.Thread(target=interrupt).start()

    def interrupt() -> None:
        import _thread

        assert begun.wait(60)
        _thread.interrupt_main()

    with pytest.raises(KeyboardInterrupt):
        execute(matrix(*EVERYTHING), bench, WORLD, Impatient())
    assert released.is_set()
    assert len(executor.asked) <= 3
    # The record is there, so that what was finished can be published.
    (record,) = bench.store.runs()
    assert {verdict.verdict for verdict in verdicts(record, bench)} <= {"works", "untested"}
    bench.store.close()


# --- one cell by hand ---


def cell(*requirements: str, **more: Any) -> Cell:
    fields = {
        "python": "3.12",
        "platform": this_platform(),
        "requirements": requirements,
        "label": ", ".join(requirements),
    }
    return Cell.model_validate(fields | more)


def test_try_judges_one_cell_and_keeps_the_evidence(tmp_path: Path) -> None:
    bench, executor, _ = make_bench(tmp_path, red_with_old_beta, NEWEST)
    asked = cell("alpha==2.0", "beta==1.0")
    verdict, evidence = try_cell(asked, bench, WORLD, "interop", Silent())
    assert (verdict.verdict, len(evidence)) == ("broken", 2)
    verdict, again = try_cell(asked, bench, WORLD, "interop", Silent())
    assert again == evidence
    assert len(executor.asked) == 2
    try_cell(asked, bench, WORLD, "interop", Silent(), rerun=True)
    assert len(executor.asked) == 4
    bench.store.close()


def test_try_at_another_level_is_another_question(tmp_path: Path) -> None:
    bench, executor, _ = make_bench(tmp_path, all_green, NEWEST)
    try_cell(cell("alpha"), bench, WORLD, "interop", Silent())
    try_cell(cell("alpha"), bench, WORLD, "import", Silent())
    assert [job.level for job in executor.asked] == ["interop", "import"]
    bench.store.close()


def test_try_with_a_lock_resolves_nothing(tmp_path: Path) -> None:
    bench, executor, resolver = make_bench(tmp_path, all_green, NEWEST)
    lock = make_lock({"alpha": "1.0"})
    try_cell(cell("alpha"), bench, WORLD, "interop", Silent(), lock=lock)
    assert not resolver.asked
    assert executor.asked[0].lock == lock
    bench.store.close()


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ("alpha==9", '"alpha==9": the index has no such release of alpha; its newest are 1.0, 2.0, 3.0'),
        ("nosuch", '"nosuch": the index has no such release of nosuch; its newest are no release at all'),
    ],
)
def test_a_release_that_does_not_exist_is_a_mistake(tmp_path: Path, request_: str, sentence: str) -> None:
    absent = Resolution(outcome="conflict", conflict=Conflict(kind="not-found", sentence="no"))
    bench, _, _ = make_bench(tmp_path, all_green, NEWEST, {request_: absent})
    with pytest.raises(UsageError) as caught:
        try_cell(cell(request_), bench, WORLD, "interop", Silent())
    assert str(caught.value) == sentence
    bench.store.close()


def test_a_dependency_that_does_not_exist_is_no_mistake_of_the_user(tmp_path: Path) -> None:
    absent = Resolution(outcome="conflict", conflict=Conflict(kind="not-found", sentence="the index has no omega"))
    bench, _, _ = make_bench(tmp_path, all_green, NEWEST, {"alpha": absent})
    verdict, _ = try_cell(cell("alpha"), bench, WORLD, "interop", Silent())
    assert verdict.verdict == "unresolvable"
    bench.store.close()


def test_a_matrix_with_a_release_that_does_not_exist_runs_nothing(tmp_path: Path) -> None:
    bench, executor, resolver = make_bench(tmp_path, all_green, NEWEST)
    with pytest.raises(UsageError, match=r"policies\[1\]"):
        execute(matrix({"policy": "newest"}, pins("alpha==9")), bench, WORLD, Silent())
    assert not executor.asked
    assert not resolver.asked
    assert not bench.store.runs()
    bench.store.close()


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
    """Old beta cannot be imported with new alpha, and nothing that uses it is tried then."""
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


def test_what_a_known_culprit_masks_is_tried_in_other_company(tmp_path: Path) -> None:
    bench, executor, _ = make_bench(tmp_path, no_import, {})
    record = execute(three(), bench, THREE, Silent())
    first = len(record.cells) - sum(record.rounds)
    assert record.rounds == (1,)
    masked = next(v for v in verdicts(record, bench)[:first] if v.verdict == "broken")
    # What the red cell masked is in the further one, without the new alpha that broke it.
    further = verdicts(record, bench)[-1]
    assert further.verdict == "works"
    assert set(further.cell.requirements) == {"alpha==1.0"} | set(masked.cell.requirements) - {"alpha==2.0"}
    assert (record.coverage, record.answered, record.unanswered) == ({LABEL: 100.0}, {LABEL: 100.0}, ())
    assert bench.store.history("m") == (record,)
    # An unchanged night comes to the same end and runs nothing.
    runs = len(executor.asked)
    again = execute(three(), bench, THREE, Silent())
    assert len(executor.asked) == runs
    assert (again.cells, again.rounds, again.answered) == (record.cells, record.rounds, record.answered)
    bench.store.close()


def test_without_a_budget_what_is_masked_is_told(tmp_path: Path) -> None:
    bench, _, _ = make_bench(tmp_path, no_import, {})
    record = execute(three(budget=0), bench, THREE, Silent())
    assert record.rounds == ()
    assert record.answered[LABEL] < record.coverage[LABEL] == 100.0
    (sentence,) = record.unanswered
    assert sentence.startswith(f"{LABEL}: ")
    assert "were not asked for again, since the budget of 0 further cells is spent; for example, beta 1.0" in sentence
    bench.store.close()


def test_a_shard_makes_no_further_rounds_and_the_whole_run_after_it_does(tmp_path: Path) -> None:
    (tmp_path / "merged").mkdir()
    bench, executor, _ = make_bench(tmp_path, no_import, {})
    parts = [execute(three(), bench, THREE, Silent(), shard=shard) for shard in shards(2)]
    assert {(part.rounds, *part.answered) for part in parts} == {((),)}
    merged, went_on, _ = make_bench(tmp_path / "merged", no_import, {})
    merged.store.merge([bench.store])
    # What was uploaded in the meantime is for the next night.
    later = {name: {"1.0": "2026-01-01", "2.0": "2026-02-01", "3.0": "2099-01-01"} for name in ("alpha", "beta")}
    whole = execute(three(), merged, Catalogue(THREE_ALONE | later), Silent(), go_on=True)
    assert (whole.rounds, whole.answered) == ((1,), {LABEL: 100.0})
    assert len(executor.asked) == len(whole.cells)  # one is further, one is red and ran twice
    assert len(went_on.asked) == 1
    assert merged.store.history("m") == (whole,)
    merged.store.merge([bench.store])
    assert merged.store.history("m") == (whole,)
    for each_ in (bench, merged):
        each_.store.close()


def test_a_merged_run_goes_on_as_it_was_planned(tmp_path: Path) -> None:
    """The newest alpha is another one by now: that makes no second run of the same night."""
    bench, executor, resolver = make_bench(tmp_path, all_green, NEWEST)
    with pytest.raises(UsageError, match=r"--continue: evidence\.sqlite holds no whole run of m to go on with"):
        execute(matrix({"policy": "newest"}), bench, WORLD, Silent(), go_on=True)
    planned = execute(matrix({"policy": "newest"}), bench, WORLD, Silent())
    resolved, ran = len(resolver.asked), len(executor.asked)
    resolver._newest = NEWEST | {"alpha": "3.0"}
    assert execute(matrix({"policy": "newest"}), bench, WORLD, Silent(), go_on=True) == planned
    assert (len(resolver.asked), len(executor.asked)) == (resolved, ran)
    assert bench.store.history("m") == (planned,)
    bench.store.close()


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
    bench, _, _ = make_bench(tmp_path, impatient(all_green, stop), NEWEST)
    with contextlib.suppress(KeyboardInterrupt):
        execute(matrix(*EVERYTHING), bench, WORLD, Silent())
    record = execute(matrix(*EVERYTHING), bench, WORLD, Silent())
    assert bench.store.history("m") == (record,)
    again = execute(matrix(*EVERYTHING), bench, WORLD, Silent())
    assert bench.store.history("m") == (record, again)
    bench.store.close()


@pytest.mark.parametrize("stop", range(8))
def test_rounds_that_were_stopped_come_out_the_same(tmp_path: Path, stop: int) -> None:
    bench, executor, _ = make_bench(tmp_path, impatient(no_import, stop), {})
    with contextlib.suppress(KeyboardInterrupt):
        execute(three(), bench, THREE, Silent())
    record = execute(three(), bench, THREE, Silent())
    assert (record.rounds, record.answered) == ((1,), {LABEL: 100.0})
    assert len(executor.finished) == len(record.cells) + 1  # one is red and runs twice
    assert bench.store.history("m")[-1] == record
    bench.store.close()


def test_what_infrastructure_kept_from_an_outcome_waits_where_it_is(tmp_path: Path) -> None:
    answers: dict[str, Any] = {"starved": True}
    rule = lambda job, before: "timeout" if answers["starved"] else no_import(job, before)  # noqa: E731
    bench, _, _ = make_bench(tmp_path, rule, {})
    record = execute(three(), bench, THREE, Silent())
    assert (record.rounds, record.answered) == ((), {LABEL: 0.0})
    assert "wait for the next run, since infrastructure kept a cell from an outcome" in record.unanswered[0]
    answers["starved"] = False
    assert execute(three(), bench, THREE, Silent()).answered == {LABEL: 100.0}
    bench.store.close()


@pytest.mark.parametrize(
    ("alpha", "beta", "limit"), [(None, None, 8192), (4096, None, 4096), (4096, 6144, 6144), (12288, 4096, 12288)]
)
def test_what_components_say_of_memory_decides_lower_or_not(
    tmp_path: Path, alpha: int | None, beta: int | None, limit: int
) -> None:
    bench, executor, _ = make_bench(tmp_path, all_green, NEWEST)
    wants = {"alpha": alpha, "beta": beta, "gamma": 16384}  # which is not installed
    bench.components = Components(
        components=tuple(row.model_copy(update={"memory_mb": wants.get(row.name)}) for row in COMPONENTS.components)
    )
    execute(matrix({"policy": "newest"}), bench, WORLD, Silent())
    assert {job.limits.memory_mb for job in executor.asked} == {limit}
    bench.store.close()
