"""The night for people and for programs."""

from __future__ import annotations

import json

import pytest

from stackcompat.nightly.changes import Night, night
from stackcompat.report.nightly import break_markdown, night_json, night_lines, night_markdown
from support.made_up import COMPONENTS, NOW, history
from support.nights import BREAKS, NEW, OLD, PASSES, Nights
from support.world import World

WORLD = World({"alpha": {"1.2.0": "2026-11-01", "1.3.0": "2026-11-20"}, "beta": {"2.4.1": "2026-11-02"}})


def summary(nights: Nights) -> Night:
    return night(COMPONENTS, nights.runs, nights.evidence, WORLD, NOW)


@pytest.mark.parametrize("text", ["# Night of", "could not tell", "3 excluded by declared bounds"])
def test_the_page_says(text: str) -> None:
    made = history()
    found = night(COMPONENTS, [made.record()], made.evidence, World({}), NOW)
    assert text in night_markdown(found)
    assert json.loads(night_json(found))["could_not_tell"] == found.could_not_tell == 2
    assert night_lines(found)[0] == found.sentence


def test_text_of_others_stays_text() -> None:
    nights = Nights()
    nights.add(1, OLD, PASSES)
    hostile = BREAKS[0].model_copy(
        update={"failure": BREAKS[0].failure.model_copy(update={"message": "```\n# <b>@all</b>"})}  # type: ignore[union-attr]
    )
    nights.add(0, NEW, (hostile,))
    page = night_markdown(summary(nights))
    assert "\n````\nAttributeError: ``` # <b>@all</b> [beta]\n````\n" in page


def test_the_newest_line_says_what_is_held_back() -> None:
    """What works on a Python without the newest releases is not the newest."""
    made = history()
    lines = night_lines(night(COMPONENTS, [made.record()], made.evidence, World({}), NOW))
    (line,) = [line for line in lines if line.startswith("Python 3.11")]
    held = "held back: alpha at 1.2.0 and not 1.3.0 by Python 3.11"
    assert line == f"Python 3.11: the newest releases that can be installed work, {held}"
    assert all("held back" not in line for line in lines if line.startswith(("Python 3.12", "Python 3.13")))


@pytest.mark.parametrize(
    ("culprits", "words"),
    [
        (("alpha 1.3.0",), "Beta 2.4.1 fails with alpha 1.3.0 because"),
        (("alpha 1.3.0", "beta 2.4.1"), "Alpha 1.3.0 with Beta 2.4.1 fails because"),
        (("gamma 1.0",), "Alpha 1.3.0 with Beta 2.4.1 fails with gamma 1.0 because"),
    ],
)
def test_a_break_names_no_release_twice(culprits: tuple[str, ...], words: str) -> None:
    nights = Nights()
    nights.add(1, OLD, PASSES)
    nights.add(0, NEW, BREAKS)
    (broken,) = summary(nights).new_breaks
    assert broken.subject == "Alpha 1.3.0 with Beta 2.4.1"
    told = break_markdown(broken.model_copy(update={"culprits": culprits, "sure": True}))
    assert told.startswith(f"#### ✗ {words} ")
