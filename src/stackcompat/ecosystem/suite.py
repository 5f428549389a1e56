"""The smoke tests as the engine sees them without running any: which files matter to an environment, and their digest.

Files are read, never imported: a test file may need what is not installed here. What a test exercises stands in its
``uses`` marks; a file none of whose tests can apply to an environment is neither collected there nor part of the
address of its evidence, so a new test of one component leaves the evidence on all others as it is.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from stackcompat.core.record import Record, UsageError
from stackcompat.core.requirements import name_of

__all__ = ["Suite"]

#: What runs the tests inside a cell decides their outcome as much as they do.
_PROBE = Path(__file__).parents[1] / "run" / "inside" / "plugin.py"


class _Test(Record):
    """What a test exercises, and whether it is among the thorough ones."""

    uses: frozenset[str]
    thorough: bool


class _TestFile(Record):
    """A file of the suite: its tests, the neighbours it imports, and the digest of its text.

    `artifacts` are those that its tests write.
    """

    tests: tuple[_Test, ...]
    imports: tuple[str, ...]
    artifacts: tuple[str, ...]
    digest: str

    def matters(self, distributions: Collection[str], thorough: bool) -> bool:
        """Whether some test of it can apply where `distributions` are installed; thorough ones only if wanted."""
        wanted = (test for test in self.tests if thorough or not test.thorough)
        return any(test.uses <= set(distributions) for test in wanted)


class Suite:
    """The smoke tests in one folder. Raises UsageError for a file that is not Python.

    `helpers` is the folder of another suite, whose modules (what is no test there) this one may import.
    """

    def __init__(self, folder: Path, helpers: Path | None = None) -> None:
        self.folder = folder.resolve()
        self.helpers = helpers.resolve() if helpers is not None else None

    @cached_property
    def _files(self) -> dict[str, _TestFile]:
        return {path.relative_to(self.folder).as_posix(): _read(path) for path in sorted(self.folder.rglob("*.py"))}

    @cached_property
    def _borrowed(self) -> dict[str, _TestFile]:
        paths = sorted(self.helpers.glob("*.py")) if self.helpers is not None else []
        return {path.name: _read(path) for path in paths if not path.name.startswith(("test_", "conftest"))}

    def artifacts(self) -> tuple[str, ...]:
        """The artifacts that the tests write, in the order of files and tests."""
        return tuple(dict.fromkeys(name for file in self._files.values() for name in file.artifacts))

    def files(self, distributions: Collection[str], *, thorough: bool = True) -> tuple[str, ...]:
        """The test files that matter where `distributions` are installed, as paths within the suite.

        Without `thorough`, a file that has only thorough tests does not.
        """
        return tuple(
            name
            for name, file in self._files.items()
            if name.rsplit("/", 1)[-1].startswith("test_") and file.matters(distributions, thorough)
        )

    def digest(self, distributions: Collection[str], *, thorough: bool = True) -> str:
        """Content address of all that decides what the tests (see `files`) do where `distributions` are installed."""
        content = hashlib.sha256(_PROBE.read_bytes())
        tests = self.files(distributions, thorough=thorough)
        shared = [name for name in self._files if name.rsplit("/", 1)[-1] == "conftest.py"]
        for name in sorted(self._closure([*tests, *shared])):
            content.update(f"{name} {self._known[name].digest}\n".encode())
        return content.hexdigest()[:16]

    @property
    def _known(self) -> dict[str, _TestFile]:
        return self._borrowed | self._files

    def _closure(self, names: Collection[str]) -> set[str]:
        """`names` and the files of the suite and its helpers that they import, directly or not."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found and name in self._known:
                found.add(name)
                waiting += [f"{module}.py" for module in self._known[name].imports]
        return found


def _read(path: Path) -> _TestFile:
    source = path.read_bytes()
    try:
        tree = ast.parse(source, str(path))
    except SyntaxError as error:
        raise UsageError(f"{path}: line {error.lineno}: {error.msg}; a suite holds Python files") from None
    assigned = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    everywhere = [assigned["pytestmark"]] if "pytestmark" in assigned else []
    tests = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name.startswith("test")]
    marks = [[*everywhere, *test.decorator_list] for test in tests]
    return _TestFile(
        tests=tuple(
            _Test(
                uses=frozenset(name for mark in each for name in _used(mark, assigned)),
                thorough=any(map(_is_thorough, each)),
            )
            for each in marks
        ),
        imports=tuple(sorted(set(_imported(tree)))),
        artifacts=tuple(name for each in marks for mark in each for name in _marked(mark, "writes", assigned)),
        digest=hashlib.sha256(source).hexdigest(),
    )


def _used(mark: ast.expr, assigned: Mapping[str, ast.expr]) -> set[str]:
    """The distributions in the ``uses(...)`` marks within an expression; `assigned` are the values of the file's names.

    A mark that cannot be read adds no name, so its test matters in more places: nothing is left out by mistake.
    """
    return {name_of(text) for text in _marked(mark, "uses", assigned)}


def _marked(mark: ast.expr, name: str, assigned: Mapping[str, ast.expr]) -> Iterator[str]:
    """The texts in the marks of this name within an expression: written there, or by a name of the file."""
    for node in ast.walk(mark):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
            for argument in node.args:
                yield from _texts(argument, assigned)


def _texts(node: ast.expr, assigned: Mapping[str, ast.expr]) -> Iterator[str]:
    """The texts that an argument gives; none where it is neither a literal nor a name for some."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Name(id=name) | ast.Starred(value=ast.Name(id=name)) if name in assigned:
            value = ast.Starred(assigned[name]) if isinstance(node, ast.Starred) else assigned[name]
            yield from _texts(value, {other: value for other, value in assigned.items() if other != name})
        case ast.Starred(value=ast.Tuple(elts=some) | ast.List(elts=some)):
            for each in some:
                yield from _texts(each, assigned)


def _is_thorough(mark: ast.expr) -> bool:
    """Whether a ``thorough`` mark stands in an expression."""
    return any(isinstance(node, ast.Attribute) and node.attr == "thorough" for node in ast.walk(mark))


def _imported(tree: ast.Module) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]
