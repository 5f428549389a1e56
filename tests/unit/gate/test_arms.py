"""Both arms: locked alike, and what is said where they cannot be."""

from __future__ import annotations

import datetime as dt
from typing import Any

from stackcompat.ecosystem.releases import Catalog
from stackcompat.gate.policy import GatePolicy
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import HeldBack, Resolution
from support.fakes import Catalogue, FakeResolver
from support.gate import NEWEST, POLICY, VERSIONS, Solver, judge, whole


def test_both_arms_are_alike_but_for_what_moves(open_runner: Any) -> None:
    runner, executor, resolver = open_runner(resolver=Solver(VERSIONS))
    report = judge(runner)
    assert report.decision == "PASS"
    control, candidate = resolver.asked
    assert control.requirements == ("alpha-native==1.1", "alpha==1.1", "beta")
    assert candidate.requirements == ("alpha-native==1.2", "alpha==1.2", "beta==2.0")
    assert candidate.constraints == ("numbers==2.5.5",)
    old, new = (job.lock.versions() for job in whole(executor))
    assert {name for name in old if old[name] != new[name]} == {"alpha", "alpha-native"}
    assert not any(job.thorough for job in whole(executor))


def test_going_back_to_a_day_admits_what_is_judged(open_runner: Any) -> None:
    runner, _, resolver = open_runner(resolver=Solver(VERSIONS))
    day = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    report = judge(runner, as_of=day)
    control, candidate = resolver.asked
    assert {cell.exclude_newer for cell in resolver.asked} == {day}
    assert candidate.admitted == ("alpha", "alpha-native")
    assert control.admitted == ("alpha", "alpha-native")
    assert report.as_of == day


def test_a_candidate_that_needs_another_version_beneath_moves_the_control_too(open_runner: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        return "numbers must be older" if chosen["alpha"] == "1.2" and chosen["numbers"] == "2.5.5" else ""

    class Downgrading(Solver):
        def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
            free = cell.model_copy(update={"constraints": (*cell.constraints, "numbers<2.5.5")})
            found = super().resolve(cell, catalog)
            return found if found.lock or cell.constraints else super().resolve(free, catalog)

    runner, executor, _ = open_runner(resolver=Downgrading(VERSIONS, refuse))
    report = judge(runner)
    assert report.decision == "PASS"
    assert not report.requirements[0].differs
    assert [job.lock.versions()["numbers"] for job in whole(executor)] == ["2.5.4", "2.5.4"]


def test_a_candidate_that_needs_what_the_old_release_refuses_leaves_a_difference(open_runner: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        new = chosen["alpha"] == "1.2"
        return "" if new == (chosen["numbers"] == "2.5.5") else "numbers does not fit"

    class Moving(Solver):
        def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
            found = super().resolve(cell, catalog)
            older = cell.model_copy(update={"constraints": ("numbers<2.5.5",)})
            return found if found.lock or cell.constraints else super().resolve(older, catalog)

    runner, _, _ = open_runner(resolver=Moving(VERSIONS, refuse))
    report = judge(runner)
    assert report.requirements[0].differs == ("numbers 2.5.4 → 2.5.5",)


def test_a_set_without_a_solution_before_is_no_finding(open_runner: Any) -> None:
    conflict = Conflict(kind="bounds", sentence="beta depends on alpha<1")
    others = {"alpha 1.2 with the newest others (control)": Resolution(outcome="conflict", conflict=conflict)}
    runner, _, _ = open_runner(resolver=FakeResolver(NEWEST, others))
    report = judge(runner)
    assert report.decision == "CANNOT-TELL"
    assert report.sentence == (
        "alpha 1.2 with the newest others on Python 3.12: nothing to compare because alpha 1.1 cannot be installed "
        "here either: beta depends on alpha<1"
    )
    assert report.remedy == "change what the policy asks for, or name another release with --against"


def test_who_is_held_back_is_told(open_runner: Any) -> None:
    class Holding(FakeResolver):
        def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
            found = super().resolve(cell, catalog)
            held = HeldBack(name="beta", newest="3.0", got="2.0", by="gamma", bound="gamma depends on beta<3")
            return found.model_copy(update={"held_back": (held,) if cell.newest else ()})

    runner, _, _ = open_runner(resolver=Holding(NEWEST))
    report = judge(runner)
    (row,) = report.not_tested
    assert (row.what, row.why) == ("beta 3.0 on Python 3.12", "held back to 2.0 by gamma: gamma depends on beta<3")


def test_a_missing_python_cannot_tell(open_runner: Any) -> None:
    policy = POLICY.model_copy(update={"pythons": ("3.12", "3.99")})
    resolution = Resolution(outcome="interpreter-missing", detail="Python 3.99 was not found")

    class Partial(FakeResolver):
        def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
            return resolution if cell.python == "3.99" else super().resolve(cell, catalog)

    runner, _, _ = open_runner(resolver=Partial(NEWEST))
    report = judge(runner, policy=policy)
    assert report.decision == "CANNOT-TELL"
    assert report.sentence.endswith("not run because alpha 1.1 has no lock: Python 3.99 was not found")
    assert report.remedy == "remove the cause, and run the gate again"
    assert {r.state for r in report.requirements} == {"satisfied", "undecided"}


def test_a_set_that_is_not_required_and_had_no_solution_before_is_only_noted(open_runner: Any) -> None:
    conflict = Conflict(kind="bounds", sentence="beta depends on alpha<1")
    label = "alpha 1.2 with beta 1.0 and the newest others"
    resolver = FakeResolver(NEWEST, {f"{label} (control)": Resolution(outcome="conflict", conflict=conflict)})
    runner, _, _ = open_runner(resolver=resolver)
    rules = [{"rule": "newest", "weight": "required"}, {"rule": "releases", "weight": "review"}]
    policy = GatePolicy.model_validate(POLICY.model_dump() | {"rules": rules})
    report = judge(runner, policy=policy)
    assert report.decision == "PASS"
    (row,) = report.not_tested
    assert row.what == f"{label} on Python 3.12"
    assert row.why == "nothing to compare because alpha 1.1 cannot be installed here either: beta depends on alpha<1"


def test_releases_that_no_longer_fit_are_left_free_as_long_as_none_gets_older(open_runner: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        old_beta = chosen["alpha"] == "1.2" and chosen["beta"] == "1.0"
        return "alpha==1.2 depends on beta>=2" if old_beta else ""

    class Held(Solver):
        """Takes beta 1.0 beside alpha 1.1."""

        def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
            if "alpha==1.1" in cell.requirements and not cell.constraints:
                cell = cell.model_copy(update={"constraints": ("beta<2",)})
            return super().resolve(cell, catalog)

    runner, executor, _ = open_runner(resolver=Held(VERSIONS, refuse))
    report = judge(runner)
    assert report.decision == "PASS"
    assert [job.lock.versions()["beta"] for job in whole(executor)] == ["2.0", "2.0"]  # the control follows
    assert not report.requirements[0].differs


def test_a_release_that_would_have_to_get_older_is_kept_apart(open_runner: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        new_beta = chosen["alpha"] == "1.2" and chosen["beta"] == "2.0"
        return "alpha==1.2 depends on beta<2" if new_beta else ""

    class Yielding(Solver):
        """Takes beta 1.0 where nothing asks for another."""

        def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
            if "alpha==1.2" in cell.requirements and "beta" in cell.requirements:
                cell = cell.model_copy(update={"constraints": (*cell.constraints, "beta<2")})
            return super().resolve(cell, catalog)

    world = Catalogue(
        {
            "alpha": {"1.1": "2026-01-01", "1.2": {"uploaded": "2026-06-01", "requires": ["beta<2"]}},
            "beta": {"1.0": "2026-01-01", "2.0": "2026-02-01"},
        }
    )
    runner, executor, _ = open_runner(resolver=Yielding(VERSIONS, refuse))
    report = judge(runner, world=world)
    assert report.decision == "BLOCK"
    assert not executor.asked


def test_without_tests_that_exchange_artifacts_their_cell_is_untried(open_runner: Any) -> None:
    runner, executor, _ = open_runner()
    rules = [{"rule": "artifacts", "weight": "required"}]
    report = judge(runner, policy=GatePolicy.model_validate(POLICY.model_dump() | {"rules": rules}))
    assert report.decision == "CANNOT-TELL"
    assert report.sentence.endswith("not run because the project has no tests that write and read artifacts")
    assert report.remedy == "add such tests in tests/exchange, or drop the rule from the policy"
    assert not executor.asked
