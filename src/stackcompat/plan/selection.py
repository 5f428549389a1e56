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
    since = None
    if selection.months is not None:
        since = now - dt.timedelta(days=round(selection.months * 365.25 / 12))
    newest_first = list(
        project.fit(python=python, since=since, prereleases=selection.prereleases, yanked=selection.yanked)
    )
    if selection.last is not None:
        newest_first = newest_first[: selection.last]
    if selection.minors is not None:
        last_of_minor: dict[tuple[int, ...], Release] = {}
        for release in newest_first:
            last_of_minor.setdefault(release.parsed.release[:2], release)
        newest_first = list(last_of_minor.values())[: selection.minors]
    return tuple(reversed(newest_first))
