"""What changed overnight in one matrix, and which releases did it. Pure but for what the catalog looks up.

A cell without a verdict is counted. It neither breaks nor fixes anything.
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
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import RunRecord
from stackcompat.nightly.breaks import NewBreak, new_breaks
from stackcompat.nightly.earlier import EarlierNights, earlier_nights, passed_tests
from stackcompat.nightly.features import LostFeature, lost_features
from stackcompat.plan.places import USUAL_PLACES, Places
from stackcompat.resolve.lock import HeldBack
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.history import GREEN, RED, CellAtRun, History, last_green
from stackcompat.verdict.signature import failure_of

__all__ = ["Fixed", "NewRelease", "NewestReleases", "Night", "Unknown", "night"]

#: How far back the past is replayed to find when the newest releases stopped working together.
_REPLAYED = dt.timedelta(days=365)


class Fixed(Record):
    """Cells that work again, or in which a feature works again. `was` is the failure that is gone."""

    was: str
    cells: tuple[str, ...]
    pythons: tuple[str, ...]


class Unknown(Record):
    """The number of cells without a verdict for one reason."""

    why: str
    cells: int


class NewRelease(Record):
    """A release that no earlier run of the matrix held. `uploaded` is None where the index does not know it."""

    name: str
    version: str
    uploaded: dt.datetime | None


class NewestReleases(Record):
    """The newest releases of everything on one Python.

    Attributes:
        python: The Python.
        verdict: Whether they work together.
        held_back: The distributions that are not at their newest release there, each with the bound.
        cell: Id of the cell that shows it.
        last_worked: The latest run in which they worked; None: in no known run.
        days: How many days ago that was.
        broken_since: When the present break began, from upload times and the verdicts on pairs; None: unknown, or there
            is none.
    """

    python: str
    verdict: Verdict
    held_back: tuple[HeldBack, ...] = ()
    cell: str
    last_worked: dt.datetime | None
    days: int | None
    broken_since: dt.datetime | None


class Night(Record):
    """The summary of one run of a matrix. All counts are of cells.

    Attributes:
        matrix: The matrix.
        started: When the run began.
        previous: When the run before it began; None: this is the first.
        sentence: The night in one line.
        cells: All cells.
        counts: The number of cells with each verdict.
        new_breaks: Failures that are new.
        lost: Features that do not work any more.
        fixed: What works again.
        still_broken: Broken or uninstallable cells that are no news.
        excluded: Cells whose declared bounds exclude each other.
        could_not_tell: Cells without a verdict.
        unknown: The reasons for that.
        gone: Cells of the previous run that the matrix does not ask for any more.
        new_releases: Releases that no earlier run held.
        newest: The newest releases of everything, on each Python.
        next_breaks: Deprecations that the newest releases still run into.
    """

    matrix: str
    started: dt.datetime
    previous: dt.datetime | None
    sentence: str
    cells: int
    counts: dict[Verdict, int]
    new_breaks: tuple[NewBreak, ...]
    lost: tuple[LostFeature, ...]
    fixed: tuple[Fixed, ...]
    still_broken: int
    excluded: int
    could_not_tell: int
    unknown: tuple[Unknown, ...]
    gone: int
    new_releases: tuple[NewRelease, ...]
    newest: tuple[NewestReleases, ...]
    next_breaks: tuple[ForecastRow, ...]


def night(
    components: Components,
    runs: Iterable[RunRecord],
    evidence: Mapping[str, tuple[Evidence, ...]],
    catalog: Catalog,
    now: dt.datetime,
    diagnoses: Diagnoses | None = None,
    greens: Greens | None = None,
    places: Places = USUAL_PLACES,
) -> Night:
    """Compare the last run of a matrix with the runs before it.

    Args:
        components: The components of the ecosystem.
        runs: The runs of one matrix, at least one.
        evidence: The evidence, by the planned cells' keys.
        catalog: Upload times, and what releases declare.
        now: The time of the summary.
        diagnoses: What searches for culprits have shown.
        greens: In which releases each smoke test was seen to pass; see :func:`stackcompat.verdict.verdict.judge`.
        places: Where the ecosystem has its published table and its tests, for the commands in the summary.

    Raises:
        IndexUnreachable: The index does not answer.
    """
    history = History(components, runs, evidence, diagnoses, greens)
    *before, tonight = history.runs
    previous = before[-1] if before else None
    summary = summarise(components, (tonight,), evidence, now, diagnoses=diagnoses, greens=greens, places=places)
    earlier = earlier_nights(history)
    last = {cell.planned.cell.id: cell for cell in history.seen(len(before))}
    verdicts = Counter(cell.verdict.verdict for cell in last.values())
    # On a first night everything would be new, so nothing is.
    breaks = new_breaks(summary, last, earlier) if before else ()
    lost = lost_features(summary, last, earlier) if before else ()
    fixed = _fixed(last, earlier)
    releases = _new_releases(history, catalog)
    unknown = _unknown(last)
    return Night(
        matrix=tonight.matrix,
        started=tonight.started,
        previous=previous.started if previous else None,
        sentence=_sentence(previous, tonight, len(breaks), len(lost), len(fixed), len(releases)),
        cells=len(last),
        counts=dict(verdicts),
        new_breaks=breaks,
        lost=lost,
        fixed=fixed,
        still_broken=_still_broken(last, breaks),
        excluded=verdicts["unresolvable"],
        could_not_tell=sum(reason.cells for reason in unknown),
        unknown=unknown,
        gone=len({planned.cell.id for planned in previous.cells} - last.keys()) if previous else 0,
        new_releases=releases,
        newest=_newest(summary, history, catalog),
        next_breaks=forecasts(summary, components, catalog),
    )


def _still_broken(last: Mapping[str, CellAtRun], breaks: Iterable[NewBreak]) -> int:
    """The number of broken or uninstallable cells in which no break is new."""
    red = {name for name, cell in last.items() if cell.verdict.verdict in ("broken", "uninstallable")}
    return len(red - {cell for new_break in breaks for cell in new_break.cells})


def _unknown(last: Mapping[str, CellAtRun]) -> tuple[Unknown, ...]:
    """Why cells have no verdict, the most frequent reason first."""
    reasons = Counter(
        public(cell.verdict.sentence) for cell in last.values() if cell.verdict.verdict in ("invalid", "infra-error")
    )
    return tuple(Unknown(why=reason, cells=number) for reason, number in reasons.most_common())


def _fixed(last: Mapping[str, CellAtRun], earlier: EarlierNights) -> tuple[Fixed, ...]:
    """Each failure of earlier nights that is gone from some cell, with the cells from which it is gone."""
    grouped: dict[str, list[CellAtRun]] = {}
    for name, cell in last.items():
        before = earlier.judged.get(name)
        if before is None:
            continue
        if cell.verdict.verdict in GREEN and before.verdict.verdict in RED:
            grouped.setdefault(public(before.verdict.sentence), []).append(cell)
        broken_features = before.verdict.broken_features
        passed = passed_tests(cell) if broken_features else frozenset()
        for test in broken_features:
            if test.test in passed:
                grouped.setdefault(f"{test.feature}: {failure_of(test).signature}", []).append(cell)
    return tuple(
        Fixed(
            was=was,
            cells=tuple(dict.fromkeys(cell.planned.cell.id for cell in cells)),
            pythons=tuple(dict.fromkeys(cell.planned.cell.python for cell in cells)),
        )
        for was, cells in grouped.items()
    )


def _new_releases(history: History, catalog: Catalog) -> tuple[NewRelease, ...]:
    """The releases that no earlier run held, the latest upload first; none on a first night."""
    *before, tonight = history.runs
    if not before:
        return ()
    known = {release for run in before for release in _locked(run)}
    releases = []
    for name, version in sorted(_locked(tonight) - known):
        release = catalog.project(name).find(version)
        releases.append(NewRelease(name=name, version=version, uploaded=release.uploaded if release else None))
    never = dt.datetime.min.replace(tzinfo=dt.UTC)
    return tuple(sorted(releases, key=lambda release: release.uploaded or never, reverse=True))


def _locked(run: RunRecord) -> set[tuple[str, str]]:
    """Every distribution, with its version, in a lock of the run."""
    locks = {planned.resolution.lock for planned in run.cells if planned.resolution.lock is not None}
    return {(pin.name, pin.version) for lock in locks for pin in lock.pins}


def _newest(summary: Summary, history: History, catalog: Catalog) -> tuple[NewestReleases, ...]:
    """The newest releases on each Python, the newest Python first."""
    past = history.of_cells() if summary.today else {}
    since = summary.generated - _REPLAYED
    # If the newest cell is broken, some pair in it is broken. A break that cells only infer then says which one.
    replays = timelines(summary, catalog, since, inferred=lambda cell: cell.verdict == "broken")
    newest = []
    for cell, replay in zip(summary.today, replays, strict=True):
        last_worked = last_green(past.get(cell.cell, ()))
        is_broken = bool(replay.spans) and replay.spans[-1].state == "broken"
        newest.append(
            NewestReleases(
                python=cell.python,
                verdict=cell.verdict,
                held_back=cell.held_back,
                cell=cell.cell,
                last_worked=last_worked,
                days=(summary.generated - last_worked).days if last_worked else None,
                broken_since=replay.spans[-1].since if is_broken else None,
            )
        )
    return tuple(sorted(newest, key=lambda row: version_key(row.python), reverse=True))


def _sentence(previous: RunRecord | None, tonight: RunRecord, breaks: int, lost: int, fixed: int, releases: int) -> str:
    """The night in one line; the numbers are of what changed."""
    if previous is None:
        return f"The first run of {tonight.matrix}: there is nothing to compare it with, so nothing counts as new."
    changes = []
    if breaks:
        changes.append(f"{breaks} new {'break' if breaks == 1 else 'breaks'}")
    if lost:
        changes.append(f"{lost} lost {'feature' if lost == 1 else 'features'}")
    if fixed:
        changes.append(f"{fixed} fixed")
    if releases:
        changes.append(f"{releases} new {'release' if releases == 1 else 'releases'}")
    since = f"{previous.started:%Y-%m-%d %H:%M}"
    return f"Since {since}: {', '.join(changes)}." if changes else f"Nothing changed since {since}."
