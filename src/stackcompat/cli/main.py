"""The command line. Every command is a few lines around a stage; exit codes are the same everywhere.

0: works, or done. 1: broken, unresolvable or uninstallable; the gate blocks. 2: a mistake in what was given. 3: could
not tell. 4: look at it: the gate wants a human, or (`exchange`) all is read but the same seed gives other values.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from typing import NoReturn

import click

from stackcompat import __version__
from stackcompat.cli.blame import blame_
from stackcompat.cli.calibrate import calibrate_
from stackcompat.cli.check import check_
from stackcompat.cli.common import COULD_NOT_TELL, err
from stackcompat.cli.exchange import exchange_
from stackcompat.cli.frontier import frontier_
from stackcompat.cli.gate import gate_, replay_
from stackcompat.cli.islands import islands
from stackcompat.cli.matrix import merge, plan, report, run
from stackcompat.cli.night import night_
from stackcompat.cli.show import releases, show
from stackcompat.cli.try_ import try_
from stackcompat.cli.watch import watch_
from stackcompat.core.record import StackcompatError, UsageError

__all__ = ["main", "run_main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="stackcompat")
def main() -> None:
    """Find out by trying which versions of a software stack work together.

    \b
    stackcompat try "jax==0.11.2" "flax==0.12.9" --python 3.12
    stackcompat run quick
    stackcompat report
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)


for _command in (
    *(plan, run, merge, try_, blame_, exchange_, gate_, replay_),
    *(report, night_, watch_, show, releases, islands, frontier_, check_, calibrate_),
):
    main.add_command(_command)


def _fail(message: str, code: int) -> NoReturn:
    err.print(f"stackcompat: {message}", markup=False, style="red")
    sys.exit(code)


def run_main() -> NoReturn:
    """The console script: :func:`main` with the exit codes of this tool instead of tracebacks."""
    # Also where the shell has what it starts in the background ignore Ctrl-C: who sends it means this command.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
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
