"""The environment of a release's own time, in which a test shows whether it fits the release. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from stackcompat.core.dates import end_of_day
from stackcompat.core.requirements import exactly, version_key
from stackcompat.ecosystem.releases import Project, Release
from stackcompat.plan.cell import Cell

__all__ = ["baseline_cell", "own_time", "releases_before", "superseded"]

#: How far before a release others are tried: it can stand in a row of releases that are all broken.
_DISTANCES = (1, 2, 4)


def baseline_cell(
    name: str,
    version: str,
    beside: Iterable[str],
    until: dt.datetime | None,
    *,
    python: str,
    platform: str,
    thorough: bool = True,
) -> Cell:
    """The cell of a baseline: one release, with everything else as it was at a moment.

    Args:
        name: The distribution, with extras if it is installed with them.
        version: Its release.
        beside: What else the tests need: requirements.
        until: The moment; what was uploaded later does not exist for the cell. None stands for today.
        python: The Python.
        platform: The platform.
        thorough: Whether the tests marked ``thorough`` run, too.
    """
    return Cell(
        python=python,
        platform=platform,
        requirements=tuple(sorted({exactly(name, version), *beside})),
        exclude_newer=until,
        thorough=thorough,
        policy="baseline",
        label=f"{name} {version} in its own time, {f'{until:%Y-%m-%d}' if until else 'today'}",
    )


def superseded(project: Project, release: Release) -> dt.datetime | None:
    """When the next final release was uploaded; None if there is none yet.

    Args:
        project: All releases of the distribution.
        release: The release.
    """
    later = [
        other.uploaded
        for other in project.releases
        if other.parsed > release.parsed and other.uploaded > release.uploaded and other.can_be_taken()
    ]
    return min(later, default=None)


def own_time(project: Project, release: Release) -> tuple[dt.datetime | None, ...]:
    """The moments that stand for a release's own time.

    The first is the end of the day of its upload. The second is the last one at which it was the newest, since what
    fits it may have been uploaded some days later; of a release that is still the newest, it is today (None).

    Args:
        project: All releases of the distribution.
        release: The release.
    """
    day, end = end_of_day(release.uploaded), superseded(project, release)
    if end is None:
        return day, None
    before_next = end - dt.timedelta(seconds=1)
    return (day, before_next) if before_next > day else (day,)


def releases_before(project: Project, version: str) -> tuple[Release, ...]:
    """Final releases that precede a version: the last one, the second and the fourth to last.

    Args:
        project: All releases of the distribution.
        version: The version, which need not be one of them.
    """
    before = [release for release in project.fit() if release.parsed < version_key(version)]
    return tuple(before[distance - 1] for distance in _DISTANCES if distance <= len(before))
