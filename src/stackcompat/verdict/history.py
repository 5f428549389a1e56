"""What every run of a matrix saw, as it could be judged when the following one began. Pure.

A cell's id is the same for the same question from night to night, so its verdicts in order are its history.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, NamedTuple

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Verdict, worst
from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.resolve.lock import Lock
from stackcompat.verdict.attribution import Attributor
from stackcompat.verdict.outcomes import TestStatus, classify
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

RED: frozenset[Verdict] = frozenset(("broken", "uninstallable", "unresolvable"))


GREEN: frozenset[Verdict] = frozenset(("works",))


#: So many runs are shown of a cell, and so many of its locks are heard about a pair; what is older counts for when
#: something began.
LAST_RUNS = 30


class HistoryEntry(Record):
    """What one run saw."""

    at: Annotated[dt.datetime, Field(description="When the run began.")]
    verdict: Verdict


class VersionChange(Record):
    """A distribution that differs between two locks. Empty: not in that lock."""

    name: str
    before: str
    after: str


class CellAtRun(NamedTuple):
    """One cell in one run; `runs` is its evidence from before the following run began."""

    run: RunRecord
    planned: PlannedCell
    verdict: CellVerdict
    runs: tuple[Evidence, ...]


def first_red(past: Iterable[HistoryEntry]) -> dt.datetime | None:
    """When the latest stretch of red began; what could not be told neither begins nor ends one. None: never red."""
    found, told_red = None, False
    for one in past:
        if one.verdict in RED and not told_red:
            found = one.at
        if one.verdict in RED | GREEN:
            told_red = one.verdict in RED
    return found


def last_green(past: Iterable[HistoryEntry]) -> dt.datetime | None:
    """When it last worked; None: never."""
    return max((one.at for one in past if one.verdict in GREEN), default=None)


def version_changes(before: Lock, after: Lock) -> tuple[VersionChange, ...]:
    """What differs between two locks, in order of name."""
    old, new = before.versions(), after.versions()
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return tuple(VersionChange(name=name, before=old.get(name, ""), after=new.get(name, "")) for name in names)


def changed_since(green: CellAtRun | None, now: CellAtRun) -> tuple[VersionChange, ...]:
    """What a cell's lock got since it last worked; nothing where it has no lock, or never worked."""
    old = green.planned.resolution.lock if green else None
    new = now.planned.resolution.lock
    return version_changes(old, new) if old is not None and new is not None else ()


def is_today(planned: PlannedCell) -> bool:
    """Whether the cell asks for the newest releases of everything, as published."""
    return planned.cell.policy == "newest" and not planned.cell.overrides and not planned.cell.local


class History:
    """Runs and what was known after each, oldest first. `evidence` is by the planned cells' keys.

    `attributor` says whom a failure points at, by what is known by now.
    """

    def __init__(
        self,
        runs: Iterable[RunRecord],
        evidence: Mapping[str, tuple[Evidence, ...]],
        attributor: Attributor | None = None,
    ) -> None:
        self._attributor = attributor
        self.runs = tuple(sorted(runs, key=lambda run: run.started))
        self._evidence = evidence
        self._following: list[dt.datetime | None] = [
            next((later.started for later in self.runs[index + 1 :] if later.matrix == run.matrix), None)
            for index, run in enumerate(self.runs)
        ]
        self._judged: dict[tuple[str, int], CellVerdict] = {}
        self._paired: dict[tuple[object, ...], tuple[PairVerdict, ...]] = {}
        self._settled: dict[tuple[str, int], tuple[TestStatus, ...]] = {}

    def seen(self, index: int, wanted: Callable[[PlannedCell], bool] = lambda _: True) -> Iterator[CellAtRun]:
        """The `wanted` cells of the run at `index`, in its order."""
        run = self.runs[index]
        for planned in run.cells:
            if wanted(planned):
                known = self.known(index, planned)
                yield CellAtRun(run, planned, self._judge(planned, known), known)

    def _today(self, index: int) -> list[PlannedCell]:
        return [planned for planned in self.runs[index].cells if is_today(planned)]

    def known(self, index: int, planned: PlannedCell) -> tuple[Evidence, ...]:
        """The evidence on a cell that there was when the run after the one at `index` began."""
        until = self._following[index]
        return tuple(one for one in self._evidence.get(planned.key, ()) if until is None or one.started < until)

    def _judge(self, planned: PlannedCell, known: tuple[Evidence, ...]) -> CellVerdict:
        """The same lock with the same evidence is judged once, however many nights it stood."""
        if not planned.key:
            return judge(planned, known)
        address = (planned.key, len(known))
        if address not in self._judged:
            self._judged[address] = judge(planned, known)
        own = {
            "cell": planned.cell,
            "forced": planned.cell.overrides,
            "held_back": planned.resolution.held_back,
        }
        return self._judged[address].model_copy(update=own)

    def _settle(self, seen: CellAtRun) -> tuple[TestStatus, ...]:
        """As for a verdict: once for the same lock with the same evidence."""
        address = (seen.planned.key, len(seen.runs))
        if address not in self._settled:
            self._settled[address] = classify(seen.runs)
        return self._settled[address]

    def of_cells(self) -> dict[str, tuple[HistoryEntry, ...]]:
        """Cell id to what each run that had the cell saw."""
        found: dict[str, list[HistoryEntry]] = {}
        for index, run in enumerate(self.runs):
            for seen in self.seen(index):
                found.setdefault(seen.planned.cell.id, []).append(
                    HistoryEntry(at=run.started, verdict=seen.verdict.verdict)
                )
        return {cell: tuple(past) for cell, past in found.items()}

    def pairs(self, index: int, components: Components) -> dict[tuple[str, str], tuple[PairVerdict, ...]]:
        """What the run at `index` said of two components at what an installer gave then.

        Locks of the nights before are heard as witnesses: a test that passed then is not itself at fault.
        """
        tonight = list(self.seen(index, is_today))
        heard = {seen.planned.key or seen.planned.cell.id: seen for seen in tonight}
        most = (1 + LAST_RUNS) * max(1, len(tonight))
        for earlier in reversed(range(index)):
            if len(heard) >= most or {one.key for one in self._today(earlier)} <= heard.keys() | {""}:
                continue
            for seen in self.seen(earlier, is_today):
                if seen.planned.key:
                    heard.setdefault(seen.planned.key, seen)
        known = {seen.planned.key: seen.runs for seen in heard.values() if seen.planned.key}
        here = [versions_of(seen.verdict.installed, components).items() for seen in tonight]
        unlocked = any(not seen.planned.key for seen in tonight)
        found: dict[tuple[str, str], list[PairVerdict]] = {}
        # As for a verdict: nights that heard the same are judged once.
        address = (id(components), *((name, seen.verdict.sentence, len(seen.runs)) for name, seen in heard.items()))
        if address not in self._paired:
            verdicts = [seen.verdict for seen in heard.values()]
            self._paired[address] = tuple(judge_pairs(verdicts, known, components, self._attributor))
        for pair in self._paired[address]:
            held = {(pair.first, pair.first_version), (pair.second, pair.second_version)}
            if any(held <= versions for versions in here) or (unlocked and pair.verdict == "unresolvable"):
                found.setdefault((pair.first, pair.second), []).append(pair)
        return {names: tuple(said) for names, said in found.items()}

    def of_pairs(self, components: Components) -> dict[tuple[str, str], tuple[HistoryEntry, ...]]:
        """Two components to what each run said of them; see :meth:`pairs`."""
        found: dict[tuple[str, str], list[HistoryEntry]] = {}
        for index, run in enumerate(self.runs):
            for names, said in self.pairs(index, components).items():
                verdict = worst(pair.verdict for pair in said)
                found.setdefault(names, []).append(HistoryEntry(at=run.started, verdict=verdict))
        return {names: tuple(past) for names, past in found.items()}

    def tests(self, index: int) -> dict[str, list[tuple[CellAtRun, TestStatus]]]:
        """Where each test stood in the cells with what an installer gave then."""
        found: dict[str, list[tuple[CellAtRun, TestStatus]]] = {}
        for seen in self.seen(index, is_today):
            for status in self._settle(seen):
                found.setdefault(status.result.test, []).append((seen, status))
        return found

    def last_green(self, cell: str) -> CellAtRun | None:
        """The latest run in which the cell with this id worked."""
        for index in reversed(range(len(self.runs))):
            for seen in self.seen(index, lambda planned: planned.cell.id == cell):
                if seen.verdict.verdict in GREEN:
                    return seen
        return None
