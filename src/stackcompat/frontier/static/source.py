"""Python source as a tree, also where its syntax is newer than that of the Python that runs this.

A release that asks for a newer Python is written in that one's syntax, which the :mod:`ast` of an older one refuses. A
newer interpreter of this machine parses it then, without running it, and the tree comes over as JSON.
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

#: A tree of source; raises SyntaxError or ValueError where it is none.
Parse = Callable[[bytes], ast.Module]


#: Long enough for the largest of modules.
SECONDS = 60


_TELL = """
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
    """A parser that asks `newer` for what the Python that runs this cannot parse, if `newer` is that."""
    if newer is None or python_key(newer.python) <= sys.version_info[:2]:
        return ast.parse
    command = (str(newer.path), "-I", "-S", "-c", _TELL)

    def parse(content: bytes) -> ast.Module:
        try:
            return ast.parse(content)
        except SyntaxError:
            told = subprocess.run(command, input=content, capture_output=True, timeout=SECONDS, check=False)
            if told.returncode:
                raise
            try:
                tree: ast.Module = _node(json.loads(told.stdout))
            except RecursionError as error:
                raise ValueError("the source is nested too deeply") from error
            return tree

    return parse


def _node(value: Any) -> Any:
    """What JSON tells of a part of a tree, as nodes of this Python: ``pass`` where it has no such node."""
    if isinstance(value, list):
        return [_node(part) for part in value]
    if not isinstance(value, dict):
        return value
    fields = {name: _node(part) for name, part in value.items() if name}
    if value[""] == "TypeAlias":  # what it stands for is not evaluated before it is used
        return ast.Assign(targets=[fields["name"]], value=ast.Constant(value=""), lineno=fields["lineno"])
    kind = getattr(ast, value[""], ast.Pass)
    return kind(**{name: part for name, part in fields.items() if name in (*kind._fields, "lineno")})
