"""Cells are resolved, earlier resolutions are reused while they hold, and the index can stop answering meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from stackcompat.ecosystem.releases import Catalog, IndexUnreachable, Project
from stackcompat.evidence.results import TestResult
from stackcompat.pipeline import locking
from stackcompat.pipeline.locking import NIGHT, lock_cells
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import HeldBack, Resolution
from stackcompat.run.job import Job
from support.fakes import Catalogue, FakeResolver, make_runner
from support.made_up import PLATFORM, make_lock, passed
from support.world import day

NEWEST = {"alpha": "2.0", "beta": "2.0"}
WORLD = Catalogue(
    {
        "alpha": {"1.0": "2026-01-01", "2.0": "2026-02-01", "3.0": {"uploaded": "2026-03-01", "yanked": True}},
        "beta": {"1.0": "2026-01-01", "2.0": "2026-02-01"},
    }
)


def all_green(job: Job, before: int) -> Iterable[TestResult]:
    return (passed("one", "alpha"), passed("two", "alpha", "beta"))


class Patchy:
    """The made-up index, except that it does not answer for `lost`."""

    lost = "beta"

    def project(self, name: str) -> Project:
        if name == self.lost:
            raise IndexUnreachable(f"the package index did not answer for {name}")
        return WORLD.project(name)

    def prefetch(self, names: Iterable[str]) -> None:
        for name in names:
            self.project(name)

    def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
        return WORLD.requires(name, version)


class AskingResolver(FakeResolver):
    """Asks the catalog for releases, as the real resolver does to find what is held back."""

    def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
        for name in cell.roots():
            assert catalog is not None
            catalog.project(name)
        return super().resolve(cell, catalog)


def test_an_index_that_stops_answering_costs_the_cells_that_need_it(tmp_path: Path) -> None:
    runner, _, resolver = make_runner(tmp_path, all_green, NEWEST, catalog=Patchy())
    cells = [Cell(python="3.12", platform="p", requirements=(name,), label=name) for name in ("alpha", "beta")]
    lock_cells(cells, runner)
    assert len(resolver.asked) == 2
    # The store can have both resolutions or not. Only cells about which the index says nothing are resolved again.
    asking = replace(runner, resolver=AskingResolver(NEWEST))  # type: ignore[arg-type]
    found = lock_cells(cells, asking)
    assert [found[cell.id].outcome for cell in cells] == ["locked", "index-unreachable"]
    assert "did not answer for beta" in found[cells[1].id].detail
    runner.store.close()


# --- what is resolved again ---

ALPHA_1 = Resolution(
    outcome="locked",
    lock=make_lock({"alpha": "1.0", "beta": "1.0"}),
    held_back=(HeldBack(name="alpha", newest="2.0", got="1.0", by="its bounds", bound="the index has no gamma>=2"),),
)
NIGHT_1 = day("2026-03-01")
CELL = Cell(
    python="3.12", platform=PLATFORM, requirements=("alpha", "beta"), newest=("alpha", "beta"), label="newest of all"
)


Projects = Mapping[str, Mapping[str, Any]]


class Nights:
    """The same cells night after night; each night the index has other releases."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, resolution: Resolution) -> None:
        self._folder, self._monkeypatch, self._resolution = folder, monkeypatch, resolution
        self.at = NIGHT_1
        monkeypatch.setattr(locking, "now", lambda: self.at)

    def resolves(self, cell: Cell, projects: Projects, after: dt.timedelta) -> bool:
        """Whether the cell is resolved, and not known from before."""
        self.at += after
        others = {cell.label: self._resolution}
        runner, _, resolver = make_runner(self._folder, all_green, {}, others, catalog=Catalogue(projects))
        assert lock_cells([cell], runner)[cell.id] == self._resolution
        runner.store.close()
        return bool(resolver.asked)


#: Alpha 2.0 waits for gamma 2.0, which is not in the lock. Alpha 3.0 is for another Python.
LATER: dict[str, dict[str, Any]] = {
    "alpha": {
        "1.0": "2026-01-01",
        "2.0": {"uploaded": "2026-02-01", "requires": ["gamma>=2", "numbers"]},
        "3.0": {"uploaded": "2026-02-02", "requires": ["eta"], "python": ">=3.13"},
    },
    "beta": {"1.0": {"uploaded": "2026-01-01", "requires": ["alpha"]}},
    "gamma": {"1.0": {"uploaded": "2026-01-01", "requires": ["delta-checkpoint>=5"]}},
}
HOUR = dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("gamma", True),  # what the newest alpha requires
        ("delta-checkpoint", True),  # what the newest gamma requires, which alpha requires
        ("numbers", True),  # it is in the lock
        ("eta", False),  # alpha 3.0 can never be taken on this Python
        ("zeta", False),
    ],
)
def test_a_release_that_a_newer_one_waits_for_makes_its_cell_be_resolved_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, again: bool
) -> None:
    nights = Nights(tmp_path, monkeypatch, ALPHA_1)
    assert nights.resolves(CELL, LATER, HOUR)
    assert not nights.resolves(CELL, LATER, HOUR)
    uploaded = LATER.get(name, {}) | {"9.0": "2026-03-01"}
    assert nights.resolves(CELL, LATER | {name: uploaded}, HOUR) == again


def test_a_conflict_is_resolved_again_when_what_it_lacked_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of the resolver name nobody, but alpha 2.0 itself says what it requires."""
    conflict = Resolution(outcome="conflict", conflict=Conflict(kind="bounds", sentence="no"))
    nights = Nights(tmp_path, monkeypatch, conflict)
    cell = CELL.model_copy(update={"requirements": ("alpha==2.0", "beta"), "newest": ()})
    assert nights.resolves(cell, LATER, HOUR)
    assert not nights.resolves(cell, LATER, HOUR)
    assert nights.resolves(cell, LATER | {"gamma": LATER["gamma"] | {"2.0": "2026-03-01"}}, HOUR)


def test_a_resolution_is_older_than_a_night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nights = Nights(tmp_path, monkeypatch, ALPHA_1)
    assert nights.resolves(CELL, LATER, HOUR)
    assert not nights.resolves(CELL, LATER, NIGHT - HOUR)
    assert nights.resolves(CELL, LATER, HOUR)
    assert not nights.resolves(CELL, LATER, HOUR)


def test_a_past_day_stays_as_it_was_but_for_what_happens_to_its_releases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = Nights(tmp_path, monkeypatch, ALPHA_1)
    past = CELL.model_copy(update={"exclude_newer": NIGHT_1 - dt.timedelta(days=20)})
    assert nights.resolves(past, LATER, HOUR)
    assert not nights.resolves(past, LATER | {"alpha": LATER["alpha"] | {"9.0": "2026-03-01"}}, dt.timedelta(days=30))
    yanked = LATER["alpha"] | {"1.0": {"uploaded": "2026-01-01", "yanked": True}}
    assert nights.resolves(past, LATER | {"alpha": yanked}, HOUR)
    # While the day itself is not over, or for a distribution that the day does not hold back, it is as any other.
    today = CELL.model_copy(update={"exclude_newer": NIGHT_1 + dt.timedelta(days=40)})
    admitted = past.model_copy(update={"admitted": ("alpha",)})
    for cell in (today, admitted):
        assert nights.resolves(cell, LATER, HOUR)
        assert nights.resolves(cell, LATER, NIGHT)
