"""The tested components that are in no pair of the table, and the reason for each. Pure."""

from __future__ import annotations

from stackcompat.core.text import and_list
from stackcompat.table.components import ComponentRow
from stackcompat.table.summary import Summary

__all__ = ["unpaired_reason", "unpaired_rows"]


def unpaired_rows(summary: Summary) -> list[ComponentRow]:
    """The tested components that are in no pair, do not move with another, and are not a part of another."""
    columns = summary.square()
    return [row for row in summary.tested() if row not in columns and not row.moves_with and not row.part_of]


def unpaired_reason(row: ComponentRow, summary: Summary) -> str:
    """Why a component of :func:`unpaired_rows` is in no pair, in one sentence."""
    if any(pinned.name.startswith(f"{row.distribution} ") for pinned in summary.pinned):
        return "it pins the other components, which are tested at its pins"
    if any(pair.releases for pair in summary.pairs if row.name in (pair.first, pair.second)):
        return "it was tested beside older releases of the others alone"
    cell = next((cell for cell in summary.cells if cell.id == row.cell), None)
    if cell is None or not (cell.forced or cell.policy == "local"):
        return "no test uses it together with another component"
    titles = summary.titles()
    others = [f"{titles[name]} {component.version}" for name, component in cell.components.items() if name != row.name]
    how = "installed from its source" if cell.policy == "local" else "installed against declared bounds"
    return f"it was {how}, which counts for no pair; it was tested with {and_list(others)}"
