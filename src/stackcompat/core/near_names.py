"""Names that somebody can have meant by another one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["meant_by", "near_name"]


def near_name(name: str, names: Iterable[str]) -> str:
    """The first of `names` that is one edit from `name`; empty if none is.

    One edit adds, drops or replaces one character, or swaps two neighbours.
    """
    return next((other for other in names if other != name and _one_edit(name, other)), "")


def meant_by(name: str, names: Iterable[str]) -> str:
    """Those of `names` that somebody can have meant by `name`, as a question: ``did you mean a-b or a-c?``.

    These are the names that have `name` as one or more of their words. If there are none, they are those that are
    spelled nearly so. The text is empty if there are none of these, either.
    """
    known, given = list(names), name.lower()
    having = [other for other in known if f"-{given}-" in f"-{other.lower()}-"]
    slip = near_name(given, known)
    near = [slip] if slip else get_close_matches(given, known, n=2)
    meant = having or [other for other in known if other in near]
    return f"did you mean {' or '.join(meant)}?" if meant else ""


def _one_edit(one: str, other: str) -> bool:
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    one, other = one[start:], other[start:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return max(len(one), len(other)) <= 1 or (len(one) == 2 and one == other[::-1])
