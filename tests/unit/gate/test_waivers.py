"""Waivers and quarantines as files: what they mean, and one sentence for each mistake."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.components import load_components
from stackcompat.gate.waivers import WaivableFailure, load_waivers
from support.made_up import COMPONENTS

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


def test_the_projects_own_waivers_are_valid() -> None:
    matrices = Path(__file__).parents[3] / "matrices"
    load_waivers(matrices / "waivers.toml", load_components(matrices / "components.toml"))


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
    assert all(line.startswith(f"{path}: ") for line in str(caught.value).splitlines())


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
    path.write_text(WAIVER.replace('pair = ["alpha", "beta"]', 'test = "t.py::*"'))
    (waiver,) = load_waivers(path, COMPONENTS).waivers
    assert waiver.covers(WaivableFailure(test="t.py::x"))
    assert not waiver.covers(WaivableFailure(others=frozenset({"alpha", "beta"}), finding="SC-1"))


@pytest.mark.parametrize("pattern", ["*", "*.py::test_a", "test_*", "t.py"])
@pytest.mark.parametrize("kind", ["waivers", "quarantine"])
def test_a_pattern_names_the_file_of_its_tests(tmp_path: Path, pattern: str, kind: str) -> None:
    path = tmp_path / "waivers.toml"
    text = WAIVER.replace('pair = ["alpha", "beta"]', f'test = "{pattern}"')
    if kind == "quarantine":
        text = text.replace("[[waivers]]", "[[quarantine]]").replace("versions", "# versions")
    path.write_text(text)
    with pytest.raises(UsageError, match="does not name the file of a test"):
        load_waivers(path, COMPONENTS)


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
    assert loaded.waivers[0].covers(WaivableFailure(test=test)) is fits
    assert loaded.quarantine[0].covers(test) is fits
