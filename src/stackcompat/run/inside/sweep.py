"""The public modules of a distribution, by the list of its files. Pure.

A *sweep* imports all of them. Modules that are no part of the library are left out: private ones, tests, programs, and
plugins of pytest.
"""

from __future__ import annotations

import fnmatch
import importlib.machinery
import re
from collections.abc import Collection, Iterable
from pathlib import PurePath

__all__ = ["entry_of_whole", "is_whole", "outermost", "public_modules", "whole_of"]

#: The names of modules and folders that are no part of the library around them, or not of what it offers.
_NO_LIBRARY = re.compile(
    r"_.*|src|tests?|test_.*|.*_tests?|testdata|conftest|docs?|examples?|benchmarks?|benchmark_.*|.*_benchmark|scripts?|setup"
)

#: What the names of extension modules end in. A plain ``.so`` can also be a library that no interpreter loads.
_EXTENSIONS = tuple(suffix for suffix in importlib.machinery.EXTENSION_SUFFIXES if suffix not in (".so", ".pyd"))

#: What stands in place of a module in the name of the test that stands for the whole sweep of a distribution.
_WHOLE = ".*"


def public_modules(files: Iterable[PurePath], plugins: Collection[str], unswept: Iterable[str]) -> list[str]:
    """The public modules among the files of a distribution, each package before what is in it.

    Args:
        files: The files, relative to the folder that distributions are installed in.
        plugins: Modules that only another program loads. They are left out, with what is in them.
        unswept: Patterns (``*`` allowed) of further modules that are left out.
    """
    patterns = [*plugins, *(f"{plugin}.*" for plugin in plugins), *unswept]
    names = {name for path in files if (name := _module_of(path))}
    public = {name for name in names if not any(_NO_LIBRARY.fullmatch(part) for part in name.split("."))}
    roots = outermost(public)
    return sorted(
        name
        for name in public
        if any(f"{name}.".startswith(f"{root}.") for root in roots)
        and not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    )


def outermost(modules: Collection[str]) -> list[str]:
    """The outermost of some modules of a distribution.

    Where some lie deeper than others, those are no part of the library, such as the sources of an extension module.
    """
    found = [name for name in modules if not any(name.startswith(f"{other}.") for other in modules)]
    fewest_dots = min((name.count(".") for name in found), default=0)
    return sorted(name for name in found if name.count(".") == fewest_dots)


def _module_of(path: PurePath) -> str:
    """The name by which an installed file is imported; empty if it is no module."""
    name = path.name
    ending = ".py" if name.endswith(".py") else next((ending for ending in _EXTENSIONS if name.endswith(ending)), "")
    parts = path.parts[:-1] if name == "__init__.py" else (*path.parts[:-1], name.removesuffix(ending))
    return ".".join(parts) if ending and all(part.isidentifier() for part in parts) else ""


def entry_of_whole(distribution: str) -> str:
    """What stands for the whole sweep of a distribution in the place of a module."""
    return f"{distribution}{_WHOLE}"


def whole_of(test: str, distribution: str) -> str:
    """The test that stands for the whole sweep, by the test of one module.

    Args:
        test: The test of a module of the distribution.
        distribution: The distribution.
    """
    return f"{test.partition('[')[0]}[{entry_of_whole(distribution)}]"


def is_whole(test: str) -> bool:
    """Whether a test stands for a whole sweep, and not for one module."""
    return test.endswith(f"{_WHOLE}]")
