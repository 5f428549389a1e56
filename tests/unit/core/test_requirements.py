"""Requirements, pins and versions as text."""

from __future__ import annotations

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from stackcompat.core.requirements import (
    exact_version,
    exactly,
    marker_environment,
    name_of,
    only_version,
    parse_requirement,
    python_key,
    split_pin,
    unbounded,
    version_key,
)


def test_requirement_name_is_normalised() -> None:
    assert str(parse_requirement("Some.Thing~=1.2")) == "some-thing~=1.2"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("alpha==1.0", "1.0"),
        ("alpha[more]==1.0", "1.0"),
        ("alpha==1.0,<2", "1.0"),
        ("alpha", ""),
        ("alpha==1.*", ""),
        ("alpha>=1.0", ""),
        ("alpha==1.0,==1.1", ""),
    ],
)
def test_the_one_version_that_a_requirement_allows(text: str, version: str) -> None:
    assert only_version(Requirement(text)) == version


def test_another_spelling_of_a_pin_allows_one_version_too() -> None:
    assert only_version(Requirement("alpha===1.0")) == "1.0"


@pytest.mark.parametrize(
    ("specifier", "version"),
    [("==1.0", "1.0"), ("==1.0,<2", ""), ("==1.*", ""), ("===1.0", ""), (">=1.0", ""), ("", "")],
)
def test_a_specifier_that_is_one_version_and_nothing_else(specifier: str, version: str) -> None:
    assert exact_version(SpecifierSet(specifier)) == version


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Some.Thing", "some-thing"),
        ("alpha[more,most]>=1; python_version < '3.12'", "alpha"),
        ("alpha_x @ https://x.example/alpha-1.zip", "alpha-x"),
        ("alpha===?", "alpha"),  # as a resolver writes it
        ("Python>=3.12", "python"),
        (" beta<2", "beta"),
        ("", ""),
        (">=2", ""),
    ],
)
def test_the_name_of_a_requirement(text: str, name: str) -> None:
    assert name_of(text) == name


def test_bounds_are_replaced_and_taken_away_and_extras_stay() -> None:
    assert exactly("Alpha[more]>=1", "2.0") == "alpha[more]==2.0"
    assert unbounded("Alpha[more]>=1,<3") == "alpha[more]"


def test_the_parts_of_a_pin() -> None:
    assert split_pin("alpha==1.0") == ("alpha", "1.0")
    assert split_pin("alpha") == ("alpha", "")


def test_markers_see_the_newest_patch_of_a_python() -> None:
    environment = marker_environment("3.12")
    for text, holds in (("python_version == '3.12'", True), ("python_full_version >= '3.12.4'", True)):
        assert Marker(text).evaluate(environment) is holds
    assert not Marker("python_version < '3.12'").evaluate(environment)


def test_what_is_no_requirement_is_refused_in_words_to_act_on() -> None:
    with pytest.raises(ValueError, match=r'"alpha=1" is not a requirement such as "alpha>=0.12,<0.13"'):
        parse_requirement("alpha=1")


def test_pythons_and_versions_are_sorted_as_numbers() -> None:
    assert sorted(["3.9", "3.12", "3.10"], key=python_key) == ["3.9", "3.10", "3.12"]
    assert sorted(["1.10", "1.9", "1.10rc1"], key=version_key) == ["1.9", "1.10rc1", "1.10"]
