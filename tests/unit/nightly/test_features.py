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
    assert "## Features lost\n\n### alpha 1.3.0 breaks boxes\n" in night_markdown(found)
    assert "✗ alpha 1.3.0 breaks boxes: AssertionError: no boxes [test]" in night_lines(found)
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
    assert "### boxes: never worked" in night_markdown(summary(nights))
