"""Which releases of a component a policy chooses: all, the last few, the last of each minor, recent ones."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field, model_validator

from stackcompat.core.toml import Table
from stackcompat.ecosystem.releases import Project, Release

__all__ = ["Selection", "select"]


class Selection(Table):
    """Which releases of a component to choose: exactly one of all, minors, last, months."""

    all: bool = False
    minors: Annotated[int, Field(gt=0)] | None = None
    last: Annotated[int, Field(gt=0)] | None = None
    months: Annotated[int, Field(gt=0)] | None = None
    yanked: bool = False
    prereleases: bool = False

    @model_validator(mode="after")
    def _one(self) -> Selection:
        given = [name for name in ("minors", "last", "months") if getattr(self, name) is not None]
        if len(given) + self.all != 1:
            raise ValueError("takes exactly one of: all = true, minors = N, last = N, months = N")
        return self


def select(project: Project, selection: Selection, *, python: str | None, now: dt.datetime) -> tuple[Release, ...]:
    """The releases of `project` that `selection` chooses, lowest first; yanked and pre-releases only if it asks."""
    releases = [
        release
        for release in project.releases
        if (selection.yanked or not release.yanked)
        and (selection.prereleases or not release.parsed.is_prerelease)
        and (python is None or release.supports(python))
    ]
    if selection.last is not None:
        return tuple(releases[-selection.last :])
    if selection.months is not None:
        since = now - dt.timedelta(days=round(selection.months * 365.25 / 12))
        return tuple(release for release in releases if release.uploaded >= since)
    if selection.minors is not None:
        last_of_minor = {release.parsed.release[:2]: release for release in releases}
        return tuple(last_of_minor.values())[-selection.minors :]
    return tuple(releases)
