"""Who keeps a distribution from its newest release: read from the resolution that demands this release."""

from __future__ import annotations

import pytest

from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.held_back import held_back
from stackcompat.resolve.lock import HeldBack, Lock, Pin, Resolution
from support.world import World

CATALOG = World({"alpha": {"1.0": "2026-01-01", "2.0": "2026-02-01"}, "beta": {"1.0": "2026-01-01"}})
CELL = Cell(python="3.12", platform="p", requirements=("alpha", "beta"), newest=("alpha", "beta"))


def lock(**versions: str) -> Lock:
    pins = tuple(Pin(name=name, version=version) for name, version in versions.items())
    return Lock(python="3.12", platform="p", pins=pins)


def holder(demanded: Resolution) -> tuple[str, str]:
    (held,) = held_back(CELL, lock(alpha="1.0", beta="1.0"), CATALOG, lambda _: demanded)
    assert held == HeldBack(name="alpha", newest="2.0", got="1.0", by=held.by, bound=held.bound)
    return held.by, held.bound


def refused(*chain: str, kind: str = "bounds") -> Resolution:
    conflict = Conflict.model_validate({"kind": kind, "sentence": "they exclude each other", "chain": chain})
    return Resolution(outcome="conflict", conflict=conflict)


@pytest.mark.parametrize(
    ("demanded", "by", "bound"),
    [
        (
            refused("beta==1.0 depends on alpha<2", "alpha==2.0 is requested", "beta is requested"),
            "beta==1.0",
            "beta==1.0 depends on alpha<2",
        ),
        (refused("alpha==2.0 is requested", "beta is requested"), "beta", "they exclude each other"),
        (refused("alpha==2.0 is requested"), "its bounds", "they exclude each other"),
        (refused(kind="python"), "Python 3.12", "they exclude each other"),
        (
            Resolution(outcome="locked", lock=lock(alpha="2.0", beta="0.9")),
            "the resolver's choice",
            "alpha 2.0 resolves as well, with beta 0.9",
        ),
        (Resolution(outcome="failed", detail="disk full"), "an unknown bound", "disk full"),
    ],
)
def test_the_holder(demanded: Resolution, by: str, bound: str) -> None:
    assert holder(demanded) == (by, bound)


def test_the_newest_release_is_demanded_of_who_is_behind_it_alone() -> None:
    asked: list[str] = []

    def demand(requirement: str) -> Resolution:
        asked.append(requirement)
        return Resolution(outcome="failed")

    held_back(CELL, lock(alpha="1.0", beta="1.0"), CATALOG, demand)
    assert asked == ["alpha==2.0"]
    local = CELL.model_copy(update={"local": {"alpha": "file:///alpha-1.0-py3-none-any.whl"}})
    assert held_back(local, lock(alpha="1.0", beta="1.0"), CATALOG, demand) == ()
    assert held_back(CELL, lock(beta="1.0"), CATALOG, demand) == ()
