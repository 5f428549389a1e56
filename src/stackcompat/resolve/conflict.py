"""A resolver's refusal as data: the sentence, the chain of bounds, and what kind of conflict it is."""

from __future__ import annotations

import re
from typing import Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcompat.core.record import Record
from stackcompat.core.requirements import name_of
from stackcompat.plan.cell import Cell

__all__ = ["REQUIREMENT", "Conflict", "excludes", "parse_conflict"]


class Conflict(Record):
    """Why a cell cannot be resolved: one sentence, the chain of bounds behind it, and the resolver's own words."""

    kind: Literal["bounds", "python", "no-wheel-for-python", "not-found"]
    sentence: str
    chain: tuple[str, ...] = ()
    words: str = ""


_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[\w,-]+\])?"


_BOUND = r"(?:[<>]=?|[=!~]==?)[\w.+!*-]*[\w*]"


REQUIREMENT = rf"{_NAME}(?:{_BOUND}(?:,{_BOUND})*)?"


_FACT = re.compile(rf"({REQUIREMENT}) depends? on ({REQUIREMENT})")


_REQUIRED = re.compile(rf"you require ({REQUIREMENT})(?: and ({REQUIREMENT}))?")


_NO_WHEEL = re.compile(rf"({REQUIREMENT}) has no wheels with a matching (Python|platform)[\w\s]*tag")


_WRONG_PYTHON = re.compile(rf"does not satisfy (Python[^\s]+) and ({REQUIREMENT}) depends on \1")


_ABSENT = re.compile(
    rf"there (?:is no version|are no versions) of ({REQUIREMENT})"
    rf"|({REQUIREMENT}) was not found in the package registry"
)


_CONCLUSION = re.compile(r",? we can conclude that .*?\.(?=\s|$)")


def _bound(requirement: str) -> tuple[str, SpecifierSet]:
    """What a requirement is about, and its bounds; none where it cannot be read."""
    try:
        return name_of(requirement), Requirement(requirement).specifier
    except InvalidRequirement:
        return name_of(requirement), SpecifierSet()


def excludes(first: str, second: str) -> bool:
    """Whether no version of the one distribution that both requirements are about satisfies both."""
    (name, bounds), (other, more) = _bound(first), _bound(second)
    if name != other:
        return False
    both = bounds & more
    # Ranges that meet do so at the lowest version, at one that is named, or right above it.
    named = [specifier.version.removesuffix(".*") for specifier in both if specifier.operator != "==="]
    tried = ["0", *named, *(f"{Version(version).base_version}.0.0.1" for version in named)]
    return not any(both.contains(version, prereleases=True) for version in tried)


def parse_conflict(words: str, cell: Cell) -> Conflict:
    """Turn the resolver's account of why nothing fits into a sentence and the chain of bounds it rests on."""
    text = " ".join(words.replace("`", "").split())
    python = cell.python
    # Only premises are facts: what the resolver concludes from them has the same form.
    premises = _CONCLUSION.sub(".", text)
    facts = list(dict.fromkeys(_FACT.findall(premises)))
    asked = [_bound(text) for text in cell.requirements]
    mentioned = (name for pair in _REQUIRED.findall(premises) for name in pair if name)
    required = [name for name in dict.fromkeys(mentioned) if _bound(name) in asked]
    chain = tuple([f"{a} depends on {b}" for a, b in facts] + [f"{text} is requested" for text in required])

    def conflict(kind: Literal["bounds", "python", "no-wheel-for-python", "not-found"], sentence: str) -> Conflict:
        return Conflict(kind=kind, sentence=sentence, chain=chain, words=text[:3000])

    if wrong := _WRONG_PYTHON.search(text):
        bound = wrong[1].removeprefix("Python")
        return conflict("python", f"{wrong[2]} requires Python {bound}, and this cell has Python {python}")
    if absent := _NO_WHEEL.search(text):
        tags = re.search(r"ABI tags?: ([^\n]*?)(?:\.|$)", text)
        has = f" (it has {tags[1].strip()})" if tags else ""
        return conflict("no-wheel-for-python", f"{absent[1]} has no wheel for Python {python}{has}")
    bounds = [(subject, dependency) for subject, dependency in facts if not dependency.startswith("Python")]
    for subject, dependency in bounds:
        for request in required:
            if excludes(request, dependency):
                return conflict("bounds", f"{subject} depends on {dependency}, but {request} is requested")
    for subject, dependency in bounds:
        for other, bound in bounds:
            if excludes(bound, dependency) and name_of(other) != name_of(subject):
                return conflict("bounds", f"{subject} depends on {dependency}, but {other} depends on {bound}")
    if missing := _ABSENT.search(text):
        return conflict("not-found", f"the index has no {missing[1] or missing[2]} that this cell may take")
    return conflict("bounds", premises.split("hint:")[0].strip()[:400])
