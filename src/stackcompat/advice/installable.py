"""What an installer would have given at a past moment, from upload times and declared bounds. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import permutations

from packaging.specifiers import SpecifierSet

from stackcompat.ecosystem.releases import Project, Release

__all__ = ["Bounds", "installable", "upload_times"]

#: A function from the distribution and version of a release to the bounds that it declares on other distributions.
Bounds = Callable[[str, str], Mapping[str, SpecifierSet]]


def upload_times(projects: Iterable[Project], python: str, since: dt.datetime, until: dt.datetime) -> set[dt.datetime]:
    """The moments at which releases were uploaded.

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
    """The newest release of each component at a moment, as far as declared bounds allow.

    Where two releases exclude each other, one of the two components goes back to an older release: the one that loses
    less time by that. A real resolver can choose differently. If neither can go back, no installer finds a set, and the
    releases that exclude each other are returned.

    Args:
        projects: The releases, by component.
        python: The Python that they have to fit.
        moment: Releases that were uploaded later are not there yet.
        bounds: The bounds that releases declare; None: bounds are left out of account.
    """
    chosen = {}
    for name, project in projects.items():
        newest = next(project.fit(python=python, before=moment), None)
        if newest is not None:
            chosen[name] = newest
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

    def older(name: str) -> Iterator[Release]:
        releases = projects[name].fit(python=python, before=moment)
        return (release for release in releases if release.parsed < chosen[name].parsed)

    while (excluded := clash()) is not None:
        owner, on = excluded
        replacements = {
            on: next((r for r in older(on) if allows(owner, chosen[owner], on, r)), None),
            owner: next((r for r in older(owner) if allows(owner, r, on, chosen[on])), None),
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
