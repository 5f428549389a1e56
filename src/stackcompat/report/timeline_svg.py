"""A timeline as a small picture: a strip of spans, as high as they are bad, with its words beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from markupsafe import Markup

from stackcompat.advice.timeline import Outage, Span, Timeline
from stackcompat.table.vocabulary import titled

__all__ = ["break_words", "days_words", "strip"]

_WIDTH, _HEIGHT, _AXIS = 960, 34, 18


#: Colour and height (share) of a state: what is red is high, for those who do not see the colours.
_LOOKS = {"works": ("#2b9c7c", 0.4), "broken": ("#c8441b", 1.0), "unknown": ("#9aa3ac", 0.15)}


def strip(line: Timeline, titles: Mapping[str, str]) -> Markup:
    """The timeline as one SVG element, fit for a page and for a file of its own."""
    begin, end = line.spans[0].since, line.spans[-1].until
    scale = _WIDTH / (end - begin).total_seconds()

    def place(moment: dt.datetime) -> float:
        return round((moment - begin).total_seconds() * scale, 1)

    parts = [_span(span, place(span.since), place(span.until), titles) for span in line.spans]
    for tick in _quarters(begin, end):
        label = f"{tick:%Y-%m}"
        parts.append(
            Markup('<path d="M{0} {1}v5" stroke="currentColor"/><text x="{2}" y="{3}">{4}</text>').format(
                place(tick), _HEIGHT, place(tick) + 3, _HEIGHT + 14, label
            )
        )
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" role="img" aria-label="{2}" color="#6a727b" '
        'fill="currentColor" font-family="sans-serif" font-size="11"><title>{2}</title>{3}</svg>'
    ).format(_WIDTH, _HEIGHT + _AXIS, f"Python {line.python}: {days_words(line)}", Markup().join(parts))


def _span(span: Span, left: float, right: float, titles: Mapping[str, str]) -> Markup:
    """One span, at least so wide that it is seen; striped outline and paler: inferred."""
    colour, share = _LOOKS[span.state]
    high = _HEIGHT * share
    pale = Markup(' fill-opacity=".45" stroke="{}" stroke-dasharray="2 2"').format(colour) if span.inferred else ""
    pairs = ", ".join(f"{titled(titles, a)} {v} with {titled(titles, b)} {w}" for a, v, b, w in span.pairs)
    state = span.state + {"works": f" to {span.level}", "broken": f" at {span.level}", "unknown": ""}[span.state]
    words = f"{span.since:%Y-%m-%d %H:%M}, {span.days:.1f} days: {state}{' (inferred)' * span.inferred} {pairs}"
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="{}"{}><title>{}</title></rect>').format(
        left, round(_HEIGHT - high, 1), max(round(right - left, 1), 1.5), round(high, 1), colour, pale, words.strip()
    )


def _quarters(begin: dt.datetime, end: dt.datetime) -> Iterator[dt.datetime]:
    for year in range(begin.year, end.year + 1):
        for month in (1, 4, 7, 10):
            tick = dt.datetime(year, month, 1, tzinfo=dt.UTC)
            if begin <= tick < end:
                yield tick


def days_words(line: Timeline) -> str:
    """The days in one line: ``7.9 of 97 days broken (0.5 of them inferred), 80.0 seen to work, 9.1 unknown``."""
    total = sum(span.days for span in line.spans)
    broken, works = line.days("broken"), line.days("works")

    def some(state: str) -> str:
        days = line.days(state, inferred=True)
        return f" ({days:.1f} of them inferred)" if days else ""

    missing = [f"{span.unknown} of {span.of} pairs" for span in line.spans if span.state == "unknown"]
    unknown = f" (no verdict on up to {max(missing, key=lambda one: int(one.split()[0]))})" if missing else ""
    return (
        f"{broken:.1f} of {total:.0f} days broken{some('broken')}, {works:.1f} known to work{some('works')}, "
        f"{line.days('unknown'):.1f} unknown{unknown}"
    )


def break_words(one: Outage, titles: Mapping[str, str]) -> str:
    """A break in one line: what broke, who did it, how old the other was, who mended it, and when."""
    pair = f"{titled(titles, one.first)} {one.first_version} with {titled(titles, one.second)} {one.second_version}"
    broke = f"broken by {one.broke}" if one.broke else "broken from the first day on"
    after = f", {one.after:.1f} days after the other was uploaded" if one.broke else ""
    fixed = (
        f"fixed by {' and '.join(one.fixed)} after {one.days:.1f} days"
        if one.fixed
        else (f"to this day, {one.days:.1f} days")
    )
    return f"{one.since:%Y-%m-%d %H:%M}: {pair}, {broke}{after}; {fixed}{' (inferred)' * one.inferred}"
