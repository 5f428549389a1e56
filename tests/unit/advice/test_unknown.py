"""The reasons why it is not known whether an environment works."""

from __future__ import annotations

import pytest

from stackcompat.advice.listing import Line
from stackcompat.frontier.search import explore
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.checking import GOOD, checked, joint, tried, with_charts
from support.made_up import COMPONENTS, NOW, History, history, make_cell, passed
from support.planted import Planted, chart_of, stairs, table


@pytest.fixture(scope="module")
def summary() -> Summary:
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_what_a_frontier_infers_to_work_is_no_tick() -> None:
    summary = with_charts(verdict="works", sentence="")
    known = checked(summary, {"alpha": "9.0", "beta": "2.1"})
    assert known.answer == "not known"
    assert known.unknown == ("inferred to work and not tested: Alpha 9.0 with Beta 2.1",)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("9.0", "Alpha 9.0 is newer than this table of 2026-11-22; run stackcompat try"),
        ("0.1", "Alpha 0.1 is older than the oldest release that was tried (1.0.0)"),
        ("1.0.7", "Alpha 1.0.7 was not tried, if there is such a release at all"),
    ],
)
def test_a_release_that_nobody_tried(summary: Summary, version: str, words: str) -> None:
    known = checked(summary, {"alpha": version, "beta": "2.4.1"})
    assert known.answer == "not known"
    assert len(known.unknown) == 1
    assert known.unknown[0].startswith(words)


def test_a_distribution_that_no_cell_had_can_break_the_components(summary: Summary) -> None:
    known = checked(summary, GOOD | {"strange": "1.0"})
    assert known.answer == "not known"
    assert known.unknown == (stranger("strange"),)
    needs = {"strange": frozenset({"numbers"}), "stranger": frozenset({"alpha"})}
    assert checked(summary, GOOD | {"strange": "1.0"}, needs=needs).answer == "works"
    assert checked(summary, GOOD | {"stranger": "1.0"}, needs=needs).answer == "not known"
    many = checked(summary, GOOD | {f"strange-{number}": "1" for number in range(7)})
    assert "strange-4 and 2 more" in many.unknown[0]
    # A table without the names of distributions does not know.
    assert checked(summary.model_copy(update={"distributions": ()}), GOOD | {"strange": "1.0"}).answer == "works"


def test_a_component_that_no_cell_has(summary: Summary) -> None:
    assert checked(summary, {"eta": "1.0"}).unknown == ("no release of Eta was tried",)


def test_releases_that_never_met(summary: Summary) -> None:
    known = checked(summary, {"beta": "2.0.0", "zeta": "0.9.4", "epsilon": "3.0.0"})
    assert known.answer == "not known"
    words = " ".join(known.unknown)
    assert "not tested together: " in words or "tested on Python" in words


def test_what_another_python_shows_is_no_tick() -> None:
    versions = {"alpha": "1.0", "beta": "2.0"}
    summary = tried((versions, (joint("alpha", "beta"),)), python="3.13")
    known = checked(summary, versions)
    assert known.answer == "not known"
    assert known.unknown == (
        "the table has no cells on Python 3.12",
        "tested on Python 3.13 and not on 3.12: Alpha 1.0 with Beta 2.0",
    )
    alone = checked(summary, {"beta": "2.0"})
    assert alone.unknown == ("no working cell on Python 3.12 has Beta 2.0",)


def stranger(name: str) -> str:
    return f"no cell had {name}, so nobody tried the components with that"


@pytest.mark.parametrize(
    ("versions", "loose", "words"),
    [
        ({"unknown": "1"}, {}, ("nothing that it pins is a component of this stack",)),
        ({}, {"alpha": ">=1", "beta": ""}, ("nothing of the stack is pinned exactly: alpha>=1, beta",)),
        (GOOD, {"numbers": "<2"}, ()),
        ({"beta": "2.4.1"}, {"alpha": "~=1.3"}, ("alpha~=1.3 has no exact version",)),
        ({"alpha": "1.3.0", "betaa": "2.4.1"}, {}, ("betaa: did you mean beta",)),
        ({"alpha": "1.3.0"}, {"bet": ""}, ("bet: did you mean beta",)),
        (GOOD, {"betaa": ""}, (stranger("betaa"),)),
    ],
)
def test_names_and_lines_that_tell_too_little(
    summary: Summary, versions: dict[str, str], loose: dict[str, str], words: tuple[str, ...]
) -> None:
    lines = tuple(Line(text=name, kind="loose", name=name) for name in loose)
    known = checked(summary, versions, loose=loose, lines=lines)
    assert known.unknown == words
    assert known.answer == ("not known" if words else "works")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (Line(text="-e .", kind="unread"), ("1 line was not looked at: -e .",)),
        (
            Line(text="alpha 1.0", kind="twice", name="alpha", why="the file also has 1.3.0"),
            ("alpha 1.0: the file also has 1.3.0",),
        ),
        (Line(text="numbers 1.0", kind="twice", name="numbers", why="the file also has 2"), ()),
        (Line(text="--pre", kind="option"), ()),
        (Line(text="alpha==0.1 ; python_version < '3'", kind="elsewhere", name="alpha"), ()),
    ],
)
def test_lines_without_a_version(summary: Summary, line: Line, words: tuple[str, ...]) -> None:
    known = checked(summary, GOOD, lines=(line,))
    assert (known.unknown, known.lines) == (words, (line,))
    assert known.answer == ("not known" if words else "works")


def test_a_pair_older_than_its_frontier_says_where_it_begins() -> None:
    chart = chart_of(explore(table(2, 2), Planted(stairs([(0, 1)] * 2, 2))))
    made = History()
    for versions in ({"alpha": "0.5", "gamma": "1"}, {"beta": "1.0", "gamma": "2"}):
        made.add(make_cell(versions), versions, tests=tuple(passed(f"t.py::{name}", name) for name in versions))
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW, frontiers=[chart])
    known = checked(summary, {"alpha": "0.5", "beta": "1.0"})
    begins = "what is known of the two begins at Alpha 1.0 and Beta 1.0"
    assert known.unknown == (f"Alpha 0.5 with Beta 1.0 was not tested: {begins}",)
