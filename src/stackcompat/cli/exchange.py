"""The command that tries one crossing by hand: what one environment writes, another reads."""

from __future__ import annotations

import sys
from typing import Any

import click
from rich.markup import escape

from stackcompat.blame.exchange import follow
from stackcompat.cli.blame import about_option, crossing_answer, find_misreading, print_misreading, probes_option
from stackcompat.cli.common import (
    COULD_NOT_TELL,
    EXIT_CODES,
    glyph,
    json_option,
    make_exchange_runner,
    make_runner,
    out,
    project_option,
    reporting,
    write_json,
)
from stackcompat.cli.try_ import failure_row, parse_cell
from stackcompat.core.record import UsageError
from stackcompat.ecosystem.interpreters import find_interpreters
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.cells import refuse_unknown
from stackcompat.pipeline.exchange import plan_exchange, run_exchange
from stackcompat.pipeline.exchange_plan import choose
from stackcompat.plan.cell import Cell
from stackcompat.plan.checkout import find_checkout
from stackcompat.verdict.exchange import ArtifactVerdict, CrossingVerdict, judge_crossing

__all__ = ["answer", "exchange_"]

_GREEDY = ("--write-with", "--read-with")


class _Greedy(click.Command):
    """A command whose requirement options take every word up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click; words after the first one get the option's name repeated before them."""
        spread: list[str] = []
        owner, fed = "", False
        for word in args:
            if word.startswith("-") and word != "-":
                name, _, given = word.partition("=")
                owner, fed = (name if name in _GREEDY else ""), bool(given)
                spread.append(word)
                continue
            if owner and fed:
                spread.append(owner)
            fed = True
            spread.append(word)
        return super().parse_args(ctx, spread)


@click.command("exchange", cls=_Greedy)
@click.option("--write-with", "write_with", multiple=True, required=True, metavar="REQUIREMENT...", help="The writer.")
@click.option("--read-with", "read_with", multiple=True, required=True, metavar="REQUIREMENT...", help="The reader.")
@click.option("--write-python", help="Such as 3.11; default: the newest that is found here.")
@click.option("--read-python", help="As --write-python.")
@click.option(
    "--artifact",
    "artifacts",
    multiple=True,
    metavar="NAME",
    help='Only this one, or all with this word, or of a pattern such as "jax-export*"; may be repeated.',
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
@click.option("-v", "--verbose", is_flag=True, help="Every artifact, not only what is not green.")
@json_option
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
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Write artifacts with one combination, read them with another, and say what was found.

    \b
    stackcompat exchange --write-with "jax==0.10.2" "orbax-checkpoint==0.11.38" --read-with jax orbax-checkpoint
    stackcompat exchange --write-with "jax==0.9.0" --read-with "jax==0.12.0.1" --artifact jax-export

    Exit code: 0 works; 1 broken, unresolvable or uninstallable; 2 bad usage; 3 could not tell; 4 changed: all can be
    read, but the same seed gives other values.
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    project = find_checkout(project_folder)
    newest = next(iter(find_interpreters()), "3.12") if not (write_python and read_python) else ""
    writer = _cell("write", write_with, write_python or newest, write_exclude_newer or exclude_newer)
    reader = _cell("read", read_with, read_python or newest, read_exclude_newer or exclude_newer)
    runner = make_exchange_runner(project, make_runner(project, 1, [writer.python, reader.python]))
    try:
        chosen = choose(artifacts, runner.suite.artifacts())
    except UsageError as error:
        raise UsageError(f"--artifact: {error}") from None
    with reporting(verbose=False) as reporter:
        shown = runner.reporting(reporter)
        plan = plan_exchange([("by hand", [writer], [reader])], shown, artifacts=chosen)
        for planned in plan.cells:
            conflict = planned.resolution.conflict
            if conflict is not None and conflict.kind == "not-found":
                refuse_unknown(planned.cell, runner.catalog)
        plan = run_exchange(plan, shown, artifacts=chosen, rerun=rerun)
    crossing = next(crossing for crossing in plan.crossings if crossing.square)
    keys = {planned.key for planned in plan.cells} | {c.key for c in plan.crossings}
    verdict = judge_crossing(crossing, plan, runner.store.of_keys(keys))
    found = None
    if blaming and verdict.red:
        found = find_misreading(verdict, follow(verdict, about), runner, runner.catalog, [plan], probes)
    runner.cache.trim()
    write_json(json_file, answer(verdict) | (crossing_answer(found) if found else {}))
    if json_file != "-":
        _print(verdict, verbose)
        if found:
            print_misreading(found)
    sys.exit(EXIT_CODES.get(verdict.verdict, COULD_NOT_TELL))


def _cell(side: str, requirements: tuple[str, ...], python: str, exclude_newer: str | None) -> Cell:
    options = {
        "requirement": f"--{side}-with",
        "python": f"--{side}-python",
        "exclude-newer": f"--{side}-exclude-newer",
    }
    return parse_cell(requirements, python, exclude_newer, (), options)


def answer(verdict: CrossingVerdict) -> dict[str, Any]:
    """The JSON twin of what `exchange` prints."""
    return {
        "schema_version": 1,
        "verdict": verdict.verdict,
        "level": verdict.level,
        "sentence": verdict.sentence,
        "side": verdict.side,
        "writer": _side(verdict.writer),
        "reader": _side(verdict.reader),
        "artifacts": [_artifact(artifact) for artifact in verdict.artifacts],
        "failures": [failure_row(test) | {"artifact": test.artifact} for test in verdict.failures],
        "conflict": verdict.conflict.model_dump(mode="json") if verdict.conflict else None,
        "evidence": list(verdict.evidence),
    }


def _side(planned: PlannedCell) -> dict[str, Any]:
    lock = planned.resolution.lock
    return {
        "python": planned.cell.python,
        "platform": planned.cell.platform,
        "requirements": list(planned.cell.requirements),
        "installed": lock.versions() if lock else {},
        "held_back": [held.model_dump(mode="json") for held in planned.resolution.held_back],
    }


def _artifact(artifact: ArtifactVerdict) -> dict[str, Any]:
    fields = artifact.model_dump(mode="json", exclude={"failures"})
    return fields | {"failures": [failure_row(test) for test in artifact.failures]}


def _print(verdict: CrossingVerdict, verbose: bool) -> None:
    side = f" ({verdict.side})" if verdict.side else ""
    out.print(
        f"{glyph(verdict.verdict)} [bold]{verdict.verdict}[/] at {verdict.level}{side}: {escape(verdict.sentence)}"
    )
    for name, planned in (("written", verdict.writer), ("read", verdict.reader)):
        lock = planned.resolution.lock
        if lock is not None:
            versions = lock.versions()
            shown = ", ".join(f"{root} {versions[root]}" for root in planned.cell.roots() if root in versions)
            out.print(f"  {name} on Python {planned.cell.python} with {shown}", style="dim")
    for artifact in verdict.artifacts:
        if verbose or artifact.verdict not in ("works", "not-applicable"):
            out.print(
                f"  {glyph(artifact.verdict)} {artifact.artifact}: {artifact.verdict}: {escape(artifact.sentence)}"
            )
