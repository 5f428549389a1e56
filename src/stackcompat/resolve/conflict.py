"""A conflict: why a cell has no lock, as a sentence and the chain of bounds behind it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from stackcompat.core.record import Record
from stackcompat.core.requirements import name_of

__all__ = ["ChainLink", "Conflict", "ConflictKind", "bounds_of", "chain_of", "excludes", "links_of"]

ConflictKind = Literal["bounds", "python", "no-wheel-for-python", "not-found"]


class Conflict(Record):
    """Why a cell cannot be resolved.

    Attributes:
        kind: ``bounds``: bounds exclude each other. ``python``: a release does not support the cell's Python.
            ``no-wheel-for-python``: a release has wheels for other Pythons only. ``not-found``: the index lacks a
            release.
        sentence: The conflict in one sentence.
        chain: The bounds that the conflict rests on, each ``A depends on B`` or ``A is requested``.
        words: The beginning of the resolver's own account.
    """

    kind: ConflictKind
    sentence: str
    chain: tuple[str, ...] = ()
    words: str = ""


class ChainLink(NamedTuple):
    """A link of a conflict's chain: `subject` depends on `dependency`. An empty subject: `dependency` is requested."""

    subject: str
    dependency: str


def links_of(chain: Sequence[str]) -> list[ChainLink]:
    """The links of a conflict's chain, parsed from its texts."""
    links = []
    for text in chain:
        subject, _, dependency = text.removesuffix(" is requested").rpartition(" depends on ")
        links.append(ChainLink(subject, dependency))
    return links


def chain_of(links: Sequence[ChainLink]) -> tuple[str, ...]:
    """Links as the texts of a conflict's chain."""
    return tuple(
        f"{link.subject} depends on {link.dependency}" if link.subject else f"{link.dependency} is requested"
        for link in links
    )


# ---------------------------------------------------------------------------------------------------------------------
# Bounds
# ---------------------------------------------------------------------------------------------------------------------


def bounds_of(requirement: str) -> tuple[str, SpecifierSet]:
    """The distribution that a requirement is about, and its bounds. Bounds that cannot be parsed are left out."""
    try:
        return name_of(requirement), Requirement(requirement).specifier
    except InvalidRequirement:
        return name_of(requirement), SpecifierSet()


def excludes(first: str, second: str) -> bool:
    """Whether both requirements are about one distribution and no version of it satisfies both."""
    first_name, first_bounds = bounds_of(first)
    second_name, second_bounds = bounds_of(second)
    if first_name != second_name:
        return False
    both = first_bounds & second_bounds
    exact_texts = [specifier.version for specifier in both if specifier.operator == "==="]
    if exact_texts:  # ``===`` compares texts, so no other version than the one that it names can satisfy it
        return not any(both.contains(text, prereleases=True) for text in exact_texts)
    return first_bounds.is_disjoint(second_bounds)
