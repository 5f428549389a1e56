"""A cell of the published table, for commands whose store does not know it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.markup import escape

from stackcompat.cli.console import glyph, out
from stackcompat.core.errors import UsageError
from stackcompat.core.folders import from_here
from stackcompat.plan.ecosystem import Ecosystem
from stackcompat.report.read import read_table
from stackcompat.report.release_text import joined_releases
from stackcompat.table.cells import CellRow
from stackcompat.table.failures import FailureGroup
from stackcompat.table.summary import Summary

__all__ = [
    "PublishedCell",
    "culprit_json",
    "find_published",
    "print_culprit",
    "print_published",
    "published_json",
    "reproduction",
]


class PublishedCell(NamedTuple):
    """A cell of a table.

    Attributes:
        row: Its row.
        failures: The failures in it, own tests of releases among them.
        source: From which table this is, for a sentence.
        lock: The file of its lock; empty if the table has none.
        root: The folder of the ecosystem.
        carried: Whether the tool carries the ecosystem, so that it is found from any folder.
        reproduce: The command that runs the cell again, in this folder if `carried`, else in `root`.
    """

    row: CellRow
    failures: tuple[FailureGroup, ...]
    source: str
    lock: str
    root: Path
    carried: bool = False
    reproduce: str = ""


def find_published(project: Ecosystem, cell: str) -> PublishedCell | None:
    """The cell of the published table whose id begins with `cell`; None if there is no such cell, or no table.

    Raises:
        UsageError: There is more than one.
    """
    path = project.table()
    try:
        table = read_table(path.parent)
    except UsageError:
        return None
    matches = [row for row in table.cells if row.id.startswith(cell)]
    if len(matches) > 1:
        ids = ", ".join(sorted(row.id for row in matches)[:5])
        raise UsageError(f'CELL: "{cell}" fits {len(matches)} cells of the table ({ids}); give one cell\'s id')
    return _published(matches[0], table, path, project) if matches else None


def _published(row: CellRow, table: Summary, path: Path, project: Ecosystem) -> PublishedCell:
    known = {group.id: group for group in table.failures}
    lock = path.parent / row.lock
    kind = "published table" if path.parent == project.published else "table of the last runs"
    return PublishedCell(
        row=row,
        failures=tuple(known[name] for name in (*row.failures, *row.own_tests) if name in known),
        source=f"the {kind} of {table.generated:%Y-%m-%d}",
        lock=from_here(lock) if row.lock and lock.is_file() else "",
        root=project.root,
        carried=project.is_carried,
        reproduce=reproduction(row, lock, None if project.is_carried else project.root),
    )


def reproduction(row: CellRow, lock: Path, folder: Path | None = None) -> str:
    """The command that runs a cell of a table again, with the path of its lock as a folder needs it.

    Args:
        row: The cell.
        lock: The file of its lock. Where there is no such file, the command stays as the table has it.
        folder: The folder that the command is for; None: the current one. A lock outside of it has its whole path.
    """
    words = shlex.split(row.reproduce)
    if not row.lock or "--lock" not in words or not lock.is_file():
        return row.reproduce
    place = words.index("--lock") + 1
    if "://" in words[place]:  # the address of a published lock works everywhere
        return row.reproduce
    if folder is None:
        words[place] = from_here(lock)
    else:
        words[place] = str(lock.relative_to(folder) if lock.is_relative_to(folder) else lock.resolve())
    return shlex.join(words)


def published_json(cell: PublishedCell) -> dict[str, Any]:
    """A cell of a table as JSON, with the fields that also a cell of the store has, as far as the table knows them."""
    row = cell.row
    return culprit_json(cell) | {
        "verdict": row.verdict,
        "level": row.level,
        "python": row.python,
        "platform": row.platform,
        "installed": _versions(row),
        "failures": [group.model_dump(mode="json") for group in cell.failures],
        "lock": cell.lock,
        "reproduce": cell.reproduce,
        "plain": list(row.plain),
    }


def culprit_json(cell: PublishedCell) -> dict[str, Any]:
    """The culprit of a cell of a table as JSON."""
    culprit = cell.row.culprit
    return {
        "schema_version": 1,
        "cell": cell.row.id,
        "source": cell.source,
        "sentence": cell.row.sentence,
        "culprit": [{"name": name, "version": version} for name, version in culprit.versions.items()]
        if culprit
        else [],
        "inferred": culprit.inferred if culprit else None,
    }


def print_published(cell: PublishedCell) -> None:
    """Print a cell of a table, and from where it is."""
    row = cell.row
    out.print(f"This is from {cell.source}: the store does not know the cell.", style="yellow")
    out.print(f"cell {row.id}: {row.label} ({row.policy})", style="bold", markup=False)
    at = f" up to {row.level}" if row.verdict in ("works", "untested") else f" at {row.level}"
    out.print(f"{glyph(row.verdict)} [bold]{row.verdict}[/]{at} on Python {row.python}: {escape(row.sentence)}")
    out.print(", ".join(f"{name} {version}" for name, version in _versions(row).items()), style="dim", markup=False)
    for group in cell.failures:
        out.print(f"  [red]✗[/] {escape(', '.join(group.tests) or group.level)}: {escape(group.signature)}")
    for feature, reason in row.broken_features.items():
        out.print(f"  [yellow]![/] {escape(feature)} does not work: {escape(reason)}")
    if row.culprit is not None:
        out.print(_culprit(row), markup=False)
    if cell.lock:
        out.print(f"lock: {cell.lock}", markup=False)
    if row.verdict != "works" or cell.failures:
        where = "" if cell.carried else f", in {cell.root}"
        out.print(f"reproduce{where}: {cell.reproduce}", markup=False)
    _print_lines(row.plain or next((group.plain for group in cell.failures), ()), cell.root)


def _print_lines(lines: Sequence[str], root: Path) -> None:
    if lines:
        out.print(f"without stackcompat, in {root}:", markup=False)
        out.print_kept("\n".join(f"  {line}" for line in lines))


def print_culprit(cell: PublishedCell) -> None:
    """Print who broke a cell, as a table says it."""
    out.print(f"This is from {cell.source}: the store does not know the cell, so nothing was searched.", style="yellow")
    out.print(f"cell {cell.row.id}: {cell.row.sentence}", markup=False)
    out.print(_culprit(cell.row) if cell.row.culprit is not None else "No culprit was found there.", markup=False)
    for culprit in filter(None, (group.culprit for group in cell.failures)):
        if culprit.moved:
            out.print(f"  {culprit.moved}", markup=False)
        if culprit.doubt:
            out.print(f"  not certain: {culprit.doubt}", markup=False)


def _culprit(row: CellRow) -> str:
    assert row.culprit is not None
    return f"culprit: {joined_releases(row.culprit.versions)}{' (inferred)' if row.culprit.inferred else ''}"


def _versions(row: CellRow) -> dict[str, str]:
    return {name: component.version for name, component in row.components.items()}
