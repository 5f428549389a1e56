"""Why a component that has a verdict is in no pair of the table. Pure."""

from __future__ import annotations

from stackcompat.core.text import and_list
from stackcompat.table.components import ComponentRow
from stackcompat.table.summary import Summary

__all__ = ["unpaired_reason", "unpaired_rows"]


def unpaired_rows(summary: Summary) -> list[ComponentRow]:
    """The tested components in no pair that neither move with another nor are a part of one."""
    columns = summary.square()
    return [row for row in summary.tested() if row not in columns and not row.moves_with and not row.part_of]


def unpaired_reason(row: ComponentRow, summary: Summary) -> str:
    """Why such a component is in no pair, in one sentence."""
    if any(pinned.name.startswith(f"{row.distribution} ") for pinned in summary.pinned):
        return "it pins the other components, which are tested at its pins"
    cell = next((cell for cell in summary.cells if cell.id == row.cell), None)
    if cell is None or not (cell.forced or cell.policy == "local"):
        return "no test uses it together with another component"
    titles = summary.titles()
    others = [f"{titles[name]} {component.version}" for name, component in cell.components.items() if name != row.name]
    how = "installed from its source" if cell.policy == "local" else "installed against declared bounds"
    return f"it was {how}, which counts for no pair; it was tested with {and_list(others)}"
