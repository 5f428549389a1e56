"""In which order a gate asks, and what it asks once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from stackcompat.gate.candidate import Candidate
from stackcompat.gate.plan import broke_before
from stackcompat.plan.known_cases import KnownCase
from support.questions import ALPHA, ROWS, ask


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


def test_a_component_that_broke_often_comes_before_the_policys_order() -> None:
    rule = {"rule": "releases", "weight": "informing"}
    questions, _ = ask(rule, pythons=("3.12", "3.11"), known=Counter({"beta": 1}))
    assert [(question.subject, question.python) for question in questions] == [
        ("", "3.12"),
        ("", "3.11"),
        ("beta", "3.12"),
        ("beta", "3.11"),
    ]


def test_a_rule_asks_only_on_its_pythons() -> None:
    questions, _ = ask({"rule": "floors", "weight": "review", "pythons": ["3.11"]}, pythons=("3.12", "3.11"))
    assert [(question.rule, question.python) for question in questions] == [
        ("newest", "3.12"),
        ("newest", "3.11"),
        ("floors", "3.11"),
    ]
