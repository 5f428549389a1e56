"""Advisories: each distinct incompatibility as one record, with the rules that say which environments it hits.

An advisory is about components whose releases fail together, usually two of them: which releases of the one, which of
the other, and how they fail. A release can also fail alone, because it needs something that it does not declare. A
search for the culprit can name one, two or three distributions. The id of an advisory is made from its distributions
and the failure, so it stays the same from night to night while the list of affected releases grows.

Only confirmed failures make an advisory, in a cell or in a run of a frontier. A release between two affected ones that
nobody tried is not listed as affected. Inferred pairs are kept apart from observed ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path

from stackcompat.core.record import Record
from stackcompat.core.requirements import version_key
from stackcompat.core.toml import Table, load_record
from stackcompat.core.vocabulary import Level
from stackcompat.table.vocabulary import span

__all__ = ["Advisory", "AffectedSide", "Link", "load_links"]


class AffectedSide(Record):
    """One component of an advisory, or a distribution that is no component.

    Attributes:
        component: Its name; that of the distribution where it is no component.
        title: What people call it.
        distribution: The distribution.
        versions: The affected versions, lowest first.
        known: The versions that were tried, lowest first.
        first_bad: The release at which it began to fail, where a search has found that; empty: unknown.
        fixed_in: The release at which it stopped failing; empty: no newer release passed.
        unresolved: Versions between the two that could not be judged, or that were uploaded before or after them.
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
        """Whether a version is affected, or lies in the range that a search has found to fail."""
        key = version_key(version)
        if key in map(version_key, self.versions):
            return True
        if not self.first_bad or key in map(version_key, self.unresolved):
            return False
        return version_key(self.first_bad) <= key and (not self.fixed_in or key < version_key(self.fixed_in))

    def __str__(self) -> str:
        if self.first_bad:
            return f"{self.title} >={self.first_bad}" + (f",<{self.fixed_in}" if self.fixed_in else "")
        return f"{self.title} {span(self.versions, self.known)}"


class Advisory(Record):
    """One incompatibility.

    Attributes:
        id: The same for the same incompatibility from night to night.
        summary: The incompatibility in one sentence.
        sides: The components that fail together; a single one fails alone.
        together: Releases of the `sides`, in their order, that failed together in a test.
        level: The shallowest level at which they fail.
        signature: The failure.
        package: The distribution that the error came out of.
        tests: The tests that fail.
        pythons: The Pythons on which they fail.
        cells: Ids of the cells that show it.
        evidence: Ids of the runs of frontiers that show it.
        inferred: Pairs that a frontier infers to be broken in this way; nobody tried them.
        without: The distribution that must be absent for the failure: it is needed and not declared. Empty: none.
        beside: Distributions that must be there in any release, because the failing tests use them.
        first_seen: When a run first showed it.
        last_seen: When a run last showed it.
        workaround: What to do, in one sentence; empty: nothing is known.
        links: Addresses of issues about it.
    """

    id: str
    summary: str
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
    workaround: str
    links: tuple[str, ...] = ()

    @property
    def distributions(self) -> tuple[str, ...]:
        """The distributions of its sides."""
        return tuple(side.distribution for side in self.sides)

    def hits(self, installed: Mapping[str, str]) -> bool:
        """Whether an environment (distribution to version) has it, by a test of exactly these versions."""
        return self._applies(installed) and self._among(self.together, installed)

    def likely_hits(self, installed: Mapping[str, str]) -> bool:
        """Whether such an environment is inferred to have it: nobody tried its releases together."""
        if self.hits(installed) or not self._applies(installed):
            return False
        searched = any(side.first_bad for side in self.sides)
        if searched and all(side.includes(installed[side.distribution]) for side in self.sides):
            return True
        return self._among(self.inferred, installed)

    def _applies(self, installed: Mapping[str, str]) -> bool:
        """Whether all that must be there is there, and what must be absent is absent."""
        return self.without not in installed and {*self.distributions, *self.beside} <= installed.keys()

    def _among(self, releases: Iterable[tuple[str, ...]], installed: Mapping[str, str]) -> bool:
        versions = [version_key(installed[name]) for name in self.distributions]
        return any([version_key(version) for version in affected] == versions for affected in releases)


class Link(Table):
    """The address of an issue about an advisory, as a person wrote it down."""

    id: str
    url: str


class _Links(Table):
    links: tuple[Link, ...] = ()


def load_links(path: Path) -> tuple[Link, ...]:
    """The links in a TOML file; empty where there is no such file.

    Raises:
        UsageError: There is a mistake in the file.
    """
    return load_record(path, _Links).links if path.exists() else ()
