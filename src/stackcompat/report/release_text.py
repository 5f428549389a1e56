"""Releases in words: culprits, the releases of a feature, pins that were held back, the Pythons of a pair. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stackcompat.blame.result import Culprit
from stackcompat.core.requirements import version_key
from stackcompat.core.text import and_list
from stackcompat.table.culprits import CulpritRow
from stackcompat.table.features import FeatureRow
from stackcompat.table.pairs import PairRow
from stackcompat.table.pinned import PinnedSet
from stackcompat.table.summary import Summary
from stackcompat.table.version_ranges import span

__all__ = [
    "crossing_culprits",
    "feature_releases",
    "held_back_pins",
    "joined_releases",
    "unjudged_tests",
    "where_it_holds",
]


def held_back_pins(pinned: PinnedSet) -> list[str]:
    """A sentence for each pin that a bound kept from its newest release when it was moved."""
    sentences = [
        f"{moved.distribution} {answer.version} is not its newest release; it is held back by {answer.held_back}"
        for moved in pinned.moved
        for answer in moved.answers
        if answer.held_back
    ]
    return list(dict.fromkeys(sentences))


def unjudged_tests(summary: Summary) -> dict[str, list[str]]:
    """The tests of all cells that failed and do not count, in the order of their names, by the reason."""
    tests: dict[str, set[str]] = {}
    for cell in summary.cells:
        for test, reason in cell.not_judged.items():
            tests.setdefault(reason, set()).add(test)
    return {reason: sorted(tests[reason]) for reason in sorted(tests)}


def feature_releases(row: FeatureRow, summary: Summary) -> list[str]:
    """Each component with which a feature does not work, and its releases as ranges over those that were tried."""
    tried = {component.name: component.releases for component in summary.components}
    titles = summary.titles()
    texts = []
    for name, versions in row.components.items():
        among = sorted(
            {*tried[name], *versions}, key=version_key
        )  # a forced or local version is not among the tried ones
        texts.append(f"{titles[name]} {span(versions, among)}")
    return texts


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
    """The Pythons on which a pair's verdict holds: ``on Python 3.13``; empty if it holds on all that were tried."""
    pythons = [python for python, verdict in pair.pythons.items() if verdict == pair.verdict]
    return f"on Python {and_list(pythons)}" if 0 < len(pythons) < len(pair.pythons) else ""
