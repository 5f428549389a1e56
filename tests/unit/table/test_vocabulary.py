"""Signs and words of the table."""

from __future__ import annotations

from typing import get_args

from stackcompat.core.vocabulary import Verdict
from stackcompat.plan.policies import Policy
from stackcompat.table.vocabulary import POLICIES, SIGNS, count_words


def test_every_verdict_has_a_sign_and_every_policy_a_meaning() -> None:
    assert set(SIGNS) == set(get_args(Verdict))
    policies = get_args(get_args(Policy)[0])
    assert set(POLICIES) == {get_args(policy.model_fields["policy"].annotation)[0] for policy in policies}


def test_a_glyph_stands_for_one_word_and_only_green_is_green() -> None:
    assert len({sign.glyph for sign in SIGNS.values()}) == len({sign.word for sign in SIGNS.values()})
    assert [verdict for verdict, sign in SIGNS.items() if sign.tone == "works" or "green" in sign.badge] == ["works"]


def test_count_words() -> None:
    assert count_words({"works": 2, "invalid": 1, "infra-error": 3, "broken": 1}) == (
        "7 cells: 2 work, 4 could not tell, 1 broken"
    )
    assert count_words({"flaky": 1}) == "1 cell: 1 flaky"
    assert count_words({}) == "no cells"
