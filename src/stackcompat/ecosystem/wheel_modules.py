"""The modules by which people import a distribution, read from the names of the files in its wheel. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from packaging.utils import canonicalize_name

__all__ = ["modules_to_import"]

#: Modules that distributions install although they are no part of the library.
_NOT_LIBRARY = frozenset(
    ("test", "tests", "testing", "doc", "docs", "example", "examples", "benchmark", "benchmarks", "scripts", "setup")
)


def modules_to_import(distribution: str, paths: Iterable[str]) -> tuple[str, ...]:
    """The modules that whoever installs a distribution imports.

    Args:
        distribution: Its name.
        paths: The paths of the files in a wheel of it.

    Returns:
        The module that is called like the distribution, if there is one. Else the outermost modules that are neither
        private nor tests; and the name of the distribution as a module if there are none of these either.
    """
    name = canonicalize_name(distribution)
    found = _outermost({module for path in paths if (module := _module_of(path)) and _is_library(module)})
    called_so = [module for module in found if canonicalize_name(module) == name]
    return tuple(called_so or found or [name.replace("-", "_")])


def _module_of(path: str) -> str:
    """The dotted name of the module in a file of a wheel; empty if there is none in it."""
    parts = PurePosixPath(path).parts
    if parts[0].endswith(".data") and parts[1:2] in (("purelib",), ("platlib",)):
        parts = parts[2:]
    *folders, file = parts
    if not file.endswith((".py", ".so", ".pyd")):
        return ""
    module = file.partition(".")[0]
    names = folders if module == "__init__" else [*folders, module]
    return ".".join(names) if all(part.isidentifier() for part in names) else ""


def _is_library(module: str) -> bool:
    first = module.partition(".")[0]
    return not first.startswith("_") and first not in _NOT_LIBRARY


def _outermost(modules: set[str]) -> list[str]:
    """The modules in no other one. Of these, those of the fewest dots: others are parts that no package holds."""
    outer = [name for name in modules if not any(f"{name}.".startswith(f"{other}.") for other in modules - {name})]
    fewest = min((name.count(".") for name in outer), default=0)
    return sorted(name for name in outer if name.count(".") == fewest)
