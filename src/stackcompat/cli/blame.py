"""The command that finds out who broke a cell or a crossing, and how any command says it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.markup import escape

from stackcompat.blame.diagnosis import DIAGNOSES, Diagnoses, Diagnosis, unsearched_cells, unsearched_crossings
from stackcompat.blame.driver import Inquiry, blame, blame_each
from stackcompat.blame.exchange import blame_crossing, blame_crossings, follow
from stackcompat.blame.search import BUDGET
from stackcompat.cli.common import (
    find_cell,
    find_crossing,
    jobs_option,
    json_option,
    make_exchange_runner,
    make_runner,
    open_index,
    open_store,
    out,
    project_option,
    reporting,
    write_json,
)
from stackcompat.core.record import StackcompatError, UsageError
from stackcompat.ecosystem.interpreters import how_to_get
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import ExchangePlan
from stackcompat.evidence.store import Store
from stackcompat.pipeline.runner import BulkCatalog, Runner
from stackcompat.plan.checkout import Checkout, find_checkout, published_sets
from stackcompat.verdict.exchange import CrossingVerdict, ExchangeSide, judge_crossings
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = [
    "about_option",
    "blame_",
    "blame_answer",
    "crossing_answer",
    "find_culprit",
    "find_misreading",
    "print_blame",
    "print_misreading",
    "probes_option",
]

probes_option = click.option(
    "--probes", type=click.IntRange(1), default=BUDGET, show_default=True, help="Environments that blame may try."
)


about_option = click.option(
    "--about", default="", metavar="TEXT", help="Blame follows the failure with this in its test's name or its message."
)


@click.command("blame")
@click.argument("cell", required=False)
@probes_option
@about_option
@click.option(
    "--minutes", type=click.FloatRange(min=0), help="Without CELL: no search is begun after so long; default: no limit."
)
@jobs_option
@json_option
@project_option
def blame_(
    cell: str | None,
    probes: int,
    about: str,
    minutes: float | None,
    jobs: int,
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Find who broke CELL of the last runs (its id, or the first characters): the smallest set of versions.

    Of a crossing, which is the id of the cell that writes, +, and that of the one that reads, it is the smallest set on
    either side.

    \b
    stackcompat blame 1a2b3c
    stackcompat blame 1a2b3c+4d5e6f --about orbax-pytree
    stackcompat blame --minutes 30    # every failure of the last runs that nobody was blamed for yet

    Tries further combinations, each of which is evidence like any other; stopped, it goes on where it was. What it
    finds stands in the reports that are written from then on.
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    project = find_checkout(project_folder)
    store = open_store(project)
    if cell is None:
        for option, given in (("--about", about), ("--json", json_file)):
            if given:
                raise UsageError(f"{option}: is about one cell; name it, or leave the option away")
        _blame_all(project, store, probes, minutes, jobs)
        return
    if minutes is not None:
        raise UsageError("--minutes: is for all failures; leave CELL away, or use --probes")
    if "+" in cell:
        _blame_crossing(project, store, find_crossing(store, cell), probes, about, json_file)
        return
    planned = find_cell(store, cell)
    verdict = judge(planned, store.of_key(planned.key) if planned.key else ())
    bench = make_runner(project, 1, [planned.cell.python], "upstream")  # that level has every kind of test
    if planned.cell.python not in bench.interpreters:
        raise StackcompatError(how_to_get(planned.cell.python))
    found = find_culprit(verdict, bench, open_index(), project, probes, about)
    bench.cache.trim()
    _keep(verdict, found, store)
    question = {"schema_version": 1, "cell": planned.cell.id, "sentence": verdict.sentence}
    write_json(json_file, question | blame_answer(found))
    if json_file != "-":
        print_blame(found)


def _blame_crossing(
    project: Checkout, store: Store, verdict: CrossingVerdict, probes: int, about: str, json_file: str | None
) -> None:
    """Search for who keeps an artifact of one crossing from being read, keep it and say it."""
    test = follow(verdict, about)
    pythons = [planned.cell.python for planned in verdict.sides.values()]
    plain = make_runner(project, 1, pythons)
    for python in pythons:
        if python not in plain.interpreters:
            raise StackcompatError(how_to_get(python))
    found = find_misreading(verdict, test, make_exchange_runner(project, plain), open_index(), _plans(store), probes)
    plain.cache.trim()
    question = {"schema_version": 1, "crossing": verdict.id, "sentence": verdict.sentence}
    write_json(json_file, question | crossing_answer(found))
    if json_file != "-":
        print_misreading(found)


def _plans(store: Store) -> list[ExchangePlan]:
    """What crossed in the last runs."""
    return [record.exchange for record in store.runs() if record.exchange is not None]


def _blame_all(project: Checkout, store: Store, probes: int, minutes: float | None, jobs: int) -> None:
    """Search for the culprit of each distinct failure of the last runs that no search was made for."""
    planned = {cell.key: cell for record in store.runs() for cell in record.cells if cell.key}
    evidence = store.of_keys(planned)
    verdicts = [judge(cell, evidence.get(key, ())) for key, cell in planned.items()]
    due = unsearched_cells(verdicts, Diagnoses(store.kept(DIAGNOSES)))
    pythons = sorted({verdict.cell.python for verdict in due})
    bench, catalog = make_runner(project, jobs, pythons, "upstream"), open_index()  # that level has every kind of test
    inquiries = [
        Inquiry(verdict, published_sets(project, verdict.cell, catalog))
        for verdict in due
        if verdict.cell.python in bench.interpreters
    ]
    done = 0
    seconds = None if minutes is None else minutes * 60
    began = time.monotonic()
    with reporting(verbose=False) as reporter:
        for inquiry, found in blame_each(inquiries, bench, catalog, reporter, budget=probes, seconds=seconds):
            _keep(inquiry.verdict, found, store)
            out.print(f"{inquiry.verdict.cell.id}: {escape(inquiry.verdict.sentence)}")
            print_blame(found)
            done += 1
    rest = None if seconds is None else seconds - (time.monotonic() - began)
    searched, crossed = _blame_crossings(project, store, catalog, probes, rest, jobs)
    done += searched
    bench.cache.trim()
    left = len(due) + crossed - done
    out.print(
        f"{done} {'failure' if done == 1 else 'failures'} searched"
        + (f", {left} left for the next time" if left else "")
    )


def _blame_crossings(
    project: Checkout, store: Store, catalog: BulkCatalog, probes: int, seconds: float | None, jobs: int
) -> tuple[int, int]:
    """The same for each distinct failure of a crossing: how many were searched, and how many there are."""
    plans = _plans(store)
    verdicts = [
        verdict
        for record in store.runs()
        if record.exchange is not None
        for _, verdict in judge_crossings(record.exchange, store.of_keys(record.evidence_keys()))
    ]
    due = unsearched_crossings(verdicts, Diagnoses(store.kept(DIAGNOSES)))
    if not due:
        return 0, 0
    pythons = sorted({planned.cell.python for verdict, _ in due for planned in verdict.sides.values()})
    bench = make_exchange_runner(project, make_runner(project, jobs, pythons))
    here = [one for one in due if all(p.cell.python in bench.interpreters for p in one[0].sides.values())]
    done = 0
    with reporting(verbose=False) as reporter:
        searches = blame_crossings(here, bench, catalog, reporter, plans=plans, budget=probes, seconds=seconds)
        for (verdict, test), found in searches:
            _keep_sides(found, store)
            out.print(f"{verdict.id}: {escape(test.artifact)}: {escape(why(test))}")
            print_misreading(found)
            done += 1
    return done, len(due)


def _keep(verdict: CellVerdict, found: Diagnosis, store: Store) -> None:
    """Remember who broke a cell; where nothing could be resolved, the resolver says it every time.

    A search that the machine kept from an answer was none.
    """
    if not _fruitless(found) and found.failing.test in {test.test for test in verdict.failures}:
        store.keep(DIAGNOSES, found)


def _keep_sides(found: Mapping[ExchangeSide, Diagnosis], store: Store) -> None:
    """The same for a crossing, of either side."""
    for diagnosis in found.values():
        if not _fruitless(diagnosis):
            store.keep(DIAGNOSES, diagnosis)


def _fruitless(found: Diagnosis) -> bool:
    return bool(found.infra and not found.culprits)


def find_misreading(
    verdict: CrossingVerdict,
    test: TestResult,
    bench: Runner,
    catalog: BulkCatalog,
    plans: Sequence[ExchangePlan],
    probes: int,
) -> dict[ExchangeSide, Diagnosis]:
    """Who, on each side of the crossing of `verdict`, keeps `test` from passing; it is kept. Progress is shown."""
    with reporting(verbose=False) as reporter:
        found = blame_crossing(verdict, test, bench, catalog, reporter, plans=plans, budget=probes)
    _keep_sides(found, bench.store)
    return found


def find_culprit(
    verdict: CellVerdict, bench: Runner, catalog: BulkCatalog, project: Checkout, probes: int, about: str
) -> Diagnosis:
    """Who broke the cell of `verdict`, with progress shown."""
    sets = published_sets(project, verdict.cell, catalog)
    with reporting(verbose=False) as reporter:
        return blame(verdict, bench, catalog, reporter, sets=sets, budget=probes, about=about)


def blame_answer(found: Diagnosis) -> dict[str, Any]:
    """The JSON twin of what is printed."""
    moved = found.moved
    return {
        "culprit": [
            {
                "name": culprit.name,
                "version": culprit.version,
                "last_good": culprit.last_good,
                "first_bad": culprit.first_bad,
                "fixed_in": culprit.fixed_in,
                "never_passed": culprit.never_passed,
                "unresolved": list(culprit.unresolved),
                "shown_by": culprit.shown_by,
                "moved_by": moved.sentence if moved else "",
            }
            for culprit in found.culprits
        ],
        "moved": moved.model_dump(mode="json") if moved else None,
        "probes": found.probes,
        "linear": found.linear,
        "blamed_test": found.failing.test,
        "blamed_failure": why(found.failing),
        "doubt": found.doubt,
        "chain": list(found.chain),
        "known_to_work": found.passing,
        "other_findings": [finding.model_dump(mode="json") for finding in found.findings],
        "probe_evidence": list(found.evidence),
    }


def crossing_answer(found: Mapping[ExchangeSide, Diagnosis]) -> dict[str, Any]:
    """The JSON twin of what is printed of a crossing: the culprits of both sides, then each side's own answer."""
    sides = {side: blame_answer(one) for side, one in found.items()}
    return {
        "culprit": [{"side": side} | row for side, told in sides.items() for row in told["culprit"]],
        **{name: sum(told[name] for told in sides.values()) for name in ("probes", "linear")},
        "sides": sides,
    }


def print_misreading(found: Mapping[ExchangeSide, Diagnosis]) -> None:
    """Say who it was on each side of a crossing."""
    for side, diagnosis in found.items():
        print_blame(diagnosis, f"{side}: ")


def print_blame(found: Diagnosis, side: str = "") -> None:
    """Say who it was: a sentence for each culprit, who moved, and what it took; on which `side`, of a crossing."""
    culprits = found.culprits
    if culprits:
        names = " with ".join(f"{culprit.name} {culprit.version}" for culprit in culprits)
        out.print(f"{side}[bold]culprit:[/] {escape(names)}")
    elif side:
        out.print(f"{side}nobody was found to blame")
    for culprit in culprits:
        out.print(f"  {escape(culprit.sentence())}")
    if found.moved:
        out.print(f"  {escape(found.moved.sentence)}")
    if found.doubt:
        out.print(f"  not certain: {escape(found.doubt)}", style="yellow")
    for finding in found.findings:
        moved = ", ".join(f"{name} {version}" for name, version in list(finding.moved.items())[:3])
        out.print(f"  another failure{f' with {moved}' if moved else ''}: {escape(finding.signature)}", style="dim")
    taken = "1 probe" if found.probes == 1 else f"{found.probes} probes"
    out.print(f"  {taken}; release by release it would have been {found.linear}", style="dim")
