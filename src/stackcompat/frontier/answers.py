"""Questions, answers and findings of a frontier search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.space import PairSpace

__all__ = [
    "ASKED_AGAIN",
    "NO_VERDICT",
    "Ask",
    "Check",
    "Frontier",
    "PairAnswer",
    "PairFinding",
    "PairQuestion",
    "Predictions",
    "disagreement",
]

#: Verdicts that say nothing about a pair.
NO_VERDICT: tuple[Verdict, ...] = ("untested", "infra-error", "invalid")


#: Verdicts that other partners might change: such a pair is asked about once more, with the partners of today.
ASKED_AGAIN: tuple[Verdict, ...] = ("untested", "unresolvable")


class PairQuestion(NamedTuple):
    """Does this pair work, as far as `level`?

    Attributes:
        pair: Row and column.
        level: How deep the pair is tried.
        again: Whether the pair is tried with the partners of today, because those of its own time hid the answer.
    """

    pair: Pair
    level: Level
    again: bool = False


class PairAnswer(Record):
    """The answer to a question.

    Attributes:
        verdict: What the runs say of the pair.
        level: The first level that is red, or else the deepest that was reached.
        sentence: The verdict in words. For a broken pair it ends with the signature of the failure.
        signature: The signature of the failure.
        doubt: Why the failure may come from a third component.
        alone: The side that alone is to blame, if one is. Then the failure is not one of the two together.
        runs: How many runs were made for this question.
        reused: How many runs there were before.
        evidence: The ids of the runs.
    """

    verdict: Verdict
    level: Level
    sentence: str = ""
    signature: str = ""
    doubt: str = ""
    alone: str = ""
    runs: int = 0
    reused: int = 0
    evidence: tuple[str, ...] = ()


#: By level, the names that each pair is predicted to lack there.
Predictions = Mapping[Level, Mapping[Pair, frozenset[str]]]


#: Answers questions, in their order.
Ask = Callable[[Sequence[PairQuestion]], Sequence[PairAnswer]]


class PairFinding(Record):
    """The verdict on a pair. An inferred verdict has no evidence of its own."""

    verdict: Verdict
    level: Level
    inferred: bool = False
    sentence: str = ""
    signature: str = ""
    doubt: str = ""
    alone: str = ""
    evidence: tuple[str, ...] = ()


class Check(Record):
    """An inferred pair that was tested afterwards."""

    pair: Pair
    inferred: Verdict
    observed: Verdict

    @property
    def agrees(self) -> bool:
        """Whether the inference was right."""
        return self.inferred == self.observed


class Frontier(Record):
    """The result of a search.

    Attributes:
        space: The pairs that were searched.
        findings: The verdict on every pair.
        checks: The inferred pairs that were tested afterwards.
        runs: How many runs were made.
        reused: How many runs there were before.
        complete: Whether each pair has a verdict, and the last sample of inferred pairs agreed with its tests.
    """

    space: PairSpace
    findings: dict[Pair, PairFinding]
    checks: tuple[Check, ...] = ()
    runs: int = 0
    reused: int = 0
    complete: bool = True

    def observed(self) -> dict[Pair, bool]:
        """Whether each pair works that was tested and has a verdict."""
        return {
            pair: finding.verdict == "works"
            for pair, finding in self.findings.items()
            if finding.verdict in ("works", "broken") and not finding.inferred
        }


def disagreement(checks: Sequence[Check]) -> float | None:
    """The share of checked inferences that were wrong; None when none was checked."""
    return sum(not check.agrees for check in checks) / len(checks) if checks else None
