"""The sets that metapackages publish, as far as a cell asks for their members."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.plan.cell import Cell
from stackcompat.plan.ecosystem import Ecosystem
from stackcompat.plan.published_sets import published_sets
from support.plans import WORLD
from support.world import day

ROWS = "".join(
    f'[[components]]\nname = "{name}"\ntitle = "T"\nsummary = "s"\ngroup = "core"\ndistributions = ["{name}"]\n'
    'documentation = "d"\n'
    for name in ("alpha", "beta", "gamma")
)
MATRIX = (
    'title = "M"\ncomponents = ["alpha", "beta", "gamma"]\npythons = ["3.12"]\n'
    '[[policies]]\npolicy = "metapackage"\ndistribution = "{name}"\n'
)


@pytest.fixture
def project(tmp_path: Path) -> Ecosystem:
    """A checkout with one matrix, which names the metapackage `stack`."""
    (tmp_path / "matrices").mkdir()
    (tmp_path / "matrices" / "components.toml").write_text(ROWS)
    (tmp_path / "matrices" / "m.toml").write_text(MATRIX.format(name="stack"))
    return Ecosystem(tmp_path)


def asking_for(*requirements: str) -> Cell:
    return Cell(python="3.12", platform="p", requirements=requirements)


def test_a_set_has_the_pins_of_what_the_cell_asks_for(project: Ecosystem) -> None:
    assert published_sets(project, asking_for("alpha==2.0", "beta"), WORLD) == (("alpha==1.1", "beta==0.1"),)
    assert published_sets(project, asking_for("beta"), WORLD) == (("beta==0.1",),)


def test_a_metapackage_about_other_distributions_gives_no_set(project: Ecosystem) -> None:
    assert published_sets(project, asking_for("gamma"), WORLD) == ()


def test_the_day_of_the_cell_decides_which_release_of_the_metapackage_is_the_newest(project: Ecosystem) -> None:
    cell = asking_for("alpha", "beta").model_copy(update={"exclude_newer": day("2025-12-01")})
    assert published_sets(project, cell, WORLD) == (("beta==0.1",),)
    before_all = cell.model_copy(update={"exclude_newer": day("2025-01-02")})
    assert published_sets(project, before_all, WORLD) == ()


def test_files_that_cannot_be_read_are_passed_over(project: Ecosystem) -> None:
    (project.matrices / "a-broken.toml").write_text("title = ")
    (project.matrices / "b-wrong.toml").write_text(MATRIX.format(name="stack").replace("gamma", "omega"))
    assert published_sets(project, asking_for("beta"), WORLD) == (("beta==0.1",),)


def test_a_metapackage_of_two_matrices_is_asked_once(project: Ecosystem) -> None:
    (project.matrices / "again.toml").write_text(MATRIX.format(name="stack"))
    (project.matrices / "unknown.toml").write_text(MATRIX.format(name="nothing"))
    assert published_sets(project, asking_for("beta"), WORLD) == (("beta==0.1",),)
