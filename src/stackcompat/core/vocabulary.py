"""The words that all packages share: the levels of a test, and the verdicts."""

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


#: Verdicts, worst first. Where one thing has two verdicts (on two Pythons, by two tests), the worse one is shown.
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
    """The worst of some verdicts; ``untested`` if there are none."""
    return min(verdicts, key=WORST_FIRST.index, default="untested")
