"""Small pieces of English and Markdown that sentences and reports are made of."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["and_list", "article", "fenced", "plain"]


def and_list(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def article(name: str) -> str:
    """`name` with its indefinite article: ``an alpha``, ``a beta``."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def plain(text: str) -> str:
    """`text` with the characters escaped that Markdown would take for markup."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)


def fenced(text: str) -> str:
    """`text` as a Markdown code block, with a fence that the text cannot end."""
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall(r"`+", text))])
    return f"{fence}\n{text.rstrip()}\n{fence}"
