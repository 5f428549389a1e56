"""Histories in words. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from stackcompat.core.vocabulary import Verdict
from stackcompat.table.vocabulary import sign
from stackcompat.verdict.history import GREEN, RED, HistoryEntry

__all__ = ["history_mark", "history_words"]

#: The mark of a verdict in a history, by the tone of its sign. The height of a mark says as much as its colour.
_HISTORY_MARKS: dict[str, str] = {
    "works": "▁",
    "broken": "█",
    "apart": "▆",
    "flaky": "▄",
    "unknown": "·",
    "untested": "·",
}


def history_mark(verdict: Verdict) -> str:
    """One character for a verdict in a history: low is green, full is red, a dot is no verdict."""
    return _HISTORY_MARKS[sign(verdict).tone]


def history_words(past: Sequence[HistoryEntry], red: dt.datetime | None, green: dt.datetime | None) -> str:
    """A history in words: ``2 runs: works (1), broken (1); red since 2026-11-22, last green 2026-11-21``.

    What is green again is told in the order of the runs: ``was red on 2026-11-22, green since 2026-11-23``.

    Args:
        past: What each run saw.
        red: When the latest stretch of red began; None: never.
        green: When it last worked; None: never.
    """
    counts: dict[str, int] = {}
    for entry in past:
        word = sign(entry.verdict).word
        counts[word] = counts.get(word, 0) + 1
    words = ", ".join(f"{word} ({number})" for word, number in counts.items())
    moments = [f"red since {red:%Y-%m-%d}"] if red else []
    moments += [f"last green {green:%Y-%m-%d}"] if green else []
    if red and green and red < green:
        moments = _green_again(past, red, green)
    sentence = f"{len(past)} {'run' if len(past) == 1 else 'runs'}: {words}"
    return f"{sentence}; {', '.join(moments)}" if moments else sentence


def _green_again(past: Sequence[HistoryEntry], red: dt.datetime, green: dt.datetime) -> list[str]:
    """The latest stretch of red, and since when it is green again. `green` is the last green run, after `red`."""
    ended = max((entry.at for entry in past if entry.verdict in RED), default=red)
    since = min((entry.at for entry in past if entry.verdict in GREEN and entry.at > ended), default=green)
    first, last = f"{red:%Y-%m-%d}", f"{max(red, ended):%Y-%m-%d}"
    return [
        f"was red on {first}" if first == last else f"was red from {first} to {last}",
        f"green since {since:%Y-%m-%d}",
    ]
