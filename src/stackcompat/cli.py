"""The command line. Every command is a few lines around a stage; exit codes are the same everywhere.

0: works, or done. 1: broken, unresolvable or uninstallable. 2: a mistake in what was given. 3: could not tell.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NoReturn

import click
import uv
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from stackcompat import __version__
from stackcompat.calibration import calibrate, load_cases
from stackcompat.campaign import Bench, Reporter, Silent, execute, now, try_cell
from stackcompat.evidence import Evidence, Store
from stackcompat.execute.local import Local
from stackcompat.interpreter import find_interpreters, this_platform
from stackcompat.lock import Lock
from stackcompat.matrix import Level, Selection, parse_date, parse_requirement
from stackcompat.packages import PackageCache, default_cache
from stackcompat.plan import Cell, make_plan
from stackcompat.project import Project, find_project
from stackcompat.record import StackcompatError, UsageError
from stackcompat.releases import Index, select
from stackcompat.report import summarise, write
from stackcompat.report.words import sign
from stackcompat.verdict import LEVELS, CellVerdict, Verdict, judge

__all__ = ["main"]

EXIT_CODES = {"works": 0, "broken": 1, "unresolvable": 1, "uninstallable": 1}
COULD_NOT_TELL = 3
STYLES = {"works": "green", "broken": "red", "uninstallable": "red", "unresolvable": "magenta"}
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Bars:
    """Progress on a terminal, with the time left."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: Any = None

    def stage(self, title: str, total: int) -> None:
        """See :class:`stackcompat.campaign.Reporter`."""
        self._task = self._progress.add_task(title, total=total, last="")

    def step(self, text: str) -> None:
        """See :class:`stackcompat.campaign.Reporter`."""
        self._progress.update(self._task, advance=1, last=text[:70])


class Lines:
    """Progress in a log: one line a stage, one line a step."""

    def __init__(self) -> None:
        self._total = self._done = 0

    def stage(self, title: str, total: int) -> None:
        """See :class:`stackcompat.campaign.Reporter`."""
        self._total, self._done = total, 0
        err.print(f"{title}: {total} cells")

    def step(self, text: str) -> None:
        """See :class:`stackcompat.campaign.Reporter`."""
        self._done += 1
        err.print(f"  {self._done}/{self._total} {text}")


@contextmanager
def _reporting(verbose: bool) -> Iterator[Reporter]:
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


def _store(project: Project) -> Store:
    """The store of the project, closed when the command ends."""
    store = Store(project.store)
    click.get_current_context().call_on_close(store.close)
    return store


def _bench(project: Project, jobs: int, pythons: Sequence[str] | None) -> Bench:
    cache = PackageCache(default_cache(), uv.find_uv_bin())
    return Bench(
        components=project.components(),
        store=_store(project),
        cache=cache,
        interpreters=find_interpreters(pythons),
        executor=Local(cache, jobs),
        suite=project.suite,
    )


def _index() -> Index:
    return Index(default_cache() / "index")


_project = click.option(
    "--project", "project_folder", metavar="DIR", help="The checkout to work in; default: this one."
)
_jobs = click.option(
    "-j", "--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="all cores", help="Cells at once."
)


def _writable(_: click.Context, __: click.Parameter, target: str | None) -> str | None:
    """Refuse a file that could not be written before anything is run for it."""
    if target not in (None, "-") and (Path(target).is_dir() or not Path(target).absolute().parent.is_dir()):
        raise UsageError(f"--json: {target} cannot be written; give a file in a folder that there is, or -")
    return target


_json = click.option(
    "--json",
    "json_file",
    metavar="FILE",
    callback=_writable,
    help="Write the answer as JSON; - for standard output.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="stackcompat")
def main() -> None:
    """Find out by trying which versions of a software stack work together.

    \b
    stackcompat try "jax==0.11.2" "flax==0.12.9" --python 3.12
    stackcompat run quick
    stackcompat report
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)


def _write_json(target: str | None, value: object) -> None:
    if target is None:
        return
    text = json.dumps(value, indent=1, default=str) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--json: {target} cannot be written: {error.strerror}") from None


@main.command()
@click.argument("matrix")
@_project
@_json
def plan(matrix: str, project_folder: str | None, json_file: str | None) -> None:
    """Show the cells of MATRIX (a file, or the name of one in matrices/) without running any."""
    project = find_project(project_folder)
    path, loaded = project.matrix(matrix)
    available = [p for p in loaded.pythons if p in find_interpreters(loaded.pythons)]
    made = make_plan(
        loaded,
        project.components(),
        _index(),
        platform=loaded.platform or this_platform(),
        pythons=available,
        now=now(),
        source=str(path),
    )
    _write_json(json_file, made.model_dump(mode="json"))
    if json_file == "-":
        return
    table = Table("cell", "Python", "policy", "what", box=None, header_style="bold")
    for cell in made.cells:
        table.add_row(cell.id, cell.python, cell.policy, cell.label or ", ".join(cell.requirements))
    out.print(table)
    out.print(f"{len(made.cells)} cells", style="bold")
    for label, percent in made.coverage.items():
        out.print(f"{label}: {percent:.1f} % of the allowed combinations are covered")


@main.command()
@click.argument("matrix")
@_jobs
@click.option("--rerun", is_flag=True, help="Run again what has evidence already.")
@click.option("--relock", is_flag=True, help="Resolve again what was resolved already.")
@click.option("--report/--no-report", "reports", default=True, help="Write reports/ afterwards.")
@click.option("-v", "--verbose", is_flag=True, help="A line for each cell, also where this is not a terminal.")
@_project
def run(
    matrix: str, jobs: int, rerun: bool, relock: bool, reports: bool, verbose: bool, project_folder: str | None
) -> None:
    """Run MATRIX: lock its cells, run what has no evidence yet, confirm what is red, publish the table.

    Stopped at any moment (Ctrl-C), it goes on where it was when started again.
    """
    project = find_project(project_folder)
    path, loaded = project.matrix(matrix)
    bench = _bench(project, jobs, loaded.pythons)
    with _reporting(verbose) as reporter:
        record = execute(loaded, path, bench, _index(), reporter, rerun=rerun, relock=relock)
    bench.cache.trim()
    evidence = bench.store.of_keys(cell.key for cell in record.cells)
    verdicts = [judge(cell, evidence.get(cell.key, ())) for cell in record.cells]
    for python in record.missing_pythons:
        err.print(f"Python {python} was not found on this machine, so its cells were not tried.", style="yellow")
    _print_counts(verdicts)
    if reports:
        _publish(project, bench.store, project.reports)


def _print_counts(verdicts: Sequence[CellVerdict]) -> None:
    counts: dict[Verdict, int] = {}
    for verdict in verdicts:
        counts[verdict.verdict] = counts.get(verdict.verdict, 0) + 1
    parts = [f"{_glyph(name)} {number} {name}" for name, number in counts.items()]
    out.print(f"{len(verdicts)} cells: " + ", ".join(parts))


def _publish(project: Project, store: Store, destination: Path) -> None:
    runs = store.runs()
    if not runs:
        raise UsageError(f"{store.path.name}: holds no run yet; run a matrix first, for example: stackcompat run quick")
    keys = {cell.key for record in runs for cell in record.cells if cell.key}
    summary = summarise(project.components(), runs, store.of_keys(keys), now())
    write(destination, summary)
    out.print(summary.headline)
    page = destination / "index.html"
    out.print(f"Table: {os.path.relpath(page)}, {os.path.relpath(destination / 'COMPATIBILITY.md')}")


@main.command()
@click.option("-o", "--output", metavar="DIR", help="Where to write; default: reports/ of the project.")
@_project
def report(output: str | None, project_folder: str | None) -> None:
    """Write the compatibility table from the store: compat.json, COMPATIBILITY.md, index.html, badges, JUnit."""
    project = find_project(project_folder)
    _publish(project, _store(project), Path(output) if output else project.reports)


@main.command("try", context_settings={"ignore_unknown_options": False})
@click.argument("requirements", nargs=-1, metavar="REQUIREMENT...")
@click.option("--python", help="Such as 3.12; default: the newest that is found here.")
@click.option("--exclude-newer", metavar="DATE", help="Only releases uploaded until then, such as 2026-09-20.")
@click.option("--override", "overrides", multiple=True, metavar="REQUIREMENT", help="Force what metadata forbids.")
@click.option("--lock", "lock_file", metavar="FILE", help="A lock to run as it is, in place of requirements.")
@click.option("--level", type=click.Choice(LEVELS[2:]), default="interop", show_default=True, help="How deep to go.")
@click.option("--rerun", is_flag=True, help="Run again even if there is evidence already.")
@click.option("-v", "--verbose", is_flag=True, help="Every test, not only what failed.")
@_json
@_project
def try_(
    requirements: tuple[str, ...],
    python: str | None,
    exclude_newer: str | None,
    overrides: tuple[str, ...],
    lock_file: str | None,
    level: Level,
    rerun: bool,
    verbose: bool,
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Resolve, install and run one combination, and say in a sentence what was found.

    \b
    stackcompat try "jax==0.11.2" "flax==0.12.9" --python 3.12
    stackcompat try jax flax --exclude-newer 2026-09-20
    stackcompat try "jax==0.10.2" "jaxlib==0.12.0.1" --override "jaxlib==0.12.0.1"
    stackcompat try --lock reports/locks/0a1b2c3d4e5f.txt --python 3.12

    Exit code: 0 works; 1 broken, unresolvable or uninstallable; 2 bad usage; 3 could not tell.
    """  # noqa: D301  (as above)
    if bool(requirements) == bool(lock_file):
        raise UsageError('try: give either requirements such as "jax==0.11.2", or --lock FILE')
    project = find_project(project_folder)
    python = python or next(iter(find_interpreters()), "3.12")
    cell = _cell(requirements, python, exclude_newer, overrides)
    lock = _read_lock(lock_file, python) if lock_file else None
    if lock is not None:
        cell = cell.model_copy(update={"requirements": tuple(f"{pin.name}=={pin.version}" for pin in lock.pins)})
    bench = _bench(project, 1, [python])
    with _reporting(verbose=False) as reporter:
        verdict, evidence = try_cell(cell, bench, _index(), level, reporter, lock=lock, rerun=rerun)
    _write_json(json_file, _answer(verdict, evidence))
    if json_file != "-":
        _print_verdict(verdict, evidence, verbose)
    sys.exit(EXIT_CODES.get(verdict.verdict, COULD_NOT_TELL))


def _read_lock(path: str, python: str) -> Lock:
    try:
        lock = Lock.parse(Path(path).read_text(encoding="utf-8"), python, this_platform())
    except OSError as error:
        raise UsageError(f"--lock: {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"--lock: {path}: {str(error).splitlines()[0]}") from None
    bare = [pin.name for pin in lock.pins if not pin.hashes]
    if bare or not lock.pins:
        reason = f"{bare[0]} has no hash" if bare else "it is empty"
        raise UsageError(f'--lock: {path}: {reason}; allowed are lines such as "alpha==1.2.3 --hash=sha256:..."')
    return lock


def _cell(requirements: Sequence[str], python: str, exclude_newer: str | None, overrides: Sequence[str]) -> Cell:
    def parse(option: str, text: str) -> Requirement:
        try:
            return parse_requirement(text)
        except ValueError as error:
            raise UsageError(f"{option}: {error}") from None

    parts = python.split(".")
    if len(parts) != 2 or parts[0] != "3" or not parts[1].isdigit():
        raise UsageError(f'--python: "{python}" is not a Python such as 3.12')
    parsed = [parse("REQUIREMENT", text) for text in requirements]
    for requirement in parsed:
        if requirement.url:
            raise UsageError(
                f'REQUIREMENT: "{requirement}" has an address; use a matrix with a `local` policy for files'
            )
    try:
        cutoff = parse_date(exclude_newer) if exclude_newer else None
    except ValueError as error:
        raise UsageError(f"--exclude-newer: {error}") from None
    return Cell(
        python=python,
        platform=this_platform(),
        requirements=tuple(sorted(str(requirement) for requirement in parsed)),
        overrides=tuple(sorted(str(parse("--override", text)) for text in overrides)),
        exclude_newer=cutoff,
        newest=tuple(
            canonicalize_name(r.name)
            for r in parsed
            if not any(s.operator in ("==", "===", "<", "<=") for s in r.specifier)
        ),
        label=", ".join(requirements),
    )


def _answer(verdict: CellVerdict, evidence: Sequence[Evidence]) -> dict[str, Any]:
    """The JSON twin of what `try` prints."""
    warnings = {
        (w.category, w.raised_by, w.triggered_by, w.message): w
        for run in evidence
        for test in run.tests
        for w in test.warnings
    }
    return {
        "schema_version": 1,
        "verdict": verdict.verdict,
        "level": verdict.level,
        "sentence": verdict.sentence,
        "python": verdict.cell.python,
        "platform": verdict.cell.platform,
        "installed": verdict.installed,
        "forced": list(verdict.forced),
        "failures": [
            {
                "test": test.test,
                "level": test.level,
                "components": list(test.components),
                "signature": test.failure.signature if test.failure else test.reason,
                "type": test.failure.type if test.failure else "",
                "message": test.failure.message if test.failure else test.reason,
                "packages": list(test.failure.packages) if test.failure else [],
                "traceback": test.failure.traceback if test.failure else "",
            }
            for test in verdict.failures
        ],
        "conflict": verdict.conflict.model_dump(mode="json") if verdict.conflict else None,
        "held_back": [held.model_dump(mode="json") for held in verdict.held_back],
        "passed": verdict.passed,
        "not_applicable": verdict.not_applicable,
        "blocked": verdict.blocked,
        "warnings": [warning.model_dump(mode="json") for warning in warnings.values()],
        "evidence": list(verdict.evidence),
    }


def _glyph(verdict: Verdict) -> str:
    return f"[{STYLES.get(verdict, 'yellow')}]{sign(verdict).glyph}[/]"


def _print_verdict(verdict: CellVerdict, evidence: Sequence[Evidence], verbose: bool) -> None:
    cell = verdict.cell
    forced = f" (forced: {', '.join(verdict.forced)})" if verdict.forced else ""
    at = f" at {verdict.level}" if verdict.verdict not in ("works", "untested") else f" up to {verdict.level}"
    out.print(
        f"{_glyph(verdict.verdict)} [bold]{verdict.verdict}[/]{at} on Python {cell.python}{forced}: "
        f"{escape(verdict.sentence)}"
    )
    for held in verdict.held_back:
        out.print(
            f"  {held.name} {held.newest} is the newest, but {held.got} was chosen: held back by "
            f"{escape(held.by)} ({escape(held.bound)})",
            style="yellow",
        )
    shown = [verdict.installed[name] for name in cell.roots() if name in verdict.installed]
    if shown:
        out.print(
            "  " + ", ".join(f"{n} {verdict.installed[n]}" for n in cell.roots() if n in verdict.installed), style="dim"
        )
    for test in verdict.failures:
        reason = test.failure.signature if test.failure else test.reason
        out.print(f"  [red]✗[/] {escape(test.test)}: {escape(reason)}")
    if verbose:
        for test in (test for run in evidence for test in run.tests):
            extra = f" ({escape(test.reason)})" if test.reason else ""
            out.print(f"  {test.outcome:>14} {test.seconds:6.2f} s  {escape(test.test)}{extra}")
    if verdict.passed or verdict.not_applicable:
        out.print(
            f"  {verdict.passed} passed, {verdict.not_applicable} not applicable, {verdict.blocked} blocked",
            style="dim",
        )


@main.command()
@click.argument("cell")
@_project
def show(cell: str, project_folder: str | None) -> None:
    """Show everything that is known of CELL (its id, or the first characters): versions, tests, warnings, log."""
    store = _store(find_project(project_folder))
    matches = {c.cell.id: c for record in store.runs() for c in record.cells if c.cell.id.startswith(cell)}
    if len(matches) != 1:
        found = ", ".join(sorted(matches)[:5]) or "none"
        raise UsageError(f'CELL: "{cell}" fits {len(matches)} cells of the last runs ({found}); give one cell\'s id')
    planned = next(iter(matches.values()))
    evidence = store.of_key(planned.key) if planned.key else ()
    verdict = judge(planned, evidence)
    out.print(f"cell {planned.cell.id}: {planned.cell.label} ({planned.cell.policy})", style="bold")
    _print_verdict(verdict, evidence, verbose=True)
    out.print(", ".join(f"{name} {version}" for name, version in verdict.installed.items()), style="dim")
    for run_ in evidence:
        out.print(
            f"run {run_.id} {run_.started:%Y-%m-%d %H:%M} {run_.interpreter} {run_.outcome} {run_.seconds:.1f} s "
            f"{run_.detail}",
            markup=False,
        )


@main.command("calibrate")
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option("--rerun", is_flag=True, help="Run again what has evidence already.")
@_jobs
@_json
@_project
def calibrate_(
    cases: tuple[str, ...], rerun: bool, jobs: int, json_file: str | None, project_folder: str | None
) -> None:
    """Measure the smoke tests: try every known case (or those whose id fits CASE, * allowed), print caught / known.

    Exit code: 0 when every case came out as known, 1 when one did not.
    """
    project = find_project(project_folder)
    path = project.matrices / "known-cases.toml"
    every = load_cases(path)
    known = [case for case in every if not cases or any(fnmatch(case.id, pattern) for pattern in cases)]
    if not known:
        raise UsageError(f"CASE: {', '.join(cases)} fits no case in {path.name}; an id such as {every[0].id} does")
    bench = _bench(project, jobs, sorted({case.python for case in known}))
    with _reporting(verbose=False) as reporter:
        found = calibrate(known, bench, _index(), reporter, rerun=rerun)
    _write_json(json_file, [entry.model_dump(mode="json") for entry in found])
    for entry in found:
        if entry.wrong:
            out.print(f"[red]✗[/] {escape(entry.case.id)}: {escape(entry.wrong)}")
    red = [entry for entry in found if entry.case.verdict != "works"]
    green = [entry for entry in found if entry.case.verdict == "works"]
    out.print(f"{sum(not e.wrong for e in red)} / {len(red)} known breaks caught as they are known")
    out.print(f"{sum(not e.wrong for e in green)} / {len(green)} healthy combinations green")
    if len(found) < len(known):
        out.print(f"{len(known) - len(found)} cases need a Python that is not here", style="yellow")
    sys.exit(1 if any(entry.wrong for entry in found) else 0)


@main.command()
@click.argument("distribution")
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@click.option("--all", "prereleases", is_flag=True, help="Pre-releases and yanked ones too.")
@_json
def releases(distribution: str, last: int, prereleases: bool, json_file: str | None) -> None:
    """List what the index has of DISTRIBUTION: versions, upload times, Pythons."""
    project = _index().project(distribution)
    if not project.releases:
        raise UsageError(f'DISTRIBUTION: the index has no "{distribution}"; give the name that an installer takes')
    chosen = select(project, Selection(last=last, yanked=prereleases, prereleases=prereleases), python=None, now=now())
    _write_json(json_file, [release.model_dump(mode="json", exclude={"files"}) for release in chosen])
    if json_file == "-":
        return
    table = Table("version", "uploaded", "Python", "", box=None, header_style="bold")
    for release in reversed(chosen):
        marks = "yanked" if release.yanked else ""
        table.add_row(release.version, f"{release.uploaded:%Y-%m-%d %H:%M}", release.requires_python, marks)
    out.print(table)


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
    except click.Abort:
        _fail("stopped; what was finished is kept, the same command goes on from here", 130)
    except KeyboardInterrupt:
        _fail("stopped; what was finished is kept, the same command goes on from here", 130)
    except UsageError as error:
        _fail(str(error), 2)
    except StackcompatError as error:
        _fail(str(error), COULD_NOT_TELL)
    except BrokenPipeError:
        os._exit(0)
    sys.exit(0)
