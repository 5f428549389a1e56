"""Reads what a module executes when it is imported, statement by statement, in order."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from stackcompat.frontier.static.expressions import dotted, evaluate, expressions_in
from stackcompat.frontier.static.names import Take
from stackcompat.frontier.static.objects import deprecations
from stackcompat.frontier.static.reading import SourceReading, bind, take

__all__ = ["read_statements"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Assignment = ast.Assign | ast.AnnAssign | ast.AugAssign


def read_statements(reading: SourceReading, statements: Sequence[ast.stmt]) -> None:
    """Read statements in order."""
    for statement in statements:
        _read(reading, statement)


def _read(reading: SourceReading, node: ast.stmt) -> None:
    match node:
        case ast.Import():
            _import(reading, node)
        case ast.ImportFrom():
            _import_from(reading, node)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            _function(reading, node)
        case ast.ClassDef():
            _class(reading, node)
        case ast.If():
            _if(reading, node)
        case ast.Try() | ast.TryStar():
            caught = [handler.body for handler in node.handlers if _goes_on(handler)]
            _ways(reading, node.lineno, [[*node.body, *node.orelse], *caught])
            read_statements(reading, node.finalbody)
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            _assign(reading, node)
        case ast.For():
            evaluate(reading, expressions_in(node))
            _bind_targets(reading, node.target, "")
            read_statements(reading, node.body)
        case ast.While() | ast.With():
            evaluate(reading, expressions_in(node))
            read_statements(reading, node.body)
        case ast.Delete():
            _delete(reading, node)
        case ast.Expr() | ast.Assert() | ast.Return():
            evaluate(reading, expressions_in(node))
        case _ if type(node).__name__ == "TypeAlias":  # Python 3.12; what it stands for is evaluated when it is used
            _bind_targets(reading, getattr(node, "name"), "")  # noqa: B009  (an older mypy knows no such node)
        case _:
            pass


def _import(reading: SourceReading, node: ast.Import) -> None:
    for alias in node.names:
        take(reading, alias.name, node.lineno)
        if alias.asname:
            bind(reading, alias.asname, alias.name)
        else:
            package = alias.name.split(".")[0]
            bind(reading, package, package)


def _import_from(reading: SourceReading, node: ast.ImportFrom) -> None:
    source = node.module or ""
    if source == "__future__" and any(alias.name == "annotations" for alias in node.names):
        reading.annotations = False
    if node.level:
        parts = reading.package.split(".")
        base = ".".join(parts[: len(parts) - node.level + 1])
        source = f"{base}.{source}" if source else base
    for alias in node.names:
        if alias.name == "*":
            take(reading, source, node.lineno)
            reading.stars.append(source)
        else:
            take(reading, f"{source}.{alias.name}", node.lineno)
            bind(reading, alias.asname or alias.name, f"{source}.{alias.name}")


def _function(reading: SourceReading, node: _Function) -> None:
    """Read a definition; the body is read later."""
    arguments = node.args
    if node.name == "__getattr__" and not reading.class_depth:
        _getattr(reading, node)
    evaluate(reading, [*node.decorator_list, *arguments.defaults, *arguments.kw_defaults])
    if reading.annotations:
        annotated = [argument for argument in ast.walk(arguments) if isinstance(argument, ast.arg)]
        evaluate(reading, [*(argument.annotation for argument in annotated), node.returns])
    bind(reading, node.name)
    reading.functions.append(node)
    if not reading.class_depth and arguments.kwarg is None:
        by_name = (*arguments.args, *arguments.kwonlyargs)
        reading.keywords[node.name] = tuple(argument.arg for argument in by_name)


def _class(reading: SourceReading, node: ast.ClassDef) -> None:
    evaluate(reading, [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)])
    reading.class_depth += 1
    read_statements(reading, node.body)
    reading.class_depth -= 1
    bind(reading, node.name)


def _if(reading: SourceReading, node: ast.If) -> None:
    condition = ast.unparse(node.test)
    if "TYPE_CHECKING" in condition:
        read_statements(reading, node.body if "not " in condition else node.orelse)
    elif "version" in condition.lower() or "hasattr" in condition:
        _ways(reading, node.lineno, [node.body, node.orelse])
    else:
        evaluate(reading, [node.test])
        read_statements(reading, node.body)
        read_statements(reading, node.orelse)


def _ways(reading: SourceReading, line: int, ways: Sequence[Sequence[ast.stmt]]) -> None:
    """Read alternative sequences of statements: one of them is executed, or the next one if the first fails.

    A name that they bind from different origins has no sure origin.
    """
    takes_before, offers_before = reading.takes, dict(reading.offers)
    taken: list[tuple[Take, ...]] = []
    bound: dict[str, set[str]] = {}
    for way in ways:
        reading.takes = []
        read_statements(reading, way)
        taken.append(tuple(reading.takes))
        for name, origin in reading.offers.items():
            if offers_before.get(name) != origin:
                bound.setdefault(name, set()).add(origin)
        reading.offers = reading.offers | offers_before
    reading.takes = takes_before
    for name, origins in bound.items():
        bind(reading, name, origins.pop() if len(origins) == 1 else "")
    if len(taken) == 1:
        reading.takes += taken[0]
    else:
        reading.takes.append(Take(name="", line=line, ways=tuple(taken)))


def _assign(reading: SourceReading, node: _Assignment) -> None:
    if isinstance(node, ast.AnnAssign) and reading.annotations and not reading.called:
        evaluate(reading, [node.annotation])
    if node.value is None:
        return
    evaluate(reading, [node.value])
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        if isinstance(target, ast.Name) and target.id == "__getattr__" and not reading.class_depth:
            _getattr(reading, node.value)
        elif isinstance(target, ast.Name) and isinstance(node.value, ast.Dict):
            reading.tables[target.id] = deprecations(node.value)
        _bind_targets(reading, target, dotted(reading, node.value))


def _bind_targets(reading: SourceReading, target: ast.expr, origin: str) -> None:
    """Bind the names in the target of an assignment, or of a loop."""
    for name in ast.walk(target):
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
            bind(reading, name.id, origin)


def _delete(reading: SourceReading, node: ast.Delete) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name) and not reading.class_depth:
            reading.offers.pop(target.id, None)


def _getattr(reading: SourceReading, node: ast.AST) -> None:
    """Read a ``__getattr__`` of the module: it serves the names in its tables, or any name if it has no tables."""
    used = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)} & reading.tables.keys()
    reading.open = reading.open or not used
    for table in used:
        for name, served in reading.tables[table].items():
            if served:
                reading.offers.setdefault(name, "")


def _goes_on(handler: ast.ExceptHandler) -> bool:
    """Whether a handler catches what a missing name or module raises, and does not raise anything itself."""
    caught = "" if handler.type is None else ast.unparse(handler.type)
    names = ("ImportError", "ModuleNotFoundError", "AttributeError", "Exception")
    catches = not caught or any(name in caught for name in names)
    return catches and not isinstance(handler.body[-1], ast.Raise)
