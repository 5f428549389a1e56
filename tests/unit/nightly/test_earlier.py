"""What the nights before the last one showed."""

from __future__ import annotations

from stackcompat.nightly.earlier import FailureKey, earlier_nights, key_of_failure, key_of_group, passed_tests
from stackcompat.table.build import summarise
from stackcompat.verdict.history import History
from support.made_up import COMPONENTS, NOW, failed, history, not_applicable, passed
from support.nights import BREAKS, FIXED, JOINT, NEW, OLD, PASSES, Nights
from support.swept import lost_module, module_test, whole_sweep

BOXES = failed("test_boxes.py::test_boxes", "alpha", message="no boxes").model_copy(update={"feature": "boxes"})


def test_infrastructure_hides_no_verdict_and_the_last_night_does_not_count() -> None:
    nights = Nights()
    nights.add(3, OLD, (*PASSES, BOXES))
    nights.add(2, NEW, BREAKS)
    nights.add(1, FIXED, outcome="disk-full")
    nights.add(0, OLD)
    earlier = earlier_nights(History(COMPONENTS, nights.runs, nights.evidence))
    cell = nights.cell.id
    assert earlier.judged[cell].run == nights.runs[1]
    assert earlier.green[cell].run == nights.runs[0]
    assert earlier.green.get("another") is None
    assert not earlier.was_green(cell)
    assert FailureKey("AttributeError: module 'alpha' has no attribute 'boxes' [beta]", "") in earlier.failures
    # The words of an assertion are those of the test: it is recognised in this test only.
    assert earlier.broken_features == {("boxes", FailureKey("AssertionError: no boxes [test]", BOXES.test))}
    assert passed_tests(earlier.green[cell]) == {JOINT}


def test_a_first_night_has_none_before() -> None:
    nights = Nights()
    nights.add(0, OLD, PASSES)
    earlier = earlier_nights(History(COMPONENTS, nights.runs, nights.evidence))
    assert (earlier.judged, earlier.failures) == ({}, set())
    assert not earlier.was_green(nights.cell.id)


def test_when_a_test_last_passed_is_asked_of_the_test_and_not_of_its_cell() -> None:
    other = passed("test_beta.py::test_other", "alpha", "beta")
    nights = Nights()
    nights.add(4, OLD, (*PASSES, other))
    nights.add(3, NEW, (*BREAKS, other))
    nights.add(2, FIXED, PASSES)
    nights.add(1, NEW)
    nights.add(0, OLD)
    history = History(COMPONENTS, nights.runs, nights.evidence)
    earlier = earlier_nights(history)
    (now,) = history.seen(len(nights.runs) - 1)
    cell = nights.cell.id
    assert [earlier.was_passing(cell, test) for test in (JOINT, other.test, "another")] == [False, True, False]
    joint, of_other, of_new = (earlier.last_pass(now, [test]) for test in (JOINT, other.test, "another"))
    assert joint.green is not None
    assert joint.green.run == nights.runs[2]
    assert of_other.green is not None
    assert of_other.green.run == nights.runs[3]  # the night before: the lock with which it passed stands there again
    assert (of_new.green, of_new.moved, of_new.is_new_test) == (None, (), True)
    assert not joint.is_new_test
    of_both = earlier.last_pass(now, [JOINT, other.test])
    assert of_both.green == of_other.green
    assert [change.name for change in of_both.moved] == ["alpha", "alpha-native"]


def test_a_test_that_did_not_apply_is_not_new() -> None:
    nights = Nights()
    nights.add(1, OLD, (*PASSES, not_applicable("test_late.py::test_late", "alpha")))
    nights.add(0, NEW, BREAKS)
    history = History(COMPONENTS, nights.runs, nights.evidence)
    (now,) = history.seen(1)
    late = earlier_nights(history).last_pass(now, ["test_late.py::test_late"])
    assert (late.green, late.is_new_test) == (None, False)


def test_a_cell_that_is_new_has_no_new_tests() -> None:
    nights = Nights()
    nights.add(0, NEW, BREAKS)
    history = History(COMPONENTS, nights.runs, nights.evidence)
    (now,) = history.seen(0)
    assert not earlier_nights(history).last_pass(now, [JOINT]).is_new_test


def test_a_cell_without_tests_is_asked_when_it_last_worked() -> None:
    nights = Nights()
    nights.add(1, OLD, PASSES)
    nights.add(0, NEW, outcome="uninstallable")
    history = History(COMPONENTS, nights.runs, nights.evidence)
    (now,) = history.seen(1)
    last_pass = earlier_nights(history).last_pass(now, ())
    assert last_pass.green is not None
    assert [change.name for change in last_pass.moved] == ["alpha", "alpha-native"]


def test_a_failure_of_the_table_is_recognised_as_that_of_its_tests() -> None:
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    results = [result for runs in made.evidence.values() for run in runs for result in run.failures()]
    known = {key_of_failure(result) for result in results}
    groups = [group for group in summary.failures if group.tests and group.verdict == "broken"]
    assert groups
    for group in groups:
        assert key_of_group(group) in known


def test_a_module_that_a_sweep_imported_has_passed() -> None:
    lost = lost_module("alpha.a")
    nights = Nights()
    nights.add(3, OLD, (*PASSES, whole_sweep("alpha.a", "alpha.b")))
    nights.add(2, NEW, (*PASSES, whole_sweep("alpha.b", lost=(lost,)), lost))
    nights.add(1, FIXED, (*PASSES, whole_sweep("alpha.b", "alpha.c")))
    nights.add(0, NEW)
    history_of = History(COMPONENTS, nights.runs, nights.evidence)
    earlier = earlier_nights(history_of)
    (now,) = history_of.seen(3)
    cell = nights.cell.id
    first, second, third = (module_test(f"alpha.{name}") for name in "abc")
    assert [earlier.was_passing(cell, test) for test in (first, second, third)] == [False, True, True]
    last_pass = earlier.last_pass(now, [first])
    assert last_pass.green is not None
    assert (last_pass.green.run, last_pass.is_new_test) == (nights.runs[0], False)
    assert passed_tests(earlier.green[cell]) == {JOINT, second, third}
