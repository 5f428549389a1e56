"""Which releases of a component a policy chooses."""

from __future__ import annotations

import pytest

from stackcompat.plan.selection import Selection, select
from support.world import World, day

NOW = day("2026-11-22")


ALPHA = World(
    {
        "alpha": {
            "0.1": "2025-01-01",
            "0.1.1": "2025-02-01",
            "0.2": {"uploaded": "2026-05-01", "yanked": True},
            "0.2.1": {"uploaded": "2026-06-01", "python": ">=3.12"},
            "0.3.0.1": "2026-11-01",
            "0.4rc1": "2026-11-20",
        }
    }
).project("alpha")


@pytest.mark.parametrize(
    ("selection", "python", "expected"),
    [
        (Selection(all=True), None, ["0.1", "0.1.1", "0.2.1", "0.3.0.1"]),
        (Selection(all=True, yanked=True), None, ["0.1", "0.1.1", "0.2", "0.2.1", "0.3.0.1"]),
        (Selection(all=True, prereleases=True), "3.11", ["0.1", "0.1.1", "0.3.0.1", "0.4rc1"]),
        (Selection(minors=2), None, ["0.2.1", "0.3.0.1"]),
        (Selection(minors=2), "3.11", ["0.1.1", "0.3.0.1"]),
        (Selection(minors=9), None, ["0.1.1", "0.2.1", "0.3.0.1"]),
        (Selection(last=2), None, ["0.2.1", "0.3.0.1"]),
        (Selection(months=12), None, ["0.2.1", "0.3.0.1"]),
        (Selection(months=1), "3.12", ["0.3.0.1"]),
    ],
)
def test_select(selection: Selection, python: str | None, expected: list[str]) -> None:
    assert [release.version for release in select(ALPHA, selection, python=python, now=NOW)] == expected
