"""Source in a newer syntax than that of the Python that runs this, parsed by a newer one."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from stackcompat.core.requirements import python_key
from stackcompat.ecosystem.interpreters import Interpreter, find_interpreters
from stackcompat.frontier.static.reader import read_module
from stackcompat.frontier.static.source import parser

NEWER = next((found for found in find_interpreters().values() if python_key(found.python) >= (3, 12)), None)
NEW = b"""
import b as c
from b import core
type Pair = tuple[c.lazy, int]
def f[T](x: T, size: int = 3) -> c.gone: return core.late
class Box[T: c.bound](c.base):
    big, small, none, raw = 10**3, 1.5, None, b"raw"
_table = {"old": ("it went", None), "kept": ("it goes", f)}
def __getattr__(name): return _table[name]
text = f"{c.name + f"{'x'}"}"
"""


@pytest.mark.skipif(NEWER is None, reason="there is no Python here whose syntax is that new")
def test_it_is_read_as_what_it_is() -> None:
    module = read_module(NEW, "a.py", parser(NEWER))
    assert not module.open
    assert module.offers == dict.fromkeys(("Pair", "f", "Box", "_table", "__getattr__", "text", "kept"), "") | {
        "c": "b",
        "core": "b.core",
    }
    assert module.keywords["f"] == ("x", "size")
    taken = {take.name: (take.line, take.late) for take in module.takes}
    assert taken == {
        "b": (2, False),
        "b.core": (3, False),
        "b.gone": (5, False),
        "b.base": (6, False),
        "b.name": (10, False),
        "b.core.late": (5, True),
    }


@pytest.mark.skipif(NEWER is None, reason="there is no Python here whose syntax is that new")
@pytest.mark.parametrize(
    "source", [b"print 'x'", b"x = " + b"-" * 900 + b"1" if sys.version_info < (3, 12) else b"x ="]
)
def test_what_no_python_here_reads_is_told_as_that(source: bytes) -> None:
    with pytest.raises((SyntaxError, ValueError)):
        parser(NEWER)(b"type X = int\n" + source)


def test_an_older_interpreter_is_not_asked() -> None:
    assert parser(None) is ast.parse
    python = ".".join(map(str, sys.version_info[:2]))
    assert parser(Interpreter(python=python, version=f"{python}.0", path=Path("nowhere"))) is ast.parse
