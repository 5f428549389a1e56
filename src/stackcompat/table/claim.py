"""The claim and the headline: what works today, and which newest releases do not, in a few sentences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import Verdict
from stackcompat.ecosystem.components import Components
from stackcompat.table.components import ComponentRow
from stackcompat.table.pairs import PairRow
from stackcompat.table.today import Today
from stackcompat.table.vocabulary import count_words, sign
from stackcompat.verdict.history import RED

__all__ = ["claim", "headline"]

#: What the newest releases on one Python come to.
_Kind = Literal["newest", "held back", "red", "unknown"]


def claim(today: Sequence[Today], rows: Sequence[ComponentRow], pairs: Sequence[PairRow]) -> str:
    """What works today, and which newest releases do not, in a few sentences without the last full stop.

    Args:
        today: What the newest releases do, on each Python.
        rows: The components.
        pairs: The pairs of components.
    """
    if not today:
        return "It is not known what works today: no cell with the newest releases was run"
    kinds: dict[_Kind, list[Today]] = {}
    for cell in today:
        kinds.setdefault(_kind(cell), []).append(cell)
    number = _tested_together(today, rows)
    sentences = [_sentence(kind, cells, number, rows, pairs) for kind, cells in kinds.items()]
    problems = [
        f"{row.title} {row.newest} is {sign(row.verdict).word} at {row.level}"
        for row in rows
        if row.verdict in RED and not any(row.name in cell.versions for cell in today)
    ]
    if problems:
        sentences.append(f"Known {'problem' if len(problems) == 1 else 'problems'}: {and_list(problems)}")
    return ". ".join(sentences)


def headline(
    claim: str, today: Iterable[Today], counts: Mapping[Verdict, int], components: Components, now: dt.datetime
) -> str:
    """The claim with the versions to install, the day and the number of cells.

    Args:
        claim: The claim.
        today: What the newest releases do, on each Python; the versions of the first that works are named.
        counts: Cells by verdict.
        components: The components, for their titles.
        now: The time of the table.
    """
    sentences = [claim]
    working = [cell for cell in today if cell.verdict == "works"]
    if working:
        versions = working[0].versions
        pythons = [cell.python for cell in working if cell.versions == versions]
        releases = ", ".join(f"{components[name].title} {version}" for name, version in versions.items())
        sentences.append(f"Install today on Python {and_list(pythons)}: {releases}")
    sentences.append(f"As of {now:%Y-%m-%d}; {count_words(counts)}.")
    return ". ".join(sentences)


def _kind(cell: Today) -> _Kind:
    if cell.verdict == "works":
        return "held back" if cell.held_back else "newest"
    return "red" if cell.verdict in ("broken", "unresolvable", "uninstallable") else "unknown"


def _tested_together(today: Iterable[Today], rows: Iterable[ComponentRow]) -> int:
    """The number of tested components in the largest of the newest cells."""
    tested = {row.name for row in rows if row.verdict != "untested"}
    return max(len(tested & cell.versions.keys()) for cell in today)


def _sentence(
    kind: _Kind, cells: Sequence[Today], number: int, rows: Sequence[ComponentRow], pairs: Sequence[PairRow]
) -> str:
    """What the newest releases do on the Pythons where they do the same.

    Args:
        kind: What they do.
        cells: The Pythons.
        number: The number of components that are tested together.
        rows: The components.
        pairs: The pairs of components.
    """
    where = f"Python {and_list([cell.python for cell in cells])}"
    match kind:
        case "newest":
            return f"The newest releases of {number} components work together on {where}"
        case "held back":
            return f"On {where} an installer gives {_held_back(cells, rows)}, and that works"
        case "red":
            return f"The newest releases do not all work together on {where}: {_broken_pairs(cells, rows, pairs)}"
        case "unknown":
            reasons = and_list(sorted({_reason(cell) for cell in cells}))
            return f"It is not known whether the newest releases work together on {where} ({reasons})"


def _reason(cell: Today) -> str:
    return f"{sign(cell.verdict).word}: {cell.sentence}"


def _held_back(cells: Iterable[Today], rows: Iterable[ComponentRow]) -> str:
    """Which components are held back at which release, and by whom; those that move with another are left out."""
    titles = {row.distribution: row.title for row in reversed(tuple(rows)) if not row.moves_with}
    releases: dict[str, dict[str, None]] = {}
    for cell in cells:
        for held in cell.held_back:
            if held.name in titles:
                releases.setdefault(held.by, {})[f"{titles[held.name]} {held.got}"] = None
    return and_list([f"{and_list(list(held))} (held back by {by})" for by, held in releases.items()])


def _broken_pairs(cells: Sequence[Today], rows: Iterable[ComponentRow], pairs: Sequence[PairRow]) -> str:
    """The pairs of newest releases that are red on the Pythons of `cells`; where none is known, what the cells say."""
    titles = {row.name: row.title for row in rows}
    red: tuple[Verdict, ...] = ("broken", "unresolvable")
    broken = [
        f"{titles[pair.first]} {pair.first_version} with {titles[pair.second]} {pair.second_version}"
        f" is {sign(pair.verdict).word} at {pair.level}"
        for pair in pairs
        if any(pair.pythons.get(cell.python) in red for cell in cells)
    ]
    return and_list(broken or sorted({_reason(cell) for cell in cells}))
