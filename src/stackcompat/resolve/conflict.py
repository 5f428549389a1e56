"""A resolver's refusal as data: the sentence, the chain of bounds, and what kind of conflict it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from stackcompat.core.record import Record
from stackcompat.core.requirements import name_of
from stackcompat.plan.cell import Cell

__all__ = ["REQUIREMENT", "Conflict", "Link", "excludes", "links_of", "parse_conflict"]

ConflictKind = Literal["bounds", "python", "no-wheel-for-python", "not-found"]


class Conflict(Record):
    """Why a cell cannot be resolved.

    Attributes:
        kind: ``bounds``: bounds exclude each other. ``python``: a release does not support the cell's Python.
            ``no-wheel-for-python``: a release has wheels for other Pythons only. ``not-found``: the index has no
            release that is asked for.
        sentence: The conflict in one sentence.
        chain: The bounds that it rests on, each ``A depends on B`` or ``A is requested``.
        words: The resolver's own account, shortened.
    """

    kind: ConflictKind
    sentence: str
    chain: tuple[str, ...] = ()
    words: str = ""


class Link(NamedTuple):
    """One link of a conflict's chain: `subject` depends on `dependency`, or `dependency` is requested (no subject)."""

    subject: str
    dependency: str


def links_of(chain: Sequence[str]) -> list[Link]:
    """The chain of a conflict, parsed."""
    links = []
    for text in chain:
        subject, _, dependency = text.removesuffix(" is requested").rpartition(" depends on ")
        links.append(Link(subject, dependency))
    return links


def _chain(links: Sequence[Link]) -> tuple[str, ...]:
    return tuple(
        f"{link.subject} depends on {link.dependency}" if link.subject else f"{link.dependency} is requested"
        for link in links
    )


# ---------------------------------------------------------------------------------------------------------------------
# Bounds
# ---------------------------------------------------------------------------------------------------------------------


def _bound(requirement: str) -> tuple[str, SpecifierSet]:
    """The distribution that a requirement is about, and its bounds; no bounds where they cannot be parsed."""
    try:
        return name_of(requirement), Requirement(requirement).specifier
    except InvalidRequirement:
        return name_of(requirement), SpecifierSet()


def excludes(first: str, second: str) -> bool:
    """Whether both requirements are about one distribution and no version of it satisfies both."""
    first_name, first_bounds = _bound(first)
    second_name, second_bounds = _bound(second)
    if first_name != second_name:
        return False
    both = first_bounds & second_bounds
    exact_texts = [specifier.version for specifier in both if specifier.operator == "==="]
    if exact_texts:  # such a specifier compares texts, so only the text that it names can satisfy it
        return not any(both.contains(text, prereleases=True) for text in exact_texts)
    return first_bounds.is_disjoint(second_bounds)


# ---------------------------------------------------------------------------------------------------------------------
# uv's words
# ---------------------------------------------------------------------------------------------------------------------

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[\w,-]+\])?"
_BOUND = r"(?:[<>]=?|[=!~]==?)[\w.+!*-]*[\w*]"

#: A requirement as uv writes it in its account.
REQUIREMENT = rf"{_NAME}(?:{_BOUND}(?:,{_BOUND})*)?"

_DEPENDS = re.compile(rf"({REQUIREMENT}) depends? on ({REQUIREMENT})")
_REQUESTED = re.compile(rf"you require ({REQUIREMENT})(?: and ({REQUIREMENT}))?")
_NO_WHEEL = re.compile(rf"({REQUIREMENT}) has no wheels with a matching (Python|platform)[\w\s]*tag")
_WRONG_PYTHON = re.compile(rf"does not satisfy (Python[^\s]+) and ({REQUIREMENT}) depends on \1")
_NOT_FOUND = re.compile(
    rf"there (?:is no version|are no versions) of ({REQUIREMENT})"
    rf"|({REQUIREMENT}) was not found in the package registry"
)
_CONCLUSION = re.compile(r",? we can conclude that .*?\.(?=\s|$)")


def parse_conflict(words: str, cell: Cell) -> Conflict:
    """Turn the resolver's account of why nothing fits into a sentence and the chain of bounds behind it.

    Args:
        words: The account, without what stands before its first reason.
        cell: The cell that was to be resolved.
    """
    text = " ".join(words.replace("`", "").split())
    # Only premises are facts: a conclusion that the resolver draws from them has the same form.
    premises = _CONCLUSION.sub(".", text)
    depends = [Link(*match) for match in dict.fromkeys(_DEPENDS.findall(premises))]
    requested = [Link("", requirement) for requirement in _requested(premises, cell)]
    kind, sentence = _explain(text, premises, depends, requested, cell.python)
    return Conflict(kind=kind, sentence=sentence, chain=_chain([*depends, *requested]), words=text[:3000])


def _requested(premises: str, cell: Cell) -> list[str]:
    """The requirements of the cell that the account mentions, as it writes them."""
    asked = [_bound(text) for text in cell.requirements]
    mentioned = [text for pair in _REQUESTED.findall(premises) for text in pair if text]
    return [text for text in dict.fromkeys(mentioned) if _bound(text) in asked]


def _explain(
    text: str, premises: str, depends: Sequence[Link], requested: Sequence[Link], python: str
) -> tuple[ConflictKind, str]:
    """The kind of the conflict, and the sentence that says it: the first explanation that fits."""
    if wrong := _WRONG_PYTHON.search(text):
        bound = wrong[1].removeprefix("Python")
        return "python", f"{wrong[2]} requires Python {bound}, and this cell has Python {python}"
    if no_wheel := _NO_WHEEL.search(text):
        tags = re.search(r"ABI tags?: ([^\n]*?)(?:\.|$)", text)
        has = f" (it has {tags[1].strip()})" if tags else ""
        return "no-wheel-for-python", f"{no_wheel[1]} has no wheel for Python {python}{has}"
    if sentence := _two_that_exclude_each_other(depends, requested):
        return "bounds", sentence
    if missing := _NOT_FOUND.search(text):
        return "not-found", f"the index has no {missing[1] or missing[2]} that this cell may take"
    return "bounds", premises.split("hint:", 1)[0].strip()[:400]


def _two_that_exclude_each_other(depends: Sequence[Link], requested: Sequence[Link]) -> str:
    """A bound and a request that exclude each other, else two bounds, in a sentence; empty if there are none."""
    bounds = [link for link in depends if not link.dependency.startswith("Python")]
    for bound in bounds:
        for request in requested:
            if excludes(request.dependency, bound.dependency):
                return f"{bound.subject} depends on {bound.dependency}, but {request.dependency} is requested"
    for bound in bounds:
        for other in bounds:
            if excludes(other.dependency, bound.dependency) and name_of(other.subject) != name_of(bound.subject):
                return (
                    f"{bound.subject} depends on {bound.dependency}, but {other.subject} depends on {other.dependency}"
                )
    return ""
