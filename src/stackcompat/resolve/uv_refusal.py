"""uv's account of why it found no lock, read into a record. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stackcompat.core.redact import strip_addresses
from stackcompat.core.requirements import name_of
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import ChainLink, Conflict, ConflictKind, bounds_of, chain_of, excludes
from stackcompat.resolve.lock import Resolution

__all__ = [
    "doubted_metadata",
    "parse_conflict",
    "read_refusal",
    "refused_hosts",
    "unreadable_requirement",
    "without_wheel",
]

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[\w,-]+\])?"
_BOUND = r"(?:[<>]=?|[=!~]==?)[\w.+!*-]*[\w*]"

#: A requirement as uv writes it.
_REQUIREMENT = rf"{_NAME}(?:{_BOUND}(?:,{_BOUND})*)?"

_DEPENDS = re.compile(rf"({_REQUIREMENT}) depends? on ({_REQUIREMENT})")
_REQUESTED = re.compile(rf"you require ({_REQUIREMENT})(?: and ({_REQUIREMENT}))?")
_NO_WHEEL = re.compile(rf"({_REQUIREMENT}) has no wheels with a matching (Python|platform)[\w\s]*tag")
#: A release that has nothing but sources, or wheels for others.
_ONLY_SOURCES = re.compile(rf"({_REQUIREMENT}) has no usable wheels")
#: A distribution of which that is true for every release.
_ALL_ONLY_SOURCES = re.compile(rf"all versions of ({_NAME}) have no usable wheels")
#: What can be done about it.
_BUILD = "sources are built only with --build"
_WRONG_PYTHON = re.compile(rf"does not satisfy (Python[^\s]+) and ({_REQUIREMENT}) depends on \1")
_NOT_FOUND = re.compile(
    rf"there (?:is no version|are no versions) of ({_REQUIREMENT})"
    rf"|({_REQUIREMENT}) was not found in the package registry"
)
_UNREADABLE = re.compile(r"Couldn't parse requirement in [^\n]*\n\s*cause: ([^\n]*)\n([^\n]*)")
_BAD_METADATA = re.compile(rf"({_NAME})==([\w.+!-]*\w) has (?:invalid|inconsistent) metadata")
_CONCLUSION = re.compile(r",? we can conclude that .*?\.(?=\s|$)")

#: The last line if a build asked for a host that builds do not reach.
_REFUSED_HOSTS = re.compile(r"^stackcompat: (a build asked for .*)\Z", re.MULTILINE)

_NO_NETWORK = re.compile(r"Failed to fetch|error sending request|Could not connect|dns error|timed out|network")


def unreadable_requirement(stderr: str) -> str:
    """The sentence about a requirement that uv cannot read, by its words; empty if it read all of them."""
    found = _UNREADABLE.search(stderr)
    return f'"{found[2].strip()}" is not a requirement that an installer can read: {found[1].strip()}' if found else ""


def refused_hosts(stderr: str) -> str:
    """That a build asked for a host that builds do not reach, in a sentence; empty if none did.

    Args:
        stderr: What uv wrote, and after it the program in which it ran.
    """
    found = _REFUSED_HOSTS.search(stderr.rstrip())
    return f"{found[1]} (STACKCOMPAT_BUILD_HOSTS names others)" if found else ""


def read_refusal(stderr: str, cell: Cell) -> Resolution:
    """Why uv found no lock: a conflict, a platform without wheels, an index that does not answer, or a failure.

    Args:
        stderr: What uv wrote.
        cell: The cell that was to be resolved.
    """
    words = strip_addresses(stderr)
    if refused := refused_hosts(stderr):
        return Resolution(outcome="index-unreachable", detail=refused)
    if "No solution found" in words and "network connectivity is disabled" not in words:
        cause = words.split("cause:", 1)[-1]
        absent = re.search(rf"({_REQUIREMENT}) has no wheels with a matching platform", cause)
        if absent:
            return Resolution(outcome="no-wheel-for-platform", detail=f"{absent[1]} has no wheel for {cell.platform}")
        # Of a whole range of old releases uv says it in other conflicts, too.
        sources = [text for text in _ONLY_SOURCES.findall(cause) if "==" in text or not re.search("[<>=!~]", text)]
        if sources:
            return Resolution(outcome="no-wheel-for-platform", detail=without_wheel(sources[0], cell.python))
        never = _ALL_ONLY_SOURCES.search(cause)
        if never and _all_need(never[1], _DEPENDS.findall(_CONCLUSION.sub(".", cause))):
            detail = f"no release of {never[1]} has a wheel for Python {cell.python} here, and {_BUILD}"
            return Resolution(outcome="no-wheel-for-platform", detail=detail)
        return Resolution(outcome="conflict", conflict=parse_conflict(cause, cell))
    detail = " ".join(words.split())[:600]
    if _NO_NETWORK.search(words):
        return Resolution(outcome="index-unreachable", detail=f"the package index did not answer: {detail}")
    return Resolution(outcome="failed", detail=detail)


def _all_need(distribution: str, depends: Sequence[tuple[str, str]]) -> bool:
    """Whether an account of a conflict is about one distribution alone: all that anything depends on needs it.

    Who depends on anything else might do without it, were it not for that.

    Args:
        distribution: The distribution.
        depends: What depends on what, as the account has it. A subject without a bound stands for all of its releases.
    """
    needing, found = {distribution}, {distribution}
    while found:
        found = {subject for subject, target in depends if name_of(target) in needing} - needing
        needing |= found
    return all(target == distribution or name_of(target) in needing - {distribution} for _, target in depends)


def doubted_metadata(conflict: Conflict) -> list[tuple[str, str]]:
    """The releases whose metadata uv could not read, by its account of a conflict: name and version of each."""
    return [(match[1], match[2]) for match in _BAD_METADATA.finditer(conflict.words)]


def without_wheel(release: str, python: str) -> str:
    """That a release would have to be built, in a sentence.

    Args:
        release: The release.
        python: The Python, such as ``3.12``.
    """
    return f"{release} has no wheel for Python {python} here, and {_BUILD}"


def parse_conflict(words: str, cell: Cell) -> Conflict:
    """Read uv's account of a conflict: a sentence, and the chain of bounds behind it.

    Args:
        words: The account, from its first reason on.
        cell: The cell that was to be resolved.
    """
    text = " ".join(words.replace("`", "").split())
    # A conclusion has the form of a premise, but only premises are facts.
    premises = _CONCLUSION.sub(".", text)
    depends = [ChainLink(*match) for match in dict.fromkeys(_DEPENDS.findall(premises))]
    requested = [ChainLink("", requirement) for requirement in _requested(premises, cell)]
    kind, sentence = _explain(text, premises, depends, requested, cell.python)
    return Conflict(kind=kind, sentence=sentence, chain=chain_of([*depends, *requested]), words=text[:3000])


def _requested(premises: str, cell: Cell) -> list[str]:
    """The requirements of the cell that the account mentions, in the words of the account."""
    asked = [bounds_of(text) for text in cell.requirements]
    mentioned = [text for pair in _REQUESTED.findall(premises) for text in pair if text]
    return [text for text in dict.fromkeys(mentioned) if bounds_of(text) in asked]


def _explain(
    text: str, premises: str, depends: Sequence[ChainLink], requested: Sequence[ChainLink], python: str
) -> tuple[ConflictKind, str]:
    """The kind of the conflict and its sentence: the first explanation that fits the account."""
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


def _two_that_exclude_each_other(depends: Sequence[ChainLink], requested: Sequence[ChainLink]) -> str:
    """A sentence about a bound and a request that exclude each other, or else about two such bounds; or empty."""
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
