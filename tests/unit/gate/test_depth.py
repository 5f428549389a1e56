"""The gate claims no more than how deep the candidate itself was tried."""

from __future__ import annotations

from stackcompat.evidence.results import TestResult
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.cells import PairedCell
from stackcompat.gate.context import GateContext, make_context
from stackcompat.gate.depth import candidate_depths, depths_of_arm, shallowest_candidate
from stackcompat.gate.waivers import Waivers
from stackcompat.verdict.depth import Depth
from support.made_up import COMPONENTS, NOW, passed
from support.paired import ALPHA, GREEN, OLD, POLICY, arm, judge, pair

NATIVE = Candidate(name="alpha-native", version="1.3.0", replaces="1.2.0", source="index")
DELTA = Candidate(name="delta-checkpoint", version="5.3.0", replaces="5.2.2", source="index")
#: Tests of others that go deeper than those of the candidate.
DEEP = (
    passed("test_gamma.py::test_schedule", "gamma"),
    passed("test_delta.py::test_lower", "delta-checkpoint", "gamma", level="lower"),
)


def context(*candidates: Candidate) -> GateContext:
    return make_context(candidates, POLICY, Waivers(), COMPONENTS, NOW)


def test_the_depths_of_the_candidates_arm() -> None:
    cell = pair((*GREEN, *DEEP))
    depths = depths_of_arm(context(ALPHA), cell)
    assert depths["alpha"] == Depth(level="interop", tests=2, together_with=("beta",))
    assert depths["delta"] == Depth(level="lower", tests=1, together_with=("gamma",))
    assert depths["zeta"] == Depth(level="install", tests=0)


def test_a_candidate_is_found_by_its_component_and_its_leader() -> None:
    depths = depths_of_arm(context(ALPHA), pair((*GREEN, *DEEP)))
    found = candidate_depths(context(ALPHA, NATIVE, DELTA), depths)
    assert {name: depth.level for name, depth in found.items()} == {
        "alpha": "interop",
        "alpha-native": "interop",
        "delta-checkpoint": "lower",
    }
    assert candidate_depths(context(ALPHA), {}) == {}


def test_a_pass_is_as_deep_as_the_candidate_in_its_shallowest_cell() -> None:
    """Tests of others passed at interop, and the sentence did not say that the candidate went no deeper than lower."""

    def cell(name: str, *tests: TestResult) -> PairedCell:
        return pair(tests, id=name, control=arm(OLD, tests))

    report = judge(cell("one", *GREEN, *DEEP), candidates=(DELTA,))
    assert report.sentence == "delta-checkpoint 5.3.0 passes the only required cell up to lower"
    run = passed("test_delta.py::test_run", "delta-checkpoint", "gamma", level="run")
    report = judge(cell("one", *GREEN, *DEEP), cell("two", *GREEN, run), candidates=(DELTA,))
    assert report.sentence == "delta-checkpoint 5.3.0 passes all 2 required cells up to lower"
    assert [requirement.components["delta"].level for requirement in report.requirements] == ["lower", "run"]


def test_where_nothing_ran_there_is_no_level() -> None:
    assert shallowest_candidate(context(ALPHA), ()) is None
