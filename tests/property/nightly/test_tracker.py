"""Issues under any alerts, and whatever people do to the issues."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.nightly.alert_states import AlertState
from stackcompat.nightly.alerts import Alert, cover_repeats
from stackcompat.nightly.facts import Facts
from stackcompat.nightly.issue_text import topic_of
from stackcompat.nightly.signals import Subject
from stackcompat.nightly.tracker import sync_issues
from support.memory_tracker import MemoryTracker

DAY = dt.date(2026, 11, 1)


@st.composite
def nights(draw: st.DrawFn) -> tuple[Alert, ...]:
    """The alerts of one night: some subjects are red, each by one of a few failures, since one of a few days."""
    alerts = []
    for number in range(draw(st.integers(1, 12))):
        subject = Subject(kind=draw(st.sampled_from(("pair", "test"))), name=f"s{number:02}", title=f"s{number:02}")
        failure = draw(st.sampled_from(("", "", "aa", "bb", "cc", "dd", f"own{number}")))
        if failure:
            opened = DAY - dt.timedelta(days=draw(st.integers(0, 2)))
            state = AlertState(state="confirmed", since=opened, open=True, opened=opened)
            facts = Facts(signature=failure, failure=failure, python="3.12", reproduce="nox")
            red = Alert(subject=subject, matrix="m", night=DAY, current=state, signal="broken", facts=facts)
            alerts.append(red.model_copy(update={"action": "open" if opened == DAY else "update", "called_on": DAY}))
        else:
            alerts.append(Alert(subject=subject, matrix="m", night=DAY, current=AlertState(), signal="green"))
    return cover_repeats(alerts)


MOST = st.integers(1, 6)
REASONS = st.sampled_from(("not_planned", "completed", "duplicate"))


@given(nights(), MOST)
def test_a_night_opens_few_issues_and_no_two_about_one_failure(alerts: tuple[Alert, ...], most_new: int) -> None:
    tracker = MemoryTracker()
    sync_issues(alerts, tracker, most_new)
    opened = {alert.current.opened for alert in alerts if alert.facts}
    assert len(tracker.by_number) <= most_new * len(opened) + 1
    failures = [topic_of(issue.body).failure for issue in tracker.by_number.values()]
    assert len(failures) == len(set(failures))


@given(nights(), MOST)
def test_every_failure_is_told_in_an_issue(alerts: tuple[Alert, ...], most_new: int) -> None:
    tracker = MemoryTracker()
    sync_issues(alerts, tracker, most_new)
    text = "\n".join(issue.body for issue in tracker.by_number.values() if issue.open)
    for alert in alerts:
        if alert.facts is not None:
            assert alert.facts.signature in text


@given(nights(), nights(), MOST, st.lists(st.tuples(st.integers(1, 12), REASONS), max_size=3))
def test_doing_it_again_changes_nothing(
    first: tuple[Alert, ...], second: tuple[Alert, ...], most_new: int, closed: list[tuple[int, str]]
) -> None:
    """Whatever night was before, and whichever issues people closed in between."""
    tracker = MemoryTracker()
    sync_issues(first, tracker, most_new)
    for number, reason in closed:
        if number in tracker.by_number:
            tracker.by_person(number, reason)
    sync_issues(second, tracker, most_new)
    assert sync_issues(second, tracker, most_new) == ()


@given(nights(), nights(), MOST, st.integers(1, 12))
def test_what_a_person_closed_as_not_planned_is_never_written_to(
    first: tuple[Alert, ...], second: tuple[Alert, ...], most_new: int, number: int
) -> None:
    tracker = MemoryTracker()
    sync_issues(first, tracker, most_new)
    if number not in tracker.by_number:
        return
    tracker.by_person(number, "not_planned")
    before = tracker.by_number[number]
    for alerts in (first, second, first):
        sync_issues(alerts, tracker, most_new)
    assert tracker.by_number[number] == before
    failure = topic_of(before.body).failure
    others = [issue for issue in tracker.by_number.values() if issue.number != number]
    assert not failure or failure not in {topic_of(issue.body).failure for issue in others}


@given(nights(), MOST)
def test_no_issue_is_left_when_all_works_again(alerts: tuple[Alert, ...], most_new: int) -> None:
    """Even if the runs that were red are not known any more."""
    tracker = MemoryTracker()
    sync_issues(alerts, tracker, most_new)
    green = tuple(
        Alert(subject=alert.subject, matrix="m", night=DAY, current=AlertState(), signal="green") for alert in alerts
    )
    sync_issues(green, tracker, most_new)
    assert tracker.titles() == []
