"""Inference, case by case."""

from __future__ import annotations

from stackcompat.frontier.inference import Pair
from support.planted import inferred_from


def read(*lines: str) -> tuple[dict[int, list[int]], dict[Pair, bool], set[Pair]]:
    """A table drawn as text: o works, x is broken, ! is expected to be broken, . is open, a blank is forbidden."""
    rows = {row: [column for column, sign in enumerate(line) if sign != " "] for row, line in enumerate(lines)}
    signs = {(r, c): sign for r, line in enumerate(lines) for c, sign in enumerate(line)}
    observed = {pair: sign == "o" for pair, sign in signs.items() if sign in "ox"}
    return rows, observed, {pair for pair, sign in signs.items() if sign == "!"}


def draw(*lines: str) -> list[str]:
    """The same table with what is inferred filled in."""
    rows, observed, expected_broken = read(*lines)
    works, _ = inferred_from(rows, observed, expected_broken)
    sign = {True: "o", False: "x", None: "."}
    return [
        "".join(sign[works.get((r, c))] if c in rows[r] else " " for c in range(len(line)))
        for r, line in enumerate(lines)
    ]


def test_a_row_works_between_two_that_do_and_not_past_one_that_does_not() -> None:
    assert draw("x.o..o..x..") == ["x.oooo..xxx"]


def test_what_works_in_one_row_says_nothing_of_the_upper_end_of_another() -> None:
    assert draw("o....o", "o....", "o....o") == ["oooooo", "o....", "oooooo"]


def test_rows_between_two_that_break_near_by_break_as_well() -> None:
    assert draw("o..ox...", "o..o....", "o..ox...") == ["ooooxxxx", "ooooxxxx", "ooooxxxx"]
    assert draw("o.ox....", "o.o.....", "o....ox.") == ["oooxxxxx", "ooo...xx", "ooooooxx"]


def test_rows_between_two_that_break_far_apart_are_left_open() -> None:
    assert draw("o.ox", *["o.o."] * 4, "o.ox")[1:5] == ["ooo."] * 4


def test_an_older_partner_that_serves_a_newer_release_serves_an_older_one() -> None:
    assert draw("...o", "..o.", ".o..") == [".ooo", ".oo.", ".o.."]


def test_an_older_partner_that_fails_an_older_release_fails_a_newer_one() -> None:
    assert draw(".xo.", "...o", "...o") == ["xxo.", "xx.o", "xx.o"]


def test_rows_that_contradict_each_other_at_the_lower_end_are_left_open() -> None:
    assert draw(".xo.", "...o", ".o..") == ["xxo.", "x.oo", ".o.."]


def test_what_metadata_forbids_is_no_part_of_it() -> None:
    assert draw("o..o", "  .o", "  o.") == ["oooo", "  oo", "  o."]


def test_what_is_expected_to_be_broken_is_so_unless_its_row_says_otherwise() -> None:
    assert draw("o..!!.", "o.!..o") == ["o..xx.", "oooooo"]


def test_a_broken_pair_amid_working_ones_makes_its_neighbours_due() -> None:
    rows, observed, _ = read("o...o", "o...o", "o.x.o", "o...o", "o...o")
    works, due = inferred_from(rows, observed)
    assert due == {(1, 2), (3, 2)}
    assert (2, 1) not in works
    assert draw("o...o", "o.o.o", "ooxoo", "o.o.o", "o...o")[0] == "ooooo"


def test_a_column_that_breaks_everybody_is_read_from_one_to_the_next() -> None:
    lines = ("o.o.o", "o.x.o", "o...o", "o.x.o", "o...o", "o...o", "o...o")
    assert [line[2] for line in draw(*lines)] == ["o", "x", "x", "x", "o", ".", "o"]


def test_a_row_where_nothing_works_has_to_be_asked_at_many_places() -> None:
    assert draw("x..............x") == ["x..............x"]
    assert draw("x.x.x.x.x.x.x.xx") == ["x" * 16]
    assert draw("................") == ["................"]
