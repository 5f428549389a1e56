"""Covering arrays within what metadata allows."""

from __future__ import annotations

from support.plans import PAIRS, plan
from support.world import World, components


def test_pairs_cover_what_metadata_allows() -> None:
    made = plan(PAIRS)
    (goal,) = made.goals
    assert set(goal.combinations) == {
        ("alpha==2.0", "beta==0.1"),
        ("alpha==2.0", "beta==0.2"),
        ("alpha==1.1", "beta==0.1"),
        ("alpha==1.1", "beta==0.2"),
        ("alpha==1.0", "beta==0.1"),
        ("alpha==1.1", "gamma==5"),
        ("alpha==1.0", "gamma==5"),
        ("beta==0.1", "gamma==5"),
        ("beta==0.2", "gamma==5"),
        *(("python==3.12", pin) for pin in ("alpha==1.0", "alpha==1.1", "alpha==2.0")),
        *(("python==3.12", pin) for pin in ("beta==0.1", "beta==0.2", "gamma==5")),
    }
    assert made.coverage == {"2-way over Python, alpha, beta, gamma": 100.0}
    prefix = "metadata excludes 1 of"
    assert made.excluded == (
        f"{prefix} 6 combinations of alpha and beta; for example, beta 0.2 needs alpha>=1.0.5",
        f"{prefix} 3 combinations of alpha and gamma; for example, gamma 5 needs alpha<2",
    )
    # gamma fits neither of the rows with alpha 2.0, so it stays free there. alphalib moves with alpha: never pinned.
    assert {cell.requirements for cell in made.cells} == {
        ("alpha==2.0", "alphalib", "beta==0.1", "gamma"),
        ("alpha==2.0", "alphalib", "beta==0.2", "gamma"),
        ("alpha==1.1", "alphalib", "beta==0.1", "gamma==5"),
        ("alpha==1.1", "alphalib", "beta==0.2", "gamma==5"),
        ("alpha==1.0", "alphalib", "beta==0.1", "gamma==5"),
    }


def test_pairs_take_releases_for_the_python_only() -> None:
    made = plan(PAIRS, pythons=("3.11",))
    assert not any("alpha==2.0" in pins for pins in made.goals[0].combinations)


def test_each_release_meets_each_python_that_it_supports() -> None:
    made = plan(PAIRS, pythons=("3.12", "3.11"))
    met = {(cell.python, text) for cell in made.cells for text in cell.requirements if "==" in text}
    assert {("3.12", "alpha==2.0"), ("3.12", "alpha==1.1"), ("3.11", "alpha==1.1")} <= met
    assert ("3.11", "alpha==2.0") not in met
    share = "metadata excludes 1 of 6 combinations of python and alpha"
    assert f"{share}; for example, alpha 2.0 does not support Python 3.11" in made.excluded


def test_pairs_ignore_bounds_that_are_overridden() -> None:
    made = plan(PAIRS | {"overrides": ["alpha"]})
    assert ("alpha==1.0", "beta==0.2") in made.goals[0].combinations
    assert made.excluded == ()


def test_pairs_newest_row_first_then_seeds() -> None:
    free = World({name: {"1.0": "2026-01-01", "1.1": "2026-02-01"} for name in ("alpha", "beta", "gamma")})
    rows = components("alpha", "beta", "gamma")
    made = plan(PAIRS | {"seeds": [["beta==1", "gamma==1.1"]]}, world=free, rows=rows)
    assert made.cells[0].requirements == ("alpha==1.1", "beta==1.1", "gamma==1.1")
    assert {"beta==1.0", "gamma==1.1"} < set(made.cells[1].requirements)
    assert made.cells[0].label == "alpha 1.1, beta 1.1, gamma 1.1"


def test_a_thousand_cells_hold_every_pair() -> None:
    sizes = {"alpha": 40, "beta": 36, "gamma": 10, "delta": 10, "epsilon": 10, "zeta": 10}
    world = World(
        {
            name: {
                f"1.{minor}": {
                    "uploaded": "2026-01-01",
                    "requires": [] if name == "alpha" else [f"alpha>=1.{minor // 2}"],
                }
                for minor in range(size)
            }
            for name, size in sizes.items()
        }
    )
    made = plan(
        {"policy": "pairs", "releases": {name: {"all": True} for name in sizes}}, world=world, rows=components(*sizes)
    )
    assert len(made.cells) >= 1000
    assert set(made.coverage.values()) == {100.0}
