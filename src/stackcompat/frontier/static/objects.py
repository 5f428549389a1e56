"""Objects and tables of a module that show which names they serve."""

from __future__ import annotations

import ast
from collections.abc import Iterator

__all__ = ["deprecations", "objects_of"]


def objects_of(tree: ast.Module) -> dict[str, tuple[str, ...]]:
    """The objects that a module makes of its own classes, with the attributes that the module shows of them.

    Any identifier that the module has as a text counts as an attribute of each object, since it can be the name of an
    option.
    """
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef) and _shows_attributes(node)}
    made: dict[str, ast.ClassDef] = {}
    for node in tree.body:
        match node:
            case ast.Assign(value=ast.Call(func=ast.Name(id=name))) if name in classes:
                made.update((target.id, classes[name]) for target in node.targets if isinstance(target, ast.Name))
    if not made:
        return {}
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    options = {text for text in texts if text.isidentifier()}
    return {name: tuple(sorted(options | set(_members(class_)))) for name, class_ in made.items()}


def deprecations(node: ast.Dict) -> dict[str, bool]:
    """The names in a table of deprecations, and whether it still serves each: it does not if the last entry is None."""
    served = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            last = value.elts[-1] if isinstance(value, ast.Tuple) and value.elts else value
            served[key.value] = not (isinstance(last, ast.Constant) and last.value is None)
    return served


def _shows_attributes(class_: ast.ClassDef) -> bool:
    """Whether the attributes of a class can be read: it has no bases, and no ``__getattr__``."""
    functions = (node for node in class_.body if isinstance(node, ast.FunctionDef))
    return not class_.bases and all(function.name != "__getattr__" for function in functions)


def _members(class_: ast.ClassDef) -> Iterator[str]:
    """The names that a class binds, for itself and in its methods."""
    for node in ast.walk(class_):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr
