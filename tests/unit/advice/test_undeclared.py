"""What a failure says is needed and not declared, and which side of a frontier fails alone."""

from __future__ import annotations

import pytest

from stackcompat.advice.undeclared import Undeclared, lone_component, undeclared
from stackcompat.table.frontiers import FrontierReason
from stackcompat.table.summary import Summary
from support.advice_world import failing_frontier, table_with

ABSENT = "ModuleNotFoundError: No module named 'gamma' [beta]"


@pytest.mark.parametrize(
    ("signature", "wanted"),
    [
        (ABSENT, Undeclared("beta", "gamma")),
        ("ImportError: No module named 'gamma' [beta]", Undeclared("beta", "gamma")),
        ("ModuleNotFoundError: No module named 'gamma.core' [beta]", None),  # gamma is there, in another release
        ("ModuleNotFoundError: No module named 'beta' [beta]", None),
        ("ModuleNotFoundError: No module named 'nobody' [beta]", None),  # no component
        ("AttributeError: module 'gamma' has no attribute 'x' [beta]", None),
    ],
)
def test_only_a_component_that_is_not_installed_at_all_is_undeclared(
    summary: Summary, signature: str, wanted: Undeclared | None
) -> None:
    assert undeclared(signature, summary.components) == wanted


def reason(signature: str, alone: str = "") -> FrontierReason:
    (row,) = table_with(failing_frontier("E: words [beta]")).frontiers
    return row.reasons[0].model_copy(update={"signature": signature, "alone": alone})


@pytest.mark.parametrize(
    ("signature", "alone", "wanted"),
    [
        (ABSENT, "", "beta"),
        ("ModuleNotFoundError: No module named 'alpha' [beta]", "", ""),  # the other side
        ("E: words [beta]", "", ""),
        ("E: words [beta]", "alpha", "alpha"),
    ],
)
def test_a_side_fails_alone_for_want_of_a_third_one(signature: str, alone: str, wanted: str) -> None:
    summary = table_with(failing_frontier("E: words [beta]"))
    assert lone_component(reason(signature, alone), summary.frontiers[0], summary.components) == wanted
