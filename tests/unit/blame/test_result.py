"""A member of the culprit: what is said of its edges, and which releases are red."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.version import Version

from stackcompat.blame.result import Culprit


def test_what_could_not_be_judged_at_the_edge_is_said() -> None:
    broke = Culprit(
        name="alpha", version="1.5", last_good="1.1", first_bad="1.4", unresolved=("1.0", "1.2", "1.3", "1.9")
    )
    assert broke.unjudged == ("1.2", "1.3")
    assert broke.sentence() == (
        "alpha broke between 1.1, the last good, and 1.4, the first bad: 1.2 and 1.3 could not be judged; "
        "nothing newer was seen to pass: 1.9 could not be judged"
    )
    assert broke.unjudged_later == ("1.9",)
    assert Culprit(name="alpha", version="1.5", unresolved=("1.2",)).unjudged == ()


def test_what_was_uploaded_outside_of_the_red_stretch_is_skipped() -> None:
    broke = Culprit(name="alpha", version="1.4", first_bad="1.2", fixed_in="1.6", last_good="1.1", skipped=("1.5.1",))
    assert [broke.is_in_stretch(Version(version)) for version in ("1.1", "1.2", "1.5", "1.5.1", "1.6")] == [
        *(False, True, True, False, False)
    ]


def test_a_stretch_without_edges_is_the_red_release_alone() -> None:
    called = Culprit(name="alpha", version="1.4", shown_by="traceback")
    assert [called.is_in_stretch(Version(version)) for version in ("1.3", "1.4", "1.5")] == [False, True, False]


def test_only_what_was_seen_to_fail_is_called_red() -> None:
    broke = Culprit(name="alpha", version="1.4", first_bad="1.2", fixed_in="1.6", last_good="1.1", red=("1.2", "1.4"))
    assert [version for version in ("1.1", "1.2", "1.3", "1.4", "1.5") if broke.is_red(Version(version))] == [
        *("1.2", "1.4")
    ]


def test_what_could_not_be_judged_before_the_release_that_passes_again_is_said() -> None:
    broke = Culprit(
        name="alpha", version="1.4", first_bad="1.2", fixed_in="1.7", unresolved=("1.0", "1.5", "1.6", "1.8")
    )
    assert broke.sentence().endswith("it passes again from 1.7 on: 1.5 and 1.6 could not be judged")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"last_good": "1.1", "first_bad": "1.2"},
            "alpha 1.1 was the last good, 1.2 the first bad; nothing newer was seen to pass",
        ),
        (
            {"fixed_in": "1.6", "never_passed": True},
            "no release of alpha before 1.4 was seen to pass; it passes again from 1.6 on",
        ),
        ({"fixed_in": "1.6"}, "alpha 1.4 fails; it passes again from 1.6 on"),
        ({"shown_by": "traceback"}, "alpha 1.4 calls it; no release of alpha is known to pass"),
        ({"shown_by": "contrast"}, "alpha 1.4 could not be moved apart from the others, and the failure names it"),
        ({"shown_by": "metadata"}, "alpha 1.4 is part of it by what metadata says"),
        (
            {"shown_by": "metadata", "fixed_in": "1.6", "never_passed": True},
            "no release of alpha before 1.4 was seen to pass; it passes again from 1.6 on",
        ),
    ],
)
def test_what_is_said_of_a_member(fields: dict[str, Any], sentence: str) -> None:
    assert Culprit(name="alpha", version="1.4", **fields).sentence() == sentence
