"""The cells of several policies become one plan."""

from __future__ import annotations

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.components import Components
from stackcompat.plan.plan import Plan
from support.made_up import component
from support.plans import PAIRS, plan
from support.world import World, components


def test_a_reserved_name_is_asked_for_as_soon_as_there_is_more() -> None:
    rows = Components(components=(*components("alpha").components, component("delta", placeholders="<=0.0.0")))
    names = {"alpha": {"1.0": "2025-06-01"}, "delta": {"0.0.0": "2025-06-01"}}
    made = plan({"policy": "newest"}, rows=rows, world=World(names))
    assert made.cells[0].requirements == ("alpha",)
    assert made.reserved == {"delta": "0.0.0"}
    real = World(names | {"delta": {"0.0.0": "2025-06-01", "0.1.0": "2026-11-22"}})
    made = plan({"policy": "newest"}, rows=rows, world=real)
    assert made.cells[0].requirements == ("alpha", "delta")
    assert made.reserved == {}


def test_a_matrix_of_reserved_names_alone_has_nothing_to_try() -> None:
    rows = Components(components=(component("delta", placeholders="<=0.0.0"),))
    with pytest.raises(UsageError, match=r"makes no cell for Python 3\.12"):
        plan({"policy": "newest"}, rows=rows, world=World({"delta": {"0.0.0": "2025-06-01"}}))


def test_newest_python_and_newest_policy_first() -> None:
    made = plan(
        {"policy": "pins", "requirements": ["alpha==1.0"]}, {"policy": "newest"}, pythons=("3.9", "3.12", "3.11")
    )
    assert [(cell.policy, cell.python) for cell in made.cells] == [
        ("newest", "3.12"),
        ("newest", "3.11"),
        ("newest", "3.9"),
        ("pins", "3.12"),
        ("pins", "3.11"),
        ("pins", "3.9"),
    ]


def test_python_that_is_not_there_makes_no_cell_and_is_no_mistake() -> None:
    made = plan({"policy": "newest", "pythons": ["3.11"]}, pythons=("3.12", "3.11"), available=["3.12"])
    assert made.cells == ()


def test_equal_cells_of_two_policies_are_made_once() -> None:
    made = plan({"policy": "pins", "requirements": ["alpha", "alphalib", "beta", "gamma"]}, {"policy": "newest"})
    (cell,) = made.cells
    assert (cell.policy, cell.label) == ("newest", "newest; alpha, alphalib, beta, gamma")
    assert cell.newest == ("alpha", "alphalib", "beta", "gamma")


def test_plan_survives_json() -> None:
    made = plan({"policy": "newest"}, {"policy": "as-of", "months": 2}, PAIRS)
    assert Plan.model_validate_json(made.to_json()) == made
