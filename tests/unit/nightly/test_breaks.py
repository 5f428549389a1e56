"""New breaks: which failure is new, and whose release did it."""

from __future__ import annotations

from stackcompat.nightly.changes import Night, night
from stackcompat.report.nightly import night_markdown
from support.made_up import COMPONENTS, NOW, failed, passed
from support.nights import BREAKS, JOINT, NEW, OLD, PASSES, Nights
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


MOVED_BETA = {"alpha": "1.3.0", "beta": "2.4.2"}
WRONG = failed("test_new.py::test_wrong", "alpha", "gamma", "beta", message="typo in the test", where="test")


def test_a_test_that_is_new_in_the_suite_accuses_no_release() -> None:
    """The cell was green before, but this test never passed: whatever moved has nothing to do with it."""
    nights = Nights()
    nights.add(1, NEW, PASSES)
    nights.add(0, MOVED_BETA, (*PASSES, WRONG))
    (broken,) = summary(nights).new_breaks
    assert (broken.culprits, broken.sure, broken.moved) == ((), False, ())
    assert (broken.last_green, broken.is_new_test) == (None, True)
    page = night_markdown(summary(nights))
    assert "fails in a new test, which never passed here, because" in page
    assert "new test: it never passed here" in page


def test_exactly_one_release_that_moved_since_the_test_passed_is_sure() -> None:
    nights = Nights()
    nights.add(1, NEW, PASSES)
    nights.add(0, MOVED_BETA, BREAKS)
    (broken,) = summary(nights).new_breaks
    assert (broken.culprits, broken.sure, broken.is_new_test) == (("beta 2.4.2",), True, False)
    assert "; use beta 2.4.1" in night_markdown(summary(nights))


def test_another_patch_of_python_moved_too() -> None:
    """The lock is the same: the interpreter alone differs."""
    nights = Nights()
    nights.add(1, NEW, PASSES)
    nights.add(0, NEW, BREAKS, interpreter="cpython-3.12.9")
    (broken,) = summary(nights).new_breaks
    assert [(change.name, change.before, change.after, change.kind) for change in broken.moved] == [
        ("cpython", "3.12.7", "3.12.9", "interpreter")
    ]
    assert (broken.culprits, broken.sure) == (("cpython 3.12.9",), True)
    nights.add(-1, MOVED_BETA, PASSES)
    nights.add(-2, NEW, BREAKS, interpreter="cpython-3.12.10")
    (broken,) = summary(nights).new_breaks
    assert (broken.culprits, broken.sure) == (("beta 2.4.1",), False)  # the interpreter moved with it


def test_changed_smoke_tests_moved_too_and_are_no_release() -> None:
    nights = Nights()
    nights.add(2, NEW, PASSES)
    nights.add(1, MOVED_BETA, BREAKS, suite="0123")
    (broken,) = summary(nights).new_breaks
    assert (broken.culprits, broken.sure) == (("beta 2.4.2",), False)
    assert "smoke tests 5e0f → 0123" in night_markdown(summary(nights))
    alone = Nights()
    alone.add(1, NEW, PASSES)
    alone.add(0, NEW, BREAKS, suite="0123")
    (broken,) = summary(alone).new_breaks
    assert (broken.culprits, broken.sure) == ((), False)
    assert "fails since the smoke tests changed because" in night_markdown(summary(alone))


def test_a_crash_of_another_test_is_a_new_break() -> None:
    """Crashes look alike whatever their cause is, so one that is known hides no other."""
    nights = Nights()
    crash = failed(JOINT, "alpha", "beta", type="ProcessEnded", message="ended by signal 11", outcome="crashed")
    other = crash.model_copy(update={"test": "test_beta.py::test_other"})
    nights.add(2, OLD, (*PASSES, passed(other.test, "alpha", "beta")))
    nights.add(1, NEW, (crash, passed(other.test, "alpha", "beta")))
    nights.add(0, MOVED_BETA, (crash, other))
    (broken,) = summary(nights).new_breaks
    assert broken.tests == (other.test,)
    assert broken.last_green == nights.runs[1].started
    assert broken.culprits == ("beta 2.4.2",)


def test_a_test_that_breaks_in_a_red_cell_is_told_with_what_moved_since_it_passed() -> None:
    """The cell was last green long before, and the failure is known from another cell."""
    nights, other = Nights(), Nights("3.13")
    second = failed("test_beta.py::test_other", "alpha", "beta", type="TypeError", packages=("beta",), message="other")
    ok = passed(second.test, "alpha", "beta")
    nights.add(3, OLD, (*PASSES, ok))
    other.add(3, MOVED_BETA, (*PASSES, second))
    nights.add(2, NEW, (*BREAKS, ok))
    nights.add(1, MOVED_BETA, (*BREAKS, second))
    before, middle, tonight = nights.runs
    nights.runs = [before.model_copy(update={"cells": (*before.cells, *other.runs[0].cells)}), middle, tonight]
    nights.evidence |= other.evidence
    (broken,) = summary(nights).new_breaks
    assert broken.tests == (second.test,)
    assert (broken.culprits, broken.last_green) == (("beta 2.4.2",), middle.started)


def test_own_tests_of_a_release_are_no_break() -> None:
    nights = Nights()
    own = failed("upstream/beta/test_core.py::test_text", "beta", level="upstream", message="7 decimals")
    nights.add(1, OLD, (*PASSES, passed(own.test, "beta", level="upstream")))
    nights.add(0, NEW, (*PASSES, own))
    found = summary(nights)
    assert (found.new_breaks, found.lost, found.still_broken) == ((), (), 0)
    assert found.counts == {"works": 1}
