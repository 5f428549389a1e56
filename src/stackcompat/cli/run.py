"""The command that runs a matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from stackcompat.cli.answers import answer_options, tell, tell_at_once
from stackcompat.cli.completion import complete_matrix
from stackcompat.cli.console import glyph, out, reporting, warn_of_missing
from stackcompat.cli.dry_run import preview_json, preview_matrix, print_preview
from stackcompat.cli.exit_codes import FailOn
from stackcompat.cli.fail_on import end_of_run, fail_on_option, state_of_run
from stackcompat.cli.options import (
    build_option,
    executor_option,
    from_option,
    isolation_option,
    jobs_option,
    open_output,
    project_option,
    publish_option,
    reuse_option,
)
from stackcompat.cli.publish import write_table
from stackcompat.cli.runners import make_exchange_runner, make_runner
from stackcompat.core.errors import UsageError
from stackcompat.core.text import counted
from stackcompat.core.vocabulary import Verdict
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.shards import Shard
from stackcompat.pipeline.baselines import greens_of
from stackcompat.pipeline.exchange_execution import execute_exchange
from stackcompat.pipeline.execution import execute
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.ecosystem import Ecosystem, find_ecosystem
from stackcompat.verdict.closed import count_closed
from stackcompat.verdict.exchange import judge_crossings
from stackcompat.verdict.reuse import count_reuse
from stackcompat.verdict.verdict import by_smoke_tests, judge

__all__ = ["run"]


@click.command()
@click.argument("name", metavar="MATRIX", shell_complete=complete_matrix)
@jobs_option
@executor_option
@click.option("--rerun", is_flag=True, help="Run again what has evidence already.")
@reuse_option
@isolation_option
@build_option
@click.option("--relock", is_flag=True, help="Resolve again what was resolved already.")
@click.option(
    "--shard", "part", metavar="I/N", help="Run only this part, as planned with --shards N; then merge the stores."
)
@click.option(
    "--continue", "go_on", is_flag=True, help="Go on with the last run, even a merged one, and plan nothing anew."
)
@click.option(
    "--dry-run", is_flag=True, help="Say which cells would run, what is known and how long they took; run nothing."
)
@click.option("--report/--no-report", "reports", default=True, help="Write the table afterwards.")
@publish_option
@answer_options
@fail_on_option
@click.option("-v", "--verbose", is_flag=True, help="Print a line for each cell, even if this is no terminal.")
@from_option
@project_option
def run(
    name: str,
    jobs: int,
    rerun: bool,
    no_reuse: bool,
    relock: bool,
    part: str | None,
    go_on: bool,
    dry_run: bool,
    reports: bool,
    publish: bool,
    form: str,
    json_file: str | None,
    fail_on: tuple[FailOn, ...],
    verbose: bool,
    project_folder: str | None,
) -> None:
    """Run MATRIX: lock its cells, run what has no evidence yet, confirm what is red, write the table.

    After Ctrl-C, the same command goes on from there.

    Exit code: 0 done, whatever the table says; 2 bad usage; with --fail-on also 1 and 3, after everything is written.
    """
    shard = Shard.parse(part) if part else None
    if dry_run and shard is not None:
        raise UsageError("--dry-run: is for all cells; leave out --shard, or see stackcompat plan MATRIX --shards N")
    if shard is not None and reports:
        raise UsageError("--shard: a part is no table; add --no-report, and merge the stores of all parts afterwards")
    if go_on and (shard is not None or relock):
        raise UsageError("--continue: goes on with the locks of the last run; leave out --shard and --relock")
    project = find_ecosystem(project_folder)
    if publish and not reports:
        raise UsageError("--publish: publishes the table; leave out --no-report")
    matrix = project.matrix(name)
    destination = open_output(None, project, publish=publish) if reports and not dry_run else None
    if shard is not None and shard.of > 1 and matrix.level == "exchange":
        raise UsageError(
            "--shard: a matrix of level exchange is not run in parts: its readers need what its writers wrote"
        )
    runner = make_runner(project, jobs, matrix.pythons, matrix.level, reuse=not no_reuse, dry=dry_run)
    if dry_run:
        runner = make_exchange_runner(project, runner) if matrix.level == "exchange" else runner
        with reporting(verbose=False) as reporter:
            record = preview_matrix(matrix, runner.reporting(reporter), relock=relock, go_on=go_on)
        warn_of_missing(record.missing_pythons)
        answer = preview_json(matrix, record, runner, rerun=rerun)
        tell(form, json_file, answer, partial(print_preview, answer, record))
        return
    with reporting(verbose) as reporter:
        runner = runner.reporting(reporter)
        if matrix.level == "exchange":
            exchange = make_exchange_runner(project, runner)
            record = execute_exchange(matrix, exchange, rerun=rerun, relock=relock, go_on=go_on)
        else:
            record = execute(matrix, runner, rerun=rerun, relock=relock, shard=shard, go_on=go_on)
    runner.cache.trim()
    warn_of_missing(record.missing_pythons)
    tell_at_once(form, json_file, partial(_finish, project, record, runner, shard, destination))
    if fail_on:
        wanted = shard.owns if shard is not None else lambda _: True
        end_of_run(fail_on, state_of_run(record, runner.store, runner.components, greens_of(runner), wanted))


def _finish(
    project: Ecosystem, record: RunRecord, runner: Runner, shard: Shard | None, destination: Path | None
) -> dict[str, Any]:
    """Print what a run showed, and write the table.

    Args:
        project: The ecosystem.
        record: The run.
        runner: Has the store and the components.
        shard: The part that was run; None: all of it.
        destination: The folder for the table; None: none is written.

    Returns:
        The answer as JSON.
    """
    evidence = runner.store.of_keys(record.evidence_keys())
    verdicts = _print_verdicts(record, evidence, runner, shard)
    _print_coverage(record)
    for sentence in count_reuse(evidence.values()).sentences:
        out.print(escape(sentence))
    closed = count_closed(one for runs in evidence.values() for one in runs)
    if closed.sentence:
        out.print(escape(closed.sentence), style="yellow")
    if destination is not None:
        write_table(project, runner.store, destination)
    return {
        "schema_version": 1,
        "matrix": record.matrix,
        "started": record.started,
        **verdicts,
        "coverage": record.coverage,
        "answered": record.answered,
        "missing_pythons": list(record.missing_pythons),
        "table": str(destination) if destination is not None else None,
    }


def _print_verdicts(
    record: RunRecord, evidence: Mapping[str, tuple[Evidence, ...]], runner: Runner, shard: Shard | None
) -> dict[str, dict[Verdict, int]]:
    """Print and return how many cells and crossings of a run have each verdict. With a shard, only its cells count."""
    mine = [planned for planned in record.cells if shard is None or shard.owns(planned)]
    cells: Counter[Verdict] = Counter()
    if mine:
        greens = greens_of(runner)
        judged = [judge(planned, evidence.get(planned.key, ()), runner.components, greens=greens) for planned in mine]
        cells = Counter(by_smoke_tests(verdict, runner.components).verdict for verdict in judged)
        _print_counts(cells, "cell")
    crossings = Counter(
        verdict.verdict for _, verdict in (judge_crossings(record.exchange, evidence) if record.exchange else ())
    )
    if crossings:
        _print_counts(crossings, "crossing")
    return {"cells": dict(cells), "crossings": dict(crossings)}


def _print_counts(counts: Counter[Verdict], noun: str) -> None:
    parts = [f"{glyph(verdict)} {number} {verdict}" for verdict, number in counts.items()]
    out.print(f"{counted(counts.total(), noun)}: " + ", ".join(parts))


def _print_coverage(record: RunRecord) -> None:
    """Print how much of the covering arrays was locked together and has a verdict, and why the rest has none."""
    for label, percent in record.coverage.items():
        locked = f"{label}: {percent:.1f} % of the allowed combinations are locked together"
        answered = f", {record.answered[label]:.1f} % have a verdict" if label in record.answered else ""
        out.print(escape(locked + answered))
    if record.rounds:
        cells = " and ".join(str(number) for number in record.rounds)
        out.print(f"cells made in further rounds, for what had no verdict: {cells}")
    for sentence in record.unanswered:
        out.print(escape(sentence))
