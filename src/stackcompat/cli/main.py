"""The entry point: all commands by name, and how each ends in an exit code instead of a traceback."""

from __future__ import annotations

import errno
import gc
import io
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from stackcompat.cli.exit_codes import ExitCode
from stackcompat.cli.lazy import LazyCommand, LazyGroup
from stackcompat.core.errors import StackcompatError, UsageError

if TYPE_CHECKING:
    from stackcompat.cli.console import Color

__all__ = ["main", "run_main"]

#: The commands under the headings of the help, in the order in which people need them, each with one line on what it is
#: for. The modules of the commands take a second to import, so help and version do without them.
HEADINGS = {
    "Ask": {
        "check": LazyCommand("stackcompat.cli.check:check_", "Say whether versions that you have are known to work."),
        "try": LazyCommand(
            "stackcompat.cli.try_:try_", "Test one combination, and say in a sentence what was found.", needs_linux=True
        ),
        "suggest": LazyCommand("stackcompat.cli.suggest:suggest_", "Name the newest set that is known to work."),
        "explain": LazyCommand("stackcompat.cli.suggest:explain_", "Explain what a report says."),
        "advice": LazyCommand("stackcompat.cli.advice:advice", "List the releases that are known to fail together."),
        "show": LazyCommand("stackcompat.cli.show:show", "Show all that is known of a cell of the last runs."),
        "releases": LazyCommand("stackcompat.cli.show:releases", "List the releases of a distribution on the index."),
        "islands": LazyCommand(
            "stackcompat.cli.islands:islands", "Find which newest releases can be installed together."
        ),
    },
    "Run": {
        "init": LazyCommand("stackcompat.cli.init:init", "Make an ecosystem of distributions that you name."),
        "run": LazyCommand(
            "stackcompat.cli.run:run", "Run what a matrix has no evidence of; write the table.", needs_linux=True
        ),
        "plan": LazyCommand("stackcompat.cli.plan:plan", "Show the cells of a matrix without running any."),
        "gate": LazyCommand("stackcompat.cli.gate:gate_", "Say whether a candidate can be released.", needs_linux=True),
        "blame": LazyCommand("stackcompat.cli.blame:blame_", "Find the releases that broke a cell.", needs_linux=True),
        "frontier": LazyCommand(
            "stackcompat.cli.frontier:frontier_",
            "Find which releases of one work with which of another.",
            needs_linux=True,
        ),
        "exchange": LazyCommand(
            "stackcompat.cli.exchange:exchange_",
            "Write artifacts with one combination, read them with another.",
            needs_linux=True,
        ),
        "replay": LazyCommand(
            "stackcompat.cli.replay:replay_", "Measure the gate on releases of the past.", needs_linux=True
        ),
        "calibrate": LazyCommand(
            "stackcompat.cli.calibrate:calibrate_", "Measure the smoke tests on known cases.", needs_linux=True
        ),
    },
    "Tell": {
        "report": LazyCommand("stackcompat.cli.publish:report", "Write the compatibility table and all that follows."),
        "site": LazyCommand("stackcompat.cli.site:site_", "Write the table as a site of small pages."),
        "night": LazyCommand("stackcompat.cli.night:night_", "Say what the last run changed, and whose release did."),
        "watch": LazyCommand("stackcompat.cli.watch:watch_", "Keep an issue for each failure at the newest releases."),
        "surprises": LazyCommand(
            "stackcompat.cli.surprises:surprises", "Print what good guesses about the ecosystem get wrong."
        ),
    },
    "Keep": {
        "evidence": LazyCommand(
            "stackcompat.cli.evidence:evidence", "Carry what the store knows from one machine to another."
        ),
        "merge": LazyCommand("stackcompat.cli.merge:merge", "Take over the stores of other machines into this one."),
        "cache": LazyCommand("stackcompat.cli.cache:cache", "Show and empty the cache of packages and environments."),
        "doctor": LazyCommand("stackcompat.cli.doctor:doctor", "Say what runs need and this machine lacks."),
        "completion": LazyCommand("stackcompat.cli.completion:completion", "Complete commands and names in the shell."),
    },
}


#: The same commands by name.
COMMANDS = {name: command for commands in HEADINGS.values() for name, command in commands.items()}


@click.group(
    cls=LazyGroup,
    lazy=HEADINGS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="When to print in colour; default: on a terminal, unless NO_COLOR or FORCE_COLOR is set.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print the answer and errors only: no progress, no warnings.")
@click.option(
    "--log-file", metavar="FILE", help="Add progress, warnings and errors to FILE, with times; also what -q hides."
)
@click.option("--no-pager", is_flag=True, help="Print a long answer at once, also on a terminal.")
@click.version_option(package_name="stackcompat", prog_name="stackcompat")
def main(color: Color, quiet: bool, log_file: str | None, no_pager: bool) -> None:
    """Find out by trying which versions of a software stack work together.

    \b
    stackcompat try "jax==0.11.2" "flax==0.12.9" --python 3.12
    stackcompat run quick
    stackcompat report
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    from stackcompat.cli.console import Log, err, out  # noqa: PLC0415  (help and version do without rich)

    log = Log(Path(log_file)) if log_file is not None else None
    out.set_up(color, pager=not no_pager)
    err.set_up(color, quiet=quiet, log=log)


def run_main() -> NoReturn:
    """The console script: :func:`main` with the exit codes of this tool instead of tracebacks."""
    # A shell makes a command that it starts in the background ignore SIGINT. A sender of SIGINT still means this one.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file or pipe of Windows takes few of the signs that are printed
            stream.reconfigure(errors="backslashreplace")
    output = sys.stdout
    # Records hold no cycles, so the collector finds next to nothing. It takes a tenth of the time of a large report.
    gc.set_threshold(50_000)
    try:
        try:
            main(prog_name="stackcompat", standalone_mode=False)  # by whichever name: completion goes by it
        finally:
            sys.stdout.flush()  # what fails here can be caught; at the end of the interpreter it cannot
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.MISTAKE)
    except (click.Abort, KeyboardInterrupt):
        _fail("stopped; what was finished is kept, the same command goes on from here", ExitCode.STOPPED)
    except UsageError as error:
        _fail(str(error), ExitCode.MISTAKE)
    except StackcompatError as error:
        _fail(str(error), ExitCode.COULD_NOT_TELL)
    except BrokenPipeError:
        _end_without_reader()
    except SystemExit:
        if sys.stdout is not output:  # what click does when the reader is gone, before it exits with 1
            _end_without_reader()
        raise
    except Exception as error:
        reason = _why_not_written(error)
        if not reason:
            raise
        _fail(f"{reason}; what was finished is kept, the same command goes on from here", ExitCode.COULD_NOT_TELL)
    sys.exit(ExitCode.GOOD)


def _why_not_written(error: BaseException) -> str:
    """What kept a file or the store from being written or read, in a sentence; empty for any other error."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        where = f" for {error.filename}" if error.filename else ""
        return f"the disk is full{where}" if error.errno != errno.EROFS else f"the disk can only be read{where}"
    # The library of the database wraps what the database says. Neither is imported for this alone.
    said = getattr(error, "orig", None) or error
    if type(said).__module__ != "sqlite3":
        return ""
    if getattr(said, "sqlite_errorname", "").startswith("SQLITE_FULL"):
        return "the disk is full for the store of evidence"
    return f"the store of evidence cannot be used: {said}"


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    """End as Ctrl-C does."""
    raise KeyboardInterrupt


def _end_without_reader() -> NoReturn:
    """End after the reader of the output did. What is still to be flushed goes nowhere."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(ExitCode.CLOSED)


def _fail(message: str, code: ExitCode) -> NoReturn:
    """Print one sentence and exit."""
    from stackcompat.cli.console import err  # noqa: PLC0415  (most commands have loaded it by now; help and version do without it)

    err.quiet = False
    with suppress(BrokenPipeError):
        err.print(f"stackcompat: {message}", markup=False, style="red")
    sys.exit(code)
