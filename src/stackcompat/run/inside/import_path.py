"""The import path of a cell: how the harness is taken off it, what can be imported, and which modules are foreign."""

from __future__ import annotations

import functools
import importlib
import os
import sys
import warnings
from pathlib import Path

__all__ = ["can_import", "foreign_modules", "hide_harness"]

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


def can_import(module: str) -> bool:
    """Import a module in this process. Returns whether it could be."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            importlib.import_module(module)
        except BaseException:  # noqa: BLE001  (a module can end with anything, such as SystemExit)
            return False
    return True


def foreign_modules(allowed: list[str]) -> list[str]:
    """The loaded top-level modules whose files lie outside the `allowed` folders, each with the name of its folder."""
    roots = tuple(os.path.realpath(folder) + os.sep for folder in allowed)
    real = functools.cache(os.path.realpath)  # hundreds of files are in a few folders
    foreign = []
    for name, module in sorted(sys.modules.items()):
        filename = getattr(module, "__file__", None)
        if "." in name or not filename or filename.startswith("<"):
            continue
        folder, last = os.path.split(filename)
        path = os.path.realpath(filename) if os.path.islink(filename) else os.path.join(real(folder), last)  # noqa: PTH114, PTH118  (pathlib is slower)
        if not path.startswith(roots):
            foreign.append(f"{name} from {Path(filename).parent.name}")
    return foreign
