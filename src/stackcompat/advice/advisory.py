"""Advisories: each distinct incompatibility as one record, with the rules that say which environments it hits.

An advisory names the components that fail together (usually two), the affected releases of each, and the failure. A
release can also fail alone: with every partner, or because it needs something that it does not declare. An advisory
that comes from a search for the culprit names one, two or three distributions. The id is made from the distributions
and the failure, so it stays the same from night to night while the list of affected releases grows.

Only a failure that is confirmed, in a cell or in a run of a frontier, makes an advisory. A failure of the tests that a
release ships itself makes none: it is a note about that release. A release between two affected ones is not listed as
affected if nobody tried it. Inferred pairs are kept apart from observed ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from stackcompat.core.record import Record
from stackcompat.core.requirements import version_key
from stackcompat.core.toml import Table, load_record
from stackcompat.core.vocabulary import Level
from stackcompat.table.version_ranges import span
from stackcompat.table.workaround import Step

__all__ = ["Advisory", "AffectedSide", "IssueLink", "failing_place", "load_links"]


class AffectedSide(Record):
    """One component of an advisory, or a distribution that is no component.

    Attributes:
        component: The name of the component; without one, that of the distribution.
        title: What people call it.
        distribution: The distribution.
        versions: The affected versions, lowest first.
        known: The versions that were tried, lowest first.
        first_bad: The release at which it began to fail, as a search has found; empty: unknown.
        fixed_in: The release at which it stopped failing; empty: no newer release passed.
        unresolved: Versions between these two that could not be judged, or whose uploads do not lie between theirs.
    """

    component: str
    title: str
    distribution: str
    versions: tuple[str, ...]
    known: tuple[str, ...]
    first_bad: str = ""
    fixed_in: str = ""
    unresolved: tuple[str, ...] = ()

    def includes(self, version: str) -> bool:
        """Whether a version is affected, or lies in the range that a search has found to fail.

        The range ends at the newest release that was seen to fail, or at the one that fixed it: of releases beyond,
        nothing is known.
        """
        key = version_key(version)
        if key in map(version_key, self.versions):
            return True
        if not self.first_bad or key in map(version_key, self.unresolved) or key < version_key(self.first_bad):
            return False
        return key < version_key(self.fixed_in) if self.fixed_in else key <= version_key(self.versions[-1])

    def __str__(self) -> str:
        if self.first_bad and version_key(self.first_bad) < version_key(self.versions[-1]):
            return f"{self.title} {self.first_bad} \N{EN DASH} {self.versions[-1]}"
        return f"{self.title} {span(self.versions, self.known)}"


def failing_place(sides: Sequence[AffectedSide], package: str) -> int:
    """The place of the side that the error came out of. If it is none of them, the last side, which uses the others."""
    return next((place for place, side in enumerate(sides) if side.distribution == package), len(sides) - 1)


class Advisory(Record):
    """One incompatibility.

    Attributes:
        id: The same for the same incompatibility from night to night.
        summary: The incompatibility in one sentence without its full stop: what fails, with what, and why.
        reason: The end of that sentence, which says why.
        sides: The components that fail together; a single one fails alone.
        together: The sets of releases that failed together in a test. A set has one release of each side, in the order
            of `sides`.
        level: The shallowest level at which they fail.
        signature: The failure.
        package: The distribution that the error came out of.
        tests: The tests that fail.
        pythons: The Pythons on which they fail.
        cells: Ids of the cells that show it.
        evidence: Ids of the runs of frontiers that show it.
        inferred: Pairs that a frontier infers to be broken in this way; nobody tried them.
        without: The distribution that must be absent for the failure, because a side needs it and does not declare it.
            Empty: none.
        beside: Distributions that must be installed, in any release, because the failing tests use them.
        first_seen: When a run first showed it.
        last_seen: When a run last showed it.
        workaround: What to do, in words; empty: nothing is known.
        steps: The moves of one component that were seen to help, the smallest first. `workaround` says them in words.
        links: Addresses of issues about it.
    """

    id: str
    summary: str
    reason: str = ""
    sides: tuple[AffectedSide, ...]
    together: tuple[tuple[str, ...], ...]
    level: Level
    signature: str
    package: str
    tests: tuple[str, ...]
    pythons: tuple[str, ...]
    cells: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    inferred: tuple[tuple[str, ...], ...] = ()
    without: str = ""
    beside: tuple[str, ...] = ()
    first_seen: dt.datetime | None
    last_seen: dt.datetime | None
    workaround: str = ""
    steps: tuple[Step, ...] = ()
    links: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The incompatibility and what to do in one sentence, ``X fails with Y because Z; do W``."""
        return f"{self.summary}; {self.workaround}." if self.workaround else f"{self.summary}."

    def summary_of(self, installed: Mapping[str, str]) -> str:
        """The summary for an environment that is hit: of two components it names the installed releases.

        Args:
            installed: Distribution to version.
        """
        if len(self.sides) != 2 or self.beside or not self.reason:
            return self.summary
        failing = failing_place(self.sides, self.package)
        fails, partner = (f"{side.title} {installed[side.distribution]}" for side in self._from(failing))
        return f"{fails} fails with {partner} {self.reason}"

    def _from(self, place: int) -> tuple[AffectedSide, ...]:
        """The sides, the one at `place` first."""
        return (self.sides[place], *self.sides[:place], *self.sides[place + 1 :])

    @property
    def distributions(self) -> tuple[str, ...]:
        """The distributions of its sides."""
        return tuple(side.distribution for side in self.sides)

    def hits(self, installed: Mapping[str, str]) -> bool:
        """Whether a test showed the failure at exactly the versions of an environment (distribution to version)."""
        return self._applies(installed) and self._among(self.together, installed)

    def likely_hits(self, installed: Mapping[str, str]) -> bool:
        """Whether such an environment is only inferred to have the failure: nobody tried its releases together."""
        if self.hits(installed) or not self._applies(installed):
            return False
        searched = any(side.first_bad for side in self.sides)
        if searched and all(side.includes(installed[side.distribution]) for side in self.sides):
            return True
        return self._among(self.inferred, installed)

    def _applies(self, installed: Mapping[str, str]) -> bool:
        """Whether an environment has every distribution that it needs for the failure, and lacks the absent one."""
        return self.without not in installed and self._needed <= installed.keys()

    @cached_property
    def _needed(self) -> frozenset[str]:
        """The distributions that an environment has to have."""
        return frozenset((*self.distributions, *self.beside))

    def _among(self, releases: Iterable[tuple[str, ...]], installed: Mapping[str, str]) -> bool:
        """Whether the installed versions of the sides are one of the sets in `releases`."""
        versions = [version_key(installed[name]) for name in self.distributions]
        return any([version_key(version) for version in affected] == versions for affected in releases)


class IssueLink(Table):
    """The address of an issue about an advisory, as a person wrote it down."""

    id: str
    url: str


class _Links(Table):
    links: tuple[IssueLink, ...] = ()


def load_links(path: Path) -> tuple[IssueLink, ...]:
    """The links in a TOML file; empty where there is no such file.

    Raises:
        UsageError: There is a mistake in the file.
    """
    return load_record(path, _Links).links if path.exists() else ()
