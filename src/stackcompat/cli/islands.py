"""The command that finds which newest releases can live together."""

from __future__ import annotations

import click
from rich.markup import escape

from stackcompat.cli.console import out
from stackcompat.cli.options import json_option, project_option, write_json
from stackcompat.cli.workspace import make_runner
from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.interpreters import find_interpreters, this_platform
from stackcompat.pipeline.cells import now
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.cell import Cell
from stackcompat.plan.checkout import find_checkout
from stackcompat.resolve.island_search import find_islands
from stackcompat.resolve.islands import ISLANDS, Islands, newest_members
from stackcompat.resolve.lock import Resolution

__all__ = ["islands"]


@click.command()
@click.option("--python", "pythons", multiple=True, help="Such as 3.12; may be repeated; default: the newest here.")
@json_option
@project_option
def islands(pythons: tuple[str, ...], json_file: str | None, project_folder: str | None) -> None:
    """Find the largest sets of newest releases that can be installed together, and who keeps out the others.

    Nothing is installed: the resolver is asked, as seldom as possible. Reports show what was found last.
    """
    available = find_interpreters()
    wanted = pythons or tuple(available)[:1]
    for python in wanted:
        if python not in available:
            raise UsageError(f'--python: "{python}" was not found here; allowed are {", ".join(available)}')
    project = find_checkout(project_folder)
    runner = make_runner(project, 1, wanted)
    runner.catalog.prefetch(row.distribution for row in runner.components.components if row.distribution)
    answers = []
    for python in wanted:
        answer = _find(python, runner)
        runner.store.keep(ISLANDS, answer)
        answers.append(answer)
    write_json(json_file, [answer.model_dump(mode="json") for answer in answers])
    if json_file != "-":
        for answer in answers:
            _print(answer, runner.components)


def _find(python: str, runner: Runner) -> Islands:
    """The islands on one Python."""
    components = runner.components
    members, absent = newest_members(components, runner.catalog, python)
    distributions = {row.name: row.distribution for row in components.with_own_distribution() if not row.moves_with}

    def resolve(cell: Cell) -> Resolution:
        return lock_cells([cell], runner)[cell.id]

    return find_islands(members, absent, distributions, resolve, python=python, platform=this_platform(), seen=now())


def _print(answer: Islands, components: Components) -> None:
    """Print the islands on one Python, and who keeps out the others."""
    found, sets = _count(len(answer.islands), "island"), _count(answer.asked, "set")
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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
