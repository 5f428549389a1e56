"""A member of the culprit: what is said of its edges, and which releases are red."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.version import Version

from stackcompat.blame.culprit import Culprit


def test_what_could_not_be_judged_at_the_edge_is_said() -> None:
    broke = Culprit(
        name="alpha", version="1.5", last_good="1.1", first_bad="1.4", unresolved=("1.0", "1.2", "1.3", "1.9")
    )
    assert broke.unjudged == ("1.2", "1.3")
    assert broke.sentence() == (
        "alpha broke between 1.1, the last good, and 1.4, the first bad: 1.2 and 1.3 could not be judged; "
        "nothing newer passes"
    )
    assert Culprit(name="alpha", version="1.5", unresolved=("1.2",)).unjudged == ()


def test_what_was_uploaded_outside_of_the_red_stretch_is_skipped() -> None:
    broke = Culprit(name="alpha", version="1.4", first_bad="1.2", fixed_in="1.6", last_good="1.1", skipped=("1.5.1",))
    assert [broke.is_red(Version(version)) for version in ("1.1", "1.2", "1.5", "1.5.1", "1.6")] == [
        *(False, True, True, False, False)
    ]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"last_good": "1.1", "first_bad": "1.2"},
            "alpha 1.1 was the last good, 1.2 the first bad; nothing newer passes",
        ),
        ({"fixed_in": "1.6"}, "no release of alpha before 1.4 was seen to pass; it passes again from 1.6 on"),
        ({"shown_by": "traceback"}, "alpha 1.4 calls it; no release of alpha is known to pass"),
        ({"shown_by": "contrast"}, "alpha 1.4 could not be moved apart from the others, and the failure names it"),
        ({"shown_by": "metadata"}, "alpha 1.4 is part of it by what metadata says"),
        (
            {"shown_by": "metadata", "fixed_in": "1.6"},
            "no release of alpha before 1.4 was seen to pass; it passes again from 1.6 on",
        ),
    ],
)
def test_what_is_said_of_a_member(fields: dict[str, Any], sentence: str) -> None:
    assert Culprit(name="alpha", version="1.4", **fields).sentence() == sentence
