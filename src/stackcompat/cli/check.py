"""The command that checks an environment against what is known."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from pydantic import ValidationError
from rich.markup import escape

from stackcompat.advice.advisories import advisories
from stackcompat.advice.advisory import load_links
from stackcompat.advice.check import Checked, check
from stackcompat.advice.environment_file import read_environment, read_file
from stackcompat.cli.common import json_option, out, project_option, write_json
from stackcompat.core.record import UsageError
from stackcompat.core.text import and_list
from stackcompat.plan.checkout import Checkout, find_checkout
from stackcompat.resolve.islands import IslandRow
from stackcompat.table.summary import Summary

__all__ = ["check_"]

#: Lines without an exact version that are named; the rest are counted.
_SHOWN = 5


@click.command("check")
@click.argument("file", required=False)
@click.option("--env", "environment", metavar="DIR", help="A live environment: its folder, or its interpreter.")
@click.option("--python", metavar="VERSION", help="The Python that FILE is for, such as 3.12; default: this one.")
@click.option("--table", metavar="FILE", help="The compat.json to check against; default: that of the project.")
@json_option
@project_option
def check_(
    file: str | None,
    environment: str | None,
    python: str | None,
    table: str | None,
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Say which known incompatibilities FILE or an environment has, and the nearest set that works.

    FILE is a requirements.txt or freeze with exact pins, a uv.lock, poetry.lock or pylock.toml, an environment.yml, or
    what conda list or pip list prints.

    \b
    stackcompat check uv.lock
    stackcompat check --env .venv

    Exit code: 0 nothing known is wrong with it; 1 an advisory hits it; 2 bad usage; 3 something in it is likely broken
    (inferred, not seen).
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    if bool(file) == bool(environment):
        raise UsageError("check: give either a FILE such as uv.lock, or --env DIR")
    if python is not None and not re.fullmatch(r"\d+\.\d+", python):
        raise UsageError(f'--python: "{python}" is not a version such as 3.12')
    project = find_checkout(project_folder)
    listed = read_file(Path(file), python) if file else read_environment(Path(environment or ""))
    summary = _read_table(Path(table) if table else project.reports / "compat.json")
    known = advisories(summary, load_links(_links(project)))
    checked = check(listed.versions, summary, known, listed.unread)
    write_json(json_file, checked.model_dump(mode="json"))
    if json_file != "-":
        _print(checked, summary)
    sys.exit(1 if checked.hits else 3 if checked.likely else 0)


def _links(project: Checkout) -> Path:
    return project.matrices / "advisories.toml"


def _read_table(path: Path) -> Summary:
    try:
        return Summary.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--table: {path} cannot be read ({error.strerror}); stackcompat report writes one") from None
    except (ValidationError, UnicodeDecodeError):
        raise UsageError(f"--table: {path} is no compat.json of this version; stackcompat report writes one") from None


def _print(checked: Checked, summary: Summary) -> None:
    if checked.unread:
        what = f"{len(checked.unread)} {'line has' if len(checked.unread) == 1 else 'lines have'}"
        some = "; ".join(checked.unread[:_SHOWN]) + ("; …" if len(checked.unread) > _SHOWN else "")
        out.print(f"{what} no exact version for this Python and machine, not checked: {escape(some)}")
    for advisory in checked.hits:
        out.print(f"[red]✗[/] [bold]{advisory.id}[/] {escape(advisory.summary)}")
        if advisory.workaround:
            out.print(f"  {escape(advisory.workaround)}")
    for one in checked.likely:
        belongs = f" [bold]{one.advisory}[/]" if one.advisory else ""
        out.print(f"[yellow]?[/]{belongs} likely broken (inferred): {escape(one.sentence)}")
    if not checked.components and not checked.hits and not checked.likely:
        out.print("Nothing in it is a component of this stack, so nothing is known of it.")
        return
    if not checked.hits and not checked.likely:
        out.print("[green]✓[/] no known incompatibility")
    out.print(f"{checked.seen} of its {checked.pairs} pairs of components were seen to work at just these versions.")
    if checked.moves and (checked.hits or checked.likely or checked.seen < checked.pairs):
        moves = ", ".join(f"{move.title} {move.installed} -> {move.working}" for move in checked.moves)
        out.print(f"Nearest set that works (cell {checked.nearest}): {escape(moves)}")
    if checked.island:
        led = {row.name for row in summary.components if row.moves_with}  # an island says nothing of them
        names = [name for name in checked.components if name not in led]
        out.print(escape(_told_island(checked.island, names, summary.titles())), style="dim")


def _told_island(island: IslandRow, components: Sequence[str], titles: Mapping[str, str]) -> str:
    """Which of the sets of newest releases has these components, and in which versions."""
    held = {**island.beside, **island.releases}
    there = ", ".join(f"{titles[name]} {held[name]}" for name in components if name in held)
    absent = and_list([titles[name] for name in components if name not in held])
    lacks = f"; {absent} cannot be had there" if absent else ""
    where = f"island {island.number} (Python {and_list(island.pythons)})"
    return f"Of the newest releases that can be installed together, {where} has {there}{lacks}."
