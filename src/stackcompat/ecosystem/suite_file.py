"""One file of a suite as it is written: the marks of its tests, and what it imports. Nothing is imported or run."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from stackcompat.core.errors import UsageError
from stackcompat.core.record import Record
from stackcompat.core.requirements import name_of

__all__ = ["SuiteFile", "read_file"]

#: The values that a file assigns to its names, which marks can refer to.
_Names = Mapping[str, ast.expr]


class _MarkedTest(Record):
    """What the marks of a test say.

    Attributes:
        uses: The distributions that it exercises.
        thorough: Whether it is among the thorough tests.
    """

    uses: frozenset[str]
    thorough: bool


class SuiteFile(Record):
    """A file of a suite.

    Attributes:
        tests: Its tests.
        imports: The modules that it imports, wherever in it.
        artifacts: The artifacts that its tests write.
        digest: The digest of its text.
    """

    tests: tuple[_MarkedTest, ...]
    imports: tuple[str, ...]
    artifacts: tuple[str, ...]
    digest: str

    def matters(self, distributions: Collection[str], *, thorough: bool) -> bool:
        """Whether some test of the file can apply.

        Args:
            distributions: What is installed.
            thorough: Whether thorough tests are wanted.
        """
        wanted = [test for test in self.tests if thorough or not test.thorough]
        return any(test.uses <= set(distributions) for test in wanted)


def read_file(path: Path) -> SuiteFile:
    """Read a file of a suite. Raises UsageError if it is not Python."""
    source = path.read_bytes()
    try:
        tree = ast.parse(source, str(path))
    except SyntaxError as error:
        raise UsageError(f"{path}: line {error.lineno}: {error.msg}; a suite holds Python files") from None
    names = _assigned(tree)
    marks = _marks_of_tests(tree, names)
    return SuiteFile(
        tests=tuple(
            _MarkedTest(uses=_uses(marks_of_test, names), thorough=any(map(_is_thorough, marks_of_test)))
            for marks_of_test in marks
        ),
        imports=tuple(sorted(set(_imported(tree)))),
        artifacts=tuple(
            artifact
            for marks_of_test in marks
            for mark in marks_of_test
            for artifact in _texts_in(mark, "writes", names)
        ),
        digest=hashlib.sha256(source).hexdigest(),
    )


def _assigned(tree: ast.Module) -> _Names:
    """What a file assigns to its names at the top level; the last value of each."""
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _marks_of_tests(tree: ast.Module, names: _Names) -> list[list[ast.expr]]:
    """For each test of a file, the expressions that mark it: those of the whole file, and its decorators."""
    of_file = [names["pytestmark"]] if "pytestmark" in names else []
    tests = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test")]
    return [[*of_file, *test.decorator_list] for test in tests]


def _uses(marks: Collection[ast.expr], names: _Names) -> frozenset[str]:
    """The distributions in the ``uses(...)`` marks of a test.

    A mark that cannot be read adds no name, so its test matters in more places: nothing is left out by mistake.
    """
    found = {name_of(text) for mark in marks for text in _texts_in(mark, "uses", names)}
    return frozenset(found - {""})


def _is_thorough(mark: ast.expr) -> bool:
    """Whether a ``thorough`` mark stands in an expression."""
    return any(isinstance(node, ast.Attribute) and node.attr == "thorough" for node in ast.walk(mark))


def _texts_in(expression: ast.expr, mark: str, names: _Names) -> Iterator[str]:
    """The texts in the marks of this name within an expression."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == mark:
            for argument in node.args:
                yield from _texts(argument, names)


def _texts(argument: ast.expr, names: _Names) -> Iterator[str]:
    """The texts that an argument of a mark gives: a literal, or a name of the file; none for anything else."""
    match argument:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Name(id=name) if name in names:
            yield from _texts(names[name], _without(names, name))
        case ast.Starred(value=ast.Name(id=name)) if name in names:
            yield from _texts(ast.Starred(names[name]), _without(names, name))
        case ast.Starred(value=ast.Tuple(elts=elements) | ast.List(elts=elements)):
            for element in elements:
                yield from _texts(element, names)


def _without(names: _Names, name: str) -> _Names:
    """The names but one, so that a name that refers to itself ends the search."""
    return {other: value for other, value in names.items() if other != name}


def _imported(tree: ast.Module) -> Iterator[str]:
    """The top-level modules that a file imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]
