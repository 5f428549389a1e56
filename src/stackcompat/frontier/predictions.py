"""The names that pairs of releases are predicted to lack, checked against the answers of a search."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from stackcompat.frontier.inference import Pair

__all__ = ["PairOutcome", "Prediction", "confirm", "disprove", "lacking"]


class PairOutcome(NamedTuple):
    """Whether a pair works at a level, and the sentence that says so."""

    pair: Pair
    works: bool
    sentence: str


@dataclass
class Prediction:
    """What is predicted at one level, and what the answers say of it.

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
    """The names that `pair` is predicted to lack, except those without which some pair works."""
    names = prediction.names.get(pair)
    return names - prediction.disproved if names else frozenset()


def disprove(prediction: Prediction, outcomes: Iterable[PairOutcome]) -> None:
    """Update the disproved names: those without which a pair works, by all `outcomes` at the level."""
    prediction.disproved = {
        name for outcome in outcomes if outcome.works for name in prediction.names.get(outcome.pair, ())
    }


def confirm(prediction: Prediction, outcomes: Iterable[PairOutcome]) -> None:
    """Update the pairs that lack a name whose absence broke some pair, by all `outcomes` at the level.

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
