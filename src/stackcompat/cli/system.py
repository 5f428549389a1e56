"""What a command says on a system that cells do not run on."""

from __future__ import annotations

import sys

__all__ = ["runs_cells", "where_cells_run"]

_TITLES = {"darwin": "macOS", "win32": "Windows"}


def runs_cells(platform: str | None = None) -> bool:
    """Whether cells run on a system.

    Args:
        platform: The system, as :data:`sys.platform` has it; None: this one.
    """
    return (platform or sys.platform).startswith("linux")


def where_cells_run(platform: str | None = None) -> str:
    """Where cells run, and what to use where they do not, in a sentence without its full stop.

    Args:
        platform: The system on which they do not, as :data:`sys.platform` has it; None: this one.
    """
    platform = platform or sys.platform
    use = "WSL, or a container of Linux" if platform == "win32" else "a container or a virtual machine of Linux"
    return f"cells run on Linux, and this is {_TITLES.get(platform, platform)}; use {use}"
