"""The components file is read, and its mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.components import load_components, versions_of
from support.made_up import COMPONENTS, make_lock

MATRICES = Path(__file__).parents[3] / "matrices"


ROW = """
[[components]]
name = "alpha"
title = "Alpha"
summary = "does alpha"
group = "core"
distributions = ["Alpha_Dist"]
documentation = "https://alpha.example"
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            ROW + "colour = 1",
            'components[0]: "colour" is not a key that is known here; allowed are blocker, ',
        ),
        (ROW.replace('"core"', '"kernel"'), "components[0].group: must be one of 'core', 'infrastructure', "),
        (ROW.replace('title = "Alpha"', ""), "components[0].title: is missing; it must be given"),
        (ROW + ROW, 'components[0].name: "alpha" stands twice; each component is listed once'),
        (
            ROW + 'tests = ["test_kernel.py::*"]',
            "components[0].tests: allowed only for a part of what another component",
        ),
        (ROW + 'moves-with = "beta"', 'components[0].moves-with: "beta" cannot lead; allowed are '),
        (
            ROW + 'modules = [{ name = "alpha", versions = "1.0" }]',
            'components[0].modules[0].versions: "1.0" is not a version specifier such as ">=0.12,<0.13"',
        ),
        (
            ROW + 'modules = [{ nme = "alpha" }]',
            'components[0].modules[0]: "nme" is not a key that is known here; allowed are name, requires, versions',
        ),
    ],
)
def test_mistake_in_components(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "components.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_components(path)
    assert str(caught.value).startswith(f"{path}: {said}")


def test_components_by_name_and_distribution(tmp_path: Path) -> None:
    path = tmp_path / "components.toml"
    path.write_text(ROW, encoding="utf-8")
    rows = load_components(path)
    assert rows["alpha"].distribution == "alpha-dist"
    assert rows.of_distribution("alpha-dist") is rows["alpha"]
    assert rows.of_distribution("beta") is None
    with pytest.raises(KeyError):
        rows["beta"]


def test_own_components_without_tests_say_why() -> None:
    rows = load_components(MATRICES / "components.toml")
    core = {"jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "qwix"}
    assert {row.name for row in rows.components if not row.untested} >= core
    stack = {
        "pallas",
        "tokamax",
        "xprof",
        "pathways",
        "tunix",
        "maxtext",
        "maxdiffusion",
        "vllm-tpu",
        "neptune",
        "jax-ai-stack",
    }
    assert set(rows.names()) >= core | stack | {"orbax-export"}


def test_every_component_of_the_project_says_how_much_its_tests_may_take() -> None:
    components = load_components(MATRICES / "components.toml").components
    unsaid = [row.name for row in components if not {"seconds", "memory_mb"} <= row.model_fields_set]
    assert unsaid == []
    assert min(row.memory_mb or 0 for row in components) >= 4096


def test_versions_of_a_cell_are_those_of_each_components_first_distribution() -> None:
    installed = make_lock({"alpha": "1.3", "beta": "2.4"}).versions()
    assert versions_of(installed, COMPONENTS) == {"alpha": "1.3", "alpha-native": "1.3", "beta": "2.4"}
    assert "numbers" in installed
