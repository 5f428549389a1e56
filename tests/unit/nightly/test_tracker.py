"""Issues through the real client library, against a tracker on loopback."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.evidence.results import TestResult
from stackcompat.nightly.alerts import Alert, watch
from stackcompat.nightly.tracker import MOST_NEW, GitHub, sync_issues
from support.loopback_tracker import LoopbackTracker
from support.made_up import COMPONENTS, NOW, failed, starved
from support.memory_tracker import MemoryTracker
from support.nights import BREAKS, FIXED, NEW, OLD, PASSES, Nights


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackTracker]:
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(variable, "127.0.0.1")
    with LoopbackTracker() as tracker:
        yield tracker


def items(nights: Nights) -> tuple[Alert, ...]:
    return watch(COMPONENTS, nights.runs, nights.evidence, NOW)


def test_opened_updated_in_place_closed_and_opened_again(tracker: LoopbackTracker) -> None:
    github = GitHub("owner/name", "a token", tracker.address)
    spoof = tracker.add("not ours", "<!-- stackcompat: pair:alpha + beta -->", ["bug"])
    nights = Nights()
    nights.add(5, OLD, PASSES)
    assert sync_issues(items(nights), github) == ()
    nights.add(4, NEW, BREAKS)
    (line,) = sync_issues(items(nights), github)
    assert line.startswith("opened #2: ")
    assert tracker.tokens == {"token a token"}
    issue = tracker.issues[1]
    assert "Culprit: alpha 1.3.0." in issue["body"]
    assert [one["name"] for one in issue["labels"]] == ["stackcompat"]

    before = len(tracker.asked)
    assert sync_issues(items(nights), github) == ()  # nothing new, nothing written
    assert [asked.split()[0] for asked in tracker.asked[before:]] == ["GET"]

    nights.add(3, {"alpha": "1.3.0", "beta": "2.4.0"}, BREAKS)
    assert [line.split(":")[0] for line in sync_issues(items(nights), github)] == ["updated #2"]
    assert "| beta | 2.4.1 | 2.4.0 |" in issue["body"]

    nights.add(2, FIXED, PASSES)
    assert [line.split(":")[0] for line in sync_issues(items(nights), github)] == ["closed #2"]
    assert issue["state"] == "closed"
    assert tracker.comments == {2: ["Works again since 2026-11-20."]}
    assert sync_issues(items(nights), github) == ()

    assert issue["body"].startswith(
        "<!-- stackcompat: pair:alpha + beta -->\n\nWorks again since 2026-11-20.\n\nNow conf"
    )

    issue["state"] = "open"  # somebody wants it open: it was closed once for this
    nights.add(1, FIXED)
    assert sync_issues(items(nights), github) == ()
    assert issue["state"] == "open"
    issue["state"] = "closed"

    nights.add(0, NEW)
    assert [line.split(":")[0] for line in sync_issues(items(nights), github)] == ["reopened #2"]
    assert issue["state"] == "open"
    assert len(tracker.issues) == 2
    assert spoof["body"] == "<!-- stackcompat: pair:alpha + beta -->"


def test_a_refusal_is_one_sentence(tracker: LoopbackTracker) -> None:
    tracker.status = 404
    with pytest.raises(StackcompatError, match=r"did not do it \(status 404\)"):
        GitHub("owner/name", "a token", tracker.address).issues()


def test_what_is_no_repository() -> None:
    with pytest.raises(UsageError, match="is not a repository such as owner/name"):
        GitHub("name", "a token")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "github", None)
    with pytest.raises(UsageError, match="tracker"):
        GitHub("owner/name", "a token")


def test_a_fix_that_is_told_late_has_its_own_day(tracker: LoopbackTracker) -> None:
    github = GitHub("owner/name", "a token", tracker.address)
    nights = Nights()
    nights.add(4, NEW, BREAKS)
    sync_issues(items(nights), github)
    nights.add(3, FIXED, PASSES)
    nights.add(2, FIXED)
    assert [line.split(":")[0] for line in sync_issues(items(nights), github)] == ["closed #1"]
    assert tracker.comments == {1: ["Works again since 2026-11-19."]}


def fails(number: int, message: str = "INTERNAL: bad thing") -> TestResult:
    """A failing test of three components: no pair is certain."""
    return failed(
        f"t.py::t{number:02}", "alpha", "beta", "gamma", type="XlaRuntimeError", message=message, packages=("numbers",)
    )


def works(test: TestResult) -> TestResult:
    return test.model_copy(update={"outcome": "passed", "failure": None})


def night_of(*failing: TestResult) -> Nights:
    """A night on which these tests fail that passed on the night before."""
    nights = Nights()
    nights.add(2, OLD, tuple(map(works, failing)))
    nights.add(1, NEW, failing)
    return nights


WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def test_one_failure_of_forty_tests_is_one_issue() -> None:
    nights, tracker = night_of(*map(fails, range(40))), MemoryTracker()
    assert sync_issues(items(nights), tracker) == ("opened #1: t.py::t00 is broken at the newest releases",)
    assert sync_issues(items(nights), tracker) == ()


@pytest.mark.parametrize("reason", ["not_planned", "duplicate", ""])
def test_what_a_person_closed_as_not_planned_stays_closed(reason: str) -> None:
    """Whichever of the tests with this failure comes first on a later night. A tracker can also give no reason."""
    nights, tracker = night_of(fails(1), fails(2)), MemoryTracker()
    sync_issues(items(nights), tracker)
    tracker.by_person(1, reason)
    assert sync_issues(items(nights), tracker) == ()
    nights.add(0, FIXED, (works(fails(1)), fails(2)))
    assert sync_issues(items(nights), tracker) == ()
    assert tracker.log == ["create #1"]


def test_another_failure_of_what_a_person_closed_has_a_new_issue() -> None:
    nights, tracker = night_of(fails(1)), MemoryTracker()
    sync_issues(items(nights), tracker)
    tracker.by_person(1, "not_planned")
    nights.add(0, FIXED, (fails(1, "something else"),))
    for _ in range(2):
        sync_issues(items(nights), tracker)
    assert tracker.log == ["create #1", "create #2"]
    assert "INTERNAL" in tracker.by_number[1].body
    assert "something else" in tracker.by_number[2].body


def test_what_a_person_closed_as_completed_is_opened_again_while_it_fails() -> None:
    nights, tracker = night_of(fails(1)), MemoryTracker()
    sync_issues(items(nights), tracker)
    tracker.by_person(1, "completed")
    assert sync_issues(items(nights), tracker) == ("reopened #1: t.py::t01 is broken at the newest releases",)


def test_a_night_opens_only_so_many_issues_and_names_the_rest() -> None:
    tests = [fails(number, word) for number, word in enumerate(WORDS)]
    nights, tracker = night_of(*tests), MemoryTracker()
    assert len(sync_issues(items(nights), tracker)) == MOST_NEW
    assert tracker.titles()[-1] == "6 more failures at the newest releases of nightly"
    body = tracker.by_number[MOST_NEW].body
    for number, word in list(enumerate(WORDS))[4:]:
        assert f"`t.py::t{number:02}`" in body
        assert f"`XlaRuntimeError: {word} [numbers]`" in body
    assert sync_issues(items(nights), tracker) == ()
    # Two of those with an issue work again: there is room for two others.
    nights.add(0, FIXED, tuple(works(test) if number < 2 else test for number, test in enumerate(tests)))
    sync_issues(items(nights), tracker)
    assert tracker.titles(is_open=False) == [f"t.py::t0{number} is broken at the newest releases" for number in (0, 1)]
    assert "4 more failures at the newest releases of nightly" in tracker.titles()
    nights.add(-1, OLD | {"beta": "2.4.3"}, tuple(map(works, tests)))
    sync_issues(items(nights), tracker)
    assert tracker.titles() == []
    assert "Nothing is left here since 2026-11-23" in tracker.by_number[MOST_NEW].body


@pytest.mark.parametrize(("most_new", "opened"), [(1, 1), (3, 3), (10, 10), (20, 10)])
def test_the_most_issues_of_a_night_can_be_chosen(most_new: int, opened: int) -> None:
    nights, tracker = night_of(*(fails(number, word) for number, word in enumerate(WORDS))), MemoryTracker()
    assert len(sync_issues(items(nights), tracker, most_new)) == opened


def test_an_issue_is_closed_though_the_store_that_knew_it_is_lost() -> None:
    tracker = MemoryTracker()
    nights = Nights()
    nights.add(2, OLD, PASSES)
    nights.add(1, NEW, BREAKS)
    sync_issues(items(nights), tracker)
    nights = Nights()
    nights.add(0, FIXED, PASSES)
    assert sync_issues(items(nights), tracker) == ("closed #1: Alpha with Beta",)
    assert "Works again: it was green on 2026-11-22." in tracker.by_number[1].body
    tracker.reopen(1)  # somebody wants it open
    nights.add(-1, {"alpha": "1.4.0", "beta": "2.4.2"}, PASSES)
    assert sync_issues(items(nights), tracker) == ()


def test_an_issue_stays_open_where_a_new_store_could_not_tell() -> None:
    nights, tracker = night_of(fails(1)), MemoryTracker()
    sync_issues(items(nights), tracker)
    nights = Nights()
    nights.add(0, FIXED, (*PASSES, starved("t.py::t01", "alpha", "beta", "gamma")))
    assert sync_issues(items(nights), tracker) == ()


def test_an_issue_of_another_matrix_is_left_alone() -> None:
    """What fails at the newest releases of one matrix can pass with those of another."""
    nights, tracker = night_of(fails(1)), MemoryTracker()
    sync_issues(items(nights), tracker)
    other = Nights()
    other.add(0, FIXED, (works(fails(1)),))
    other.runs = [run.model_copy(update={"matrix": "weekly"}) for run in other.runs]
    assert sync_issues(items(other), tracker) == ()
    fixed_there = night_of(fails(1))
    fixed_there.add(0, FIXED, (works(fails(1)),))
    fixed_there.runs = [run.model_copy(update={"matrix": "weekly"}) for run in fixed_there.runs]
    assert {item.action for item in items(fixed_there) if item.action} == {"close"}
    assert sync_issues(items(fixed_there), tracker) == ()


def test_a_failure_keeps_the_issue_that_it_has() -> None:
    """The issue was opened about a test that is no longer the first with this failure."""
    nights, tracker = night_of(fails(2)), MemoryTracker()
    sync_issues(items(nights), tracker)
    nights = night_of(fails(1), fails(2))  # a new store
    assert sync_issues(items(nights), tracker) == ("updated #1: t.py::t02 is broken at the newest releases",)
    assert "The same failure: `t.py::t01`." in tracker.by_number[1].body


def test_the_tracker_says_why_an_issue_is_closed(tracker: LoopbackTracker) -> None:
    github = GitHub("owner/name", "a token", tracker.address)
    nights = night_of(fails(1))
    sync_issues(items(nights), github)
    tracker.issues[0] |= {"state": "closed", "state_reason": "not_planned"}
    (known,) = github.issues().values()
    assert (known.open, known.state_reason, known.stays_closed) == (False, "not_planned", True)
    assert sync_issues(items(nights), github) == ()
    assert tracker.issues[0]["state"] == "closed"


def test_of_several_issues_about_one_subject_an_open_one_counts_else_the_newest(tracker: LoopbackTracker) -> None:
    github = GitHub("owner/name", "a token", tracker.address)
    body = "<!-- stackcompat: pair:alpha + beta -->"
    for _ in range(3):
        tracker.add("ours", body, ["stackcompat"])
    assert github.issues()["pair:alpha + beta"].number == 1
    for issue in (tracker.issues[0], tracker.issues[2]):
        issue["state"] = "closed"
    assert github.issues()["pair:alpha + beta"].number == 2
    tracker.issues[1]["state"] = "closed"
    assert github.issues()["pair:alpha + beta"].number == 3
