"""Rows about cells: each combination that was tried, with its verdict and how to reproduce it."""

from __future__ import annotations

import datetime as dt
import shlex
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.resolve.lock import HeldBack
from stackcompat.table.base import Timestamp
from stackcompat.table.culprits import CulpritRow
from stackcompat.table.judged import ComponentInCell, JudgedCell
from stackcompat.verdict.history import HistoryEntry
from stackcompat.verdict.outcomes import why

__all__ = ["CellRow", "cell_row", "lock_text"]


class CellRow(Record):
    """One combination that was asked for, and what came of it."""

    id: str
    policy: Annotated[str, Field(description="The policy that asks for the cell.")]
    label: str
    also: Annotated[tuple[str, ...], Field(description="Other policies that ask for the same cell.")]
    python: str
    platform: str
    verdict: Verdict
    level: Annotated[Level, Field(description="The first level that is red, or the deepest that passed.")]
    sentence: str
    components: dict[str, ComponentInCell]
    requirements: tuple[str, ...]
    pins: Annotated[dict[str, str], Field(description="Component to the exact version that was asked for.")]
    thorough: Annotated[bool, Field(description="Whether all tests are asked for; false: only the essential ones.")]
    forced: Annotated[tuple[str, ...], Field(description="Overrides: requirements that declared metadata forbids.")]
    exclude_newer: dt.datetime | None
    held_back: tuple[HeldBack, ...]
    failures: Annotated[tuple[str, ...], Field(description="Ids of the failures in this cell.")]
    culprit: Annotated[CulpritRow | None, Field(description="Null: it is not red, or the culprit is not known.")] = None
    broken_features: Annotated[
        dict[str, str],
        Field(description="Features that do not work, each with its failure. The rest of the cell can work."),
    ] = {}
    passed: int
    not_applicable: int
    blocked: int
    distributions: Annotated[int, Field(description="Number of distributions in the lock, transitive ones included.")]
    lock: Annotated[
        str, Field(description="Path of the published lock, relative to this file; empty: none is published.")
    ]
    lock_id: str
    reproduce: Annotated[str, Field(description="The command that runs it again, from the root of the project.")]
    seconds: Annotated[float, Field(description="Wall clock of all its runs, in seconds.")]
    seen: Timestamp | None
    evidence: Annotated[tuple[str, ...], Field(description="Ids of the runs that the verdict rests on.")]
    history: Annotated[
        tuple[HistoryEntry, ...], Field(description="The verdict of each of the last runs, oldest first.")
    ] = ()
    first_red: Annotated[
        dt.datetime | None, Field(description="When the latest stretch of red began; null: it was never red.")
    ] = None
    last_green: Annotated[dt.datetime | None, Field(description="When it last worked; null: never.")] = None


#: Verdicts that people reproduce: the locks of these cells are published.
_LOCKED: frozenset[Verdict] = frozenset(("broken", "uninstallable", "flaky"))


def cell_row(judged: JudgedCell, failures: tuple[str, ...]) -> CellRow:
    """The row of a cell.

    Args:
        judged: The cell.
        failures: Ids of the failures seen in it.
    """
    verdict, cell = judged.verdict, judged.verdict.cell
    path = f"locks/{cell.id}.txt" if _has_published_lock(judged) else ""
    return CellRow(
        id=cell.id,
        policy=cell.policy,
        label=cell.label,
        also=judged.also,
        python=cell.python,
        platform=cell.platform,
        verdict=verdict.verdict,
        level=verdict.level,
        sentence=verdict.sentence,
        components=judged.components,
        requirements=cell.requirements,
        pins=judged.pins,
        thorough=cell.thorough,
        forced=cell.overrides,
        exclude_newer=cell.exclude_newer,
        held_back=verdict.held_back,
        failures=failures,
        culprit=judged.culprit,
        broken_features={test.feature: why(test) for test in verdict.broken_features},
        passed=verdict.passed,
        not_applicable=verdict.not_applicable,
        blocked=verdict.blocked,
        distributions=len(verdict.installed),
        lock=path,
        lock_id=verdict.lock_id,
        reproduce=_reproduce(judged, path),
        seconds=round(sum(run.seconds for run in judged.runs), 1),
        seen=verdict.seen,
        evidence=verdict.evidence,
    )


def _has_published_lock(judged: JudgedCell) -> bool:
    """Whether the lock is published; one with a file of this machine would be of no use elsewhere."""
    lock = judged.planned.resolution.lock
    return lock is not None and judged.verdict.verdict in _LOCKED and not any(pin.source for pin in lock.pins)


def _reproduce(judged: JudgedCell, lock: str) -> str:
    """The command that shows a cell again; with the `lock` at that path if it is published."""
    cell = judged.verdict.cell
    words = ["nox", "-s", "cell", "--"]
    if judged.verdict.level == "upstream":
        words += ["--level", "upstream"]
    if lock:
        return shlex.join([*words, "--lock", f"reports/{lock}", "--python", cell.python])
    words += [*cell.requirements, "--python", cell.python]
    if cell.exclude_newer:
        words += ["--exclude-newer", cell.exclude_newer.isoformat().replace("+00:00", "Z")]
    for override in cell.overrides:
        words += ["--override", override]
    return shlex.join(words)


def lock_text(judged: JudgedCell) -> str:
    """The text of the published lock of a cell that has one."""
    lock = judged.planned.resolution.lock
    assert lock is not None  # only cells with a lock have its path
    cell = judged.verdict.cell
    return f"# cell {cell.id}: {judged.verdict.verdict} on Python {cell.python}, {cell.platform}\n{lock.text()}"
