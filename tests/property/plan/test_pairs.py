from __future__ import annotations

from itertools import combinations, product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from stackcompat.plan.plan import Plan, make_plan
from support.world import World, components, day, matrix

NAMES = ("alpha", "beta", "gamma")
NOW = day("2026-11-22")
ROWS = components(*NAMES)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, dict[str, dict[str, dict[str, Any]]]]:
    """An index of three projects that bound each other at will."""
    projects: dict[str, dict[str, dict[str, Any]]] = {}
    for name in NAMES:
        projects[name] = {}
        for minor in range(draw(st.integers(1, 4))):
            bounds = {
                other: draw(st.sampled_from(["", ">=1.1", "<1.2", "==1.0", ">=1.1,<1.3"]))
                for other in NAMES
                if other != name and draw(st.booleans())
            }
            projects[name][f"1.{minor}"] = {
                "uploaded": f"2026-0{minor + 1}-01",
                "requires": [f"{other}{bound}" for other, bound in bounds.items()],
            }
    return World(projects), projects


def plan(world: World, *policies: dict[str, Any]) -> Plan:
    return make_plan(matrix(ROWS, *policies), ROWS, world, platform="linux-x86_64", pythons=["3.12"], now=NOW)


PAIRS = {"policy": "pairs", "releases": {name: {"all": True} for name in NAMES}}


@given(worlds())
def test_pairs_hold_exactly_what_metadata_allows(
    made: tuple[World, dict[str, dict[str, dict[str, Any]]]],
) -> None:
    world, projects = made

    def allows(pin: str, other: str) -> bool:
        (name, version), (other_name, other_version) = pin.split("=="), other.split("==")
        texts = [text for text in projects[name][version]["requires"] if text.startswith(other_name)]
        return all(SpecifierSet(text.removeprefix(other_name)).contains(other_version) for text in texts)

    pins = {name: [f"{name}=={version}" for version in projects[name]] for name in NAMES}
    allowed = {
        frozenset(pair)
        for left, right in combinations(NAMES, 2)
        for pair in product(pins[left], pins[right])
        if allows(*pair) and allows(pair[1], pair[0])
    }
    on_python = {frozenset(("python==3.12", pin)) for found in pins.values() for pin in found}
    found = plan(world, {"policy": "newest"}, PAIRS) if allowed else None
    if found is None:
        return
    (goal,) = found.goals
    assert {frozenset(values) for values in goal.combinations} == allowed | on_python
    together = [set(cell.requirements) for cell in found.cells]
    assert all(any(pair <= row for row in together) for pair in allowed)
    assert set(found.coverage.values()) == {100.0}
    for row in together:
        exact = [text for text in row if "==" in text]
        assert all(frozenset(pair) in allowed for pair in combinations(exact, 2))


@given(worlds())
def test_plans_are_deterministic_and_hold_each_cell_once(
    made: tuple[World, dict[str, dict[str, dict[str, Any]]]],
) -> None:
    world, _ = made
    policies = (
        {"policy": "newest"},
        {"policy": "as-of", "months": 12},
        {"policy": "prerelease", "components": ["beta"]},
    )
    first, second = plan(world, *policies), plan(world, *policies)
    assert first == second
    ids = [cell.id for cell in first.cells]
    assert len(ids) == len(set(ids))
    assert first.cells[0].policy == "newest"
    assert all(cell.requirements == tuple(sorted(cell.requirements)) for cell in first.cells)
