"""Which paired cells a gate makes, and in which order."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from stackcompat.gate.candidate import Candidate
from stackcompat.gate.model import NotTested
from stackcompat.gate.moving import find_moving
from stackcompat.gate.plan import broke_before, make_questions
from stackcompat.gate.policy import GatePolicy
from stackcompat.gate.question import PairedQuestion
from stackcompat.plan.known_cases import KnownCase
from support.world import World, components, day

ROWS = components("alpha", "native", "beta", "gamma", native="alpha")
WORLD = World(
    {
        "alpha": {"1.0": "2026-01-01", "1.1": "2026-02-01", "1.2": "2026-06-01"},
        "native": {"1.0": "2026-01-01", "1.2": "2026-06-01"},
        "beta": {
            "1.0": {"uploaded": "2026-01-01", "requires": ["alpha"]},
            "1.1": {"uploaded": "2026-02-01", "requires": ["alpha>=1"]},
            "1.2": {"uploaded": "2026-03-01", "requires": ["alpha>=1"], "python": ">=3.12"},
            "1.3": {"uploaded": "2026-08-01", "requires": ["alpha>=1"]},
        },
        "gamma": {
            "2.0": {"uploaded": "2026-01-01", "requires": ['alpha; extra == "all"']},
            "2.1": {"uploaded": "2026-02-01", "requires": ['alpha; extra == "all"']},
        },
        "meta": {
            "2026.1": {"uploaded": "2026-03-01", "requires": ["alpha==1.0", "native==1.0", "beta==1.0", "gamma==2.0"]}
        },
    }
)
ALPHA = Candidate(name="alpha", version="1.2", replaces="1.1", source="index", requires=("beta>=1.1", "other>=3"))


def policy(*rules: dict[str, Any], pythons: tuple[str, ...] = ("3.12",)) -> GatePolicy:
    first = {"rule": "newest", "weight": "required"}
    return GatePolicy.model_validate(
        {"title": "P", "components": ROWS.names(), "pythons": pythons, "rules": [first, *rules]}
    )


def ask(
    *rules: dict[str, Any],
    pythons: tuple[str, ...] = ("3.12",),
    as_of: dt.datetime | None = None,
    candidates: tuple[Candidate, ...] = (ALPHA,),
    known: Counter[str] | None = None,
) -> tuple[tuple[PairedQuestion, ...], tuple[NotTested, ...]]:
    given = policy(*rules, pythons=pythons)
    return make_questions(given, candidates, ROWS, WORLD, pythons=pythons, as_of=as_of, known=known or Counter())


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


def test_the_order_is_that_of_what_cells_would_tell() -> None:
    rows: list[dict[str, Any]] = [
        {"rule": "releases", "weight": "informing", "last": 2},
        {"rule": "floors", "weight": "review"},
        {"rule": "metapackage", "distribution": "meta", "weight": "informing"},
    ]
    questions, _ = ask(*rows)
    assert [(q.weight, q.rule) for q in questions] == [
        ("required", "newest"),
        ("review", "floors"),
        ("informing", "releases"),
        ("informing", "metapackage"),
        ("informing", "releases"),
    ]


def test_what_broke_before_comes_first_among_equals() -> None:
    world = Counter({"gamma": 3})
    native = Candidate(name="beta", version="1.3", replaces="1.2", source="index")
    questions, _ = ask({"rule": "releases", "weight": "informing"}, candidates=(native,), known=world)
    assert [q.rule for q in questions] == ["newest"]  # nobody depends on beta
    cases = [
        KnownCase(id="a", python="3.12", requirements=(), verdict="broken", culprit=("alpha==1", "gamma==2")),
        KnownCase(id="b", python="3.12", requirements=(), verdict="works", culprit=("alpha==1", "beta==2")),
        KnownCase(
            id="c", python="3.12", requirements=(), verdict="broken", culprit=("beta==1", "gamma==2", "python==3.11")
        ),
    ]
    assert broke_before(cases, [ALPHA], ROWS) == Counter({"gamma": 1})


def test_equal_questions_are_asked_once_and_by_the_heavier_rule() -> None:
    questions, _ = ask({"rule": "newest", "weight": "informing"})
    assert [q.weight for q in questions] == ["required"]


def test_what_moves_with_a_candidate_has_its_version_where_there_is_one() -> None:
    moved = find_moving([ALPHA], policy(), ROWS, WORLD)
    assert moved.candidate == {"alpha": "1.2", "native": "1.2"}
    assert moved.control == {"alpha": "1.1", "native": ""}  # there is no native 1.1
    assert moved.asked == ("alpha", "native")


def test_what_moves_with_a_candidate_of_another_index_is_looked_up_there_too() -> None:
    nightly = ALPHA.model_copy(update={"version": "1.3.dev1", "followers": {"native": "1.3.dev1"}})
    assert find_moving([nightly], policy(), ROWS, WORLD).candidate == {"alpha": "1.3.dev1", "native": "1.3.dev1"}
    alone = nightly.model_copy(update={"followers": {}})
    assert find_moving([alone], policy(), ROWS, WORLD).candidate == {"alpha": "1.3.dev1", "native": ""}


def test_a_follower_that_is_a_candidate_itself_is_taken_as_given() -> None:
    native = Candidate(name="native", version="1.2", replaces="1.0", source="index")
    moved = find_moving([ALPHA, native], policy(), ROWS, WORLD)
    assert moved.control == {"alpha": "1.1", "native": "1.0"}
    questions, _ = ask(candidates=(native,))
    assert questions[0].others == ("alpha", "beta", "gamma")
