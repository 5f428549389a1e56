"""Issues through the real client library, against a tracker on loopback."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.nightly.alerts import Alert, watch
from stackcompat.nightly.tracker import GitHub, sync_issues
from support.loopback_tracker import LoopbackTracker
from support.made_up import COMPONENTS, NOW
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
