"""Mistakes in a matrix that only the index shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.plan import Plan, make_plan
from support.plans import NOW, PAIRS, STACK, WORLD, refusal
from support.world import matrix


def test_what_goes_along_is_in_every_cell_and_must_exist() -> None:
    policies: list[Mapping[str, Any]] = [{"policy": "newest"}, {"policy": "pins", "requirements": ["alpha==1.0"]}]
    fields = matrix(STACK, *policies).model_dump(by_alias=True) | {"also": ["tool>=3"]}
    made = Matrix.model_validate(fields).read_from(Path("m.toml"))

    def planned(made: Matrix) -> Plan:
        return make_plan(made, STACK, WORLD, platform="p", pythons=["3.12"], now=NOW)

    assert [cell.requirements[-1] for cell in planned(made).cells] == ["tool>=3", "tool>=3"]
    assert "tool" not in planned(made).cells[0].newest
    with pytest.raises(UsageError, match=r'm\.toml: also: "tool==4": the index has no such release'):
        planned(made.model_copy(update={"also": ("tool==4",)}))


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        (
            [{"policy": "pins", "requirements": ["beta==9"]}],
            'policies[0].requirements: "beta==9": the index has no such release; allowed are, newest first, 0.2, 0.1',
        ),
        (
            [{"policy": "pins", "requirements": ["omega"]}],
            'policies[0].requirements: "omega": the index has no releases of omega; allowed is what it has',
        ),
        (
            [{"policy": "newest", "overrides": ["tool==4"]}],
            'policies[0].overrides: "tool==4": the index has no such release; allowed are, newest first, 3',
        ),
        (
            [{"policy": "metapackage", "distribution": "stack", "release": "1.1"}],
            'policies[0].release: "stack==1.1": the index has no such release; allowed are, newest first, 2026.1',
        ),
        (
            [{"policy": "metapackage", "distribution": "stack", "release": "the best"}],
            'policies[0].release: "stack==the best" is not a requirement such as',
        ),
        (
            [{"policy": "metapackage", "distribution": "stack", "release": "2024.1"}],
            "policies[0]: makes no cell for Python 3.12; widen what it chooses, or drop it",
        ),
        (
            [{"policy": "newest"}, {"policy": "as-of", "dates": ["2020-01-01"]}],
            "policies[1]: makes no cell for Python 3.12; widen what it chooses, or drop it",
        ),
        (
            [PAIRS | {"releases": {"beta": {"all": True}, "gamma": {"months": 1}}}],
            "policies[0].releases.gamma: chooses no release for Python 3.12; choose more (its newest are 5)",
        ),
        (
            [PAIRS | {"seeds": [["alpha==1.1", "beta==0.3"]]}],
            'policies[0].seeds[0]: "beta==0.3" is not among the chosen releases',
        ),
        ([PAIRS, PAIRS], "policies[1].label: is that of another pairs policy; allowed is one of its own"),
        (
            [
                {"policy": "pins", "requirements": ["alpha==1.0", "beta"]},
                {"policy": "pins", "requirements": ["beta", "alpha == 1.0"], "label": "again"},
            ],
            'policies[1]: makes the cell "again: beta, alpha==1.0" that policies[0] makes; each may be given once',
        ),
    ],
)
def test_mistakes_that_only_the_index_shows(policies: list[Mapping[str, Any]], said: str) -> None:
    assert refusal(*policies).startswith(f"made.toml: {said}")
