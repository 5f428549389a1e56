"""Questions, answers and findings of a frontier search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.space import PairSpace

__all__ = [
    "HIDDEN",
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

#: What is no verdict on a pair.
NO_VERDICT: tuple[Verdict, ...] = ("untested", "infra-error", "invalid")


#: Answers that other partners might change.
HIDDEN: tuple[Verdict, ...] = ("untested", "unresolvable")


class PairQuestion(NamedTuple):
    """Whether this pair works, as far as `level`; `again` with other partners, since those before hid the answer."""

    pair: Pair
    level: Level
    again: bool = False


class PairAnswer(Record):
    """What came of a question. `level` is the first that is red or else the deepest that was reached.

    `runs` counts those made for this question, `reused` those that there were before. A break has the `signature` of
    its failure, which ends the sentence; `doubt` says why the failure may be another's. `alone` is the side that it
    points at and nobody else, if it does: then it is no failure of the two together.
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


#: By level, the names that each pair is expected to want for there.
Predictions = Mapping[Level, Mapping[Pair, frozenset[str]]]


#: Answers to questions, in their order.
Ask = Callable[[Sequence[PairQuestion]], Sequence[PairAnswer]]


class PairFinding(Record):
    """What is known of a pair. An inferred verdict has no evidence of its own."""

    verdict: Verdict
    level: Level
    inferred: bool = False
    sentence: str = ""
    signature: str = ""
    doubt: str = ""
    alone: str = ""
    evidence: tuple[str, ...] = ()


class Check(Record):
    """An inferred pair that was asked after all."""

    pair: Pair
    inferred: Verdict
    observed: Verdict

    @property
    def agrees(self) -> bool:
        """Whether the inference was right."""
        return self.inferred == self.observed


class Frontier(Record):
    """The answer. `complete` if each pair has a verdict and a sample agreed with what is inferred."""

    space: PairSpace
    findings: dict[Pair, PairFinding]
    checks: tuple[Check, ...] = ()
    runs: int = 0
    reused: int = 0
    complete: bool = True

    def observed(self) -> dict[Pair, bool]:
        """Whether each pair works that was tried and has a verdict."""
        return {
            pair: finding.verdict == "works"
            for pair, finding in self.findings.items()
            if finding.verdict in ("works", "broken") and not finding.inferred
        }


def disagreement(checks: Sequence[Check]) -> float | None:
    """The share of checked inferences that were wrong; None when none was checked."""
    return sum(not check.agrees for check in checks) / len(checks) if checks else None
