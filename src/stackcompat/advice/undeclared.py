"""What a release needs and does not declare: told from the failure of whoever had it without. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from packaging.utils import canonicalize_name

from stackcompat.table.components import ComponentRow
from stackcompat.table.frontiers import FrontierReason, FrontierRow

__all__ = ["Undeclared", "alone", "undeclared"]

#: Python's own words for a module that is not there, in a signature.
_ABSENT = re.compile(r"(?:ModuleNotFound|Import)Error: No module named '(?P<module>[\w.]+)' \[(?P<asks>[\w.-]+)\]")


class Undeclared(NamedTuple):
    """The distribution that asks, and the component's distribution that it could not do without."""

    asks: str
    needs: str


def undeclared(signature: str, rows: Iterable[ComponentRow]) -> Undeclared | None:
    """Who needs which of the components in `rows`, if a failure says that the whole of it is not installed.

    What a resolver did not bring along was not declared. A module inside of a component is another matter: the
    component is there, in a release that has it elsewhere.
    """
    said = _ABSENT.fullmatch(signature)
    if said is None:
        return None
    name = canonicalize_name(said["module"])
    needs = next((row.distribution for row in rows if row.distribution == name), "")
    return Undeclared(said["asks"], needs) if needs and needs != said["asks"] else None


def alone(reason: FrontierReason, row: FrontierRow, rows: Iterable[ComponentRow]) -> str:
    """The side of a frontier whose own failure a reason is; empty if it is of both together."""
    if reason.alone:
        return reason.alone
    distributions = {one.name: one.distribution for one in rows}
    lacks = undeclared(reason.signature, rows)
    sides = {distributions.get(name, name): name for name in (row.first, row.second)}
    return sides.get(lacks.asks, "") if lacks is not None and lacks.needs not in sides else ""
