"""Failures in one pattern of sentence, and notes about own tests."""

from __future__ import annotations

from stackcompat.report.failure_text import failure_sentence, own_tests_note
from stackcompat.table.build import summarise
from stackcompat.table.failures import failures_by_kind
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NEWEST, NOW, History, failed, history, make_cell, passed

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)


def test_a_break_says_what_fails_with_what_why_and_what_to_do() -> None:
    group = next(group for group in SUMMARY.failures if "MutableBox" in group.signature)
    assert failure_sentence(group, SUMMARY) == (
        "Beta 2.1.3 fails with Alpha 1.3.0 at import because \"module 'alpha.experimental.boxes' has no attribute "
        "'MutableBox'\"; use Beta 2.2.0 with Alpha 1.3.0, or use Alpha 1.1.0 with Beta 2.1.3"
    )


def test_the_releases_named_are_those_of_one_cell() -> None:
    """Ranges of both components would claim every combination of them."""
    group = next(group for group in SUMMARY.failures if "MutableBox" in group.signature)
    assert len(group.versions["beta"]) > 1
    first = next(cell for cell in SUMMARY.cells if cell.id == group.cells[0])
    assert f"Beta {first.components['beta'].version} fails" in failure_sentence(group, SUMMARY)


def test_without_suspects_the_requirements_are_named() -> None:
    group = next(group for group in SUMMARY.failures if group.verdict == "broken")
    bare = group.model_copy(update={"suspects": (), "message": "", "type": ""})
    assert " fails at import for a reason that is not known" in failure_sentence(bare, SUMMARY)


def test_bounds_that_exclude_each_other_are_the_reason() -> None:
    group = next(group for group in SUMMARY.failures if group.verdict == "unresolvable")
    assert " cannot be installed because " in failure_sentence(group, SUMMARY)
    other = next((group for group in SUMMARY.failures if group.verdict not in ("broken", "unresolvable")), None)
    assert other is None or failure_sentence(other, SUMMARY)


def noted(*tests: str, smoke_fails: bool = False) -> Summary:
    made = History()
    own = [failed(f"upstream/beta/{test}", "beta", packages=("beta",), level="upstream") for test in tests]
    joint = failed("t", "alpha", "beta", message="x") if smoke_fails else passed("t", "alpha", "beta")
    made.add(make_cell(NEWEST, policy="newest"), NEWEST, tests=(joint, *own))
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_a_note_counts_the_own_tests_of_a_release() -> None:
    def note(summary: Summary) -> str:
        (group,) = failures_by_kind(summary.failures)["own tests"]
        return own_tests_note(group, summary)

    why = 'because "the loss is 0.73, more than 0.5"'
    assert note(noted("a.py::a")) == f"One of the own tests of Beta 2.4.1 fails {why}; the smoke tests pass there"
    assert (
        note(noted("a.py::a", "a.py::b")) == f"2 of the own tests of Beta 2.4.1 fail {why}; the smoke tests pass there"
    )
    assert note(noted("a.py::a", smoke_fails=True)) == f"One of the own tests of Beta 2.4.1 fails {why}"
