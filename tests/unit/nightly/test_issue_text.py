"""The text of an issue."""

from __future__ import annotations

from stackcompat.nightly.alert_states import AlertState
from stackcompat.nightly.alerts import Alert, watch
from stackcompat.nightly.facts import Facts
from stackcompat.nightly.issue_text import issue_body, issue_title
from stackcompat.nightly.signals import Subject
from support.made_up import COMPONENTS, NOW
from support.nights import BREAKS, NEW, OLD, PASSES, Nights


def watched(nights: Nights) -> dict[str, Alert]:
    return {item.subject.id: item for item in watch(COMPONENTS, nights.runs, nights.evidence, NOW)}


def test_a_break_is_told_once_with_all_that_is_known() -> None:
    nights = Nights()
    nights.add(2, OLD, PASSES)
    nights.add(1, OLD)
    nights.add(0, NEW, BREAKS)
    items = watched(nights)
    acting = [item for item in items.values() if item.action is not None]
    (item,) = acting
    assert (item.current.state, item.action, item.signal) == ("confirmed", "open", "broken")
    body = issue_body(item)
    assert body.startswith(f"<!-- stackcompat: {item.subject.id} -->\n\nNow confirmed since 2026-11-22")
    for text in (
        "AttributeError: module 'alpha' has no attribute 'boxes' [beta]",
        "Culprit: alpha 1.3.0.",
        f"stackcompat try --lock reports/locks/{nights.cell.id}.txt --python 3.12",
        ".red/bin/pytest",
        "tests/interop/test_beta.py::test_apply",
        "| alpha | 1.2.0 | 1.3.0 |",
        "last green 2026-11-21 05:00 UTC",
        "Traceback",
    ):
        assert text in body
    assert "/home/" not in body
    assert issue_title(item).endswith("is broken at the newest releases")


def test_the_traceback_goes_whole_where_nothing_of_it_fits() -> None:
    subject = Subject(kind="test", name="t", title="t")
    facts = Facts(signature="s", python="3.12", reproduce="nox", details="d" * 300)
    item = Alert(subject=subject, current=AlertState(state="confirmed", open=True), signal="broken", facts=facts)
    bare = item.model_copy(update={"facts": facts.model_copy(update={"details": ""})})
    for limit in range(len(issue_body(bare)), len(issue_body(item))):
        assert len(issue_body(item, limit)) <= limit
