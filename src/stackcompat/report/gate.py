"""The gate's decision, and a replay of the gate, as JSON, as Markdown, as JUnit and in one line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from stackcompat.core.text import code, counted, plain
from stackcompat.gate.model import GateFinding, GateReport, GateRequirement
from stackcompat.report.junit import xml_text
from stackcompat.validation.replay import Replayed

__all__ = ["gate_json", "gate_junit", "gate_markdown", "gate_words", "replay_json", "replay_markdown"]

#: A sign for each decision and state. The word always stands next to it.
_SIGNS = {
    "PASS": "✓",
    "BLOCK": "✗",
    "NEEDS-REVIEW": "?",
    "CANNOT-TELL": "!",
    "satisfied": "✓",
    "failed": "✗",
    "waived": "~",
    "undecided": "!",
}


#: How many findings, waivers and so on a section of the Markdown lists.
_MOST_ROWS = 40


#: How many tests are named in one line.
_MOST_TESTS = 5


_METHOD = (
    "Both arms of each cell are locked alike except for the candidate. A test counts against the candidate only if it "
    "passes in the control and fails twice with the candidate."
)


_REPLAY_METHOD = (
    "Each release was judged as a candidate on the day before its upload: the index was taken back to that day, except "
    "for the candidate itself and what moves with it. Earlier runs count, so the seconds are those of the run that "
    "wrote this."
)


def gate_json(report: GateReport) -> str:
    """The whole decision as JSON, one field a line."""
    return report.model_dump_json(by_alias=False, indent=1) + "\n"


def gate_words(report: GateReport) -> str:
    """The decision in one line for a person."""
    return f"{_SIGNS[report.decision]} {report.decision}: {report.summary()}"


# ---------------------------------------------------------------------------------------------------------------------
# Markdown
# ---------------------------------------------------------------------------------------------------------------------


def gate_markdown(report: GateReport) -> str:
    """The decision as a job summary, or as a comment on a pull request."""
    candidates = ", ".join(f"{c.name} {c.version} in place of {c.replaces}" for c in report.candidates)
    day = f", as of {report.as_of:%Y-%m-%d}" if report.as_of else ""
    generated = f"{report.generated:%Y-%m-%d %H:%M} UTC"
    parts = [
        f"## {_SIGNS[report.decision]} {report.decision}: {plain(candidates)}{day}",
        f"**{plain(report.summary())}**",
        _requirements(report.requirements),
        *_section("What speaks against it", _findings(report.requirements)),
        *_section("Flaky tests", _flaky(report)),
        *_section("Waivers", _waivers(report)),
        *_section("Not tested", _not_tested(report)),
        *([report.alike.summary()] if report.alike else ()),
        *([f"{plain(report.closed.sentence)}."] if report.closed.sentence else ()),
        f"{plain(report.policy)}, {report.platform}, {generated}, {report.seconds:.0f} s. {_METHOD}",
    ]
    return "\n\n".join(parts) + "\n"


def _requirements(requirements: Sequence[GateRequirement]) -> str:
    if not requirements:
        return "No cell could be made."
    lines = ["| | weight | requirement | what was found |", "| :-: | --- | --- | --- |"]
    for requirement in requirements:
        sentence = requirement.sentence
        if requirement.differs:
            sentence += f" (the arms also differ in {', '.join(requirement.differs)})"
        state = f"{_SIGNS[requirement.state]} {requirement.state}"
        what = f"{plain(requirement.what)}, Python {requirement.python}"
        lines.append(f"| {state} | {requirement.weight} | {what} | {plain(sentence)} |")
    return "\n".join(lines)


def _findings(requirements: Sequence[GateRequirement]) -> list[str]:
    """Every finding once, with the command that reproduces it in the first cell where it occurs."""
    lines: dict[str, str] = {}
    for requirement in requirements:
        for finding in requirement.findings:
            if finding.id not in lines:
                reproduce = f"\n  Reproduce: {code(requirement.reproduce)}" if requirement.reproduce else ""
                lines[finding.id] = _finding(finding) + reproduce
    return list(lines.values())


def _finding(finding: GateFinding) -> str:
    """The sentence of a finding, what to do, its id, and its tests or its chain of bounds."""
    waived = f" (waived: {plain(finding.waiver)})" if finding.state == "waived" else ""
    detail = ""
    if finding.tests:
        detail = f"\n  Tests: {_first_tests([code(test) for test in finding.tests])}."
    elif finding.chain:
        detail = f"\n  Bounds: {plain('; '.join(finding.chain))}."
    sentence = plain(finding.sentence.removesuffix("."))
    return f"{sentence}. **{plain(finding.remedy)}**{waived} {code(finding.id)}{detail}"


def _first_tests(tests: Sequence[str]) -> str:
    """The first few tests, and the number of the others."""
    more = f" and {len(tests) - _MOST_TESTS} more" if len(tests) > _MOST_TESTS else ""
    return ", ".join(tests[:_MOST_TESTS]) + more


def _flaky(report: GateReport) -> list[str]:
    lines = []
    for flaky in report.flaky:
        until = f"quarantined until {flaky.quarantined_until}" if flaky.quarantined_until else "in no quarantine"
        lines.append(f"{code(flaky.test)} failed in {flaky.failed} of {counted(flaky.runs, 'run')}, {until}")
    return lines


def _waivers(report: GateReport) -> list[str]:
    lines = []
    for waiver in report.waivers:
        note = f", {plain(waiver.note)}" if waiver.note else ""
        owner = f"{plain(waiver.owner)}, until {waiver.until}"
        lines.append(f"{waiver.kind} of {plain(waiver.what)}, {owner}: {waiver.state}{note}")
    return lines


def _not_tested(report: GateReport) -> list[str]:
    """One line for each reason and cell, with everything that was not tested there for that reason."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for row in report.not_tested:
        grouped.setdefault((row.where, row.why), []).append(plain(row.what))
    lines = []
    for (where, why), what in grouped.items():
        cell = f", in {plain(where)}" if where else ""
        lines.append(f"{_first_tests(what)}{cell}: {plain(why)}")
    return lines


def _section(title: str, lines: Sequence[str]) -> list[str]:
    """A heading and a list of the first lines; nothing if there are none."""
    if not lines:
        return []
    rest = [f"and {len(lines) - _MOST_ROWS} more"] if len(lines) > _MOST_ROWS else []
    return [f"### {title}", "\n".join(f"- {line}" for line in (*lines[:_MOST_ROWS], *rest))]


# ---------------------------------------------------------------------------------------------------------------------
# JUnit
# ---------------------------------------------------------------------------------------------------------------------


def gate_junit(report: GateReport) -> str:
    """The decision as JUnit: a suite for each rule, a case for each requirement.

    Only a requirement of the weight ``required`` can be a failure or an error.
    """
    root = ET.Element("testsuites", name="stackcompat gate")
    for rule in dict.fromkeys(requirement.rule for requirement in report.requirements):
        requirements = [requirement for requirement in report.requirements if requirement.rule == rule]
        results = [_junit_result(requirement) for requirement in requirements]
        suite = ET.SubElement(
            root,
            "testsuite",
            name=rule,
            tests=str(len(requirements)),
            failures=str(results.count("failure")),
            errors=str(results.count("error")),
            skipped=str(results.count("skipped")),
            timestamp=f"{report.generated:%Y-%m-%dT%H:%M:%S}",
        )
        for requirement in requirements:
            _add_case(suite, requirement)
    if not report.requirements:
        suite = ET.SubElement(root, "testsuite", name="gate", tests="1", failures="0", errors="1", skipped="0")
        case = ET.SubElement(suite, "testcase", classname="gate", name="plan")
        ET.SubElement(case, "error", type=report.decision, message=xml_text(report.summary()))
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _junit_result(requirement: GateRequirement) -> str:
    """The element that says how a requirement came out; empty where it is satisfied."""
    if requirement.state == "satisfied":
        return ""
    if requirement.weight != "required" or requirement.state == "waived":
        return "skipped"
    return "failure" if requirement.state == "failed" else "error"


def _add_case(suite: ET.Element, requirement: GateRequirement) -> None:
    classname = f"{requirement.rule}.py{requirement.python.replace('.', '')}"
    name = xml_text(f"{requirement.what} [{requirement.id}]")
    case = ET.SubElement(suite, "testcase", classname=classname, name=name)
    result = _junit_result(requirement)
    if not result:
        return
    message = requirement.sentence
    if requirement.remedy:
        message = f"{message}; {requirement.remedy}"
    kind = f"{requirement.weight} {requirement.state}"
    element = ET.SubElement(case, result, type=kind, message=xml_text(message))
    details = [finding.signature or finding.sentence for finding in requirement.findings]
    element.text = xml_text("\n".join([*details, requirement.reproduce]).strip())


# ---------------------------------------------------------------------------------------------------------------------
# The gate on history
# ---------------------------------------------------------------------------------------------------------------------


def replay_markdown(title: str, replayed: Sequence[Replayed]) -> str:
    """The gate on history as Markdown: each case with the known decision and with that of the gate.

    Args:
        title: The title of the file of cases.
        replayed: The cases as the gate judged them.
    """
    right = sum(not row.wrong for row in replayed)
    lines = [
        "| | candidate | in place of | as of the end of | known | the gate | seconds |",
        "| :-: | --- | --- | --- | --- | --- | --: |",
    ]
    for row in replayed:
        replaced = ", ".join(candidate.replaces for candidate in row.report.candidates)
        decision = f"{row.report.decision}: {plain(row.report.summary())}"
        lines.append(
            f"| {'✗' if row.wrong else '✓'} | {_candidates(row)} | {replaced} | {row.case.exclude_newer} "
            f"| {row.case.decision} | {decision} | {row.report.seconds:.0f} |"
        )
    parts = [
        f"# {plain(title)}",
        f"**{right} of {len(replayed)} decisions match what is known.**",
        _REPLAY_METHOD,
        "\n".join(lines),
        *(f"## {_candidates(row)}\n\n{_case_details(row)}" for row in replayed),
    ]
    return "\n\n".join(parts) + "\n"


def _candidates(row: Replayed) -> str:
    return plain(", ".join(f"{candidate.name} {candidate.version}" for candidate in row.report.candidates))


def _case_details(row: Replayed) -> str:
    parts = [plain(row.case.note)] if row.case.note else []
    parts.append(_requirements(row.report.requirements))
    parts += _section("What speaks against it", _findings(row.report.requirements))
    parts += _section("Not tested", _not_tested(row.report))
    return "\n\n".join(parts).replace("### ", f"### {_candidates(row)}: ")


def replay_json(title: str, replayed: Sequence[Replayed]) -> str:
    """The gate on history as JSON; each `report` is as :func:`gate_json` writes it.

    Args:
        title: The title of the file of cases.
        replayed: The cases as the gate judged them.
    """
    cases = [row.model_dump(mode="json", by_alias=False) for row in replayed]
    return json.dumps({"schema_version": 1, "title": title, "cases": cases}, indent=1) + "\n"
