"""The inputs of policies: reserved names, followers, pre-releases, and how a cell is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.components import Components
from stackcompat.plan.inputs import PlanInputs
from stackcompat.plan.policies import Newest
from support.made_up import component
from support.plans import NOW
from support.world import World, matrix

ROWS = Components(
    components=(
        component("alpha"),
        component("alpha-native", moves_with="alpha"),
        component("kernels", distributions=("alpha",)),
        component("beta"),
        component("held", placeholders="<=0.0.0"),
        component("begun", placeholders="<=0.0.0"),
        component("absent", placeholders="<=0.0.0"),
    )
)
WORLD = World(
    {
        "alpha": {"1.0": "2026-01-01"},
        "alpha-native": {"1.0": "2026-01-01"},
        "beta": {"2.0": "2026-01-01"},
        "held": {"0.0.0": "2026-01-01", "1.0rc1": "2026-02-01"},
        "begun": {"0.0.0": "2026-01-01", "0.1": "2026-02-01"},
    }
)


def inputs(policy: Mapping[str, Any] | None = None, **fields: Any) -> PlanInputs:
    made = matrix(ROWS, policy or {"policy": "newest"})
    source = made.source
    made = made.model_copy(update=fields).read_from(source)
    return PlanInputs(made, ROWS, WORLD, "linux-x86_64", NOW)


def test_a_component_is_reserved_while_its_newest_release_only_reserves_the_name() -> None:
    assert inputs().reserved == {"held": "0.0.0"}


def test_each_distribution_is_named_once_and_reserved_ones_are_not() -> None:
    assert inputs().names == ("alpha", "alpha-native", "beta", "begun", "absent")
    assert inputs(components=("beta", "held")).names == ("beta",)


def test_followers_are_those_in_the_matrix() -> None:
    assert inputs().followers("alpha") == {"alpha-native"}
    assert inputs().followers("beta") == set()
    assert inputs(components=("alpha", "beta")).followers("alpha") == set()


def test_prereleases_of_a_component_are_also_those_of_its_followers() -> None:
    few = inputs(components=("alpha", "alpha-native", "beta"))
    assert few.prereleases_of(["alpha"]) == ["alpha>=0.dev0", "alpha-native>=0.dev0", "beta"]
    assert few.prereleases_of(["beta"]) == ["alpha", "alpha-native", "beta>=0.dev0"]


def test_a_cell_has_the_requirements_of_the_policy_and_of_the_matrix_in_order() -> None:
    policy = Newest(policy="newest", overrides=("tool==3", "beta==2.0"), thorough=False)
    cell = inputs(also=("tool>=3", "beta")).cell(policy, "3.12", ["beta", "alpha"], "all", newest=("alpha",))
    assert cell.requirements == ("alpha", "beta", "tool>=3")
    assert cell.accompanying == ("tool",)  # the policy itself asks for beta
    assert cell.overrides == ("beta==2.0", "tool==3")
    assert (cell.python, cell.platform, cell.policy) == ("3.12", "linux-x86_64", "newest")
    assert cell.newest == ("alpha",)
    assert not cell.thorough


@pytest.mark.parametrize(("label", "expected"), [("", "all"), ("nightly", "nightly: all")])
def test_the_label_of_the_policy_comes_first(label: str, expected: str) -> None:
    assert inputs().cell(Newest(policy="newest", label=label), "3.12", [], "all").label == expected


def test_a_mistake_is_refused_with_file_and_key() -> None:
    with pytest.raises(UsageError, match=r"^made\.toml: policies\[0\]: makes no cell$"):
        inputs().refuse("policies[0]", "makes no cell")
