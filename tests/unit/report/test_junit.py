from __future__ import annotations

from xml.etree import ElementTree as ET

from stackcompat.report.junit import junit
from stackcompat.table.build import summarise
from support.made_up import COMPONENTS, NOW, history

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)
ROOT = ET.fromstring(junit(SUMMARY))


def test_one_case_for_each_cell() -> None:
    cases = list(ROOT.iter("testcase"))
    assert len(cases) == len(SUMMARY.cells)
    assert len({case.get("name") for case in cases}) == len(cases)


def test_the_numbers_are_those_of_the_cases() -> None:
    for suite in ROOT.iter("testsuite"):
        cases = list(suite.iter("testcase"))
        assert suite.get("tests") == str(len(cases))
        for element, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert suite.get(attribute) == str(sum(case.find(element) is not None for case in cases))


def test_red_is_a_failure_and_what_could_not_be_told_an_error() -> None:
    elements = {
        case.get("name", "").split("[")[-1].rstrip("]"): [child.tag for child in case] for case in ROOT.iter("testcase")
    }
    expected = {
        "works": [],
        "broken": ["failure"],
        "unresolvable": ["failure"],
        "uninstallable": ["failure"],
        "flaky": ["error"],
        "invalid": ["error"],
        "infra-error": ["error"],
        "untested": ["skipped"],
        "not-applicable": ["skipped"],
    }
    assert {cell.verdict for cell in SUMMARY.cells} == set(expected)
    for cell in SUMMARY.cells:
        assert elements[cell.id] == expected[cell.verdict]


def test_a_failure_has_its_signature_and_its_command() -> None:
    cell = next(cell for cell in SUMMARY.cells if cell.verdict == "broken")
    case = next(case for case in ROOT.iter("testcase") if cell.id in case.get("name", ""))
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("message") == cell.sentence
    assert f"reproduce: {cell.reproduce}" in (failure.text or "")


def test_what_xml_cannot_hold_is_replaced() -> None:
    cell = SUMMARY.cells[0].model_copy(update={"verdict": "broken", "sentence": "a\x00\x1b[31mb\ud800"})
    root = ET.fromstring(junit(SUMMARY.model_copy(update={"cells": (cell,)})))
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == r"a\u0000\u001b[31mb\ud800"
