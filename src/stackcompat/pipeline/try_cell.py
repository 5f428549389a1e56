"""One cell that a person asks for: resolved, run and judged, or refused if no release fits it."""

from __future__ import annotations

from stackcompat.core.errors import UsageError
from stackcompat.core.requirements import parse_requirement
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.releases import Catalog
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.baselines import run_baselines
from stackcompat.pipeline.cells import plan_cell, run_cells
from stackcompat.pipeline.judging import judge_kept
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock, Resolution
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = ["refuse_unknown", "resolve_only", "try_cell"]


def try_cell(
    cell: Cell, runner: Runner, level: Level, *, lock: Lock | None = None, rerun: bool = False
) -> tuple[CellVerdict, tuple[Evidence, ...]]:
    """Resolve, run and judge one cell.

    Args:
        cell: The cell.
        runner: Runs it.
        level: How deep it is run.
        lock: The lock to run. If it is given, the cell is not resolved.
        rerun: Whether the cell is run although there is evidence.

    Returns:
        The verdict, and the evidence that it rests on.

    Raises:
        UsageError: The index has no release for one of the cell's requirements.
    """
    if lock is not None:
        resolution = Resolution(outcome="locked", lock=lock)
    else:
        resolution = runner.resolver.resolve(cell, runner.catalog)
    if resolution.conflict is not None and resolution.conflict.kind == "not-found":
        refuse_unknown(cell, runner.catalog)
    planned = plan_cell(cell, resolution, runner, level)
    run_cells([planned], runner, level, rerun=rerun)
    run_baselines([planned], runner)
    return judge_kept(planned, runner.store, runner.components)


def resolve_only(cell: Cell, runner: Runner) -> CellVerdict:
    """Resolve a cell and run nothing. The machine need not have the cell's Python.

    Args:
        cell: The cell.
        runner: Has the resolver and the index.

    Returns:
        A cell that resolves is untested at the level ``resolve``.

    Raises:
        UsageError: The index has no release for one of the cell's requirements.
    """
    resolution = runner.resolver.resolve(cell, runner.catalog, stand_in=True)
    if resolution.conflict is not None and resolution.conflict.kind == "not-found":
        refuse_unknown(cell, runner.catalog)
    verdict = judge(PlannedCell(cell=cell, resolution=resolution), (), runner.components)
    if resolution.lock is None:
        return verdict
    return verdict.model_copy(update={"level": "resolve", "sentence": "it resolves; nothing was installed or tried"})


def refuse_unknown(cell: Cell, catalog: Catalog) -> None:
    """Refuse a cell if no release fits one of its requirements: that is a mistake, not an incompatibility.

    Args:
        cell: The cell.
        catalog: The package index.

    Raises:
        UsageError: The index has no release for one of the cell's requirements.
    """
    for text in cell.requirements:
        requirement = parse_requirement(text)
        releases = catalog.project(requirement.name).releases
        if any(requirement.specifier.contains(release.version, prereleases=True) for release in releases):
            continue
        newest = ", ".join(release.version for release in releases[-3:]) or "no release at all"
        raise UsageError(f'"{text}": the index has no such release of {requirement.name}; its newest are {newest}')
