"""The night's summary for people: Markdown for a job summary, lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from stackcompat.core.text import and_list, fenced, plain
from stackcompat.nightly.breaks import NewBreak
from stackcompat.nightly.changes import NewestReleases, Night
from stackcompat.nightly.features import LostFeature
from stackcompat.table.vocabulary import count_words, sign

__all__ = ["night_json", "night_lines", "night_markdown"]

_MOST_RELEASES = 40


_MOST_FORECASTS = 10


#: The most tests of a failure that are named.
_MOST_TESTS = 3


def night_json(night: Night) -> str:
    """The night for programs."""
    return night.model_dump_json(by_alias=False, indent=1) + "\n"


def night_lines(night: Night) -> tuple[str, ...]:
    """The night for a terminal, most important first."""
    lines = [night.sentence]
    lines += [f"✗ {_break_title(broken)}: {broken.signature}" for broken in night.new_breaks]
    lines += [f"✗ {_feature_title(lost)}: {lost.signature}" for lost in night.lost]
    lines += [f"✓ fixed on Python {and_list(fixed.pythons)}: {fixed.was}" for fixed in night.fixed]
    lines.append(_counts(night))
    lines += [_newest(row) for row in night.newest]
    return tuple(lines)


def night_markdown(night: Night) -> str:
    """The text of ``NIGHT.md``."""
    parts = [f"# Night of {night.started:%Y-%m-%d}, {plain(night.matrix)}", f"**{plain(night.sentence)}**"]
    if night.new_breaks:
        parts.append("## New breaks")
        for culprits, breaks in groupby(night.new_breaks, key=lambda broken: broken.culprits):
            heading = plain(and_list(culprits)) if culprits else "Culprit unknown"
            parts += [f"### {heading}", *map(_break, breaks)]
    if night.lost:
        parts += ["## Features lost", *map(_feature, night.lost)]
    if night.fixed:
        lines = [
            f"- on Python {and_list(fixed.pythons)}, {len(fixed.cells)} cells: {plain(fixed.was)}"
            for fixed in night.fixed
        ]
        parts += ["## Fixed", "\n".join(lines)]
    parts += ["## All cells", plain(_counts(night))]
    if night.unknown:
        lines = [f"- {_cells(reason.cells)}: {plain(reason.why)}" for reason in night.unknown]
        parts += ["### Could not tell", "\n".join(lines)]
    if night.new_releases:
        parts += ["## New releases seen", "\n".join(_releases(night))]
    if night.newest:
        parts += ["## The newest releases", "\n".join(f"- {plain(_newest(row))}" for row in night.newest)]
    if night.next_breaks:
        lines = [f"- {plain(forecast.sentence())}" for forecast in night.next_breaks[:_MOST_FORECASTS]]
        parts += ["## The next likely breaks", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _cells(number: int) -> str:
    return f"{number} {'cell' if number == 1 else 'cells'}"


def _break_title(broken: NewBreak) -> str:
    """Whose release did it, as far as is known."""
    if not broken.culprits:
        return f"{broken.subject or 'unknown components'}: never worked"
    doubt = "" if broken.sure else " (one of several changes)"
    return f"{and_list(broken.culprits)}{doubt} breaks {broken.subject or 'it'}"


def _feature_title(lost: LostFeature) -> str:
    if not lost.culprits:
        return f"{lost.feature}: never worked"
    return f"{and_list(lost.culprits)} breaks {lost.feature}"


def _break(broken: NewBreak) -> str:
    heading = f"#### {sign(broken.verdict).glyph} {plain(_break_title(broken))}"
    return "\n\n".join([heading, *_details(broken, broken.moved_by)])


def _feature(lost: LostFeature) -> str:
    return "\n\n".join([f"### {plain(_feature_title(lost))}", *_details(lost)])


def _details(failing: NewBreak | LostFeature, moved_by: str = "") -> list[str]:
    """The paragraphs about a failure: its words, where it is, what moved, and the command that shows it again."""
    where = f"{_cells(len(failing.cells))} on Python {and_list(failing.pythons)}"
    green = f"last green {failing.last_green:%Y-%m-%d %H:%M}" if failing.last_green else "never green"
    tests = f"; tests: {plain(', '.join(failing.tests[:_MOST_TESTS]))}" if failing.tests else ""
    parts = [fenced(failing.signature), f"{where}, {green}{tests}"]
    if moved_by:
        parts.append(plain(moved_by))
    if failing.moved:
        moved = ", ".join(
            f"{change.name} {change.before or 'absent'} → {change.after or 'absent'}" for change in failing.moved
        )
        parts.append(f"Changed since then: {plain(moved)}")
    return [*parts, fenced(failing.reproduce)]


def _counts(night: Night) -> str:
    parts = [f"{night.still_broken} still broken", f"{night.could_not_tell} could not tell"]
    parts += [f"{night.excluded} excluded by declared bounds"] if night.excluded else []
    parts += [f"{night.gone} no longer in the matrix"] if night.gone else []
    return f"{count_words(night.counts)}. Of these {', '.join(parts)}."


def _releases(night: Night) -> Iterator[str]:
    for release in night.new_releases[:_MOST_RELEASES]:
        when = f"uploaded {release.uploaded:%Y-%m-%d %H:%M}" if release.uploaded else "upload time unknown"
        yield f"- {plain(release.name)} {plain(release.version)}, {when}"
    if len(night.new_releases) > _MOST_RELEASES:
        yield f"- and {len(night.new_releases) - _MOST_RELEASES} more"


def _newest(row: NewestReleases) -> str:
    newest = f"Python {row.python}: the newest releases that can be installed"
    if row.verdict == "works":
        return f"{newest} work"
    sentence = f"{newest}: {sign(row.verdict).word}"
    worked = "they worked in no run that is known"
    if row.days is not None:
        worked = f"they last worked {row.days} {'day' if row.days == 1 else 'days'} ago"
    since = f"; by upload times broken since {row.broken_since:%Y-%m-%d %H:%M}" if row.broken_since else ""
    return f"{sentence}; {worked}{since}"
