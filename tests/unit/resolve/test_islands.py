"""Which components the search for islands starts from."""

from __future__ import annotations

from stackcompat.ecosystem.components import Components
from stackcompat.resolve.islands import Excluded, newest_members
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
