"""What a release needs and does not declare, as the failure says that occurs where it is not installed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from packaging.utils import canonicalize_name

from stackcompat.table.components import ComponentRow
from stackcompat.table.frontiers import FrontierReason, FrontierRow

__all__ = ["Undeclared", "lone_component", "undeclared"]

#: What Python says of a module that is not there, in a signature.
_ABSENT = re.compile(r"(?:ModuleNotFound|Import)Error: No module named '(?P<module>[\w.]+)' \[(?P<asks>[\w.-]+)\]")


class Undeclared(NamedTuple):
    """The distribution that asks for a module, and the component's distribution that it needs for that."""

    asks: str
    needs: str


def undeclared(signature: str, rows: Iterable[ComponentRow]) -> Undeclared | None:
    """The component that a failure says is needed and not installed at all; None: it says nothing of the kind.

    A resolver installs everything that is declared, so what it did not install was not declared. Where a module inside
    a component is missing, the component is installed, in a release that does not have the module: that is another
    failure.

    Args:
        signature: The failure.
        rows: The components of the table.
    """
    absent = _ABSENT.fullmatch(signature)
    if absent is None:
        return None
    name = canonicalize_name(absent["module"])
    needed = next((row.distribution for row in rows if row.distribution == name), "")
    return Undeclared(absent["asks"], needed) if needed and needed != absent["asks"] else None


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
