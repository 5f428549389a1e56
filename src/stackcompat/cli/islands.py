"""The command that finds which newest releases can live together."""

from __future__ import annotations

import click
from rich.markup import escape

from stackcompat.cli.common import json_option, make_runner, out, project_option, write_json
from stackcompat.core.record import UsageError
from stackcompat.ecosystem.components import Components, own
from stackcompat.ecosystem.interpreters import find_interpreters, this_platform
from stackcompat.pipeline.cells import now
from stackcompat.pipeline.locking import lock_cells
from stackcompat.plan.checkout import find_checkout
from stackcompat.resolve.islands import ISLANDS, Islands, find_islands, newest_members

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
    components = runner.components
    runner.catalog.prefetch(row.distribution for row in components.components if row.distribution)
    distributions = {row.name: row.distribution for row in own(components) if not row.moves_with}
    found = []
    for python in wanted:
        members, absent = newest_members(components, runner.catalog, python)
        archipelago = find_islands(
            members,
            absent,
            distributions,
            lambda cell: lock_cells([cell], runner)[cell.id],
            python=python,
            platform=this_platform(),
            seen=now(),
        )
        runner.store.keep(ISLANDS, archipelago)
        found.append(archipelago)
    write_json(json_file, [archipelago.model_dump(mode="json") for archipelago in found])
    if json_file != "-":
        for archipelago in found:
            _print(archipelago, components)


def _print(archipelago: Islands, components: Components) -> None:
    counts = ((len(archipelago.islands), "island"), (archipelago.asked, "set"))
    found, sets = (f"{number} {noun}{'' if number == 1 else 's'}" for number, noun in counts)
    out.print(f"Python {archipelago.python}: {found}, {sets} resolved", style="bold")
    for place, island in enumerate(archipelago.islands, 1):
        titles = (f"{components[name].title} {version}" for name, version in island.releases.items())
        out.print(f"{place}. {', '.join(titles)}")
        if island.beside:
            beside = ", ".join(f"{components[name].title} {version}" for name, version in island.beside.items())
            out.print(f"   beside them, older: {beside}", style="dim")
        for excluded in island.excluded:
            out.print(
                f"   without {components[excluded.name].title} {excluded.version}: {escape(excluded.reason)}",
                style="yellow",
            )
