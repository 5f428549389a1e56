"""A timeline as a small picture and in words. The picture is a strip of spans; broken ones are highest. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from markupsafe import Markup

from stackcompat.advice.timeline import Outage, Span, Timeline
from stackcompat.core.text import and_list
from stackcompat.table.vocabulary import titled

__all__ = ["outage_words", "timeline_svg", "timeline_words"]

#: In pixels: the width of the picture, the height of the strip, and the height of the axis below the strip.
_WIDTH, _HEIGHT, _AXIS = 960, 34, 18


#: The least width of a span in pixels.
_LEAST_WIDTH = 1.5


#: The colour and the height of a state, as a share of the strip. Broken is highest, so the picture can be read without
#: colours.
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
    words = f"{span.since:%Y-%m-%d %H:%M}, {_duration(span.days)}: {span.state}{level}{inferred} {pairs}"
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
    """One line that says on how many days a plain install gave a broken stack, a working one, or an unknown one."""
    total = sum(span.days for span in timeline.spans)
    sentence = (
        f"on {_rounded(timeline.days('broken'))} of {total:.0f} days a plain install gave a broken stack"
        f"{_inferred(timeline, 'broken')}; on {_rounded(timeline.days('works'))} days it worked"
        f"{_inferred(timeline, 'works')}"
    )
    unknown = [span for span in timeline.spans if span.state == "unknown"]
    if not unknown:
        return sentence
    worst = max(unknown, key=lambda span: span.unknown)
    pairs = f"no verdict on up to {worst.unknown} of {worst.of} pairs"
    return f"{sentence}; {_rounded(timeline.days('unknown'))} days are not known ({pairs})"


def _inferred(timeline: Timeline, state: str) -> str:
    days = timeline.days(state, inferred=True)
    return f" ({_rounded(days)} of them inferred)" if days else ""


def _rounded(days: float) -> str:
    """Days as a whole number; ``less than 1`` for a part of a day."""
    return "less than 1" if 0 < days < 1 else f"{days:.0f}"


def outage_words(outage: Outage, titles: Mapping[str, str]) -> str:
    """An outage in one line: ``2026-08-17 12:00: JAX 0.11.1 broke Flax 0.12.8 (28 days old); ... fixed it ...``."""
    inferred = " (inferred)" if outage.inferred else ""
    return f"{outage.since:%Y-%m-%d %H:%M}: {_beginning(outage, titles)}; {_end(outage, titles)}{inferred}"


def _beginning(outage: Outage, titles: Mapping[str, str]) -> str:
    first, second = f"{outage.first} {outage.first_version}", f"{outage.second} {outage.second_version}"
    partners = {first: second, second: first}
    if outage.broke in partners:
        partner = _titled_release(partners[outage.broke], titles)
        return f"{_titled_release(outage.broke, titles)} broke {partner} ({_duration(outage.after)} old)"
    both = f"{_titled_release(first, titles)} and {_titled_release(second, titles)} failed together"
    return f"{both} since the upload of {outage.broke}" if outage.broke else f"{both} from the first day on"


def _end(outage: Outage, titles: Mapping[str, str]) -> str:
    if not outage.fixed:
        return f"not fixed after {_duration(outage.days)}"
    releases = and_list([_titled_release(release, titles) for release in outage.fixed])
    return f"{releases} fixed it {_duration(outage.days)} later"


def _titled_release(release: str, titles: Mapping[str, str]) -> str:
    """A component and its version, with the component's title."""
    name, _, version = release.partition(" ")
    return f"{titled(titles, name)} {version}"


def _duration(days: float) -> str:
    """``5 hours``, ``28 days``; hours below one day."""
    number, unit = (round(days), "day") if days >= 1 else (round(days * 24), "hour")
    return f"{number} {unit}{'' if number == 1 else 's'}"
