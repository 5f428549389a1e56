"""``locks/``: the hashed lock of each red cell, as ``uv pip sync`` and ``pip install`` take it."""

from __future__ import annotations

from stackcompat.table.summary import Summary

__all__ = ["locks"]


def locks(summary: Summary) -> dict[str, str]:
    """File name to content: ``CELL.txt``."""
    return {f"{cell}.txt": text for cell, text in summary.locks.items()}
