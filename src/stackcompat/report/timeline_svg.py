"""A timeline as a small picture, a strip of spans that are higher the worse they are, and as words. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from markupsafe import Markup

from stackcompat.advice.timeline import Outage, Span, Timeline
from stackcompat.table.vocabulary import titled

__all__ = ["outage_words", "timeline_svg", "timeline_words"]

#: Pixels: of the picture, of the strip, and of the axis below it.
_WIDTH, _HEIGHT, _AXIS = 960, 34, 18


#: The least width of a span in pixels.
_LEAST_WIDTH = 1.5


#: Colour and height (share of the strip) of a state. Red is high, for people who do not see the colours.
_LOOKS = {"works": ("#2b9c7c", 0.4), "broken": ("#c8441b", 1.0), "unknown": ("#9aa3ac", 0.15)}


def timeline_svg(timeline: Timeline, titles: Mapping[str, str]) -> Markup:
    """The timeline as one SVG element, fit for a page and for a file of its own.

    Args:
        timeline: The timeline.
        titles: Component to title.
    """
    begin, end = timeline.spans[0].since, timeline.spans[-1].until
    scale = _WIDTH / (end - begin).total_seconds()

    def place(moment: dt.datetime) -> float:
        return round((moment - begin).total_seconds() * scale, 1)

    parts = [_span(span, place(span.since), place(span.until), titles) for span in timeline.spans]
    parts += [_tick(place(quarter), f"{quarter:%Y-%m}") for quarter in _quarters(begin, end)]
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" role="img" aria-label="{2}" color="#6a727b" '
        'fill="currentColor" font-family="sans-serif" font-size="11"><title>{2}</title>{3}</svg>'
    ).format(_WIDTH, _HEIGHT + _AXIS, f"Python {timeline.python}: {timeline_words(timeline)}", Markup().join(parts))


def _span(span: Span, left: float, right: float, titles: Mapping[str, str]) -> Markup:
    """One span, wide enough to be seen; pale and with a striped outline if it is inferred."""
    colour, share = _LOOKS[span.state]
    height = _HEIGHT * share
    pale = Markup(' fill-opacity=".45" stroke="{}" stroke-dasharray="2 2"').format(colour) if span.inferred else ""
    pairs = ", ".join(
        f"{titled(titles, first)} {first_version} with {titled(titles, second)} {second_version}"
        for first, first_version, second, second_version in span.pairs
    )
    level = {"works": f" to {span.level}", "broken": f" at {span.level}", "unknown": ""}[span.state]
    inferred = " (inferred)" if span.inferred else ""
    words = f"{span.since:%Y-%m-%d %H:%M}, {span.days:.1f} days: {span.state}{level}{inferred} {pairs}"
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="{}"{}><title>{}</title></rect>').format(
        left,
        round(_HEIGHT - height, 1),
        max(round(right - left, 1), _LEAST_WIDTH),
        round(height, 1),
        colour,
        pale,
        words.strip(),
    )


def _tick(place: float, label: str) -> Markup:
    return Markup('<path d="M{0} {1}v5" stroke="currentColor"/><text x="{2}" y="{3}">{4}</text>').format(
        place, _HEIGHT, place + 3, _HEIGHT + 14, label
    )


def _quarters(begin: dt.datetime, end: dt.datetime) -> Iterator[dt.datetime]:
    """The first days of the quarters between two moments."""
    for year in range(begin.year, end.year + 1):
        for month in (1, 4, 7, 10):
            quarter = dt.datetime(year, month, 1, tzinfo=dt.UTC)
            if begin <= quarter < end:
                yield quarter


def timeline_words(timeline: Timeline) -> str:
    """The days in one line: ``7.9 of 97 days broken (0.5 of them inferred), 80.0 seen to work, 9.1 unknown``."""
    total = sum(span.days for span in timeline.spans)
    broken, works = timeline.days("broken"), timeline.days("works")

    def inferred(state: str) -> str:
        days = timeline.days(state, inferred=True)
        return f" ({days:.1f} of them inferred)" if days else ""

    most_unknown = max(
        (span for span in timeline.spans if span.state == "unknown"), key=lambda span: span.unknown, default=None
    )
    missing = f" (no verdict on up to {most_unknown.unknown} of {most_unknown.of} pairs)" if most_unknown else ""
    return (
        f"{broken:.1f} of {total:.0f} days broken{inferred('broken')}, {works:.1f} known to work{inferred('works')}, "
        f"{timeline.days('unknown'):.1f} unknown{missing}"
    )


def outage_words(outage: Outage, titles: Mapping[str, str]) -> str:
    """An outage in one line: what broke, who did it, how old the other was, what fixed it, and when."""
    first = f"{titled(titles, outage.first)} {outage.first_version}"
    second = f"{titled(titles, outage.second)} {outage.second_version}"
    broke, after = "broken from the first day on", ""
    if outage.broke:
        broke = f"broken by {outage.broke}"
        after = f", {outage.after:.1f} days after the other was uploaded"
    fixed = f"to this day, {outage.days:.1f} days"
    if outage.fixed:
        fixed = f"fixed by {' and '.join(outage.fixed)} after {outage.days:.1f} days"
    inferred = " (inferred)" if outage.inferred else ""
    return f"{outage.since:%Y-%m-%d %H:%M}: {first} with {second}, {broke}{after}; {fixed}{inferred}"
