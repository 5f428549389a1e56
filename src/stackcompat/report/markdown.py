"""``COMPATIBILITY.md``: the headline, the table of pairs and the worst breaks, short enough to stand in a README."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stackcompat.core.requirements import python_key
from stackcompat.core.text import and_list, plain
from stackcompat.report.text import (
    feature_releases,
    frontier_words,
    held_back_pins,
    island_exclusions,
    island_guide,
    joined_releases,
    where_it_holds,
    working_partners,
)
from stackcompat.resolve.islands import number_islands
from stackcompat.table.accelerators import shown_components
from stackcompat.table.exchange import CrossingCell, ExchangeSquare, squares_by_label
from stackcompat.table.failures import FailureGroup, failures_by_kind
from stackcompat.table.frontiers import FrontierRow
from stackcompat.table.islands import names_on_islands
from stackcompat.table.pairs import PairRow
from stackcompat.table.pinned import PinAnswer
from stackcompat.table.summary import Summary, suspects_of
from stackcompat.table.unpaired import unpaired_reason, unpaired_rows
from stackcompat.table.vocabulary import SIGNS, sign, titled

__all__ = ["markdown"]

_MOST_BREAKS = 15


#: The newest releases of each side of a frontier that are shown.
_NEWEST_FEW = 3


_INTRODUCTION = (
    "Every verdict comes from a test, and untested is not green. A cell is one combination of versions. The [full "
    "table](index.html) has every cell with the command that reproduces it; programs read [compat.json](compat.json)."
)


_ISLANDS = (
    "Some newest releases exclude each other by their declared bounds. An island is a largest set that an installer "
    "takes together; whether it works is another question. ▼: not the newest release."
)


_AS_OF = (
    "Each pair was tested with the other packages of the day on which the later of the two was uploaded. The page has "
    "[every pair](index.html#frontiers)."
)


_EXCHANGES = (
    "Rows: the environment that wrote. Columns: the environment that reads. P: the component promises that it can."
)


def markdown(summary: Summary) -> str:
    """The text of the file."""
    parts = [
        "# Compatibility",
        f"**{plain(summary.headline)}**",
        _INTRODUCTION,
        "## The newest releases, two by two",
        _square(summary),
        _legend(),
        *_components(summary),
        *_pinned(summary),
        *_accelerators(summary),
        *_islands(summary),
        *_breaks(summary),
        *_features(summary),
        *_frontiers(summary),
        *_exchanges(summary),
        *_untested(summary),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _square(summary: Summary) -> str:
    """The table of pairs at their newest releases, of the components that some test exercises."""
    rows = summary.square()
    pairs = summary.pairs_by_names()
    lines = [
        ["", *(f"{plain(row.title)}<br>{row.newest}" for row in rows)],
        [":--", *(":-:" for _ in rows)],
    ]
    for row in rows:
        cells = [_pair(pairs.get(frozenset((row.name, other.name)))) if row != other else "" for other in rows]
        lines.append([f"**{plain(row.title)}** {row.newest}", *cells])
    return _table(lines)


def _table(lines: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _pair(pair: PairRow | None) -> str:
    if pair is None:
        return f"{sign('untested').glyph}"
    where = where_it_holds(pair)
    notes: list[str] = [pair.level] if pair.verdict in ("works", "broken") else []
    notes += [where] if where else []
    notes += ["inferred"] if pair.inferred else []
    return f"{sign(pair.verdict).glyph} {', '.join(notes)}".rstrip()


def _legend() -> str:
    words = {mark.glyph: mark.word for mark in SIGNS.values()}
    parts = [f"{glyph} {word}" for glyph, word in words.items()]
    return (
        f"{', '.join(parts)}. The word after a sign is the deepest level that passed, or the first that is red. "
        "Anything without ✓ has not been shown to work."
    )


def _components(summary: Summary) -> list[str]:
    """Every component on each Python, how deep it was tried, and what stopped it there."""
    pythons = sorted({python for row in summary.components for python in row.pythons}, key=python_key, reverse=True)
    lines = [
        ["Component", "Newest", *pythons, "Deepest", "What stopped it"],
        [":--", ":--", *[":-:"] * len(pythons), ":--", ":--"],
    ]
    for row in summary.components:
        newest = f"{row.newest} (of {row.newest_known})" if row.newest_known else row.newest
        verdicts = [sign(row.pythons[python]).glyph if python in row.pythons else "" for python in pythons]
        blocker = plain(" ".join(row.blocker.split())) or "\N{EN DASH}"
        lines.append([plain(row.title), newest, *verdicts, row.deepest_level or "", blocker])
    return ["## How deep each component was tested", _table(lines)]


def _pinned(summary: Summary) -> list[str]:
    """The sets of metapackages as they are, and with one pin at a time moved to its newest release."""
    parts = []
    for pinned in summary.pinned:
        pythons = list(dict.fromkeys(answer.python for moved in pinned.moved for answer in moved.answers))
        lines = [["", *(f"Python {python}" for python in pythons)], [":--", *[":-:"] * len(pythons)]]
        for moved in pinned.moved:
            answers = {answer.python: answer for answer in moved.answers}
            title = f"with the newest {moved.distribution}" if moved.distribution else "as it is pinned"
            lines.append([title, *(_answer(answers.get(python)) for python in pythons)])
        pins = ", ".join(f"{name} {version}" for name, version in pinned.pins.items())
        parts += [f"## The pins of {plain(pinned.name)}, as they are and with one moved", f"{pins}.", _table(lines)]
        if held_back := held_back_pins(pinned):
            parts.append("\n".join(f"- ▼ {plain(text)}" for text in held_back))
    return parts


def _answer(answer: PinAnswer | None) -> str:
    if answer is None:
        return ""
    held_back = " ▼" if answer.held_back else ""
    version = f" ({answer.version}{held_back})" if answer.version else ""
    return f"{sign(answer.verdict).glyph} {answer.level}{version}"


def _accelerators(summary: Summary) -> list[str]:
    """Releases that only an accelerator runs, level by level; the reasons are numbered below the table."""
    if not summary.accelerators:
        return []
    shown = shown_components(summary.components, summary.accelerators)
    levels = list(summary.accelerators[0].levels)
    lines = [
        ["Python", *(plain(row.title) for row in shown), *levels],
        [":--", *[":-:"] * (len(shown) + len(levels))],
    ]
    reasons: dict[str, int] = {}  # each with its number
    for accelerator in summary.accelerators:
        marks = []
        for seen in accelerator.levels.values():
            number = f" {reasons.setdefault(seen.sentence, len(reasons) + 1)}" if seen.sentence else ""
            marks.append(f"{sign(seen.verdict).glyph}{number}")
        lines.append([accelerator.python, *(accelerator.versions.get(row.name, "") for row in shown), *marks])
    parts = ["## Accelerator plugins, level by level", _table(lines)]
    if reasons:
        parts.append("\n".join(f"{number}. {plain(reason)}" for reason, number in reasons.items()))
    return parts


def _islands(summary: Summary) -> list[str]:
    """Which newest releases can be installed together, and what keeps the others out: each reason once."""
    islands = number_islands(summary.islands)
    if not islands:
        return []
    titles = summary.titles()
    lines = [
        ["", *(f"island {island.number}<br>Python {and_list(island.pythons)}" for island in islands)],
        [":--", *[":-:"] * len(islands)],
    ]
    for name in names_on_islands(islands, titles):
        held = [
            island.releases.get(name) or (f"{island.beside[name]} ▼" if name in island.beside else "")
            for island in islands
        ]
        lines.append([plain(titled(titles, name)), *held])
    guide = island_guide(islands, titles)
    return [
        "## Which newest releases can be installed together",
        _ISLANDS,
        f"{plain(guide)}." if guide else "",
        _table(lines),
        "\n".join(f"- {plain(text)}" for text in island_exclusions(islands, titles)),
    ]


def _breaks(summary: Summary) -> list[str]:
    """What is broken, in the newest releases first, then the most frequent."""
    kinds = failures_by_kind(summary.failures)
    broken = [*kinds["today"], *kinds["elsewhere"]]
    if not broken:
        return []
    lines = [_break(group, summary) for group in broken[:_MOST_BREAKS]]
    if len(broken) > _MOST_BREAKS:
        lines.append(f"- [and {len(broken) - _MOST_BREAKS} more](index.html#broken)")
    return ["## What is broken", "\n".join(lines)]


def _break(group: FailureGroup, summary: Summary) -> str:
    cells = f"{len(group.cells)} {'cell' if len(group.cells) == 1 else 'cells'}"
    today = " **in the newest releases**" if group.today else ""
    guess = ", suspects inferred" if group.inferred and group.culprit is None else ""
    suspects = f"**{plain(suspects_of(group, summary))}** " if group.suspects else ""
    return (
        f"- {sign(group.verdict).glyph} {suspects}at {group.level}{today}: {_code(group.signature)} "
        f"([{cells}](index.html#failure-{group.id}){guess}){_culprit(group)}"
    )


def _code(text: str) -> str:
    """The text as code on one line."""
    return "`{}`".format(text.replace("`", "'").replace("\n", " "))


def _culprit(group: FailureGroup) -> str:
    """The releases that a search has found to be to blame, and which side moved."""
    culprit = group.culprit
    if culprit is None or not culprit.versions:
        return ""
    moved = f": {plain(culprit.moved)}" if culprit.moved else ""
    doubt = " (not certain)" if culprit.doubt else ""
    return f"<br>Culprit: {plain(joined_releases(culprit.versions))}{doubt}{moved}"


def _features(summary: Summary) -> list[str]:
    """Features that do not work though the rest does, those of the newest releases first."""
    if not summary.features:
        return []
    lines = []
    for row in summary.features[:_MOST_BREAKS]:
        releases = ", ".join(feature_releases(row, summary))
        today = " **in the newest releases**" if row.today else ""
        lines.append(f"- **{plain(row.feature)}**{today}: does not work with {plain(releases)}: {_code(row.signature)}")
    if len(summary.features) > _MOST_BREAKS:
        lines.append(f"- [and {len(summary.features) - _MOST_BREAKS} more](index.html#features)")
    return ["## What works except for one feature", "\n".join(lines)]


def _frontiers(summary: Summary) -> list[str]:
    """What the newest few releases of either side of each frontier work with."""
    parts = [_frontier(row, summary) for row in summary.frontiers]
    return ["## Release by release", _AS_OF, *parts] if parts else []


def _frontier(row: FrontierRow, summary: Summary) -> str:
    titles = summary.titles()
    first, second = (plain(titled(titles, name)) for name in (row.first, row.second))
    lines = []
    sides = ((row.first, first, row.edges, second), (row.second, second, row.second_edges, first))
    for name, title, edges, other in sides:
        for edge in list(reversed(edges))[:_NEWEST_FEW]:
            lines.append(f"- {title} {edge.version} works with {other}: {working_partners(row, name, edge)}")
    heading = f"### {first} with {second}, Python {row.python}, to {row.level}"
    return "\n\n".join([heading, "\n".join([*lines, "", f"{frontier_words(row)}."])])


def _exchanges(summary: Summary) -> list[str]:
    """The artifacts that every environment reads in one line, and a square for each of the others."""
    parts = []
    for label, squares in squares_by_label(summary.exchanges).items():
        green = [square.artifact for square in squares if square.verdict == "works"]
        parts.append(f"### {plain(label)}")
        if green:
            parts.append(f"{sign('works').glyph} Every environment reads what any of them wrote: {and_list(green)}.")
        parts += [_exchange_square(square) for square in squares if square.verdict != "works"]
    if not parts:
        return []
    return ["## Artifacts across versions", _EXCHANGES, *parts]


def _exchange_square(square: ExchangeSquare) -> str:
    known = {(cell.writer, cell.reader): cell for cell in square.crossings}
    lines = [
        [f"**{square.artifact}**", *(plain(end.label) for end in square.ends)],
        [":--", *(":-:" for _ in square.ends)],
    ]
    for writer in square.ends:
        crossings = [known.get((writer.cell, reader.cell)) for reader in square.ends]
        lines.append([plain(writer.label), *(_crossing(cell) for cell in crossings)])
    return _table(lines)


def _crossing(cell: CrossingCell | None) -> str:
    if cell is None:
        return ""
    notes = [sign(cell.verdict).glyph, *(["P"] if cell.promised else []), *([cell.side] if cell.side else [])]
    return " ".join(notes)


def _untested(summary: Summary) -> list[str]:
    tested = summary.tested()
    lines = [f"- {plain(row.title)}: {plain(row.blocker)}" for row in summary.components if row not in tested]
    lines += [
        f"- {plain(row.title)} with others: {plain(unpaired_reason(row, summary))}" for row in unpaired_rows(summary)
    ]
    return ["## What is untested", "\n".join(lines)] if lines else []
