"""The command that checks an environment against what is known."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from pydantic import ValidationError
from rich.markup import escape

from stackcompat.advice.advisories import advisories
from stackcompat.advice.advisory import load_links
from stackcompat.advice.check import Checked, check
from stackcompat.advice.environment_file import read_environment, read_file
from stackcompat.cli.console import out
from stackcompat.cli.options import json_option, project_option, write_json
from stackcompat.core.errors import UsageError
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
        out.print(escape(_unread(checked.unread)))
    for advisory in checked.hits:
        out.print(f"[red]✗[/] [bold]{advisory.id}[/] {escape(advisory.summary)}")
        if advisory.workaround:
            out.print(f"  To avoid it: {escape(advisory.workaround)}")
    for likely in checked.likely:
        advisory_id = f" [bold]{likely.advisory}[/]" if likely.advisory else ""
        out.print(f"[yellow]?[/]{advisory_id} likely broken (inferred, not tested): {escape(likely.sentence)}")
    if not checked.components and not checked.hits and not checked.likely:
        out.print("Nothing in it is a component of this stack, so nothing is known about it.")
        return
    if not checked.hits and not checked.likely:
        out.print("[green]✓[/] no known incompatibility")
    out.print(_tested_pairs(checked))
    if checked.moves and (checked.hits or checked.likely or checked.seen < checked.pairs):
        pins = " ".join(f"{move.distribution}=={move.working}" for move in checked.moves)
        out.print(f"Smallest change that was tested and works: {escape(pins)}; keep the rest (cell {checked.nearest}).")
    if checked.island:
        out.print(escape(_newest_instead(checked.island, checked.components, summary)), style="dim")


def _unread(lines: Sequence[str]) -> str:
    number = f"{len(lines)} {'line has' if len(lines) == 1 else 'lines have'}"
    listed = "; ".join(lines[:_SHOWN]) + ("; …" if len(lines) > _SHOWN else "")
    return f"{number} no exact version for this Python and machine, not checked: {listed}"


def _tested_pairs(checked: Checked) -> str:
    if not checked.pairs:
        return "It has only one component that we know, and so no pair of which anything could be known."
    others = "; the others are broken or not tested" if checked.seen < checked.pairs else ""
    number = f"{checked.seen} of its {checked.pairs} pairs of known components"
    return f"Tested at exactly these versions, and working: {number}{others}."


def _newest_instead(island: IslandRow, components: Iterable[str], summary: Summary) -> str:
    """The newest releases of these components that can be installed together, as requirements."""
    rows = [row for row in summary.components if row.name in components and not row.moves_with]
    versions = {**island.beside, **island.releases}
    pins = " ".join(f"{row.distribution}=={versions[row.name]}" for row in rows if row.name in versions)
    missing = and_list([row.title for row in rows if row.name not in versions])
    without = f", without {missing}" if missing else ""
    where = f"Python {and_list(island.pythons)}"
    return f"The newest releases that can be installed together instead ({where}{without}): {pins}"
