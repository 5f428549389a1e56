"""``index.html``: one self-contained page, which needs no script, no font and no other file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from stackcompat.advice.timeline import Timeline
from stackcompat.core.folders import default_cache
from stackcompat.core.requirements import version_key
from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import LEVELS, Level, Verdict
from stackcompat.report.depth_text import depth_lines, shallow_levels
from stackcompat.report.failure_text import failure_sentence, own_tests_note
from stackcompat.report.frontier_text import frontier_words
from stackcompat.report.history_text import history_mark, history_words
from stackcompat.report.island_text import island_exclusions, island_guide
from stackcompat.report.release_text import (
    crossing_culprits,
    feature_releases,
    held_back_pins,
    joined_releases,
    where_it_holds,
)
from stackcompat.report.timeline_svg import outage_words, timeline_svg, timeline_words
from stackcompat.resolve.island_rows import number_islands
from stackcompat.table.accelerators import shown_components
from stackcompat.table.cells import CellRow
from stackcompat.table.components import ComponentRow
from stackcompat.table.exchange import ArtifactSquare, CrossingCell, squares_by_label
from stackcompat.table.failures import FailureGroup, FailureKind, failures_by_kind
from stackcompat.table.frontiers import DatedRelease, FrontierPair, FrontierReason, FrontierRow
from stackcompat.table.islands import names_on_islands
from stackcompat.table.pairs import PairRelease, PairRow
from stackcompat.table.summary import Summary
from stackcompat.table.unpaired import unpaired_reason
from stackcompat.table.vocabulary import POLICIES, SIGNS, Sign, count_words, sign

__all__ = ["compiled_templates", "html"]


class _Grid(NamedTuple):
    """Every combination of two components that was tried, newest releases first.

    Attributes:
        pair: The components.
        down: The one whose releases are the rows.
        across: The one whose releases are the columns.
        rows: The releases of `down`.
        columns: The releases of `across`.
        known: What is known of a release of `down` with one of `across`.
    """

    pair: PairRow
    down: str
    across: str
    rows: list[str]
    columns: list[str]
    known: Mapping[tuple[str, str], PairRelease]


class _FrontierTable(NamedTuple):
    """A frontier as a table, newest releases first.

    Attributes:
        frontier: The frontier.
        down: The component whose releases are the rows.
        across: The component whose releases are the columns.
        columns: The releases of `across`.
        rows: Each release of `down`, with the cells of its row.
        reasons: The reasons why pairs are broken, each with its number.
    """

    frontier: FrontierRow
    down: str
    across: str
    columns: list[DatedRelease]
    rows: list[tuple[DatedRelease, Markup]]
    reasons: list[tuple[int, FrontierReason]]


class _Section(NamedTuple):
    """The failures of one kind, with an anchor, a heading, and a sentence about the kind (can be empty)."""

    id: str
    title: str
    means: str
    groups: list[FailureGroup]


#: The anchor and the heading of each kind of failure, and a sentence about it.
_KINDS: dict[FailureKind, tuple[str, str, str]] = {
    "today": ("broken-today", "In the newest releases", ""),
    "elsewhere": ("broken-elsewhere", "In other combinations", ""),
    "unresolvable": (
        "unresolvable",
        "Cannot be installed together",
        "The declared bounds exclude it, so nothing was run.",
    ),
    "own tests": (
        "own-tests",
        "Releases' own tests",
        "Tests that a release ships, which passed when it was new. A note about the release: no set is broken by it.",
    ),
    "flaky": ("flaky", "Flaky", "Failed and passed, or failed each time differently: neither red nor green."),
    "unknown": (
        "unknown",
        "Could not tell",
        "The machine or the network got in the way, or something else was installed.",
    ),
}


#: The sign of a pair that is not known to work up to the level of its frontier, only up to a shallower one.
SHALLOW = "\N{WHITE CIRCLE}"


def html(summary: Summary, timelines: Sequence[Timeline] = ()) -> str:
    """The text of the page.

    Args:
        summary: The table.
        timelines: The replayed past, on each Python.
    """
    return (
        _templates()
        .get_template("index.html.j2")
        .render(
            summary=summary,
            timelines=timelines,
            **_pieces(summary),
            **_words(summary),
        )
    )


@cache
def _templates() -> jinja2.Environment:
    """The templates."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("stackcompat.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        bytecode_cache=compiled_templates(),
    )


def compiled_templates() -> jinja2.BytecodeCache | None:
    """What templates compile to, since that takes longer than to render a small table; None: nothing can be kept."""
    folder = default_cache() / "templates"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return jinja2.FileSystemBytecodeCache(str(folder), f"{jinja2.__version__}-%s.cache")


def _pieces(summary: Summary) -> dict[str, Any]:
    """The data of the page, grouped and sorted as the page shows it."""
    columns = summary.square()
    islands = number_islands(summary.islands)
    exchanges = sorted(summary.exchanges, key=lambda square: square.verdict == "works")
    return {
        "columns": columns,
        "today_columns": [row for row in columns if any(row.name in cell.versions for cell in summary.today)],
        "groups": _by_group(summary.components),
        "sections": _sections(summary.failures),
        "failures": {group.id: group for group in summary.failures},
        "cells": {cell.id: cell for cell in summary.cells},
        "policies": _by_policy(summary.cells),
        "grids": _grids(summary),
        "frontier_tables": [_frontier_table(row) for row in summary.frontiers],
        "never_tested_pairs": [pair for pair in summary.pairs if not pair.releases],
        "legend": _legend(),
        "tally": _tally(summary.counts),
        "islands": islands,
        "names_on_islands": names_on_islands(islands, summary.titles()),
        "island_exclusions": island_exclusions(islands, summary.titles()),
        "island_guide": island_guide(islands, summary.titles()),
        "accelerator_columns": shown_components(summary.components, summary.accelerators),
        "exchanges": squares_by_label(exchanges),
    }


def _words(summary: Summary) -> dict[str, Any]:
    """The functions and tables from which the page takes its words."""
    pairs = summary.pairs_by_names()
    return {
        "titles": summary.titles(),
        "meanings": POLICIES,
        "sign": sign,
        "and_list": and_list,
        "count_words": count_words,
        "history_mark": history_mark,
        "history_words": history_words,
        "joined_releases": joined_releases,
        "depth_lines": depth_lines,
        "shallow_levels": shallow_levels,
        "frontier_words": frontier_words,
        "timeline_svg": timeline_svg,
        "timeline_words": timeline_words,
        "outage_words": outage_words,
        "held_back_pins": held_back_pins,
        "where_it_holds": where_it_holds,
        "culprits_of": _culprits_of,
        "crossing_of": _crossing_of,
        "pair_of": lambda first, second: pairs.get(frozenset((first, second))),
        "columns_of": lambda cells: _columns(summary, cells),
        "unpaired_reason": lambda row: unpaired_reason(row, summary),
        "feature_releases": lambda row: feature_releases(row, summary),
        "failure_words": lambda group: _failure_words(group, summary),
        "when": _when,
    }


def _when(moment: dt.datetime | None) -> Markup:
    """A day as an HTML element with the exact time. A script of the page adds the age on the day of reading."""
    if moment is None:
        return Markup()
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(timespec="seconds"), f"{moment:%Y-%m-%d %H:%M} UTC", f"{moment:%Y-%m-%d}"
    )


def _failure_words(group: FailureGroup, summary: Summary) -> str:
    """The sentence on a failure; of tests that a release ships, the note about the release."""
    if group.level == "upstream":
        return own_tests_note(group, summary)
    return failure_sentence(group, summary)


def _by_group(rows: Iterable[ComponentRow]) -> dict[str, list[list[ComponentRow]]]:
    """The lines of the table under each group's title: a component, or all that no cell has for the same reason."""
    groups: dict[str, list[list[ComponentRow]]] = {}
    never_run: dict[tuple[str, str, tuple[str, ...]], list[ComponentRow]] = {}
    for row in rows:
        lines = groups.setdefault(row.group, [])
        if row.newest:
            lines.append([row])
            continue
        line = never_run.setdefault((row.group, row.blocker, tuple(row.hardware)), [])
        if not line:
            lines.append(line)
        line.append(row)
    return groups


def _columns(summary: Summary, cells: Iterable[CellRow]) -> list[ComponentRow]:
    """The components that any of `cells` has, or that a cell without a lock was meant to have."""
    names = {name for cell in cells for name in (*cell.components, *cell.pins)}
    return [row for row in summary.components if row.name in names]


def _by_policy(cells: Iterable[CellRow]) -> dict[str, dict[str, list[CellRow]]]:
    """The cells by policy, then by Python, in the order of the summary."""
    policies: dict[str, dict[str, list[CellRow]]] = {}
    for cell in cells:
        policies.setdefault(cell.policy, {}).setdefault(cell.python, []).append(cell)
    return policies


def _culprits_of(crossings: Iterable[CrossingCell]) -> list[tuple[str, bool]]:
    """The sets of culprits of crossings, each once and with whether it is inferred."""
    sets = [
        (crossing_culprits(crossing.culprits), any(row.inferred for row in crossing.culprits))
        for crossing in crossings
        if crossing.culprits
    ]
    return list(dict.fromkeys(sets))


def _crossing_of(square: ArtifactSquare, writer: str, reader: str) -> CrossingCell | None:
    """The crossing between two environments (ids of cells) of a square."""
    return next((cell for cell in square.crossings if (cell.writer, cell.reader) == (writer, reader)), None)


def _legend() -> list[tuple[Sign, str]]:
    """Each sign with what it means; verdicts that share a sign share an entry."""
    entries: dict[str, tuple[Sign, list[str]]] = {}
    for mark in SIGNS.values():
        entries.setdefault(mark.glyph, (mark, []))[1].append(mark.means)
    return [(mark, ", or ".join(means)) for mark, means in entries.values()]


def _tally(counts: Mapping[Verdict, int]) -> list[tuple[Sign, int]]:
    """How many cells have each sign, in the order of the legend."""
    tally: dict[str, tuple[Sign, int]] = {}
    for verdict, mark in SIGNS.items():
        if counts.get(verdict):
            _, number = tally.get(mark.glyph, (mark, 0))
            tally[mark.glyph] = (mark, number + counts[verdict])
    return list(tally.values())


def _sections(groups: Iterable[FailureGroup]) -> list[_Section]:
    """A section for each kind of failure that there is."""
    return [_Section(*_KINDS[kind], of_kind) for kind, of_kind in failures_by_kind(groups).items() if of_kind]


def _grids(summary: Summary) -> list[_Grid]:
    """A grid for each pair that was tried.

    A component that moves with another has no grid. The grids of the other say the same, and a grid of the two would be
    a diagonal.
    """
    followers = {row.name for row in summary.components if row.moves_with}
    return [_grid(pair) for pair in summary.pairs if pair.releases and not followers & {pair.first, pair.second}]


def _grid(pair: PairRow) -> _Grid:
    """The grid of a pair. The component with more releases has the rows, so that the grid stays narrow."""
    known = {(release.first_version, release.second_version): release for release in pair.releases}
    first = sorted({version for version, _ in known}, key=version_key, reverse=True)
    second = sorted({version for _, version in known}, key=version_key, reverse=True)
    if len(first) >= len(second):
        return _Grid(pair, pair.first, pair.second, first, second, known)
    turned = {(second_version, first_version): release for (first_version, second_version), release in known.items()}
    return _Grid(pair, pair.second, pair.first, second, first, turned)


def _frontier_table(row: FrontierRow) -> _FrontierTable:
    """The table of a frontier. The side with more releases has the rows."""
    sides = [(row.first, row.first_releases), (row.second, row.second_releases)]
    (down, down_releases), (across, across_releases) = sorted(sides, key=lambda side: -len(side[1]))
    known = {(pair.versions[down], pair.versions[across]): pair for pair in row.pairs}
    columns = list(reversed(across_releases))
    rows = []
    for release in reversed(down_releases):
        pairs = [known.get((release.version, column.version)) for column in columns]
        cells = [_frontier_cell(pair, release, column, row.level) for pair, column in zip(pairs, columns, strict=True)]
        rows.append((release, Markup().join(cells)))
    reasons = [(number, reason) for number, reason in enumerate(row.reasons, start=1) if reason.verdict == "broken"]
    return _FrontierTable(row, down, across, columns, rows, reasons)


def _frontier_cell(pair: FrontierPair | None, down: DatedRelease, across: DatedRelease, level: Level) -> Markup:
    """One cell of a frontier's table, in few bytes, because there are thousands of them.

    The class is a letter for the verdict, followed by an i if the verdict is inferred. The cell of a pair that works or
    that metadata forbids has no title with its releases. Any other cell has one.

    Args:
        pair: What is known of the two releases; None: metadata forbids them.
        down: The release of the row.
        across: The release of the column.
        level: The level of the frontier. A pair that works up to a shallower one is no pass there.
    """
    if pair is None:
        return Markup("<td class=a>{}</td>").format(sign("unresolvable").glyph)
    mark = sign(pair.verdict)
    kind = {"works": "w", "broken": "b"}.get(pair.verdict, "u") + ("i" if pair.inferred else "")
    if pair.verdict == "works" and LEVELS.index(pair.level) < LEVELS.index(level):
        inferred = ", inferred" if pair.inferred else ""
        return Markup('<td class={} title="up to {}{}">{}</td>').format(
            kind.replace("w", "s"), pair.level, inferred, SHALLOW
        )
    if pair.verdict == "works":
        return Markup("<td class={}{}>{}</td>").format(kind, " title=inferred" if pair.inferred else "", mark.glyph)
    word = f"broken at {pair.level}" if pair.verdict == "broken" else mark.word
    title = f"{down.version} + {across.version} {word}{', inferred' if pair.inferred else ''}"
    if pair.verdict == "broken" and pair.reason is not None:
        title += f", reason {pair.reason + 1}"
    return Markup('<td class={} title="{}">{}</td>').format(kind, title, mark.glyph)
