"""What expressions take: attribute chains that begin with something imported, and calls of them."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from stackcompat.frontier.static.reading import SourceReading, take

__all__ = ["dotted", "evaluate", "expressions_in"]


def dotted(reading: SourceReading, node: ast.expr) -> str:
    """The dotted name of an attribute chain that begins with something imported; empty for anything else."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name) and reading.offers.get(node.id):
        return ".".join([reading.offers[node.id], *reversed(attributes)])
    return ""


def evaluate(reading: SourceReading, nodes: Iterable[ast.expr | None]) -> None:
    """Take the names that expressions use whenever they are evaluated. Lambdas and conditional parts are left out."""
    pending: list[ast.AST] = [node for node in nodes if node is not None]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Call):
            _call(reading, node)
        chain = dotted(reading, node) if isinstance(node, ast.Attribute) else ""
        if chain and isinstance(node, ast.Attribute):
            take(reading, chain, node.lineno)
        elif not isinstance(node, ast.Lambda | ast.IfExp | ast.BoolOp):
            pending.extend(ast.iter_child_nodes(node))


def expressions_in(node: ast.AST) -> list[ast.expr]:
    """The expressions of a statement, without those of the statements inside it."""
    return [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]


def _call(reading: SourceReading, node: ast.Call) -> None:
    """Take the keyword arguments of a call, and the identifier that a method gets as its first argument."""
    called = dotted(reading, node.func)
    if not called:
        return
    for keyword in node.keywords:
        if keyword.arg is not None:
            take(reading, called, node.lineno, keyword=keyword.arg)
    owner = called.rpartition(".")[0]
    match node.args:
        case [ast.Constant(value=str(text)), *_] if owner and text.isidentifier():
            take(reading, owner, node.lineno, text=text)
