"""What a night changed: every kind of change, and a night without any."""

from __future__ import annotations

import json

import pytest

from stackcompat.nightly.changes import Night, night
from stackcompat.report.nightly import night_json, night_lines, night_markdown
from support.made_up import COMPONENTS, NOW, failed, history
from support.nights import BREAKS, FIXED, NEW, OLD, PASSES, Nights
from support.world import World

WORLD = World({"alpha": {"1.2.0": "2026-11-01", "1.3.0": "2026-11-20"}, "beta": {"2.4.1": "2026-11-02"}})


def told(nights: Nights) -> Night:
    return night(COMPONENTS, nights.runs, nights.evidence, WORLD, NOW)


def test_a_first_night_has_nothing_to_compare_with() -> None:
    nights = Nights()
    nights.add(0, NEW, BREAKS)
    found = told(nights)
    assert found.sentence == "The first run of nightly: there is nothing to compare it with, so nothing counts as new."
    assert (found.new_breaks, found.new_releases, found.still_broken, found.previous) == ((), (), 1, None)


def test_a_night_without_change() -> None:
    nights = Nights()
    for ago in (1, 0):
        nights.add(ago, NEW, BREAKS)
    found = told(nights)
    assert found.sentence == "Nothing changed since 2026-11-21 05:00."
    assert (found.new_breaks, found.fixed, found.new_releases, found.still_broken) == ((), (), (), 1)
    assert "## New breaks" not in night_markdown(found)


def test_a_release_that_breaks_another_is_named() -> None:
    nights = Nights()
    nights.add(2, OLD, PASSES)
    nights.add(1, OLD, PASSES)
    nights.add(0, NEW, BREAKS)
    found = told(nights)
    assert found.sentence == "Since 2026-11-21 05:00: 1 new break, 2 new releases."
    (one,) = found.new_breaks
    assert one.culprits == ("alpha 1.3.0",)
    assert not one.sure  # alpha-native moved with it
    assert one.signature == "AttributeError: module 'alpha' has no attribute 'boxes' [beta]"
    assert one.last_green == nights.runs[1].started
    assert found.still_broken == 0
    assert [(r.name, r.version, r.uploaded is None) for r in found.new_releases] == [
        ("alpha", "1.3.0", False),
        ("alpha-native", "1.3.0", True),
    ]
    (newest,) = found.newest
    assert (newest.verdict, newest.days, newest.last_worked) == ("broken", 1, nights.runs[1].started)
    assert newest.broken_since is not None
    assert newest.broken_since.isoformat() == "2026-11-20T12:00:00+00:00"


def test_green_again_is_fixed() -> None:
    nights = Nights()
    nights.add(2, NEW, BREAKS)
    nights.add(1, FIXED, PASSES)
    found = told(nights)
    (one,) = found.fixed
    assert "has no attribute 'boxes'" in one.was
    assert found.sentence == "Since 2026-11-20 05:00: 1 fixed, 1 new release."


def test_infrastructure_is_counted_and_neither_breaks_nor_fixes() -> None:
    nights = Nights()
    nights.add(2, OLD, PASSES)
    nights.add(1, FIXED, outcome="disk-full")
    found = told(nights)
    assert (found.new_breaks, found.fixed, found.could_not_tell) == ((), (), 1)
    # ... and what was told before it still counts on the night after.
    nights.add(0, NEW, BREAKS)
    (one,) = told(nights).new_breaks
    assert one.last_green == nights.runs[0].started


def test_the_same_break_is_news_once() -> None:
    nights = Nights()
    nights.add(2, OLD, PASSES)
    nights.add(1, NEW, BREAKS)
    nights.add(0, {"alpha": "1.3.0", "beta": "2.4.0"}, BREAKS)
    found = told(nights)
    assert (len(found.new_breaks), found.still_broken) == (0, 1)


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
    page = night_markdown(told(nights))
    assert "\n````\nAttributeError: ``` # <b>@all</b> [beta]\n````\n" in page


BOXES = failed("test_boxes.py::test_boxes", "alpha", message="no boxes").model_copy(update={"feature": "boxes"})
HAS_BOXES = BOXES.model_copy(update={"outcome": "passed", "failure": None})


def test_a_feature_that_is_lost_is_told_though_its_cell_works() -> None:
    nights = Nights()
    nights.add(2, OLD, (*PASSES, HAS_BOXES))
    nights.add(1, NEW, (*PASSES, BOXES))
    found = told(nights)
    assert (found.new_breaks, found.still_broken) == ((), 0)
    (lost,) = found.lost
    assert (lost.feature, lost.signature, lost.culprits) == (
        "boxes",
        "AssertionError: no boxes [test]",
        ("alpha 1.3.0",),
    )
    assert lost.last_green == nights.runs[0].started
    assert found.sentence == "Since 2026-11-20 05:00: 1 lost feature, 2 new releases."
    assert "## Features lost\n\n### alpha 1.3.0 breaks boxes\n" in night_markdown(found)
    assert "✗ alpha 1.3.0 breaks boxes: AssertionError: no boxes [test]" in night_lines(found)
    nights.add(0, NEW)
    assert told(nights).lost == ()  # news once
    nights.add(-1, FIXED, (*PASSES, HAS_BOXES))
    (fixed,) = told(nights).fixed
    assert fixed.was == "boxes: AssertionError: no boxes [test]"


def test_a_feature_that_a_new_test_shows_not_to_work_is_told() -> None:
    nights = Nights()
    nights.add(2, OLD, PASSES)
    nights.add(1, NEW, (*PASSES, BOXES))
    (lost,) = told(nights).lost
    assert (lost.culprits, lost.last_green) == ((), None)
    assert "### boxes, never seen to work" in night_markdown(told(nights))


def test_failures_of_one_culprit_stand_under_its_heading() -> None:
    nights = Nights()
    other = failed("test_beta.py::test_other", "alpha", "beta", message="other", packages=("beta",))
    third = failed("test_beta.py::test_third", "alpha", "beta", message="third", packages=("beta",))
    joint = tuple(test.model_copy(update={"outcome": "passed", "failure": None}) for test in (other, third))
    nights.add(1, OLD, (*PASSES, *joint))
    nights.add(0, NEW, (*BREAKS, other, third))
    found = told(nights)
    assert [one.culprits for one in found.new_breaks] == [("alpha 1.3.0",)] * 3
    page = night_markdown(found)
    assert [line for line in page.splitlines() if line.startswith("### ")] == ["### alpha 1.3.0"]
    assert page.count("\n#### ") == 3
