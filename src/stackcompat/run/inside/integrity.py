"""Whether what runs the tests is still what it was: the functions of pytest and of this package that outcomes rest on.

Code under test shares a process with them and can change them. Some does so by mistake, as when it patches a module for
tests of its own. A test during which that happened shows nothing.
"""

from __future__ import annotations

import builtins
import sys
from itertools import groupby
from operator import itemgetter
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Integrity"]

#: The modules of pytest that run a test and tell how it ended.
_RUNNING = ("_pytest.runner", "_pytest.python", "_pytest.outcomes", "_pytest.main", "pluggy._callers", "pluggy._hooks")


class Integrity:
    """The functions and built-in errors as they are when this is made, before a test loads any code under test."""

    def __init__(self) -> None:
        own = __name__.rpartition(".")[0]
        names = [name for name in sys.modules if name in _RUNNING or name.startswith(f"{own}.")]
        found = [entry for name in names for entry in _functions(sys.modules[name])]
        # After each test hundreds of functions are looked at, so the namespace of each holder is asked for once.
        self._holders = [
            (
                holder.__dict__,
                [(attribute, name, function, function.__code__) for _, attribute, name, function in entries],
            )
            for holder, entries in groupby(found, key=itemgetter(0))
        ]
        self._errors = {name: value for name, value in vars(builtins).items() if _is_error(value)}

    def changed(self) -> str:
        """The dotted name of a function or built-in error that was changed or put aside since then; empty without."""
        for name, error in self._errors.items():
            if vars(builtins).get(name) is not error:
                return f"builtins.{name}"
        for namespace, functions in self._holders:
            for attribute, name, function, code in functions:
                if namespace.get(attribute) is not function or function.__code__ is not code:
                    return name
        return ""


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def _functions(module: ModuleType) -> Iterator[tuple[ModuleType | type, str, str, FunctionType]]:
    """The functions that a module and its classes define: who holds it, under which name, its dotted name."""
    for attribute, value in list(vars(module).items()):
        if isinstance(value, FunctionType):
            yield module, attribute, f"{module.__name__}.{attribute}", value
        elif isinstance(value, type) and value.__module__ == module.__name__:
            for method, function in list(vars(value).items()):
                if isinstance(function, FunctionType):
                    yield value, method, f"{module.__name__}.{attribute}.{method}", function
