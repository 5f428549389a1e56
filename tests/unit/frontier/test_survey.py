"""Two components looked up: their releases, and the pairs that metadata forbids."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.core.errors import UsageError
from support.surveyed import installed_by, survey_of
from support.world import day


def test_what_metadata_forbids_needs_no_run() -> None:
    space = survey_of().space
    assert space.first.versions == ("1.0", "2.0")
    assert space.second.versions == ("1.0", "1.1", "1.2", "1.4")
    assert space.forbidden == {
        (0, 2): "alpha 1.2 does not support Python 3.12 (it requires >=3.13)",
        (1, 0): "beta 2.0 depends on alpha>=1.1",
        (1, 2): "alpha 1.2 does not support Python 3.12 (it requires >=3.13)",
    }
    assert survey_of("beta", "plain").space.forbidden == {(1, 0): "plain 1.0 depends on beta<2"}


def test_what_a_release_requires_in_one_version_alone_brings_its_bounds() -> None:
    found = survey_of("shell").space
    reason = "shell 2.0 depends on exactly engine 2.0, which depends on alpha<1.4,>=1.1"
    assert found.rows() == {0: [0], 1: [1], 2: [0, 1, 3]}
    assert {found.forbidden[1, 0], found.forbidden[1, 3]} == {reason}
    assert survey_of("alpha", "shell").space.forbidden[0, 1] == reason


def test_a_span_of_time_chooses_releases() -> None:
    space = survey_of(since=day("2025-03-01"), until=day("2025-05-20")).space
    assert (space.first.versions, space.second.versions) == (("2.0",), ("1.1", "1.2"))


@pytest.mark.parametrize(
    ("names", "more", "sentence"),
    [
        (("beta", "absent"), {}, 'SECOND: the index has no "absent"'),
        (("no name", "alpha"), {}, 'FIRST: "no name" is neither a component nor the plain name of a distribution'),
        (("beta>=1", "alpha"), {}, 'FIRST: "beta>=1" is neither'),
        (("alpha", "alpha"), {}, "SECOND: alpha has the same distribution as alpha"),
        (("theta", "alpha"), {}, "FIRST: theta is published: git only"),
        (("beta", "alpha"), {"since": day("2026-01-01")}, "--since: beta has no final release since 2026-01-01"),
    ],
)
def test_mistakes_are_named(names: tuple[str, str], more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        survey_of(*names, **more)
    assert sentence in str(caught.value)


def test_a_component_may_be_named_by_its_distribution() -> None:
    assert survey_of("delta-checkpoint").space.first.name == "delta"
    assert survey_of("plain").space.first.name == "plain"


def test_bounds_of_the_extras_with_which_it_is_installed_count() -> None:
    forbidden = installed_by("beta[old]").space.forbidden
    assert {(1, column) for column in range(4)} <= forbidden.keys()
    assert (1, 1) not in survey_of().space.forbidden
