"""Which files are modules, and what a module is that cannot be read."""

from __future__ import annotations

import ast

import pytest

from stackcompat.frontier.static.names import ModuleNames
from stackcompat.frontier.static.reader import module_name, read_module


def test_what_cannot_be_parsed_is_open() -> None:
    assert read_module(b"print 'x'", "b/__init__.py") == ModuleNames(open=True)


def test_what_parses_it_may_be_given() -> None:
    def parse(content: bytes) -> ast.Module:
        return ast.parse(content.removeprefix(b"new "))

    assert read_module(b"new x = 1", "b.py", parse).offers == {"x": ""}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b.py", "a.b"),
        ("a/__init__.py", "a"),
        ("a.py", "a"),
        ("a/tests/b.py", ""),
        ("a/b.txt", ""),
        ("a-1.data/scripts/run.py", ""),
    ],
)
def test_names_of_files(path: str, name: str) -> None:
    assert module_name(path) == name
