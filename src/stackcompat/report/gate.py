"""The gate's decision for programs, for a pull request, for a continuous integration system, and for a person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from stackcompat.core.text import plain
from stackcompat.gate.model import GateReport, GateRequirement
from stackcompat.report.junit import fit
from stackcompat.validation.replay import Replayed

__all__ = ["gate_json", "gate_junit", "gate_markdown", "gate_schema", "gate_words", "replay_json", "replay_markdown"]

#: A sign for each decision and state, with the word always beside it.
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


_MOST_ROWS = 40


_MOST_TESTS = 5


_METHOD = (
    "Both arms of each cell are locked alike but for the candidate; only what passes in the control and fails twice "
    "with the candidate counts."
)


_REPLAY_METHOD = (
    "Each release was judged as a candidate on the day before its upload: what was uploaded later was left out of the "
    "index, save the candidate itself and what moves with it. Runs that were made before count again, so seconds are "
    "those of the run that wrote this."
)


def gate_json(report: GateReport) -> str:
    """The whole decision, one field a line."""
    return report.model_dump_json(by_alias=False, indent=1) + "\n"


def gate_schema() -> str:
    """The JSON Schema (2020-12) of :func:`gate_json`'s text."""
    described = GateReport.model_json_schema(by_alias=False, mode="serialization")
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | described, indent=1) + "\n"


def gate_words(report: GateReport) -> str:
    """One line for a person."""
    return f"{_SIGNS[report.decision]} {report.decision}: {report.summary()}"


def gate_markdown(report: GateReport) -> str:
    """A job summary or the comment on a pull request."""
    replaced = ", ".join(f"{c.name} {c.version} in place of {c.replaces}" for c in report.candidates)
    day = f", as of {report.as_of:%Y-%m-%d}" if report.as_of else ""
    parts = [
        f"## {_SIGNS[report.decision]} {report.decision}: {plain(replaced)}{day}",
        f"**{plain(report.summary())}**",
        _requirements(report.requirements),
        *_section("What speaks against it", _findings(report.requirements)),
        *_section("Flaky tests", _flaky(report)),
        *_section("Waivers", _waivers(report)),
        *_section("Not tested", _not_tested(report)),
        *([report.alike.summary()] if report.alike else ()),
        f"{plain(report.policy)}, {report.platform}, {report.generated:%Y-%m-%d %H:%M} UTC, {report.seconds:.0f} s. "
        + _METHOD,
    ]
    return "\n\n".join(parts) + "\n"


def _requirements(requirements: Sequence[GateRequirement]) -> str:
    if not requirements:
        return "No cell could be made."
    lines = ["| | weight | requirement | what was found |", "| :-: | --- | --- | --- |"]
    for one in requirements:
        sentence = one.sentence + (f" (arms differ also in {', '.join(one.differs)})" if one.differs else "")
        what = f"{plain(one.what)}, Python {one.python}"
        lines.append(f"| {_SIGNS[one.state]} {one.state} | {one.weight} | {what} | {plain(sentence)} |")
    return "\n".join(lines)


def _findings(requirements: Sequence[GateRequirement]) -> list[str]:
    found: dict[str, str] = {}
    for one in requirements:
        for finding in one.findings:
            if finding.id in found:
                continue
            waived = f" (waived: {plain(finding.waiver)})" if finding.state == "waived" else ""
            chain = "; ".join(finding.chain)
            tests = ", ".join(f"`{test}`" for test in finding.tests[:_MOST_TESTS])
            more = f" and {len(finding.tests) - _MOST_TESTS} more" if len(finding.tests) > _MOST_TESTS else ""
            detail = f"\n  Tests: {tests}{more}." if tests else f"\n  Bounds: {plain(chain)}." if chain else ""
            again = f"\n  Again: `{one.reproduce}`" if one.reproduce else ""
            said = plain(finding.sentence.removesuffix("."))
            found[finding.id] = f"{said}. **{plain(finding.remedy)}**{waived} `{finding.id}`{detail}{again}"
    return list(found.values())


def _flaky(report: GateReport) -> list[str]:
    lines = []
    for flaky in report.flaky:
        until = f"quarantined until {flaky.quarantined_until}" if flaky.quarantined_until else "in no quarantine"
        lines.append(f"`{flaky.test}` failed {flaky.failed} times of {flaky.runs}, {until}")
    return lines


def _waivers(report: GateReport) -> list[str]:
    lines = []
    for waiver in report.waivers:
        note = f", {plain(waiver.note)}" if waiver.note else ""
        whose = f"{plain(waiver.owner)}, until {waiver.until}"
        lines.append(f"{waiver.kind} of {plain(waiver.what)}, {whose}: {waiver.state}{note}")
    return lines


def _not_tested(report: GateReport) -> list[str]:
    """Tests with the same reason in the same cell are one line."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for one in report.not_tested:
        grouped.setdefault((one.where, one.why), []).append(one.what)
    lines = []
    for (where, why), what in grouped.items():
        named = plain(", ".join(what[:_MOST_TESTS]))
        more = f" and {len(what) - _MOST_TESTS} more" if len(what) > _MOST_TESTS else ""
        lines.append(f"{named}{more}{f', in {plain(where)}' if where else ''}: {plain(why)}")
    return lines


def _section(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    rest = [f"and {len(lines) - _MOST_ROWS} more"] if len(lines) > _MOST_ROWS else []
    return [f"### {title}", "\n".join(f"- {line}" for line in (*lines[:_MOST_ROWS], *rest))]


def gate_junit(report: GateReport) -> str:
    """A suite for each rule, a case for each requirement. Only what decides is a failure or an error."""
    root = ET.Element("testsuites", name="stackcompat gate")
    for rule in dict.fromkeys(one.rule for one in report.requirements):
        cases = [one for one in report.requirements if one.rule == rule]
        elements = [_element(one) for one in cases]
        suite = ET.SubElement(
            root,
            "testsuite",
            name=rule,
            tests=str(len(cases)),
            failures=str(elements.count("failure")),
            errors=str(elements.count("error")),
            skipped=str(elements.count("skipped")),
            timestamp=f"{report.generated:%Y-%m-%dT%H:%M:%S}",
        )
        for one, element in zip(cases, elements, strict=True):
            name = fit(f"{one.what} [{one.id}]")
            case = ET.SubElement(suite, "testcase", classname=f"{rule}.py{one.python.replace('.', '')}", name=name)
            if element:
                message = fit(f"{one.sentence}; {one.remedy}" if one.remedy else one.sentence)
                told = ET.SubElement(case, element, type=f"{one.weight} {one.state}", message=message)
                told.text = fit("\n".join([f.signature or f.sentence for f in one.findings] + [one.reproduce]).strip())
    if not report.requirements:
        suite = ET.SubElement(root, "testsuite", name="gate", tests="1", failures="0", errors="1", skipped="0")
        case = ET.SubElement(suite, "testcase", classname="gate", name="plan")
        ET.SubElement(case, "error", type=report.decision, message=fit(report.summary()))
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _element(one: GateRequirement) -> str:
    if one.state == "satisfied":
        return ""
    if one.weight != "required" or one.state == "waived":
        return "skipped"
    return "failure" if one.state == "failed" else "error"


def replay_markdown(title: str, replayed: Sequence[Replayed]) -> str:
    """The proof on real history: each case with what is known and what the gate said."""
    right = sum(not one.wrong for one in replayed)
    lines = [
        "| | candidate | in place of | as of the end of | known | the gate | seconds |",
        "| :-: | --- | --- | --- | --- | --- | --: |",
    ]
    for one in replayed:
        names = ", ".join(f"{c.name} {c.version}" for c in one.report.candidates)
        old = ", ".join(c.replaces for c in one.report.candidates)
        lines.append(
            f"| {'✗' if one.wrong else '✓'} | {plain(names)} | {old} | {one.case.exclude_newer} | {one.case.decision} "
            f"| {one.report.decision}: {plain(one.report.summary())} | {one.report.seconds:.0f} |"
        )
    parts = [
        f"# {plain(title)}",
        f"**{right} of {len(replayed)} decisions are as history knows them.**",
        _REPLAY_METHOD,
        "\n".join(lines),
        *(f"## {_names(one)}\n\n{_case_details(one)}" for one in replayed),
    ]
    return "\n\n".join(parts) + "\n"


def _names(one: Replayed) -> str:
    return plain(", ".join(f"{c.name} {c.version}" for c in one.report.candidates))


def _case_details(one: Replayed) -> str:
    parts = [plain(one.case.note)] if one.case.note else []
    parts.append(_requirements(one.report.requirements))
    parts += _section("What speaks against it", _findings(one.report.requirements))
    parts += _section("Not tested", _not_tested(one.report))
    return "\n\n".join(parts).replace("### ", "### " + _names(one) + ": ")


def replay_json(title: str, replayed: Sequence[Replayed]) -> str:
    """The same for programs; each `report` is as the gate writes it."""
    cases = [one.model_dump(mode="json", by_alias=False) for one in replayed]
    return json.dumps({"schema_version": 1, "title": title, "cases": cases}, indent=1) + "\n"
