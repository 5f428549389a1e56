"""``COMPATIBILITY.md``: the headline, the table of pairs, and a short section on each further subject."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stackcompat.advice.building import because, failure_message
from stackcompat.core.requirements import python_key
from stackcompat.core.text import and_list, code, plain
from stackcompat.report.depth_text import depth_lines
from stackcompat.report.failure_text import failure_sentence, own_tests_note
from stackcompat.report.frontier_text import frontier_words, working_partners
from stackcompat.report.island_text import island_exclusions, island_guide
from stackcompat.report.links import BESIDE, Links
from stackcompat.report.release_text import (
    feature_releases,
    held_back_pins,
    joined_releases,
    unjudged_tests,
    where_it_holds,
)
from stackcompat.report.site.page import link_to
from stackcompat.resolve.island_rows import number_islands
from stackcompat.table.accelerators import shown_components
from stackcompat.table.exchange import ArtifactSquare, CrossingCell, squares_by_label
from stackcompat.table.failures import FailureGroup, failures_by_kind
from stackcompat.table.frontiers import FrontierRow
from stackcompat.table.islands import names_on_islands
from stackcompat.table.pairs import PairRow
from stackcompat.table.pinned import MovedPin, PinAnswer, PinnedSet
from stackcompat.table.summary import Summary
from stackcompat.table.unpaired import unpaired_reason, unpaired_rows
from stackcompat.table.vocabulary import SIGNS, sign, titled

__all__ = ["markdown"]

#: The most failures, and the most features, that are listed.
_MOST_BREAKS = 15


#: How many of the newest releases of each side of a frontier are shown.
_NEWEST_FEW = 3


_ISLANDS = (
    "Some newest releases exclude each other by their declared bounds. An island is a largest set that an installer "
    "takes together; whether it works is another question. ▼: not the newest release."
)


_OWN_TESTS = (
    "Tests that a release ships, which passed when the release was new. They are notes about the release: no set is "
    "called broken for them."
)


_EXCHANGES = (
    "Rows: the environment that wrote. Columns: the environment that reads. P: the component promises that it can."
)


_NOT_JUDGED = (
    "A failure counts only if the same test was seen to pass with the same releases, or with earlier ones. These tests "
    "were not, so their failures do not count."
)


def markdown(summary: Summary, links: Links = BESIDE) -> str:
    """The text of the file.

    Args:
        summary: The table.
        links: Where the text can lead.
    """
    parts = [
        "# Compatibility",
        f"**{plain(summary.headline)}**",
        _introduction(links),
        "## The newest releases, two by two",
        _square(summary),
        _legend(),
        *_components(summary),
        *_pinned(summary),
        *_accelerators(summary),
        *_islands(summary),
        *_breaks(summary, links),
        *_features(summary, links),
        *_own_tests(summary, links),
        *_frontiers(summary, links),
        *_exchanges(summary),
        *_untested(summary),
        *_not_judged(summary),
        *_not_closed(summary),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _introduction(links: Links) -> str:
    return (
        "Every verdict comes from a test, and untested is not green. A cell is one combination of versions. "
        f"{links.place} has every cell with the command that reproduces it; programs read [compat.json](compat.json)."
    )


def _not_closed(summary: Summary) -> list[str]:
    """The runs that had no sandbox, by Python; nothing if all had one."""
    open_runs = [row for row in summary.measured if row.closed.sentence]
    rows = [f"- Python {plain(row.python)}: {plain(row.closed.sentence)}." for row in open_runs]
    return ["## Runs without a sandbox", "\n".join(rows)] if rows else []


def _square(summary: Summary) -> str:
    """The table of pairs at the newest releases, with every component that some test exercises."""
    rows = summary.square()
    pairs = summary.pairs_by_names()
    lines = [
        ["", *(f"{plain(row.title)}<br>{plain(row.newest)}" for row in rows)],
        [":--", *(":-:" for _ in rows)],
    ]
    for row in rows:
        cells = [_pair(pairs.get(frozenset((row.name, other.name)))) if row != other else "" for other in rows]
        lines.append([f"**{plain(row.title)}** {plain(row.newest)}", *cells])
    return _table(lines)


def _table(lines: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _pair(pair: PairRow | None) -> str:
    """The sign of a pair, its level, the Pythons where its verdict holds, and whether it is inferred."""
    if pair is None:
        return f"{sign('untested').glyph}"
    where = where_it_holds(pair)
    notes: list[str] = [pair.level] if pair.verdict in ("works", "broken") else []
    notes += [where] if where else []
    notes += ["inferred"] if pair.inferred else []
    return f"{sign(pair.verdict).glyph} {plain(', '.join(notes))}".rstrip()


def _legend() -> str:
    words = {mark.glyph: mark.word for mark in SIGNS.values()}
    parts = [f"{glyph} {word}" for glyph, word in words.items()]
    return (
        f"{', '.join(parts)}. The word after a sign is the deepest level that passed (of a set: that of its "
        "least tested pin), or the first that is red. "
        "Anything without ✓ has not been shown to work."
    )


def _components(summary: Summary) -> list[str]:
    """Every component that some cell has, on each Python, how deep it was tried, and what stopped it there."""
    pythons = sorted({python for row in summary.components for python in row.pythons}, key=python_key, reverse=True)
    lines = [
        ["Component", "Newest tested", *map(plain, pythons), "Deepest", "What stopped it"],
        [":--", ":--", *[":-:"] * len(pythons), ":--", ":--"],
    ]
    for row in summary.components:
        if not row.newest:
            continue
        newest = f"{row.newest} (of {row.newest_known})" if row.newest_known else row.newest
        verdicts = [sign(row.pythons[python]).glyph if python in row.pythons else "" for python in pythons]
        blocker = plain(row.blocker) or "\N{EN DASH}"
        lines.append([plain(row.title), plain(newest), *verdicts, row.deepest_level or "", blocker])
    return ["## How deep each component was tested", _table(lines)]


def _pinned(summary: Summary) -> list[str]:
    """The sets of metapackages as they are, and with one pin at a time moved to its newest release."""
    parts = []
    for pinned in summary.pinned:
        pythons = list(dict.fromkeys(answer.python for moved in pinned.moved for answer in moved.answers))
        lines = [["", *(f"Python {plain(python)}" for python in pythons)], [":--", *[":-:"] * len(pythons)]]
        for moved in pinned.moved:
            answers = {answer.python: answer for answer in moved.answers}
            lines.append([plain(_moved_title(moved)), *(_answer(answers.get(python)) for python in pythons)])
        pins = plain(", ".join(f"{name} {version}" for name, version in pinned.pins.items()))
        parts += [
            f"## The pins of {plain(pinned.name)}, as they are and with one moved",
            f"{plain(pins)}.",
            _table(lines),
        ]
        if shallow := _shallow_pins(pinned, summary):
            parts.append("\n".join(f"- {plain(text)}" for text in shallow))
        if held_back := held_back_pins(pinned):
            parts.append("\n".join(f"- ▼ {plain(text)}" for text in held_back))
    return parts


def _moved_title(moved: MovedPin) -> str:
    return f"with the newest {moved.distribution}" if moved.distribution else "as it is pinned"


def _shallow_pins(pinned: PinnedSet, summary: Summary) -> list[str]:
    """What was tried of each set that works and of which not all was tried to one level."""
    cells = {cell.id: cell for cell in summary.cells}
    lines = []
    for moved in pinned.moved:
        works = [answer for answer in moved.answers if answer.verdict == "works" and depth_lines(cells[answer.cell])]
        lines += [f"{_moved_title(moved)}, Python {answer.python}: {answer.sentence}" for answer in works]
    return lines


def _answer(answer: PinAnswer | None) -> str:
    """What is known of a pinned set on one Python; ▼ marks a pin that a bound kept from its newest release."""
    if answer is None:
        return ""
    held_back = " ▼" if answer.held_back else ""
    version = f" ({plain(answer.version)}{held_back})" if answer.version else ""
    return f"{sign(answer.verdict).glyph} {answer.level}{version}"


def _accelerators(summary: Summary) -> list[str]:
    """The components that run only on an accelerator, level by level, with numbered reasons below the table."""
    if not summary.accelerators:
        return []
    shown = shown_components(summary.components, summary.accelerators)
    levels = list(summary.accelerators[0].levels)
    lines = [
        ["Python", *(plain(row.title) for row in shown), *levels],
        [":--", *[":-:"] * (len(shown) + len(levels))],
    ]
    reasons: dict[str, int] = {}  # sentence to number
    for accelerator in summary.accelerators:
        marks = []
        for seen in accelerator.levels.values():
            number = f" {reasons.setdefault(seen.sentence, len(reasons) + 1)}" if seen.sentence else ""
            marks.append(f"{sign(seen.verdict).glyph}{number}")
        versions = (plain(accelerator.versions.get(row.name, "")) for row in shown)
        lines.append([plain(accelerator.python), *versions, *marks])
    parts = ["## Accelerator plugins, level by level", _table(lines)]
    if reasons:
        parts.append("\n".join(f"{number}. {plain(reason)}" for reason, number in reasons.items()))
    return parts


def _islands(summary: Summary) -> list[str]:
    """The islands as a table, and each bound that keeps newest releases off islands once."""
    islands = number_islands(summary.islands)
    if not islands:
        return []
    titles = summary.titles()
    lines = [
        ["", *(f"island {island.number}<br>Python {plain(and_list(island.pythons))}" for island in islands)],
        [":--", *[":-:"] * len(islands)],
    ]
    for name in names_on_islands(islands, titles):
        held = [
            island.releases.get(name) or (f"{island.beside[name]} ▼" if name in island.beside else "")
            for island in islands
        ]
        lines.append([plain(titled(titles, name)), *map(plain, held)])
    guide = island_guide(islands, titles)
    return [
        "## Which newest releases can be installed together",
        _ISLANDS,
        f"{plain(guide)}." if guide else "",
        _table(lines),
        "\n".join(f"- {plain(text)}" for text in island_exclusions(islands, titles)),
    ]


def _breaks(summary: Summary, links: Links) -> list[str]:
    """What is broken: first in the newest releases, then elsewhere."""
    kinds = failures_by_kind(summary.failures)
    broken = [*kinds["today"], *kinds["elsewhere"]]
    if not broken:
        return []
    lines = [_break(group, summary, links) for group in broken[:_MOST_BREAKS]]
    if len(broken) > _MOST_BREAKS:
        more = f"and {len(broken) - _MOST_BREAKS} more"
        lines.append(f"- {links.link(more, 'index.html#broken', 'failures.html')}")
    return ["## What is broken", "\n".join(lines)]


def _break(group: FailureGroup, summary: Summary, links: Links) -> str:
    cells = f"{len(group.cells)} {'cell' if len(group.cells) == 1 else 'cells'}"
    today = " **in the newest releases**" if group.today else ""
    guess = ", suspects inferred" if group.inferred and group.culprit is None else ""
    return (
        f"- {sign(group.verdict).glyph} {plain(failure_sentence(group, summary))}{today} "
        f"({_failure_link(cells, group, links)}{guess}){_culprit(group)}"
    )


def _failure_link(words: str, group: FailureGroup, links: Links) -> str:
    """`words`, which lead to a failure if they can lead anywhere."""
    return links.link(words, f"index.html#failure-{group.id}", link_to("failure", group.id))


def _own_tests(summary: Summary, links: Links) -> list[str]:
    """The notes about releases of which tests that they ship fail."""
    lines = []
    for group in failures_by_kind(summary.failures)["own tests"]:
        details = _failure_link("details", group, links)
        lines.append(f"- {plain(own_tests_note(group, summary))}{f' ({details})' if details != 'details' else ''}.")
    return ["## Releases' own tests", _OWN_TESTS, "\n".join(lines)] if lines else []


def _culprit(group: FailureGroup) -> str:
    """The culprits that a search has found, and which side moved."""
    culprit = group.culprit
    if culprit is None or not culprit.versions:
        return ""
    moved = f": {plain(culprit.moved)}" if culprit.moved else ""
    doubt = " (not certain)" if culprit.doubt else ""
    return f"<br>Culprit: {plain(joined_releases(culprit.versions))}{doubt}{moved}"


def _features(summary: Summary, links: Links) -> list[str]:
    """The features that do not work although the rest does, those of the newest releases first."""
    if not summary.features:
        return []
    lines = []
    for row in summary.features[:_MOST_BREAKS]:
        releases = ", ".join(feature_releases(row, summary))
        today = " **in the newest releases**" if row.today else ""
        why = because(failure_message(row.signature)) + (f"; {row.cure}" if row.cure else "")
        fails = "cannot be imported" if row.module else "fails"
        lines.append(f"- **{plain(row.feature)}**{today} {fails} with {plain(releases)} {plain(why)}")
    if len(summary.features) > _MOST_BREAKS:
        more = f"and {len(summary.features) - _MOST_BREAKS} more"
        lines.append(f"- {links.link(more, 'index.html#features', 'features.html')}")
    return ["## What works except for one feature", "\n".join(lines)]


def _frontiers(summary: Summary, links: Links) -> list[str]:
    """What the newest few releases of either side of each frontier work with."""
    parts = [_frontier(row, summary) for row in summary.frontiers]
    every_pair = links.link("every pair", "index.html#frontiers", "frontiers.html")
    as_of = (
        "Each pair was tested with the other packages of the day on which the later of the two was uploaded. "
        f"{links.place} has {every_pair}."
    )
    return ["## Release by release", as_of, *parts] if parts else []


def _frontier(row: FrontierRow, summary: Summary) -> str:
    titles = summary.titles()
    first, second = (plain(titled(titles, name)) for name in (row.first, row.second))
    lines = []
    sides = ((row.first, first, row.edges, second), (row.second, second, row.second_edges, first))
    for name, title, edges, other in sides:
        for edge in list(reversed(edges))[:_NEWEST_FEW]:
            lines.append(
                f"- {title} {plain(edge.version)} works with {other}: {plain(working_partners(row, name, edge))}"
            )
    heading = f"### {first} with {second}, Python {plain(row.python)}, to {row.level}"
    return "\n\n".join([heading, "\n".join([*lines, "", f"{plain(frontier_words(row))}."])])


def _exchanges(summary: Summary) -> list[str]:
    """One line for all artifacts that every environment reads, and a square for each other artifact."""
    parts = []
    for label, squares in squares_by_label(summary.exchanges).items():
        green = [plain(square.artifact) for square in squares if square.verdict == "works"]
        parts.append(f"### {plain(label)}")
        if green:
            parts.append(f"{sign('works').glyph} Every environment reads what any of them wrote: {and_list(green)}.")
        parts += [_exchange_square(square) for square in squares if square.verdict != "works"]
    if not parts:
        return []
    return ["## Artifacts across versions", _EXCHANGES, *parts]


def _exchange_square(square: ArtifactSquare) -> str:
    known = {(cell.writer, cell.reader): cell for cell in square.crossings}
    lines = [
        [f"**{plain(square.artifact)}**", *(plain(end.label) for end in square.ends)],
        [":--", *(":-:" for _ in square.ends)],
    ]
    for writer in square.ends:
        crossings = [known.get((writer.cell, reader.cell)) for reader in square.ends]
        lines.append([plain(writer.label), *(_crossing(cell) for cell in crossings)])
    return _table(lines)


def _crossing(cell: CrossingCell | None) -> str:
    """The sign of a crossing, whether it is promised, and the side that is at fault."""
    if cell is None:
        return ""
    notes = [sign(cell.verdict).glyph, *(["P"] if cell.promised else []), *([cell.side] if cell.side else [])]
    return " ".join(notes)


def _untested(summary: Summary) -> list[str]:
    """The components that no test exercises, by reason, and those that no test uses with another one."""
    tested = summary.tested()
    reasons: dict[str, list[str]] = {}
    for row in summary.components:
        if row not in tested:
            reasons.setdefault(row.blocker, []).append(plain(row.title))
    lines = [f"- {and_list(titles)}: {plain(reason)}" for reason, titles in reasons.items()]
    lines += [
        f"- {plain(row.title)} with others: {plain(unpaired_reason(row, summary))}" for row in unpaired_rows(summary)
    ]
    return ["## What is untested", "\n".join(lines)] if lines else []


def _not_judged(summary: Summary) -> list[str]:
    """The tests that failed and do not count, by the release that they never passed with."""
    lines = []
    for reason, tests in unjudged_tests(summary).items():
        names = ", ".join(code(test) for test in tests[:_MOST_BREAKS])
        more = f" and {len(tests) - _MOST_BREAKS} more" if len(tests) > _MOST_BREAKS else ""
        lines.append(f"- {plain(reason)}: {len(tests)} ({names}{more})")
    return ["## What is not judged", _NOT_JUDGED, "\n".join(lines)] if lines else []
