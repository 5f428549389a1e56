"""How many inferred pairs can be wrong, as far as the tested ones tell."""

from __future__ import annotations

import math

import pytest

from stackcompat.frontier.answers import Check
from stackcompat.frontier.inference_accuracy import CheckReason, highest_share, inference_accuracy


def check(*, agrees: bool = True, reason: CheckReason = "random") -> Check:
    return Check(pair=(0, 0), inferred="works", observed="works" if agrees else "broken", reason=reason)


@pytest.mark.parametrize(
    ("wrong", "tested", "share"),
    [(0, 17, 0.1616), (0, 1, 0.95), (0, 59, 0.0495), (1, 20, 0.2161), (3, 100, 0.0757), (5, 5, 1.0)],
)
def test_the_bound_is_that_of_clopper_and_pearson(wrong: int, tested: int, share: float) -> None:
    assert highest_share(wrong, tested) == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize("tested", [10, 30, 300])
def test_without_a_wrong_one_it_is_the_rule_of_three(tested: int) -> None:
    assert highest_share(0, tested) == pytest.approx(1 - math.exp(math.log(0.05) / tested))
    assert highest_share(0, tested) < 3 / tested


def test_the_bound_in_words() -> None:
    accuracy = inference_accuracy([check()] * 17)
    assert accuracy is not None
    assert str(accuracy) == (
        "Of 17 drawn at random, 0 came out otherwise: at most 16 % of all inferred pairs are wrong (95% confidence)"
    )


def test_only_random_checks_count() -> None:
    checks = [check(), check(agrees=False), check(reason="unmet"), check(agrees=False, reason="around")]
    accuracy = inference_accuracy(checks)
    assert accuracy is not None
    assert (accuracy.tested, accuracy.wrong) == (2, 1)
    assert inference_accuracy([check(reason="around")]) is None
    assert inference_accuracy([]) is None


def test_a_bound_that_rounds_to_nothing_is_not_said_to_be_nothing() -> None:
    accuracy = inference_accuracy([check()] * 2000)
    assert accuracy is not None
    assert "at most 1 %" in str(accuracy)
