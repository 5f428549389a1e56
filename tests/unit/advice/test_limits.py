"""Features that fail at some versions, and releases' own tests."""

from __future__ import annotations

from stackcompat.advice.limits import limits, own_test_notes
from stackcompat.advice.set_knowledge import parsed
from stackcompat.evidence.results import TestResult
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, History, failed, make_cell, passed

BOTH = passed("t.py::joint", "alpha", "beta")


def lost(feature: str = "boxes in nets") -> TestResult:
    return failed("t.py::boxes", "alpha", "beta", message="no box").model_copy(update={"feature": feature})


def world(*cells: tuple[dict[str, str], int, tuple[TestResult, ...]]) -> Summary:
    made = History()
    for versions, age, tests in cells:
        made.add(make_cell(versions), versions, age=age, tests=tests)
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_a_feature_that_fails_is_told_at_its_versions_and_those_of_its_series() -> None:
    summary = world(({"alpha": "1.0.0", "beta": "2.0.0"}, 0, (BOTH, lost())))
    (exact,) = limits(parsed({"alpha": "1.0", "beta": "2.0.0", "gamma": "1"}), summary)
    assert exact == "boxes in nets does not work: AssertionError: no box [test] (seen with Alpha 1.0.0 with Beta 2.0.0)"
    (near,) = limits(parsed({"alpha": "1.0.3", "beta": "2.0.1"}), summary)
    assert near.startswith("boxes in nets likely does not work: ")
    assert near.endswith("(seen with Alpha 1.0.0 with Beta 2.0.0, not tried with your versions)")
    assert limits(parsed({"alpha": "1.1.0", "beta": "2.0.0"}), summary) == ()
    assert limits(parsed({"alpha": "1.0.0"}), summary) == ()


def test_a_newer_cell_without_the_failure_lifts_it() -> None:
    failing = ({"alpha": "1.0.0", "beta": "2.0.0"}, 2, (BOTH, lost()))
    works = {"alpha": "1.0.3", "beta": "2.0.0"}
    mended = world(failing, (works, 1, (BOTH, passed("t.py::boxes", "alpha", "beta"))))
    assert limits(parsed(works), mended) == ()
    # An older cell can have been run before there was a test of the feature.
    assert len(limits(parsed(works), world(failing, (works, 9, (BOTH,))))) == 1


def test_a_releases_own_tests_are_a_note() -> None:
    own = failed("upstream/beta/x.py::test", "beta", level="upstream", message="0.99 != 1")
    summary = world(({"alpha": "1.0.0", "beta": "2.0.0"}, 0, (BOTH, own)))
    (group,) = summary.failures
    assert group.level == "upstream"
    (note,) = own_test_notes(parsed({"alpha": "1.0.0", "beta": "2.0.0"}), summary)
    assert note.startswith("tests that a release ships fail with ")
    assert own_test_notes(parsed({"alpha": "9", "beta": "9"}), summary) == ()
