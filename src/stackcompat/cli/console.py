"""What commands print on: consoles, the signs of verdicts, and progress."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from stackcompat.core.vocabulary import Verdict
from stackcompat.pipeline.progress import Reporter, Silent
from stackcompat.table.vocabulary import sign

__all__ = ["Bars", "Lines", "err", "glyph", "out", "reporting"]

out = Console(highlight=False, soft_wrap=True)


err = Console(stderr=True, highlight=False, soft_wrap=True)


_STYLES = {"works": "green", "broken": "red", "uninstallable": "red", "unresolvable": "magenta", "changed": "yellow"}


def glyph(verdict: Verdict) -> str:
    """The sign of a verdict in its colour, as rich's markup."""
    return f"[{_STYLES.get(verdict, 'yellow')}]{sign(verdict).glyph}[/]"


class Bars:
    """Progress on a terminal, with the time left."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: Any = None

    def stage(self, title: str, total: int) -> None:
        """See :class:`stackcompat.pipeline.progress.Reporter`."""
        self._task = self._progress.add_task(title, total=total, last="")

    def step(self, text: str) -> None:
        """See :class:`stackcompat.pipeline.progress.Reporter`."""
        self._progress.update(self._task, advance=1, last=text[:70])


class Lines:
    """Progress in a log: a line for each stage and each step."""

    def __init__(self) -> None:
        self._total = self._done = 0

    def stage(self, title: str, total: int) -> None:
        """See :class:`stackcompat.pipeline.progress.Reporter`."""
        self._total, self._done = total, 0
        err.print(f"{title}: {total} cells")

    def step(self, text: str) -> None:
        """See :class:`stackcompat.pipeline.progress.Reporter`."""
        self._done += 1
        err.print(f"  {self._done}/{self._total} {text}")


@contextmanager
def reporting(verbose: bool) -> Iterator[Reporter]:
    """A reporter for as long as work lasts: bars on a terminal, else lines in CI or if `verbose`, else silence."""
    if err.is_terminal:
        columns = (
            TextColumn("{task.description:>6}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[last]}", style="dim"),
        )
        with Progress(*columns, console=err) as progress:
            yield Bars(progress)
    elif verbose or os.environ.get("CI"):
        yield Lines()
    else:
        yield Silent()
