"""Versions of one distribution in words: neighbours are joined to ranges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["span"]


def span(versions: Iterable[str], among: Sequence[str]) -> str:
    """The text of some versions as ranges, such as ``1.2 - 1.4, 1.6`` (with an en dash).

    Args:
        versions: The versions. Those that are not in `among` are left out.
        among: All tested versions, lowest first. A version that is not in `versions` ends a range.
    """
    wanted = set(versions)
    ranges: list[list[str]] = []
    previous = ""
    for version in among:
        if version in wanted:
            if previous in wanted:
                ranges[-1].append(version)
            else:
                ranges.append([version])
        previous = version
    return ", ".join(joined[0] if len(joined) == 1 else f"{joined[0]} \N{EN DASH} {joined[-1]}" for joined in ranges)
