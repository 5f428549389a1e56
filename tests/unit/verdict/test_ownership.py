"""Which component a name, a module or a pin belongs to."""

from __future__ import annotations

import pytest

from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.verdict.ownership import mentioned, owner_of, pins_of
from support.made_up import COMPONENTS, component, make_cell


def test_a_part_of_another_distribution_is_nobody_of_its_own() -> None:
    part = component("kernels", "alpha.kernels", distributions=("alpha",))
    parts = Components(components=(*COMPONENTS.components, part))
    assert "kernels" not in versions_of({"alpha": "1.3"}, parts)
    assert mentioned("beta 2 depends on alpha<1.2", parts) == {"alpha", "beta"}


def test_exact_pins_only() -> None:
    cell = make_cell({"alpha": "1.3"}).model_copy(
        update={"requirements": ("alpha==1.3", "beta==2.*", "gamma>=1", "beta-extras==1.3", "unknown==1")}
    )
    assert pins_of(cell, COMPONENTS) == {"alpha": "1.3"}


@pytest.mark.parametrize(
    ("module", "owner"),
    [
        ("alpha.experimental.boxes", "alpha"),
        ("alpha_native._core", "alpha-native"),
        ("beta.nets", "beta"),
        ("delta.checkpoint.handlers", "delta-checkpoint"),
        ("numbers.core", "numbers"),
        ("big.protocols.wire", "protocols"),
        ("typing_more", "typing-more"),
        ("nobody.knows", None),
        ("gamma.core", None),
    ],
)
def test_whose_module_it_is(module: str, owner: str | None) -> None:
    installed = ("alpha", "alpha-native", "beta", "delta-checkpoint", "numbers", "protocols", "typing-more")
    assert owner_of(module, installed, COMPONENTS) == owner
