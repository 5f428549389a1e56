"""One run of a matrix on several machines: which of them runs which cells, and how their records become one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from stackcompat.core.record import Record, UsageError
from stackcompat.evidence.runs import PlannedCell, RunRecord

__all__ = ["Shard", "join", "missing", "shards"]


class Shard(Record):
    """Part `number` (from 1) `of` so many."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``2/4``. Raises UsageError for anything else."""
        match = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text)
        if match is None or int(match[1]) > int(match[2]):
            raise UsageError(f'--shard: "{text}" is not a shard such as 1/4; allowed are 1/N to N/N')
        return cls(number=int(match[1]), of=int(match[2]))

    def owns(self, planned: PlannedCell) -> bool:
        """Whether this shard runs the cell. It depends on the lock alone, so cells that share one stay together."""
        lock = planned.resolution.lock
        address = lock.id if lock is not None else planned.cell.id
        return int(address, 16) % self.of == self.number - 1


def shards(number: int) -> tuple[Shard, ...]:
    """All shards of a run in `number` parts."""
    return tuple(Shard(number=one, of=number) for one in range(1, number + 1))


def join(runs: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    """`runs` each once, oldest first, with the shards of a run as one; of a shard that ran twice, the later run.

    Each cell is as the shard that owns it locked it. What a missing shard should have run, shows as untested.
    """
    runs = tuple(runs)
    whole = {run.to_json(): run for run in runs if not run.shard}
    parts: dict[tuple[str, int], dict[int, RunRecord]] = {}
    for run in sorted((run for run in runs if run.shard), key=lambda run: run.started):
        shard = Shard.parse(run.shard)
        parts.setdefault((run.matrix, shard.of), {})[shard.number] = run
    for numbered in parts.values():
        one = _join([run for _, run in sorted(numbered.items())])
        whole[one.to_json()] = one
    return tuple(sorted(whole.values(), key=lambda run: run.started))


def missing(runs: Iterable[RunRecord]) -> tuple[str, ...]:
    """The shards that are not among `runs` though others of the same run are, such as ``nightly 2/4``."""
    found: dict[tuple[str, int], set[int]] = {}
    for run in runs:
        if run.shard:
            shard = Shard.parse(run.shard)
            found.setdefault((run.matrix, shard.of), set()).add(shard.number)
    return tuple(
        f"{matrix} {shard}"
        for (matrix, of), numbers in found.items()
        for shard in shards(of)
        if shard.number not in numbers
    )


def _join(runs: Sequence[RunRecord]) -> RunRecord:
    order: dict[str, list[tuple[Shard, PlannedCell]]] = {}
    for run in runs:
        for planned in run.cells:
            order.setdefault(planned.cell.id, []).append((Shard.parse(run.shard), planned))
    cells = [
        next((planned for shard, planned in found if shard.owns(planned)), found[0][1]) for found in order.values()
    ]
    first = min(run.started for run in runs)
    return runs[0].model_copy(update={"started": first, "shard": "", "cells": tuple(cells)})
