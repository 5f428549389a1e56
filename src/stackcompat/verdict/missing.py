"""What an error says is missing, in Python's words for a name that is not there or a module's for one that it dropped.

Pure. Every rule that asks what a failure misses reads it here.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

__all__ = ["MissingName", "dotted_names", "missing_in", "modules_named"]

MissingKind = Literal["", "module", "attribute", "import", "member", "argument", "dropped"]


class MissingName(NamedTuple):
    """What a message says is missing.

    Attributes:
        kind: ``module``: there is no such module. ``attribute``, ``import``: a module has no such name.
            ``member``: an object or a class has none. ``argument``: a function takes none. ``dropped``: a module says
            itself that a name is deprecated or removed. Empty: the message names nothing that is missing.
        owner: The module, class or function that lacks it, dotted; of the kind ``module``, the missing module.
        name: What is missing in it; empty for the kind ``module``.
        removed: For the kind ``dropped``: whether the name is removed, not only deprecated.
        removed_in: The release that dropped the name, if the message says so.
        words: The part of the message that says it.
    """

    kind: MissingKind = ""
    owner: str = ""
    name: str = ""
    removed: bool = False
    removed_in: str = ""
    words: str = ""


_PATTERNS: tuple[tuple[MissingKind, re.Pattern[str]], ...] = (
    ("attribute", re.compile(r"module '(?P<owner>[\w.]+)' has no attribute '(?P<name>\w+)'")),
    ("import", re.compile(r"cannot import name '(?P<name>\w+)' from '(?P<owner>[\w.]+)'")),
    ("module", re.compile(r"No module named '(?P<owner>[\w.]+)'")),
    ("member", re.compile(r"'(?P<owner>[\w.]+)' object has no attribute '(?P<name>\w+)'")),
    ("member", re.compile(r"type object '(?P<owner>[\w.]+)' has no attribute '(?P<name>\w+)'")),
    ("argument", re.compile(r"(?P<owner>[\w.]+)\(\) got an unexpected keyword argument '(?P<name>\w+)'")),
    (
        "dropped",
        re.compile(
            r"(?P<owner>(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)\.(?P<name>\w+)\s+(?:was|is|has\s+been)"
            r"\s+(?P<verb>deprecated|removed)"
        ),
    ),
)
_REMOVED = re.compile(r"(?:deprecated .*)?removed\b")
_REMOVED_IN = re.compile(r"\bremoved\s+(?:in|from|as\s+of|since)\s+(?:[A-Za-z][\w-]*\s+)*?v?(?P<release>\d+(?:\.\d+)*)")


def missing_in(message: str, *kinds: MissingKind) -> MissingName:
    """What the message of an exception says is missing.

    Args:
        message: The message.
        *kinds: Only what is missing in one of these ways; in any without them. Of several that fit, Python's own words
            count first.
    """
    removed_in = _REMOVED_IN.search(message)
    for kind, pattern in _PATTERNS:
        found = pattern.search(message) if not kinds or kind in kinds else None
        if found:
            parts = found.groupdict()
            return MissingName(
                kind=kind,
                owner=parts["owner"],
                name=parts.get("name", ""),
                removed="verb" in parts and _REMOVED.match(message, found.start("verb")) is not None,
                removed_in=removed_in["release"] if removed_in else "",
                words=found[0],
            )
    return MissingName(removed_in=removed_in["release"] if removed_in else "")


# ---------------------------------------------------------------------------------------------------------------------
# Names in a message
# ---------------------------------------------------------------------------------------------------------------------

_DOTTED = r"[A-Za-z_]\w*(?:\.\w+)+"
_UNQUOTED = re.compile(rf"(?<![\w'\"./…-]){_DOTTED}")
_MODULES = re.compile(rf"(?<![\w/.…-]){_DOTTED}|(?<=module ')\w+(?=')|(?<=from ')\w+(?=')")


def dotted_names(message: str) -> list[str]:
    """The dotted names in the words of a message itself; not those in quotes, and no paths."""
    return _UNQUOTED.findall(message)


def modules_named(message: str) -> list[str]:
    """What a message can mean by a module: dotted names, quoted or not, and quoted names that it calls a module."""
    return _MODULES.findall(message)
