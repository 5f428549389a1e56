"""A made-up index of four components and a metapackage, and short ways to plan a matrix on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.components import Components
from stackcompat.plan.cell import Cell
from stackcompat.plan.plan import Plan, make_plan
from support.world import World, components, day, matrix

NOW = day("2026-11-22")


STACK = components("alpha", "alphalib", "beta", "gamma", alphalib="alpha")


WORLD = World(
    {
        "alpha": {
            "1.0": "2025-06-01",
            "1.1": {"uploaded": "2026-01-10", "requires": ["alphalib>=1.1,<=1.1"]},
            "2.0": {"uploaded": "2026-08-05", "requires": ["alphalib>=1.1,<=2.0"], "python": ">=3.12"},
            "2.1rc1": {"uploaded": "2026-11-20", "requires": ["alphalib>=2.0"], "python": ">=3.12"},
        },
        "alphalib": {"1.0": "2025-06-01", "1.1": "2026-01-10", "2.0": "2026-08-05"},
        "beta": {
            "0.1": {"uploaded": "2025-07-01", "requires": ["alpha"]},
            "0.2": {
                "uploaded": "2026-02-01",
                "requires": [
                    "alpha>=1.0.5",
                    "alphalib>=1.0",
                    'gamma>=9; extra == "more"',
                    'gamma>=8; python_version < "3"',
                ],
            },
            "0.3": {"uploaded": "2026-09-01", "requires": ["alpha>=1.0.5"], "yanked": True},
        },
        "gamma": {"5": {"uploaded": "2026-10-15", "requires": ["beta", "alpha<2"]}},
        "stack": {
            "2026.1": {
                "uploaded": "2026-01-31",
                "requires": ["alpha==1.1", "alphalib==1.1", "Beta[fast]==0.1", "tool==3", 'gamma==5; extra == "all"'],
            },
            "2025.1": {"uploaded": "2025-08-01", "requires": ["beta==0.1"]},
            "2024.1": {"uploaded": "2025-06-01"},
        },
        "tool": {"3": "2025-01-01"},
    }
)


def plan(
    *policies: Mapping[str, Any],
    world: World = WORLD,
    rows: Components = STACK,
    pythons: Sequence[str] = ("3.12",),
    available: Sequence[str] | None = None,
) -> Plan:
    return make_plan(
        matrix(rows, *policies, pythons=tuple(pythons)),
        rows,
        world,
        platform="linux-x86_64",
        pythons=list(pythons if available is None else available),
        now=NOW,
    )


def only(*policies: Mapping[str, Any], **more: Any) -> Cell:
    (cell,) = plan(*policies, **more).cells
    return cell


def refusal(*policies: Mapping[str, Any], **more: Any) -> str:
    with pytest.raises(UsageError) as caught:
        plan(*policies, **more)
    return str(caught.value)


PAIRS = {"policy": "pairs", "releases": {"alpha": {"all": True}, "beta": {"all": True}, "gamma": {"last": 1}}}
