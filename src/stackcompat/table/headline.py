"""The claim and the headline: what to install, when it was tested, and which newest releases are known not to work."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.table.components import ComponentRow
from stackcompat.table.pairs import PairRow
from stackcompat.table.summary import Summary
from stackcompat.table.today import Today
from stackcompat.table.vocabulary import count_words, sign
from stackcompat.table.workaround import smallest_steps, steps_sentence
from stackcompat.verdict.depth import Depth, by_level
from stackcompat.verdict.history import RED

__all__ = ["claim", "headline", "install_words", "with_headline"]


#: The levels at which nothing of a component was used, and what was done with it.
_SHALLOW: dict[Level, str] = {"import": "imported", "install": "installed"}


def with_headline(summary: Summary) -> Summary:
    """The table with its claim and its headline, made from its rows."""
    sentence = claim(summary)
    return summary.model_copy(update={"claim": sentence, "headline": headline(sentence, summary)})


def claim(summary: Summary) -> str:
    """Say what to install, when it was tested and how deep, and what is known not to work, without the last full stop.

    Args:
        summary: The table. Its own claim and headline are left out of account.
    """
    if not summary.today:
        return "It is not known which newest releases work together: no cell with them was run"
    sentences = [_sentence(cells, summary) for cells in _alike(summary)]
    problems = [_problem(row, summary) for row in _known_problems(summary)]
    if problems:
        sentences.append(f"Known {'problem' if len(problems) == 1 else 'problems'}: {'. '.join(problems)}")
    return ". ".join(sentences)


def headline(claim: str, summary: Summary) -> str:
    """The claim with the day of the table and the number of cells.

    Args:
        claim: The claim.
        summary: The table.
    """
    return f"{claim}. As of {summary.generated:%Y-%m-%d}; {count_words(summary.counts)}."


def _alike(summary: Summary) -> list[list[Today]]:
    """The newest releases on each Python; Pythons with the same state and the same to install stand together."""
    groups: dict[tuple[object, ...], list[Today]] = {}
    for cell in summary.today:
        reason = "" if cell.verdict == "works" else cell.sentence
        line = _line(cell, summary)
        groups.setdefault((cell.state, reason, line, *cell.versions.items(), *cell.held_back), []).append(cell)
    return list(groups.values())


def _depths(cells: Iterable[Today]) -> dict[Level, list[str]]:
    """The names of the components by how deep they were tried on each Python of `cells`, the shallowest level first."""
    depths: dict[str, Depth] = {}
    for cell in cells:
        for name, depth in cell.depths.items():
            depths[name] = min(depth, depths.get(name, depth), key=lambda depth: LEVELS.index(depth.level))
    return by_level(depths)


def _depth_words(cells: Iterable[Today], summary: Summary) -> str:
    """How deep the components of sets that work were tried: the deepest level, then what was tried less.

    Args:
        cells: The sets.
        summary: The table, for the titles of the components.
    """
    cells = list(cells)
    groups, titles = _depths(cells), summary.titles()
    beyond_import = [level for level in groups if level not in _SHALLOW]
    words = f"works up to {beyond_import[-1]}" if beyond_import else ""
    if not groups:  # the table of an older release, which has the level of the set alone
        levels = [cell.level for cell in cells if cell.level is not None]
        words = f"works up to {min(levels, key=LEVELS.index)}" if len(levels) == len(cells) else "works"
    for level in reversed(beyond_import[:-1]):
        words += f", {and_list([titles[name] for name in groups[level]])} only up to {level}"
    shallow = []
    for level, done in _SHALLOW.items():
        names = [titles[name] for name in groups.get(level, ())]
        if names:
            shallow.append(f"{and_list(names)} {'was' if len(names) == 1 else 'were'} only {done}")
    return "; ".join(filter(None, [words or "nothing deeper than an import was tried", *shallow]))


def _sentence(cells: list[Today], summary: Summary) -> str:
    """The sentence on the Pythons on which the newest releases are the same and have the same state."""
    first = cells[0]
    where = f"Python {and_list([cell.python for cell in cells])}"
    tested = [cell.seen for cell in cells if cell.seen is not None]
    when = f"Tested together on {min(tested):%Y-%m-%d}" if tested else "Tested together"
    if first.verdict == "works":
        held = f" (held back: {_held_back(first, summary)})" if first.held_back else ""
        return f"Install on {where}: {_line(first, summary)}. {when}: {_depth_words(cells, summary)}{held}"
    instead = ""
    if first.instead_versions:
        instead = f"; install {_line(first, summary)}, the nearest set that works"
    if first.verdict in RED:
        return f"The newest releases do not all work together on {where}: {_breaks(cells, summary)}{instead}"
    return f"It is not known whether the newest releases work together on {where} ({_reason(first)}){instead}"


def install_words(pins: Mapping[str, str], besides: Iterable[str]) -> str:
    """A set as an installer takes it on a command line: ``alpha==1.3 beta==2.4``. Every install line is made of this.

    Args:
        pins: Its components: distribution to version.
        besides: Requirements that the components do not declare.
    """
    return shlex.join([*(f"{name}=={version}" for name, version in pins.items()), *besides])


def _line(cell: Today, summary: Summary) -> str:
    """What to install: the newest releases where they work, else the nearest set."""
    is_newest = cell.verdict == "works"
    shows, versions = (cell.cell, cell.versions) if is_newest else (cell.instead, cell.instead_versions)
    distributions = {row.name: row.distribution for row in summary.components}
    pins = {distributions[name]: version for name, version in versions.items() if distributions[name]}
    known = summary.cells_by_id.get(shows)
    return install_words(pins, summary.besides(known) if known is not None else ())


def _reason(cell: Today) -> str:
    return f"{sign(cell.verdict).word}: {cell.sentence}"


def _held_back(cell: Today, summary: Summary) -> str:
    """The components that are held back, with release and cause. Components that move with another are left out."""
    titles = {row.distribution: row.title for row in reversed(summary.components) if not row.moves_with}
    releases: dict[str, dict[str, None]] = {}
    for held in cell.held_back:
        releases.setdefault(held.by, {})[f"{titles.get(held.name, held.name)} {held.got}"] = None
    shown = {by: [text for text in held if text.rpartition(" ")[0] in titles.values()] for by, held in releases.items()}
    return "; ".join(f"{and_list(held or list(releases[by]))} by {by}" for by, held in shown.items())


def _breaks(cells: Iterable[Today], summary: Summary) -> str:
    """The pairs of newest releases that are red on the Pythons of `cells`. If there are none, the cells' reasons."""
    cells = list(cells)
    pythons = {cell.python for cell in cells}
    broken = [
        _pair_fails(pair, summary)
        for pair in summary.pairs
        if any(pair.pythons.get(python) in RED for python in pythons)
    ]
    return and_list(broken or sorted({_reason(cell) for cell in cells}))


def _pair_fails(pair: PairRow, summary: Summary) -> str:
    titles = summary.titles()
    first, second = f"{titles[pair.first]} {pair.first_version}", f"{titles[pair.second]} {pair.second_version}"
    if pair.verdict == "broken":
        return f"{second} fails with {first} at {pair.level}"
    return f"{second} with {first} is {sign(pair.verdict).word}"


def _known_problems(summary: Summary) -> list[ComponentRow]:
    """The components of which the newest release is red, and that no set of the newest releases has."""
    return [
        row
        for row in summary.components
        if row.verdict in RED and not any(row.name in cell.versions for cell in summary.today)
    ]


def _problem(row: ComponentRow, summary: Summary) -> str:
    """What the newest release of a component fails with, and what to do: ``Eta 0.1 fails with Alpha 1.3; use ...``."""
    titles = summary.titles()
    red = [pair for pair in summary.pairs if row.name in (pair.first, pair.second) and pair.verdict in RED]
    if not red:
        return f"{row.title} {row.newest} is {sign(row.verdict).word} at {row.level}"
    pair = min(red, key=lambda pair: pair.inferred)
    versions = {pair.first: pair.first_version, pair.second: pair.second_version}
    (partner,) = versions.keys() - {row.name}
    fails = f"{row.title} {versions[row.name]} fails with {titles[partner]} {versions[partner]} at {pair.level}"
    steps = steps_sentence(smallest_steps(versions, summary)[:1], titles)
    return f"{fails}; {steps}" if steps else fails
