"""Exit codes, the same for every command."""

from __future__ import annotations

__all__ = ["COULD_NOT_TELL", "EXIT_CODES"]

#: The exit code for a verdict; any other verdict is :data:`COULD_NOT_TELL`.
EXIT_CODES = {"works": 0, "broken": 1, "unresolvable": 1, "uninstallable": 1, "changed": 4}


COULD_NOT_TELL = 3
