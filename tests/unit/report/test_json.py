from __future__ import annotations

import json
import re

import jsonschema

from stackcompat.report.json import compat, schema, text
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, history

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)


def test_it_is_what_its_schema_says() -> None:
    described = json.loads(schema())
    jsonschema.Draft202012Validator.check_schema(described)
    jsonschema.validate(json.loads(compat(SUMMARY)), described, jsonschema.Draft202012Validator)


def test_a_document_that_lacks_a_field_is_not() -> None:
    document = json.loads(compat(SUMMARY))
    del document["cells"][0]["verdict"]
    assert not jsonschema.Draft202012Validator(json.loads(schema())).is_valid(document)


def test_it_reads_back_as_the_summary_without_the_locks() -> None:
    assert Summary.model_validate_json(compat(SUMMARY)) == SUMMARY.model_copy(update={"locks": {}, "installed": {}})


def test_fields_are_in_snake_case_and_locks_are_files_of_their_own() -> None:
    keys = set(re.findall(r'^ +"([^"]+)":', schema(), re.MULTILINE)) - {"$defs", "$schema", "$ref", "anyOf"}
    fields = {key for definition in json.loads(schema())["$defs"].values() for key in definition.get("properties", {})}
    assert {"first_version", "deepest_level"} <= fields <= keys
    assert not [field for field in fields if not re.fullmatch("[a-z_]+", field)]
    assert "locks" not in json.loads(schema())["properties"]
    assert "locks" not in json.loads(compat(SUMMARY))


def test_references_lead_somewhere() -> None:
    document = json.loads(compat(SUMMARY))
    cells = {cell["id"] for cell in document["cells"]}
    failures = {failure["id"] for failure in document["failures"]}
    assert {failure for cell in document["cells"] for failure in cell["failures"]} == failures
    assert {cell for failure in document["failures"] for cell in failure["cells"]} <= cells
    assert {release["cell"] for pair in document["pairs"] for release in pair["releases"]} <= cells
    linked = {release.get("failure") for pair in document["pairs"] for release in pair["releases"]}
    assert linked - {None} <= failures
    assert {one["cell"] for one in document["today"]} <= cells


def test_many_rows_are_written_one_by_one_as_they_would_be_together() -> None:
    many = tuple(SUMMARY.cells[0].model_copy(update={"id": f"cell-{number}"}) for number in range(300))
    summary = SUMMARY.model_copy(update={"cells": many})
    assert compat(summary) == text(summary.model_dump(mode="json", by_alias=False))
