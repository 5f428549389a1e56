"""What a frontier search is answered, and what it hands back."""

from __future__ import annotations

import pytest

from stackcompat.core.vocabulary import Verdict
from stackcompat.frontier.answers import ASKED_AGAIN, NO_VERDICT, Check, Frontier, PairFinding, disagreement
from support.planted import table


def finding(verdict: Verdict, *, inferred: bool = False) -> PairFinding:
    return PairFinding(verdict=verdict, level="interop", inferred=inferred)


def check(inferred: Verdict, observed: Verdict) -> Check:
    return Check(pair=(0, 0), inferred=inferred, observed=observed)


def test_only_tested_pairs_with_a_verdict_were_observed() -> None:
    frontier = Frontier(
        space=table(2, 3),
        findings={
            (0, 0): finding("works"),
            (0, 1): finding("broken"),
            (0, 2): finding("works", inferred=True),
            (1, 0): finding("broken", inferred=True),
            (1, 1): finding("untested"),
            (1, 2): finding("unresolvable"),
        },
    )
    assert frontier.observed() == {(0, 0): True, (0, 1): False}


def test_an_inference_agrees_with_a_test_of_the_same_verdict() -> None:
    assert check("works", "works").agrees
    assert not check("works", "broken").agrees
    assert not check("broken", "works").agrees


def test_disagreement_is_the_share_of_wrong_inferences() -> None:
    right, wrong = check("broken", "broken"), check("broken", "works")
    assert disagreement([right, right, right, wrong]) == 0.25
    assert disagreement([right]) == 0
    assert disagreement([]) is None


@pytest.mark.parametrize(
    ("verdict", "says_nothing", "asked_again"),
    [
        ("works", False, False),
        ("broken", False, False),
        ("unresolvable", False, True),
        ("untested", True, True),
        ("infra-error", True, False),
        ("invalid", True, False),
    ],
)
def test_which_verdicts_say_nothing_and_which_are_asked_again(
    verdict: Verdict, *, says_nothing: bool, asked_again: bool
) -> None:
    assert (verdict in NO_VERDICT) == says_nothing
    assert (verdict in ASKED_AGAIN) == asked_again
