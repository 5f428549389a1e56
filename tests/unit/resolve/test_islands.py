"""Islands as records and as rows, and who is a member of them."""

from __future__ import annotations

import pytest

from stackcompat.ecosystem.components import Components
from stackcompat.resolve.islands import Excluded, island_of, newest_members, number_islands
from support.islands_world import IslandsWorld
from support.made_up import component
from support.world import World

COMPONENTS = Components(
    components=(
        component("alpha"),
        component("alpha-native", moves_with="alpha"),
        component("kernels", distributions=("alpha",)),
        component("beta", install=("beta[tpu]", "companion>=2")),
        component("gamma"),
        component("delta", placeholders="<=0.0.0"),
        component("epsilon", published="git only", distributions=()),
        component("zeta"),
    )
)
WORLD = World(
    {
        "alpha": {"1.0": "2026-01-01", "1.1": "2026-02-01", "2.0rc1": "2026-03-01"},
        "alpha-native": {"1.1": "2026-02-01"},
        "beta": {"3.0": "2026-01-01", "3.1": {"uploaded": "2026-02-01", "yanked": True}},
        "gamma": {"5": {"uploaded": "2026-01-01", "python": ">=3.14"}},
        "delta": {"0.0.0": "2026-01-01"},
    }
)


def test_members_are_the_newest_that_an_installer_takes() -> None:
    members, absent = newest_members(COMPONENTS, WORLD, "3.12")
    assert [(member.name, member.version, member.requirements) for member in members] == [
        ("alpha", "1.1", ("alpha==1.1",)),
        ("beta", "3.0", ("beta[tpu]==3.0", "companion>=2")),
    ]
    assert absent == [Excluded(name="gamma", version="5", reason="gamma 5 requires Python >=3.14")]


def test_equal_islands_of_several_pythons_are_one_shore() -> None:
    found = IslandsWorld("abc", ["ab"]).find()
    fewer = IslandsWorld("ac", []).find().model_copy(update={"python": "3.11"})
    again = found.model_copy(update={"python": "3.13"})
    shores = number_islands([again, found, fewer])
    assert [(shore.number, shore.pythons, "".join(shore.releases)) for shore in shores] == [
        (1, ("3.13", "3.12", "3.11"), "ac"),
        (2, ("3.13", "3.12"), "bc"),
    ]
    assert [left.name for left in shores[0].excluded] == ["b"]


@pytest.mark.parametrize(
    ("names", "number"),
    [("ac", 1), ("bc", 2), ("c", 1), (("b", "old"), 2), (("a", "b", "c"), 1), (("x",), None), ((), None)],
)
def test_a_user_is_on_the_shore_that_has_most_of_what_they_use(names: tuple[str, ...], number: int | None) -> None:
    shore = island_of(names, number_islands([IslandsWorld("abc", ["ab"]).find()]))
    assert (shore.number if shore else None) == number
