"""Small pieces of English that sentences are made of."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["and_list", "article"]


def and_list(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def article(name: str) -> str:
    """`name` with the indefinite article that it takes."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
