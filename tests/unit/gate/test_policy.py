"""Policies as files: what they mean, and one sentence for each mistake."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.components import load_components
from stackcompat.gate.policy import load_policy
from support.made_up import COMPONENTS, NOW

GATE = """
title = "G"
components = ["alpha", "beta"]
pythons = ["3.12"]

[[rules]]
rule = "newest"
weight = "required"
"""


def test_the_projects_own_policies_are_valid() -> None:
    matrices = Path(__file__).parents[3] / "matrices"
    components = load_components(matrices / "components.toml")
    for name in ("gate", "replay-policy"):
        policy = load_policy(matrices / f"{name}.toml", components)
        assert any(rule.weight == "required" for rule in policy.rules)


def test_a_policy_has_defaults(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(GATE)
    policy = load_policy(path, COMPONENTS)
    assert (policy.level, policy.max_age_days, policy.budget_seconds, policy.repeats) == ("interop", 30, 1800, 4)
    assert not policy.rules[0].thorough


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"alpha", "beta"', '"alpha", "theta"', 'components: "theta" is not possible here; allowed are alpha, '),
        ('"alpha", "beta"', "", "components: is empty or too short; give at least 1"),
        ('weight = "required"', 'weight = "review"', 'rules: has no rule with weight = "required"'),
        (
            'weight = "required"',
            'weight = "much"',
            "rules[0].weight: must be one of 'required', 'review' or 'informing'",
        ),
        ('weight = "required"', "", "rules[0].weight: is missing; it must be given"),
        ('rule = "newest"', 'rule = "oldest"', "rules[0].rule: must be one of newest, floors, releases, metapackage"),
        ('rule = "newest"', "", "rules[0].rule: is missing; it must be given"),
        ('weight = "required"', 'weight = "required"\nlast = 2', 'rules[0]: "last" is not a key that is known here'),
        (
            'weight = "required"',
            'weight = "required"\npythons = ["3.11"]',
            'rules[0].pythons: "3.11" is not possible here; allowed are 3.12',
        ),
        ('pythons = ["3.12"]', 'pythons = ["3.12.4"]', 'pythons[0]: "3.12.4" is not a Python such as 3.12'),
        ('title = "G"', 'title = "G"\nmax-age-days = 0', "max-age-days: should be greater than 0"),
        (
            'title = "G"',
            'title = "G"\nbudget = 5',
            '"budget" is not a key that is known here; allowed are budget-seconds',
        ),
    ],
)
def test_a_mistake_in_a_policy_is_one_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(GATE.replace(old, new))
    with pytest.raises(UsageError) as caught:
        load_policy(path, COMPONENTS)
    assert str(caught.value).startswith(f"{path}: ")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_evidence_is_too_old_after_the_days_of_the_policy(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(GATE.replace('title = "G"', 'title = "G"\nmax-age-days = 1.5'))
    assert load_policy(path, COMPONENTS).oldest(NOW) == NOW - dt.timedelta(hours=36)
