"""The releases of a component that a policy chooses: all, the last few, the last of each minor, recent ones."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field, model_validator

from stackcompat.core.toml import Table
from stackcompat.ecosystem.releases import Project, Release

__all__ = ["Selection", "select"]


class Selection(Table):
    """A choice of releases of a component. Exactly one of `all`, `minors`, `last` and `months` is given.

    Attributes:
        all: Whether every release is chosen.
        minors: How many of the newest minors count: the last release of each is chosen.
        last: How many of the newest releases are chosen.
        months: For how many months back releases are chosen.
        yanked: Whether yanked releases can be chosen.
        prereleases: Whether pre-releases can be chosen.
    """

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
    """The releases that a selection chooses, lowest first.

    Args:
        project: The releases to choose from.
        selection: Which of them.
        python: The Python that the releases must support; any if None.
        now: The moment from which months are counted back.
    """
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
