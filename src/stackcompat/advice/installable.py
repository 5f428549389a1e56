"""What an installer would have given at a past moment, from upload times and declared bounds. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from itertools import permutations

from packaging.specifiers import SpecifierSet

from stackcompat.ecosystem.releases import Project, Release

__all__ = ["Bounds", "installable", "upload_times"]

#: What a release declares of other distributions: its distribution and version to their bounds.
Bounds = Callable[[str, str], Mapping[str, SpecifierSet]]


def upload_times(projects: Iterable[Project], python: str, since: dt.datetime, until: dt.datetime) -> set[dt.datetime]:
    """When releases were uploaded.

    Args:
        projects: The releases.
        python: The Python that they have to fit.
        since: Only uploads after this moment.
        until: Only uploads before this moment.
    """
    moments = {release.uploaded for project in projects for release in project.fit(python=python)}
    return {moment for moment in moments if since < moment < until}


def installable(
    projects: Mapping[str, Project], python: str, moment: dt.datetime, bounds: Bounds | None
) -> dict[str, Release]:
    """The newest release of each component at a moment, as far as declared bounds let them be together.

    Where two releases exclude each other, one of the two components goes back: the one whose replacement is less much
    older. A real resolver can choose otherwise. Where neither can go back, no installer finds a set: the releases that
    exclude each other are returned.

    Args:
        projects: The releases, by component.
        python: The Python that they have to fit.
        moment: Releases that were uploaded later are not there yet.
        bounds: What releases declare; None: nothing.
    """
    available = {name: list(project.fit(python=python, before=moment)) for name, project in projects.items()}
    chosen = {name: releases[0] for name, releases in available.items() if releases}
    if bounds is None:
        return chosen

    def allows(owner: str, release: Release, on: str, other: Release) -> bool:
        bound = bounds(projects[owner].name, release.version).get(projects[on].name)
        return bound is None or bound.contains(other.version, prereleases=True)

    def clash() -> tuple[str, str] | None:
        for owner, on in permutations(chosen, 2):
            if not allows(owner, chosen[owner], on, chosen[on]):
                return owner, on
        return None

    while (excluded := clash()) is not None:
        owner, on = excluded
        older_on = (r for r in available[on] if r.parsed < chosen[on].parsed)
        older_owner = (r for r in available[owner] if r.parsed < chosen[owner].parsed)
        replacements = {
            on: next((r for r in older_on if allows(owner, chosen[owner], on, r)), None),
            owner: next((r for r in older_owner if allows(owner, r, on, chosen[on])), None),
        }
        steps = {
            chosen[name].uploaded - release.uploaded: (name, release)
            for name, release in replacements.items()
            if release is not None
        }
        if not steps:
            return chosen
        name, release = steps[min(steps)]
        chosen[name] = release
    return chosen
