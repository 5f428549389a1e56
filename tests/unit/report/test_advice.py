"""The files that others act on, from a made-up history and a made-up index."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from pathlib import Path

import pytest
import yaml

from stackcompat.advice.advice import collect_advice
from stackcompat.advice.timeline import timelines
from stackcompat.report.advice import advice_files, constraints
from stackcompat.report.write import write
from stackcompat.table.build import summarise
from support.made_up import COMPONENTS, NOW, history
from support.world import World

WORLD = World(
    {
        "alpha": {"1.0.0": "2026-01-01", "1.1.0": "2026-02-01", "1.2.0": "2026-03-01", "1.3.0": "2026-04-01"},
        "beta": {
            version: {"uploaded": "2026-02-15", "requires": ["alpha>=1", "gamma"]}
            for version in ("2.0.0", "2.1.3", "2.2.0", "2.3.0", "2.4.0", "2.4.1")
        },
    }
)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    days = timelines(summary, WORLD, NOW - dt.timedelta(days=365))
    return advice_files(summary, collect_advice(summary, COMPONENTS, WORLD, (), days))


def test_every_advisory_is_a_file_and_a_line(files: dict[str, str]) -> None:
    listed = json.loads(files["advisories.json"])
    assert listed
    for record in listed:
        assert json.loads(files[f"advisories/{record['id']}.json"]) == record
        assert files["ADVICE.md"].count(f"advisories/{record['id']}.json") == 1


def test_repaired_metadata_is_toml_that_uv_reads(files: dict[str, str]) -> None:
    entries = tomllib.loads(files["repair.toml"])["tool"]["uv"]["dependency-metadata"]
    broken = [finding for finding in json.loads(files["bounds.json"]) if finding["proposed"]]
    assert {(e["name"], e["version"]) for e in entries} == {(f["distribution"], f["release"]) for f in broken}
    assert entries


def test_known_good_sets_are_constraints_with_their_origin(files: dict[str, str]) -> None:
    names = [name for name in files if name.startswith("constraints/")]
    assert names
    first, *pins = files[names[0]].splitlines()
    assert first.startswith("# ")
    assert all(pin.count("==") == 1 for pin in pins)


def test_days_are_counted_on_each_python_that_has_a_newest_cell(files: dict[str, str]) -> None:
    lines = json.loads(files["timeline.json"])
    assert [line["python"] for line in lines] == ["3.13", "3.12", "3.11"]
    assert "of 365 days a plain install gave a broken stack" in files["ADVICE.md"]
    for line in lines:
        assert f"](timeline-{line['python']}.svg)" in files["ADVICE.md"]
        assert files[f"timeline-{line['python']}.svg"].startswith("<svg ")


def test_what_is_known_no_more_is_taken_away(files: dict[str, str], tmp_path: Path) -> None:
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    write(tmp_path, summary, files)
    assert list((tmp_path / "advisories").glob("*.json"))
    write(tmp_path, summary)  # what follows from it could not be told this time
    assert list((tmp_path / "advisories").glob("*.json"))
    assert list((tmp_path / "constraints").glob("*.txt"))
    write(tmp_path, summary, {})
    assert not list((tmp_path / "advisories").glob("*.json"))
    assert not list((tmp_path / "constraints").glob("*.txt"))


def test_constraints_are_lines() -> None:
    assert constraints({"b": "2", "a": "1.0"}) == "a==1.0\nb==2\n"


def test_tools_that_update_pins_have_rules(files: dict[str, str]) -> None:
    ours = {record["id"] for record in json.loads(files["advisories.json"])}
    rules = json.loads(files["renovate.json"])["packageRules"]
    ignored = yaml.safe_load(files["dependabot.yml"])["updates"][0]["ignore"]
    assert rules
    assert [rule["matchPackageNames"] for rule in rules] == [[entry["dependency-name"]] for entry in ignored]
    for rule, entry in zip(rules, ignored, strict=True):
        assert rule["allowedVersions"].replace("!=", "==").split(",") == entry["versions"]
        assert {*rule["description"].partition(": ")[2].split(", ")} <= ours
