"""The verdict on a cell, printed or as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.markup import escape

from stackcompat.cli.console import glyph, out
from stackcompat.evidence.results import Evidence, TestResult, WarningSeen
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.verdict import CellVerdict

__all__ = ["failure_json", "print_verdict", "verdict_json", "warnings_of"]


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
        "forced": list(verdict.forced),
        "failures": [failure_json(test) for test in verdict.failures],
        "broken_features": [{"feature": test.feature} | failure_json(test) for test in verdict.broken_features],
        "conflict": verdict.conflict.model_dump(mode="json") if verdict.conflict else None,
        "held_back": [held.model_dump(mode="json") for held in verdict.held_back],
        "passed": verdict.passed,
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
    """Every warning of the runs, once."""
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
    for test in verdict.broken_features:
        out.print(f"  [yellow]![/] {escape(test.feature)} does not work: {escape(why(test))}")
    if verbose:
        for run in evidence:
            for test in run.tests:
                reason = f" ({escape(test.reason)})" if test.reason else ""
                out.print(f"  {test.outcome:>14} {test.seconds:6.2f} s  {escape(test.test)}{reason}")
    if verdict.passed or verdict.not_applicable:
        out.print(
            f"  {verdict.passed} passed, {verdict.not_applicable} not applicable, {verdict.blocked} blocked",
            style="dim",
        )
