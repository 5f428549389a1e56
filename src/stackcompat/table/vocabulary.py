"""The words of the table: signs of verdicts, meanings of policies, titles, and numbers of cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from stackcompat.core.vocabulary import Verdict

__all__ = ["POLICIES", "SIGNS", "Sign", "count_words", "sign", "titled"]


class Sign(NamedTuple):
    """How a verdict is shown: by a glyph and a word, never by a colour alone.

    Attributes:
        glyph: The character that stands for the verdict.
        word: The word that stands for the verdict.
        tone: The name of its colour on the page.
        badge: The name of its colour at shields.io.
        means: The meaning of the verdict, in a few words.
    """

    glyph: str
    word: str
    tone: str
    badge: str
    means: str


SIGNS: dict[Verdict, Sign] = {
    "works": Sign("✓", "works", "works", "brightgreen", "installed as asked, and every test that applies passed"),
    "broken": Sign(
        "✗", "broken", "broken", "red", "a test failed, and failed again in the same way in a new environment"
    ),
    "unresolvable": Sign("⊘", "unresolvable", "apart", "orange", "the declared bounds exclude each other"),
    "uninstallable": Sign("⊗", "uninstallable", "broken", "red", "resolves, but did not install, twice"),
    "changed": Sign(
        "≠", "changed", "flaky", "yellow", "works, but the same seed gives other values than in the older release"
    ),
    "flaky": Sign("~", "flaky", "flaky", "yellow", "failed and passed, or failed each time differently"),
    "untested": Sign("?", "untested", "untested", "lightgrey", "no test that applies was run; not a pass"),
    "not-applicable": Sign(
        "\N{EN DASH}", "not applicable", "untested", "lightgrey", "there is no wheel for this platform; not a pass"
    ),
    "invalid": Sign(
        "!", "could not tell", "unknown", "lightgrey", "the environment was not the one that was asked for"
    ),
    "infra-error": Sign("!", "could not tell", "unknown", "lightgrey", "the machine or the network got in the way"),
}


#: The meanings of the policies, in the order in which reports show them.
POLICIES: dict[str, str] = {
    "newest": "what an installer gave when the run began",
    "metapackage": "the exact pins of a metapackage",
    "oldest": "each component at its declared floor",
    "as-of": "what an installer gave on that day",
    "prerelease": "newest, with pre-releases",
    "index": "newest, with development versions",
    "local": "newest, with local code",
    "pins": "given by hand",
    "series": "several releases of one component, one at a time",
    "pairs": "chosen so that every two releases are installed together in some cell",
}


def sign(verdict: Verdict) -> Sign:
    """The sign of `verdict`."""
    return SIGNS[verdict]


def titled(titles: Mapping[str, str], name: str) -> str:
    """The title of a component. A distribution that is no component has its name as title.

    Args:
        titles: Component name to title.
        name: The name of a component or a distribution.
    """
    return titles.get(name, name)


def count_words(counts: Mapping[Verdict, int]) -> str:
    """The numbers of cells in words: ``312 cells: 201 work, 87 broken, 5 could not tell``."""
    total = sum(counts.values())
    words: dict[str, int] = {}
    for verdict, number in counts.items():
        word = "work" if verdict == "works" else sign(verdict).word
        words[word] = words.get(word, 0) + number
    parts = sorted(words.items(), key=lambda item: (item[0] != "work", -item[1]))
    listed = ", ".join(f"{number} {word}" for word, number in parts)
    return f"{total} {'cell' if total == 1 else 'cells'}: {listed}" if parts else "no cells"
