"""What a night changed: every kind of change, and a night without any."""

from __future__ import annotations

from stackcompat.nightly.changes import Night, night
from stackcompat.report.nightly import night_markdown
from support.made_up import COMPONENTS, NOW
from support.nights import BREAKS, FIXED, NEW, OLD, PASSES, Nights
from support.world import World

WORLD = World({"alpha": {"1.2.0": "2026-11-01", "1.3.0": "2026-11-20"}, "beta": {"2.4.1": "2026-11-02"}})


def summary(nights: Nights) -> Night:
    return night(COMPONENTS, nights.runs, nights.evidence, WORLD, NOW)


def test_a_first_night_has_nothing_to_compare_with() -> None:
    nights = Nights()
    nights.add(0, NEW, BREAKS)
    found = summary(nights)
    assert found.sentence == "The first run of nightly: there is nothing to compare it with, so nothing counts as new."
    assert (found.new_breaks, found.new_releases, found.still_broken, found.previous) == ((), (), 1, None)


def test_a_night_without_change() -> None:
    nights = Nights()
    for ago in (1, 0):
        nights.add(ago, NEW, BREAKS)
    found = summary(nights)
    assert found.sentence == "Nothing changed since 2026-11-21 05:00."
    assert (found.new_breaks, found.fixed, found.new_releases, found.still_broken) == ((), (), (), 1)
    assert "## New breaks" not in night_markdown(found)


def test_green_again_is_fixed() -> None:
    nights = Nights()
    nights.add(2, NEW, BREAKS)
    nights.add(1, FIXED, PASSES)
    found = summary(nights)
    (one,) = found.fixed
    assert "has no attribute 'boxes'" in one.was
    assert found.sentence == "Since 2026-11-20 05:00: 1 fixed, 1 new release."


def test_infrastructure_is_counted_and_neither_breaks_nor_fixes() -> None:
    nights = Nights()
    nights.add(2, OLD, PASSES)
    nights.add(1, FIXED, outcome="disk-full")
    found = summary(nights)
    assert (found.new_breaks, found.fixed, found.could_not_tell) == ((), (), 1)
    # ... and what was told before it still counts on the night after.
    nights.add(0, NEW, BREAKS)
    (one,) = summary(nights).new_breaks
    assert one.last_green == nights.runs[0].started
