"""The answers about files as one document in SARIF 2.1.0, which code hosts and editors show at lines of files. Pure.

See https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html for the format.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from stackcompat.report.check_findings import Answered, Finding, Rule, findings
from stackcompat.table.summary import Summary

__all__ = ["check_sarif"]

#: For each kind of finding: its level in SARIF, and what it means.
_RULES: dict[Rule, tuple[str, str]] = {
    "advisory": ("error", "A known incompatibility"),
    "red-cell": ("error", "The versions of a combination that is broken, whose culprit is not known"),
    "likely-broken": ("warning", "Versions that are inferred to be broken together, and that nobody tested"),
    "not-known": ("warning", "It is not known whether the environment works"),
}


def check_sarif(answers: Iterable[Answered], summary: Summary, version: str) -> dict[str, Any]:
    """A document with one result for each finding in the files.

    Args:
        answers: The files and their answers.
        summary: The table that they were compared with.
        version: The version of this tool.
    """
    found = [(answered, one) for answered in answers for one in findings(answered, summary)]
    rules = {_rule_id(one): _rule(one) for _, one in found}
    places = {rule: place for place, rule in enumerate(rules)}
    driver = {"name": "stackcompat", "version": version, "rules": [*rules.values()]}
    results = [_result(answered, one, places[_rule_id(one)]) for answered, one in found]
    return {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


def _rule_id(finding: Finding) -> str:
    """An advisory is a rule of its own, so that a person can dismiss it alone; any other rule is a kind of finding."""
    return finding.id if finding.advisory else finding.rule


def _rule(finding: Finding) -> dict[str, Any]:
    level, means = _RULES[finding.rule]
    rule: dict[str, Any] = {
        "id": _rule_id(finding),
        "shortDescription": {"text": means},
        "defaultConfiguration": {"level": level},
    }
    if finding.advisory is not None:
        rule["fullDescription"] = {"text": finding.advisory.sentence()}
        if finding.advisory.links:
            rule["helpUri"] = finding.advisory.links[0]
    return rule


def _result(answered: Answered, finding: Finding, rule: int) -> dict[str, Any]:
    text = finding.message if answered.path else f"{answered.source}: {finding.message}"
    result: dict[str, Any] = {
        "ruleId": _rule_id(finding),
        "ruleIndex": rule,
        "level": _RULES[finding.rule][0],
        "message": {"text": text},
    }
    if answered.path:
        result["locations"] = [_location(answered.path, finding.line)]
    if answered.path and finding.related:
        result["relatedLocations"] = [
            _location(answered.path, line) | {"id": place, "message": {"text": name}}
            for place, (line, name) in enumerate(finding.related)
        ]
    return result


def _location(path: str, line: int) -> dict[str, Any]:
    file = PurePath(path)
    uri = file.as_uri() if file.is_absolute() else quote(file.as_posix())
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}
