"""Rows about cells: each combination that was tried, with its verdict and how to reproduce it."""

from __future__ import annotations

import datetime as dt
import shlex
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.requirements import name_of
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.runs import PlannedCell
from stackcompat.plan.places import USUAL_PLACES, Places
from stackcompat.resolve.lock import HeldBack
from stackcompat.table.base import Timestamp
from stackcompat.table.culprits import CulpritRow
from stackcompat.table.judged import ComponentInCell, JudgedCell
from stackcompat.table.plain_lines import plain_lines
from stackcompat.verdict.depth import Depth
from stackcompat.verdict.history import HistoryEntry
from stackcompat.verdict.outcomes import why_limited
from stackcompat.verdict.verdict import reused_from

__all__ = ["CellRow", "cell_row", "lock_path", "lock_place", "lock_text", "published_lock", "text_of_lock"]


class CellRow(Record):
    """One combination that was tried, and its result."""

    id: str
    policy: Annotated[str, Field(description="The policy that asks for the cell.")]
    label: str
    also: Annotated[tuple[str, ...], Field(description="Other policies that ask for the same cell.")]
    python: str
    platform: str
    verdict: Verdict
    level: Annotated[
        Level,
        Field(description="The first level that is red; of what works, the depth of its shallowest requirement."),
    ]
    sentence: str
    asked: Annotated[
        tuple[str, ...],
        Field(description="What the cell is about; the shallowest of it gives a green cell its level."),
    ] = ()
    depths: Annotated[
        dict[str, Depth],
        Field(
            description="How deep each component, and each other requirement, was tried; empty: nothing ran, or it "
            "is not known."
        ),
    ] = {}
    components: dict[str, ComponentInCell]
    requirements: tuple[str, ...]
    pins: Annotated[dict[str, str], Field(description="Component to the exact version that was asked for.")]
    thorough: Annotated[bool, Field(description="Whether all tests are asked for; false: only the essential ones.")]
    forced: Annotated[tuple[str, ...], Field(description="Overrides: requirements that declared metadata forbids.")]
    exclude_newer: dt.datetime | None
    held_back: tuple[HeldBack, ...]
    failures: Annotated[tuple[str, ...], Field(description="Ids of the failures in this cell.")]
    own_tests: Annotated[
        tuple[str, ...],
        Field(description="Ids of the failures of tests that releases ship. They are no part of the verdict."),
    ] = ()
    culprit: Annotated[
        CulpritRow | None, Field(description="Null: the cell is not red, or the culprit is not known.")
    ] = None
    broken_features: Annotated[
        dict[str, str],
        Field(description="Features that do not work, each with its failure. The rest of the cell can work."),
    ] = {}
    not_judged: Annotated[
        dict[str, str],
        Field(
            description="Tests that fail and decide nothing, since they never passed with a release, each with that."
        ),
    ] = {}
    reused: Annotated[
        dict[str, int],
        Field(description="Cells whose results hold here too, by id, each with the number of tests it spared."),
    ] = {}
    passed: int
    not_applicable: int
    blocked: int
    distributions: Annotated[int, Field(description="Number of distributions in the lock, transitive ones included.")]
    lock: Annotated[
        str, Field(description="Path of the published lock, relative to this file; empty: none is published.")
    ]
    lock_id: str
    reproduce: Annotated[
        str, Field(description="The command that runs the cell again, in the folder of the ecosystem.")
    ]
    plain: Annotated[
        tuple[str, ...],
        Field(description="Lines of a shell that show the first failure without this tool; empty: it is not red."),
    ] = ()
    seconds: Annotated[float, Field(description="Wall clock of all runs of the cell, in seconds.")]
    seen: Timestamp | None
    evidence: Annotated[tuple[str, ...], Field(description="Ids of the runs that the verdict rests on.")]
    history: Annotated[
        tuple[HistoryEntry, ...], Field(description="The verdict of each of the last runs, oldest first.")
    ] = ()
    first_red: Annotated[
        dt.datetime | None, Field(description="When the latest stretch of red began; null: it was never red.")
    ] = None
    last_green: Annotated[dt.datetime | None, Field(description="When the cell last worked; null: never.")] = None


#: The locks of cells with these verdicts are published, since people reproduce such cells.
_LOCKED: frozenset[Verdict] = frozenset(("broken", "uninstallable", "flaky"))


def cell_row(
    judged: JudgedCell,
    failures: tuple[str, ...],
    own_tests: tuple[str, ...] = (),
    *,
    components: Components,
    places: Places = USUAL_PLACES,
) -> CellRow:
    """The row of a cell.

    Args:
        judged: The cell.
        failures: Ids of the failures in the cell.
        own_tests: Ids of the failures of tests that releases ship.
        components: The components of the ecosystem.
        places: Where the ecosystem has its published table and its tests.
    """
    verdict, cell = judged.verdict, judged.verdict.cell
    path, lock = published_lock(judged), lock_place(judged, places)
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
        asked=verdict.asked,
        depths=verdict.components,
        components=judged.components,
        requirements=cell.requirements,
        pins=judged.pins,
        thorough=cell.thorough,
        forced=cell.overrides,
        exclude_newer=cell.exclude_newer,
        held_back=verdict.held_back,
        failures=failures,
        own_tests=own_tests,
        culprit=judged.culprit,
        broken_features={test.feature: why_limited(test) for test in verdict.broken_features},
        not_judged=verdict.not_judged,
        reused=reused_from(verdict),
        passed=verdict.passed,
        not_applicable=verdict.not_applicable,
        blocked=verdict.blocked,
        distributions=len(verdict.installed),
        lock=path,
        lock_id=verdict.lock_id,
        reproduce=_reproduce(judged, lock),
        plain=plain_lines(verdict, lock, components, places),
        seconds=round(sum(run.seconds for run in judged.runs), 1),
        seen=verdict.seen,
        evidence=verdict.evidence,
    )


def published_lock(judged: JudgedCell) -> str:
    """The path of the published lock of a cell, relative to the table; empty if it is not published.

    A lock with a file of this machine is not: it is useless elsewhere.
    """
    lock = judged.planned.resolution.lock
    is_needed = judged.verdict.verdict in _LOCKED or judged.own_failures
    return lock_path(judged.verdict.cell.id) if lock and is_needed and lock.is_portable else ""


def lock_place(judged: JudgedCell, places: Places) -> str:
    """The file or address of the published lock of a cell; empty if it is not published."""
    path = published_lock(judged)
    return places.publication(path) if path else ""


def _reproduce(judged: JudgedCell, lock: str) -> str:
    """The command that runs a cell again. `lock` is the file or address of its lock; empty if it is not published."""
    cell = judged.verdict.cell
    words = ["stackcompat", "try"]
    if judged.verdict.has_own_tests:
        words += ["--level", "upstream"]
    if lock:
        return shlex.join([*words, "--lock", lock, "--python", cell.python])
    words += [text for text in cell.requirements if name_of(text) not in cell.accompanying]
    for text in cell.requirements:
        if name_of(text) in cell.accompanying:
            words += ["--also", text]
    words += ["--python", cell.python]
    if cell.exclude_newer:
        words += ["--exclude-newer", cell.exclude_newer.isoformat().replace("+00:00", "Z")]
    for override in cell.overrides:
        words += ["--override", override]
    return shlex.join(words)


def lock_path(cell: str) -> str:
    """The path of the published lock of a cell, relative to the table. `cell` is its id."""
    return f"locks/{cell}.txt"


def lock_text(judged: JudgedCell) -> str:
    """The text of the published lock of a cell. The cell must have a lock."""
    return text_of_lock(judged.planned, judged.verdict.verdict)


def text_of_lock(planned: PlannedCell, result: str) -> str:
    """The text of a published lock.

    Args:
        planned: The cell. It must have a lock.
        result: What is said of it in the first line, in a few words.
    """
    cell, lock = planned.cell, planned.resolution.lock
    assert lock is not None  # the caller asks only for cells whose lock is published
    return f"# cell {cell.id}: {result} on Python {cell.python}, {cell.platform}\n{lock.text()}"
