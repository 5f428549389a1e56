"""New breaks: which failure is new, and whose release did it."""

from __future__ import annotations

from stackcompat.nightly.changes import Night, night
from stackcompat.report.nightly import night_markdown
from support.made_up import COMPONENTS, NOW, failed
from support.nights import BREAKS, NEW, OLD, PASSES, Nights
from support.world import World

WORLD = World({"alpha": {"1.2.0": "2026-11-01", "1.3.0": "2026-11-20"}, "beta": {"2.4.1": "2026-11-02"}})


def summary(nights: Nights) -> Night:
    return night(COMPONENTS, nights.runs, nights.evidence, WORLD, NOW)


def test_a_release_that_breaks_another_is_named() -> None:
    nights = Nights()
    nights.add(2, OLD, PASSES)
    nights.add(1, OLD, PASSES)
    nights.add(0, NEW, BREAKS)
    found = summary(nights)
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


def test_the_same_break_is_news_once() -> None:
    nights = Nights()
    nights.add(2, OLD, PASSES)
    nights.add(1, NEW, BREAKS)
    nights.add(0, {"alpha": "1.3.0", "beta": "2.4.0"}, BREAKS)
    found = summary(nights)
    assert (len(found.new_breaks), found.still_broken) == (0, 1)


def test_failures_of_one_culprit_stand_under_its_heading() -> None:
    nights = Nights()
    other = failed("test_beta.py::test_other", "alpha", "beta", message="other", packages=("beta",))
    third = failed("test_beta.py::test_third", "alpha", "beta", message="third", packages=("beta",))
    joint = tuple(test.model_copy(update={"outcome": "passed", "failure": None}) for test in (other, third))
    nights.add(1, OLD, (*PASSES, *joint))
    nights.add(0, NEW, (*BREAKS, other, third))
    found = summary(nights)
    assert [one.culprits for one in found.new_breaks] == [("alpha 1.3.0",)] * 3
    page = night_markdown(found)
    assert [line for line in page.splitlines() if line.startswith("### ")] == ["### alpha 1.3.0"]
    assert page.count("\n#### ") == 3
