"""The modules that a test imports, read from its source: also those of the functions and fixtures that it uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["imported_modules"]


@dataclass(frozen=True)
class _Source:
    """A file of the suite.

    Attributes:
        definitions: The functions, classes and values at the top of the file, by name.
        aliases: The names that imports at the top of the file bind, each with what it stands for, dotted.
    """

    definitions: Mapping[str, ast.stmt]
    aliases: Mapping[str, str]


def imported_modules(file: Path, test: str, folders: Sequence[str]) -> frozenset[str]:
    """The modules that a test imports, and names in them, dotted.

    A name can be more than a module: ``from jax import export`` gives ``jax.export``.

    Args:
        file: The file of the test.
        test: The name of its function, or of the class around it.
        folders: The folders whose modules belong to the suite. What a test uses of them is followed.
    """
    found: set[str] = set()
    seen: set[tuple[Path, str]] = set()
    waiting = [(file, test)]
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        source = _read(place[0])
        definition = source.definitions.get(place[1])
        if definition is None:
            continue
        aliases = {**source.aliases, **_aliases(definition)}
        for name in (*_aliases(definition).values(), *_names_used(definition, aliases)):
            first, _, rest = name.partition(".")
            helper = _helper(first, folders)
            if first in source.definitions and not rest:
                waiting.append((place[0], first))
            elif helper is not None:
                waiting.append((helper, rest.partition(".")[0]))
            else:
                found.add(name)
    return frozenset(found)


@cache
def _read(file: Path) -> _Source:
    tree = ast.parse(file.read_bytes(), str(file))
    definitions: dict[str, ast.stmt] = {}
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                definitions[name] = node
            case ast.Assign(targets=targets):
                definitions.update((target.id, node) for target in targets if isinstance(target, ast.Name))
    imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return _Source(definitions, {name: value for node in imports for name, value in _aliases(node).items()})


def _helper(module: str, folders: Sequence[str]) -> Path | None:
    """The file of a module of the suite; None if the module is none of the suite."""
    return next((path for folder in folders if (path := Path(folder, f"{module}.py")).is_file()), None)


def _aliases(tree: ast.AST) -> dict[str, str]:
    """The names that imports bind, each with what it stands for, dotted."""
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            # `import a.b` binds a, and imports a.b: the name with the dot is no name that a test can use.
            aliases.update((alias.asname or alias.name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            aliases.update((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
    return aliases


def _names_used(tree: ast.AST, aliases: Mapping[str, str]) -> Iterator[str]:
    """The names that code uses, aliases replaced. Arguments are among them, since a test names its fixtures there."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name):
                yield aliases.get(name, name)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                yield f"{aliases.get(name, name)}.{attribute}"
