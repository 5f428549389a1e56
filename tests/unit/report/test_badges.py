from __future__ import annotations

import json

import pytest

from stackcompat.report.badges import badges
from stackcompat.table.build import summarise
from support.made_up import COMPONENTS, NOW, History, history

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)
BADGES = {name: json.loads(text) for name, text in badges(SUMMARY).items()}


def test_one_for_each_component_each_pair_and_the_whole() -> None:
    components = {f"{row.name}.json" for row in SUMMARY.components}
    pairs = {f"{pair.first}--{pair.second}.json" for pair in SUMMARY.pairs}
    assert set(BADGES) == {"newest.json"} | components | pairs
    assert len(pairs) == 16


@pytest.mark.parametrize("name", sorted(BADGES))
def test_the_fields_are_those_of_the_endpoint(name: str) -> None:
    badge = BADGES[name]
    assert set(badge) == {"schemaVersion", "label", "message", "color"}
    assert badge["schemaVersion"] == 1
    assert badge["color"] in {"brightgreen", "red", "orange", "yellow", "lightgrey"}


def test_what_they_say() -> None:
    assert BADGES["newest.json"]["message"] == "✓ works up to interop on Python 3.13 and 3.12; 3.11: held back"
    assert BADGES["beta.json"] == {
        "schemaVersion": 1,
        "label": "Beta",
        "message": "✓ works 2.4.1 up to interop",
        "color": "brightgreen",
    }
    assert BADGES["alpha--beta.json"]["label"] == "Alpha 1.3.0 + Beta 2.4.1"
    assert BADGES["eta.json"]["message"] == "? untested"
    assert BADGES["beta--epsilon.json"]["color"] == "lightgrey"


def test_nothing_was_run() -> None:
    empty = badges(summarise(COMPONENTS, (History().record(),), {}, NOW))
    assert json.loads(empty["newest.json"])["message"] == "? untested"
