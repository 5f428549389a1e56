"""One file of a suite, read from its source: the marks of its tests, and its imports. Nothing is imported or run."""

from __future__ import annotations

import ast
import hashlib
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from stackcompat.core.errors import UsageError
from stackcompat.core.record import Record
from stackcompat.core.requirements import name_of

__all__ = ["READING", "SuiteFile", "SurprisingTest", "read_suite_file"]

#: Grows with each change of what is read out of a file, or how.
READING = 2

#: Name to the expression that a file assigns to it. Marks can refer to such names.
_Names = Mapping[str, ast.expr]

#: The fields of nodes that hold statements, directly or in handlers and cases, in the order of the fields of a node.
_HOLD_STATEMENTS = ("cases", "body", "handlers", "orelse", "finalbody")


class _MarkedTest(Record):
    """A test, by its marks.

    Attributes:
        uses: The distributions that it exercises.
        thorough: Whether it is marked ``thorough``.
    """

    uses: frozenset[str]
    thorough: bool


class SurprisingTest(Record):
    """A test that holds what surprises people.

    Attributes:
        name: The name of its function.
        expected: What people expect, by its mark ``surprise``.
        happens: What happens instead: the first paragraph of its docstring.
        uses: The requirements for which it holds.
    """

    name: str
    expected: str
    happens: str
    uses: tuple[str, ...]


class SuiteFile(Record):
    """A file of a suite.

    Attributes:
        tests: Its tests.
        imports: The outermost modules that it imports, at the top or inside functions.
        artifacts: The artifacts that its tests write.
        surprises: Those of its tests that hold what surprises people.
        digest: The digest of its text.
    """

    tests: tuple[_MarkedTest, ...]
    imports: tuple[str, ...]
    artifacts: tuple[str, ...]
    surprises: tuple[SurprisingTest, ...] = ()
    digest: str

    def matters(self, distributions: Collection[str] | None, *, thorough: bool) -> bool:
        """Whether some test of the file can apply.

        Args:
            distributions: What tests can use; None if that is not known.
            thorough: Whether thorough tests are wanted.
        """
        wanted = [test for test in self.tests if thorough or not test.thorough]
        return any(distributions is None or test.uses <= set(distributions) for test in wanted)


def read_suite_file(path: Path, known: Mapping[str, SuiteFile] = MappingProxyType({})) -> SuiteFile:
    """Read a file of a suite.

    Args:
        path: The file.
        known: Files that were read before, by their digests. One that is among them is not read again.

    Raises:
        UsageError: It is not Python.
    """
    source = path.read_bytes()
    digest = hashlib.sha256(source).hexdigest()
    if digest in known:
        return known[digest]
    try:
        tree = ast.parse(source, str(path))
    except SyntaxError as error:
        raise UsageError(f"{path}: line {error.lineno}: {error.msg}; a suite holds Python files") from None
    names = _assigned(tree)
    statements = list(_statements(tree))
    functions = [node for node in statements if isinstance(node, ast.FunctionDef) and node.name.startswith("test")]
    marks = [_marks(function, names) for function in functions]
    return SuiteFile(
        tests=tuple(
            _MarkedTest(uses=_uses(marks_of_test, names), thorough=any(map(_is_thorough, marks_of_test)))
            for marks_of_test in marks
        ),
        imports=tuple(sorted(set(_imported(statements)))),
        artifacts=tuple(
            artifact
            for marks_of_test in marks
            for mark in marks_of_test
            for artifact in _texts_in(mark, "writes", names)
        ),
        surprises=tuple(
            surprise
            for function, marks_of_test in zip(functions, marks, strict=True)
            for surprise in _surprises(function, marks_of_test, names)
        ),
        digest=digest,
    )


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """All statements of a file, at any depth, in the order of :func:`ast.walk`.

    Expressions are not walked: they hold no statements, and most nodes of a file are in them.
    """
    waiting: deque[ast.stmt | ast.excepthandler | ast.match_case] = deque(tree.body)
    while waiting:
        node = waiting.popleft()
        if isinstance(node, ast.stmt):
            yield node
        for field in _HOLD_STATEMENTS:
            waiting.extend(getattr(node, field, ()))


def _assigned(tree: ast.Module) -> _Names:
    """Name to the last expression that the file assigns to it at its top level."""
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _marks(test: ast.FunctionDef, names: _Names) -> list[ast.expr]:
    """The expressions that mark a test: ``pytestmark`` of the file, and its decorators."""
    return [*([names["pytestmark"]] if "pytestmark" in names else []), *test.decorator_list]


def _surprises(test: ast.FunctionDef, marks: Collection[ast.expr], names: _Names) -> Iterator[SurprisingTest]:
    """The test, if it is marked ``surprise``."""
    happens = (ast.get_docstring(test) or "").split("\n\n")[0].replace("\n", " ")
    uses = tuple(dict.fromkeys(text for mark in marks for text in _texts_in(mark, "uses", names)))
    for mark in marks:
        for expected in _texts_in(mark, "surprise", names):
            yield SurprisingTest(name=test.name, expected=expected, happens=happens, uses=uses)


def _uses(marks: Collection[ast.expr], names: _Names) -> frozenset[str]:
    """The distributions in the ``uses(...)`` marks of a test.

    A mark that cannot be read adds no name, so its test matters in more places: nothing is left out by mistake.
    """
    found = {name_of(text) for mark in marks for text in _texts_in(mark, "uses", names)}
    return frozenset(found - {""})


def _is_thorough(mark: ast.expr) -> bool:
    """Whether an expression holds the mark ``thorough``."""
    return any(isinstance(node, ast.Attribute) and node.attr == "thorough" for node in ast.walk(mark))


def _texts_in(expression: ast.expr, mark: str, names: _Names) -> Iterator[str]:
    """The arguments that are texts, of the marks called `mark` in an expression."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == mark:
            for argument in node.args:
                yield from _texts(argument, names)


def _texts(argument: ast.expr, names: _Names) -> Iterator[str]:
    """The texts that an argument of a mark stands for.

    It can be a text, a name that the file assigns, or either of a tuple and a list with a star. Anything else gives
    none.
    """
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
    """All names but `name`: a name that refers to itself would be followed for ever."""
    return {other: value for other, value in names.items() if other != name}


def _imported(statements: Iterable[ast.stmt]) -> Iterator[str]:
    """The outermost modules that a file imports, at the top or inside functions."""
    for node in statements:
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]
