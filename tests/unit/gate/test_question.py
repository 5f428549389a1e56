"""A paired cell before it is locked."""

from __future__ import annotations

from stackcompat.gate.question import PairedQuestion

QUESTION = PairedQuestion(
    rule="newest", weight="required", label="alpha 1.2 with others", python="3.12", others=("Beta[x]==1.0", "gamma")
)


def test_a_question_names_its_place_and_its_others() -> None:
    assert QUESTION.place == "alpha 1.2 with others on Python 3.12"
    assert QUESTION.names() == ("beta", "gamma")


def test_others_can_be_left_out() -> None:
    assert QUESTION.without({"beta", "delta"}).others == ("gamma",)
    assert QUESTION.without({}) == QUESTION


def test_the_id_is_that_of_what_is_asked() -> None:
    ranked = QUESTION.model_copy(update={"rank": (1, 2), "weight": "review"})
    assert ranked.id == QUESTION.id
    assert QUESTION.without({"beta"}).id != QUESTION.id
    assert QUESTION.model_copy(update={"only": ("box",)}).id != QUESTION.id
    assert QUESTION.model_copy(update={"python": "3.13"}).id != QUESTION.id
