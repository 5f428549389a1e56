"""Bounds that keep a candidate out: whose they are decides what they mean."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.ecosystem.releases import Catalog
from stackcompat.gate.policy import GatePolicy
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import Resolution
from support.fakes import Catalogue, FakeResolver
from support.gate import NEWEST, POLICY, VERSIONS, Solver, judge
from support.paired import waivers


def test_a_bound_of_the_candidate_that_others_do_not_meet_blocks(open_runner: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        return "alpha==1.2 depends on beta>=3" if chosen["alpha"] == "1.2" else ""

    world = Catalogue(
        {
            "alpha": {"1.1": "2026-01-01", "1.2": {"uploaded": "2026-06-01", "requires": ["beta>=3"]}},
            "beta": {"2.0": "2026-01-01"},
        }
    )
    runner, executor, _ = open_runner(resolver=Solver(VERSIONS, refuse))
    report = judge(runner, world=world)
    assert report.decision == "BLOCK"
    assert report.sentence == "alpha 1.2 cannot be installed with beta 2.0 because alpha needs beta>=3"
    assert report.remedy == "release such a beta first, or widen the bound of alpha"
    assert report.requirements[0].findings[0].chain == ("alpha==1.2 depends on beta>=3",)
    assert not executor.asked


def test_a_bound_that_a_release_meets_already_is_only_to_be_widened(open_runner: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        return "alpha==1.2 depends on beta==1.0" if chosen["alpha"] == "1.2" else ""

    world = Catalogue(
        {
            "alpha": {"1.1": "2026-01-01", "1.2": {"uploaded": "2026-06-01", "requires": ["beta==1.0"]}},
            "beta": {"1.0": "2026-01-01", "2.0": "2026-01-01"},
        }
    )
    runner, _, _ = open_runner(resolver=Solver(VERSIONS, refuse))
    report = judge(runner, world=world)
    assert report.sentence == "alpha 1.2 cannot be installed with beta 2.0 because alpha needs beta==1.0"
    assert report.remedy == "widen the bound of alpha"


def test_a_bound_of_another_leaves_it_out_and_tries_the_rest(open_runner: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        return "gamma==3.0 depends on alpha<1.2" if chosen["alpha"] == "1.2" and "gamma" in chosen else ""

    policy = POLICY.model_copy(update={"components": ("alpha", "alpha-native", "beta", "gamma")})
    runner, executor, _ = open_runner(resolver=Solver(VERSIONS, refuse))
    report = judge(runner, policy=policy)
    assert report.decision == "NEEDS-REVIEW"
    assert report.sentence == "alpha 1.2 cannot be installed with gamma yet because gamma 3.0 depends on alpha<1.2"
    assert report.remedy == "release a gamma that accepts alpha 1.2, before alpha 1.2 or right after it"
    assert [(row.state, row.weight) for row in report.requirements] == [("satisfied", "required"), ("failed", "review")]
    assert all("gamma" not in job.lock.versions() for job in executor.asked)


def test_a_bound_of_what_another_brings_in_leaves_that_one_out(open_runner: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        return "numbers depends on alpha<1.2" if chosen["alpha"] == "1.2" and "gamma" in chosen else ""

    world = Catalogue(
        {
            "alpha": {"1.1": "2026-01-01", "1.2": "2026-06-01"},
            "beta": {"2.0": "2026-01-01"},
            "gamma": {"3.0": {"uploaded": "2026-01-01", "requires": ["numbers", "alpha"]}},
            "numbers": {"2.5.5": {"uploaded": "2026-01-01", "requires": ["alpha<1.2"]}},
        }
    )
    policy = POLICY.model_copy(update={"components": ("alpha", "beta", "gamma")})
    runner, executor, _ = open_runner(resolver=Solver(VERSIONS, refuse))
    report = judge(runner, policy=policy, world=world)
    assert report.decision == "NEEDS-REVIEW"
    assert report.sentence == "alpha 1.2 cannot be installed with gamma yet because numbers 2.5.5 depends on alpha<1.2"
    assert report.requirements[1].what.endswith("together with gamma")
    assert [(row.what, row.why) for row in report.not_tested] == [
        ("gamma 3.0", "left out because numbers 2.5.5 depends on alpha<1.2")
    ]
    assert {name for job in executor.asked for name in job.lock.versions()} == {"alpha", "beta", "numbers"}


def test_what_somebody_else_brings_in_may_exclude_the_candidate(open_runner: Any) -> None:
    refuse = lambda chosen, _: "numbers is in the way" if chosen["alpha"] == "1.2" else ""  # noqa: E731
    runner, _, _ = open_runner(resolver=Solver(VERSIONS, refuse))
    report = judge(runner)
    assert report.decision == "BLOCK"
    assert report.sentence == "alpha 1.2 cannot be installed, although alpha 1.1 can, because numbers is in the way"
    assert report.remedy == "widen the bounds of alpha, or release the others first"


def test_a_python_that_the_candidate_dropped_is_told(open_runner: Any) -> None:
    conflict = Conflict(kind="python", sentence="alpha==1.2 requires Python >=3.13, and this cell has Python 3.12")
    resolver = FakeResolver(
        NEWEST, {"alpha 1.2 with the newest others (candidate)": Resolution(outcome="conflict", conflict=conflict)}
    )
    runner, _, _ = open_runner(resolver=resolver)
    report = judge(runner)
    assert report.decision == "CANNOT-TELL"
    assert [row.why for row in report.not_tested] == [conflict.sentence]


class WithoutPython(Solver):
    """A solver to which the candidate has no solution on Python 3.13."""

    def __init__(self, kind: Any, sentence: str) -> None:
        super().__init__(VERSIONS)
        self._conflicting = Conflict(kind=kind, sentence=sentence, chain=("alpha==1.2 is requested",))

    def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
        if cell.python == "3.13" and "alpha==1.2" in cell.requirements:
            return Resolution(outcome="conflict", conflict=self._conflicting)
        return super().resolve(cell, catalog)


@pytest.mark.parametrize(
    ("kind", "sentence", "decision", "remedy"),
    [
        (
            "no-wheel-for-python",
            "alpha==1.2 has no wheel for Python 3.13",
            "BLOCK",
            "upload that wheel first, or exclude Python 3.13 in requires-python",
        ),
        (
            "python",
            "numbers==9 requires Python <3.13, and this cell has Python 3.13",
            "BLOCK",
            "let alpha depend on releases that support Python 3.13, or exclude it in requires-python",
        ),
        (
            "python",
            "alpha==1.2 requires Python <3.13, and this cell has Python 3.13",
            "NEEDS-REVIEW",
            "make sure that nobody needs alpha on Python 3.13 any more, or keep supporting it",
        ),
    ],
)
def test_a_python_that_the_control_has_and_the_candidate_lacks_is_a_finding(
    open_runner: Any, kind: str, sentence: str, decision: str, remedy: str
) -> None:
    runner, executor, _ = open_runner(resolver=WithoutPython(kind, sentence))
    report = judge(runner, policy=POLICY.model_copy(update={"pythons": ("3.13", "3.12")}))
    assert (report.decision, report.remedy) == (decision, remedy)
    assert (
        report.sentence == f"alpha 1.2 cannot be installed on Python 3.13, although alpha 1.1 can, because {sentence}"
    )
    assert {job.lock.python for job in executor.asked} == {"3.12"}
    assert [row.state for row in report.requirements if row.python == "3.12"] == ["satisfied"]


def test_of_several_bounds_that_exclude_another_its_own_is_named(open_runner: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        return "numbers depends on alpha<1.2" if chosen["alpha"] == "1.2" and "gamma" in chosen else ""

    world = Catalogue(
        {
            "alpha": {"1.1": "2026-01-01", "1.2": "2026-06-01"},
            "beta": {"2.0": "2026-01-01"},
            "gamma": {"3.0": {"uploaded": "2026-01-01", "requires": ["numbers", "alpha<1.2"]}},
            "numbers": {"2.5.5": {"uploaded": "2026-01-01", "requires": ["alpha<1.2"]}},
        }
    )
    policy = POLICY.model_copy(update={"components": ("alpha", "beta", "gamma")})
    runner, _, _ = open_runner(resolver=Solver(VERSIONS, refuse))
    report = judge(runner, policy=policy, world=world)
    assert report.sentence == "alpha 1.2 cannot be installed with gamma yet because gamma 3.0 depends on alpha<1.2"


def test_a_bound_on_what_moves_with_the_candidate_is_its_own(open_runner: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        return "alpha==1.2 depends on alpha-native>=1.3" if chosen["alpha"] == "1.2" else ""

    world = Catalogue(
        {
            "alpha": {"1.1": "2026-01-01", "1.2": {"uploaded": "2026-06-01", "requires": ["alpha-native>=1.3"]}},
            "alpha-native": {"1.1": "2026-01-01", "1.2": "2026-06-01"},
            "beta": {"2.0": "2026-01-01"},
        }
    )
    runner, _, _ = open_runner(resolver=Solver(VERSIONS, refuse))
    report = judge(runner, world=world)
    assert report.decision == "BLOCK"
    assert report.sentence == (
        "alpha 1.2 cannot be installed with alpha-native 1.2 because alpha needs alpha-native>=1.3"
    )


def test_a_cell_about_a_release_that_waits_does_not_apply(open_runner: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        old_beta = chosen["alpha"] == "1.2" and chosen.get("beta") == "1.0"
        return "beta==1.0 depends on alpha<1.2" if old_beta else ""

    world = Catalogue(
        {
            "alpha": {"1.1": "2026-01-01", "1.2": "2026-06-01"},
            "beta": {
                "1.0": {"uploaded": "2026-01-01", "requires": ["alpha<1.2"]},
                "2.0": {"uploaded": "2026-02-01", "requires": ["alpha"]},
            },
        }
    )
    rules = [{"rule": "newest", "weight": "required"}, {"rule": "releases", "weight": "review"}]
    policy = GatePolicy.model_validate(POLICY.model_dump() | {"rules": rules})
    runner, _, _ = open_runner(resolver=Solver(VERSIONS, refuse))
    report = judge(runner, policy=policy, world=world)
    assert report.decision == "PASS"
    (row,) = report.not_tested
    assert row.what == "alpha 1.2 with beta 1.0 and the newest others on Python 3.12"
    assert row.why == "alpha 1.2 cannot be installed with beta yet because beta 1.0 depends on alpha<1.2"


def test_components_wait_in_turn_and_each_is_a_requirement(open_runner: Any) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        return f"{cell.label} has no solution" if chosen["alpha"] == "1.2" and len(chosen) > 2 else ""

    bounded = {"uploaded": "2026-01-01", "requires": ["alpha<1.2"]}
    world = Catalogue(
        {"alpha": {"1.1": "2026-01-01", "1.2": "2026-06-01"}, "beta": {"2.0": bounded}, "gamma": {"3.0": bounded}}
    )
    policy = POLICY.model_copy(update={"components": ("alpha", "beta", "gamma")})
    runner, executor, _ = open_runner(resolver=Solver(VERSIONS, refuse))
    report = judge(runner, policy=policy, world=world)
    assert [row.what.partition(": together with ")[2] for row in report.requirements] == ["", "beta", "gamma"]
    assert {name for job in executor.asked for name in job.lock.versions()} == {"alpha", "numbers"}


@pytest.mark.parametrize(
    ("versions", "decision"),
    [
        ({"alpha": "==1.2", "gamma": "==3.0"}, "PASS"),
        ({"alpha": "==1.2", "gamma": "==2.0"}, "NEEDS-REVIEW"),
        ({"alpha": "==1.1", "gamma": "==3.0"}, "NEEDS-REVIEW"),
    ],
)
def test_a_waiver_of_a_pair_covers_a_component_that_is_left_out(
    open_runner: Any, versions: dict[str, str], decision: str
) -> None:
    def refuse(chosen: dict[str, str], cell: Cell) -> str:
        return "gamma==3.0 depends on alpha<1.2" if chosen["alpha"] == "1.2" and "gamma" in chosen else ""

    policy = POLICY.model_copy(update={"components": ("alpha", "alpha-native", "beta", "gamma")})
    runner, _, _ = open_runner(resolver=Solver(VERSIONS, refuse))
    report = judge(runner, policy=policy, waivers=waivers(pair=["alpha", "gamma"], versions=versions))
    assert report.decision == decision
    assert [row.state for row in report.waivers] == ["used" if decision == "PASS" else "unused"]
