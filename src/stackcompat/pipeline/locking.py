"""Resolves many cells at once, and reuses what was resolved before while the index says nothing new."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stackcompat.core.record import digest
from stackcompat.ecosystem.releases import IndexUnreachable
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Resolution
from stackcompat.run.executor import Executor

__all__ = ["as_completed", "lock_cells"]

Item = TypeVar("Item")


Result = TypeVar("Result")


def as_completed(
    items: Sequence[Item], work: Callable[[Item], Result], executor: Executor
) -> Iterable[tuple[Item, Result]]:
    """Results of `work` as they come; an interrupt or error cancels what has not begun and ends what runs."""
    with ThreadPoolExecutor(executor.workers) as pool:
        try:
            waiting: dict[Future[Result], Item] = {pool.submit(work, item): item for item in items}
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED, timeout=0.5)
                for future in done:
                    yield waiting.pop(future), future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            executor.stop()
            raise


def _consulted(cell: Cell, resolution: Resolution) -> set[str]:
    """The distributions whose releases decided the resolution, as far as its outcome names them."""
    names = set(cell.roots())
    if resolution.lock is not None:
        names |= resolution.lock.versions().keys()
    if resolution.conflict is not None:
        for link in resolution.conflict.chain:
            for text in link.removesuffix(" is requested").split(" depends on "):
                names.add(canonicalize_name(Requirement(text).name))
    return {name for name in names if name != "python"}


def _fingerprint(cell: Cell, names: Iterable[str], runner: Runner) -> str:
    """What a resolution of `cell` rests on besides the cell: releases, the interpreter's patch, who is held back."""
    interpreter = runner.interpreters[cell.python].label if cell.python in runner.interpreters else ""
    seen = sorted(
        runner.catalog.project(name).fingerprint(None if name in cell.admitted else cell.exclude_newer)
        for name in names
    )
    return digest(seen, interpreter, cell.newest)


def lock_cells(cells: Sequence[Cell], runner: Runner, *, again: bool = False) -> dict[str, Resolution]:
    """Resolve every cell, by cell id. What was resolved before is reused while the index says nothing new about it."""
    runner.reporter.stage("lock", len(cells))
    found: dict[str, Resolution] = {}
    remembered = {} if again else {cell.id: runner.store.any_resolution(cell.id) for cell in cells}
    consulted = {cell.id: _consulted(cell, old) for cell in cells if (old := remembered.get(cell.id)) is not None}
    with contextlib.suppress(IndexUnreachable):  # each cell asks again for what it needs
        runner.catalog.prefetch(name for names in consulted.values() for name in names)
    due = []
    for cell in cells:
        known = None
        # An extra index and local files can change without the catalog knowing.
        if cell.id in consulted and not cell.index and not cell.local:
            with contextlib.suppress(IndexUnreachable):
                known = runner.store.resolution(cell.id, _fingerprint(cell, consulted[cell.id], runner))
        if known is not None:
            found[cell.id] = known
            runner.reporter.step(f"{cell.label}: known")
        else:
            due.append(cell)

    def resolve(cell: Cell) -> Resolution:
        try:
            return runner.resolver.resolve(cell, runner.catalog)
        except IndexUnreachable as error:
            return Resolution(outcome="index-unreachable", detail=str(error))

    for cell, resolution in as_completed(due, resolve, runner.executor):
        found[cell.id] = resolution
        if resolution.outcome in ("locked", "conflict"):
            names = _consulted(cell, resolution)
            with contextlib.suppress(IndexUnreachable):  # then it is resolved again the next time
                runner.catalog.prefetch(names)
                runner.store.keep_resolution(cell.id, _fingerprint(cell, names, runner), resolution)
        runner.reporter.step(f"{cell.label}: {resolution.outcome}")
    return found
