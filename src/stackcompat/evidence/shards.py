"""Shards: which of several machines runs which cells of a matrix, and how their records become one. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence

from stackcompat.core.errors import UsageError
from stackcompat.core.record import Kind, Record
from stackcompat.evidence.runs import PlannedCell, RunRecord

__all__ = [
    "ONE_NIGHT",
    "PLANS",
    "Shard",
    "ShardPlan",
    "all_shards",
    "belong_together",
    "is_partial",
    "join_shards",
    "missing_shards",
]

#: Shards that were planned without a plan that they share began within this time of each other.
ONE_NIGHT = dt.timedelta(hours=12)


class Shard(Record):
    """The part of a matrix that one machine runs.

    Attributes:
        number: The number of the part, from 1.
        of: How many parts there are.
    """

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read a shard such as ``2/4``. Raises UsageError for any other text."""
        match = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text)
        if match is None or int(match[1]) > int(match[2]):
            raise UsageError(f'--shard: "{text}" is not a shard such as 1/4; allowed are 1/N to N/N')
        return cls(number=int(match[1]), of=int(match[2]))

    def owns(self, planned: PlannedCell) -> bool:
        """Whether this shard runs a cell. The lock decides, so that cells with the same lock stay together."""
        lock = planned.resolution.lock
        address = lock.id if lock is not None else planned.cell.id
        return int(address, 16) % self.of == self.number - 1


def all_shards(number: int) -> tuple[Shard, ...]:
    """All shards of a matrix that is run in `number` parts."""
    return tuple(Shard(number=place, of=number) for place in range(1, number + 1))


class ShardPlan(Record):
    """The plan of a matrix that is run in parts. Every machine that runs a part starts from it.

    Attributes:
        of: How many parts there are.
        question: The digest of the matrix that was planned.
        record: The cells and their locks, none of them run, and the id of the plan. Each shard carries this id, so that
            only shards of one plan are joined.
    """

    of: int
    question: str
    record: RunRecord


#: The last plan of each matrix and number of parts.
PLANS = Kind("plan", ShardPlan, lambda plan: f"{plan.record.matrix}/{plan.of}", lambda plan: plan.record.started)


# ---------------------------------------------------------------------------------------------------------------------
# Joining
# ---------------------------------------------------------------------------------------------------------------------


def is_partial(run: RunRecord) -> bool:
    """Whether a record is that of a shard, or was joined from shards: others can belong to it."""
    return bool(run.shard or run.shards)


def join_shards(runs: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    """Join the records of shards to records of whole executions, in any order and again without a change.

    Shards belong to one execution if they carry the id of one plan. Shards without an id belong together if the same
    cells were planned in the same night. Cells whose shard is missing have no evidence, so they count as untested.

    Args:
        runs: Records of whole executions, of shards, and such as were joined before. Of a shard that ran twice, the
            later record counts. A record that was joined before can have gone on: the cells of its rounds stay.

    Returns:
        The records of whole executions, each once, oldest first.
    """
    runs = list(runs)
    whole = {run.to_json(): run for run in runs if not is_partial(run)}
    joined = [_join(group) for group in _groups(runs)]
    return tuple(sorted([*whole.values(), *joined], key=lambda run: run.started))


def missing_shards(runs: Iterable[RunRecord]) -> tuple[str, ...]:
    """The shards, such as ``nightly 2/4``, that are missing from `runs` although others of their execution are there.

    If `runs` have a newer execution of the same matrix, the time of the older one is added.
    """
    seen: set[tuple[str, int]] = set()
    sentences: list[str] = []
    for group in reversed(_groups(runs)):
        matrix, of = group[0].matrix, _parts_of(group[0])
        when = f" of {_started(group):%Y-%m-%d %H:%M} UTC" if (matrix, of) in seen else ""
        seen.add((matrix, of))
        present = {shard for run in group for shard in _shards(run)}
        sentences[:0] = [f"{matrix} {shard}{when}" for shard in all_shards(of) if shard not in present]
    return tuple(sentences)


def _groups(runs: Iterable[RunRecord]) -> list[list[RunRecord]]:
    """The partial ones of `runs`, by execution, oldest first. Each group is in the order of its shards."""
    groups: list[list[RunRecord]] = []
    for run in sorted(filter(is_partial, runs), key=lambda run: (run.started, run.to_json())):
        group = next((group for group in groups if belong_together(group[0], run)), None)
        if group is None:
            groups.append([run])
        else:
            group.append(run)
    return [sorted(group, key=_first_number) for group in groups]


def belong_together(first: RunRecord, other: RunRecord) -> bool:
    """Whether two partial records, the older one first, are of one execution."""
    if (first.matrix, _parts_of(first), first.plan) != (other.matrix, _parts_of(other), other.plan):
        return False
    if first.plan:
        return True
    return _planned_ids(first) == _planned_ids(other) and other.started - first.started < ONE_NIGHT


def _shards(run: RunRecord) -> dict[Shard, dt.datetime]:
    """The shards in a partial record, each with the start of its run."""
    texts = {run.shard: run.started} if run.shard else run.shards
    return {Shard.parse(text): started for text, started in texts.items()}


def _first_number(run: RunRecord) -> int:
    return min(shard.number for shard in _shards(run))


def _parts_of(run: RunRecord) -> int:
    return next(iter(_shards(run))).of


def _planned_ids(run: RunRecord) -> set[str]:
    """The ids of the cells that were planned before any was run. Further rounds add their cells at the end."""
    return {planned.cell.id for planned in run.cells[: len(run.cells) - sum(run.rounds)]}


def _started(group: Sequence[RunRecord]) -> dt.datetime:
    """When an execution began: when it was planned, or else when its first shard did."""
    return min(run.planned or run.started for run in group)


def _join(group: Sequence[RunRecord]) -> RunRecord:
    """Join the partial records of one execution. The cells keep the order in which they were planned."""
    latest: dict[Shard, dt.datetime] = {}
    for run in group:
        for shard, started in _shards(run).items():
            latest[shard] = max(started, latest.get(shard, started))
    furthest = max(group, key=lambda run: len(run.cells))
    versions: dict[str, list[tuple[RunRecord, PlannedCell]]] = {planned.cell.id: [] for planned in furthest.cells}
    for run in group:
        for planned in run.cells:
            versions.setdefault(planned.cell.id, []).append((run, planned))
    shards = {str(shard): latest[shard] for shard in sorted(latest, key=lambda shard: shard.number)}
    update: dict[str, object] = {
        "started": _started(group),
        "shard": "",
        "shards": shards,
        "cells": tuple(_as_locked(candidates, latest) for candidates in versions.values()),
    }
    if furthest.shards.keys() != shards.keys():
        # A further shard is there, so what the record said about combinations is out of date.
        update |= {"answered": {}, "unanswered": ()}
    return furthest.model_copy(update=update)


def _as_locked(candidates: Sequence[tuple[RunRecord, PlannedCell]], latest: Mapping[Shard, dt.datetime]) -> PlannedCell:
    """A cell as its own shard locked it; if that shard is missing, as the first of the others did.

    Args:
        candidates: The cell as each record has it, in the order of their shards.
        latest: The start of the last run of each shard.
    """
    owned = [
        (shard.number, planned)
        for run, planned in candidates
        for shard, started in _shards(run).items()
        if started == latest[shard] and shard.owns(planned)
    ]
    if not owned:
        return candidates[0][1]
    _, planned = min(owned, key=lambda entry: entry[0])
    return planned
