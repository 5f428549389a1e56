"""From the store's records to everything that a report shows. Pure: same records and same time, same summary."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from packaging.version import Version

from stackcompat.blame.diagnosis import Diagnoses
from stackcompat.core.redact import public
from stackcompat.core.requirements import python_key, version_key
from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import Verdict
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import RunRecord
from stackcompat.frontier.frontier import StoredFrontier, without_superseded
from stackcompat.resolve.islands import Islands
from stackcompat.table.accelerators import accelerator_rows
from stackcompat.table.cells import CellRow, JudgedCell, Today, cell_row, gather, lock_text
from stackcompat.table.components import ComponentRow, component_row
from stackcompat.table.exchange import exchange_squares, reads
from stackcompat.table.failures import group_failures
from stackcompat.table.features import feature_rows
from stackcompat.table.frontiers import frontier_row
from stackcompat.table.pairs import PairRow, pair_rows
from stackcompat.table.pinned import pinned_sets
from stackcompat.table.runs import Measured, RunRow, WarningRow
from stackcompat.table.summary import SCHEMA_VERSION, Summary
from stackcompat.table.vocabulary import count_words, sign
from stackcompat.verdict.history import LAST_RUNS, RED, History, HistoryEntry, first_red, last_green
from stackcompat.verdict.pairs import judge_pairs

__all__ = ["summarise"]

#: Warnings that are listed; the rest repeat them.
_MOST_WARNINGS = 25


Row = TypeVar("Row", CellRow, PairRow)


def summarise(
    components: Components,
    runs: tuple[RunRecord, ...],
    evidence: Mapping[str, tuple[Evidence, ...]],
    now: dt.datetime,
    islands: tuple[Islands, ...] = (),
    past: Iterable[RunRecord] = (),
    diagnoses: Diagnoses | None = None,
    charts: Iterable[StoredFrontier] = (),
) -> Summary:
    """Everything that the reports show of `runs` at the time `now`; `evidence` is by the planned cells' keys.

    `past` are the runs that the history of cells and pairs is told from, those of `runs` among them. `diagnoses` are
    what searches for culprits have shown, `charts` the frontiers that are known.
    """
    cases = gather(components, runs, evidence, diagnoses)
    pairs = judge_pairs([case.verdict for case in cases], evidence, components, diagnoses)
    groups, of_cell = group_failures(cases, components, diagnoses)
    reserved = {name: (version, run.started) for run in runs for name, version in run.reserved.items()}
    across = reads(runs, evidence)
    rows = tuple(component_row(one, components, cases, reserved, now, across) for one in components.components)
    history = History(past, evidence, diagnoses)
    past_of_cell, past_of_pair = history.of_cells(), history.of_pairs(components)
    cells = tuple(
        _with_history(cell_row(case, of_cell.get(case.verdict.cell.id, ())), past_of_cell.get(case.verdict.cell.id, ()))
        for case in cases
    )
    counts = Counter(case.verdict.verdict for case in cases)
    today = tuple(_today(case, cases) for case in _newest(cases, runs))
    pair_table = tuple(
        _with_history(row, past_of_pair.get((row.first, row.second), ())) for row in pair_rows(rows, pairs, groups, now)
    )
    claim = _claim(today, rows, pair_table)
    could_not_tell = counts["invalid"] + counts["infra-error"]
    return Summary(
        schema_version=SCHEMA_VERSION,
        generated=now,
        headline=_headline(claim, today, counts, components, now),
        claim=claim,
        today=today,
        counts=dict(counts),
        could_not_tell=could_not_tell,
        runs=tuple(_run(run) for run in runs),
        measured=_measured(cases),
        components=rows,
        pairs=pair_table,
        failures=groups,
        features=feature_rows(cases, components),
        cells=cells,
        exchanges=exchange_squares(runs, evidence, components, diagnoses),
        pinned=pinned_sets(cases),
        accelerators=accelerator_rows(rows, cases, components),
        warnings=_warnings(cases),
        islands=tuple(sorted(islands, key=lambda one: python_key(one.python), reverse=True)),
        frontiers=tuple(frontier_row(chart) for chart in without_superseded(charts)),
        installed={case.verdict.cell.id: case.verdict.installed for case in cases},
        locks={cell.id: lock_text(case) for case, cell in zip(cases, cells, strict=True) if cell.lock},
    )


def _with_history(row: Row, past: tuple[HistoryEntry, ...]) -> Row:
    told = {"history": past[-LAST_RUNS:], "first_red": first_red(past), "last_green": last_green(past)}
    return row.model_copy(update=told)


def _newest(cases: Iterable[JudgedCell], runs: Iterable[RunRecord]) -> list[JudgedCell]:
    """The cell with the newest of everything on each Python, of the largest matrix that has one there.

    What other matrices add to it, the rows of their components tell.
    """
    found: dict[str, JudgedCell] = {}
    for run in sorted(runs, key=lambda run: -len(run.cells)):
        ids = {planned.cell.id for planned in run.cells}
        of_run = {case.verdict.cell.python: case for case in cases if case.today and case.verdict.cell.id in ids}
        found = of_run | found
    return sorted(found.values(), key=lambda case: python_key(case.verdict.cell.python), reverse=True)


def _today(case: JudgedCell, cases: Iterable[JudgedCell]) -> Today:
    verdict = case.verdict
    return Today(
        python=verdict.cell.python,
        verdict=verdict.verdict,
        cell=verdict.cell.id,
        sentence=verdict.sentence,
        versions={name: here.version for name, here in case.components.items()},
        held_back=verdict.held_back,
        instead="" if verdict.verdict == "works" else _instead(case, cases),
    )


def _instead(case: JudgedCell, cases: Iterable[JudgedCell]) -> str:
    """The released combination of the same components on the same Python that works and is nearest to `case`.

    Nearest: most components at the version that `case` has, then the newest versions, component by component.
    """
    wanted = {name: here.version for name, here in case.components.items()}
    names = list(wanted) or sorted(case.asked)

    def nearness(other: JudgedCell) -> tuple[int, list[Version]]:
        versions = {name: other.components[name].version for name in names}
        same = sum(version == wanted.get(name) for name, version in versions.items())
        return same, [version_key(version) for version in versions.values()]

    fit = [
        other
        for other in cases
        if other.verdict.verdict == "works"
        and other.released
        and other.verdict.cell.python == case.verdict.cell.python
        and all(name in other.components for name in names)
        and not any(version_key(here.version).is_prerelease for here in other.components.values())
    ]
    return max(fit, key=nearness).verdict.cell.id if fit and names else ""


def _claim(today: Sequence[Today], rows: Sequence[ComponentRow], pairs: Iterable[PairRow]) -> str:
    """What works today, and whose newest release does not, in one sentence without its full stop."""
    if not today:
        return "What works today is unknown: no cell with the newest releases was run"
    tested = {row.name for row in rows if row.verdict != "untested"}
    number = max(len(tested & one.versions.keys()) for one in today)
    apart = [row for row in rows if row.verdict in RED and not any(row.name in one.versions for one in today)]
    kinds: dict[str, list[Today]] = {}
    for one in today:
        kinds.setdefault(_kind(one), []).append(one)
    clauses = []
    for kind, ones in kinds.items():
        where = f"on Python {and_list([one.python for one in ones])}"
        match kind:
            case "newest":
                clauses.append(f"the newest releases of {number} components work together {where}")
            case "held back":
                clauses.append(f"what an installer gives today works {where}, with {_held_back(ones, rows)}")
            case "red":
                clauses.append(f"the newest releases do not all work together {where}: {_culprits(ones, rows, pairs)}")
            case _:
                what = and_list(sorted({f"{sign(one.verdict).word}: {one.sentence}" for one in ones}))
                clauses.append(f"whether the newest releases work together {where} is not known ({what})")
    clauses += [f"{row.title} {row.newest} is {sign(row.verdict).word} at {row.level}" for row in apart]
    sentence = "; ".join(clauses)
    return sentence[0].upper() + sentence[1:]


def _held_back(ones: Iterable[Today], rows: Iterable[ComponentRow]) -> str:
    """Who is held back at which release and by whom; who moves with another goes without saying."""
    titles = {row.distribution: row.title for row in reversed(tuple(rows)) if not row.moves_with}
    by: dict[str, dict[str, None]] = {}
    for held in (held for one in ones for held in one.held_back):
        if held.name in titles:
            by.setdefault(held.by, {})[f"{titles[held.name]} at {held.got}"] = None
    return and_list([f"{and_list(list(names))} held back by {who}" for who, names in by.items()])


def _culprits(red: Sequence[Today], rows: Iterable[ComponentRow], pairs: Iterable[PairRow]) -> str:
    """The pairs of newest releases that are red on the Pythons of `red`; where none is known, what the cells say."""
    titles = {row.name: row.title for row in rows}
    reds: tuple[Verdict, ...] = ("broken", "unresolvable")
    found = [
        f"{titles[pair.first]} {pair.first_version} with {titles[pair.second]} {pair.second_version}"
        f" is {sign(pair.verdict).word} at {pair.level}"
        for pair in pairs
        if any(pair.pythons.get(one.python) in reds for one in red)
    ]
    return and_list(found or sorted({f"{sign(one.verdict).word}: {one.sentence}" for one in red}))


def _kind(one: Today) -> str:
    if one.verdict == "works":
        return "held back" if one.held_back else "newest"
    return "red" if one.verdict in ("broken", "unresolvable", "uninstallable") else "unknown"


def _headline(
    claim: str, today: Sequence[Today], counts: Mapping[Verdict, int], components: Components, now: dt.datetime
) -> str:
    shown = next((one for one in today if one.verdict == "works"), None)
    versions = (
        ", ".join(f"{components[name].title} {version}" for name, version in shown.versions.items()) if shown else ""
    )
    return f"{claim}{': ' if versions else ''}{versions} (as of {now:%Y-%m-%d}; {count_words(counts)})."


def _run(run: RunRecord) -> RunRow:
    return RunRow(
        matrix=run.matrix,
        title=run.title,
        started=run.started,
        cells=len(run.cells),
        crossings=sum(bool(crossing.square) for crossing in run.exchange.crossings) if run.exchange else 0,
        pythons=run.pythons,
        missing_pythons=run.missing_pythons,
        coverage=run.coverage,
        answered=run.answered,
        unanswered=run.unanswered,
        rounds=run.rounds,
    )


def _measured(cases: Iterable[JudgedCell]) -> tuple[Measured, ...]:
    by_python: dict[str, dict[str, Evidence]] = {}
    for case in cases:
        for run in case.runs:
            by_python.setdefault(run.python, {})[run.id] = run
    found = []
    for python in sorted(by_python, key=python_key, reverse=True):
        runs = by_python[python].values()
        fences = [run.isolation for run in runs if run.isolation is not None]
        found.append(
            Measured(
                python=python,
                interpreters=tuple(sorted({run.interpreter for run in runs})),
                platforms=tuple(sorted({run.platform for run in runs})),
                networks=tuple(sorted({fence.network for fence in fences})),
                memory_limits_mb=tuple(sorted({fence.memory_limit_mb for fence in fences})),
                time_limits_s=tuple(sorted({fence.time_limit_s for fence in fences})),
                runs=len(runs),
                seconds=round(sum(run.seconds for run in runs), 1),
                first_seen=min(run.started for run in runs),
                last_seen=max(run.started for run in runs),
            )
        )
    return tuple(found)


def _warnings(cases: Iterable[JudgedCell]) -> tuple[WarningRow, ...]:
    counts: Counter[tuple[str, str, str, str]] = Counter()
    cells: dict[tuple[str, str, str, str], set[str]] = {}
    today = set()
    versions: dict[tuple[str, str, str, str], list[tuple[str, str]]] = {}
    for case in cases:
        cell, installed = case.verdict.cell.id, case.verdict.installed
        for warning in (w for status in case.statuses for w in status.result.warnings):
            key = (warning.raised_by, warning.triggered_by, warning.category, warning.message)
            counts[key] += warning.count
            cells.setdefault(key, set()).add(cell)
            versions.setdefault(key, []).append((installed.get(key[0], ""), installed.get(key[1], "")))
            if case.today:
                today.add(key)
    rows = [
        WarningRow(
            category=key[2],
            raised_by=key[0],
            raised_since=min((one for one, _ in versions[key] if one), key=version_key, default=""),
            triggered_by=key[1],
            triggered_version=max((other for _, other in versions[key] if other), key=version_key, default=""),
            message=public(key[3]),
            count=count,
            cells=len(cells[key]),
            today=key in today,
        )
        for key, count in counts.items()
    ]
    return tuple(sorted(rows, key=lambda row: (not row.today, -row.cells, -row.count))[:_MOST_WARNINGS])
