"""The verdict on a cell, printed or as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Column, Table

from stackcompat.cli.console import glyph, out
from stackcompat.core.files import write_whole
from stackcompat.evidence.results import Evidence, TestResult, WarningSeen
from stackcompat.plan.ecosystem import Ecosystem
from stackcompat.table.plain_lines import plain_lines
from stackcompat.verdict.outcomes import limit_in_words, why, why_limited
from stackcompat.verdict.verdict import CellVerdict, reused_from

__all__ = ["failure_json", "print_reproduction", "print_verdict", "verdict_json", "warnings_of"]


def verdict_json(verdict: CellVerdict, evidence: Sequence[Evidence]) -> dict[str, Any]:
    """The verdict on a cell and the evidence that it rests on, as JSON."""
    return {
        "schema_version": 1,
        "verdict": verdict.verdict,
        "level": verdict.level,
        "sentence": verdict.sentence,
        "python": verdict.cell.python,
        "platform": verdict.cell.platform,
        "installed": verdict.installed,
        "asked": list(verdict.asked),
        "components": {name: depth.model_dump(mode="json") for name, depth in verdict.components.items()},
        "reached": verdict.reached if verdict.components else None,
        "forced": list(verdict.forced),
        "failures": [failure_json(test) for test in verdict.failures],
        "broken_features": [
            {"feature": test.feature, "why": why_limited(test)} | failure_json(test) for test in verdict.broken_features
        ],
        "not_judged": verdict.not_judged,
        "conflict": verdict.conflict.model_dump(mode="json") if verdict.conflict else None,
        "held_back": [held.model_dump(mode="json") for held in verdict.held_back],
        "reused": reused_from(verdict),
        "passed": verdict.passed,
        "modules_imported": verdict.modules,
        "not_applicable": verdict.not_applicable,
        "blocked": verdict.blocked,
        "warnings": [warning.model_dump(mode="json") for warning in warnings_of(evidence)],
        "evidence": list(verdict.evidence),
    }


def failure_json(test: TestResult) -> dict[str, Any]:
    """A test that did not pass, as JSON."""
    return {
        "test": test.test,
        "level": test.level,
        "components": list(test.components),
        "signature": why(test),
        "type": test.failure.type if test.failure else "",
        "message": test.failure.message if test.failure else test.reason,
        "packages": list(test.failure.packages) if test.failure else [],
        "traceback": test.failure.traceback if test.failure else "",
    }


def warnings_of(evidence: Iterable[Evidence]) -> tuple[WarningSeen, ...]:
    """Every distinct warning of the runs."""
    warnings: dict[tuple[str, str, str, str], WarningSeen] = {}
    for run in evidence:
        for test in run.tests:
            for warning in test.warnings:
                key = (warning.category, warning.raised_by, warning.triggered_by, warning.message)
                warnings[key] = warning
    return tuple(warnings.values())


def print_verdict(verdict: CellVerdict, evidence: Sequence[Evidence], verbose: bool) -> None:
    """Print the verdict on a cell.

    Args:
        verdict: The verdict.
        evidence: The runs that it rests on.
        verbose: Whether every test is printed, not only what failed.
    """
    cell = verdict.cell
    forced = f" (forced: {', '.join(verdict.forced)})" if verdict.forced else ""
    at = f" at {verdict.level}" if verdict.verdict not in ("works", "untested") else f" up to {verdict.level}"
    out.print(
        f"{glyph(verdict.verdict)} [bold]{verdict.verdict}[/]{at} on Python {cell.python}{forced}: "
        f"{escape(verdict.sentence)}"
    )
    for held in verdict.held_back:
        out.print(
            f"  {held.name} {held.newest} is the newest, but {held.got} was chosen: held back by "
            f"{escape(held.by)} ({escape(held.bound)})",
            style="yellow",
        )
    versions = [f"{name} {verdict.installed[name]}" for name in cell.roots() if name in verdict.installed]
    if versions:
        out.print(f"  {', '.join(versions)}", style="dim")
    for test in verdict.failures:
        out.print(f"  [red]✗[/] {escape(test.test)}: {escape(why(test))}")
    for limit in dict.fromkeys(map(limit_in_words, verdict.broken_features)):  # several tests can show one
        out.print(f"  [yellow]![/] {escape(limit)}")
    for name, reason in verdict.not_judged.items():
        out.print(f"  [dim]–[/] {escape(name)} is not judged: {escape(reason)}")
    if verbose:
        for name, depth in verdict.components.items():
            out.print(f"  {name}: {depth.words()}", markup=False)
        _print_tests(evidence)
    reused = reused_from(verdict)
    if reused:
        number = sum(reused.values())
        cells = f"cell{'s' if len(reused) > 1 else ''} {', '.join(reused)}"
        out.print(f"  {number} {'result' if number == 1 else 'results'} reused from {cells}", style="dim")
    if verdict.passed or verdict.not_applicable:
        out.print(
            f"  {verdict.passed} passed, {verdict.not_applicable} not applicable, {verdict.blocked} blocked"
            + (f"; {verdict.modules} further modules imported" if verdict.modules else ""),
            style="dim",
        )


def _print_tests(evidence: Sequence[Evidence]) -> None:
    """Print a row for each test of the first runs."""
    table = Table("outcome", "seconds", Column("test", overflow="fold"), box=None, show_header=False)
    for column in table.columns[:2]:
        column.justify = "right"
    for run in evidence:
        for test in run.tests if not run.is_confirmation else ():
            reason = f" ({test.reason})" if test.reason else ""
            source = f" (reused from cell {test.reused.cell})" if test.reused is not None else ""
            table.add_row(test.outcome, f"{test.seconds:.2f} s", escape(f"{test.test}{reason}{source}"))
    if table.row_count:
        out.print(table)


def print_reproduction(verdict: CellVerdict, project: Ecosystem) -> None:
    """Print how a red cell is tried again: with this tool, and without it. Its lock is written into a file for that.

    The lines are for the folder of the ecosystem.

    Args:
        verdict: The verdict on the cell.
        project: The ecosystem. Its folder for what is never published gets the lock.
    """
    lock = ""
    if verdict.lock is not None:
        path = project.work / "locks" / f"{verdict.cell.id}.txt"
        lock = str(path.relative_to(project.root) if path.is_relative_to(project.root) else path)
    lines = plain_lines(verdict, lock, project.components(), project.places)
    if not lines:
        return
    if verdict.lock is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, verdict.lock.text())
        level = ["--level", "upstream"] if verdict.has_own_tests else []
        again = shlex.join(["stackcompat", "try", *level, "--lock", lock, "--python", verdict.cell.python])
        out.print(f"reproduce: {again}", markup=False)
    out.print(f"without stackcompat, in {project.root}:", markup=False)
    out.print_kept("\n".join(f"  {line}" for line in lines))
