"""Whom a resolver's refusal points at: the requirements that exclude each other, and who stands behind them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from packaging.requirements import Requirement

from stackcompat.core.requirements import name_of, only_version
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict, excludes

__all__ = ["ConflictMember", "refused"]


class ConflictMember(NamedTuple):
    """A distribution and its version, or its bounds where no version was asked for; or ``python`` and its version."""

    name: str
    version: str


class _Demand(NamedTuple):
    """`text` is demanded by the release `by`, or by the request itself."""

    text: str
    by: str


def refused(conflict: Conflict, cell: Cell) -> tuple[ConflictMember, ...]:
    """The members of the smallest set that `conflict` says cannot be had together, by name."""
    alone = re.match(r"(\S+) (?:requires Python|has no wheel for Python) ?", conflict.sentence)
    if conflict.kind in ("python", "no-wheel-for-python") and alone:
        return (_member(alone[1], cell, ()), ConflictMember("python", cell.python))
    demands = []
    for link in conflict.chain:
        by, _, text = link.removesuffix(" is requested").rpartition(" depends on ")
        demands.append(_Demand(text, by))
    # What is requested comes first: the shorter the chain, the clearer the blame.
    demands.sort(key=lambda demand: bool(demand.by))
    for one, other in combinations(demands, 2):
        if name_of(one.text) == name_of(other.text) and excludes(one.text, other.text):
            return tuple(sorted({_member(demand.by or demand.text, cell, demands) for demand in (one, other)}))
    return tuple(sorted({_member(demand.text, cell, ()) for demand in demands if not demand.by}))


def _member(text: str, cell: Cell, demands: Sequence[_Demand], depth: int = 0) -> ConflictMember:
    """Who stands behind `text`: the release that it names, the pin of that name, or who demands it."""
    name = name_of(text)
    for requirement in [Requirement(text), *(Requirement(r) for r in cell.requirements if name_of(r) == name)]:
        if version := only_version(requirement):
            return ConflictMember(name, version)
    above = next((d.by for d in demands if d.by and name_of(d.text) == name and name_of(d.by) != name), "")
    if above and depth < len(demands) and name not in cell.roots():
        return _member(above, cell, demands, depth + 1)
    return ConflictMember(name, str(Requirement(text).specifier))
