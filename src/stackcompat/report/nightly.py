"""The night's summary for people: Markdown for a job summary, lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from stackcompat.advice.building import because, failure_message
from stackcompat.core.text import and_list, counted, fenced, plain
from stackcompat.nightly.breaks import FailingCells, NewBreak
from stackcompat.nightly.changes import NewestReleases, Night
from stackcompat.nightly.features import LostFeature
from stackcompat.table.vocabulary import count_words, sign

__all__ = ["break_markdown", "night_json", "night_lines", "night_markdown"]

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
    lines += [f"✗ {_finding_of_break(broken)}" for broken in night.new_breaks]
    lines += [f"✗ {_finding(lost.feature, lost)}" for lost in night.lost]
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
            parts += [f"### {heading}", *map(break_markdown, breaks)]
    if night.lost:
        parts += ["## Features lost", *map(_feature, night.lost)]
    if night.fixed:
        lines = [
            f"- on Python {and_list(fixed.pythons)}, {counted(len(fixed.cells), 'cell')}: {plain(fixed.was)}"
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


def _finding_of_break(broken: NewBreak) -> str:
    return _finding(broken.subject or "a set of unknown components", broken)


def _finding(subject: str, failing: FailingCells) -> str:
    """What fails with what, as far as known, why, and what to do until it is mended."""
    return f"{_title(subject, failing)} {because(failure_message(failing.signature))}{_way_back(failing)}"


def _title(subject: str, failing: FailingCells) -> str:
    """What fails with what, as far as known."""
    if failing.culprits:
        doubt = "" if failing.sure else " (not certain)"
        to_blame = {culprit.lower() for culprit in failing.culprits}
        others = [release for release in subject.split(" with ") if release.lower() not in to_blame]
        if not others:  # the releases that fail together are those to blame
            return f"{subject} fails{doubt}"
        return f"{' with '.join(others)} fails with {and_list(failing.culprits)}{doubt}"
    if failing.last_green is not None:
        tests_moved = any(change.kind == "smoke tests" for change in failing.moved)
        return f"{subject} fails {'since the smoke tests changed' if tests_moved else 'though nothing moved'}"
    if failing.is_new_test:
        return f"{subject} fails in a new test, which never passed here,"
    return f"{subject} fails in a test that never passed here" if failing.tests else f"{subject} never worked and fails"


def _way_back(failing: FailingCells) -> str:
    """What to do until it is mended, if one release alone moved since the test last passed; else empty."""
    if len(failing.moved) != 1:
        return ""
    change = failing.moved[0]
    is_release = change.kind == "distribution" and change.before and change.after
    return f"; use {change.name} {change.before}" if is_release else ""


def break_markdown(broken: NewBreak) -> str:
    """A new break with all that is known of it, fit for an issue."""
    heading = f"#### {sign(broken.verdict).glyph} {plain(_finding_of_break(broken))}"
    return "\n\n".join([heading, *_details(broken, broken.moved_by)])


def _feature(lost: LostFeature) -> str:
    return "\n\n".join([f"### {plain(_finding(lost.feature, lost))}", *_details(lost)])


def _details(failing: NewBreak | LostFeature, moved_by: str = "") -> list[str]:
    """The paragraphs about a failure: its signature, its cells, what moved, and the command that reproduces it."""
    where = f"{_cells(len(failing.cells))} on Python {and_list(failing.pythons)}"
    tests = f"; tests: {plain(', '.join(failing.tests[:_MOST_TESTS]))}" if failing.tests else ""
    parts = [fenced(failing.signature), f"{where}, {_last_green(failing)}{tests}"]
    if moved_by:
        parts.append(plain(moved_by))
    if failing.moved:
        moved = ", ".join(
            f"{change.name} {change.before or 'absent'} → {change.after or 'absent'}" for change in failing.moved
        )
        parts.append(f"Changed since then: {plain(moved)}")
    return [*parts, fenced(failing.reproduce)]


def _last_green(failing: FailingCells) -> str:
    """When the failure was not there yet, in words."""
    if failing.last_green:
        return f"last green {failing.last_green:%Y-%m-%d %H:%M}"
    if failing.is_new_test:
        return "new test: it never passed here"
    return "it never passed here" if failing.tests else "never green"


def _counts(night: Night) -> str:
    """How many cells have each verdict, and how many are still broken, undecided, excluded or gone."""
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
    """Whether the newest releases work on one Python, and since when they do not. Days are absolute."""
    newest = f"Python {row.python}: the newest releases that can be installed"
    if row.verdict == "works":
        return f"{newest} work{_held_back(row)}"
    sentence = f"{newest}: {sign(row.verdict).word}"
    worked = "they worked in no run that is known"
    if row.last_worked is not None:
        worked = f"they last worked on {row.last_worked:%Y-%m-%d}"
    since = f"; by upload times broken since {row.broken_since:%Y-%m-%d %H:%M}" if row.broken_since else ""
    return f"{sentence}; {worked}{since}"


def _held_back(row: NewestReleases) -> str:
    """The words for releases that are not the newest ones, and what holds them back; empty without any."""
    if not row.held_back:
        return ""
    held = [f"{held.name} at {held.got} and not {held.newest} by {held.by}" for held in row.held_back]
    return f", held back: {'; '.join(held)}"
