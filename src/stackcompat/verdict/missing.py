"""Which module or name is missing, as the message of an error says.

The message is Python's own for a name that does not exist, or a module's for a name that it dropped. Every rule that
asks for the missing name of a failure uses this module. Pure.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

__all__ = ["MissingName", "dotted_names", "missing_in", "modules_named"]

MissingKind = Literal["", "module", "attribute", "import", "member", "argument", "dropped"]


class MissingName(NamedTuple):
    """The missing module or name of which a message tells.

    Attributes:
        kind: ``module``: the module does not exist. ``attribute``, ``import``: a module does not have the name.
            ``member``: an object or a class does not have the attribute. ``argument``: a function does not take the
            argument. ``dropped``: a module says itself that the name is deprecated or removed. Empty: the message
            names nothing that is missing.
        owner: The module, class or function that lacks the name, dotted; for the kind ``module``, the missing module.
        name: The missing name; empty for the kind ``module``.
        removed: For the kind ``dropped``: whether the name is removed and not only deprecated.
        removed_in: The release that dropped the name, if the message says so.
        words: The part of the message from which this was read.
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
    """Find the missing module or name in the message of an exception.

    If several patterns fit, Python's own messages go before those of modules.

    Args:
        message: The message.
        *kinds: The only kinds that are looked for; all kinds if there are none.
    """
    removed_in = _REMOVED_IN.search(message)
    for kind, pattern in _PATTERNS:
        match = pattern.search(message) if not kinds or kind in kinds else None
        if match:
            parts = match.groupdict()
            return MissingName(
                kind=kind,
                owner=parts["owner"],
                name=parts.get("name", ""),
                removed="verb" in parts and _REMOVED.match(message, match.start("verb")) is not None,
                removed_in=removed_in["release"] if removed_in else "",
                words=match[0],
            )
    return MissingName(removed_in=removed_in["release"] if removed_in else "")


# ---------------------------------------------------------------------------------------------------------------------
# Names in a message
# ---------------------------------------------------------------------------------------------------------------------

_DOTTED = r"[A-Za-z_]\w*(?:\.\w+)+"
_UNQUOTED = re.compile(rf"(?<![\w'\"./…-]){_DOTTED}")
_MODULES = re.compile(rf"(?<![\w/.…-]){_DOTTED}|(?<=module ')\w+(?=')|(?<=from ')\w+(?=')")


def dotted_names(message: str) -> list[str]:
    """The dotted names in a message that are not in quotes and not part of a path."""
    return _UNQUOTED.findall(message)


def modules_named(message: str) -> list[str]:
    """The names in a message that can be modules.

    These are all dotted names, in quotes or not, and the quoted names that the message calls a module.
    """
    return _MODULES.findall(message)
