"""A badge as a small picture: a label and a message on two fields, side by side. Pure.

The picture needs no service and no font of its own. Its text is also its title, for those who do not see it, and each
field has at least the contrast 4.5 : 1 with its text, which the guidelines for accessibility ask for.
"""

from __future__ import annotations

from markupsafe import Markup

__all__ = ["COLOURS", "badge_svg"]

#: The colour of the field of the message, by the name that shields.io has for it, and that of the label. Text is white.
COLOURS = {
    "brightgreen": "#1a7f37",
    "red": "#b3261e",
    "orange": "#9a4b00",
    "yellow": "#7a5c00",
    "lightgrey": "#5c6670",
    "label": "#3b4148",
}

#: In pixels: the height of the picture, the size of its letters, and the room on both sides of a text.
_HEIGHT, _LETTERS, _ROOM = 20, 11, 6

_NARROW = frozenset(" .,:;'|!()[]-fijlrtI")

_WIDE = frozenset("mwMW@%✓✗⊘⊗≠")


def badge_svg(label: str, message: str, colour: str) -> str:
    """The badge as a file.

    Args:
        label: What the badge is about.
        message: What it says of that.
        colour: The name of the colour of the message, a key of `COLOURS`.
    """
    left, right = _width(label) + 2 * _ROOM, _width(message) + 2 * _ROOM
    fields = Markup('<rect width="{0}" height="{2}" fill="{3}"/><rect x="{0}" width="{1}" height="{2}" fill="{4}"/>')
    head = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img" '
        'aria-label="{2}"><title>{2}</title>'
    )
    parts = [
        head.format(left + right, _HEIGHT, f"{label}: {message}"),
        fields.format(left, right, _HEIGHT, COLOURS["label"], COLOURS[colour]),
        Markup('<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="{}">').format(_LETTERS),
        _text(label, _ROOM),
        _text(message, left + _ROOM),
        Markup("</g></svg>\n"),
    ]
    return str(Markup().join(parts))


def _text(text: str, left: int) -> Markup:
    """A text that fills the width worked out for it, whichever font there is."""
    words = Markup('<text x="{}" y="14" textLength="{}" lengthAdjust="spacingAndGlyphs">{}</text>')
    return words.format(left, _width(text), text)


def _width(text: str) -> int:
    """The width of a text in pixels, about as wide as common fonts without serifs have it."""
    return sum(4 if letter in _NARROW else 10 if letter in _WIDE else 7 for letter in text)
