"""The decision as JSON, Markdown, JUnit and one line."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from stackcompat.gate.model import GateReport
from stackcompat.gate.waivers import Waivers
from stackcompat.report.gate import (
    gate_json,
    gate_junit,
    gate_markdown,
    gate_words,
    replay_json,
    replay_markdown,
)
from stackcompat.report.gate_schema import gate_schema
from stackcompat.validation.replay import ReplayCase, Replayed
from stackcompat.verdict.closed import ClosedCount
from support.made_up import failed
from support.paired import GREEN, JOINT, OLD, arm, changed, judge, pair

RED = failed(JOINT, "alpha", "beta", message="`loss` is 0.7 | more\x00", packages=("beta",))
BLOCK = judge(pair(changed(RED), (RED,)), pair(GREEN, id="other", rule="floors", weight="review"))
PASS = judge(pair(GREEN))
UNKNOWN = judge(pair("disk-full"))
EMPTY = judge()
REVIEW = judge(pair(GREEN), pair(changed(RED), (RED,), id="other", rule="floors", weight="review"))
EVERY = [BLOCK, PASS, UNKNOWN, EMPTY, REVIEW]


@pytest.mark.parametrize("report", EVERY, ids=lambda report: report.decision)
def test_the_json_fits_its_schema_and_comes_back(report: GateReport) -> None:
    text = gate_json(report)
    jsonschema.validate(json.loads(text), json.loads(gate_schema()), cls=jsonschema.Draft202012Validator)
    assert GateReport.model_validate_json(text) == report
    for requirement in json.loads(text)["requirements"]:
        assert {"state", "sentence", "remedy", "evidence"} <= requirement.keys()


def test_the_published_schema_is_that_of_the_code() -> None:
    published = Path(__file__).parents[3] / "reports" / "gate.schema.json"
    assert published.read_text(encoding="utf-8") == gate_schema()


def test_one_line_for_a_person() -> None:
    assert gate_words(PASS) == "✓ PASS: alpha 1.3.0 passes the only required cell up to interop"
    assert gate_words(BLOCK).startswith("✗ BLOCK: alpha 1.3.0 fails with beta 2.4.1 because ")
    assert gate_words(BLOCK).endswith("; release a beta that works with alpha 1.3.0 first, or undo the change in alpha")


def test_markdown_says_which_runs_had_no_sandbox() -> None:
    sentence = "1 of 2 runs had no sandbox: 1 had only no network, so that more"
    report = PASS.model_copy(update={"closed": ClosedCount(sandbox=1, network=1, sentence=sentence)})
    assert f"\n\n{sentence}.\n\n" in gate_markdown(report)
    assert "sandbox" not in gate_markdown(PASS.model_copy(update={"closed": ClosedCount(sandbox=2)}))


def test_markdown_has_the_decision_the_reasons_and_how_to_do_it_again() -> None:
    text = gate_markdown(BLOCK)
    assert text.startswith("## ✗ BLOCK: alpha 1.3.0 in place of 1.2.0\n")
    assert "| ✗ failed | required |" in text
    assert "| ✓ satisfied | review |" in text
    assert f"Tests: `{JOINT}`." in text
    assert "Reproduce: `stackcompat try" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {5}


def test_markdown_without_cells() -> None:
    assert "No cell could be made." in gate_markdown(EMPTY)


def test_what_was_not_tested_is_one_line_for_each_reason() -> None:
    reason = "alpha 1.3.0 is outside <1"
    gone = [
        test.model_copy(update={"outcome": "not-applicable", "reason": reason, "components": ("alpha",)})
        for test in GREEN
    ]
    report = judge(pair(tuple(gone)))
    lines = [line for line in gate_markdown(report).splitlines() if "is outside" in line]
    assert len(lines) == 1
    assert JOINT.replace("_", "\\_") in lines[0]


def test_waivers_and_flaky_tests_are_shown() -> None:
    entry = {"owner": "somebody", "reason": "wavers", "until": dt.date(2026, 12, 1)}
    waivers = Waivers.model_validate({"quarantine": [entry | {"test": JOINT}, entry | {"test": "gone.py::*"}]})
    control = arm(OLD, GREEN)
    text = gate_markdown(judge(pair(changed(RED), GREEN, control=control), waivers=waivers))
    assert f"`{JOINT}` failed in 1 of 2 runs, quarantined until 2026-12-01" in text
    assert "quarantine of gone.py::\\*, somebody, until 2026-12-01: unused" in text


@pytest.mark.parametrize(
    ("report", "failures", "errors", "skipped"),
    [(BLOCK, 1, 0, 0), (PASS, 0, 0, 0), (UNKNOWN, 0, 1, 0), (EMPTY, 0, 1, 0), (REVIEW, 0, 0, 1)],
    ids=lambda value: value.decision if isinstance(value, GateReport) else "",
)
def test_in_junit_only_what_decides_is_red(report: GateReport, failures: int, errors: int, skipped: int) -> None:
    root = ET.fromstring(gate_junit(report))
    for element, number in (("failure", failures), ("error", errors), ("skipped", skipped)):
        assert len(list(root.iter(element))) == number
    for suite in root.iter("testsuite"):
        assert suite.get("tests") == str(len(list(suite)))
        assert suite.get("failures") == str(len(list(suite.iter("failure"))))


def test_the_replay_is_a_table_with_what_is_known() -> None:
    case = ReplayCase(
        candidates=("alpha==1.3.0",), exclude_newer=dt.date(2026, 8, 16), decision="BLOCK", note="It broke beta."
    )
    right = Replayed(case=case, report=BLOCK)
    wrong = Replayed(case=case.model_copy(update={"decision": "PASS"}), report=BLOCK, wrong="BLOCK, known to be PASS")
    text = replay_markdown("History", [right, wrong])
    assert "**1 of 2 decisions match what is known.**" in text
    assert "| ✓ | alpha 1.3.0 | 1.2.0 | 2026-08-16 | BLOCK | BLOCK: alpha 1.3.0 fails with beta 2.4.1" in text
    assert "| ✗ | alpha 1.3.0 |" in text
    assert "It broke beta." in text
    published = json.loads(replay_json("History", [right, wrong]))
    assert [case["wrong"] for case in published["cases"]] == ["", "BLOCK, known to be PASS"]
    assert published["cases"][0]["report"]["decision"] == "BLOCK"
