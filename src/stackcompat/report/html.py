"""``index.html``: one self-contained page, which needs no script, no font and no other file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from stackcompat.advice.timeline import Timeline
from stackcompat.core.requirements import version_key
from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import Verdict
from stackcompat.report.text import (
    age,
    crossing_culprits,
    feature_releases,
    frontier_words,
    held_back_pins,
    history_mark,
    history_words,
    island_exclusions,
    island_guide,
    joined_releases,
    where_it_holds,
)
from stackcompat.report.timeline_svg import outage_words, timeline_svg, timeline_words
from stackcompat.resolve.islands import number_islands
from stackcompat.table.accelerators import shown_components
from stackcompat.table.cells import CellRow
from stackcompat.table.components import ComponentRow
from stackcompat.table.exchange import CrossingCell, ExchangeSquare, squares_by_label
from stackcompat.table.failures import FailureGroup, FailureKind, failures_by_kind
from stackcompat.table.frontiers import DatedRelease, FrontierPair, FrontierReason, FrontierRow
from stackcompat.table.islands import names_on_islands
from stackcompat.table.pairs import PairRelease, PairRow
from stackcompat.table.summary import Summary, suspects_of
from stackcompat.table.unpaired import unpaired_reason
from stackcompat.table.vocabulary import POLICIES, SIGNS, Sign, count_words, sign

__all__ = ["html"]

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("stackcompat.report"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)


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
    """Failures of one kind, with the heading, its anchor, and what the kind means (empty: that is plain)."""

    id: str
    title: str
    means: str
    groups: list[FailureGroup]


#: The anchor and heading of each kind of failure, and what it means.
_KINDS: dict[FailureKind, tuple[str, str, str]] = {
    "today": ("broken-today", "In the newest releases", ""),
    "elsewhere": ("broken-elsewhere", "In other combinations", ""),
    "unresolvable": (
        "unresolvable",
        "Cannot be installed together",
        "The declared bounds exclude it, so nothing was run.",
    ),
    "flaky": ("flaky", "Flaky", "Failed and passed, or failed each time differently: neither red nor green."),
    "unknown": (
        "unknown",
        "Could not tell",
        "The machine or the network got in the way, or something else was installed.",
    ),
}


def html(summary: Summary, timelines: Sequence[Timeline] = ()) -> str:
    """The text of the page.

    Args:
        summary: The table.
        timelines: The days that were replayed.
    """
    return _templates.get_template("index.html.j2").render(
        summary=summary,
        timelines=timelines,
        **_pieces(summary),
        **_words(summary),
    )


def _pieces(summary: Summary) -> dict[str, Any]:
    """What the page shows, in the arrangement in which it is shown."""
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
    """The functions and tables that the page takes its words from."""
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
        "suspects_of": lambda group: suspects_of(group, summary),
        "when": lambda moment: _when(moment, summary.generated),
    }


def _when(moment: dt.datetime | None, now: dt.datetime) -> Markup:
    """How long ago, with the exact time to hover over and for programs."""
    if moment is None:
        return Markup()
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(timespec="seconds"), f"{moment:%Y-%m-%d %H:%M} UTC", age(moment, now)
    )


def _by_group(rows: Iterable[ComponentRow]) -> dict[str, list[ComponentRow]]:
    groups: dict[str, list[ComponentRow]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    return groups


def _columns(summary: Summary, cells: Iterable[CellRow]) -> list[ComponentRow]:
    """The components that any of `cells` holds, or was to hold."""
    names = {name for cell in cells for name in (*cell.components, *cell.pins)}
    return [row for row in summary.components if row.name in names]


def _by_policy(cells: Iterable[CellRow]) -> dict[str, dict[str, list[CellRow]]]:
    """Policy, then Python, to cells; all in the order of the summary."""
    policies: dict[str, dict[str, list[CellRow]]] = {}
    for cell in cells:
        policies.setdefault(cell.policy, {}).setdefault(cell.python, []).append(cell)
    return policies


def _culprits_of(crossings: Iterable[CrossingCell]) -> list[tuple[str, bool]]:
    """The culprits of crossings, each set once, and whether it is inferred."""
    sets = [
        (crossing_culprits(crossing.culprits), any(row.inferred for row in crossing.culprits))
        for crossing in crossings
        if crossing.culprits
    ]
    return list(dict.fromkeys(sets))


def _crossing_of(square: ExchangeSquare, writer: str, reader: str) -> CrossingCell | None:
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

    A component that moves with another has none: the other's grids say the same, and the two together are a diagonal.
    """
    followers = {row.name for row in summary.components if row.moves_with}
    return [_grid(pair) for pair in summary.pairs if pair.releases and not followers & {pair.first, pair.second}]


def _grid(pair: PairRow) -> _Grid:
    """The component with more releases goes down, so that grids stay narrow."""
    known = {(release.first_version, release.second_version): release for release in pair.releases}
    first = sorted({version for version, _ in known}, key=version_key, reverse=True)
    second = sorted({version for _, version in known}, key=version_key, reverse=True)
    if len(first) >= len(second):
        return _Grid(pair, pair.first, pair.second, first, second, known)
    turned = {(second_version, first_version): release for (first_version, second_version), release in known.items()}
    return _Grid(pair, pair.second, pair.first, second, first, turned)


def _frontier_table(row: FrontierRow) -> _FrontierTable:
    """The side with more releases goes down."""
    sides = [(row.first, row.first_releases), (row.second, row.second_releases)]
    (down, down_releases), (across, across_releases) = sorted(sides, key=lambda side: -len(side[1]))
    known = {(pair.versions[down], pair.versions[across]): pair for pair in row.pairs}
    columns = list(reversed(across_releases))
    rows = []
    for release in reversed(down_releases):
        cells = [_frontier_cell(known.get((release.version, column.version)), release, column) for column in columns]
        rows.append((release, Markup().join(cells)))
    reasons = [(number, reason) for number, reason in enumerate(row.reasons, start=1) if reason.verdict == "broken"]
    return _FrontierTable(row, down, across, columns, rows, reasons)


def _frontier_cell(pair: FrontierPair | None, down: DatedRelease, across: DatedRelease) -> Markup:
    """One cell, in few bytes: there are thousands.

    Its class is that of the verdict, with an i if it is inferred. A sign of what works or is forbidden says everything
    but whether it is inferred. Any other cell has its releases in a title.

    Args:
        pair: What is known of the two releases; None: metadata forbids them.
        down: The release of the row.
        across: The release of the column.
    """
    if pair is None:
        return Markup("<td class=a>{}</td>").format(sign("unresolvable").glyph)
    mark = sign(pair.verdict)
    kind = {"works": "w", "broken": "b"}.get(pair.verdict, "u") + ("i" if pair.inferred else "")
    if pair.verdict == "works":
        return Markup("<td class={}{}>{}</td>").format(kind, " title=inferred" if pair.inferred else "", mark.glyph)
    word = f"broken at {pair.level}" if pair.verdict == "broken" else mark.word
    title = f"{down.version} + {across.version} {word}{', inferred' if pair.inferred else ''}"
    if pair.verdict == "broken" and pair.reason is not None:
        title += f", reason {pair.reason + 1}"
    return Markup('<td class={} title="{}">{}</td>').format(kind, title, mark.glyph)
