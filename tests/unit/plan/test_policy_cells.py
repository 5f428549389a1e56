"""The cells of each policy."""

from __future__ import annotations

import datetime as dt

import pytest

from support.plans import STACK, only, plan
from support.world import World, components


def test_newest_asks_for_bare_names() -> None:
    cell = only({"policy": "newest"})
    assert cell.requirements == ("alpha", "alphalib", "beta", "gamma")
    assert cell.newest == ("alpha", "alphalib", "beta", "gamma")
    assert (cell.python, cell.platform, cell.policy, cell.label) == ("3.12", "linux-x86_64", "newest", "newest")


def test_policy_keeps_to_its_pythons_and_overrides() -> None:
    policy = {"policy": "newest", "pythons": ["3.11"], "overrides": ["tool", "Alpha==1.0"], "label": "forced"}
    cell = only(policy, pythons=("3.12", "3.11"))
    assert (cell.python, cell.overrides, cell.label) == ("3.11", ("alpha==1.0", "tool"), "forced: newest")


def test_each_makes_the_cells_for_one_component_after_another() -> None:
    """Those that are named do not meet; what is not named is in every cell."""
    cells = plan({"policy": "newest", "each": ["gamma", "beta"]}).cells
    assert [(cell.label, cell.requirements) for cell in cells] == [
        ("gamma: newest", ("alpha", "alphalib", "gamma")),
        ("beta: newest", ("alpha", "alphalib", "beta")),
    ]
    assert [cell.newest for cell in cells] == [cell.requirements for cell in cells]
    assert all(cell.thorough for cell in cells)

    cells = plan({"policy": "series", "component": "alpha", "releases": {"last": 2}, "each": ["beta", "gamma"]}).cells
    assert [(cell.label, cell.requirements) for cell in cells] == [
        ("beta: alpha 2.0", ("alpha==2.0", "alphalib", "beta")),
        ("beta: alpha 1.1", ("alpha==1.1", "alphalib", "beta")),
        ("gamma: alpha 2.0", ("alpha==2.0", "alphalib", "gamma")),
        ("gamma: alpha 1.1", ("alpha==1.1", "alphalib", "gamma")),
    ]


def test_each_makes_no_cell_before_the_first_release_of_its_component() -> None:
    policy = {"policy": "as-of", "dates": ["2025-08-01", "2025-06-15"], "each": ["beta", "gamma"], "label": "then"}
    cell = only(policy)
    assert (cell.label, cell.requirements) == ("then, beta: as of 2025-08-01", ("alpha", "alphalib", "beta"))


def test_as_of_dates_newest_first_without_what_came_later() -> None:
    first, second = plan({"policy": "as-of", "dates": ["2025-06-15", "2026-10-20"]}).cells
    assert first.exclude_newer == dt.datetime(2026, 10, 20, 23, 59, 59, tzinfo=dt.UTC)
    assert first.requirements == first.newest == ("alpha", "alphalib", "beta", "gamma")
    assert second.requirements == second.newest == ("alpha", "alphalib")
    assert second.label == "as of 2025-06-15, before the first beta, gamma"


def test_as_of_months_are_the_ends_of_complete_months() -> None:
    cells = plan({"policy": "as-of", "months": 10}).cells
    days = [f"{cell.exclude_newer:%Y-%m-%d %H:%M:%S}" for cell in cells]
    assert days[0] == "2026-10-31 23:59:59"
    assert days[8] == "2026-02-28 23:59:59"
    assert len(days) == 10


@pytest.mark.parametrize(
    ("stays", "expected"),
    [
        (0, ["2025-06-15", "2025-07-01", "2026-01-10", "2026-02-01", "2026-08-05", "2026-10-15"]),
        (30, ["2025-07-01", "2026-02-01", "2026-08-05", "2026-10-15"]),
    ],
)
def test_as_of_each_day_that_changed_what_is_newest(stays: int, expected: list[str]) -> None:
    """Pre-releases and yanked releases change nothing. A day until the next upload is too short for `stays`."""
    cells = plan({"policy": "as-of", "since": "2025-06-15", "stays": stays}).cells
    assert [f"{cell.exclude_newer:%Y-%m-%d}" for cell in reversed(cells)] == expected
    assert cells[-1].requirements == (("alpha", "alphalib", "beta") if stays else ("alpha", "alphalib"))


def test_oldest_pins_each_component_with_its_own_floors() -> None:
    cells = plan({"policy": "oldest"}).cells
    assert [(cell.label, cell.requirements) for cell in cells] == [
        ("alpha 2.0 at its floors: alphalib 1.1", ("alpha==2.0", "alphalib==1.1", "beta", "gamma")),
        # alphalib has a floor too, but moves with alpha. Extras and other Pythons do not count.
        ("beta 0.2 at its floors: alpha 1.1", ("alpha==1.1", "alphalib", "beta==0.2", "gamma")),
        # gamma declares no lower bound: no cell.
    ]


def test_oldest_takes_a_floor_that_fits_the_python() -> None:
    world = World(
        {
            "alpha": {"1.0": {"uploaded": "2025-01-01", "python": "<3.12"}, "1.1": "2025-02-01", "1.2": "2025-03-01"},
            "beta": {
                "1.0": {"uploaded": "2025-01-01", "requires": ["alpha~=1.0"]},
                "2.0": {"uploaded": "2025-02-01", "requires": ["alpha>=1.0"], "python": ">=3.12"},
            },
        }
    )
    rows = components("alpha", "beta")
    newer, older = plan({"policy": "oldest"}, world=world, rows=rows, pythons=("3.12", "3.11")).cells
    assert newer.requirements == ("alpha==1.1", "beta==2.0")
    assert older.requirements == ("alpha==1.0", "beta==1.0")


def test_pins_are_taken_as_they_are() -> None:
    policy = {"policy": "pins", "requirements": ["Beta == 0.2", "alpha<2"], "exclude-newer": "2026-09-20"}
    cell = only(policy)
    assert cell.requirements == ("alpha<2", "beta==0.2")
    assert cell.exclude_newer == dt.datetime(2026, 9, 20, 23, 59, 59, tzinfo=dt.UTC)
    assert cell.newest == ()


def test_pins_for_a_python_that_metadata_excludes_stay() -> None:
    assert only({"policy": "pins", "requirements": ["alpha==2.0"]}, pythons=("3.11",)).requirements == ("alpha==2.0",)


def test_a_bare_name_among_pins_means_the_newest() -> None:
    assert only({"policy": "pins", "requirements": ["alpha<2", "Beta"]}).newest == ("beta",)


def test_metapackage_and_one_component_at_newest() -> None:
    cells = plan({"policy": "metapackage", "distribution": "stack"}).cells
    assert [(cell.label, cell.requirements, cell.newest) for cell in cells] == [
        ("stack 2026.1", ("alpha==1.1", "alphalib==1.1", "beta[fast]==0.1", "stack==2026.1", "tool==3"), ()),
        ("stack 2026.1 with the newest alpha", ("alpha", "alphalib", "beta[fast]==0.1", "tool==3"), ("alpha",)),
        ("stack 2026.1 with the newest beta", ("alpha==1.1", "alphalib==1.1", "beta[fast]", "tool==3"), ("beta",)),
    ]


def test_a_metapackage_accompanies_its_pins() -> None:
    whole, *moved = plan({"policy": "metapackage", "distribution": "stack"}).cells
    assert whole.accompanying == ("stack",)
    assert {cell.accompanying for cell in moved} == {()}
    # It is the same question as before there was this field.
    assert whole.model_copy(update={"accompanying": ()}).id == whole.id


def test_metapackage_release_by_name_without_substitutes() -> None:
    policy = {"policy": "metapackage", "distribution": "stack", "release": "2025.1", "substitute": False}
    assert only(policy).requirements == ("beta==0.1", "stack==2025.1")


def test_prerelease_opens_the_component_and_what_moves_with_it() -> None:
    cell = only({"policy": "prerelease", "components": ["alpha"]})
    assert cell.requirements == ("alpha>=0.dev0", "alphalib>=0.dev0", "beta", "gamma")
    assert cell.newest == ("alpha", "alphalib", "beta", "gamma")


@pytest.mark.parametrize(("development", "expected"), [(True, ("beta",)), (False, ())])
def test_index(development: bool, expected: tuple[str, ...]) -> None:
    cell = only({"policy": "index", "variable": "NIGHTLY", "components": ["beta"], "development": development})
    assert cell.requirements == ("alpha", "alphalib", "beta>=0.dev0", "gamma")
    assert (cell.index, cell.development) == ("NIGHTLY", expected)


def test_local() -> None:
    cell = only({"policy": "local", "component": "beta", "source": "dist/beta.whl"})
    assert cell.local == {"beta": "dist/beta.whl"}
    assert cell.requirements == ("alpha", "alphalib", "beta", "gamma")
    assert cell.newest == ("alpha", "alphalib", "gamma")


def test_local_from_a_variable_names_no_path() -> None:
    cell = only({"policy": "local", "component": "beta", "variable": "BETA_SOURCE"})
    assert cell.local == {"beta": "$BETA_SOURCE"}


def test_components_of_one_distribution_are_asked_for_once() -> None:
    rows = STACK.model_copy(
        update={"components": (*STACK.components, STACK["beta"].model_copy(update={"name": "delta"}))}
    )
    assert only({"policy": "newest"}, rows=rows).requirements == ("alpha", "alphalib", "beta", "gamma")


def test_a_series_pins_one_component_at_each_release() -> None:
    cells = plan({"policy": "series", "component": "alpha", "releases": {"all": True}}).cells
    assert [cell.label for cell in cells] == ["alpha 2.0", "alpha 1.1", "alpha 1.0"]
    assert cells[0].requirements == ("alpha==2.0", "alphalib", "beta", "gamma")
    older = plan({"policy": "series", "component": "alpha", "releases": {"last": 2}}, pythons=("3.11",)).cells
    assert [cell.label for cell in older] == ["alpha 1.1", "alpha 1.0"]
