"""The command that lists known incompatibilities."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackcompat.report.write import write
from stackcompat.table.build import summarise
from support.answers_page import documented_fields
from support.command_line import Run
from support.made_up import COMPONENTS, NOW, history

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)


@pytest.fixture(autouse=True)
def _published(checkout: Path) -> None:
    write(checkout / "reports", SUMMARY)


def test_all_of_them_in_each_form(run: Run) -> None:
    code, output, error = run("advice", "--format", "json")
    assert (code, error) == (0, "")
    found = json.loads(output)
    assert set(found[0]) == documented_fields("advice")
    _, table, _ = run("advice")
    _, page, _ = run("advice", "--format", "markdown")
    for advisory in found:
        assert advisory["id"] in table
        assert f"- **{advisory['id']}** " in page
    number = f"{len(found)} known incompatibilit{'y' if len(found) == 1 else 'ies'} by the table of "
    assert number in table
    assert page.startswith(number)
    assert f"({len(SUMMARY.cells)} cells)" in table


def test_those_of_one_component(run: Run) -> None:
    found = json.loads(run("advice", "--format", "json")[1])
    sides = {side["component"] for advisory in found for side in advisory["sides"]}
    for row in SUMMARY.components:
        mine = [one["id"] for one in found if row.name in {side["component"] for side in one["sides"]}]
        assert [one["id"] for one in json.loads(run("advice", row.name, "--json", "-")[1])] == mine
    assert sides


def test_rules_for_tools_that_update_pins(run: Run) -> None:
    assert json.loads(run("advice", "--format", "renovate")[1])["$schema"].endswith("renovate-schema.json")
    assert run("advice", "--format", "dependabot")[1].startswith("version: 2\nupdates:\n")


def test_a_component_that_is_not_there_is_a_mistake(run: Run) -> None:
    code, output, error = run("advice", "nobody")
    assert (code, output) == (2, "")
    assert error.startswith('stackcompat: COMPONENT: "nobody" is not in the table; it has alpha')
    error = run("advice", "alpa")[2]
    assert error.startswith('stackcompat: COMPONENT: "alpa" is not in the table; did you mean alpha?')


@pytest.mark.parametrize("form", ["renovate", "dependabot"])
def test_rules_go_with_a_file_of_json(run: Run, tmp_path: Path, form: str) -> None:
    file = tmp_path / "answer.json"
    assert run("advice", "--format", form, "--json", str(file))[0] == 0
    assert json.loads(file.read_text()) == json.loads(run("advice", "--json", "-")[1])
