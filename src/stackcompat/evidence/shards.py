"""One run of a matrix on several machines: which machine runs which cells, and how their records become one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from stackcompat.core.errors import UsageError
from stackcompat.core.record import Record
from stackcompat.evidence.runs import PlannedCell, RunRecord

__all__ = ["Shard", "join", "missing", "shards"]


class Shard(Record):
    """The part of a run that one machine does.

    Attributes:
        number: Which part, from 1.
        of: How many parts there are.
    """

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
        """Whether this shard runs the cell. Only the lock decides, so cells that share a lock stay together."""
        lock = planned.resolution.lock
        address = lock.id if lock is not None else planned.cell.id
        return int(address, 16) % self.of == self.number - 1


def shards(number: int) -> tuple[Shard, ...]:
    """All shards of a run in `number` parts."""
    return tuple(Shard(number=place, of=number) for place in range(1, number + 1))


def join(runs: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    """The shards of each run as one run.

    Each cell is as the shard that owns it locked it. The cells of a missing shard show as untested.

    Args:
        runs: Whole runs and shards. Of a shard that ran twice, the later run counts.

    Returns:
        The whole runs, each once, oldest first.
    """
    whole: dict[str, RunRecord] = {}
    parts: dict[tuple[str, int], dict[int, RunRecord]] = {}
    for run in sorted(runs, key=lambda run: run.started):
        if run.shard:
            shard = Shard.parse(run.shard)
            parts.setdefault((run.matrix, shard.of), {})[shard.number] = run
        else:
            whole[run.to_json()] = run
    for numbered in parts.values():
        joined = _join([run for _, run in sorted(numbered.items())])
        whole[joined.to_json()] = joined
    return tuple(sorted(whole.values(), key=lambda run: run.started))


def missing(runs: Iterable[RunRecord]) -> tuple[str, ...]:
    """The shards that are not among `runs` although others of the same run are, such as ``nightly 2/4``."""
    present: dict[tuple[str, int], set[int]] = {}
    for run in runs:
        if run.shard:
            shard = Shard.parse(run.shard)
            present.setdefault((run.matrix, shard.of), set()).add(shard.number)
    return tuple(
        f"{matrix} {shard}"
        for (matrix, of), numbers in present.items()
        for shard in shards(of)
        if shard.number not in numbers
    )


def _join(runs: Sequence[RunRecord]) -> RunRecord:
    """The shards of one run as a whole run, its cells in the order in which the shards planned them."""
    by_cell: dict[str, list[tuple[Shard, PlannedCell]]] = {}
    for run in runs:
        shard = Shard.parse(run.shard)
        for planned in run.cells:
            by_cell.setdefault(planned.cell.id, []).append((shard, planned))
    cells = []
    for candidates in by_cell.values():
        owned = [planned for shard, planned in candidates if shard.owns(planned)]
        _, first_planned = candidates[0]
        cells.append(owned[0] if owned else first_planned)
    started = min(run.started for run in runs)
    return runs[0].model_copy(update={"started": started, "shard": "", "cells": tuple(cells)})
