"""What the commands share: consoles and progress, options, where things are opened, how an answer is written."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import uv
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from stackcompat.core.record import UsageError
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.ecosystem.index import PackageIndex
from stackcompat.ecosystem.interpreters import find_interpreters
from stackcompat.ecosystem.suite import Suite
from stackcompat.evidence.runs import Crossing, PlannedCell, RunRecord
from stackcompat.evidence.store import Store
from stackcompat.pipeline.progress import Reporter, Silent
from stackcompat.pipeline.runner import JobTransform, Runner
from stackcompat.pipeline.upstream import OwnTests
from stackcompat.plan.checkout import Checkout
from stackcompat.resolve.resolver import Resolver
from stackcompat.run.local import LocalExecutor
from stackcompat.run.package_cache import PackageCache, cache_bound, default_cache
from stackcompat.table.judged import distinct_cells
from stackcompat.table.vocabulary import sign
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossing
from stackcompat.verdict.history import LAST_RUNS, is_today

__all__ = [
    "COULD_NOT_TELL",
    "EXIT_CODES",
    "STYLES",
    "Bars",
    "Lines",
    "err",
    "every_run",
    "file_option",
    "find_cell",
    "find_crossing",
    "glyph",
    "jobs_option",
    "json_option",
    "make_exchange_runner",
    "make_runner",
    "open_index",
    "open_output",
    "open_store",
    "out",
    "output_option",
    "project_option",
    "reporting",
    "write_json",
    "write_text",
]

EXIT_CODES = {"works": 0, "broken": 1, "unresolvable": 1, "uninstallable": 1, "changed": 4}


COULD_NOT_TELL = 3


STYLES = {"works": "green", "broken": "red", "uninstallable": "red", "unresolvable": "magenta", "changed": "yellow"}


out = Console(highlight=False, soft_wrap=True)


err = Console(stderr=True, highlight=False, soft_wrap=True)


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
    """Progress in a log: one line a stage, one line a step."""

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


def open_store(project: Checkout) -> Store:
    """The store of the project, closed when the command ends."""
    store = Store(project.store)
    click.get_current_context().call_on_close(store.close)
    return store


def make_runner(project: Checkout, jobs: int, pythons: Sequence[str] | None, level: Level = "interop") -> Runner:
    """The runner for cells of this project, without progress.

    Args:
        project: The checkout with the components and the smoke tests.
        jobs: How many cells run at once.
        pythons: The Pythons that the cells want; all that are found here if None.
        level: How deep the cells go. Those of ``upstream`` also run the releases' own tests.
    """
    cache = PackageCache(default_cache(), uv.find_uv_bin(), cache_bound())
    catalog = open_index()
    interpreters = find_interpreters(pythons)
    paths = {python: interpreter.path for python, interpreter in interpreters.items()}
    return Runner(
        components=project.components(),
        catalog=catalog,
        store=open_store(project),
        cache=cache,
        interpreters=interpreters,
        resolver=Resolver(cache.packages, paths, cache.uv, cache.wheel, cache.in_use),
        executor=LocalExecutor(cache, jobs),
        suite=Suite(project.suite),
        transform=OwnTests(catalog) if level == "upstream" else JobTransform(),
    )


def make_exchange_runner(project: Checkout, runner: Runner) -> Runner:
    """The runner for the tests that write and read artifacts; it shares all else with `runner`."""
    return runner.testing(Suite(project.exchange, project.suite))


def find_cell(store: Store, cell: str) -> PlannedCell:
    """The cell of the last runs whose id begins with `cell`, as the tables show it."""
    matches = {name: entries[0][0] for name, entries in distinct_cells(store.runs()).items() if name.startswith(cell)}
    if len(matches) != 1:
        found = ", ".join(sorted(matches)[:5]) or "none"
        raise UsageError(f'CELL: "{cell}" fits {len(matches)} cells of the last runs ({found}); give one cell\'s id')
    return next(iter(matches.values()))


def find_crossing(store: Store, crossing: str) -> CrossingVerdict:
    """The crossing of the last runs between the writer and the reader whose ids, with a + between, begin so."""
    writer, _, reader = crossing.partition("+")
    matches: dict[tuple[str, str], tuple[Crossing, RunRecord]] = {}
    for record in store.runs():
        for one in record.exchange.crossings if record.exchange else ():
            if one.square and one.writer.startswith(writer) and one.reader.startswith(reader):
                matches.setdefault((one.writer, one.reader), (one, record))
    if len(matches) != 1:
        found = ", ".join(sorted(map("+".join, matches))[:5]) or "none"
        told = f'CELL: "{crossing}" fits {len(matches)} crossings of the last runs ({found})'
        raise UsageError(f"{told}; give the id of the cell that writes, +, and that of the one that reads")
    one, record = next(iter(matches.values()))
    assert record.exchange is not None
    return judge_crossing(one, record.exchange, store.of_keys(record.evidence_keys()))


def every_run(store: Store, matrix: str) -> tuple[RunRecord, ...]:
    """The runs that `matrix` (a file, or the name of one) is told from: all of them; there is at least one.

    Of those before the last :data:`LAST_RUNS`, only the cells with the newest releases of everything are read.
    """
    name = Path(matrix).stem
    runs = store.chronicle(name, LAST_RUNS, is_today)
    if not runs:
        raise UsageError(f'MATRIX: "{name}" has no run in {store.path.name}; run it first: stackcompat run {name}')
    return runs


def open_index() -> PackageIndex:
    return PackageIndex(default_cache() / "index")


project_option = click.option(
    "--project", "project_folder", metavar="DIR", help="The checkout to work in; default: this one."
)


jobs_option = click.option(
    "-j", "--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="all cores", help="Cells at once."
)


def _writable(_: click.Context, parameter: click.Parameter, target: str | None) -> str | None:
    """Refuse a file that could not be written before anything is run for it."""
    if target not in (None, "-") and (Path(target).is_dir() or not Path(target).absolute().parent.is_dir()):
        option = parameter.opts[0]
        raise UsageError(f"{option}: {target} cannot be written; give a file in a folder that there is, or -")
    return target


def file_option(name: str, what: str) -> Callable[[Any], Any]:
    """The option --`name` for a file to write `what` into."""
    text = f"Write {what}; - for standard output."
    return click.option(f"--{name}", f"{name}_file", metavar="FILE", callback=_writable, help=text)


json_option = file_option("json", "the answer as JSON")


def write_text(option: str, target: str | None, text: str) -> None:
    """Write `text` where `option` says, if it does."""
    if target == "-":
        sys.stdout.write(text)
    elif target is not None:
        try:
            Path(target).write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{option}: {target} cannot be written: {error.strerror}") from None


def write_json(target: str | None, value: object) -> None:
    """Write `value` where --json says, if it does."""
    if target is not None:
        write_text("--json", target, json.dumps(value, indent=1, default=str) + "\n")


output_option = click.option("-o", "--output", metavar="DIR", help="Where to write; default: reports/ of the project.")


def open_output(given: str | None, project: Checkout) -> Path:
    """The folder that --output gives, which is made if need be; without it, that of the project's reports."""
    folder = Path(given) if given else project.reports
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output: {folder} cannot be written: {error.strerror}; give a folder") from None
    if not os.access(folder, os.W_OK):
        raise UsageError(f"--output: {folder} cannot be written; give a folder that you may write to")
    return folder


def glyph(verdict: Verdict) -> str:
    return f"[{STYLES.get(verdict, 'yellow')}]{sign(verdict).glyph}[/]"
