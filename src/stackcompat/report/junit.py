"""``junit.xml``: one test case for each cell, for the continuous integration systems that read this format."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from stackcompat.core.text import printable
from stackcompat.core.vocabulary import Verdict
from stackcompat.table.cells import CellRow
from stackcompat.table.failures import FailureGroup
from stackcompat.table.summary import Summary

__all__ = ["junit", "xml_text"]

#: The element of JUnit for each verdict; a cell that works has none.
_ELEMENT: dict[Verdict, str] = {
    "broken": "failure",
    "unresolvable": "failure",
    "uninstallable": "failure",
    "flaky": "error",
    "invalid": "error",
    "infra-error": "error",
    "untested": "skipped",
    "not-applicable": "skipped",
}


#: The characters that XML 1.0 cannot hold, not even escaped.
_UNFIT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(summary: Summary) -> str:
    """The XML text: a suite for each policy, a case for each cell."""
    groups = {group.id: group for group in summary.failures}
    root = ET.Element("testsuites", name="stackcompat")
    for policy in dict.fromkeys(cell.policy for cell in summary.cells):
        cells = [cell for cell in summary.cells if cell.policy == policy]
        elements = [_ELEMENT.get(cell.verdict) for cell in cells]
        suite = ET.SubElement(
            root,
            "testsuite",
            name=policy,
            tests=str(len(cells)),
            failures=str(elements.count("failure")),
            errors=str(elements.count("error")),
            skipped=str(elements.count("skipped")),
            time=f"{sum(cell.seconds for cell in cells):.1f}",
            timestamp=f"{summary.generated:%Y-%m-%dT%H:%M:%S}",
        )
        for cell in cells:
            _case(suite, cell, groups)
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, cell: CellRow, groups: dict[str, FailureGroup]) -> None:
    versions = " ".join(f"{name}={component.version}" for name, component in cell.components.items())
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"{cell.policy}.py{cell.python.replace('.', '')}",
        name=xml_text(f"{cell.label} {versions or ' '.join(cell.requirements)} [{cell.id}]".strip()),
        time=f"{cell.seconds:.1f}",
    )
    element = _ELEMENT.get(cell.verdict)
    if element is None:
        return
    outcome = ET.SubElement(case, element, type=f"{cell.verdict} at {cell.level}", message=xml_text(cell.sentence))
    if element != "skipped":
        reasons = [groups[failure].signature for failure in cell.failures]
        outcome.text = xml_text("\n".join([*reasons, f"reproduce: {cell.reproduce}"]))


def xml_text(text: str) -> str:
    """`text` with the characters replaced that XML cannot hold, or that whoever shows it would obey."""
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", printable(text))
