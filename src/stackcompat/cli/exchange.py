"""The command that tries one crossing by hand: what one environment writes, another reads."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

import click
from rich.markup import escape

from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.exchange import choose_test
from stackcompat.cli.answers import answer_options, tell
from stackcompat.cli.cell_arguments import parse_cell
from stackcompat.cli.cell_output import failure_json
from stackcompat.cli.console import glyph, out, reporting
from stackcompat.cli.culprit_output import crossing_json, print_crossing_diagnoses
from stackcompat.cli.culprit_search import about_option, find_crossing_culprits, probes_option
from stackcompat.cli.exit_codes import of_verdict
from stackcompat.cli.options import executor_option, from_option, project_option, python_option
from stackcompat.cli.runners import make_exchange_runner, make_runner
from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.interpreters import USUAL_PYTHON, find_interpreters
from stackcompat.evidence.runs import ExchangePlan, PlannedCell
from stackcompat.pipeline.exchange import plan_exchange, run_exchange
from stackcompat.pipeline.exchange_plan import choose
from stackcompat.pipeline.runner import Runner
from stackcompat.pipeline.try_cell import refuse_unknown
from stackcompat.plan.cell import Cell
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.verdict.artifacts import ArtifactVerdict, ExchangeSide
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossing

__all__ = ["exchange_"]

#: Options that take every word up to the next option.
_GREEDY = ("--write-with", "--read-with")


class _GreedyCommand(click.Command):
    """A command in which the :data:`_GREEDY` options take every word up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option's name before each further word, then parse as click does."""
        words: list[str] = []
        option, has_word = "", False
        for word in args:
            if word.startswith("-") and word != "-":
                name, _, value = word.partition("=")
                option, has_word = (name if name in _GREEDY else ""), bool(value)
                words.append(word)
                continue
            if option and has_word:
                words.append(option)
            has_word = True
            words.append(word)
        return super().parse_args(ctx, words)


@click.command("exchange", cls=_GreedyCommand)
@click.option("--write-with", "write_with", multiple=True, required=True, metavar="REQUIREMENT...", help="The writer.")
@click.option("--read-with", "read_with", multiple=True, required=True, metavar="REQUIREMENT...", help="The reader.")
@python_option("--write-python", help="Such as 3.11; default: the newest that is found here.")
@python_option("--read-python", help="As --write-python.")
@click.option(
    "--artifact",
    "artifacts",
    multiple=True,
    metavar="NAME",
    help='Only artifacts with this name, word or pattern, such as "jax-export*"; may be repeated.',
)
@click.option("--exclude-newer", metavar="DATE", help="On both sides, only releases uploaded until then.")
@click.option("--write-exclude-newer", metavar="DATE", help="The same for the writer alone.")
@click.option("--read-exclude-newer", metavar="DATE", help="The same for the reader alone.")
@click.option("--rerun", is_flag=True, help="Run again even if there is evidence already.")
@click.option(
    "--blame",
    "blaming",
    is_flag=True,
    help="If it is broken or changed, find the smallest set to blame on either side.",
)
@probes_option
@about_option
@click.option("-v", "--verbose", is_flag=True, help="Show every artifact, not only those that are not green.")
@executor_option
@answer_options
@from_option
@project_option
def exchange_(
    write_with: tuple[str, ...],
    read_with: tuple[str, ...],
    write_python: str | None,
    read_python: str | None,
    artifacts: tuple[str, ...],
    exclude_newer: str | None,
    write_exclude_newer: str | None,
    read_exclude_newer: str | None,
    rerun: bool,
    blaming: bool,
    probes: int,
    about: str,
    verbose: bool,
    form: str,
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Write artifacts with one combination, read them with another, and say what was found.

    \b
    stackcompat exchange --write-with "jax==0.10.2" "orbax-checkpoint==0.11.38" --read-with jax orbax-checkpoint
    stackcompat exchange --write-with "jax==0.9.0" --read-with "jax==0.12.0.1" --artifact jax-export

    Exit code: 0 works; 1 broken, unresolvable or uninstallable; 2 bad usage; 3 could not tell; 4 changed: everything is
    read, but the same seed gives other values.
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    project = find_ecosystem(project_folder)
    newest = next(iter(find_interpreters()), USUAL_PYTHON) if not (write_python and read_python) else ""
    writer = _cell("write", write_with, write_python or newest, write_exclude_newer or exclude_newer)
    reader = _cell("read", read_with, read_python or newest, read_exclude_newer or exclude_newer)
    runner = make_exchange_runner(project, make_runner(project, 1, [writer.python, reader.python]))
    try:
        chosen = choose(artifacts, runner.suite.artifacts())
    except UsageError as error:
        raise UsageError(f"--artifact: {error}") from None
    with reporting(verbose=False) as reporter:
        verdict, plan = _try_crossing(writer, reader, chosen, runner.reporting(reporter), rerun=rerun)
    diagnoses = None
    if blaming and verdict.red:
        diagnoses = find_crossing_culprits(verdict, choose_test(verdict, about), runner, [plan], probes)
    runner.cache.trim()
    answer = _verdict_json(verdict) | (crossing_json(diagnoses) if diagnoses else {})
    tell(form, json_file, answer, partial(_print, verdict, diagnoses or {}, verbose))
    sys.exit(of_verdict(verdict.verdict))


def _try_crossing(
    writer: Cell, reader: Cell, artifacts: tuple[str, ...], runner: Runner, *, rerun: bool
) -> tuple[CrossingVerdict, ExchangePlan]:
    """The verdict on one crossing, and the plan with its baselines."""
    plan = plan_exchange([("by hand", [writer], [reader])], runner, artifacts=artifacts)
    for planned in plan.cells:
        conflict = planned.resolution.conflict
        if conflict is not None and conflict.kind == "not-found":
            refuse_unknown(planned.cell, runner.catalog)
    plan = run_exchange(plan, runner, artifacts=artifacts, rerun=rerun)
    crossing = next(crossing for crossing in plan.crossings if crossing.square)
    keys = {planned.key for planned in plan.cells} | {crossing.key for crossing in plan.crossings}
    return judge_crossing(crossing, plan, runner.store.of_keys(keys)), plan


def _cell(side: str, requirements: tuple[str, ...], python: str, exclude_newer: str | None) -> Cell:
    """The cell that a person asks for on one side, ``write`` or ``read``."""
    options = {
        "requirement": f"--{side}-with",
        "python": f"--{side}-python",
        "exclude-newer": f"--{side}-exclude-newer",
    }
    return parse_cell(requirements, python, exclude_newer, (), options)


def _verdict_json(verdict: CrossingVerdict) -> dict[str, Any]:
    """The verdict on a crossing, as JSON."""
    return {
        "schema_version": 1,
        "verdict": verdict.verdict,
        "level": verdict.level,
        "sentence": verdict.sentence,
        "side": verdict.side,
        "writer": _side_json(verdict.writer),
        "reader": _side_json(verdict.reader),
        "artifacts": [_artifact_json(artifact) for artifact in verdict.artifacts],
        "failures": [failure_json(test) | {"artifact": test.artifact} for test in verdict.failures],
        "conflict": verdict.conflict.model_dump(mode="json") if verdict.conflict else None,
        "evidence": list(verdict.evidence),
    }


def _side_json(planned: PlannedCell) -> dict[str, Any]:
    lock = planned.resolution.lock
    return {
        "python": planned.cell.python,
        "platform": planned.cell.platform,
        "requirements": list(planned.cell.requirements),
        "installed": lock.versions() if lock else {},
        "held_back": [held.model_dump(mode="json") for held in planned.resolution.held_back],
    }


def _artifact_json(artifact: ArtifactVerdict) -> dict[str, Any]:
    fields = artifact.model_dump(mode="json", exclude={"failures"})
    return fields | {"failures": [failure_json(test) for test in artifact.failures]}


def _print(verdict: CrossingVerdict, diagnoses: Mapping[ExchangeSide, Diagnosis], verbose: bool) -> None:
    """Print the verdict on a crossing, the artifacts that are not green or, if `verbose`, all, and who is to blame."""
    side = f" ({verdict.side})" if verdict.side else ""
    out.print(
        f"{glyph(verdict.verdict)} [bold]{verdict.verdict}[/] at {verdict.level}{side}: {escape(verdict.sentence)}"
    )
    for action, planned in (("written", verdict.writer), ("read", verdict.reader)):
        lock = planned.resolution.lock
        if lock is not None:
            versions = lock.versions()
            roots = ", ".join(f"{root} {versions[root]}" for root in planned.cell.roots() if root in versions)
            out.print(f"  {action} on Python {planned.cell.python} with {roots}", style="dim")
    for artifact in verdict.artifacts:
        if verbose or artifact.verdict not in ("works", "not-applicable"):
            out.print(
                f"  {glyph(artifact.verdict)} {artifact.artifact}: {artifact.verdict}: {escape(artifact.sentence)}"
            )
    print_crossing_diagnoses(diagnoses)
