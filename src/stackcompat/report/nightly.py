"""The night's summary for people: Markdown for a job summary, lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from stackcompat.core.text import and_list, fenced, plain
from stackcompat.nightly.changes import Lost, NewBreak, NewestHere, Night
from stackcompat.table.vocabulary import count_words, sign

__all__ = ["night_json", "night_lines", "night_markdown"]

_MOST_RELEASES = 40


_MOST_FORECASTS = 10


def night_json(night: Night) -> str:
    """The night for programs."""
    return night.model_dump_json(by_alias=False, indent=1) + "\n"


def night_lines(night: Night) -> tuple[str, ...]:
    """The night for a terminal, most important first."""
    lines = [night.sentence]
    lines += [f"✗ {_title(one)}: {one.signature}" for one in night.new_breaks]
    lines += [f"✗ {_lost_title(one)}: {one.signature}" for one in night.lost]
    lines += [f"✓ fixed on Python {and_list(one.pythons)}: {one.was}" for one in night.fixed]
    lines.append(_counts(night))
    lines += [_newest(one) for one in night.newest]
    return tuple(lines)


def night_markdown(night: Night) -> str:
    """The text of ``NIGHT.md``."""
    parts = [f"# Night of {night.started:%Y-%m-%d}, {plain(night.matrix)}", f"**{plain(night.sentence)}**"]
    if night.new_breaks:
        parts.append("## New breaks")
        for names, broken in groupby(night.new_breaks, key=lambda one: one.culprits):
            parts += [f"### {plain(and_list(names)) if names else 'Nobody known'}", *map(_break, broken)]
    if night.lost:
        parts += ["## Features lost", *map(_lost, night.lost)]
    if night.fixed:
        lines = [
            f"- on Python {and_list(one.pythons)}, {len(one.cells)} cells: {plain(one.was)}" for one in night.fixed
        ]
        parts += ["## Fixed", "\n".join(lines)]
    parts += ["## All cells", plain(_counts(night))]
    if night.unknown:
        lines = [f"- {_cells(one.cells)}: {plain(one.why)}" for one in night.unknown]
        parts += ["### Could not tell", "\n".join(lines)]
    if night.new_releases:
        parts += ["## New releases seen", "\n".join(_releases(night))]
    if night.newest:
        parts += ["## The newest of everything", "\n".join(f"- {plain(_newest(one))}" for one in night.newest)]
    if night.next_breaks:
        lines = [f"- {plain(one.sentence())}" for one in night.next_breaks[:_MOST_FORECASTS]]
        parts += ["## The next likely breaks", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _cells(number: int) -> str:
    return f"{number} {'cell' if number == 1 else 'cells'}"


def _title(one: NewBreak) -> str:
    """Whose release did it, as far as is known."""
    if one.culprits:
        return f"{and_list(one.culprits)}{'' if one.sure else ' (among what moved)'} breaks {one.subject or 'it'}"
    return f"{one.subject or 'somebody'}, never seen to work"


def _lost_title(one: Lost) -> str:
    return f"{and_list(one.culprits)} breaks {one.feature}" if one.culprits else f"{one.feature}, never seen to work"


def _break(one: NewBreak) -> str:
    return "\n\n".join([f"#### {sign(one.verdict).glyph} {plain(_title(one))}", *_told(one, one.moved_by)])


def _lost(one: Lost) -> str:
    return "\n\n".join([f"### {plain(_lost_title(one))}", *_told(one)])


def _told(one: NewBreak | Lost, more: str = "") -> list[str]:
    lines = [
        fenced(one.signature),
        f"{_cells(len(one.cells))} on Python {and_list(one.pythons)}"
        + (f", last green {one.last_green:%Y-%m-%d %H:%M}" if one.last_green else ", never green")
        + (f"; tests: {plain(', '.join(one.tests[:3]))}" if one.tests else ""),
    ]
    if more:
        lines.append(plain(more))
    if one.moved:
        moved = ", ".join(f"{m.name} {m.before or 'absent'} → {m.after or 'absent'}" for m in one.moved)
        lines.append(f"Moved since then: {plain(moved)}")
    return [*lines, fenced(one.reproduce)]


def _counts(night: Night) -> str:
    parts = [f"{night.still_broken} still broken", f"{night.could_not_tell} could not tell"]
    parts += [f"{night.excluded} excluded by declared bounds"] if night.excluded else []
    parts += [f"{night.gone} no longer asked for"] if night.gone else []
    return f"{count_words(night.counts)}. Of these {', '.join(parts)}."


def _releases(night: Night) -> Iterator[str]:
    for one in night.new_releases[:_MOST_RELEASES]:
        when = f"uploaded {one.uploaded:%Y-%m-%d %H:%M}" if one.uploaded else "upload time unknown"
        yield f"- {plain(one.name)} {plain(one.version)}, {when}"
    if len(night.new_releases) > _MOST_RELEASES:
        yield f"- and {len(night.new_releases) - _MOST_RELEASES} more"


def _newest(one: NewestHere) -> str:
    said = f"Python {one.python}: the newest of everything, {sign(one.verdict).word}"
    if one.verdict == "works":
        return said
    worked = (
        f"last worked {one.days} {'day' if one.days == 1 else 'days'} ago"
        if one.days is not None
        else "not seen to work in any run that is known"
    )
    since = f"; by upload times broken since {one.broken_since:%Y-%m-%d %H:%M}" if one.broken_since else ""
    return f"{said}; {worked}{since}"
