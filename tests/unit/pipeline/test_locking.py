"""Cells resolved, and what becomes of them when the index stops answering."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from packaging.requirements import Requirement

from stackcompat.ecosystem.releases import Catalog, IndexUnreachable, Project
from stackcompat.evidence.results import TestResult
from stackcompat.pipeline.locking import lock_cells
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Resolution
from stackcompat.run.job import Job
from support.fakes import Catalogue, FakeResolver, make_runner
from support.made_up import passed

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
    """Looks at the catalog as the real one does when it says who is held back."""

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
    # Both are remembered or not; whichever, only what the index says nothing about is asked again.
    asking = replace(runner, resolver=AskingResolver(NEWEST))  # type: ignore[arg-type]
    found = lock_cells(cells, asking)
    assert [found[cell.id].outcome for cell in cells] == ["locked", "index-unreachable"]
    assert "did not answer for beta" in found[cells[1].id].detail
    runner.store.close()
