"""How many inferred pairs can be wrong, as far as the tested ones tell."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Literal, Protocol

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Verdict

__all__ = ["CONFIDENCE", "CheckReason", "InferenceAccuracy", "highest_share", "inference_accuracy"]

#: How sure the bound is.
CONFIDENCE = 0.95

#: Why an inferred pair was tested: by a random draw; because a release or a block of inferred pairs was in no test; or
#: because a pair nearby proved to be inferred wrongly.
CheckReason = Literal["random", "unmet", "around"]

#: So often the interval is halved in which the bound lies: more would change nothing in a float.
_HALVINGS = 60


class InferenceAccuracy(Record):
    """What a random sample of the inferred pairs says about all of them."""

    tested: Annotated[int, Field(description="Number of inferred pairs that were drawn at random and tested.")]
    wrong: Annotated[int, Field(description="Number of these that the test contradicts.")]
    wrong_at_most: Annotated[
        float, Field(description="The share of wrong inferences is at most this (Clopper-Pearson, one-sided).")
    ]
    confidence: Annotated[float, Field(description="How sure this bound is.")] = CONFIDENCE

    def __str__(self) -> str:
        """The bound in words: ``of 17 drawn at random, 0 came out otherwise: at most 16 % of all are wrong (95 %)``."""
        percent = max(1, round(self.wrong_at_most * 100))
        share = f"at most {percent} % of all inferred pairs are wrong ({self.confidence:.0%} confidence)"
        return f"Of {self.tested} drawn at random, {self.wrong} came out otherwise: {share}"


class _Check(Protocol):
    """An inferred pair that was tested."""

    @property
    def inferred(self) -> Verdict: ...

    @property
    def observed(self) -> Verdict: ...

    @property
    def reason(self) -> CheckReason: ...


def inference_accuracy(checks: Iterable[_Check]) -> InferenceAccuracy | None:
    """What the random ones of `checks` say about all inferred pairs; None if there are none.

    Pairs that were tested for another reason do not count: they are no random sample.
    """
    drawn = [check.inferred == check.observed for check in checks if check.reason == "random"]
    if not drawn:
        return None
    wrong = drawn.count(False)
    return InferenceAccuracy(tested=len(drawn), wrong=wrong, wrong_at_most=highest_share(wrong, len(drawn)))


def highest_share(wrong: int, tested: int, confidence: float = CONFIDENCE) -> float:
    """The highest share of wrong inferences with which a sample as good as this one is still likely.

    It is the upper end of the one-sided interval of Clopper and Pearson (The use of confidence or fiducial limits
    illustrated in the case of the binomial, Biometrika 26(4), 1934). Without a wrong one it is about 3 / `tested`.

    Args:
        wrong: Wrong inferences in the sample.
        tested: The size of the sample, at least 1.
        confidence: How sure the bound is.

    Returns:
        A share between 0 and 1.
    """
    if wrong >= tested:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        as_good = sum(
            math.comb(tested, number) * share**number * (1 - share) ** (tested - number) for number in range(wrong + 1)
        )
        if as_good > 1 - confidence:
            low = share
        else:
            high = share
    return high
