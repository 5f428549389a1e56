"""What a site is made of: a published table and what lies beside it, with the look-ups that pages share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.bounds import BoundFinding, MetBound, met_bounds
from stackcompat.advice.known_sets import KnownSet, known_sets, newest_fitting
from stackcompat.advice.osv import osv_records
from stackcompat.advice.set_knowledge import SetKnowledge
from stackcompat.advice.timeline import Timeline
from stackcompat.core.requirements import python_key
from stackcompat.core.vocabulary import Verdict
from stackcompat.nightly.changes import Night
from stackcompat.report.failure_text import failure_sentence, own_tests_note
from stackcompat.report.site.latest import LatestSet, latest_sets
from stackcompat.report.site.partners import Partner, partners_of
from stackcompat.table.cells import CellRow
from stackcompat.table.changes import Changes, table_changes
from stackcompat.table.components import ComponentRow
from stackcompat.table.failures import FailureGroup
from stackcompat.table.pairs import PairRow
from stackcompat.table.summary import Summary

__all__ = ["Published", "Site"]


@dataclass(frozen=True)
class Published:
    """What is published of an ecosystem.

    Attributes:
        name: What the ecosystem is called.
        summary: The table.
        advisories: Its advisories.
        night: What the last night changed; None: there is no report of a night.
        bounds: Declared bounds that contradict what was measured; None: it is not known whether there are any.
        timelines: The replayed past, on each Python.
        repair: ``repair.toml``, for uv; empty: there is none.
        previous: The table before this one; None: it is not known.
        address: Where the site will be read, for feeds; empty: it is not known.
    """

    name: str
    summary: Summary
    advisories: tuple[Advisory, ...] = ()
    night: Night | None = None
    bounds: tuple[BoundFinding, ...] | None = None
    timelines: tuple[Timeline, ...] = ()
    repair: str = ""
    previous: Summary | None = None
    address: str = ""

    def after(self, previous: Summary | None) -> Published:
        """The same with the table before it."""
        return replace(self, previous=previous)


class Site:
    """The published facts with what the pages look up in them.

    Args:
        published: What is published.
    """

    def __init__(self, published: Published) -> None:
        self.published = published
        self.summary = published.summary
        self.name = published.name
        self.advisories = published.advisories
        self.titles = published.summary.titles()
        self._partners: tuple[tuple[str, str], dict[str, tuple[Partner, ...]]] | None = None
        self._words: dict[str, str] = {}
        self._knowledge: dict[str, SetKnowledge] = {}

    @cached_property
    def components(self) -> Mapping[str, ComponentRow]:
        """The components by name."""
        return {row.name: row for row in self.summary.components}

    @cached_property
    def cells(self) -> Mapping[str, CellRow]:
        """The cells by id."""
        return {cell.id: cell for cell in self.summary.cells}

    @cached_property
    def failures(self) -> Mapping[str, FailureGroup]:
        """The failures by id."""
        return {group.id: group for group in self.summary.failures}

    def failure_words(self, group: FailureGroup) -> str:
        """The sentence on a failure; of tests that a release ships, the note about the release."""
        if group.id not in self._words:
            words = own_tests_note if group.level == "upstream" else failure_sentence
            self._words[group.id] = words(group, self.summary)
        return self._words[group.id]

    @cached_property
    def pythons(self) -> tuple[str, ...]:
        """The Pythons of the table, the newest first."""
        return tuple(sorted({cell.python for cell in self.summary.cells}, key=python_key, reverse=True))

    @cached_property
    def sets(self) -> tuple[KnownSet, ...]:
        """The sets that are known to work."""
        return known_sets(self.summary, self.advisories)

    @cached_property
    def _sets_by_release(self) -> Mapping[tuple[str, str], Sequence[KnownSet]]:
        return _by_release(self.sets)

    @cached_property
    def _newest_by_release(self) -> Mapping[tuple[str, str], Sequence[KnownSet]]:
        return _by_release(newest_fitting((), self.sets, self.summary, prereleases=True))

    def sets_with(self, name: str, version: str) -> Sequence[KnownSet]:
        """The sets that are known to work and have a release."""
        return self._sets_by_release.get((name, version), ())

    def newest_sets_with(self, name: str, version: str) -> Sequence[KnownSet]:
        """The same sets, the newest first, as ``stackcompat suggest`` looks through them."""
        return self._newest_by_release.get((name, version), ())

    @cached_property
    def latest(self) -> tuple[LatestSet, ...]:
        """On each Python, the newest set to install."""
        return latest_sets(self.summary, self.advisories)

    @cached_property
    def met_bounds(self) -> tuple[MetBound, ...]:
        """The declared bounds that kept a release out of some set."""
        return met_bounds(self.summary)

    @cached_property
    def changes(self) -> Changes | None:
        """What changed since the previous table; None: that one is not known."""
        previous = self.published.previous
        return table_changes(previous, self.summary) if previous is not None else None

    def knowledge(self, python: str) -> SetKnowledge:
        """What the table knows of sets on one Python."""
        if python not in self._knowledge:
            self._knowledge[python] = SetKnowledge(self.summary, python)
        return self._knowledge[python]

    @cached_property
    def releases(self) -> Mapping[str, tuple[str, ...]]:
        """The releases of each component that were tried, the lowest first."""
        if not self.pythons:
            return {row.name: row.releases for row in self.summary.components}
        tried = self.knowledge(self.pythons[0]).tried
        return {row.name: tuple(tried.get(row.name, {}).values()) for row in self.summary.components}

    def partners(self, name: str, version: str) -> Mapping[str, tuple[Partner, ...]]:
        """What goes with a release, by Python. Only the last answer is kept: a page and a file ask for it in turn."""
        if self._partners is None or self._partners[0] != (name, version):
            known = {python: partners_of(name, version, self.knowledge(python)) for python in self.pythons}
            self._partners = (name, version), {python: found for python, found in known.items() if found}
        return self._partners[1]

    @cached_property
    def counts_by_release(self) -> Mapping[str, Mapping[str, Counter[Verdict]]]:
        """By component and release, how many cells that have it have each verdict."""
        found: dict[str, dict[str, Counter[Verdict]]] = {}
        for cell in self.summary.cells:
            for name, held in cell.components.items():
                found.setdefault(name, {}).setdefault(held.version, Counter())[cell.verdict] += 1
        return found

    @cached_property
    def example(self) -> tuple[str, str]:
        """A component and its newest tested release, for examples of questions; empty texts if there is none."""
        found = [(row.name, row.newest) for row in self.summary.components if row.newest]
        return found[0] if found else ("", "")

    @cached_property
    def pairs_of(self) -> Mapping[str, tuple[PairRow, ...]]:
        """The pairs that each component is in."""
        found: dict[str, list[PairRow]] = {}
        for pair in self.summary.pairs:
            for name in (pair.first, pair.second):
                found.setdefault(name, []).append(pair)
        return {name: tuple(pairs) for name, pairs in found.items()}

    @cached_property
    def advisories_of_cell(self) -> Mapping[str, tuple[Advisory, ...]]:
        """The advisories that each cell shows."""
        found: dict[str, list[Advisory]] = {}
        for advisory in self.advisories:
            for cell in advisory.cells:
                found.setdefault(cell, []).append(advisory)
        return {cell: tuple(of_cell) for cell, of_cell in found.items()}

    @cached_property
    def osv_records(self) -> Mapping[str, dict[str, Any]]:
        """The OSV records of the advisories that hit everybody who installs a release, by id."""
        return osv_records(self.advisories, self.summary)

    @cached_property
    def today(self) -> tuple[Advisory, ...]:
        """The advisories that hit the newest releases: each of their sides has its newest one."""
        newest = {row.name: row.newest for row in self.summary.components}

        def is_of_today(advisory: Advisory) -> bool:
            names = [side.component for side in advisory.sides]
            wanted = tuple(newest.get(name, "") for name in names)
            return wanted in advisory.together

        return tuple(advisory for advisory in self.advisories if is_of_today(advisory))

    def pins(self, versions: Mapping[str, str]) -> dict[str, str]:
        """Distribution to version, from component to version. A component without a distribution is left out."""
        distributions = {name: row.distribution for name, row in self.components.items()}
        return {distributions[name]: version for name, version in versions.items() if distributions.get(name)}

    def advisories_of(self, name: str) -> Sequence[Advisory]:
        """The advisories that a component is in."""
        return self._advisories_by_component.get(name, ())

    @cached_property
    def _advisories_by_component(self) -> Mapping[str, Sequence[Advisory]]:
        found: dict[str, list[Advisory]] = {}
        for advisory in self.advisories:
            for name in {side.component for side in advisory.sides}:
                found.setdefault(name, []).append(advisory)
        return found


def _by_release(sets: Iterable[KnownSet]) -> Mapping[tuple[str, str], Sequence[KnownSet]]:
    """The sets with each release, in their order."""
    found: dict[tuple[str, str], list[KnownSet]] = {}
    for one in sets:
        for release in one.versions.items():
            found.setdefault(release, []).append(one)
    return found
