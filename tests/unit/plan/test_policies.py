"""The keys of policies: what they default to, and which of them exclude each other."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from stackcompat.core.dates import parse_date
from stackcompat.plan.policies import POLICY_NAMES, AsOf, LocalSource, Metapackage, Pairs, Pins, Policy, Series
from stackcompat.plan.selection import Selection

EVERY: dict[str, dict[str, Any]] = {
    "newest": {},
    "as-of": {"months": 3},
    "oldest": {},
    "pins": {"requirements": ["Alpha == 1.0"]},
    "metapackage": {"distribution": "stack"},
    "pairs": {"releases": {"alpha": {"last": 2}, "beta": {"all": True}}},
    "series": {"component": "alpha", "releases": {"last": 2}},
    "prerelease": {"components": ["alpha"]},
    "index": {"variable": "INDEX", "components": ["alpha"]},
    "local": {"component": "alpha", "source": "."},
}


def read(name: str, **keys: Any) -> Policy:
    policy: Policy = TypeAdapter(Policy).validate_python({"policy": name, **EVERY[name], **keys})
    return policy


def mistake(name: str, **keys: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        read(name, **keys)
    return str(caught.value.errors()[0]["msg"]).removeprefix("Value error, ")


def test_every_policy_is_known_by_its_name() -> None:
    assert tuple(EVERY) == POLICY_NAMES
    assert [read(name).policy for name in EVERY] == list(EVERY)


def test_policies_that_make_many_cells_leave_out_the_thorough_tests() -> None:
    thorough = {name for name in EVERY if read(name).thorough}
    assert thorough == {"newest", "pins", "prerelease", "index", "local"}
    assert read("pairs", thorough=True).thorough
    assert not read("newest", thorough=False).thorough


def test_requirements_come_out_in_normal_form() -> None:
    assert read("pins") == Pins(policy="pins", requirements=("alpha==1.0",))


@pytest.mark.parametrize(
    "keys",
    [
        {"months": None},
        {"months": 2, "since": "2026-01-01"},
        {"months": 2, "dates": ["2026-01-01"]},
        {"months": None, "since": "2026-01-01", "dates": ["2026-01-01"]},
    ],
)
def test_past_moments_are_given_in_one_way(keys: dict[str, Any]) -> None:
    assert mistake("as-of", **keys) == "takes exactly one of: dates = [...], months = N, since = DATE"


def test_each_way_to_give_past_moments() -> None:
    assert read("as-of") == AsOf(policy="as-of", months=3)
    since = read("as-of", months=None, since="2026-01-01", stays=4)
    assert since == AsOf(policy="as-of", since=parse_date("2026-01-01"), stays=4)
    with_dates = read("as-of", months=None, dates=["2026-01-01", "2026-01-01T12:00:00Z"])
    assert isinstance(with_dates, AsOf)
    assert len(with_dates.dates) == 2


def test_stays_needs_since_and_a_day_is_named_once() -> None:
    assert mistake("as-of", stays=1) == "stays = N goes with since = DATE alone"
    twice = ["2026-01-31", "2026-01-31T23:59:59Z"]  # a day means its end
    assert mistake("as-of", months=None, dates=twice) == "dates names a day twice"


@pytest.mark.parametrize(("strength", "components"), [(3, 2), (4, 3)])
def test_a_combination_has_a_release_of_each_of_different_components(strength: int, components: int) -> None:
    releases = {f"c{number}": {"all": True} for number in range(components)}
    expected = f"strength = {strength} needs at least {strength} components in releases"
    assert mistake("pairs", strength=strength, releases=releases) == expected
    enough = read("pairs", strength=strength, releases=releases | {"more": {"all": True}})
    assert isinstance(enough, Pairs)
    assert enough.releases["more"] == Selection(all=True)


@pytest.mark.parametrize("keys", [{"source": ""}, {"variable": "SOURCE"}])
def test_a_local_source_is_given_in_one_way(keys: dict[str, Any]) -> None:
    assert mistake("local", **keys) == 'takes either source = "..." or variable = "..."'


def test_a_local_source_can_be_in_a_variable() -> None:
    assert read("local", source="", variable="SOURCE") == LocalSource(
        policy="local", component="alpha", variable="SOURCE"
    )
    assert "pattern" in mistake("local", source="", variable="$SOURCE")


def test_a_metapackage_is_taken_at_its_newest_with_substitutes() -> None:
    assert read("metapackage") == Metapackage(
        policy="metapackage", distribution="stack", release="newest", substitute=True
    )


def test_what_is_in_every_cell_is_none_of_each() -> None:
    assert mistake("series", each=["alpha"]) == 'each names "alpha", which is in every cell'
    assert TypeAdapter(Series).validate_python({**EVERY["series"], "policy": "series", "each": ["beta"]}).each == (
        "beta",
    )
