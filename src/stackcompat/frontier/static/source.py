"""Python source as a tree, even if its syntax is newer than the Python that runs this.

A release that needs a newer Python is written in the syntax of that Python, which the :mod:`ast` of an older one
refuses. Then a newer interpreter of this machine parses the source, without running it, and passes the tree on as JSON.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from stackcompat.core.requirements import python_key
from stackcompat.ecosystem.interpreters import Interpreter

__all__ = ["Parse", "parser"]

#: Makes a tree of source. Raises SyntaxError or ValueError for what is no source.
Parse = Callable[[bytes], ast.Module]


#: The time limit for parsing one module, in seconds. It is enough for the largest one.
_SECONDS = 60


_PRINT_TREE = """
import ast, json, sys
def plain(value):
    if isinstance(value, ast.AST):
        place = {"lineno": value.lineno} if hasattr(value, "lineno") else {}
        return {"": type(value).__name__, **place, **{name: plain(part) for name, part in ast.iter_fields(value)}}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value if value is None or isinstance(value, (str, int, float)) else repr(value)
json.dump(plain(ast.parse(sys.stdin.buffer.read())), sys.stdout)
"""


def parser(newer: Interpreter | None) -> Parse:
    """A parser that asks `newer` to parse what the Python that runs this cannot, if `newer` is a newer Python."""
    if newer is None or python_key(newer.python) <= sys.version_info[:2]:
        return ast.parse
    command = (str(newer.path), "-I", "-S", "-c", _PRINT_TREE)

    def parse(content: bytes) -> ast.Module:
        try:
            return ast.parse(content)
        except SyntaxError:
            process = subprocess.run(command, input=content, capture_output=True, timeout=_SECONDS, check=False)
            if process.returncode:
                raise
            return _tree(process.stdout)

    return parse


def _tree(text: bytes) -> ast.Module:
    """The tree that JSON describes."""
    try:
        tree: ast.Module = _node(json.loads(text))
    except RecursionError as error:
        raise ValueError("the source is nested too deeply") from error
    return tree


def _node(value: Any) -> Any:
    """A part of a tree, from JSON to nodes of this Python; ``pass`` where this Python has no such node."""
    if isinstance(value, list):
        return [_node(part) for part in value]
    if not isinstance(value, dict):
        return value
    fields = {name: _node(part) for name, part in value.items() if name}
    if value[""] == "TypeAlias":  # the type that it stands for is not evaluated before it is used
        return ast.Assign(targets=[fields["name"]], value=ast.Constant(value=""), lineno=fields["lineno"])
    kind = getattr(ast, value[""], ast.Pass)
    return kind(**{name: part for name, part in fields.items() if name in (*kind._fields, "lineno")})
