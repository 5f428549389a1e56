"""The answers as SARIF, held to the parts of its schema that they use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from stackcompat.report.check_sarif import check_sarif
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.answers import answer
from support.made_up import COMPONENTS, NOW, history


def record(required: str, **properties: Any) -> dict[str, Any]:
    """The schema of an object with these properties and no others."""
    facts = {"required": required.split(), "properties": properties, "additionalProperties": False}
    return {"type": "object", **facts}


TEXT = record("text", text={"type": "string", "minLength": 1})
LEVEL = {"enum": ["none", "note", "warning", "error"]}
PLACE = record(
    "artifactLocation region",
    artifactLocation=record("uri", uri={"type": "string", "format": "uri-reference"}),
    region=record("startLine", startLine={"type": "integer", "minimum": 1}),
)
LOCATION = record("physicalLocation", physicalLocation=PLACE, id={"type": "integer", "minimum": -1}, message=TEXT)
RESULT = record(
    "message",
    ruleId={"type": "string"},
    ruleIndex={"type": "integer", "minimum": -1},
    level=LEVEL,
    message=TEXT,
    locations={"type": "array", "items": LOCATION},
    relatedLocations={"type": "array", "items": LOCATION, "uniqueItems": True},
)
RULE = record(
    "id",
    id={"type": "string"},
    shortDescription=TEXT,
    fullDescription=TEXT,
    helpUri={"type": "string", "format": "uri"},
    defaultConfiguration=record("", level=LEVEL),
)
DRIVER = record(
    "name",
    name={"type": "string"},
    version={"type": "string"},
    rules={"type": "array", "items": RULE, "uniqueItems": True},
)
RUN = record(
    "tool",
    tool=record("driver", driver=DRIVER),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": RESULT},
)
#: The objects of SARIF 2.1.0 that the documents use, with what the format asks of each.
SCHEMA = record(
    "version runs",
    **{
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": RUN, "minItems": 1},
    },
)


@pytest.fixture(scope="module")
def summary() -> Summary:
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def the_run(summary: Summary, *files: tuple[str, str]) -> dict[str, Any]:
    """The one run of the document about files, each a path and a content; the document fits the schema."""
    document = check_sarif([answer(summary, text, path) for path, text in files], summary, "1.2.3")
    jsonschema.validate(document, SCHEMA, format_checker=jsonschema.FormatChecker())
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [one["ruleId"] for one in run["results"]]
    found: dict[str, Any] = run
    return found


def test_one_result_for_each_advisory_and_each_reason(summary: Summary) -> None:
    run = the_run(summary, ("a b.txt", "\nalpha==1.3.0\nbeta==2.1.3\nstrange==1\n"), ("other.txt", "eta==1.0\n"))
    broken, *unknown = run["results"]
    assert broken["ruleId"].startswith("SC-")
    assert broken["level"] == "error"
    place = {"artifactLocation": {"uri": "a%20b.txt"}, "region": {"startLine": 3}}
    assert broken["locations"] == [{"physicalLocation": place}]
    assert broken["relatedLocations"][0]["message"] == {"text": "alpha"}
    assert [(one["ruleId"], one["level"]) for one in unknown] == [("not-known", "warning")] * len(unknown)
    assert {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in unknown} == {
        "a%20b.txt",
        "other.txt",
    }
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [broken["ruleId"], "not-known"]


def test_what_works_gives_no_result(summary: Summary) -> None:
    run = the_run(summary, ("pins.txt", "alpha==1.3.0\n"))
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


def test_standard_input_has_no_place(summary: Summary) -> None:
    (result,) = the_run(summary, ("", "eta==1.0\n"))["results"]
    assert "locations" not in result
    assert result["message"]["text"].startswith("standard input: not known: ")


def test_a_file_elsewhere_has_an_address(summary: Summary, tmp_path: Path) -> None:
    (result,) = the_run(summary, (str(tmp_path / "x.txt"), "eta==1.0\n"))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == (tmp_path / "x.txt").as_uri()


def test_an_issue_of_an_advisory_is_its_help(summary: Summary) -> None:
    answered = answer(summary, "alpha==1.3.0\nbeta==2.1.3\n")
    linked = answered.checked.hits[0].model_copy(update={"links": ("https://example.org/1",)})
    checked = answered.checked.model_copy(update={"hits": (linked,)})
    document = check_sarif([answered._replace(checked=checked)], summary, "1.2.3")
    jsonschema.validate(document, SCHEMA)
    assert document["runs"][0]["tool"]["driver"]["rules"][0]["helpUri"] == "https://example.org/1"
