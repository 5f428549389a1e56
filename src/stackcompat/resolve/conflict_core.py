"""The smallest set of releases that cannot be installed together, read from a conflict. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from packaging.requirements import Requirement

from stackcompat.core.requirements import name_of, only_version
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import ChainLink, Conflict, excludes, links_of

__all__ = ["ConflictMember", "refused"]


class ConflictMember(NamedTuple):
    """A member of a conflict.

    Attributes:
        name: The distribution, or ``python``.
        version: The version that was asked for; the bounds if no single version was.
    """

    name: str
    version: str


def refused(conflict: Conflict, cell: Cell) -> tuple[ConflictMember, ...]:
    """The smallest set that cannot be installed together, by the account of a conflict; in order of name.

    If the account does not show such a set, the distributions that the chain calls requested are its members.

    Args:
        conflict: Why `cell` has no lock.
        cell: The cell. Its pins give the members their versions.
    """
    alone = re.match(r"(\S+) (?:requires Python|has no wheel for Python) ?", conflict.sentence)
    if conflict.kind in ("python", "no-wheel-for-python") and alone:
        return (_member(alone[1], cell, ()), ConflictMember("python", cell.python))
    # Requests come first: with a shorter chain, it is clearer who is to blame.
    links = sorted(links_of(conflict.chain), key=lambda link: bool(link.subject))
    for first, second in combinations(links, 2):
        if excludes(first.dependency, second.dependency):
            behind = (link.subject or link.dependency for link in (first, second))
            return tuple(sorted({_member(text, cell, links) for text in behind}))
    return tuple(sorted({_member(link.dependency, cell, ()) for link in links if not link.subject}))


def _member(requirement: str, cell: Cell, links: Sequence[ChainLink], depth: int = 0) -> ConflictMember:
    """The member behind a requirement.

    That is the release that it pins, or the cell's pin of the distribution, or what depends on the distribution.
    """
    name = name_of(requirement)
    for text in [requirement, *(text for text in cell.requirements if name_of(text) == name)]:
        if version := only_version(Requirement(text)):
            return ConflictMember(name, version)
    above = next(
        (
            link.subject
            for link in links
            if link.subject and name_of(link.dependency) == name and name_of(link.subject) != name
        ),
        "",
    )
    if above and depth < len(links) and name not in cell.roots():
        return _member(above, cell, links, depth + 1)
    return ConflictMember(name, str(Requirement(requirement).specifier))
