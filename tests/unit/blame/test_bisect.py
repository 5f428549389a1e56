"""The edges of a red stretch."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import pytest

from stackcompat.blame.bisect import Edges, find_edges
from stackcompat.blame.probe import ProbeOutcome
from support.blame_world import value_of

LETTERS: Mapping[str, ProbeOutcome] = {".": "pass", "x": "same", "?": "unresolved", "o": "other", "!": "infra"}


def look(line: str, here: int, **more: Any) -> tuple[Edges, list[int]]:
    """The edges on a line written down as letters, and the places that were tried."""
    tried = []

    def at(place: int) -> Generator[Any, Any, ProbeOutcome]:
        yield from ()
        tried.append(place)
        return LETTERS[line[place]]

    return value_of(find_edges(len(line), here, at, **more)), tried


@pytest.mark.parametrize(
    ("line", "here", "good", "bad", "fixed"),
    [
        ("....xxxx", 7, 3, 4, None),
        ("xxxx....", 0, None, 0, 4),
        ("..xxxx..", 4, 1, 2, 6),
        ("xxxxxxxx", 3, None, 0, None),
        ("x", 0, None, 0, None),
        (".x", 1, 0, 1, None),
        ("..?xxx", 5, 1, 3, None),
        ("xx??xx", 4, None, 0, None),
        (".xxxxxxxxxxxxxxx?.", 8, 0, 1, 17),
    ],
)
def test_edges(line: str, here: int, good: int | None, bad: int, fixed: int | None) -> None:
    found, _ = look(line, here)
    assert (found.good, found.bad, found.fixed) == (good, bad, fixed)
    assert found.passes == (good is not None or fixed is not None)


def test_what_cannot_be_judged_is_said() -> None:
    found, _ = look("..o?!xx", 5)
    assert found.unresolved == (2, 3, 4)
    assert (found.good, found.bad) == (1, 5)


def test_beyond_a_stretch_that_cannot_be_judged_only_the_end_is_tried() -> None:
    found, tried = look("x" + "?" * 40 + "x", 41)
    assert found.good is None
    assert tried == [40, 39, 37, 0]
    assert look("." + "?" * 40 + "x", 41)[0].good == 0


def test_a_known_pass_saves_the_gallop() -> None:
    line = "." * 50 + "x" * 50
    _, blind = look(line, 99)
    found, tried = look(line, 99, known=0)
    assert (found.good, found.bad) == (49, 50)
    assert len(tried) <= len(blind) <= 14


def test_places_presumed_red_are_galloped_over_but_never_claimed() -> None:
    line = "." * 10 + "x" * 90
    found, tried = look(line, 99, presumed=[20])
    assert tried[0] == 19
    assert (found.good, found.bad) == (9, 10)


def test_the_last_place_that_is_presumed_red_is_tried_before_what_lies_between_is_halved() -> None:
    line = "." * 50 + "x" * 50
    found, tried = look(line, 99, presumed=[50])
    assert (found.good, found.bad) == (49, 50)
    assert tried == [49, 50]


def test_longer_steps_gallop_in_fewer() -> None:
    found, tried = look("." + "x" * 60, 30, growth=4)
    assert tried[:4] == [29, 26, 14, 0]
    assert len(tried) < len(look("." + "x" * 60, 30)[1])
    assert (found.good, found.bad, found.fixed) == (0, 1, None)


@pytest.mark.parametrize(
    ("line", "here", "more", "good", "bad", "fixed"),
    [
        ("...........oooxx", 15, {"known": 10}, 10, 14, None),
        ("......" + "o" * 20 + "x" * 8, 33, {"known": 0}, 5, 26, None),
        ("xxxxx" + "?" * 9 + ".....", 0, {"known": 18}, None, 0, 14),
        ("xxxxxxxx.o", 3, {}, None, 0, 8),
        ("x" * 30 + "." + "o" * 30, 3, {}, None, 0, 30),
        ("o" * 20 + "..." + "x" * 5, 27, {"presumed": [24]}, 22, 23, None),
    ],
)
def test_unresolved_places_hide_neither_end_of_the_edge(
    line: str, here: int, more: dict[str, Any], good: int | None, bad: int, fixed: int | None
) -> None:
    found, tried = look(line, here, **more)
    assert (found.good, found.bad, found.fixed) == (good, bad, fixed)
    assert len(tried) <= 15
