"""The history of cells, tests and pairs: what each run of a matrix showed. Pure.

A run is judged by the evidence that there was when the following run began. A cell's id is the same for the same
question from night to night, so its verdicts in order are its history.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Verdict, worst
from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.resolve.lock import Lock
from stackcompat.verdict.attribution import Attributor
from stackcompat.verdict.outcomes import TestStatus
from stackcompat.verdict.pairs import PairVerdict, judge_pairs
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = [
    "GREEN",
    "LAST_RUNS",
    "RED",
    "CellAtRun",
    "History",
    "HistoryEntry",
    "VersionChange",
    "changed_since",
    "first_red",
    "is_today",
    "last_green",
    "version_changes",
]

#: Verdicts that are red, and those that are green; all others say nothing about compatibility.
RED: frozenset[Verdict] = frozenset(("broken", "uninstallable", "unresolvable"))
GREEN: frozenset[Verdict] = frozenset(("works",))

#: How many runs of a cell are shown, and how many locks of the past count for a pair. Older runs tell only when
#: something began.
LAST_RUNS = 30


class HistoryEntry(Record):
    """What one run showed of a cell or a pair."""

    at: Annotated[dt.datetime, Field(description="When the run began.")]
    verdict: Verdict


class VersionChange(Record):
    """A distribution that differs between two locks.

    Attributes:
        name: The distribution.
        before: Its version in the earlier lock; empty if it is not in it.
        after: Its version in the later lock; empty if it is not in it.
    """

    name: str
    before: str
    after: str


class CellAtRun(NamedTuple):
    """One cell in one run.

    Attributes:
        run: The run.
        planned: The cell and what it resolved to.
        verdict: The verdict on it, by the evidence from before the following run.
        runs: That evidence.
    """

    run: RunRecord
    planned: PlannedCell
    verdict: CellVerdict
    runs: tuple[Evidence, ...]


def first_red(past: Iterable[HistoryEntry]) -> dt.datetime | None:
    """When the latest stretch of red began; None if there never was red.

    A verdict that is neither red nor green neither begins nor ends a stretch.
    """
    began, is_red = None, False
    for entry in past:
        if entry.verdict in RED and not is_red:
            began = entry.at
        if entry.verdict in RED | GREEN:
            is_red = entry.verdict in RED
    return began


def last_green(past: Iterable[HistoryEntry]) -> dt.datetime | None:
    """When it last worked; None if it never did."""
    return max((entry.at for entry in past if entry.verdict in GREEN), default=None)


def version_changes(before: Lock, after: Lock) -> tuple[VersionChange, ...]:
    """What differs between two locks, in order of name."""
    old, new = before.versions(), after.versions()
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return tuple(VersionChange(name=name, before=old.get(name, ""), after=new.get(name, "")) for name in names)


def changed_since(green: CellAtRun | None, now: CellAtRun) -> tuple[VersionChange, ...]:
    """What a cell's lock got since it last worked; nothing if it has no lock, or never worked."""
    old = green.planned.resolution.lock if green else None
    new = now.planned.resolution.lock
    return version_changes(old, new) if old is not None and new is not None else ()


def is_today(planned: PlannedCell) -> bool:
    """Whether the cell asks for the newest releases of everything, as published."""
    return planned.cell.policy == "newest" and not planned.cell.overrides and not planned.cell.local


class History:
    """Runs, and what was known after each. The same lock with the same evidence is judged once.

    Args:
        runs: The runs, in any order; `History.runs` has them oldest first.
        evidence: The evidence, by the keys of the planned cells.
        attributor: Says whom a failure points at, by what is known by now.
    """

    def __init__(
        self,
        runs: Iterable[RunRecord],
        evidence: Mapping[str, tuple[Evidence, ...]],
        attributor: Attributor | None = None,
    ) -> None:
        self.runs = tuple(sorted(runs, key=lambda run: run.started))
        self._evidence = evidence
        self._attributor = attributor
        #: For each run, when the following run of the same matrix began.
        self._following = [
            next((later.started for later in self.runs[index + 1 :] if later.matrix == run.matrix), None)
            for index, run in enumerate(self.runs)
        ]
        #: By evidence key and number of runs.
        self._verdicts: dict[tuple[str, int], CellVerdict] = {}
        #: By what the verdicts on pairs rest on.
        self._pair_verdicts: dict[tuple[object, ...], tuple[PairVerdict, ...]] = {}

    # -- cells --------------------------------------------------------------------------------------------------------

    def seen(self, index: int, wanted: Callable[[PlannedCell], bool] = lambda _: True) -> Iterator[CellAtRun]:
        """The cells of a run, in its order.

        Args:
            index: The place of the run among `runs`.
            wanted: Which of its cells.
        """
        run = self.runs[index]
        for planned in run.cells:
            if wanted(planned):
                known = self.known(index, planned)
                yield CellAtRun(run, planned, self._judge(planned, known), known)

    def known(self, index: int, planned: PlannedCell) -> tuple[Evidence, ...]:
        """The evidence on a cell that there was when the run after the one at `index` began."""
        until = self._following[index]
        return tuple(run for run in self._evidence.get(planned.key, ()) if until is None or run.started < until)

    def _judge(self, planned: PlannedCell, known: tuple[Evidence, ...]) -> CellVerdict:
        """The verdict on a cell by some of its evidence."""
        if not planned.key:
            return judge(planned, known)
        address = (planned.key, len(known))
        if address not in self._verdicts:
            self._verdicts[address] = judge(planned, known)
        # Cells that share a lock differ in what was asked for.
        of_cell = {
            "cell": planned.cell,
            "forced": planned.cell.overrides,
            "held_back": planned.resolution.held_back,
        }
        return self._verdicts[address].model_copy(update=of_cell)

    def of_cells(self) -> dict[str, tuple[HistoryEntry, ...]]:
        """Cell id to what each run that had the cell showed."""
        entries: dict[str, list[HistoryEntry]] = {}
        for index, run in enumerate(self.runs):
            for cell in self.seen(index):
                entry = HistoryEntry(at=run.started, verdict=cell.verdict.verdict)
                entries.setdefault(cell.planned.cell.id, []).append(entry)
        return {cell_id: tuple(past) for cell_id, past in entries.items()}

    def last_green(self, cell: str) -> CellAtRun | None:
        """The latest run in which the cell with this id worked."""
        for index in reversed(range(len(self.runs))):
            for cell_at_run in self.seen(index, lambda planned: planned.cell.id == cell):
                if cell_at_run.verdict.verdict in GREEN:
                    return cell_at_run
        return None

    # -- tests --------------------------------------------------------------------------------------------------------

    def tests(self, index: int) -> dict[str, list[tuple[CellAtRun, TestStatus]]]:
        """What the run at `index` showed of each test in the cells with the newest releases of then."""
        statuses: dict[str, list[tuple[CellAtRun, TestStatus]]] = {}
        for cell in self.seen(index, is_today):
            for status in cell.verdict.statuses:
                statuses.setdefault(status.result.test, []).append((cell, status))
        return statuses

    # -- pairs --------------------------------------------------------------------------------------------------------

    def pairs(self, index: int, components: Components) -> dict[tuple[str, str], tuple[PairVerdict, ...]]:
        """What the run at `index` showed of two components at their newest releases of then.

        Locks of earlier nights count as witnesses: a test that passed then is not itself at fault.

        Args:
            index: The place of the run among `runs`.
            components: The components of the ecosystem.
        """
        tonight = list(self.seen(index, is_today))
        versions = [versions_of(cell.verdict.installed, components).items() for cell in tonight]
        unlocked = any(not cell.planned.key for cell in tonight)
        found: dict[tuple[str, str], list[PairVerdict]] = {}
        for pair in self._judge_pairs(self._with_witnesses(index, tonight), components):
            releases = {(pair.first, pair.first_version), (pair.second, pair.second_version)}
            installed = any(releases <= of_cell for of_cell in versions)
            if installed or (unlocked and pair.verdict == "unresolvable"):
                found.setdefault((pair.first, pair.second), []).append(pair)
        return {names: tuple(pairs) for names, pairs in found.items()}

    def _with_witnesses(self, index: int, tonight: Sequence[CellAtRun]) -> list[CellAtRun]:
        """The cells of a night, and those with other locks from the nights before it."""
        cells = {cell.planned.key or cell.planned.cell.id: cell for cell in tonight}
        most = (1 + LAST_RUNS) * max(1, len(tonight))
        for earlier in reversed(range(index)):
            keys = {planned.key for planned in self.runs[earlier].cells if is_today(planned)}
            if len(cells) >= most or keys <= cells.keys() | {""}:
                continue
            for cell in self.seen(earlier, is_today):
                if cell.planned.key:
                    cells.setdefault(cell.planned.key, cell)
        return list(cells.values())

    def _judge_pairs(self, cells: Sequence[CellAtRun], components: Components) -> tuple[PairVerdict, ...]:
        """The verdicts on all pairs of some cells; nights that rest on the same cells are judged once."""
        rests_on = [(cell.planned.key or cell.planned.cell.id, cell.verdict.sentence, len(cell.runs)) for cell in cells]
        address = (id(components), *rests_on)
        if address not in self._pair_verdicts:
            verdicts = [cell.verdict for cell in cells]
            self._pair_verdicts[address] = judge_pairs(verdicts, components, self._attributor)
        return self._pair_verdicts[address]

    def of_pairs(self, components: Components) -> dict[tuple[str, str], tuple[HistoryEntry, ...]]:
        """Two components to what each run showed of them; see :meth:`pairs`."""
        entries: dict[tuple[str, str], list[HistoryEntry]] = {}
        for index, run in enumerate(self.runs):
            for names, pairs in self.pairs(index, components).items():
                entry = HistoryEntry(at=run.started, verdict=worst(pair.verdict for pair in pairs))
                entries.setdefault(names, []).append(entry)
        return {names: tuple(past) for names, past in entries.items()}
