"""Policies and waivers as files: what they mean, and one sentence for each mistake."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from stackcompat.core.record import UsageError
from stackcompat.ecosystem.components import load_components
from stackcompat.gate.policy import load_policy, load_waivers
from support.made_up import COMPONENTS

GATE = """
title = "G"
components = ["alpha", "beta"]
pythons = ["3.12"]

[[rules]]
rule = "newest"
weight = "required"
"""
WAIVER = """
[[waivers]]
pair = ["alpha", "beta"]
versions = { alpha = "==1.3.0", beta = "==2" }
owner = "somebody"
reason = "known"
until = 2026-12-01
"""
VERSIONS = '{ alpha = "==1.3.0", beta = "==2" }'
NOW = dt.datetime(2026, 12, 1, 23, 59, tzinfo=dt.UTC)


def test_the_projects_own_files_are_valid() -> None:
    matrices = Path(__file__).parents[3] / "matrices"
    components = load_components(matrices / "components.toml")
    for name in ("gate", "replay-policy"):
        policy = load_policy(matrices / f"{name}.toml", components)
        assert any(rule.weight == "required" for rule in policy.rules)
    load_waivers(matrices / "waivers.toml", components)


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


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('pair = ["alpha", "beta"]', "", "waivers[0]: takes exactly one of: test, pair, advisory"),
        ('pair = ["alpha", "beta"]', 'pair = ["alpha"]', "waivers[0]: pair takes two components"),
        (
            'pair = ["alpha", "beta"]\nversions = { alpha = ',
            'pair = ["alpha", "omega"]\nversions = { omega = "==1", alpha = ',
            'waivers[0].pair: "omega" is not possible here',
        ),
        (VERSIONS, "{}", "waivers[0].versions: is empty or too short; give at least 1"),
        (VERSIONS, '{ alpha = "1.3", beta = "==2" }', '"1.3" is not one exact version such as "==0.12.1"'),
        (VERSIONS, '{ alpha = "", beta = "==2" }', '"" is not one exact version'),
        (VERSIONS, '{ alpha = ">=0", beta = "==2" }', '">=0" is not one exact version'),
        (VERSIONS, '{ alpha = "<2", beta = "==2" }', '"<2" is not one exact version'),
        (VERSIONS, '{ alpha = "==1.3.*", beta = "==2" }', '"==1.3.*" is not one exact version'),
        (VERSIONS, '{ alpha = "==1,==2", beta = "==2" }', '"==1,==2" is not one exact version'),
        (VERSIONS, '{ alpha = "==1.3.0" }', "waivers[0]: versions must hold one for each of the pair: alpha and beta"),
        (VERSIONS, '{ alpha = "==1", beta = "==2", omega = "==3" }', '.versions: "omega" is not possible here'),
        ('owner = "somebody"', "", "waivers[0].owner: is missing; it must be given"),
        ('reason = "known"', 'reason = ""', "waivers[0].reason: "),
        ("until = 2026-12-01", "", "waivers[0].until: is missing; it must be given"),
        ("[[waivers]]", "[[quarantine]]", 'quarantine[0]: "pair" is not a key that is known here'),
    ],
)
def test_a_mistake_in_a_waiver_is_one_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = tmp_path / "waivers.toml"
    path.write_text(WAIVER.replace(old, new))
    with pytest.raises(UsageError) as caught:
        load_waivers(path, COMPONENTS)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_waiver_ends_by_date_and_by_version(tmp_path: Path) -> None:
    path = tmp_path / "waivers.toml"
    path.write_text(WAIVER)
    (waiver,) = load_waivers(path, COMPONENTS).waivers
    assert not waiver.expired(NOW)
    assert waiver.expired(NOW + dt.timedelta(minutes=1))
    assert waiver.holds_for({"alpha": "1.3.0", "beta": "2"})
    assert not waiver.holds_for({"alpha": "1.3.1", "beta": "2"})
    assert not waiver.holds_for({"beta": "2"})
    assert not waiver.holds_for({"alpha": "1.3.0", "beta": "2.0.1"})
    assert waiver.what == "alpha with beta (alpha ==1.3.0, beta ==2)"


def test_a_waiver_of_tests_is_about_tests_alone(tmp_path: Path) -> None:
    path = tmp_path / "waivers.toml"
    path.write_text(WAIVER.replace('pair = ["alpha", "beta"]', 'test = "*"'))
    (waiver,) = load_waivers(path, COMPONENTS).waivers
    assert waiver.names(test="t.py::x", components=(), advisory="")
    assert not waiver.names(test="", components=("alpha", "beta"), advisory="SC-1")


@pytest.mark.parametrize(
    ("pattern", "test", "fits"),
    [
        ("t.py::test_a[x.y]", "t.py::test_a[x.y]", True),
        ("t.py::test_a[*]", "t.py::test_a[x.y]", True),
        ("t.py::test_a[xy]", "t.py::test_ax", False),
        ("t.py::*", "t.py::test_a[x.y]", True),
        ("t.py::test_a", "t.py::test_ab", False),
    ],
)
def test_a_test_is_named_by_id_or_pattern(tmp_path: Path, pattern: str, test: str, fits: bool) -> None:
    path = tmp_path / "waivers.toml"
    text = WAIVER.replace('pair = ["alpha", "beta"]', f'test = "{pattern}"')
    path.write_text(text + text.replace("[[waivers]]", "[[quarantine]]").replace("versions", "# versions"))
    loaded = load_waivers(path, COMPONENTS)
    assert loaded.waivers[0].names(test=test, components=(), advisory="") is fits
    assert loaded.quarantine[0].names(test) is fits
