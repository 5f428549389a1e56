"""``COMPATIBILITY.md``: the headline, the table of pairs and the worst breaks, short enough to stand in a README."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stackcompat.core.requirements import python_key
from stackcompat.core.text import and_list, plain
from stackcompat.report.text import (
    alone,
    held_pins,
    interval_words,
    island_key,
    island_names,
    kept_off,
    limited,
    pair_on,
    together,
    told_frontier,
)
from stackcompat.resolve.islands import number_islands
from stackcompat.table.exchange import CrossingCell, ExchangeSquare
from stackcompat.table.failures import FailureGroup
from stackcompat.table.pairs import PairRow
from stackcompat.table.pinned import PinAnswer
from stackcompat.table.summary import Summary, suspects_of
from stackcompat.table.vocabulary import SIGNS, sign, titled

__all__ = ["markdown"]

_MOST_BREAKS = 15


_NEWEST_FEW = 3


_INTRODUCTION = (
    "Every verdict comes from trying, and untested is not green. The [full table](index.html) has every cell with the "
    "command that reproduces it; programs read [compat.json](compat.json)."
)


_ISLANDS = (
    "Some newest releases exclude each other by their declared bounds. Each island is a largest set that an installer "
    "takes together; that it can be installed does not say that it works. ▼: not the newest."
)


_AS_OF = (
    "Each pair with the partners of the day on which the later of the two was uploaded; the page has "
    "[every pair](index.html#frontiers)."
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
        *_limits(summary),
        *_frontiers(summary),
        *_exchanges(summary),
        *_untested(summary),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _square(summary: Summary) -> str:
    """The table of pairs at their newest releases, of the components that some test exercises."""
    rows = summary.square()
    pairs = {frozenset((pair.first, pair.second)): pair for pair in summary.pairs}
    head = ["", *(f"{plain(row.title)}<br>{row.newest}" for row in rows)]
    lines = [head, [":--", *(":-:" for _ in rows)]]
    for row in rows:
        cells = [_cell(pairs.get(frozenset((row.name, other.name)))) if row != other else "" for other in rows]
        lines.append([f"**{plain(row.title)}** {row.newest}", *cells])
    return _table(lines)


def _table(lines: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(pair: PairRow | None) -> str:
    if pair is None:
        return f"{sign('untested').glyph}"
    said = sign(pair.verdict)
    where = pair_on(pair)
    notes: list[str] = [pair.level] if pair.verdict in ("works", "broken") else []
    notes += [where] if where else []
    notes += ["inferred"] if pair.inferred else []
    return f"{said.glyph} {', '.join(notes)}".rstrip()


def _legend() -> str:
    signs = {said.glyph: said for said in SIGNS.values()}
    parts = [f"{said.glyph} {said.word}" for said in signs.values()]
    return (
        f"{', '.join(parts)}. The word beside a sign is the deepest level that passed, or the first that is red. "
        "What is not green was not seen to work."
    )


def _components(summary: Summary) -> list[str]:
    """Every component on each Python, how deep it was tried, and what stopped it there."""
    pythons = sorted({python for row in summary.components for python in row.pythons}, key=python_key, reverse=True)
    lines = [["Component", "Newest", *pythons, "Deepest", "What stopped it"], [":--", ":--", *[":-:"] * len(pythons)]]
    lines[1] += [":--", ":--"]
    for row in summary.components:
        newest = f"{row.newest} (of {row.newest_known})" if row.newest_known else row.newest
        verdicts = [sign(row.pythons[python]).glyph if python in row.pythons else "" for python in pythons]
        blocker = plain(" ".join(row.blocker.split())) or "\N{EN DASH}"
        lines.append([plain(row.title), newest, *verdicts, row.deepest_level or "", blocker])
    return ["## Every component, and how deep it was tried", _table(lines)]


def _pinned(summary: Summary) -> list[str]:
    """The sets of metapackages as they are, and with one pin at a time moved to its newest release."""
    parts = []
    for one in summary.pinned:
        pythons = list(dict.fromkeys(answer.python for moved in one.moved for answer in moved.answers))
        lines = [["", *(f"Python {python}" for python in pythons)], [":--", *[":-:"] * len(pythons)]]
        for moved in one.moved:
            known = {answer.python: answer for answer in moved.answers}
            title = f"with the newest {moved.distribution}" if moved.distribution else "as it is pinned"
            lines.append([title, *(_answer(known.get(python)) for python in pythons)])
        pins = ", ".join(f"{name} {version}" for name, version in one.pins.items())
        parts += [f"## What {plain(one.name)} pins, and what if one of it moved", f"{pins}.", _table(lines)]
        parts += ["\n".join(f"- ▼ {plain(text)}" for text in held)] if (held := held_pins(one)) else []
    return parts


def _answer(answer: PinAnswer | None) -> str:
    if answer is None:
        return ""
    held = " ▼" if answer.held_back else ""
    return f"{sign(answer.verdict).glyph} {answer.level}{f' ({answer.version}{held})' if answer.version else ''}"


def _accelerators(summary: Summary) -> list[str]:
    """Releases that only an accelerator runs, level by level."""
    if not summary.accelerators:
        return []
    titles = summary.titles()
    names = [row.name for row in summary.components if any(row.name in one.versions for one in summary.accelerators)]
    levels = list(summary.accelerators[0].levels)
    lines = [["Python", *(plain(titles[name]) for name in names), *levels], [":--", *[":-:"] * len(names + levels)]]
    reasons: list[str] = []
    for row in summary.accelerators:
        marks = []
        for seen in row.levels.values():
            if seen.sentence and seen.sentence not in reasons:
                reasons.append(seen.sentence)
            note = f" {reasons.index(seen.sentence) + 1}" if seen.sentence else ""
            marks.append(f"{sign(seen.verdict).glyph}{note}")
        lines.append([row.python, *(row.versions.get(name, "") for name in names), *marks])
    told = "\n".join(f"{number}. {plain(reason)}" for number, reason in enumerate(reasons, 1))
    return ["## What drives accelerators, level by level", _table(lines), *([told] if told else [])]


def _islands(summary: Summary) -> list[str]:
    """Which newest releases can be installed together, and what keeps the others out: each reason once."""
    shores = number_islands(summary.islands)
    if not shores:
        return []
    titles = summary.titles()
    lines = [["", *(f"island {shore.number}<br>Python {and_list(shore.pythons)}" for shore in shores)]]
    lines.append([":--", *[":-:"] * len(shores)])
    for name in island_names(shores, titles):
        held = [
            shore.releases.get(name) or (f"{shore.beside[name]} ▼" if name in shore.beside else "") for shore in shores
        ]
        lines.append([plain(titled(titles, name)), *held])
    key = island_key(shores, titles)
    return [
        "## Which newest releases can be installed together",
        _ISLANDS,
        *([f"{plain(key)}."] if key else []),
        _table(lines),
        "\n".join(f"- {plain(text)}" for text in kept_off(shores, titles)),
    ]


def _breaks(summary: Summary) -> list[str]:
    """Red failures, those of the newest releases first, then the most frequent."""
    red = [group for group in summary.failures if group.verdict in ("broken", "uninstallable")]
    red.sort(key=lambda group: not group.today)
    if not red:
        return []
    lines = [_break(group, summary) for group in red[:_MOST_BREAKS]]
    if len(red) > _MOST_BREAKS:
        lines.append(f"- [and {len(red) - _MOST_BREAKS} more](index.html#broken)")
    return ["## What is broken", "\n".join(lines)]


def _limits(summary: Summary) -> list[str]:
    """Features that do not work though the rest does, those of the newest releases first."""
    if not summary.features:
        return []
    lines = []
    for row in summary.features[:_MOST_BREAKS]:
        held = ", ".join(limited(row, summary))
        today = " **in the newest releases**" if row.today else ""
        signature = row.signature.replace("`", "'").replace("\n", " ")
        lines.append(f"- **{plain(row.feature)}**{today}: seen with {plain(held)}: `{signature}`")
    if len(summary.features) > _MOST_BREAKS:
        lines.append(f"- [and {len(summary.features) - _MOST_BREAKS} more](index.html#features)")
    return ["## What works but for one feature", "\n".join(lines)]


def _break(group: FailureGroup, summary: Summary) -> str:
    cells = f"{len(group.cells)} {'cell' if len(group.cells) == 1 else 'cells'}"
    today = " **in the newest releases**" if group.today else ""
    guess = ", suspects inferred" if group.inferred and group.culprit is None else ""
    subject = f"**{plain(suspects_of(group, summary))}** " if group.suspects else ""
    signature = group.signature.replace("`", "'").replace("\n", " ")
    return (
        f"- {sign(group.verdict).glyph} {subject}at {group.level}{today}: `{signature}` "
        f"([{cells}](index.html#failure-{group.id}){guess}){_culprit(group)}"
    )


def _culprit(group: FailureGroup) -> str:
    """The releases that a search has found to be to blame, and which side moved."""
    culprit = group.culprit
    if culprit is None or not culprit.versions:
        return ""
    moved = f": {plain(culprit.moved)}" if culprit.moved else ""
    doubt = " (not certain)" if culprit.doubt else ""
    return f"<br>Culprit: {plain(together(culprit.versions))}{doubt}{moved}"


def _frontiers(summary: Summary) -> list[str]:
    """What the newest few releases of either side of each frontier work with."""
    titles = summary.titles()
    parts = []
    for row in summary.frontiers:
        first, second = (plain(titles.get(name, name)) for name in (row.first, row.second))
        parts.append(f"### {first} with {second}, Python {row.python}, to {row.level}")
        sides = ((first, row.edges, second), (second, row.second_edges, first))
        lines = [
            f"- {title} {edge.version} works with {other}: {interval_words(edge.works)}"
            for title, edges, other in sides
            for edge in edges[: -_NEWEST_FEW - 1 : -1]
        ]
        parts.append("\n".join([*lines, "", f"{told_frontier(row)}."]))
    if not parts:
        return []
    return ["## Release by release", _AS_OF, *parts]


def _exchanges(summary: Summary) -> list[str]:
    """The artifacts that every environment reads in one line, and a square for each of the others."""
    parts = []
    for label in dict.fromkeys(square.square for square in summary.exchanges):
        squares = [square for square in summary.exchanges if square.square == label]
        green = [square.artifact for square in squares if square.verdict == "works"]
        parts.append(f"### {plain(label)}")
        if green:
            parts.append(f"{sign('works').glyph} Read by all, whoever of them wrote: {and_list(green)}.")
        parts += [_exchange_square(square) for square in squares if square.verdict != "works"]
    if not parts:
        return []
    return ["## Artifacts across versions", "Down: who wrote. Across: who reads. P: the component promises it.", *parts]


def _exchange_square(square: ExchangeSquare) -> str:
    known = {(cell.writer, cell.reader): cell for cell in square.crossings}
    lines = [[f"**{square.artifact}**", *(plain(end.label) for end in square.ends)]]
    lines.append([":--", *(":-:" for _ in square.ends)])
    for writer in square.ends:
        row = [known.get((writer.cell, reader.cell)) for reader in square.ends]
        lines.append([plain(writer.label), *(_crossing(cell) for cell in row)])
    return _table(lines)


def _crossing(cell: CrossingCell | None) -> str:
    if cell is None:
        return ""
    notes = [sign(cell.verdict).glyph, *(["P"] if cell.promised else []), *([cell.side] if cell.side else [])]
    return " ".join(notes)


def _untested(summary: Summary) -> list[str]:
    tested = summary.tested()
    rows = [row for row in summary.components if row not in tested]
    apart = [row for row in tested if row not in summary.square() and not row.moves_with and not row.part_of]
    if not rows and not apart:
        return []
    lines = [f"- {plain(row.title)}: {plain(row.blocker)}" for row in rows]
    lines += [f"- {plain(row.title)} with others: {plain(alone(row, summary))}" for row in apart]
    return ["## What is untested", "\n".join(lines)]
