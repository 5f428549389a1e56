"""What the index has: releases, when they were uploaded, for which Python, yanked or not, and what they require.

Everything above this module sees a :class:`Catalog`: the real one (:mod:`stackcompat.ecosystem.index`) asks a package
index, the one of the tests is made up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Protocol

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier
from packaging.version import Version

from stackcompat.core.errors import StackcompatError
from stackcompat.core.record import Record, digest
from stackcompat.core.requirements import allows, newest_patch

__all__ = [
    "Catalog",
    "CatalogAt",
    "IndexUnreachable",
    "Project",
    "Release",
    "ReleaseFile",
]


class IndexUnreachable(StackcompatError):
    """The index did not answer. This is infrastructure, never an incompatibility."""


class ReleaseFile(Record):
    """One file of a release."""

    filename: str
    sha256: str = ""


class Release(Record):
    """One version of a project.

    Attributes:
        version: The version.
        uploaded: When its first file was uploaded.
        yanked: Whether any of its files is yanked.
        requires_python: The Pythons for which it declares itself fit; all if empty.
        files: Its files.
    """

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
        """Whether the release declares itself fit for the newest patch of a Python such as ``3.12``."""
        try:
            return allows(self.requires_python, newest_patch(python))
        except InvalidSpecifier:
            return True

    def can_be_taken(
        self,
        *,
        python: str | None = None,
        since: dt.datetime | None = None,
        before: dt.datetime | None = None,
        prereleases: bool = False,
        yanked: bool = False,
    ) -> bool:
        """Whether an installer can take the release: a final one that is not yanked, unless such are asked for.

        Args:
            python: It must declare itself fit for this Python; any if None.
            since: It must be uploaded at this moment or later.
            before: It must be uploaded at this moment or earlier.
            prereleases: It can be a pre-release.
            yanked: It can be yanked.
        """
        if self.yanked and not yanked:
            return False
        if self.parsed.is_prerelease and not prereleases:
            return False
        if python is not None and not self.supports(python):
            return False
        if since is not None and self.uploaded < since:
            return False
        return before is None or self.uploaded <= before


class Project(Record):
    """A distribution's releases, lowest version first."""

    name: str
    releases: tuple[Release, ...]

    def find(self, version: str) -> Release | None:
        """The release that equals `version`, if there is one; ``0.4.30`` and ``0.4.30.0`` are equal."""
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
        """The releases that an installer can take, highest first.

        See :meth:`Release.can_be_taken` for the arguments.
        """
        for release in reversed(self.releases):
            if release.can_be_taken(python=python, since=since, before=before, prereleases=prereleases, yanked=yanked):
                yield release

    def newest(
        self, *, python: str | None = None, before: dt.datetime | None = None, prereleases: bool = False
    ) -> Release | None:
        """The highest of the releases that :meth:`fit` gives, see there for the arguments; None if there is none."""
        return next(self.fit(python=python, before=before, prereleases=prereleases), None)

    def fingerprint(self, before: dt.datetime | None = None) -> str:
        """A digest that changes exactly when something changes that a resolver sees of this project.

        Args:
            before: Only releases uploaded at this moment or earlier; all without it.
        """
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


class CatalogAt:
    """A catalog as it was at a moment: without what was uploaded later.

    Args:
        catalog: The catalog of today.
        at: The moment.
    """

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
