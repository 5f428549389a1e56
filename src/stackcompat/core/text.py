"""Helpers for sentences and reports: lists, articles, sizes and times in English, code and escapes of Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["and_list", "article", "code", "counted", "fenced", "plain", "printable", "size_words", "time_words"]


def and_list(items: Sequence[str]) -> str:
    """The items as a sentence lists them: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def counted(number: int, noun: str, nouns: str = "") -> str:
    """A number with its noun: ``1 cell``, ``2 cells``.

    Args:
        number: The number.
        noun: The noun for one.
        nouns: The noun for several; empty if it only ends with an "s" more.
    """
    return f"{number} {noun if number == 1 else nouns or f'{noun}s'}"


def article(name: str) -> str:
    """`name` with its indefinite article: ``an alpha``, ``a beta``."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


#: Characters that a terminal or a browser obeys instead of showing them: control characters but tab and newline, those
#: that turn the direction of writing or that nobody sees, and halves of characters.
_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def _escape(match: re.Match[str]) -> str:
    """A character as JSON escapes it, so that a document in JSON means the same afterwards."""
    units = match[0].encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))


def printable(text: str) -> str:
    r"""`text` without what a terminal or a browser obeys instead of showing it, such as the beginning of a command.

    Such a character is written as in JSON (``\u001b``). All text of others that is printed or published goes through
    this function. What is printable stays as it is, so it does no harm to do it twice.
    """
    return _OBEYED.sub(_escape, text.replace("\r\n", "\n"))


#: What would be markup in Markdown wherever it stands, and what begins an entity of HTML.
_MARKUP = re.compile(r"[\\`*_\[\]<>|]|&(?=#?\w+;)")


#: What begins a title or a list, or underlines a title, if it stands first.
_BLOCK = re.compile(r"(?:[+-](?=\s|$)|#+(?=\s|$)|~~~|[-=~]+$|\d+(?=[.)](?:\s|$)))")


def plain(text: str) -> str:
    """`text` for Markdown, on one line: nothing in it is markup, and nothing is obeyed (:func:`printable`)."""
    escaped = _MARKUP.sub(r"\\\g<0>", " ".join(printable(text).strip().split("\n")))
    block = _BLOCK.match(escaped)
    if block is None:
        return escaped
    place = block.end() if block[0].isdigit() else 0  # of a numbered list, the dot is escaped
    return f"{escaped[:place]}\\{escaped[place:]}"


def code(text: str) -> str:
    """`text` as code within a line of Markdown: nothing in it is markup, and nothing is obeyed."""
    words = " ".join(printable(text).split())
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", words)), default=0))
    room = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{fence}{room}{words}{room}{fence}"


def fenced(text: str) -> str:
    """`text` as a code block of Markdown. The fence is longer than any row of backticks in the text."""
    text = printable(text)
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall(r"`+", text))])
    return f"{fence}\n{text.rstrip()}\n{fence}"


def size_words(size: int) -> str:
    """A size in bytes for people: ``512 B``, ``1.5 MiB``, ``40.0 GiB``."""
    amount, units = float(size), ["B", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:
        amount /= 1024
        units.pop(0)
    return f"{amount:.0f} B" if units[0] == "B" else f"{amount:.1f} {units[0]}"


def time_words(seconds: float) -> str:
    """A time in seconds for people: ``4 s``, ``2 min 5 s``, ``1 h 10 min``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
