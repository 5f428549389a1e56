"""Whatever an issue is about, it fits and is found again."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.nightly.alert_states import AlertState
from stackcompat.nightly.alerts import Alert
from stackcompat.nightly.facts import Facts
from stackcompat.nightly.issue_text import BODY_LIMIT, issue_body, issue_title, marker, subject_of
from stackcompat.nightly.signals import Subject
from stackcompat.verdict.history import VersionChange

DAY = dt.date(2026, 11, 1)


@given(st.text(min_size=1, max_size=60))
def test_an_issue_is_found_again_whatever_a_test_is_called(name: str) -> None:
    subject = Subject(kind="test", name=name + " --> x", title="t")
    assert subject_of(marker(subject) + "\n\nNow") == subject.id
    assert marker(subject).index("-->") == len(marker(subject)) - 3


@given(st.integers(0, 200_000), st.integers(0, 3000), st.integers(0, 200_000), st.text(max_size=400))
def test_an_issue_fits_and_keeps_its_command(signature: int, moved: int, details: int, odd: str) -> None:
    item = Alert(
        subject=Subject(kind="test", name="test_a.py::test_a", title="t" * 400),
        current=AlertState(state="confirmed", since=DAY, open=True),
        signal="broken",
        facts=Facts(
            signature="s" * signature + odd,
            moved=tuple(VersionChange(name=f"n{n}" * 30, before="1", after="2") for n in range(moved)),
            python="3.12",
            reproduce="stackcompat try --lock reports/locks/a.txt --python 3.12",
            details="d" * details + odd,
        ),
    )
    body = issue_body(item)
    assert len(body) <= BODY_LIMIT
    assert "stackcompat try --lock reports/locks/a.txt --python 3.12" in body
    assert body.startswith("<!-- stackcompat: test:test_a.py::test_a -->\n")
    assert len(issue_title(item)) <= 256
