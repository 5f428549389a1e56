"""The command that finds out who broke a cell, and how any command says it."""

from __future__ import annotations

from typing import Any

import click
from rich.markup import escape

from stackcompat.blame import BUDGET
from stackcompat.campaign import Bench, Source
from stackcompat.cli.common import (
    find_cell,
    json_option,
    make_bench,
    open_index,
    open_store,
    out,
    project_option,
    reporting,
    write_json,
)
from stackcompat.culprit import Culprit
from stackcompat.project import Project, find_project
from stackcompat.triage import Blame, blame, published_sets
from stackcompat.verdict import CellVerdict, judge

__all__ = ["about_option", "blame_", "blame_answer", "find_culprit", "print_blame", "probes_option"]

probes_option = click.option(
    "--probes", type=click.IntRange(1), default=BUDGET, show_default=True, help="Environments that blame may try."
)

about_option = click.option(
    "--about", default="", metavar="TEXT", help="Blame follows the failure with this in its test's name or its message."
)


@click.command("blame")
@click.argument("cell")
@probes_option
@about_option
@json_option
@project_option
def blame_(cell: str, probes: int, about: str, json_file: str | None, project_folder: str | None) -> None:
    """Find who broke CELL of the last runs (its id, or the first characters): the smallest set of versions.

    Tries further combinations, each of which is evidence like any other; stopped, it goes on where it was.
    """
    project = find_project(project_folder)
    store = open_store(project)
    planned = find_cell(store, cell)
    verdict = judge(planned, store.of_key(planned.key) if planned.key else ())
    bench = make_bench(project, 1, [planned.cell.python], verdict.level)
    found = find_culprit(verdict, bench, open_index(), project, probes, about)
    question = {"schema_version": 1, "cell": planned.cell.id, "sentence": verdict.sentence}
    write_json(json_file, question | blame_answer(found))
    if json_file != "-":
        print_blame(found)


def find_culprit(
    verdict: CellVerdict, bench: Bench, catalog: Source, project: Project, probes: int, about: str
) -> Blame:
    """Who broke the cell of `verdict`, with progress shown."""
    sets = published_sets(project, verdict.cell, catalog)
    with reporting(verbose=False) as reporter:
        return blame(verdict, bench, catalog, reporter, sets=sets, budget=probes, about=about)


def blame_answer(found: Blame) -> dict[str, Any]:
    """The JSON twin of what is printed."""
    moved = found.moved
    return {
        "culprit": [
            {
                "name": culprit.name,
                "version": culprit.version,
                "last_good": culprit.last_good,
                "first_bad": culprit.first_bad,
                "fixed_in": culprit.fixed_in,
                "born_red": culprit.born_red,
                "holes": list(culprit.holes),
                "shown_by": culprit.shown_by,
                "moved_by": moved.sentence if moved else "",
            }
            for culprit in found.found.culprits
        ],
        "moved": moved.model_dump(mode="json") if moved else None,
        "probes": found.found.probes,
        "linear": found.found.linear,
        "blamed_test": found.test,
        "blamed_failure": found.signature,
        "doubt": found.found.doubt,
        "chain": list(found.chain),
        "known_to_work": found.found.passing,
        "other_findings": [finding.model_dump(mode="json") for finding in found.found.findings],
        "probe_evidence": list(found.found.evidence),
    }


def print_blame(found: Blame) -> None:
    """Say who it was: a sentence for each culprit, who moved, and what it took."""
    culprits = found.found.culprits
    if culprits:
        names = " with ".join(f"{culprit.name} {culprit.version}" for culprit in culprits)
        out.print(f"[bold]culprit:[/] {escape(names)}")
    for culprit in culprits:
        out.print(f"  {escape(_sentence(culprit))}")
    if found.moved:
        out.print(f"  {escape(found.moved.sentence)}")
    if found.found.doubt:
        out.print(f"  not certain: {escape(found.found.doubt)}", style="yellow")
    for finding in found.found.findings:
        moved = ", ".join(f"{name} {version}" for name, version in list(finding.moved.items())[:3])
        out.print(f"  another failure{f' with {moved}' if moved else ''}: {escape(finding.signature)}", style="dim")
    taken = "1 probe" if found.found.probes == 1 else f"{found.found.probes} probes"
    out.print(f"  {taken}; release by release it would have been {found.found.linear}", style="dim")


def _sentence(culprit: Culprit) -> str:
    """Where the red stretch of a member's releases begins and ends."""
    name, version = culprit.name, culprit.version
    if culprit.shown_by == "traceback":
        return f"{name} {version} calls it; no release of {name} was seen to do otherwise"
    if culprit.shown_by == "contrast":
        return f"{name} {version} is among what cannot be moved apart from each other, and the failure names it"
    if culprit.shown_by == "metadata" and culprit.last_good is None and culprit.fixed_in is None:
        return f"{name} {version} is part of it by what metadata says"
    if culprit.last_good is not None:
        said = f"{name} {culprit.last_good} was the last good, {culprit.first_bad} the first bad"
    else:
        said = f"no release of {name} before {version} was seen to pass"
    return said + (f"; it passes again from {culprit.fixed_in} on" if culprit.fixed_in else "; nothing newer passes")
