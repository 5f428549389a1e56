"""What a release needs and does not declare: told from the failure of whoever had it without. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from packaging.utils import canonicalize_name

from stackcompat.table.components import ComponentRow
from stackcompat.table.frontiers import FrontierReason, FrontierRow
from stackcompat.verdict.missing import missing_in
from stackcompat.verdict.signature import parse_signature

__all__ = ["Undeclared", "alone", "undeclared"]


class Undeclared(NamedTuple):
    """The distribution that asks, and the component's distribution that it could not do without."""

    asks: str
    needs: str


def undeclared(signature: str, rows: Iterable[ComponentRow]) -> Undeclared | None:
    """Who needs which of the components in `rows`, if a failure says that the whole of it is not installed.

    What a resolver did not bring along was not declared. A module inside of a component is another matter: the
    component is there, in a release that has it elsewhere.
    """
    failure = parse_signature(signature)
    missing = missing_in(failure.message)
    if failure.type not in ("ModuleNotFoundError", "ImportError") or missing.kind != "module":
        return None
    name = canonicalize_name(missing.owner)
    needs = next((row.distribution for row in rows if row.distribution == name), "")
    if missing.words != failure.message or not needs or needs == failure.package:
        return None
    return Undeclared(failure.package, needs)


def alone(reason: FrontierReason, row: FrontierRow, rows: Iterable[ComponentRow]) -> str:
    """The side of a frontier whose own failure a reason is; empty if it is of both together."""
    if reason.alone:
        return reason.alone
    distributions = {one.name: one.distribution for one in rows}
    lacks = undeclared(reason.signature, rows)
    sides = {distributions.get(name, name): name for name in (row.first, row.second)}
    return sides.get(lacks.asks, "") if lacks is not None and lacks.needs not in sides else ""
