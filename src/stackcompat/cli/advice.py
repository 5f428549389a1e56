"""The command that says which releases of an ecosystem are known to fail together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import click
from rich.markup import escape
from rich.table import Column, Table

from stackcompat.advice.advisories import advisories
from stackcompat.advice.advisory import Advisory, load_links
from stackcompat.advice.osv import osv_id, osv_records
from stackcompat.advice.refused_updates import refused_updates
from stackcompat.cli.answers import format_option, page_out, tell
from stackcompat.cli.console import out
from stackcompat.cli.options import json_option, project_option, write_json
from stackcompat.core.errors import UsageError
from stackcompat.core.near_names import meant_by
from stackcompat.core.text import counted, plain
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.report.advice import advisory_record
from stackcompat.report.read import read_table
from stackcompat.report.update_rules import dependabot, renovate
from stackcompat.table.summary import Summary

__all__ = ["advice"]


@click.command("advice")
@click.argument("components", metavar="[COMPONENT]...", nargs=-1)
@format_option("renovate", "dependabot")
@json_option
@project_option
def advice(components: tuple[str, ...], form: str, json_file: str | None, project_folder: str | None) -> None:
    """List the known incompatibilities of the published table: all, or those of COMPONENT (or its distribution).

    With --format renovate or dependabot it is the rules that keep these tools from proposing such releases.

    \b
    stackcompat advice flax
    stackcompat advice --format renovate > renovate.json
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    project = find_ecosystem(project_folder)
    path = project.existing_table()
    table = read_table(path.parent)
    _refuse_unknown(components, table)
    known = advisories(table, load_links(project.matrices / "advisories.toml"))
    found = [advisory for advisory in known if not components or _is_about(advisory, components)]
    records = osv_records(known, table)
    answer = [advisory_record(advisory, osv_id(advisory) if osv_id(advisory) in records else "") for advisory in found]
    if form in ("renovate", "dependabot"):
        write_json(json_file, answer)
        page_out((renovate if form == "renovate" else dependabot)(refused_updates(table, found, records.keys())))
        return
    tell(form, json_file, answer, partial(_print, found, table), markdown=partial(_markdown, found, table))


def _refuse_unknown(components: Sequence[str], table: Summary) -> None:
    """Refuse what is neither a component of the table nor the distribution of one."""
    known = {name for row in table.components for name in (row.name, row.distribution) if name}
    for name in components:
        if name not in known:
            allowed = [row.name for row in table.components]
            has = meant_by(name, allowed) or f"it has {', '.join(allowed)}"
            raise UsageError(f'COMPONENT: "{name}" is not in the table; {has}')


def _is_about(advisory: Advisory, components: Sequence[str]) -> bool:
    return any(side.component in components or side.distribution in components for side in advisory.sides)


def _title(found: Sequence[Advisory], table: Summary) -> str:
    number = f"{len(found) or 'No'} known incompatibilit{'y' if len(found) == 1 else 'ies'}"
    return f"{number} by the table of {table.generated:%Y-%m-%d} ({counted(len(table.cells), 'cell')})."


def _print(found: Sequence[Advisory], table: Summary) -> None:
    """Print a row for each advisory: what fails, on which Pythons, and what to do."""
    if found:
        heads = ("advisory", "what fails", "Python", "what to do")
        rows = Table(*(Column(head, overflow="fold") for head in heads), box=None, header_style="bold", pad_edge=False)
        for advisory in found:
            rows.add_row(advisory.id, escape(advisory.summary), " ".join(advisory.pythons), escape(advisory.workaround))
        out.print(rows)
    out.print(_title(found, table))


def _markdown(found: Sequence[Advisory], table: Summary) -> str:
    lines = [_title(found, table), ""]
    lines += [f"- **{advisory.id}** {plain(advisory.sentence())}" for advisory in found]
    return "\n".join(lines).rstrip() + "\n"
