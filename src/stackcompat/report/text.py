"""The words and signs that every report uses for the same thing: verdicts, policies, ages, lists of versions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from stackcompat.blame.culprit import Culprit
from stackcompat.core.requirements import version_key
from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import Verdict
from stackcompat.resolve.islands import IslandRow
from stackcompat.table.components import ComponentRow
from stackcompat.table.culprits import CulpritRow
from stackcompat.table.features import FeatureRow
from stackcompat.table.frontiers import FrontierRow
from stackcompat.table.pairs import PairRow
from stackcompat.table.pinned import PinnedSet
from stackcompat.table.summary import Summary
from stackcompat.table.vocabulary import sign, span, titled
from stackcompat.verdict.history import HistoryEntry

__all__ = [
    "accused",
    "age",
    "alone",
    "held_pins",
    "interval_words",
    "island_key",
    "island_names",
    "kept_off",
    "limited",
    "pair_on",
    "spark",
    "together",
    "told_frontier",
    "told_history",
]

#: How a verdict stands in a line of many: height tells as much as the colour that a page may add.
_SPARKS: dict[str, str] = {"works": "▁", "broken": "█", "apart": "▆", "flaky": "▄", "unknown": "·", "untested": "·"}


def spark(verdict: Verdict) -> str:
    """One character for `verdict` in a history: low is green, full is red, a dot could not be told."""
    return _SPARKS[sign(verdict).tone]


def told_history(past: Sequence[HistoryEntry], red: dt.datetime | None, green: dt.datetime | None) -> str:
    """A history in words: ``2 runs: works (1), broken (1); red first seen 2026-11-22, ...``."""
    counts: dict[str, int] = {}
    for one in past:
        counts[sign(one.verdict).word] = counts.get(sign(one.verdict).word, 0) + 1
    said = ", ".join(f"{word} ({number})" for word, number in counts.items())
    parts = [f"red first seen {red:%Y-%m-%d}"] if red else []
    parts += [f"green last seen {green:%Y-%m-%d}"] if green else []
    return f"{len(past)} {'run' if len(past) == 1 else 'runs'}: {said}" + (f"; {', '.join(parts)}" if parts else "")


def age(seen: dt.datetime | None, now: dt.datetime) -> str:
    """How long ago `seen` was, in words; empty when nothing was seen."""
    if seen is None:
        return ""
    days = (now - seen).days
    for size, unit in ((365, "years"), (30, "months"), (7, "weeks")):
        if days >= 2 * size:
            return f"{days // size} {unit} ago"
    return "today" if days < 1 else "yesterday" if days == 1 else f"{days} days ago"


def alone(row: ComponentRow, summary: Summary) -> str:
    """Why a component that has a verdict is in no pair, though it neither moves with another nor is a part of one."""
    if any(pinned.name.startswith(f"{row.distribution} ") for pinned in summary.pinned):
        return "it pins the others, which are tested as it pins them"
    cell = next((cell for cell in summary.cells if cell.id == row.cell), None)
    if cell is None or not (cell.forced or cell.policy == "local"):
        return "no test uses it together with another component"
    titles = summary.titles()
    beside = [f"{titles[name]} {here.version}" for name, here in cell.components.items() if name != row.name]
    how = "taken from its source" if cell.policy == "local" else "forced against declared bounds"
    return f"{how}, so that it judges no pair; it was tried beside {and_list(beside)}"


def held_pins(pinned: PinnedSet) -> list[str]:
    """Which pins did not get to their newest release when they were moved, and by whose bound."""
    return list(
        dict.fromkeys(
            f"{moved.distribution} {answer.version} is not the newest: {answer.held_back}"
            for moved in pinned.moved
            for answer in moved.answers
            if answer.held_back
        )
    )


def island_key(shores: Sequence[IslandRow], titles: Mapping[str, str]) -> str:
    """By which releases a user knows the island: those that are on one alone; empty where there are none."""
    on: dict[tuple[str, str], list[int]] = {}
    for shore in shores:
        for release in shore.releases.items():
            on.setdefault(release, []).append(shore.number)
    keys: dict[int, list[str]] = {}
    for (name, version), numbers in on.items():
        if len(numbers) == 1 < len(shores):
            keys.setdefault(numbers[0], []).append(f"{titled(titles, name)} {version}")
    told = [f"{and_list(keys[number])} is on island {number}" for number in sorted(keys)]
    return f"Who uses {'; who uses '.join(told)}" if told else ""


def island_names(shores: Sequence[IslandRow], order: Iterable[str]) -> list[str]:
    """What the islands hold, in this `order`; what is not in it comes last."""
    held = dict.fromkeys(name for shore in shores for name in (*shore.releases, *shore.beside))
    return list(dict.fromkeys([*(name for name in order if name in held), *held]))


def kept_off(shores: Iterable[IslandRow], titles: Mapping[str, str]) -> list[str]:
    """Each bound that keeps a newest release off an island, once, with whom it keeps off which."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for shore in shores:
        for excluded in shore.excluded:
            who = f"{titled(titles, excluded.name)} {excluded.version}".rstrip()
            reasons.setdefault(excluded.reason, {}).setdefault(who, []).append(str(shore.number))
    return [
        f"{'; '.join(f'{who} off {and_list(off)}' for who, off in kept.items())}: {reason}"
        for reason, kept in reasons.items()
    ]


def limited(row: FeatureRow, summary: Summary) -> list[str]:
    """Each component that a limit was seen with, and its releases as ranges over those that were tried."""
    tried = {one.name: one.releases for one in summary.components}
    titles = summary.titles()
    found = []
    for name, versions in row.components.items():
        among = sorted({*tried[name], *versions}, key=version_key)  # a forced or local one counts as no release
        found.append(f"{titles[name]} {span(versions, among)}")
    return found


def told_frontier(row: FrontierRow) -> str:
    """What a frontier rests on: ``340 pairs that can be had: 336 answered, 210 inferred, from 61 runs; ...``."""
    wrong = sum(check.inferred != check.observed for check in row.checks)
    shares = [f"{share:.0%}" if share is not None else "none to tell by" for share in (row.precision, row.recall)]
    answers = f"{row.pairs_answered} answered, {row.pairs_inferred} inferred, from {row.runs} runs"
    parts = [
        f"{len(row.pairs)} pairs that can be had: {answers}",
        f"{len(row.checks)} inferred pairs were checked, {wrong} came out otherwise",
        f"forecast from source: precision {shares[0]}, recall {shares[1]}",
    ]
    return "; ".join(parts) + ("" if row.complete else "; not complete yet")


def interval_words(works: Iterable[tuple[str, str]]) -> str:
    """``1.2 .. 1.4, 1.6``, from the first and last of each interval; ``none``."""
    return ", ".join(low if low == high else f"{low} \N{EN DASH} {high}" for low, high in works) or "none"


def together(versions: Mapping[str, str]) -> str:
    """The releases of a culprit set: ``beta 2.4 with alpha 1.3``."""
    return " with ".join(f"{name} {version}".rstrip() for name, version in versions.items())


def accused(rows: Iterable[CulpritRow]) -> str:
    """The culprits of a crossing, side by side: ``reader: beta 2.4 (last good 2.3); writer: alpha 1.3``."""
    sides = []
    for row in rows:
        edges = {culprit.name: _edges(culprit) for culprit in row.culprits}
        releases = [f"{name} {version}{edges.get(name, '')}" for name, version in row.versions.items()]
        sides.append(f"{row.side}: {' with '.join(releases)}")
    return "; ".join(sides)


def _edges(culprit: Culprit) -> str:
    """The releases around a culprit that are good: `` (last good 2.3, good again from 2.5 on)``; empty: none."""
    parts = [f"last good {culprit.last_good}"] if culprit.last_good else []
    parts += [f"good again from {culprit.fixed_in} on"] if culprit.fixed_in else []
    return f" ({', '.join(parts)})" if parts else ""


def pair_on(pair: PairRow) -> str:
    """On which Pythons the pair's verdict holds, if it does not on all that were tried: ``on Python 3.13``."""
    where = [python for python, verdict in pair.pythons.items() if verdict == pair.verdict]
    return f"on Python {and_list(where)}" if 0 < len(where) < len(pair.pythons) else ""
