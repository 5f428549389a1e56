"""Repaired metadata: the whole of what a release declares, with the measured bounds."""

from __future__ import annotations

from typing import Any

from stackcompat.advice.bounds import BoundFinding
from stackcompat.advice.repair import repaired
from support.world import World

ALPHAS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0")


def world(declared: str) -> World:
    release: dict[str, Any] = {
        "uploaded": "2026-01-01",
        "requires": [f"alpha{declared}", "gamma>=1", "alpha>9; extra == 'x'"],
    }
    return World(
        {"alpha": dict.fromkeys(ALPHAS, "2026-01-01"), "beta": {"2.1.3": release, "2.0.0": release, "2.4.1": release}}
    )


def test_repaired_metadata_is_the_whole_with_the_bound_replaced() -> None:
    finding = BoundFinding(
        distribution="beta",
        release="2.1.3",
        on="alpha",
        declared=">=1.0",
        proposed="<1.3.0,>=1.0",
        kinds=("cap missing",),
        works=("1.2.0",),
        broken=("1.3.0",),
        pythons=("3.12",),
        cells=(),
    )
    without = finding.model_copy(update={"release": "2.0.0", "proposed": ""})
    (entry,) = repaired([finding, without], world(">=1.0"))
    assert (entry["name"], entry["version"]) == ("beta", "2.1.3")
    assert entry["requires-dist"] == ["alpha<1.3.0,>=1.0", "gamma>=1", 'alpha>9; extra == "x"']
