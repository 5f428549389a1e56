"""Questions, answers and findings of a frontier search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.inference_accuracy import CheckReason
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


#: Verdicts that other third distributions can change: such a pair is asked about once more, with those of today.
ASKED_AGAIN: tuple[Verdict, ...] = ("untested", "unresolvable")


class PairQuestion(NamedTuple):
    """A question: does this pair work, up to `level`?

    Attributes:
        pair: Row and column.
        level: How deep the pair is tried.
        again: Whether the pair is tried with the third distributions of today, because those of its own time hid the
            answer.
    """

    pair: Pair
    level: Level
    again: bool = False


class PairAnswer(Record):
    """The answer to a question.

    Attributes:
        verdict: What the runs say of the pair.
        level: The first level that is red; if none is, the deepest level that was reached.
        sentence: The verdict in words. For a broken pair it ends with the signature of the failure.
        signature: The signature of the failure.
        doubt: Why the failure possibly comes from a third component; empty if it does not.
        alone: The side that breaks by itself, whatever its partner; empty if neither side does.
        runs: How many runs were made for this question.
        reused: How many runs of its cell existed before.
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


#: The names that each pair is predicted to lack, by level.
Predictions = Mapping[Level, Mapping[Pair, frozenset[str]]]


#: Answers questions, in their order.
Ask = Callable[[Sequence[PairQuestion]], Sequence[PairAnswer]]


class PairFinding(Record):
    """The verdict on a pair, with the fields of its :class:`PairAnswer`. An inferred verdict has no evidence."""

    verdict: Verdict
    level: Level
    inferred: bool = False
    sentence: str = ""
    signature: str = ""
    doubt: str = ""
    alone: str = ""
    evidence: tuple[str, ...] = ()


class Check(Record):
    """An inferred pair that was tested afterwards.

    Attributes:
        pair: Row and column.
        inferred: The verdict that was inferred.
        observed: The verdict of the test.
        reason: Why this pair was tested.
    """

    pair: Pair
    inferred: Verdict
    observed: Verdict
    reason: CheckReason = "random"

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
        reused: How many runs of the same cells existed before.
        complete: Whether each pair has a verdict, and the last sample of inferred pairs agreed with the inferences or
            all samples together say that few of them are wrong.
    """

    space: PairSpace
    findings: dict[Pair, PairFinding]
    checks: tuple[Check, ...] = ()
    runs: int = 0
    reused: int = 0
    complete: bool = True

    def observed(self) -> dict[Pair, bool]:
        """Whether a pair works, for each pair that was tested and has a verdict."""
        return {
            pair: finding.verdict == "works"
            for pair, finding in self.findings.items()
            if finding.verdict in ("works", "broken") and not finding.inferred
        }


def disagreement(checks: Sequence[Check]) -> float | None:
    """The share of checked inferences that were wrong; None when none was checked."""
    return sum(not check.agrees for check in checks) / len(checks) if checks else None
