from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from stackcompat.core.record import UsageError
from stackcompat.ecosystem.components import Components
from stackcompat.plan.cell import Cell
from stackcompat.plan.goal import Plan
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.plan import make_plan
from support.made_up import component
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


def test_a_cells_address_tells_constraints_and_who_is_admitted_and_is_as_ever_without() -> None:
    cell = Cell(python="3.12", platform="linux-x86_64", requirements=("alpha",))
    assert cell.id == "3269393861e4"
    more = [cell.model_copy(update={name: ("beta==1",)}) for name in ("constraints", "admitted")]
    assert len({cell.id, *(other.id for other in more)}) == 3


def test_newest_asks_for_bare_names() -> None:
    cell = only({"policy": "newest"})
    assert cell.requirements == ("alpha", "alphalib", "beta", "gamma")
    assert cell.newest == ("alpha", "alphalib", "beta", "gamma")
    assert (cell.python, cell.platform, cell.policy, cell.label) == ("3.12", "linux-x86_64", "newest", "newest")


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


def test_policy_keeps_to_its_pythons_and_overrides() -> None:
    policy = {"policy": "newest", "pythons": ["3.11"], "overrides": ["tool", "Alpha==1.0"], "label": "forced"}
    cell = only(policy, pythons=("3.12", "3.11"))
    assert (cell.python, cell.overrides, cell.label) == ("3.11", ("alpha==1.0", "tool"), "forced: newest")


def test_python_that_is_not_there_makes_no_cell_and_is_no_mistake() -> None:
    made = plan({"policy": "newest", "pythons": ["3.11"]}, pythons=("3.12", "3.11"), available=["3.12"])
    assert made.cells == ()


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
    """Pre-releases and what is yanked change nothing; a day before the next upload is too short for `stays`."""
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


PAIRS = {"policy": "pairs", "releases": {"alpha": {"all": True}, "beta": {"all": True}, "gamma": {"last": 1}}}


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
    # gamma fits neither of the rows with alpha 2.0, so it stays free there; what moves with alpha always does.
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


def test_pairs_repair_what_was_not_locked() -> None:
    made = plan(PAIRS)
    (goal,) = made.goals

    def locked(cell: Cell) -> dict[str, str]:
        exact = [text.partition("==") for text in cell.requirements if "==" in text]
        return {name: version for name, _, version in exact} | {"python": cell.python}

    whole = {cell.id: locked(cell) for cell in made.cells}
    assert made.repair(whole) == ((), {goal.label: 100.0})
    failed = next(cell for cell in made.cells if {"alpha==1.1", "beta==0.2"} < set(cell.requirements))
    partly = {name: versions for name, versions in whole.items() if name != failed.id}
    cells, reached = made.repair(partly)
    assert reached == {goal.label: pytest.approx(100 * 13 / 15)}
    assert {cell.requirements for cell in cells} == {
        ("alpha==1.1", "alphalib", "beta==0.2", "gamma"),
        ("alpha", "alphalib", "beta==0.2", "gamma==5"),
    }
    assert {cell.policy for cell in cells} == {"pairs"}
    assert made.repair(partly | {cell.id: locked(cell) for cell in cells})[1] == {goal.label: 100.0}


def test_forced_locks_do_not_count_for_what_metadata_allows() -> None:
    forced = {"policy": "pins", "requirements": ["alpha==1.1", "beta==0.2"], "overrides": ["tool==3"]}
    made = plan(PAIRS, forced)
    cell = next(cell for cell in made.cells if cell.forced)
    locked = {"alpha": "1.1", "beta": "0.2", "python": "3.12"}
    assert made.repair({cell.id: locked})[1] == {made.goals[0].label: 0.0}


def test_equal_cells_of_two_policies_are_made_once() -> None:
    made = plan({"policy": "pins", "requirements": ["alpha", "alphalib", "beta", "gamma"]}, {"policy": "newest"})
    (cell,) = made.cells
    assert (cell.policy, cell.label) == ("newest", "newest; alpha, alphalib, beta, gamma")
    assert cell.newest == ("alpha", "alphalib", "beta", "gamma")


def test_ids_depend_on_the_question_only() -> None:
    first = only({"policy": "pins", "requirements": ["beta==0.2", "alpha<2"]})
    second = only({"policy": "pins", "requirements": ["alpha < 2", "Beta==0.2"], "label": "again"})
    assert first.id == second.id
    assert first.id != only({"policy": "pins", "requirements": ["beta==0.2", "alpha<2"]}, pythons=("3.11",)).id


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


def test_plan_survives_json() -> None:
    made = plan({"policy": "newest"}, {"policy": "as-of", "months": 2}, PAIRS)
    assert Plan.model_validate_json(made.to_json()) == made


def test_a_thousand_cells_are_planned_in_seconds() -> None:
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
    began = time.monotonic()
    made = plan(
        {"policy": "pairs", "releases": {name: {"all": True} for name in sizes}}, world=world, rows=components(*sizes)
    )
    assert time.monotonic() - began < 5
    assert len(made.cells) >= 1000
    assert set(made.coverage.values()) == {100.0}
