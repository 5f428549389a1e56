"""The rules of evidence for pairs, one by one."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.verdict.pairs import PairVerdict, judge_pairs
from stackcompat.verdict.verdict import CellVerdict, judge
from support.made_up import (
    COMPONENTS,
    PLATFORM,
    blocked,
    failed,
    make_cell,
    passed,
    planned,
    run_of,
    starved,
    unresolved,
)

TRAIN = "test_beta.py::test_train"
BOTH = {"alpha": "1.3", "beta": "2.4"}


def cell_of(versions: dict[str, str] | None = None, python: str = "3.12", **more: Any) -> PlannedCell:
    versions = versions or BOTH
    return planned(make_cell(versions, python, **more), versions)


def red(message: str = "no", **more: Any) -> TestResult:
    return failed(TRAIN, "alpha", "beta", message=message, **more)


GREEN = passed(TRAIN, "alpha", "beta")


class Pairs:
    """Cells in the making, and the verdicts on their pairs."""

    def __init__(self) -> None:
        self.cells: list[CellVerdict] = []

    def add(self, versions: dict[str, str], *tests: TestResult, python: str = "3.12", **more: Any) -> Pairs:
        """A cell whose red tests fail twice."""
        cell = cell_of(versions, python, **more)
        again = tuple(test for test in tests if test.outcome in ("failed", "crashed"))
        runs = (run_of(cell, *tests), *((run_of(cell, *again, attempt=1),) if again else ()))
        self.cells.append(judge(cell, runs, COMPONENTS))
        return self

    def verdicts(self) -> dict[tuple[str, str, str, str], PairVerdict]:
        found = judge_pairs(self.cells, COMPONENTS)
        return {(p.first, p.first_version, p.second, p.second_version): p for p in found}

    def of(self, first: str, second: str) -> PairVerdict:
        one, one_version = first.split()
        two, two_version = second.split()
        return self.verdicts()[one, one_version, two, two_version]


THREE = {"alpha": "1.3", "beta": "2.4", "gamma": "1.0"}
JOINT = failed("joint", "alpha", "beta", "gamma")
JOINT_PASSES = passed("joint", "alpha", "beta", "gamma")
EARLIER = {"alpha": "1.0", "beta": "2.0", "gamma": "0.9"}


def test_a_pair_works_where_a_joint_test_passed() -> None:
    pair = Pairs().add(BOTH, GREEN).of("alpha 1.3", "beta 2.4")
    assert (pair.verdict, pair.level, pair.inferred, pair.tests) == ("works", "interop", False, (TRAIN,))
    assert pair.pythons == {"3.12": "works"}


def test_installed_together_without_a_joint_test_is_untested() -> None:
    made = Pairs().add(BOTH, passed("a", "alpha"), passed("b", "beta"))
    assert made.of("alpha 1.3", "beta 2.4").verdict == "untested"


def test_a_release_s_own_test_makes_no_pair_deeper() -> None:
    """It made the leader and what moves with it work at `upstream`, the deepest level there is."""
    own = passed("upstream/alpha/test_x.py::test_x", "alpha", level="upstream")
    made = Pairs().add(BOTH, GREEN, own)
    (leader_pair,) = [pair for key, pair in made.verdicts().items() if "alpha-native" in key]
    assert (leader_pair.verdict, leader_pair.level, leader_pair.tests) == ("works", "interop", (TRAIN,))


def test_a_test_of_two_that_fails_is_seen_if_it_passed_elsewhere() -> None:
    made = Pairs().add(BOTH, red()).add({"alpha": "1.0", "beta": "2.4"}, GREEN)
    bad, good = made.of("alpha 1.3", "beta 2.4"), made.of("alpha 1.0", "beta 2.4")
    assert (bad.verdict, bad.inferred, bad.signature) == ("broken", False, "AssertionError: no [test]")
    assert bad.witness == made.cells[0].cell.id
    assert (good.verdict, good.inferred) == ("works", False)


def test_a_test_that_never_passed_can_itself_be_wrong() -> None:
    pair = Pairs().add(BOTH, red()).of("alpha 1.3", "beta 2.4")
    assert (pair.verdict, pair.inferred) == ("broken", True)
    assert "the test itself may be at fault" in pair.doubt


def test_an_import_that_fails_needs_no_pass_elsewhere() -> None:
    message = "module 'alpha.core' has no attribute 'x'"
    test = failed("i", "beta", level="import", type="AttributeError", message=message, packages=("beta",))
    pair = Pairs().add(BOTH, test).of("alpha 1.3", "beta 2.4")
    assert (pair.verdict, pair.level, pair.inferred) == ("broken", "import", False)


def test_the_same_test_passed_with_the_same_two_elsewhere_clears_them() -> None:
    made = Pairs().add(THREE, JOINT).add(THREE | {"gamma": "0.9"}, JOINT_PASSES)
    assert made.of("alpha 1.3", "beta 2.4").verdict == "works"
    assert made.of("alpha 1.3", "gamma 1.0").verdict == "broken"
    assert made.of("alpha 1.3", "gamma 1.0").inferred


def test_a_pass_on_another_python_clears_no_pair() -> None:
    made = Pairs().add(BOTH, red(), python="3.13").add(BOTH, GREEN, python="3.12")
    pair = made.of("alpha 1.3", "beta 2.4")
    assert (pair.verdict, pair.inferred) == ("broken", False)
    assert pair.pythons == {"3.12": "works", "3.13": "broken"}


def test_a_pair_that_passed_its_own_test_is_less_likely_and_not_known_to_work() -> None:
    made = Pairs().add(EARLIER, JOINT_PASSES).add(THREE, JOINT, GREEN)
    assert made.of("alpha 1.3", "gamma 1.0").verdict == "broken"
    left = made.of("alpha 1.3", "beta 2.4")
    assert (left.verdict, left.inferred) == ("untested", True), "a small test says nothing of a larger one"
    assert "failed with both there" in left.doubt


def test_only_a_test_that_uses_all_of_them_acquits_a_pair() -> None:
    """Another joint test passed with alpha and beta as they are, beside another gamma."""
    other = passed("another joint", "alpha", "beta", "gamma")
    made = Pairs().add(EARLIER, JOINT_PASSES).add(THREE, JOINT).add(THREE | {"gamma": "0.8"}, other)
    acquitted = made.of("alpha 1.3", "beta 2.4")
    assert (acquitted.verdict, acquitted.inferred) == ("works", True)
    assert "inferred to lie with" in acquitted.doubt
    assert made.of("alpha 1.3", "gamma 1.0").verdict == "broken"
    assert made.of("beta 2.4", "gamma 1.0").verdict == "broken"


def test_a_guilty_pair_is_not_let_off_by_a_small_test_of_its_own() -> None:
    own = passed("ab", "alpha", "beta")
    made = Pairs().add(EARLIER, JOINT_PASSES).add(THREE, JOINT, own)
    for pair in made.verdicts().values():
        if "native" not in pair.second and pair.first_version == THREE[pair.first]:
            assert pair.verdict != "works"


def test_what_is_not_known_on_one_python_takes_nothing_from_what_was_seen_on_another() -> None:
    made = Pairs().add(BOTH, GREEN, python="3.11").add(EARLIER, JOINT_PASSES).add(THREE, JOINT, GREEN)
    pair = made.of("alpha 1.3", "beta 2.4")
    assert pair.pythons == {"3.11": "works", "3.12": "untested"}
    assert (pair.verdict, pair.inferred) == ("works", False)


def test_three_that_fail_only_together_are_a_doubt_about_each_two() -> None:
    made = Pairs()
    for alpha, beta, gamma in product(("1.3", "1.2"), ("2.4", "2.3"), ("1.0", "0.9")):
        versions = {"alpha": alpha, "beta": beta, "gamma": gamma}
        made.add(versions, JOINT if versions == THREE else JOINT_PASSES)
    for pair in (("alpha 1.3", "beta 2.4"), ("alpha 1.3", "gamma 1.0"), ("beta 2.4", "gamma 1.0")):
        said = made.of(*pair)
        assert (said.verdict, said.inferred) == ("works", True)
        assert "joint fails with alpha 1.3, beta 2.4 and gamma 1.0 together" in said.doubt
    assert not made.of("alpha 1.2", "beta 2.4").inferred


def test_when_each_pair_passes_its_own_test_the_failure_is_not_lost() -> None:
    own = (GREEN, passed("ag", "alpha", "gamma"), passed("bg", "beta", "gamma"))
    made = Pairs().add(EARLIER, JOINT_PASSES).add(THREE, JOINT, *own)
    pairs = [made.of("alpha 1.3", "beta 2.4"), made.of("alpha 1.3", "gamma 1.0"), made.of("beta 2.4", "gamma 1.0")]
    assert all(pair.verdict == "broken" and pair.inferred for pair in pairs)


def test_pairs_on_the_traceback_are_likelier() -> None:
    traced = failed("joint", "alpha", "beta", "gamma", type="TypeError", packages=("gamma", "alpha"))
    made = Pairs().add(EARLIER, JOINT_PASSES).add(THREE, traced)
    assert made.of("alpha 1.3", "gamma 1.0").verdict == "broken"
    assert made.of("alpha 1.3", "beta 2.4").verdict == "untested"


def test_infrastructure_turns_no_pair_red_or_green() -> None:
    hung = starved(TRAIN, "alpha", "beta")
    assert Pairs().add(BOTH, hung).of("alpha 1.3", "beta 2.4").verdict == "untested"


def test_a_joint_test_without_an_outcome_leaves_a_doubt() -> None:
    made = Pairs().add(BOTH, GREEN, starved("big", "alpha", "beta"))
    pair = made.of("alpha 1.3", "beta 2.4")
    assert (pair.verdict, pair.inferred) == ("works", True)
    assert pair.doubt == "big uses both and had no outcome with them: not finished after 60 s"
    # It passed with these two elsewhere.
    made.add(THREE, passed("big", "alpha", "beta"))
    assert not made.of("alpha 1.3", "beta 2.4").inferred


def test_a_test_that_a_third_component_blocks_says_nothing_of_the_other_two() -> None:
    broken = failed("import", "gamma", level="import")
    made = Pairs().add(THREE, GREEN, passed("ag", "alpha", "gamma"), broken, blocked("joint", "alpha", "beta", "gamma"))
    assert not made.of("alpha 1.3", "beta 2.4").inferred
    assert made.of("alpha 1.3", "gamma 1.0").doubt.startswith("joint uses both and had no outcome with them: ")


def test_own_tests_without_an_outcome_leave_no_doubt() -> None:
    own = starved("upstream/beta/test_core.py::test_text", "alpha", "beta").model_copy(update={"level": "upstream"})
    assert not Pairs().add(BOTH, GREEN, own).of("alpha 1.3", "beta 2.4").inferred


def test_a_flaky_pair() -> None:
    made = Pairs()
    cell = cell_of()
    made.cells.append(judge(cell, (run_of(cell, red()), run_of(cell, GREEN, attempt=1)), COMPONENTS))
    made.add({"alpha": "1.0", "beta": "2.4"}, GREEN)
    assert made.of("alpha 1.3", "beta 2.4").verdict == "flaky"


def test_an_error_out_of_a_third_party_is_inferred() -> None:
    outside = failed(TRAIN, "alpha", "beta", packages=("beta", "paths"))
    pair = Pairs().add(BOTH, outside).of("alpha 1.3", "beta 2.4")
    assert pair.doubt == "the error came out of paths, which is no component"


def test_what_was_seen_goes_before_what_was_inferred() -> None:
    made = Pairs().add(EARLIER, GREEN, JOINT_PASSES).add(THREE, JOINT, red())
    pair = made.of("alpha 1.3", "beta 2.4")
    assert (pair.inferred, pair.tests) == (False, ("joint", TRAIN))


@pytest.mark.parametrize("more", [{"overrides": ("alpha==1.3",)}, {"local": {"beta": "beta-2.4-py3-none-any.whl"}}])
def test_forced_and_local_cells_say_nothing_of_releases(more: Any) -> None:
    assert Pairs().add(BOTH, red(), **more).verdicts() == {}


def unresolved_pair(sentence: str, versions: dict[str, str] | None = None, kind: Any = "bounds") -> Pairs:
    made = Pairs()
    made.cells.append(judge(unresolved(make_cell(versions or BOTH), sentence, kind), (), COMPONENTS))
    return made


def test_pins_whose_bounds_exclude_each_other_are_unresolvable() -> None:
    sentence = "beta 2.4 requires alpha<1.2, but alpha==1.3 is asked for"
    pair = unresolved_pair(sentence).of("alpha 1.3", "beta 2.4")
    assert (pair.verdict, pair.level, pair.inferred, pair.signature) == ("unresolvable", "resolve", False, sentence)


def test_a_conflict_among_more_requirements_is_inferred() -> None:
    pair = unresolved_pair("beta 2.4 requires alpha<1.2", THREE).of("alpha 1.3", "beta 2.4")
    assert (pair.verdict, pair.inferred) == ("unresolvable", True)


@pytest.mark.parametrize(
    ("sentence", "versions", "kind"),
    [
        ("beta 2.4 requires alpha<1.2 and gamma 1.0 requires alpha>=1.3", THREE, "bounds"),
        ("beta 2.4 requires numbers<2", BOTH, "bounds"),
        ("beta 2.4 and alpha 1.3 require Python >=3.14", BOTH, "python"),
        ("beta requires alpha<1.2", {"alpha": "1.3", "beta": ""}, "bounds"),
    ],
)
def test_other_conflicts_are_no_pairs(sentence: str, versions: dict[str, str], kind: str) -> None:
    assert unresolved_pair(sentence, versions, kind).verdicts() == {}


def test_a_pair_that_met_is_not_unresolvable() -> None:
    made = unresolved_pair("beta 2.4 requires alpha<1.2", THREE)
    assert made.add(BOTH, GREEN).of("alpha 1.3", "beta 2.4").verdict == "works"


def test_a_failure_without_a_record_is_held_against_the_pair_too() -> None:
    crashed = TestResult(test=TRAIN, level="run", components=("alpha", "beta"), outcome="crashed", reason="signal 11")
    pair = Pairs().add(BOTH, crashed).of("alpha 1.3", "beta 2.4")
    assert (pair.verdict, pair.signature) == ("broken", "signal 11")


def test_the_platform_counts_too() -> None:
    made = Pairs().add(BOTH, GREEN)
    cell = cell_of(BOTH)
    mac = cell.model_copy(update={"cell": cell.cell.model_copy(update={"platform": "darwin-arm64"})})
    made.cells.append(judge(mac, (run_of(mac, red()), run_of(mac, red(), attempt=1)), COMPONENTS))
    assert PLATFORM != "darwin-arm64"
    pair = made.of("alpha 1.3", "beta 2.4")
    assert (pair.verdict, pair.pythons) == ("broken", {"3.12": "broken"})


def test_a_component_that_moves_with_another_is_paired_with_that_one_only() -> None:
    found = Pairs().add(THREE, GREEN).verdicts()
    assert found["alpha", "1.3", "alpha-native", "1.3"].verdict == "works"
    assert {pair[0::2] for pair in found if "alpha-native" in pair} == {("alpha", "alpha-native")}


def test_a_release_that_does_not_fit_the_one_it_moves_with() -> None:
    message = "alpha-native version 1.4 is newer than and incompatible with alpha version 1.3"
    test = failed("i", "alpha", level="import", type="RuntimeError", message=message, packages=("alpha",))
    pair = Pairs().add(BOTH, test).of("alpha 1.3", "alpha-native 1.3")
    assert (pair.verdict, pair.inferred) == ("broken", True)
    assert pair.doubt == "of alpha and alpha-native, one is known from the error's message only"


def test_an_import_that_passed_with_both_installed_clears_them() -> None:
    message = "module 'alpha.core' has no attribute 'x'"
    test = failed("i", "beta", level="import", type="AttributeError", message=message, packages=("beta",))
    made = Pairs().add(THREE, test).add(BOTH, passed("i", "beta", level="import"))
    assert made.of("alpha 1.3", "beta 2.4").verdict == "untested"
