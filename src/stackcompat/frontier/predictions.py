"""The names that pairs of releases are predicted to lack, and what the answers of a search make of that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from stackcompat.frontier.inference import Pair

__all__ = ["Outcome", "Prediction", "confirm", "disprove", "lacking"]


class Outcome(NamedTuple):
    """Whether a pair works at a level, and the sentence that says so."""

    pair: Pair
    works: bool
    sentence: str


@dataclass
class Prediction:
    """What is predicted at one level, and what the answers made of it.

    Attributes:
        names: The names that each pair is predicted to lack.
        disproved: The names without which some pair works; :func:`disprove` fills it.
        fatal: The names whose absence broke some pair; :func:`confirm` fills it.
        confirmed: By row, the columns of pairs that lack a name in `fatal`.
    """

    names: Mapping[Pair, frozenset[str]]
    disproved: set[str] = field(default_factory=set)
    fatal: set[str] = field(default_factory=set)
    confirmed: dict[int, frozenset[int]] = field(default_factory=dict)


def lacking(prediction: Prediction, pair: Pair) -> frozenset[str]:
    """The names that `pair` is predicted to lack, less those without which some pair works."""
    names = prediction.names.get(pair)
    return names - prediction.disproved if names else frozenset()


def disprove(prediction: Prediction, outcomes: Iterable[Outcome]) -> None:
    """Find out anew, from all `outcomes` at the level, which names nobody misses."""
    prediction.disproved = {
        name for outcome in outcomes if outcome.works for name in prediction.names.get(outcome.pair, ())
    }


def confirm(prediction: Prediction, outcomes: Iterable[Outcome]) -> None:
    """Find out anew, from all `outcomes` at the level, which pairs lack a name whose absence broke some pair.

    The absence of a name broke a pair if the sentence of the failure mentions the name.
    """
    fatal = {
        name
        for outcome in outcomes
        if not outcome.works
        for name in lacking(prediction, outcome.pair)
        if _mentions(outcome.sentence, name)
    }
    if fatal == prediction.fatal:
        return
    confirmed: dict[int, set[int]] = {}
    for (row, column), names in prediction.names.items():
        if not fatal.isdisjoint(names):
            confirmed.setdefault(row, set()).add(column)
    prediction.fatal = fatal
    prediction.confirmed = {row: frozenset(columns) for row, columns in confirmed.items()}


def _mentions(sentence: str, name: str) -> bool:
    """Whether a sentence mentions the last part of a dotted name, or of a call."""
    return re.findall(r"\w+", name)[-1] in re.findall(r"\w+", sentence)
