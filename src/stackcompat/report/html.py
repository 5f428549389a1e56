"""``index.html``: one self-contained page, which needs no script, no font and no other file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import jinja2
from markupsafe import Markup

from stackcompat.advice.timeline import Timeline
from stackcompat.core.requirements import version_key
from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import Verdict
from stackcompat.report.text import (
    accused,
    age,
    alone,
    held_pins,
    island_key,
    island_names,
    kept_off,
    limited,
    pair_on,
    spark,
    together,
    told_frontier,
    told_history,
)
from stackcompat.report.timeline_svg import break_words, days_words, strip
from stackcompat.resolve.islands import number_islands
from stackcompat.table.cells import CellRow
from stackcompat.table.components import ComponentRow
from stackcompat.table.exchange import CrossingCell, ExchangeSquare
from stackcompat.table.failures import FailureGroup
from stackcompat.table.frontiers import DatedRelease, FrontierPair, FrontierReason, FrontierRow
from stackcompat.table.pairs import PairRelease, PairRow
from stackcompat.table.summary import Summary, suspects_of
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
    """Every combination of two components that was tried, newest releases first."""

    pair: PairRow
    down: str
    across: str
    rows: list[str]
    columns: list[str]
    known: Mapping[tuple[str, str], PairRelease]


class _Square(NamedTuple):
    """A frontier as a table, newest releases first: head cells, and for each row its release and its cells."""

    frontier: FrontierRow
    down: str
    across: str
    columns: list[DatedRelease]
    rows: list[tuple[DatedRelease, Markup]]
    reasons: list[tuple[int, FrontierReason]]


class _Section(NamedTuple):
    """Failures of one kind."""

    id: str
    title: str
    means: str
    groups: list[FailureGroup]


def html(summary: Summary, days: Sequence[Timeline] = ()) -> str:
    """The text of the page; `days` are the timelines that it shows."""
    columns = summary.square()
    shores = number_islands(summary.islands)
    followers = {row.name for row in summary.components if row.moves_with}
    pairs = {frozenset((pair.first, pair.second)): pair for pair in summary.pairs}
    return _templates.get_template("index.html.j2").render(
        summary=summary,
        titles=summary.titles(),
        columns=columns,
        held_today=[row for row in columns if any(row.name in one.versions for one in summary.today)],
        groups=_by_group(summary.components),
        pair=lambda one, other: pairs.get(frozenset((one, other))),
        sections=_sections(summary.failures),
        failures={group.id: group for group in summary.failures},
        cells={cell.id: cell for cell in summary.cells},
        policies=_by_policy(summary.cells),
        columns_of=lambda cells: _columns(summary, cells),
        # Of what moves with another, that other's grids tell; together the two have nothing but a diagonal.
        grids=[_grid(pair) for pair in summary.pairs if pair.releases and not followers & {pair.first, pair.second}],
        days=days,
        strip=strip,
        days_words=days_words,
        break_words=break_words,
        squares=[_square(row) for row in summary.frontiers],
        told_frontier=told_frontier,
        strangers=[pair for pair in summary.pairs if not pair.releases],
        legend=_legend(),
        tally=_tally(summary.counts),
        meanings=POLICIES,
        sign=sign,
        spark=spark,
        told_history=told_history,
        together=together,
        shores=shores,
        island_names=island_names(shores, summary.titles()),
        kept_off=kept_off(shores, summary.titles()),
        island_key=island_key(shores, summary.titles()),
        alone=lambda row: alone(row, summary),
        driving=[row for row in summary.components if any(row.name in one.versions for one in summary.accelerators)],
        held_pins=held_pins,
        limited=lambda row: limited(row, summary),
        when=lambda moment: _when(moment, summary.generated),
        who=lambda group: suspects_of(group, summary),
        pair_on=pair_on,
        exchanges=_by_square(summary.exchanges),
        accusations=_accusations,
        crossing=lambda square, writer, reader: next(
            (c for c in square.crossings if (c.writer, c.reader) == (writer.cell, reader.cell)), None
        ),
        and_list=and_list,
        count_words=count_words,
    )


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
    """The components that some of `cells` hold, or were to hold."""
    names = {name for cell in cells for name in (*cell.components, *cell.pins)}
    return [row for row in summary.components if row.name in names]


def _by_policy(cells: Iterable[CellRow]) -> dict[str, dict[str, list[CellRow]]]:
    """Policy, then Python, to cells; all in the order of the summary."""
    policies: dict[str, dict[str, list[CellRow]]] = {}
    for cell in cells:
        policies.setdefault(cell.policy, {}).setdefault(cell.python, []).append(cell)
    return policies


def _accusations(crossings: Iterable[CrossingCell]) -> list[tuple[str, bool]]:
    """Who is to blame in some of the crossings, each set once, and whether it is inferred."""
    told = ((accused(one.culprits), any(c.inferred for c in one.culprits)) for one in crossings if one.culprits)
    return list(dict.fromkeys(told))


def _by_square(squares: Iterable[ExchangeSquare]) -> dict[str, list[ExchangeSquare]]:
    """Label to squares, those that are not green throughout first."""
    found: dict[str, list[ExchangeSquare]] = {}
    for square in sorted(squares, key=lambda square: square.verdict == "works"):
        found.setdefault(square.square, []).append(square)
    return found


def _legend() -> list[tuple[Sign, str]]:
    """Each sign with what it means; verdicts that share a sign share an entry."""
    found: dict[str, tuple[Sign, list[str]]] = {}
    for said in SIGNS.values():
        found.setdefault(said.glyph, (said, []))[1].append(said.means)
    return [(said, ", or ".join(means)) for said, means in found.values()]


def _tally(counts: Mapping[Verdict, int]) -> list[tuple[Sign, int]]:
    """How many cells have each sign, in the order of the legend."""
    tally: dict[str, tuple[Sign, int]] = {}
    for verdict, said in SIGNS.items():
        if counts.get(verdict):
            tally[said.glyph] = (said, tally.get(said.glyph, (said, 0))[1] + counts[verdict])
    return list(tally.values())


def _sections(groups: Iterable[FailureGroup]) -> list[_Section]:
    """What is broken: in the newest releases first, then elsewhere, then what is not broken but not green either."""
    kinds = {
        "today": _Section("broken-today", "In the newest releases", "", []),
        "red": _Section("broken-elsewhere", "In other combinations", "", []),
        "unresolvable": _Section(
            "unresolvable", "Cannot be installed together", "The declared bounds exclude it, so nothing was run.", []
        ),
        "flaky": _Section(
            "flaky", "Flaky", "Failed and passed, or failed each time differently: neither red nor green.", []
        ),
        "unknown": _Section(
            "unknown",
            "Could not tell",
            "The machine or the network got in the way, or something else was installed.",
            [],
        ),
    }
    for group in groups:
        if group.verdict in ("broken", "uninstallable"):
            kinds["today" if group.today else "red"].groups.append(group)
        else:
            kinds.get(group.verdict, kinds["unknown"]).groups.append(group)
    return [section for section in kinds.values() if section.groups]


def _grid(pair: PairRow) -> _Grid:
    """The component with more releases goes down, so that grids stay narrow."""
    known = {(one.first_version, one.second_version): one for one in pair.releases}
    first = sorted({version for version, _ in known}, key=version_key, reverse=True)
    second = sorted({version for _, version in known}, key=version_key, reverse=True)
    if len(first) >= len(second):
        return _Grid(pair, pair.first, pair.second, first, second, known)
    turned = {(b, a): one for (a, b), one in known.items()}
    return _Grid(pair, pair.second, pair.first, second, first, turned)


def _square(row: FrontierRow) -> _Square:
    """The side with more releases goes down."""
    sides = [(row.first, row.first_releases), (row.second, row.second_releases)]
    (down, lines), (across, columns) = sorted(sides, key=lambda side: -len(side[1]))
    known = {(pair.versions[down], pair.versions[across]): pair for pair in row.pairs}
    wide = list(reversed(columns))
    return _Square(
        frontier=row,
        down=down,
        across=across,
        columns=wide,
        rows=[
            (line, Markup().join(_mark(known.get((line.version, column.version)), line, column) for column in wide))
            for line in reversed(lines)
        ],
        reasons=[(number, one) for number, one in enumerate(row.reasons, start=1) if one.verdict == "broken"],
    )


def _mark(pair: FrontierPair | None, down: DatedRelease, across: DatedRelease) -> Markup:
    """One cell, in few bytes: there are thousands. Its class is that of the verdict, with an i if it is inferred.

    The signs of what works or is forbidden say all but whether it is inferred; any other has its releases in a title.
    """
    if pair is None:
        return Markup("<td class=a>{}</td>").format(sign("unresolvable").glyph)
    said = sign(pair.verdict)
    kind = {"works": "w", "broken": "b"}.get(pair.verdict, "u") + "i" * pair.inferred
    if pair.verdict == "works":
        return Markup("<td class={}{}>{}</td>").format(kind, " title=inferred" * pair.inferred, said.glyph)
    word = f"broken at {pair.level}" if pair.verdict == "broken" else said.word
    title = f"{down.version} + {across.version} {word}{', inferred' * pair.inferred}"
    title += f", reason {pair.reason + 1}" if pair.verdict == "broken" and pair.reason is not None else ""
    return Markup('<td class={} title="{}">{}</td>').format(kind, title, said.glyph)
