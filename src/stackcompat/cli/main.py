"""The command line. Each command is a few lines around a stage; exit codes are the same everywhere.

0: works, or done. 1: broken, unresolvable or uninstallable; the gate blocks. 2: a mistake in what was given. 3: could
not tell. 4: look at it: the gate wants a human, or (`exchange`) all is read but the same seed gives other values.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from stackcompat.cli.exit_codes import COULD_NOT_TELL
from stackcompat.cli.lazy import LazyCommand, LazyGroup
from stackcompat.core.errors import StackcompatError, UsageError

__all__ = ["main", "run_main"]

#: The commands with the first sentence of each one's help. Their modules take a second to import, so that help and
#: version do without them.
COMMANDS = {
    "plan": LazyCommand(
        "stackcompat.cli.matrix:plan",
        "Show the cells of MATRIX (a file, or the name of one in matrices/) without running any.",
    ),
    "run": LazyCommand(
        "stackcompat.cli.matrix:run",
        "Run MATRIX: lock its cells, run what has no evidence yet, confirm what is red, publish the table.",
    ),
    "merge": LazyCommand(
        "stackcompat.cli.matrix:merge",
        "Take over the evidence, locks and runs of STORES (files) into the project's store; shards become one run.",
    ),
    "try": LazyCommand(
        "stackcompat.cli.try_:try_", "Resolve, install and run one combination, and say in a sentence what was found."
    ),
    "blame": LazyCommand(
        "stackcompat.cli.blame:blame_",
        "Find who broke CELL of the last runs (its id, or the first characters): the smallest set of versions.",
    ),
    "exchange": LazyCommand(
        "stackcompat.cli.exchange:exchange_",
        "Write artifacts with one combination, read them with another, and say what was found.",
    ),
    "gate": LazyCommand(
        "stackcompat.cli.gate:gate_",
        "Say whether CANDIDATE can be released.",
    ),
    "replay": LazyCommand(
        "stackcompat.cli.gate:replay_",
        "Measure the gate on history: judge releases of the past as on the day before their upload.",
    ),
    "report": LazyCommand(
        "stackcompat.cli.publish:report",
        "Write the compatibility table from the store: compat.json, COMPATIBILITY.md, index.html, badges, JUnit.",
    ),
    "night": LazyCommand(
        "stackcompat.cli.night:night_",
        "Say what the last run of MATRIX changed and whose release did it; writes NIGHT.md and night.json.",
    ),
    "watch": LazyCommand(
        "stackcompat.cli.watch:watch_",
        "Open, update and close an issue for each pair and each test that broke at the newest releases of MATRIX.",
    ),
    "show": LazyCommand(
        "stackcompat.cli.show:show",
        "Show everything that is known of CELL (its id, or the first characters): versions, tests, warnings, log.",
    ),
    "releases": LazyCommand(
        "stackcompat.cli.show:releases", "List what the index has of DISTRIBUTION: versions, upload times, Pythons."
    ),
    "islands": LazyCommand(
        "stackcompat.cli.islands:islands",
        "Find the largest sets of newest releases that can be installed together, and who keeps out the others.",
    ),
    "frontier": LazyCommand(
        "stackcompat.cli.frontier:frontier_",
        "Find which releases of FIRST work with which releases of SECOND (components or distributions), from few runs.",
    ),
    "check": LazyCommand(
        "stackcompat.cli.check:check_",
        "Say which known incompatibilities FILE or an environment has, and the nearest set that works.",
    ),
    "calibrate": LazyCommand(
        "stackcompat.cli.calibrate:calibrate_",
        "Measure the smoke tests: try every known case (or those whose id fits CASE, * allowed), print caught / known.",
    ),
}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="stackcompat", prog_name="stackcompat")
def main() -> None:
    """Find out by trying which versions of a software stack work together.

    \b
    stackcompat try "jax==0.11.2" "flax==0.12.9" --python 3.12
    stackcompat run quick
    stackcompat report
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)


def run_main() -> NoReturn:
    """The console script: :func:`main` with the exit codes of this tool instead of tracebacks."""
    # Also where the shell has what it starts in the background ignore Ctrl-C: whoever sends it means this command.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _fail("stopped; what was finished is kept, the same command goes on from here", 130)
    except UsageError as error:
        _fail(str(error), 2)
    except StackcompatError as error:
        _fail(str(error), COULD_NOT_TELL)
    except BrokenPipeError:
        os._exit(0)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        where = f" for {error.filename}" if error.filename else ""
        _fail(f"the disk is full{where}; what was finished is kept, the same command goes on from here", COULD_NOT_TELL)
    sys.exit(0)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    """End as after Ctrl-C."""
    raise KeyboardInterrupt


def _fail(message: str, code: int) -> NoReturn:
    """Print one sentence and exit."""
    from stackcompat.cli.console import err  # noqa: PLC0415  (loaded by now, and not needed where nothing fails)

    err.print(f"stackcompat: {message}", markup=False, style="red")
    sys.exit(code)
