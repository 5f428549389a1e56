"""Which distribution a failed import lacks, for the tests of imports."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder


def missing_distribution(module: str) -> str:
    """The outermost part of a module that no installed distribution has; empty if one has it.

    A folder without ``__init__.py`` is a namespace that distributions share: if only it is there, the one that has what
    is in it is missing. The import path is asked and not what is loaded, since that holds what runs the tests.

    Args:
        module: The dotted name of a module that could not be found.
    """
    name, place = "", None
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        spec = PathFinder.find_spec(name, place)
        if spec is None:
            return "" if name in sys.stdlib_module_names else name
        if spec.has_location:
            return ""
        place = list(spec.submodule_search_locations or ())
    return ""


def missing_beneath(error: BaseException) -> str:
    """What of another distribution is missing for an import that failed.

    A library can catch Python's own error and raise one that says what to install. An error of Python's own that is
    raised in place of it is about something else.

    Args:
        error: Why the import failed.

    Returns:
        The outermost module that no installed distribution has; empty if nothing is missing.
    """
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        seen.append(link)
        if isinstance(link, ModuleNotFoundError) and link.name:
            return missing_distribution(link.name)
        if link.__cause__ is not None:
            link = link.__cause__
        else:
            link = link.__context__ if isinstance(link, ImportError) and not link.name else None
    return ""
