"""Which answer counts for an environment that can be for several Pythons."""

from __future__ import annotations

from stackcompat.advice.checked import Answer, Checked, CheckedPair, RedCell, Table, choose
from support.made_up import NOW

RED = RedCell(cell="c", versions={}, sentence="", exact=False)


def on(python: str, answer: Answer, *pairs: CheckedPair, elsewhere: bool = False) -> Checked:
    return Checked(
        answer=answer,
        level="interop",
        python=python,
        table=Table(generated=NOW, cells=1),
        components={},
        others=(),
        hits=(),
        red_cells=(RED,) if answer == "broken" and not elsewhere else (),
        likely=(),
        unknown=("nothing is known",) if answer == "not known" else (),
        pairs=pairs,
        limits=(),
        notes=(),
        lines=(),
    )


def test_the_python_at_hand_counts_if_it_knows() -> None:
    assert choose([on("3.11", "works"), on("3.12", "broken")]).python == "3.11"
    assert choose([on("3.11", "broken"), on("3.12", "works")]).python == "3.11"


def test_the_others_decide_if_they_agree() -> None:
    blank = on("3.11", "not known")
    assert choose([blank, on("3.13", "works"), on("3.12", "works")]) == on("3.13", "works")
    assert choose([blank, on("3.13", "not known"), on("3.12", "broken")]) == on("3.12", "broken")
    mixed = choose([blank, on("3.13", "works"), on("3.12", "broken")])
    assert (mixed.answer, mixed.python) == ("not known", "3.11")
    differs = (
        "the answer differs: works on Python 3.13 and broken on Python 3.12; say which one it is for with --python"
    )
    assert mixed.unknown == (differs, "nothing is known")


def test_where_nobody_knows_the_one_counts_that_has_facts() -> None:
    blank = on("3.11", "not known")
    pair = CheckedPair(versions={}, state="inferred", broken=False, level="interop", python="3.12")
    assert choose([blank]) == blank
    assert choose([blank, on("3.13", "not known")]) == blank
    assert choose([blank, on("3.13", "not known"), on("3.12", "not known", pair)]).python == "3.12"
    assert choose([on("3.11", "not known", pair), on("3.12", "not known", pair, pair)]).python == "3.11"


def test_a_break_of_another_python_leaves_the_choice_to_the_others() -> None:
    here = on("3.11", "broken", elsewhere=True)
    assert choose([here, on("3.13", "not known")]) == here
    assert choose([here, on("3.13", "broken", elsewhere=True)]) == here
    assert choose([here, on("3.13", "broken", elsewhere=True), on("3.12", "broken")]).python == "3.12"
    mixed = choose([here, on("3.13", "works"), on("3.12", "broken")])
    assert (mixed.answer, mixed.python) == ("not known", "3.11")
