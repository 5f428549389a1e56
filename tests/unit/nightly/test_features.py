"""Features that do not work any more."""

from __future__ import annotations

from stackcompat.nightly.changes import Night, night
from stackcompat.report.nightly import night_lines, night_markdown
from support.made_up import COMPONENTS, NOW, failed
from support.nights import FIXED, NEW, OLD, PASSES, Nights
from support.world import World

WORLD = World({"alpha": {"1.2.0": "2026-11-01", "1.3.0": "2026-11-20"}, "beta": {"2.4.1": "2026-11-02"}})


def summary(nights: Nights) -> Night:
    return night(COMPONENTS, nights.runs, nights.evidence, WORLD, NOW)


BOXES = failed("test_boxes.py::test_boxes", "alpha", message="no boxes").model_copy(update={"feature": "boxes"})


HAS_BOXES = BOXES.model_copy(update={"outcome": "passed", "failure": None})


def test_a_feature_that_is_lost_is_told_though_its_cell_works() -> None:
    nights = Nights()
    nights.add(2, OLD, (*PASSES, HAS_BOXES))
    nights.add(1, NEW, (*PASSES, BOXES))
    found = summary(nights)
    assert (found.new_breaks, found.still_broken) == ((), 0)
    (lost,) = found.lost
    assert (lost.feature, lost.signature, lost.culprits) == (
        "boxes",
        "AssertionError: no boxes [test]",
        ("alpha 1.3.0",),
    )
    assert lost.last_green == nights.runs[0].started
    assert found.sentence == "Since 2026-11-20 05:00: 1 lost feature, 2 new releases."
    assert '## Features lost\n\n### boxes fails with alpha 1.3.0 (not certain) because "no boxes"\n' in night_markdown(
        found
    )
    assert '✗ boxes fails with alpha 1.3.0 (not certain) because "no boxes"' in night_lines(found)
    nights.add(0, NEW)
    assert summary(nights).lost == ()  # news once
    nights.add(-1, FIXED, (*PASSES, HAS_BOXES))
    (fixed,) = summary(nights).fixed
    assert fixed.was == "boxes: AssertionError: no boxes [test]"


def test_a_feature_that_a_new_test_shows_not_to_work_is_told() -> None:
    nights = Nights()
    nights.add(2, OLD, PASSES)
    nights.add(1, NEW, (*PASSES, BOXES))
    (lost,) = summary(nights).lost
    assert (lost.culprits, lost.last_green) == ((), None)
    assert "### boxes fails in a new test, which never passed here, because" in night_markdown(summary(nights))


def test_what_a_feature_lost_long_ago_is_told_by_its_own_test() -> None:
    """Its cell works all the same on every night, so the cell's last green says nothing of it."""
    nights = Nights()
    nights.add(5, OLD, (*PASSES, HAS_BOXES))
    for ago in (4, 3):
        nights.add(ago, NEW, outcome="disk-full")
    nights.add(2, FIXED, (*PASSES, BOXES))
    (lost,) = summary(nights).lost
    assert lost.last_green == nights.runs[0].started
    assert [change.name for change in lost.moved] == ["alpha", "alpha-native", "beta"]
    assert not lost.sure


def test_the_same_words_of_two_feature_tests_are_two_failures() -> None:
    """A bare assertion says nothing by which it could be recognised in another test."""
    nights = Nights()
    other = BOXES.model_copy(update={"test": "test_boxes.py::test_other"})
    nights.add(2, OLD, (*PASSES, HAS_BOXES, other))
    nights.add(1, NEW, (*PASSES, BOXES, other))
    (lost,) = summary(nights).lost
    assert lost.tests == (BOXES.test,)
