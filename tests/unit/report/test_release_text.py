"""Releases in words."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.blame.result import Culprit
from stackcompat.report.release_text import (
    crossing_culprits,
    feature_releases,
    held_back_pins,
    joined_releases,
    where_it_holds,
)
from stackcompat.table.build import summarise
from stackcompat.table.culprits import CulpritRow
from stackcompat.table.features import FeatureRow
from stackcompat.table.pinned import MovedPin, PinAnswer, PinnedSet
from support.made_up import COMPONENTS, NOW, history

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)


def test_a_culprit_without_a_version_is_only_a_name() -> None:
    assert joined_releases({"beta": "2.4", "alpha": ""}) == "beta 2.4 with alpha"


def test_each_side_of_a_crossing_has_its_culprits_with_the_good_releases_around_them() -> None:
    rows = (
        CulpritRow(
            side="reader",
            versions={"beta": "2.4", "alpha": "1.3"},
            inferred=False,
            culprits=(Culprit(name="beta", version="2.4", last_good="2.3", first_bad="2.4", fixed_in="2.5"),),
        ),
        CulpritRow(side="writer", versions={"alpha": "1.3"}, inferred=True),
    )
    assert crossing_culprits(rows) == (
        "reader: beta 2.4 (last good 2.3, good again from 2.5 on) with alpha 1.3; writer: alpha 1.3"
    )


@pytest.mark.parametrize(
    ("pythons", "words"),
    [
        ({"3.13": "broken", "3.12": "works"}, "on Python 3.13"),
        ({"3.13": "broken", "3.12": "broken"}, ""),
        ({"3.13": "broken", "3.12": "broken", "3.11": "works"}, "on Python 3.13 and 3.12"),
        ({}, ""),
    ],
)
def test_the_pythons_are_named_only_where_they_differ(pythons: dict[str, Any], words: str) -> None:
    pair = SUMMARY.pairs[0].model_copy(update={"verdict": "broken", "pythons": pythons})
    assert where_it_holds(pair) == words


def test_the_releases_of_a_feature_are_ranges_over_those_that_were_tried() -> None:
    tried = {row.name: row.releases for row in SUMMARY.components}["alpha"]
    components = {"alpha": tried, "beta": ("99.dev1",)}
    row = FeatureRow(feature="f", signature="s", tests=("t",), components=components, cells=(), today=False)
    assert tried == ("1.0.0", "1.1.0", "1.2.0", "1.3.0")
    assert feature_releases(row, SUMMARY) == ["Alpha 1.0.0 – 1.3.0", "Beta 99.dev1"]


def test_a_pin_that_is_held_back_on_two_pythons_is_one_sentence() -> None:
    answers = tuple(
        PinAnswer.model_validate(
            {
                "python": python,
                "cell": "c",
                "verdict": "works",
                "level": "interop",
                "version": "1.2",
                "sentence": "",
                "held_back": "beta 2 (alpha<1.3)",
            }
        )
        for python in ("3.13", "3.12")
    )
    moved = (MovedPin(distribution="alpha", answers=answers), MovedPin(distribution="", answers=()))
    assert held_back_pins(PinnedSet(name="stack 1", pins={}, moved=moved)) == [
        "alpha 1.2 is not its newest release; it is held back by beta 2 (alpha<1.3)"
    ]
