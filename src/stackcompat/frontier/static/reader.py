"""Reads a Python module's source and lists the names that it offers and takes from others."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from stackcompat.frontier.static.names import ModuleNames, Take
from stackcompat.frontier.static.objects import objects_of
from stackcompat.frontier.static.reading import SourceReading
from stackcompat.frontier.static.source import Parse
from stackcompat.frontier.static.statements import read_statements

__all__ = ["module_name", "read_module"]


def module_name(path: str) -> str:
    """The dotted name of the module in a file of a wheel; empty if the file is no module, or a test."""
    if not path.endswith(".py") or any(part in ("tests", "testdata") for part in path.split("/")[:-1]):
        return ""
    name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return name if all(part.isidentifier() for part in name.split(".")) else ""


def read_module(content: bytes, path: str, parse: Parse = ast.parse) -> ModuleNames:
    """What a module takes and offers.

    Args:
        content: The source.
        path: The path of the file in the wheel.
        parse: Makes a tree of the source.

    Returns:
        The names; open, without any names, if `parse` cannot read the source.
    """
    try:
        tree = parse(content)
    except (SyntaxError, ValueError):
        return ModuleNames(open=True)
    reading = SourceReading(package=path.rpartition("/")[0].replace("/", "."))
    read_statements(reading, tree.body)
    return ModuleNames(
        takes=tuple(dict.fromkeys([*reading.takes, *_taken_by_functions(reading)])),
        offers=reading.offers,
        keywords=reading.keywords,
        objects=objects_of(tree),
        stars=tuple(dict.fromkeys(reading.stars)),
        open=reading.open,
    )


def _taken_by_functions(reading: SourceReading) -> Iterator[Take]:
    """What functions take when they are called. By then all names of the module are bound."""
    for function in reading.functions:
        body = SourceReading(
            package=reading.package, annotations=reading.annotations, called=True, offers=dict(reading.offers)
        )
        for argument in ast.walk(function.args):
            if isinstance(argument, ast.arg):
                body.offers[argument.arg] = ""
        read_statements(body, function.body)
        for taken in dict.fromkeys([*body.takes, *_taken_by_functions(body)]):
            yield taken.model_copy(update={"late": True})
