"""The import path of a cell: how the harness is taken off it, and how foreign modules are found."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

__all__ = ["foreign_modules", "hide_harness"]

#: The modules of the harness that components can use as well. pytest does not import them again.
_SHARED_MODULES = ("packaging", "pygments", "iniconfig", "exceptiongroup", "tomli", "typing_extensions")


def hide_harness(harness: str) -> None:
    """Take the harness off the import path. So no component finds a dependency there that it does not declare.

    pytest still works: it is loaded already, and finds its submodules through its package.

    Args:
        harness: The folder with pytest.
    """
    sys.path[:] = [entry for entry in sys.path if entry != harness]
    for name in list(sys.modules):
        if name.split(".")[0] in _SHARED_MODULES:
            filename = getattr(sys.modules[name], "__file__", None) or ""
            if filename.startswith(harness + os.sep):
                del sys.modules[name]
    importlib.invalidate_caches()


def foreign_modules(allowed: list[str]) -> list[str]:
    """The loaded top-level modules whose files lie outside the `allowed` folders, each with the name of its folder."""
    roots = tuple(os.path.realpath(folder) + os.sep for folder in allowed)
    foreign = []
    for name, module in sorted(sys.modules.items()):
        filename = getattr(module, "__file__", None)
        if "." in name or not filename or filename.startswith("<"):
            continue
        if not os.path.realpath(filename).startswith(roots):
            foreign.append(f"{name} from {Path(filename).parent.name}")
    return foreign
