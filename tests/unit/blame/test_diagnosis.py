"""Diagnoses: which failure each explains, whom that points at, and what is left to be searched."""

from __future__ import annotations

import datetime as dt
from typing import Any

from stackcompat.blame.diagnosis import Diagnoses, Diagnosis, unsearched_cells, unsearched_crossings
from stackcompat.blame.result import Culprit, SearchResult
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import TestResult
from stackcompat.verdict.artifacts import ArtifactVerdict
from stackcompat.verdict.components import judge_components
from stackcompat.verdict.exchange import CrossingVerdict
from stackcompat.verdict.pairs import judge_pairs
from stackcompat.verdict.signature import leading
from stackcompat.verdict.verdict import CellVerdict, judge
from support.made_up import COMPONENTS, NOW, component, failed, make_cell, passed, planned, run_of

THREE = {"alpha": "1.3", "beta": "2.4", "gamma": "1.0"}
TRAIN = failed("test_train", "alpha", "beta", "gamma", type="TypeError", packages=("gamma", "beta", "alpha"))


def broken(versions: dict[str, str], *tests: TestResult, policy: str = "pairs") -> CellVerdict:
    cell = planned(make_cell(versions, policy=policy), versions)
    return judge(cell, (run_of(cell, *tests), run_of(cell, *tests, attempt=1)), COMPONENTS)


def diagnosis(verdict: CellVerdict, *names: str, doubt: str = "", made: dt.datetime = NOW, test: int = 0) -> Diagnosis:
    culprits = tuple(Culprit(name=name, version=verdict.installed[name]) for name in names)
    failing = verdict.failures[test]
    return Diagnosis.of(verdict, failing, SearchResult(culprits=culprits, doubt=doubt), made)


def suspects(verdict: CellVerdict, diagnoses: Diagnoses, components: Components = COMPONENTS) -> tuple[set[str], bool]:
    told = diagnoses.attribute(verdict, verdict.failures[0], THREE, components)
    return set(told.components), told.sure


def test_a_diagnosis_narrows_down_whom_a_failure_points_at() -> None:
    verdict = broken(THREE, TRAIN)
    assert suspects(verdict, Diagnoses()) == ({"alpha", "beta", "gamma"}, False)
    assert suspects(verdict, Diagnoses([diagnosis(verdict, "beta", "gamma")])) == ({"beta", "gamma"}, True)


def test_in_another_cell_that_fails_alike_it_is_an_inference() -> None:
    verdict, other = broken(THREE, TRAIN), broken({**THREE, "alpha": "1.2"}, TRAIN)
    diagnoses = Diagnoses([diagnosis(verdict, "beta", "gamma")])
    assert suspects(other, diagnoses) == ({"beta", "gamma"}, False)
    unlike = broken({**THREE, "alpha": "1.2"}, failed("test_train", "alpha", "beta", "gamma", message="other words"))
    assert suspects(unlike, diagnoses) == ({"alpha", "beta", "gamma"}, False)


def test_a_diagnosis_with_a_doubt_narrows_nothing_down() -> None:
    verdict = broken(THREE, TRAIN)
    assert suspects(verdict, Diagnoses([diagnosis(verdict, "beta", doubt="the budget was spent")])) == (
        {"alpha", "beta", "gamma"},
        False,
    )


def test_a_certain_diagnosis_goes_before_a_later_one_with_a_doubt() -> None:
    verdict = broken(THREE, TRAIN)
    doubted = diagnosis(verdict, "alpha", doubt="faults", made=NOW + dt.timedelta(days=1))
    assert suspects(verdict, Diagnoses([doubted, diagnosis(verdict, "beta", "gamma")])) == ({"beta", "gamma"}, True)


def test_a_diagnosis_that_shows_more_goes_before_a_later_one() -> None:
    verdict = broken(THREE, TRAIN)
    later = diagnosis(verdict, "alpha", made=NOW + dt.timedelta(days=1))
    assert suspects(verdict, Diagnoses([later, diagnosis(verdict, "beta", "gamma")])) == ({"beta", "gamma"}, True)


def test_of_other_cells_diagnoses_those_count_that_reach_the_versions_here() -> None:
    verdict, other = broken(THREE, TRAIN), broken({**THREE, "alpha": "1.2"}, TRAIN)
    elsewhere = Culprit(name="alpha", version="1.3", last_good="1.2", first_bad="1.3")
    far = diagnosis(verdict, "alpha", "beta")
    far = far.model_copy(update={"culprits": (elsewhere,)})
    near = diagnosis(verdict, "gamma", made=NOW - dt.timedelta(days=1))
    assert suspects(other, Diagnoses([far, near])) == ({"gamma"}, False)
    assert suspects(other, Diagnoses([far])) == ({"alpha", "beta", "gamma"}, False)
    assert Diagnoses([far]).of_cell(other, TRAIN) is None
    assert unsearched_cells([other], Diagnoses([far])) == (other,)


def test_a_proof_goes_before_the_words_of_the_failure() -> None:
    says = failed(
        "test_train",
        *THREE,
        type="AttributeError",
        message="module 'alpha.boxes' has no attribute 'Box'",
        packages=("beta",),
    )
    verdict = broken(THREE, says)
    assert suspects(verdict, Diagnoses()) == ({"alpha", "beta"}, True)
    assert suspects(verdict, Diagnoses([diagnosis(verdict, "gamma")])) == ({"gamma"}, True)
    assert suspects(verdict, Diagnoses([diagnosis(verdict, "gamma", doubt="d")])) == ({"alpha", "beta"}, True)
    # It agrees: of the two that the failure names, one moved.
    assert suspects(verdict, Diagnoses([diagnosis(verdict, "beta")])) == ({"alpha", "beta"}, True)
    other = broken({**THREE, "alpha": "1.2"}, says)
    assert suspects(other, Diagnoses([diagnosis(verdict, "gamma")])) == ({"alpha", "beta"}, False)


SPLIT = failed("t", "alpha", "beta", type="TypeError", message="asarray() takes no keyword", packages=("beta", "alpha"))


def test_a_transitive_culprit_acquits_the_pair_whose_code_it_broke() -> None:
    """Numbers, which is no component, is shown to be to blame: the same pair passed with another release of it."""
    verdict, green = broken({"alpha": "1.3", "beta": "2.4"}, SPLIT), passed("t", "alpha", "beta")
    earlier = {"alpha": "1.2", "beta": "2.3"}
    cell = planned(make_cell(earlier), earlier)
    cells = [verdict, judge(cell, (run_of(cell, green),), COMPONENTS)]
    culprit = Culprit(name="numbers", version="2.5.5", last_good="2.5.4", first_bad="2.5.5")
    result = SearchResult(culprits=(culprit,), passed=({"numbers": "2.5.4"},))
    diagnoses = Diagnoses([Diagnosis.of(verdict, SPLIT, result, NOW)])

    def pair(found: Diagnoses | None) -> tuple[str, bool]:
        pairs = judge_pairs(cells, COMPONENTS, found)
        return next((p.verdict, p.inferred) for p in pairs if (p.second, p.second_version) == ("beta", "2.4"))

    assert pair(None) == ("broken", False)
    assert pair(diagnoses) == ("works", True)
    assert "broken" not in {said for said, _ in judge_components(verdict, COMPONENTS, diagnoses).values()}
    unseen = Diagnoses([Diagnosis.of(verdict, SPLIT, SearchResult(culprits=(culprit,)), NOW)])
    assert pair(unseen) == ("untested", False)


def test_a_pass_in_a_search_counts_as_passed_there() -> None:
    """The search left a doubt, but it saw alpha and beta pass the test with another gamma."""
    verdict = broken(THREE, TRAIN)
    result = SearchResult(doubt="the budget was spent", passed=({"gamma": "0.9"}, {"gamma": ""}))
    diagnoses = Diagnoses([Diagnosis.of(verdict, TRAIN, result, NOW)])
    assert [versions.get("gamma") for versions in diagnoses.passing_sets(verdict, TRAIN)] == ["0.9", None]
    pairs = {(p.first, p.second): p.verdict for p in judge_pairs([verdict], COMPONENTS, diagnoses)}
    assert pairs["alpha", "beta"] == "works"
    assert pairs["alpha", "gamma"] == pairs["beta", "gamma"] == "broken"


CRASH: Any = {"type": "ProcessEnded", "message": "the process died of SIGSEGV", "outcome": "crashed"}


def test_the_culprit_of_one_crash_explains_no_other() -> None:
    first = broken(THREE, failed("abg", "alpha", "beta", "gamma", **CRASH))
    culprit = Culprit(name="alpha", version="1.3", last_good="1.2", first_bad="1.3")
    known = Diagnoses([Diagnosis.of(first, first.failures[0], SearchResult(culprits=(culprit,)), NOW)])
    assert known.of_cell(first, first.failures[0]) is not None
    others = (
        broken(
            {"alpha": "1.1", "delta": "5.1", "epsilon": "3.1"}, failed("dez", "delta-checkpoint", "epsilon", **CRASH)
        ),
        broken({**THREE, "delta": "5.1"}, failed("abg", "alpha", "beta", "gamma", **CRASH)),
    )
    for other in others:
        assert known.of_cell(other, other.failures[0]) is None
        assert unsearched_cells([other], known) == (other,)
    assert {verdict.cell.id for verdict in unsearched_cells(others, Diagnoses())} == {o.cell.id for o in others}
    assert known.of_cell(first, failed("another", "alpha", "beta", **CRASH)) is None


def test_two_crashes_in_one_lock_have_diagnoses_of_their_own() -> None:
    both = broken(THREE, failed("one", "alpha", **CRASH), failed("two", "alpha", "beta", **CRASH))
    assert diagnosis(both, "alpha").id != diagnosis(both, "beta", test=1).id
    traced = broken(THREE, failed("one", "alpha", packages=("alpha",)), failed("two", "alpha", packages=("alpha",)))
    assert diagnosis(traced, "alpha").id == diagnosis(traced, "alpha", test=1).id


def test_of_two_sets_that_are_each_enough_all_are_suspects() -> None:
    verdict = broken(THREE, TRAIN)
    one, other = (Culprit(name=name, version=THREE[name]) for name in ("alpha", "gamma"))
    result = SearchResult(culprits=(one,), alternatives=((other,),))
    found = Diagnosis.of(verdict, TRAIN, result, NOW)
    assert suspects(verdict, Diagnoses([found])) == ({"alpha", "gamma"}, False)
    assert found.sets() == "alpha 1.3; or gamma 1.0"


def test_a_culprit_that_is_no_component_leaves_a_doubt_unless_a_component_brings_it() -> None:
    verdict = broken(THREE, TRAIN)
    diagnoses = Diagnoses([diagnosis(verdict, "alpha", "numbers")])
    assert suspects(verdict, diagnoses) == ({"alpha"}, False)
    brings = Components(components=(component("alpha"), component("gamma", install=("gamma", "numbers>=2"))))
    assert suspects(verdict, diagnoses, brings) == ({"alpha", "gamma"}, True)


def test_one_alone_does_not_work_with_whom_it_fails_in() -> None:
    """Numbers comes with gamma, and nobody else."""
    brings = Components(components=(component("alpha"), component("gamma", install=("gamma", "numbers>=2"))))
    in_numbers = broken(THREE, failed("test_train", *THREE, type="ValueError", packages=("gamma", "numbers")))
    assert suspects(in_numbers, Diagnoses([diagnosis(in_numbers, "alpha")]), brings) == ({"alpha", "gamma"}, False)
    assert suspects(in_numbers, Diagnoses([diagnosis(in_numbers, "gamma")]), brings) == ({"gamma"}, True)
    assert suspects(in_numbers, Diagnoses([diagnosis(in_numbers, "alpha")])) == ({"alpha"}, True)


def test_pairs_and_components_go_by_the_diagnosis() -> None:
    cell = planned(make_cell(THREE), THREE)
    runs = (run_of(cell, TRAIN), run_of(cell, TRAIN, attempt=1))
    verdict = judge(cell, runs, COMPONENTS)
    diagnoses = Diagnoses([diagnosis(verdict, "beta", "gamma")])

    def red(found: Diagnoses | None) -> dict[tuple[str, str], bool]:
        pairs = judge_pairs([verdict], COMPONENTS, found)
        return {(pair.first, pair.second): pair.inferred for pair in pairs if pair.verdict == "broken"}

    assert red(None) == {("alpha", "beta"): True, ("alpha", "gamma"): True, ("beta", "gamma"): True}
    assert red(diagnoses) == {("beta", "gamma"): False}
    states = judge_components(verdict, COMPONENTS, diagnoses)
    assert {name for name, (said, _) in states.items() if said == "broken"} == {"beta", "gamma"}


def test_the_failure_that_leads_is_one_at_import_else_the_most_frequent_one() -> None:
    many = [failed(f"t{n}", *THREE, message="no box") for n in range(3)]
    lone = failed("t9", "alpha", message="a lone one")
    assert leading([lone, *many]).test == "t0"
    module = failed("i", "beta", level="import", message="cannot load")
    assert leading([lone, *many, module]) == module


def searched(verdicts: list[CellVerdict], *known: Diagnosis) -> list[dict[str, str]]:
    return [verdict.installed for verdict in unsearched_cells(verdicts, Diagnoses(known))]


def test_each_failure_is_searched_once_in_its_smallest_cell_those_of_today_first() -> None:
    small, large = {"alpha": "1.1", "beta": "2.4"}, {**THREE, "alpha": "1.1"}
    same: Any = {"type": "TypeError", "packages": ("beta",)}
    many = broken(large, failed("t", "alpha", "beta", message="no 1", **same))
    few = broken(small, failed("t", "alpha", "beta", message="no 2", **same))
    today = broken(THREE, failed("u", "gamma", message="something else"), policy="newest")
    assert searched([many, few, today]) == [today.installed, few.installed]
    assert searched([many, few, today], diagnosis(many, "alpha", "beta")) == [today.installed]
    # Nobody was found: the same lock is not searched again, another one with the same failure is.
    assert searched([few], diagnosis(few)) == []
    assert searched([many], diagnosis(few)) == [many.installed]


OLD, MID, NEW = ({"alpha": version, "beta": "2.0"} for version in ("1.0", "1.2", "1.4"))


def crossing(
    writer: dict[str, str], reader: dict[str, str], *tests: TestResult, word: Any = "broken"
) -> CrossingVerdict:
    return CrossingVerdict(
        writer=planned(make_cell(writer), writer),
        reader=planned(make_cell(reader), reader),
        verdict=word,
        level="exchange",
        sentence="said",
        artifacts=tuple(
            ArtifactVerdict(artifact=test.test, verdict=word, sentence="", failures=(test,)) for test in tests
        ),
    )


def sided(
    verdict: CrossingVerdict, side: Any, *culprits: Culprit, doubt: str = "", made: dt.datetime = NOW
) -> Diagnosis:
    test = verdict.red[0]
    return Diagnosis.of(verdict, test, SearchResult(culprits=culprits, doubt=doubt), made, side=side)


WRITES = Culprit(name="alpha", version="1.4", last_good="1.1", first_bad="1.2")
READS = Culprit(name="alpha", version="1.0", first_bad="1.0", fixed_in="1.1")
LID = failed("box", "alpha", message="no lid", packages=("alpha",)).model_copy(update={"artifact": "box"})


def test_a_crossing_has_a_diagnosis_on_either_side() -> None:
    here = crossing(NEW, OLD, LID)
    writer, reader = sided(here, "writer", WRITES), sided(here, "reader", READS)
    assert writer.id != reader.id
    diagnoses = Diagnoses([writer, reader, sided(here, "reader", doubt="d", made=NOW + dt.timedelta(days=1))])
    assert diagnoses.of_crossing(here, LID) == (reader, writer)
    other = crossing(NEW, OLD, failed("box", "alpha", message="no handle"))
    assert diagnoses.of_crossing(other, other.red[0]) == ()


def test_another_crossing_that_fails_alike_is_explained_where_both_sides_are_reached() -> None:
    here = crossing(NEW, OLD, LID)
    pair = (sided(here, "reader", READS), sided(here, "writer", WRITES))
    like = LID.model_copy(update={"test": "crate"})
    near = crossing(MID, OLD, like)
    assert Diagnoses(pair).of_crossing(near, like) == pair
    assert (
        Diagnoses(pair).of_crossing(crossing(OLD, OLD, like), like) == ()
    )  # the writer's release is before the first bad
    assert Diagnoses(pair).of_crossing(crossing(NEW, MID, like), like) == ()  # that reader's is one that is good
    nobody = tuple(sided(here, side, doubt="nothing passes") for side in ("reader", "writer"))
    assert Diagnoses(nobody).of_crossing(here, LID) == nobody
    assert Diagnoses(nobody).of_crossing(near, like) == ()
    elsewhere = tuple(sided(near, one.side, *one.culprits) for one in pair)
    assert Diagnoses((*nobody, *elsewhere)).of_crossing(here, LID) == elsewhere
    doubted = (pair[0], sided(here, "writer", WRITES, doubt="the budget was spent"))
    assert Diagnoses(doubted).of_crossing(here, LID) == doubted
    assert Diagnoses(doubted).of_crossing(near, like) == ()


def test_what_explains_a_crossing_says_nothing_of_a_cell() -> None:
    here = crossing(NEW, OLD, LID)
    verdict = broken(NEW, LID)
    diagnoses = Diagnoses([sided(here, "reader", READS), sided(here, "writer", WRITES)])
    assert diagnoses.of_cell(verdict, LID) is None
    assert not diagnoses.was_searched(verdict, LID)


def test_crossings_that_are_left_to_be_searched() -> None:
    """Each failure once, where the sides differ least; what is changed comes last, what was searched not at all."""
    handle = failed("crate", "alpha", message="no handle").model_copy(update={"artifact": "crate"})
    other = failed("tin", "alpha", message="other values").model_copy(update={"artifact": "tin"})
    assert other.failure is not None
    other = other.model_copy(update={"failure": other.failure.model_copy(update={"changed": True})})
    latch = failed("latch", "alpha", "beta", message="no latch").model_copy(update={"artifact": "crate"})
    far = crossing({**NEW, "beta": "2.4"}, OLD, LID, handle, latch)
    near = crossing(NEW, OLD, LID)
    changed = crossing(NEW, NEW, other, word="changed")
    works = crossing(NEW, NEW, failed("cup", "alpha"), word="untested")
    every = [changed, far, near, works]
    assert unsearched_crossings(every, Diagnoses()) == ((near, LID), (far, handle), (changed, other))
    tried = Diagnoses([sided(near, "reader", doubt="the budget was spent")])
    assert unsearched_crossings(every, tried) == ((far, LID), (far, handle), (changed, other))
    found = Diagnoses([sided(near, "reader", READS), sided(near, "writer", WRITES)])
    assert unsearched_crossings(every, found) == ((far, handle), (changed, other))
