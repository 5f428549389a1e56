"""What a release offers: a dotted name is followed through its modules to where it is defined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stackcompat.frontier.static.names import NameTable

__all__ = ["attributes", "first_missing"]

#: Modules that take a name from each other in a circle define it nowhere. So a search ends after this many steps.
_MAX_DEPTH = 20


class _Followed(NamedTuple):
    """How far a dotted name can be followed.

    Attributes:
        module: The last module on the way.
        rest: What is left of the dotted name.
        name: The name that the module defines, before `rest`. If it is empty, the module does not offer `rest`, or
            `rest` is empty because the dotted name is that of the module itself.
    """

    module: str
    rest: Sequence[str]
    name: str


def first_missing(table: NameTable, chain: str, keyword: str = "", text: str = "") -> str:
    """The first part of a dotted name that a release does not offer.

    Args:
        table: The names of the release.
        chain: The dotted name.
        keyword: An argument with which the name is called. It is missing if the name is a function that does not take
            it.
        text: An attribute that is asked for as text. It is missing if the name is an object that does not have it.

    Returns:
        The dotted name of the part; ``function(keyword)`` for an argument; empty if nothing is missing.
    """
    question = chain, keyword, text
    if question not in table.missing:
        table.missing[question] = _first_missing(table, chain, keyword, text)
    return table.missing[question]


def attributes(table: NameTable) -> dict[str, tuple[str, ...]]:
    """The attributes of each object, by its dotted name, in the modules that were read so far."""
    return {
        f"{name}.{object_name}": attribute_names
        for name, module in table.modules.items()
        if module is not None
        for object_name, attribute_names in module.objects.items()
    }


def _first_missing(table: NameTable, chain: str, keyword: str, text: str) -> str:
    module, rest, name = _follow(table, chain.split("."), 0)
    if not name:
        return f"{module}.{rest[0]}" if rest else ""
    attribute = rest[0] if rest else text
    if attribute:
        known = table.module(module).objects.get(name)
        return "" if known is None or attribute in known else f"{module}.{name}.{attribute}"
    if keyword:
        taken = table.module(module).keywords.get(name)
        return "" if taken is None or keyword in taken else f"{chain}({keyword})"
    return ""


def _follow(table: NameTable, parts: Sequence[str], depth: int) -> _Followed:
    """Follow a dotted name as far as it goes."""
    module, rest = parts[0], list(parts[1:])
    while rest and table.has(f"{module}.{rest[0]}"):
        module = f"{module}.{rest.pop(0)}"
    if not rest:
        return _Followed(module, [], "")
    bound = _where_bound(table, module, rest[0], set())
    if bound is None:
        return _Followed(module, rest, "")
    module, origin = bound
    defined = _Followed(module, rest[1:], rest[0])
    if not origin or not table.has(origin.split(".")[0]) or depth > _MAX_DEPTH:
        return defined
    # The name is passed on from elsewhere, so the rest is looked for there.
    followed = _follow(table, [*origin.split("."), *rest[1:]], depth + 1)
    if followed.name or len(rest) > 1 or not followed.rest:
        return followed
    return _Followed(module, [], rest[0])


def _where_bound(table: NameTable, module: str, name: str, visited: set[str]) -> tuple[str, str] | None:
    """The module that binds a name which `module` offers, and where the name comes from; None if it is not offered.

    Args:
        table: The names of the release.
        module: The module that offers the name, or passes it on with a star.
        name: The name.
        visited: Modules that were looked into on the way; those that this function visits are added.
    """
    names = table.module(module)
    if name in names.offers:
        return module, names.offers[name]
    if names.open:
        return module, ""
    visited.add(module)
    for star in names.stars:
        if star in visited:
            continue
        if not table.has(star):
            return module, ""  # from another distribution, which is not read
        bound = _where_bound(table, star, name, visited)
        if bound is not None and not name.startswith("_"):
            return bound
    return None
