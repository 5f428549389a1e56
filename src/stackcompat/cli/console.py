"""Consoles and what the options of the group make of them, the signs of verdicts, progress, and a shared warning."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from stackcompat.core.dates import now
from stackcompat.core.errors import UsageError
from stackcompat.core.folders import default_cache
from stackcompat.core.redact import masked
from stackcompat.core.text import counted, printable
from stackcompat.core.vocabulary import Verdict
from stackcompat.pipeline.progress import Reporter, Silent
from stackcompat.run.doing import doing
from stackcompat.table.vocabulary import sign

__all__ = [
    "Bars",
    "Color",
    "Lines",
    "Log",
    "Output",
    "Printed",
    "color_of",
    "err",
    "glyph",
    "out",
    "reporting",
    "warn_of_missing",
]

Color = Literal["auto", "always", "never"]

#: What rich is told for each choice of colour. With no system of colours it writes no bold letters either.
_SETTINGS: Mapping[Color, Mapping[str, Any]] = {
    "auto": {},
    "always": {"force_terminal": True, "color_system": "standard", "no_color": False},
    "never": {"color_system": None},
}


def color_of(given: Color, environ: Mapping[str, str] = os.environ) -> Color:
    """When to print in colour.

    Args:
        given: What --color says. If it is ``auto``, variables decide, and without them whether it is a terminal.
        environ: The variables. NO_COLOR outweighs FORCE_COLOR; an empty one counts as absent.
    """
    if given == "auto" and environ.get("NO_COLOR"):
        return "never"
    return "always" if given == "auto" and environ.get("FORCE_COLOR") else given


#: The width of what is no terminal: each row of a table is on one line there, which other programs can read.
_NO_WIDTH = 100_000


def _width(stream: TextIO | None, environ: Mapping[str, str] = os.environ) -> int | None:
    """The width for a stream; None if it is that of its terminal, or the one that COLUMNS says."""
    return None if environ.get("COLUMNS") or (stream is not None and stream.isatty()) else _NO_WIDTH


class Log:
    """The file of --log-file: a line for each line that is printed as progress, warning or error, with its time in UTC.

    It is added to what the file has. Each line is written at once, so that a log can be followed.
    """

    def __init__(self, path: Path) -> None:
        """Make the file, if it is not there.

        Raises:
            UsageError: It cannot be written.
        """
        self._path = path
        try:
            path.open("a", encoding="utf-8").close()
        except OSError as error:
            raise UsageError(f"--log-file: {path} cannot be written: {error.strerror}") from None

    def add(self, text: str) -> None:
        """Add the lines of a text, without empty ones: bars print such, and much that has no text at all."""
        lines = [f"{now():%Y-%m-%dT%H:%M:%SZ} {line}\n" for line in text.splitlines() if line.strip()]
        if lines:
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(lines)


class Printed(NamedTuple):
    """What one call of :meth:`Output.print` printed.

    Attributes:
        objects: Texts and tables.
        markup: Whether the texts are rich's markup.
        verbatim: Whether they are to be kept as they are, such as command lines.
    """

    objects: tuple[Any, ...]
    markup: bool = True
    verbatim: bool = False


class _Clean(Console):
    """A console that shows all of a text but secrets: nothing in it is obeyed, whoever wrote it."""

    def render_str(self, text: str, **settings: Any) -> Text:
        """Make the text of what is printed, alone or in a table; the arguments are those of rich's console."""
        return super().render_str(printable(masked(text)), **settings)


class Output(_Clean):
    """Standard output or standard error.

    Attributes:
        log_file: The file that has everything that is printed here, also what is not shown; None: there is none.
    """

    def __init__(
        self,
        *,
        stderr: bool,
        color: Color = "auto",
        quiet: bool = False,
        log: Log | None = None,
        pager: bool = True,
    ) -> None:
        """Make it. The group of commands makes it anew, by :meth:`set_up`, as the options of the group say.

        Args:
            stderr: Whether it is standard error.
            color: When to print in colour.
            quiet: Whether nothing is shown.
            log: The file that has it all the same.
            pager: Whether a pager may show what is longer than the terminal.
        """
        settings = _SETTINGS[color_of(color)]
        width = _width(sys.stderr if stderr else sys.stdout)
        super().__init__(stderr=stderr, highlight=False, soft_wrap=True, quiet=quiet, width=width, **settings)
        self.log_file = log
        self._pager = pager
        self._page: list[Printed] | None = None

    def set_up(self, color: Color, *, quiet: bool = False, log: Log | None = None, pager: bool = True) -> None:
        """Take over the options of the group; see the arguments of this class."""
        Output.__init__(self, stderr=self.stderr, color=color, quiet=quiet, log=log, pager=pager)

    @property
    def is_watched(self) -> bool:
        """Whether progress can move on it: it is a terminal, in colour or not, and it shows anything."""
        return not self.quiet and self.file.isatty()

    @property
    def pages(self) -> bool:
        """Whether a pager may show what is printed on it: it and standard input are a terminal."""
        return self._pager and self.is_watched and sys.stdin.isatty()

    def print(self, *objects: Any, **settings: Any) -> None:
        """Print, and note it in the log; the arguments are those of :class:`rich.console.Console`."""
        if self._page is not None:
            self._page.append(Printed(objects, settings.get("markup") is not False))
            return
        super().print(*objects, **settings)
        self.note(*objects, **settings)

    def print_kept(self, text: str, **settings: Any) -> None:
        """Print a text that is to be kept as it is, such as a log or a command line."""
        if self._page is not None:
            self._page.append(Printed((text,), markup=False, verbatim=True))
            return
        self.print(text, markup=False, **settings)

    @contextmanager
    def recorded(self) -> Iterator[Sequence[Printed]]:
        """Collect, within a with block, what would be printed. Nothing is shown."""
        page: list[Printed] = []
        self._page = page
        try:
            yield page
        finally:
            self._page = None

    def note(self, *objects: Any, **settings: Any) -> None:
        """Write into the log, if there is one, what :meth:`print` would print, without colour."""
        if self.log_file is not None:
            plain = io.StringIO()
            console = _Clean(file=plain, color_system=None, highlight=False, soft_wrap=True, width=_NO_WIDTH)
            console.print(*objects, **settings)
            self.log_file.add(plain.getvalue())

    def on_broken_pipe(self) -> None:
        """Leave it to :func:`stackcompat.cli.main.run_main`, which ends all commands the same way."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


out = Output(stderr=False)


err = Output(stderr=True)


_STYLES = {"works": "green", "broken": "red", "uninstallable": "red", "unresolvable": "magenta", "changed": "yellow"}


def glyph(verdict: Verdict) -> str:
    """The sign of a verdict in its colour, as rich's markup."""
    return f"[{_STYLES.get(verdict, 'yellow')}]{sign(verdict).glyph}[/]"


class Bars:
    """Progress on a terminal, with the time left."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: Any = None

    def stage(self, title: str, total: int | None) -> None:
        """See :class:`stackcompat.pipeline.progress.Reporter`."""
        self._task = self._progress.add_task(title, total=total, visible=total != 0, last="")

    def step(self, text: str) -> None:
        """See :class:`stackcompat.pipeline.progress.Reporter`."""
        self._progress.update(self._task, advance=1, last=escape(printable(text)))


class Lines:
    """Progress in a log: a line for each stage and each step."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Make it; `say` takes each line."""
        self._say = say
        self._total: int | None = 0
        self._done = 0

    def stage(self, title: str, total: int | None) -> None:
        """See :class:`stackcompat.pipeline.progress.Reporter`."""
        self._total, self._done = total, 0
        if total != 0:
            self._say(title if total is None else f"{title}: {counted(total, 'cell')}")

    def step(self, text: str) -> None:
        """See :class:`stackcompat.pipeline.progress.Reporter`."""
        self._done += 1
        self._say(f"  {self._done}{'' if self._total is None else f'/{self._total}'} {text}")


class _Both:
    """Progress in two places."""

    def __init__(self, *reporters: Reporter) -> None:
        self._reporters = reporters

    def stage(self, title: str, total: int | None) -> None:
        """See :class:`stackcompat.pipeline.progress.Reporter`."""
        for reporter in self._reporters:
            reporter.stage(title, total)

    def step(self, text: str) -> None:
        """See :class:`stackcompat.pipeline.progress.Reporter`."""
        for reporter in self._reporters:
            reporter.step(text)


class _LastColumn(ProgressColumn):
    """What is done at this moment, such as the test that a cell runs; of a stage that has ended, its last step."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        """The text for one stage."""
        now = () if task.finished else tuple(doing(default_cache() / "environments", os.getpid()))
        if not now:
            return Text(task.fields["last"], style="dim", no_wrap=True, overflow="ellipsis")
        more = f" (+{len(now) - 1})" if len(now) > 1 else ""
        return Text(f"{now[0].cell[:6]}{more}: {now[0].what}", style="dim", no_wrap=True, overflow="ellipsis")


@contextmanager
def reporting(verbose: bool) -> Iterator[Reporter]:
    """A reporter to use in a with block: bars on a terminal, else lines in CI or if `verbose`, else silence.

    The log, if there is one, has the lines in each case.
    """
    logged = Lines(err.note) if err.log_file is not None else Silent()
    if err.is_watched:
        columns = (
            TextColumn("{task.description:>6}"),
            BarColumn(table_column=Column(min_width=20)),  # else long names leave nothing of it
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            _LastColumn(table_column=Column(no_wrap=True, overflow="ellipsis")),
        )
        with Progress(*columns, console=err) as progress:
            yield _Both(Bars(progress), logged)
    elif verbose or os.environ.get("CI"):
        yield Lines(err.print)
    else:
        yield logged


def warn_of_missing(pythons: Iterable[str]) -> None:
    """Print a warning for each of `pythons`, which are not on this machine."""
    for python in pythons:
        err.print(f"Python {python} was not found on this machine, so its cells are not tried.", style="yellow")
