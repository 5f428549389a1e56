"""What each rule of a policy asks."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.gate.candidate import Candidate
from support.questions import ALPHA, ask
from support.world import day


def test_the_newest_others_on_each_python() -> None:
    questions, not_asked = ask(pythons=("3.12", "3.13"))
    assert [(q.python, q.others) for q in questions] == [("3.13", ("beta", "gamma")), ("3.12", ("beta", "gamma"))]
    assert questions[0].label == "alpha 1.2 with the newest others"
    assert not not_asked


def test_what_had_no_release_on_that_day_is_told() -> None:
    questions, not_asked = ask(as_of=day("2026-01-15"), candidates=(ALPHA.model_copy(update={"version": "1.0"}),))
    assert questions[0].others == ("beta", "gamma")
    _, not_asked = ask(as_of=day("2025-01-15"))
    assert {told.what for told in not_asked} == {"beta", "gamma"}


def test_floors_are_those_that_the_candidate_declares_alone() -> None:
    questions, _ = ask({"rule": "floors", "weight": "review"})
    assert questions[1].others == ("beta==1.1",)
    assert questions[1].label == "alpha 1.2 at its declared floors: beta 1.1"
    _, not_asked = ask({"rule": "floors", "weight": "review"}, candidates=(ALPHA.model_copy(update={"requires": ()}),))
    assert [told.why for told in not_asked] == ["it declares no floor for another component"]


def test_earlier_releases_are_those_of_dependents_newest_first() -> None:
    questions, _ = ask({"rule": "releases", "weight": "informing", "last": 2})
    # gamma needs alpha in an extra only, so an installation of it does not.
    assert [q.others for q in questions[1:]] == [("beta==1.2", "gamma"), ("beta==1.1", "gamma")]
    questions, _ = ask({"rule": "releases", "weight": "informing", "last": 9}, as_of=day("2026-07-01"))
    assert [q.others[0] for q in questions[1:]] == ["beta==1.1", "beta==1.0"]
    questions, _ = ask({"rule": "releases", "weight": "informing", "last": 1}, pythons=("3.11",))
    assert [q.others[0] for q in questions[1:]] == ["beta==1.1"]


def test_a_metapackages_set_has_the_candidate_in_its_place() -> None:
    rule = {"rule": "metapackage", "distribution": "meta", "weight": "informing"}
    questions, _ = ask(rule)
    assert questions[1].others == ("beta==1.0", "gamma==2.0")
    assert questions[1].label == "meta 2026.1 with alpha 1.2"
    _, not_asked = ask(rule | {"distribution": "absent"})
    assert [(told.what, told.why) for told in not_asked] == [("absent", "it has no release")]
    other = Candidate(name="other", version="2", replaces="1", source="index")
    _, not_asked = ask(rule, candidates=(other,))
    assert [told.why for told in not_asked] == ["it pins none of other"]


@pytest.mark.parametrize(
    ("direction", "label"),
    [
        ("backward", "alpha 1.2 reads what alpha 1.1 wrote, next to the newest others"),
        ("forward", "alpha 1.1 reads what alpha 1.2 wrote, next to the newest others"),
    ],
)
def test_artifacts_cross_in_one_direction(direction: str, label: str) -> None:
    questions, _ = ask({"rule": "artifacts", "weight": "review", "direction": direction, "only": ["box"]})
    question = questions[1]
    assert (question.label, question.direction, question.only) == (label, direction, ("box",))
    assert question.others == ("beta", "gamma")


def test_a_floor_is_the_lowest_release_for_its_python() -> None:
    newer = ALPHA.model_copy(update={"requires": ("beta>=1.2",)})
    questions, _ = ask({"rule": "floors", "weight": "review"}, candidates=(newer,), pythons=("3.11",))
    assert [question.others for question in questions[1:]] == [("beta==1.3",)]  # beta 1.2 is not for that Python
    capped = ALPHA.model_copy(update={"requires": ("beta<2",)})
    _, not_asked = ask({"rule": "floors", "weight": "review"}, candidates=(capped,))
    assert [row.what for row in not_asked] == ["alpha 1.2 at its declared floors"]


def test_what_moves_with_a_candidate_is_no_other() -> None:
    native = Candidate(name="native", version="1.2", replaces="1.0", source="index")
    questions, _ = ask(candidates=(native,))
    assert questions[0].others == ("alpha", "beta", "gamma")
    rule: dict[str, Any] = {"rule": "metapackage", "distribution": "meta", "weight": "informing"}
    questions, _ = ask(rule, candidates=(native,))
    assert questions[1].others == ("alpha==1.0", "beta==1.0", "gamma==2.0")


def test_a_rule_may_have_thorough_tests() -> None:
    questions, _ = ask({"rule": "newest", "weight": "informing", "thorough": True})
    assert [(question.thorough, question.weight) for question in questions] == [
        (False, "required"),
        (True, "informing"),
    ]
