"""The command that finds the islands: the largest sets of newest releases that can be installed together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import click
from rich.markup import escape

from stackcompat.cli.answers import answer_options, tell
from stackcompat.cli.console import out, reporting
from stackcompat.cli.options import project_option, python_option
from stackcompat.cli.runners import make_runner, refuse_missing
from stackcompat.core.dates import now
from stackcompat.core.text import counted
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.interpreters import USUAL_PYTHON, find_interpreters, this_platform
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.progress import Reporter
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.cell import Cell
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.resolve.island_search import find_islands
from stackcompat.resolve.islands import ISLANDS, Islands, newest_members
from stackcompat.resolve.lock import Resolution

__all__ = ["islands"]


@click.command()
@python_option("--python", "pythons", multiple=True, help="Such as 3.12; may be repeated; default: the newest here.")
@answer_options
@project_option
def islands(pythons: tuple[str, ...], form: str, json_file: str | None, project_folder: str | None) -> None:
    """Find the largest sets of newest releases that can be installed together, and who keeps out the others.

    Nothing is installed. The resolver is asked, as seldom as possible. Reports show the last answer.
    """
    available = find_interpreters()
    wanted = pythons or (next(iter(available), USUAL_PYTHON),)
    refuse_missing(wanted, available)
    project = find_ecosystem(project_folder)
    runner = make_runner(project, 1, wanted)
    runner.catalog.prefetch(row.distribution for row in runner.components.components if row.distribution)
    answers = []
    with reporting(verbose=False) as reporter:
        for python in wanted:
            reporter.stage(f"sets on Python {python}", None)
            answer = _find(python, runner, reporter)
            runner.store.keep(ISLANDS, answer)
            answers.append(answer)
    found = [answer.model_dump(mode="json") for answer in answers]
    tell(form, json_file, found, partial(_print_all, answers, runner.components))


def _find(python: str, runner: Runner, reporter: Reporter) -> Islands:
    """The islands on one Python. Each set that is resolved is a step."""
    components = runner.components
    members, absent = newest_members(components, runner.catalog, python)
    distributions = {row.name: row.distribution for row in components.with_own_distribution() if not row.moves_with}

    def resolve(cell: Cell) -> Resolution:
        resolution = lock_cells([cell], runner)[cell.id]
        reporter.step(f"{counted(len(cell.requirements), 'release')}: {resolution.outcome}")
        return resolution

    return find_islands(members, absent, distributions, resolve, python=python, platform=this_platform(), seen=now())


def _print_all(answers: Sequence[Islands], components: Components) -> None:
    for answer in answers:
        _print(answer, components)


def _print(answer: Islands, components: Components) -> None:
    """Print the islands on one Python, and the bounds that keep other newest releases off them."""
    found, sets = counted(len(answer.islands), "island"), counted(answer.asked, "set")
    out.print(f"Python {answer.python}: {found}, {sets} resolved", style="bold")
    for number, island in enumerate(answer.islands, 1):
        releases = (f"{components[name].title} {version}" for name, version in island.releases.items())
        out.print(f"{number}. {', '.join(releases)}")
        if island.beside:
            beside = ", ".join(f"{components[name].title} {version}" for name, version in island.beside.items())
            out.print(f"   beside them, older: {beside}", style="dim")
        for excluded in island.excluded:
            out.print(
                f"   without {components[excluded.name].title} {excluded.version}: {escape(excluded.reason)}",
                style="yellow",
            )
