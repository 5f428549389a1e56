"""The releases that an index has: when they were uploaded, for which Pythons, whether yanked, what they require.

Other packages see an index as a :class:`Catalog`. The catalog of :mod:`stackcompat.ecosystem.index` asks a real package
index; the catalogs of the tests are made up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import cache, cached_property
from typing import Protocol

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from stackcompat.core.errors import StackcompatError
from stackcompat.core.record import Record, digest
from stackcompat.core.requirements import newest_patch, version_key

__all__ = [
    "Catalog",
    "CatalogAt",
    "IndexUnreachable",
    "Project",
    "Release",
    "ReleaseFile",
]


class IndexUnreachable(StackcompatError):
    """The index did not answer as it should. That is an outage and says nothing about compatibility."""


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
        requires_python: The specifier of the Pythons that it declares to support; all if empty.
        files: Its files.
    """

    version: str
    uploaded: dt.datetime
    yanked: bool = False
    requires_python: str = ""
    files: tuple[ReleaseFile, ...] = ()

    @cached_property
    def parsed(self) -> Version:
        """The version as a value that can be compared."""
        return Version(self.version)

    def supports(self, python: str) -> bool:
        """Whether the release declares to support a Python.

        A declaration that is no valid specifier counts as support.

        Args:
            python: A full version such as ``3.12.4``; or a minor such as ``3.12``, of which some patch must be
                supported. The resolver decides whether that of this machine is.
        """
        return _supports(self.requires_python, python)

    def can_be_taken(
        self,
        *,
        python: str | None = None,
        since: dt.datetime | None = None,
        before: dt.datetime | None = None,
        prereleases: bool = False,
        yanked: bool = False,
    ) -> bool:
        """Whether an installer can take the release.

        Args:
            python: The Python that the release must support; any if None.
            since: The earliest time of its upload; any if None.
            before: The latest time of its upload; any if None.
            prereleases: Whether a pre-release can be taken.
            yanked: Whether a yanked release can be taken.
        """
        if self.yanked and not yanked:
            return False
        if before is not None and self.uploaded > before:
            return False
        if self.parsed.is_prerelease and not prereleases:
            return False
        if python is not None and not self.supports(python):
            return False
        return since is None or self.uploaded >= since


@cache
def _supports(requires_python: str, python: str) -> bool:
    """Whether a declaration admits a Python. Few declarations differ, and each is asked about many times."""
    try:
        declared = SpecifierSet(requires_python)
    except InvalidSpecifier:
        return True
    versions = [python] if python.count(".") > 1 else _telling_patches(declared, python)
    return any(declared.contains(version, prereleases=True) for version in versions)


def _telling_patches(declared: SpecifierSet, python: str) -> list[str]:
    """Patches of a Python such as ``3.12``, one of which is in `declared` if any is: the first, those at its edges."""
    patches = {0}
    for bound in declared:
        release = Version(bound.version.removesuffix(".*")).release
        if len(release) > 2 and f"{release[0]}.{release[1]}" == python:
            patches |= {release[2] - 1, release[2], release[2] + 1}
    return [newest_patch(python), *(f"{python}.{patch}" for patch in sorted(patches) if patch >= 0)]


class Project(Record):
    """A distribution with all of its releases, lowest version first."""

    name: str
    releases: tuple[Release, ...]

    def find(self, version: str) -> Release | None:
        """The release with the version `version`; None if there is none. ``0.4.30`` and ``0.4.30.0`` are equal."""
        return self._by_version.get(version_key(version))

    @cached_property
    def _by_version(self) -> dict[Version, Release]:
        return {release.parsed: release for release in reversed(self.releases)}

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

        The arguments are those of :meth:`Release.can_be_taken`.
        """
        for release in reversed(self.releases):
            if release.can_be_taken(python=python, since=since, before=before, prereleases=prereleases, yanked=yanked):
                yield release

    def newest(
        self, *, python: str | None = None, before: dt.datetime | None = None, prereleases: bool = False
    ) -> Release | None:
        """The highest release that an installer can take; None if there is none. See :meth:`fit`."""
        return next(self.fit(python=python, before=before, prereleases=prereleases), None)

    def fingerprint(self, before: dt.datetime | None = None) -> str:
        """A digest of what a resolver sees of the project: its releases, and of each what decides whether it is taken.

        Args:
            before: Only releases that were uploaded at this moment or earlier count; all if None.
        """
        return digest(
            self.name,
            [
                [
                    release.version,
                    release.yanked,
                    release.requires_python,
                    sorted(f"{file.filename} {file.sha256}" for file in release.files),
                ]
                for release in self.releases
                if before is None or release.uploaded <= before
            ],
        )


class Catalog(Protocol):
    """The questions of planning and locking to an index."""

    def project(self, name: str) -> Project:
        """The distribution `name` with its releases. It has none if the index does not know the name."""
        ...

    def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
        """The requirements that a release declares, with their markers, and those of its extras too."""
        ...


class CatalogAt:
    """A catalog as it was at a moment: without the releases that were uploaded later.

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
