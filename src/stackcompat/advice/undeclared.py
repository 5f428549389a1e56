"""Reads which distribution a release needs but does not declare, from the failure in a cell that lacks it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from packaging.utils import canonicalize_name

from stackcompat.table.components import ComponentRow
from stackcompat.table.frontiers import FrontierReason, FrontierRow
from stackcompat.verdict.missing import missing_in
from stackcompat.verdict.signature import parse_signature

__all__ = ["Undeclared", "lone_component", "undeclared"]


class Undeclared(NamedTuple):
    """A distribution that imports a module (`asks`), and the distribution that has the module (`needs`)."""

    asks: str
    needs: str


def undeclared(signature: str, rows: Iterable[ComponentRow]) -> Undeclared | None:
    """The component that a failure shows to be needed and not declared; None: the failure is of another kind.

    A resolver installs everything that is declared, so a component that is not installed was not declared. If only a
    module inside a component is missing, the component is installed in a release without that module. That is another
    kind of failure.

    Args:
        signature: The failure.
        rows: The components of the table.
    """
    failure = parse_signature(signature)
    missing = missing_in(failure.message)
    if failure.type not in ("ModuleNotFoundError", "ImportError") or missing.kind != "module":
        return None
    name = canonicalize_name(missing.owner)
    needed = next((row.distribution for row in rows if row.distribution == name), "")
    if missing.words != failure.message or not needed or needed == failure.package:
        return None
    return Undeclared(failure.package, needed)


def lone_component(reason: FrontierReason, row: FrontierRow, rows: Iterable[ComponentRow]) -> str:
    """The component of a frontier that fails alone; empty: both have a part in it.

    Args:
        reason: Why pairs of the frontier do not work.
        row: The frontier.
        rows: The components of the table.
    """
    if reason.alone:
        return reason.alone
    distributions = {component.name: component.distribution for component in rows}
    missing = undeclared(reason.signature, rows)
    sides = {distributions.get(name, name): name for name in (row.first, row.second)}
    if missing is None or missing.needs in sides:
        return ""
    return sides.get(missing.asks, "")
