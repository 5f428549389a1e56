"""The words that several reports use for the same thing: ages, histories, frontiers, islands, culprits. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from stackcompat.blame.culprit import Culprit
from stackcompat.core.requirements import version_key
from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import Verdict
from stackcompat.resolve.islands import IslandRow
from stackcompat.table.culprits import CulpritRow
from stackcompat.table.features import FeatureRow
from stackcompat.table.frontiers import FrontierEdge, FrontierRow
from stackcompat.table.islands import distinguishing_releases, kept_off
from stackcompat.table.pairs import PairRow
from stackcompat.table.pinned import PinnedSet
from stackcompat.table.summary import Summary
from stackcompat.table.vocabulary import sign, span, titled
from stackcompat.verdict.history import HistoryEntry

__all__ = [
    "age",
    "crossing_culprits",
    "feature_releases",
    "frontier_words",
    "held_back_pins",
    "history_mark",
    "history_words",
    "interval_words",
    "island_exclusions",
    "island_guide",
    "joined_releases",
    "where_it_holds",
    "working_partners",
]

#: How a verdict stands in a line of many: its height says as much as its colour on the page.
_HISTORY_MARKS: dict[str, str] = {
    "works": "▁",
    "broken": "█",
    "apart": "▆",
    "flaky": "▄",
    "unknown": "·",
    "untested": "·",
}


#: The sizes of ages in days, and their units.
_UNITS = ((365, "years"), (30, "months"), (7, "weeks"))


def history_mark(verdict: Verdict) -> str:
    """One character for a verdict in a history: low is green, full is red, a dot has no verdict."""
    return _HISTORY_MARKS[sign(verdict).tone]


def history_words(past: Sequence[HistoryEntry], red: dt.datetime | None, green: dt.datetime | None) -> str:
    """A history in words: ``2 runs: works (1), broken (1); red since 2026-11-22, last green 2026-11-21``.

    Args:
        past: What each run saw.
        red: When the latest stretch of red began; None: never.
        green: When it last worked; None: never.
    """
    counts: dict[str, int] = {}
    for entry in past:
        word = sign(entry.verdict).word
        counts[word] = counts.get(word, 0) + 1
    words = ", ".join(f"{word} ({number})" for word, number in counts.items())
    moments = [f"red since {red:%Y-%m-%d}"] if red else []
    moments += [f"last green {green:%Y-%m-%d}"] if green else []
    sentence = f"{len(past)} {'run' if len(past) == 1 else 'runs'}: {words}"
    return f"{sentence}; {', '.join(moments)}" if moments else sentence


def age(seen: dt.datetime | None, now: dt.datetime) -> str:
    """How long ago `seen` was, in words; empty where it is None."""
    if seen is None:
        return ""
    days = (now - seen).days
    for size, unit in _UNITS:
        if days >= 2 * size:
            return f"{days // size} {unit} ago"
    if days < 1:
        return "today"
    return "yesterday" if days == 1 else f"{days} days ago"


def held_back_pins(pinned: PinnedSet) -> list[str]:
    """The pins that did not get to their newest release when they were moved, and the bound that held them back."""
    sentences = [
        f"{moved.distribution} {answer.version} is not its newest release; it is held back by {answer.held_back}"
        for moved in pinned.moved
        for answer in moved.answers
        if answer.held_back
    ]
    return list(dict.fromkeys(sentences))


def island_guide(islands: Sequence[IslandRow], titles: Mapping[str, str]) -> str:
    """Which releases only one island has; empty where there are none."""
    clauses = []
    for number, releases in distinguishing_releases(islands).items():
        named = [f"{titled(titles, name)} {version}" for name, version in releases]
        clauses.append(f"island {number} has {and_list(named)}")
    return f"Take the island with the package that you need: {'; '.join(clauses)}" if clauses else ""


def island_exclusions(islands: Iterable[IslandRow], titles: Mapping[str, str]) -> list[str]:
    """A sentence for each bound that keeps newest releases off islands."""
    sentences = []
    for bound in kept_off(islands):
        clauses = []
        for (name, version), numbers in bound.releases.items():
            release = f"{titled(titles, name)} {version}".rstrip()
            on = f"{'island' if len(numbers) == 1 else 'islands'} {and_list([str(number) for number in numbers])}"
            clauses.append(f"{release} is not on {on}")
        sentences.append(f"{', and '.join(clauses)}: {bound.reason}")
    return sentences


def feature_releases(row: FeatureRow, summary: Summary) -> list[str]:
    """Each component that a feature does not work with, and its releases as ranges over those that were tried."""
    tried = {component.name: component.releases for component in summary.components}
    titles = summary.titles()
    texts = []
    for name, versions in row.components.items():
        among = sorted({*tried[name], *versions}, key=version_key)  # a forced or local one counts as no release
        texts.append(f"{titles[name]} {span(versions, among)}")
    return texts


def frontier_words(row: FrontierRow) -> str:
    """What a frontier rests on: ``340 installable pairs: 126 tested, 210 inferred, 4 without a verdict. ...``."""
    counts = [f"{row.pairs_answered - row.pairs_inferred} tested", f"{row.pairs_inferred} inferred"]
    if row.pairs_answered < len(row.pairs):
        counts.append(f"{len(row.pairs) - row.pairs_answered} without a verdict")
    sentences = [f"{len(row.pairs)} installable pairs: {', '.join(counts)}, from {row.runs} runs"]
    if row.checks:
        wrong = sum(check.inferred != check.observed for check in row.checks)
        outcome = f"{wrong} of them wrong" if wrong else "all right"
        sentences.append(f"{len(row.checks)} inferred pairs were tested afterwards: {outcome}")
    shares = {"precision": row.precision, "recall": row.recall}
    known = [f"{name} {share:.0%}" for name, share in shares.items() if share is not None]
    if known:
        sentences.append(f"Forecast from source: {', '.join(known)}")
    if not row.complete:
        sentences.append("Not complete yet")
    return ". ".join(sentences)


def working_partners(row: FrontierRow, component: str, edge: FrontierEdge) -> str:
    """The releases that work with one release of a component, as intervals; ``none``, or ``not tested yet``.

    Args:
        row: The frontier.
        component: The component.
        edge: Its release, with the intervals of the other component that work.
    """
    verdicts = {pair.verdict for pair in row.pairs if pair.versions[component] == edge.version}
    untested = bool(verdicts) and verdicts.isdisjoint({"works", "broken"})
    return "not tested yet" if untested else interval_words(edge.works)


def interval_words(works: Iterable[tuple[str, str]]) -> str:
    """``1.2 - 1.4, 1.6`` (with an en dash) from the first and last release of each interval; ``none``."""
    return ", ".join(low if low == high else f"{low} \N{EN DASH} {high}" for low, high in works) or "none"


def joined_releases(versions: Mapping[str, str]) -> str:
    """The releases of a culprit set: ``beta 2.4 with alpha 1.3``."""
    return " with ".join(f"{name} {version}".rstrip() for name, version in versions.items())


def crossing_culprits(rows: Iterable[CulpritRow]) -> str:
    """The culprits of a crossing, side by side: ``reader: beta 2.4 (last good 2.3); writer: alpha 1.3``."""
    sides = []
    for row in rows:
        edges = {culprit.name: _edges(culprit) for culprit in row.culprits}
        releases = [f"{name} {version}{edges.get(name, '')}" for name, version in row.versions.items()]
        sides.append(f"{row.side}: {' with '.join(releases)}")
    return "; ".join(sides)


def _edges(culprit: Culprit) -> str:
    """The good releases around a culprit, in brackets: `` (last good 2.3, good again from 2.5 on)``; empty: none."""
    parts = [f"last good {culprit.last_good}"] if culprit.last_good else []
    parts += [f"good again from {culprit.fixed_in} on"] if culprit.fixed_in else []
    return f" ({', '.join(parts)})" if parts else ""


def where_it_holds(pair: PairRow) -> str:
    """The Pythons on which the pair's verdict holds: ``on Python 3.13``; empty where that is all that were tried."""
    pythons = [python for python, verdict in pair.pythons.items() if verdict == pair.verdict]
    return f"on Python {and_list(pythons)}" if 0 < len(pythons) < len(pair.pythons) else ""
