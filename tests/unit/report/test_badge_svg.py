"""Badges as pictures: well formed, with words for those who do not see them, and with enough contrast."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from stackcompat.report.badge_svg import COLOURS, badge_svg
from stackcompat.report.badges import badge_pictures, badges
from stackcompat.table.build import summarise
from stackcompat.table.vocabulary import SIGNS
from support.made_up import COMPONENTS, NOW, history

SVG = "{http://www.w3.org/2000/svg}"


def luminance(colour: str) -> float:
    """The relative luminance of a colour such as #1a2b3c, by the guidelines for accessibility (WCAG 2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("name", COLOURS)
def test_white_letters_can_be_read(name: str) -> None:
    assert 1.05 / (luminance(COLOURS[name]) + 0.05) >= 4.5


def test_every_verdict_has_a_colour() -> None:
    assert {sign.badge for sign in SIGNS.values()} <= COLOURS.keys()


def test_the_words_are_the_title_and_fit_their_fields() -> None:
    picture = ET.fromstring(badge_svg('A < B & "C"', "✓ works 1.0", "brightgreen"))
    words = 'A < B & "C": ✓ works 1.0'
    title = picture.find(f"{SVG}title")
    assert title is not None
    assert (picture.get("role"), picture.get("aria-label"), title.text) == ("img", words, words)
    fields = picture.findall(f"{SVG}rect")
    assert [field.get("fill") for field in fields] == [COLOURS["label"], COLOURS["brightgreen"]]
    assert sum(int(field.get("width", 0)) for field in fields) == int(picture.get("width", 0))
    for field, text in zip(fields, picture.iter(f"{SVG}text"), strict=True):
        begin, end = int(field.get("x", 0)), int(field.get("x", 0)) + int(field.get("width", 0))
        assert begin < int(text.get("x", 0))
        assert int(text.get("x", 0)) + int(text.get("textLength", 0)) < end


def test_each_badge_has_a_picture_that_says_the_same() -> None:
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    pictures = badge_pictures(summary)
    facts = {name.replace(".json", ".svg"): json.loads(text) for name, text in badges(summary).items()}
    assert pictures.keys() == facts.keys()
    for name, picture in pictures.items():
        assert ET.fromstring(picture).get("aria-label") == f"{facts[name]['label']}: {facts[name]['message']}"
