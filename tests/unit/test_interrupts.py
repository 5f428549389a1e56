"""Interrupts: CPython 3.11 to 3.13 can raise one as if it came from before a `try` that begins with a `while`."""

from __future__ import annotations

import ast
from pathlib import Path

import stackcompat


def _unsafe(text: str) -> list[int]:
    """The lines of the `try` and `with` statements that begin with a `while`."""
    guards = [node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.Try, ast.With))]
    return [node.lineno for node in guards if isinstance(node.body[0], ast.While)]


def test_no_guard_begins_with_a_loop_that_an_interrupt_can_leave_unguarded() -> None:
    """What such a loop jumps back to is the place of the guard itself, so that neither handler nor exit would run."""
    package = Path(stackcompat.__file__).parent
    files = list(package.rglob("*.py"))
    assert len(files) > 100
    found = {str(file.relative_to(package)): _unsafe(file.read_text(encoding="utf-8")) for file in files}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_such_a_guard_is_found() -> None:
    assert _unsafe("try:\n    while go():\n        pass\nfinally:\n    end()\n") == [1]
    assert _unsafe("with it:\n    while True:\n        pass\n") == [1]
    assert _unsafe("with it:\n    for one in them:\n        pass\n") == []
