"""The words that every stage shares: the levels of a test, and the verdicts on a cell, a pair or a set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

__all__ = ["LEVELS", "WORST_FIRST", "Level", "Verdict", "worst"]

Level = Literal[
    "reserved", "resolve", "install", "import", "lower", "compile", "run", "interop", "exchange", "upstream"
]


Verdict = Literal[
    "works",
    "broken",
    "unresolvable",
    "uninstallable",
    "changed",
    "flaky",
    "invalid",
    "untested",
    "not-applicable",
    "infra-error",
]


#: Levels, shallowest first.
LEVELS: tuple[Level, ...] = get_args(Level)


#: Of two verdicts on the same thing (on two Pythons, by two tests), the one that stands earlier here is shown.
WORST_FIRST: tuple[Verdict, ...] = (
    "broken",
    "uninstallable",
    "unresolvable",
    "changed",
    "flaky",
    "invalid",
    "infra-error",
    "works",
    "untested",
    "not-applicable",
)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that a reader must see first; ``untested`` when there is none."""
    return min(verdicts, key=WORST_FIRST.index, default="untested")
