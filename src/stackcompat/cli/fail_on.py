"""The option --fail-on: what of a run turns the exit code of the command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, get_args

import click

from stackcompat.cli.console import err
from stackcompat.cli.exit_codes import FailOn, of_run
from stackcompat.core.errors import UsageError
from stackcompat.core.vocabulary import Verdict
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.evidence.store import Store
from stackcompat.verdict.exchange import judge_crossings
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.history import History
from stackcompat.verdict.run_state import RunState, run_state

__all__ = ["end_of_run", "fail_on_answer_option", "fail_on_option", "state_of_run"]


#: Among so many of the newest records of a matrix is the run before the last one. Each shard of a run that was not
#: merged is a record of its own.
_NEWEST = 30


def _option(allowed: tuple[FailOn, ...], text: str) -> Callable[[Any], Any]:
    """The option with these words. Several can be given, with commas between them too."""

    def parse(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[FailOn, ...]:
        words = [word.strip() for words in given for word in words.split(",")]
        for word in words:
            if word not in allowed:
                raise UsageError(f'--fail-on: "{word}" is unknown; allowed are {", ".join(allowed)}')
        return tuple(word for word in allowed if word in words)

    help_text = f"{text} May be repeated, or separated by commas."
    return click.option("--fail-on", multiple=True, callback=parse, metavar="|".join(allowed), help=help_text)


fail_on_option = _option(
    get_args(FailOn),
    "End with 1 if something is red that was green in the run before or was not in it (new), or is red at all "
    "(broken); with 3 if something has no verdict (unknown).",
)


fail_on_answer_option = _option(
    ("broken", "unknown"),
    "Which answers fail: with broken, what is not known ends with 0; with unknown, what is broken does. "
    "Default: both, with 1 and 3.",
)


def state_of_run(
    record: RunRecord,
    store: Store,
    components: Components,
    greens: Greens,
    wanted: Callable[[PlannedCell], bool] = lambda _: True,
) -> RunState:
    """The state of a run against the run of its matrix before it.

    Args:
        record: The run.
        store: Has the run before it, and the evidence on both.
        components: The components of the ecosystem.
        greens: The releases with which each smoke test was seen to pass.
        wanted: Says which of the cells count.
    """
    earlier = [run for run in store.history(record.matrix, _NEWEST) if run.started < record.started]
    runs = (*earlier[-1:], record)
    evidence = store.of_keys({key for run in runs for key in run.evidence_keys()})
    history = History(components, runs, evidence, greens=greens)

    def verdicts(index: int) -> Mapping[str, Verdict]:
        run = history.runs[index]
        found: dict[str, Verdict] = {}
        for cell in history.seen(index, wanted):
            found[cell.planned.cell.id] = cell.verdict.verdict
        until = record.started if run is not record else None
        known = {
            key: tuple(one for one in seen if until is None or one.started < until) for key, seen in evidence.items()
        }
        for _, crossing in judge_crossings(run.exchange, known) if run.exchange else ():
            found[crossing.id] = crossing.verdict
        return found

    return run_state(verdicts(len(runs) - 1), verdicts(0) if len(runs) > 1 else {})


def end_of_run(fail_on: tuple[FailOn, ...], state: RunState) -> None:
    """Say what of the wanted there is, and end with its exit code.

    Args:
        fail_on: What --fail-on asks for.
        state: The state of the run.

    Raises:
        SystemExit: Always, with the exit code.
    """
    counts = ", ".join(f"{getattr(state, word)} {word}" for word in fail_on)
    err.print(f"--fail-on: {counts}", markup=False)
    sys.exit(of_run(fail_on, state))
