"""Advisories as OSV records: only what hits everybody who installs a release, and only releases that were seen."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from stackcompat.advice.advisories import advisories
from stackcompat.advice.advisory import Advisory, AffectedSide
from stackcompat.advice.osv import is_for_everybody, osv, osv_records
from stackcompat.table.summary import Summary
from support.advice_world import failing_frontier, table_with
from support.made_up import NOW

SCHEMA = json.loads((Path(__file__).parents[2] / "data" / "osv-schema.json").read_text(encoding="utf-8"))

#: Eta cannot be imported, in a run of a frontier.
LONE = Advisory(
    id="SC-1",
    summary='Eta 0.1.0, 0.3.0 fails with every tested partner because "no file"',
    sides=(
        AffectedSide(
            component="eta",
            title="Eta",
            distribution="eta",
            versions=("0.1.0", "0.3.0"),
            known=("0.1.0", "0.3.0"),
            first_bad="0.1.0",
        ),
    ),
    together=(("0.1.0",), ("0.3.0",)),
    level="import",
    signature="ImportError: no file [eta]",
    package="eta",
    tests=("test_import.py::test_import[eta]",),
    pythons=("3.12",),
    cells=(),
    evidence=("run",),
    first_seen=NOW - dt.timedelta(days=2, microseconds=5),
    last_seen=NOW,
    workaround="use Eta 0.4.0",
    links=("https://issues.example/1",),
)


def test_the_record_is_valid_by_the_schema_of_osv() -> None:
    record = json.loads(json.dumps(osv(LONE, NOW)))
    jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(record)
    assert record["id"] == "x_SC-1"
    assert record["database_specific"]["advisory"] == "SC-1"
    assert (record["published"], record["modified"]) == ("2026-11-20T05:59:59Z", "2026-11-22T06:00:00Z")
    assert record["references"] == [{"type": "REPORT", "url": "https://issues.example/1"}]
    assert record["details"].startswith(LONE.sentence())


def test_no_release_is_claimed_that_was_not_seen() -> None:
    """Neither what lies between two affected releases, nor what is newer; a range would claim both."""
    assert osv(LONE, NOW)["affected"] == [
        {"package": {"ecosystem": "PyPI", "name": "eta"}, "versions": ["0.1.0", "0.3.0"]}
    ]


def test_whoever_needs_a_partner_or_an_absence_has_no_record(summary: Summary) -> None:
    """A scanner takes each entry of `affected` for enough, so a record of a pair would blame every use of one side."""
    assert is_for_everybody(LONE, summary)
    assert list(osv_records([LONE], summary)) == ["x_SC-1"]
    others: dict[str, dict[str, Any]] = {
        "a partner": {"sides": (*LONE.sides, *LONE.sides)},
        "an absence": {"without": "gamma"},
        "something beside it": {"beside": ("alpha",)},
        "a use that not everybody makes": {"level": "interop"},
        "a distribution that it does not declare": {"signature": "ModuleNotFoundError: No module named 'mu' [eta]"},
        "overridden bounds": {"evidence": ()},
    }
    for needed, update in others.items():
        assert not is_for_everybody(LONE.model_copy(update=update), summary), needed
    own = LONE.model_copy(update={"signature": "ModuleNotFoundError: No module named 'eta.core' [eta]"})
    assert is_for_everybody(own, summary)


def test_a_release_that_was_seen_to_work_has_no_record(summary: Summary) -> None:
    (version,) = {cell.components["alpha"].version for cell in summary.cells if "alpha" in cell.components} & {"1.3.0"}
    side = LONE.sides[0].model_copy(update={"component": "alpha", "distribution": "alpha", "versions": (version,)})
    assert not is_for_everybody(LONE.model_copy(update={"sides": (side,)}), summary)
    along = table_with(failing_frontier("E: words [beta]"))
    side = side.model_copy(update={"component": "beta", "distribution": "beta", "versions": ("2.2.0",)})
    assert not is_for_everybody(LONE.model_copy(update={"sides": (side,)}), along)


def test_pairs_have_no_record(summary: Summary) -> None:
    known = advisories(summary)
    assert any(len(advisory.sides) > 1 for advisory in known)
    assert osv_records(known, summary) == {}


@pytest.mark.parametrize("words", [" ".join(f"word{number}" for number in range(40)), "very-long-" * 30])
def test_a_summary_ends_with_a_word(words: str) -> None:
    cut = osv(LONE.model_copy(update={"summary": words}), NOW)["summary"]
    assert len(cut) <= 120
    assert words.startswith(cut.removesuffix("…").strip())
