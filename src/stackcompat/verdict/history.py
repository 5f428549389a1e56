"""The history of cells, tests and pairs: what each execution of a matrix showed. Pure.

A run in this module is one execution of a matrix. It is judged by the evidence that existed when the following run of
the same matrix began. The same question has the same cell id every night, so the verdicts on an id are its history.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Verdict, worst
from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.resolve.lock import Lock
from stackcompat.verdict.attribution import Attributor
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.judge import Judge
from stackcompat.verdict.outcomes import TestStatus, pass_times
from stackcompat.verdict.pairs import PairVerdict, judge_pairs
from stackcompat.verdict.verdict import CellVerdict, by_smoke_tests

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

#: The red and the green verdicts of a cell, a component or a pair. All other verdicts say nothing about compatibility.
#: A rule that asks for some red verdicts only (such as those that a search can explain) lists these itself.
RED: frozenset[Verdict] = frozenset(("broken", "uninstallable", "unresolvable"))
GREEN: frozenset[Verdict] = frozenset(("works",))

#: How many runs of a cell are shown, and how many locks of earlier runs count for a pair. Older runs matter only for
#: the time at which something began.
LAST_RUNS = 30


class HistoryEntry(Record):
    """What one run showed of a cell or a pair."""

    at: Annotated[dt.datetime, Field(description="When the run began.")]
    verdict: Verdict


class VersionChange(Record):
    """Something that differs between two runs of a cell: a distribution, the interpreter or the smoke tests.

    Attributes:
        name: The distribution, the implementation of Python, or ``smoke tests``.
        before: Its version in the earlier run, or the digest of the smoke tests; empty if it was not there.
        after: The same in the later run.
        kind: What it is. Only a distribution has releases that can be to blame.
    """

    name: str
    before: str
    after: str
    kind: Literal["distribution", "interpreter", "smoke tests"] = "distribution"


class CellAtRun(NamedTuple):
    """One cell in one run.

    Attributes:
        run: The execution of the matrix.
        planned: The cell and what it resolved to.
        verdict: The verdict on the cell by its smoke tests, by the evidence from before the following run.
        runs: This evidence: the runs of the cell, oldest first.
    """

    run: RunRecord
    planned: PlannedCell
    verdict: CellVerdict
    runs: tuple[Evidence, ...]


def first_red(past: Iterable[HistoryEntry]) -> dt.datetime | None:
    """When the latest stretch of red began; None if there never was red.

    Verdicts that are neither red nor green do not matter: they begin no stretch and end none.

    Args:
        past: What each run showed, oldest first.
    """
    began, is_red = None, False
    for entry in past:
        if entry.verdict in RED and not is_red:
            began = entry.at
        if entry.verdict in RED | GREEN:
            is_red = entry.verdict in RED
    return began


def last_green(past: Iterable[HistoryEntry]) -> dt.datetime | None:
    """When the last green run began; None if there was none."""
    return max((entry.at for entry in past if entry.verdict in GREEN), default=None)


def version_changes(before: Lock, after: Lock) -> tuple[VersionChange, ...]:
    """The distributions that differ between two locks, in the order of their names."""
    old, new = before.versions(), after.versions()
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return tuple(VersionChange(name=name, before=old.get(name, ""), after=new.get(name, "")) for name in names)


def changed_since(green: CellAtRun | None, now: CellAtRun, *, of_test: bool = False) -> tuple[VersionChange, ...]:
    """What changed in a cell since it last worked, or since one of its tests last passed.

    Args:
        green: The cell when it last worked, or when the test last passed; None if it never did.
        now: The cell now.
        of_test: Whether the question is about a test. Then the smoke tests count too: a cell that cannot be installed
            does not depend on them.

    Returns:
        The distributions that differ, then the interpreter, then the smoke tests. Empty if the cell never worked, or if
        one of the two has no lock.
    """
    old = green.planned.resolution.lock if green else None
    new = now.planned.resolution.lock
    if green is None or old is None or new is None:
        return ()
    changes = version_changes(old, new)
    if not green.runs or not now.runs:
        return changes
    # All runs of a cell have the interpreter and the smoke tests that are part of its key.
    then, tonight = green.runs[-1], now.runs[-1]
    if then.interpreter != tonight.interpreter:
        changes += (_changed_interpreter(then.interpreter, tonight.interpreter),)
    if of_test and then.suite != tonight.suite:
        changes += (VersionChange(name="smoke tests", before=then.suite, after=tonight.suite, kind="smoke tests"),)
    return changes


def _changed_interpreter(before: str, after: str) -> VersionChange:
    """The change from one interpreter to another, each such as ``cpython-3.12.9``."""
    name, _, version = after.partition("-")
    return VersionChange(name=name, before=before.removeprefix(f"{name}-"), after=version, kind="interpreter")


def is_today(planned: PlannedCell) -> bool:
    """Whether the cell asks for the newest releases of everything, as published."""
    return planned.cell.policy == "newest" and not planned.cell.overrides and not planned.cell.local


class History:
    """The runs of matrices, and what was known after each. The same lock with the same evidence is judged once.

    Args:
        components: The components of the ecosystem.
        runs: The runs, in any order; `History.runs` has them oldest first.
        evidence: The evidence, by the keys of the planned cells.
        attributor: Says which components a failure points at, by what is known today.
        greens: The releases with which each smoke test was seen to pass, by what is known today.
        judge: Judges the cells by this evidence and these greens; a new one if None.
    """

    def __init__(
        self,
        components: Components,
        runs: Iterable[RunRecord],
        evidence: Mapping[str, tuple[Evidence, ...]],
        attributor: Attributor | None = None,
        greens: Greens | None = None,
        judge: Judge | None = None,
    ) -> None:
        self.runs = tuple(sorted(runs, key=lambda run: run.started))
        self._components = components
        self._evidence = evidence
        self._attributor = attributor
        self._judge = judge or Judge(components, pass_times(chain.from_iterable(evidence.values())), greens)
        #: For each run, when the following run of the same matrix began.
        self._following = [
            next((later.started for later in self.runs[index + 1 :] if later.matrix == run.matrix), None)
            for index, run in enumerate(self.runs)
        ]
        #: By the cells and evidence that the verdicts on pairs rest on.
        self._pair_verdicts: dict[tuple[object, ...], tuple[PairVerdict, ...]] = {}

    # -- cells --------------------------------------------------------------------------------------------------------

    def seen(self, index: int, wanted: Callable[[PlannedCell], bool] = lambda _: True) -> Iterator[CellAtRun]:
        """The cells of a run, in the order of the run.

        Args:
            index: The place of the run among `runs`.
            wanted: Says which of its cells are wanted.
        """
        run = self.runs[index]
        for planned in run.cells:
            if wanted(planned):
                known = self.known(index, planned)
                yield CellAtRun(
                    run, planned, by_smoke_tests(self._judge.verdict(planned, known), self._components), known
                )

    def known(self, index: int, planned: PlannedCell) -> tuple[Evidence, ...]:
        """The evidence on a cell that existed when the run that follows the run at `index` began."""
        until = self._following[index]
        return tuple(run for run in self._evidence.get(planned.key, ()) if until is None or run.started < until)

    def of_cells(self) -> dict[str, tuple[HistoryEntry, ...]]:
        """The history of each cell by its smoke tests: cell id to one entry for each run that had the cell."""
        entries: dict[str, list[HistoryEntry]] = {}
        for index, run in enumerate(self.runs):
            for cell in self.seen(index):
                entry = HistoryEntry(at=run.started, verdict=cell.verdict.verdict)
                entries.setdefault(cell.planned.cell.id, []).append(entry)
        return {cell_id: tuple(past) for cell_id, past in entries.items()}

    # -- tests --------------------------------------------------------------------------------------------------------

    def tests(self, index: int) -> dict[str, list[tuple[CellAtRun, TestStatus]]]:
        """What the run at `index` showed of each smoke test, in the cells with the newest releases of that day."""
        statuses: dict[str, list[tuple[CellAtRun, TestStatus]]] = {}
        for cell in self.seen(index, is_today):
            for status in cell.verdict.statuses:
                if status.result.level != "upstream":
                    statuses.setdefault(status.result.test, []).append((cell, status))
        return statuses

    # -- pairs --------------------------------------------------------------------------------------------------------

    def pairs(self, index: int) -> dict[tuple[str, str], tuple[PairVerdict, ...]]:
        """What the run at `index` showed of two components at their newest releases of that day.

        Locks of earlier runs count as witnesses: a test that passed in one of them is not itself at fault.

        Args:
            index: The place of the run among `runs`.
        """
        tonight = list(self.seen(index, is_today))
        versions = [versions_of(cell.verdict.installed, self._components).items() for cell in tonight]
        unlocked = any(not cell.planned.key for cell in tonight)
        verdicts: dict[tuple[str, str], list[PairVerdict]] = {}
        for pair in self._judge_pairs(self._with_witnesses(index, tonight)):
            releases = {(pair.first, pair.first_version), (pair.second, pair.second_version)}
            installed = any(releases <= of_cell for of_cell in versions)
            if installed or (unlocked and pair.verdict == "unresolvable"):
                verdicts.setdefault((pair.first, pair.second), []).append(pair)
        return {names: tuple(pairs) for names, pairs in verdicts.items()}

    def _with_witnesses(self, index: int, tonight: Sequence[CellAtRun]) -> list[CellAtRun]:
        """The cells of a night, and the cells with other locks from the nights before it."""
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

    def _judge_pairs(self, cells: Sequence[CellAtRun]) -> tuple[PairVerdict, ...]:
        """The verdicts on all pairs in `cells`. Nights with the same cells and evidence are judged once."""
        rests_on = [(cell.planned.key or cell.planned.cell.id, cell.verdict.sentence, len(cell.runs)) for cell in cells]
        address = tuple(rests_on)
        if address not in self._pair_verdicts:
            verdicts = [cell.verdict for cell in cells]
            self._pair_verdicts[address] = judge_pairs(verdicts, self._components, self._attributor)
        return self._pair_verdicts[address]

    def of_pairs(self) -> dict[tuple[str, str], tuple[HistoryEntry, ...]]:
        """The history of each pair: two components to one entry for each run; see :meth:`pairs`."""
        entries: dict[tuple[str, str], list[HistoryEntry]] = {}
        for index, run in enumerate(self.runs):
            for names, pairs in self.pairs(index).items():
                entry = HistoryEntry(at=run.started, verdict=worst(pair.verdict for pair in pairs))
                entries.setdefault(names, []).append(entry)
        return {names: tuple(past) for names, past in entries.items()}
