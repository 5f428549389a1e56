"""What changed overnight in one matrix, and whose release did it. Pure.

New breaks come first, one for each distinct failure. A cell is a new break where it is red now and was green when last
told, or where it is red with a failure that no earlier run of the matrix saw. A feature is lost in the same way, though
its cell may work. What could not be told is counted, and neither breaks nor fixes anything.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping

from stackcompat.advice.deprecation import ForecastRow, forecasts
from stackcompat.advice.timeline import timelines
from stackcompat.blame.diagnosis import Diagnoses
from stackcompat.core.record import Record
from stackcompat.core.redact import public
from stackcompat.core.requirements import version_key
from stackcompat.core.vocabulary import Verdict
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import RunRecord
from stackcompat.table.build import summarise
from stackcompat.table.failures import FailureGroup
from stackcompat.table.summary import Summary, who
from stackcompat.verdict.history import (
    GREEN,
    RED,
    CellAtRun,
    History,
    HistoryEntry,
    VersionChange,
    changed_since,
    last_green,
)
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.signature import failure_of
from stackcompat.verdict.verdict import CellVerdict

__all__ = ["Fixed", "Lost", "NewBreak", "NewRelease", "NewestHere", "Night", "Unknown", "culprits", "night"]

#: How far back the days are replayed on which the newest releases did not work together.
_REPLAYED = dt.timedelta(days=365)


class _RedTest(Record):
    """What does not work any more in these `cells` (ids, with Pythons): since when, and who may have done it."""

    signature: str
    culprits: tuple[str, ...]
    moved: tuple[VersionChange, ...]
    last_green: dt.datetime | None
    cells: tuple[str, ...]
    pythons: tuple[str, ...]
    tests: tuple[str, ...]
    reproduce: str
    details: str


class NewBreak(_RedTest):
    """A failure that is new tonight, in these `cells` (ids, with Pythons).

    `culprits` are the releases that a search has found, else those that it points at and that were not there when the
    first of the cells last worked, each ``name version``; `sure` if the search left no doubt, or nothing else moved.
    `moved_by` says in a sentence which side moved, where a search has told. `moved` is all that differs from that run's
    lock; a cell that never worked has none, and `last_green` is None.
    """

    failure: str
    verdict: Verdict
    subject: str
    sure: bool
    moved_by: str


class Lost(_RedTest):
    """A feature that most users do without and that does not work any more in these cells; the rest may.

    `culprits` moved since its test last passed in the first of them and are what the test uses, else all that moved.
    """

    feature: str


class Fixed(Record):
    """What works again in these cells, and what had been the matter with them or with one feature there."""

    was: str
    cells: tuple[str, ...]
    pythons: tuple[str, ...]


class Unknown(Record):
    """Why some cells could not be told."""

    why: str
    cells: int


class NewRelease(Record):
    """A release that no earlier run of the matrix held. `uploaded` is None where the index does not know it."""

    name: str
    version: str
    uploaded: dt.datetime | None


class NewestHere(Record):
    """The newest releases of everything on one Python.

    `last_worked` is the latest run in which they did, `days` how long ago; None: in no known run. `broken_since` is
    from upload times and the verdicts on pairs: when the present break began; None: there is none that is known.
    """

    python: str
    verdict: Verdict
    cell: str
    last_worked: dt.datetime | None
    days: int | None
    broken_since: dt.datetime | None


class Night(Record):
    """The summary of one run of a matrix. `previous` is the run before it; None: this is the first.

    Counts are of cells. `still_broken` are broken or uninstallable and no news, `excluded` are those whose declared
    bounds exclude each other, `gone` those of the previous run that nobody asks for any more.
    """

    matrix: str
    started: dt.datetime
    previous: dt.datetime | None
    sentence: str
    cells: int
    counts: dict[Verdict, int]
    new_breaks: tuple[NewBreak, ...]
    lost: tuple[Lost, ...]
    fixed: tuple[Fixed, ...]
    still_broken: int
    excluded: int
    could_not_tell: int
    unknown: tuple[Unknown, ...]
    gone: int
    new_releases: tuple[NewRelease, ...]
    newest: tuple[NewestHere, ...]
    next_breaks: tuple[ForecastRow, ...]


def night(
    components: Components,
    runs: Iterable[RunRecord],
    evidence: Mapping[str, tuple[Evidence, ...]],
    catalog: Catalog,
    now: dt.datetime,
    diagnoses: Diagnoses | None = None,
) -> Night:
    """What the last of `runs` (of one matrix, at least one) changed; `evidence` is by the planned cells' keys.

    `catalog` gives upload times, `diagnoses` are what searches for culprits have shown. Raises IndexUnreachable where
    the index does not answer.
    """
    history = History(runs, evidence, diagnoses)
    tonight = history.runs[-1]
    summary = summarise(components, (tonight,), evidence, now, diagnoses=diagnoses)
    before = _Before(history)
    last = {seen.planned.cell.id: seen for seen in history.seen(len(history.runs) - 1)}
    broken = _breaks(summary, last, before) if len(history.runs) > 1 else ()
    fresh = {cell for one in broken for cell in one.cells}
    lost = _lost(summary, last, before) if len(history.runs) > 1 else ()
    red = [seen for seen in last.values() if seen.verdict.verdict in ("broken", "uninstallable")]
    fixed = _fixed(last, before)
    releases = _new_releases(history, catalog)
    previous = history.runs[-2] if len(history.runs) > 1 else None
    unknown = Counter(
        public(seen.verdict.sentence) for seen in last.values() if seen.verdict.verdict in ("invalid", "infra-error")
    )
    return Night(
        matrix=tonight.matrix,
        started=tonight.started,
        previous=previous.started if previous else None,
        sentence=_sentence(previous, tonight, broken, lost, fixed, releases),
        cells=len(last),
        counts=dict(Counter(seen.verdict.verdict for seen in last.values())),
        new_breaks=broken,
        lost=lost,
        fixed=fixed,
        still_broken=sum(seen.planned.cell.id not in fresh for seen in red),
        excluded=sum(seen.verdict.verdict == "unresolvable" for seen in last.values()),
        could_not_tell=sum(unknown.values()),
        unknown=tuple(Unknown(why=why, cells=number) for why, number in unknown.most_common()),
        gone=len({planned.cell.id for planned in previous.cells} - last.keys()) if previous else 0,
        new_releases=releases,
        newest=_newest(summary, history, catalog),
        next_breaks=forecasts(summary, components, catalog),
    )


class _Before:
    """What the runs before the last one told: where each cell stood, and every failure that was seen."""

    def __init__(self, history: History) -> None:
        self.told: dict[str, CellAtRun] = {}
        self.green: dict[str, CellAtRun] = {}
        self.signatures: set[str] = set()
        self.limits: set[tuple[str, str]] = set()
        for index in range(len(history.runs) - 1):
            for seen in history.seen(index):
                if seen.verdict.verdict in RED | GREEN:
                    self.told[seen.planned.cell.id] = seen
                if seen.verdict.verdict in GREEN:
                    self.green[seen.planned.cell.id] = seen
                self.signatures |= _signatures(seen.verdict)
                self.limits |= {(test.feature, failure_of(test).signature) for test in seen.verdict.broken_features}


def _signatures(verdict: CellVerdict) -> set[str]:
    """As :func:`stackcompat.table.failures.group_failures` names the failures of a cell."""
    found = {public(verdict.sentence)}
    for result in verdict.failures:
        found.add(failure_of(result).signature)
    return found


def _breaks(summary: Summary, last: Mapping[str, CellAtRun], before: _Before) -> tuple[NewBreak, ...]:
    """Those with a culprit first, one culprit after another, then those in most cells."""
    rows = {cell.id: cell for cell in summary.cells}
    found = []
    for group in summary.failures:
        if group.verdict not in RED:
            continue
        turned = [cell for cell in group.cells if cell in before.told and before.told[cell].verdict.verdict in GREEN]
        # Bounds that exclude each other are as new as the question; they are news where something installed before.
        born = group.signature not in before.signatures and group.verdict != "unresolvable"
        cells = list(group.cells) if born else turned
        if not cells:
            continue
        cells.sort(key=lambda cell: (cell not in turned, rows[cell].policy != "newest"))
        first = cells[0]
        green = before.green.get(first)
        moved = changed_since(green, last[first])
        found.append(
            NewBreak(
                failure=group.id,
                verdict=group.verdict,
                subject=who(group, summary),
                signature=group.signature,
                culprits=culprits(group, summary, moved),
                sure=not group.blamed.doubt if group.blamed is not None else len(moved) == 1,
                moved_by=group.blamed.moved if group.blamed is not None else "",
                moved=moved,
                last_green=green.run.started if green else None,
                cells=tuple(cells),
                pythons=tuple(dict.fromkeys(rows[cell].python for cell in cells)),
                tests=group.tests,
                reproduce=rows[first].reproduce,
                details=group.details,
            )
        )
    weight = Counter[tuple[str, ...]]()
    for one in found:
        weight[one.culprits] += len(one.cells)
    found.sort(key=lambda one: (not one.culprits, -weight[one.culprits], one.culprits, -len(one.cells)))
    return tuple(found)


def _lost(summary: Summary, last: Mapping[str, CellAtRun], before: _Before) -> tuple[Lost, ...]:
    """Those in most cells first."""
    rows = {cell.id: cell for cell in summary.cells}
    distributions = {row.name: row.distribution for row in summary.components}
    found: dict[tuple[str, str], list[tuple[str, TestResult, CellAtRun | None]]] = {}
    for cell, seen in last.items():
        told = before.told.get(cell)
        passed = _passed(told) if told is not None else frozenset()
        for test in seen.verdict.broken_features:
            limit = (test.feature, failure_of(test).signature)
            if test.test in passed or limit not in before.limits:
                found.setdefault(limit, []).append((cell, test, told if test.test in passed else None))
    lost = []
    for (feature, signature), group in found.items():
        cell, test, green = min(group, key=lambda one: (one[2] is None, rows[one[0]].policy != "newest"))
        moved = changed_since(green, last[cell])
        used = {distributions.get(name, name) for name in test.components}
        said = [f"{move.name} {move.after or 'taken away'}" for move in moved if move.name in used]
        cells = tuple(dict.fromkeys([cell, *(one for one, *_ in group)]))
        lost.append(
            Lost(
                feature=feature,
                signature=signature,
                culprits=tuple(said or [f"{move.name} {move.after or 'taken away'}" for move in moved]),
                moved=moved,
                last_green=green.run.started if green else None,
                cells=cells,
                pythons=tuple(dict.fromkeys(rows[one].python for one in cells)),
                tests=tuple(dict.fromkeys(test.test for _, test, _ in group)),
                reproduce=rows[cell].reproduce,
                details=public(failure_of(test).traceback),
            )
        )
    return tuple(sorted(lost, key=lambda one: (-len(one.cells), one.feature)))


def _passed(seen: CellAtRun) -> frozenset[str]:
    return frozenset(status.result.test for status in classify(seen.runs) if status.state == "passed")


def culprits(group: FailureGroup, summary: Summary, moved: Iterable[VersionChange]) -> tuple[str, ...]:
    """What moved and is to blame, or suspected where no search has told; all that a search has told, or that moved."""
    distributions = {row.name: row.distribution for row in summary.components}
    suspects = {distributions[name] for name in group.suspects} | {group.package}
    found = group.blamed.culprits if group.blamed is not None else ()
    if found:
        suspects = {culprit.name for culprit in found}
    said = [(move.name, f"{move.name} {move.after or 'taken away'}") for move in moved]
    told = tuple(text for name, text in said if name in suspects)
    return told or tuple(f"{culprit.name} {culprit.version}" for culprit in found) or tuple(text for _, text in said)


def _fixed(last: Mapping[str, CellAtRun], before: _Before) -> tuple[Fixed, ...]:
    grouped: dict[str, list[CellAtRun]] = {}
    for cell, seen in last.items():
        earlier = before.told.get(cell)
        if seen.verdict.verdict in GREEN and earlier is not None and earlier.verdict.verdict in RED:
            grouped.setdefault(public(earlier.verdict.sentence), []).append(seen)
        limits = earlier.verdict.broken_features if earlier is not None else ()
        passed = _passed(seen) if limits else frozenset()
        for test in limits:
            if test.test in passed:
                grouped.setdefault(f"{test.feature}: {failure_of(test).signature}", []).append(seen)
    return tuple(
        Fixed(
            was=was,
            cells=tuple(dict.fromkeys(seen.planned.cell.id for seen in cells)),
            pythons=tuple(dict.fromkeys(seen.planned.cell.python for seen in cells)),
        )
        for was, cells in grouped.items()
    )


def _new_releases(history: History, catalog: Catalog) -> tuple[NewRelease, ...]:
    """The latest upload first. On a first night everything would be new, so nothing is."""
    *earlier, tonight = history.runs
    if not earlier:
        return ()
    known = {held for run in earlier for held in _held(run)}
    found = []
    for name, version in sorted(_held(tonight) - known):
        release = catalog.project(name).find(version)
        found.append(NewRelease(name=name, version=version, uploaded=release.uploaded if release else None))
    never = dt.datetime.min.replace(tzinfo=dt.UTC)
    found.sort(key=lambda one: one.uploaded or never, reverse=True)
    return tuple(found)


def _held(run: RunRecord) -> set[tuple[str, str]]:
    """Every distribution, with its version, in a lock of the run."""
    locks = {cell.resolution.lock for cell in run.cells if cell.resolution.lock is not None}
    return {(pin.name, pin.version) for lock in locks for pin in lock.pins}


def _newest(summary: Summary, history: History, catalog: Catalog) -> tuple[NewestHere, ...]:
    """Newest Python first."""
    past = history.of_cells() if summary.today else {}
    # That the newest do not work was seen, so it matters less which of them it is due to.
    since = summary.generated - _REPLAYED
    lines = timelines(summary, catalog, since, inferred=lambda one: one.verdict == "broken")
    found = []
    for one, line in zip(summary.today, lines, strict=True):
        seen: tuple[HistoryEntry, ...] = past.get(one.cell, ())
        worked = last_green(seen)
        broken = line.spans[-1].since if line.spans and line.spans[-1].state == "broken" else None
        found.append(
            NewestHere(
                python=one.python,
                verdict=one.verdict,
                cell=one.cell,
                last_worked=worked,
                days=(summary.generated - worked).days if worked else None,
                broken_since=broken,
            )
        )
    return tuple(sorted(found, key=lambda one: version_key(one.python), reverse=True))


def _sentence(
    previous: RunRecord | None,
    tonight: RunRecord,
    broken: tuple[NewBreak, ...],
    lost: tuple[Lost, ...],
    fixed: tuple[Fixed, ...],
    releases: tuple[NewRelease, ...],
) -> str:
    """The night in one line."""
    if previous is None:
        return f"The first run of {tonight.matrix}: there is nothing to compare it with, so nothing counts as new."
    since = f"{previous.started:%Y-%m-%d %H:%M}"
    parts = [
        f"{len(broken)} new {'break' if len(broken) == 1 else 'breaks'}" if broken else "",
        f"{len(lost)} lost {'feature' if len(lost) == 1 else 'features'}" if lost else "",
        f"{len(fixed)} fixed" if fixed else "",
        f"{len(releases)} new {'release' if len(releases) == 1 else 'releases'}" if releases else "",
    ]
    changed = ", ".join(filter(None, parts))
    return f"Since {since}: {changed}." if changed else f"Nothing changed since {since}."
