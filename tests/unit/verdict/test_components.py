"""The rules of evidence for the components of a cell."""

from __future__ import annotations

from typing import Any

from stackcompat.evidence.runs import PlannedCell
from stackcompat.verdict.components import judge_components
from stackcompat.verdict.verdict import judge
from support.made_up import (
    COMPONENTS,
    failed,
    make_cell,
    passed,
    planned,
    run_of,
    starved,
)

BOTH = {"alpha": "1.3", "beta": "2.4"}


def cell_of(versions: dict[str, str] | None = None, python: str = "3.12", **more: Any) -> PlannedCell:
    versions = versions or BOTH
    return planned(make_cell(versions, python, **more), versions)


def test_components_of_a_cell() -> None:
    versions = {"alpha": "1.3", "beta": "2.4", "gamma": "1.0", "delta": "5.3", "epsilon": "3.1"}
    cell = cell_of(versions)
    wrong = failed("t", "beta", "alpha", "gamma", type="TypeError", packages=("beta", "alpha"))
    tests = (wrong, passed("g", "gamma", level="run"), starved("d", "delta-checkpoint"))
    runs = (run_of(cell, *tests), run_of(cell, wrong, attempt=1))
    assert judge_components(judge(cell, runs, COMPONENTS), COMPONENTS) == {
        "alpha": ("broken", "interop"),
        "alpha-native": ("broken", "interop"),
        "beta": ("broken", "interop"),
        "gamma": ("works", "run"),
        "delta": ("infra-error", "interop"),
        "epsilon": ("untested", "install"),
    }
