"""Environments checked against made-up tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackcompat.advice.advisories import advisories
from stackcompat.advice.check import check
from stackcompat.advice.checked import Checked
from stackcompat.advice.listing import Listed
from stackcompat.advice.set_knowledge import SetKnowledge
from stackcompat.evidence.results import TestResult
from stackcompat.frontier.search import explore
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.made_up import (
    COMPONENTS,
    DISTRIBUTION,
    NEWEST,
    NOW,
    History,
    history,
    make_cell,
    passed,
)
from support.planted import Planted, chart_of, stairs, table

__all__ = ["GOOD", "checked", "joint", "tried", "with_charts"]

#: The newest releases of the made-up history, distribution to version.
GOOD = {DISTRIBUTION[name]: version for name, version in NEWEST.items()}


def checked(summary: Summary, installed: Mapping[str, str], python: str = "3.12", **more: Any) -> Checked:
    """The answer about an environment (distribution to version); `more` are fields of what it lists."""
    return check(Listed(dict(installed), **more), SetKnowledge(summary, python), advisories(summary))


def tried(*cells: tuple[dict[str, str], tuple[TestResult, ...]], python: str = "3.12") -> Summary:
    """A table of cells with these versions and tests."""
    made = History()
    for versions, tests in cells:
        made.add(make_cell(versions, python), versions, tests=tests)
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def joint(*names: str) -> TestResult:
    """A test that uses all of `names` and passes."""
    return passed(f"t.py::joint[{' '.join(names)}]", *names)


def with_charts(**changes: Any) -> Summary:
    """Beta 2.1 and alpha 9.0 are inferred to be broken, by a frontier; no cell has them."""
    chart = chart_of(explore(table(1, 4), Planted(stairs([(0, 1)], 4), words="t: E: words [beta]")))
    sides = {
        "first": chart.first.model_copy(update={"name": "beta", "versions": ("2.1",)}),
        "second": chart.second.model_copy(update={"name": "alpha", "versions": ("8.0", "8.1", "8.2", "9.0")}),
    }
    *seen, last = chart.findings
    assert last.verdict == "broken"
    inferred = last.model_copy(update={"inferred": True, "evidence": (), "sentence": ""} | changes)
    red = tuple(one.model_copy(update={"signature": "E: words [beta]"}) if one.sentence else one for one in seen)
    made = history()
    charts = [chart.model_copy(update={**sides, "findings": (*red, inferred)})]
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW, frontiers=charts)
