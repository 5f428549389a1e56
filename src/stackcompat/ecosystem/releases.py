"""What the index has: releases, when they were uploaded, for which Python, yanked or not, and what they require.

Everything above this module sees a :class:`Catalog`: the real one (:mod:`stackcompat.ecosystem.index`) asks a package
index, the one of the tests is made up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, Protocol

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from stackcompat.core.record import Record, StackcompatError, digest
from stackcompat.core.requirements import marker_environment, newest_patch, only_version, parse_requirement

__all__ = [
    "Bound",
    "Catalog",
    "CatalogAt",
    "IndexUnreachable",
    "Project",
    "Release",
    "ReleaseFile",
    "applies",
    "bounds_on",
    "needs",
    "requirements",
]


class IndexUnreachable(StackcompatError):
    """The index did not answer: infrastructure, never an incompatibility."""


class ReleaseFile(Record):
    """One file of a release."""

    filename: str
    sha256: str = ""


class Release(Record):
    """One version of a project. A release counts as yanked if any of its files is; `uploaded` is its first upload."""

    version: str
    uploaded: dt.datetime
    yanked: bool = False
    requires_python: str = ""
    files: tuple[ReleaseFile, ...] = ()

    @property
    def parsed(self) -> Version:
        """The version, comparable."""
        return Version(self.version)

    def supports(self, python: str) -> bool:
        """Whether the release declares itself fit for ``3.12``-like `python` (its newest patch)."""
        try:
            return SpecifierSet(self.requires_python).contains(newest_patch(python), prereleases=True)
        except InvalidSpecifier:
            return True


class Project(Record):
    """A distribution's releases, lowest version first."""

    name: str
    releases: tuple[Release, ...]

    def find(self, version: str) -> Release | None:
        """The release that equals `version` (``0.4.30`` and ``0.4.30.0`` are equal), if it exists."""
        wanted = Version(version)
        return next((release for release in self.releases if release.parsed == wanted), None)

    def fit(
        self,
        *,
        python: str | None = None,
        since: dt.datetime | None = None,
        before: dt.datetime | None = None,
        prereleases: bool = False,
        yanked: bool = False,
    ) -> Iterator[Release]:
        """The releases that an installer can take, highest first: final ones that are not yanked, unless asked for.

        Args:
            python: Only releases that declare themselves fit for this Python; any without it.
            since: Only releases uploaded at this moment or later.
            before: Only releases uploaded at this moment or earlier.
            prereleases: Pre-releases as well.
            yanked: Yanked releases as well.
        """
        for release in reversed(self.releases):
            if release.yanked and not yanked:
                continue
            if release.parsed.is_prerelease and not prereleases:
                continue
            if python is not None and not release.supports(python):
                continue
            if since is not None and release.uploaded < since:
                continue
            if before is not None and release.uploaded > before:
                continue
            yield release

    def newest(
        self, *, python: str | None = None, before: dt.datetime | None = None, prereleases: bool = False
    ) -> Release | None:
        """The highest of the releases that :meth:`fit` gives; None if there is none."""
        return next(self.fit(python=python, before=before, prereleases=prereleases), None)

    def fingerprint(self, before: dt.datetime | None = None) -> str:
        """Changes exactly when something that a resolver sees of this project, uploaded until `before`, changes."""
        return digest(
            self.name,
            [
                [release.version, release.yanked, len(release.files)]
                for release in self.releases
                if before is None or release.uploaded <= before
            ],
        )


class Catalog(Protocol):
    """What planning and locking ask of an index."""

    def project(self, name: str) -> Project:
        """The releases of `name`; a project without releases if there is no such name."""
        ...

    def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
        """What the release declares to need, markers and extras included."""
        ...


def applies(requirement: Requirement, python: str, extras: Iterable[str] = ()) -> bool:
    """Whether a requirement is one with these `extras` (none), on `python` and for the rest where this runs."""
    environment = marker_environment(python)
    marker = requirement.marker
    return marker is None or any(marker.evaluate(environment | {"extra": extra}) for extra in ("", *extras))


class CatalogAt:
    """A catalog as it was at a moment: without what was uploaded later."""

    def __init__(self, catalog: Catalog, at: dt.datetime) -> None:
        self._catalog = catalog
        self._at = at

    def project(self, name: str) -> Project:
        """See :class:`Catalog`."""
        project = self._catalog.project(name)
        there = tuple(release for release in project.releases if release.uploaded <= self._at)
        return project.model_copy(update={"releases": there})

    def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
        """See :class:`Catalog`."""
        return self._catalog.requires(name, version)


def requirements(
    catalog: Catalog, name: str, version: str, python: str, extras: Collection[str] = ()
) -> list[Requirement]:
    """What the release needs with these `extras` (none), on `python` and for the rest where this runs; no markers."""
    found = []
    for requirement in catalog.requires(name, version) if name != "python" else ():
        if applies(requirement, python, extras):
            plain = parse_requirement(str(requirement))
            plain.marker = None
            found.append(plain)
    return found


def needs(
    catalog: Catalog, name: str, version: str, python: str, extras: Collection[str] = ()
) -> dict[str, SpecifierSet]:
    """The bounds that the release declares, by distribution; with these `extras` (none)."""
    found: dict[str, SpecifierSet] = {}
    for requirement in requirements(catalog, name, version, python, extras):
        found[requirement.name] = found.get(requirement.name, SpecifierSet()) & requirement.specifier
    return found


class Bound(NamedTuple):
    """What the release `version` of `name` declares of another distribution."""

    name: str
    version: str
    specifier: SpecifierSet


def bounds_on(
    other: str, catalog: Catalog, name: str, version: str, python: str, extras: Collection[str] = ()
) -> list[Bound]:
    """The bounds on `other` that come with a release: its own, and those of what it requires in one version alone."""
    found = []
    waiting = [(name, version, frozenset(extras))]
    for one in waiting:  # which grows
        who, which, more = one
        bound = SpecifierSet()
        for requirement in requirements(catalog, who, which, python, more):
            if requirement.name == other:
                bound &= requirement.specifier
            pinned = only_version(requirement)
            due = (requirement.name, pinned, frozenset(requirement.extras))
            if pinned and due not in waiting:
                waiting.append(due)
        if bound:
            found.append(Bound(who, which, bound))
    return found
