"""The state of reading one module."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from stackcompat.frontier.static.names import Take

__all__ = ["SourceReading", "bind", "take"]


@dataclass
class SourceReading:
    """The state of reading one module, or the body of one function, statement by statement.

    Attributes:
        package: The package that the module lies in.
        annotations: Whether annotations of functions and classes are evaluated.
        called: Whether the body of a function is read. Annotations of variables are never evaluated there.
        class_depth: How many classes deep the reading is. What is bound in a class is no name of the module.
        takes: What was taken.
        offers: Where each name that is bound comes from; empty for what is defined here.
        keywords: The arguments that each function takes by name.
        stars: The modules from which everything was imported.
        open: Whether a ``__getattr__`` can serve names that cannot be read.
        tables: By name of a table of deprecations: its names, and whether it still serves them.
        functions: The functions that were defined, whose bodies are still to be read.
    """

    package: str
    annotations: bool = True
    called: bool = False
    class_depth: int = 0
    takes: list[Take] = field(default_factory=list)
    offers: dict[str, str] = field(default_factory=dict)
    keywords: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    open: bool = False
    tables: dict[str, dict[str, bool]] = field(default_factory=dict)
    functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = field(default_factory=list)


def bind(reading: SourceReading, name: str, origin: str = "") -> None:
    """Note that the module binds a name, and where it comes from. What a class binds is ignored."""
    if not reading.class_depth:
        reading.offers[name] = origin
        reading.keywords.pop(name, None)


def take(reading: SourceReading, name: str, line: int, *, keyword: str = "", text: str = "") -> None:
    """Note that the module takes a name; see :class:`Take`."""
    reading.takes.append(Take(name=name, line=line, keyword=keyword, text=text))
