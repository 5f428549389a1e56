"""Rows about runs: what was executed, how it was measured, and the warnings it met."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record

__all__ = ["Measured", "RunRow", "WarningRow"]


class RunRow(Record):
    """One execution of a matrix: where the cells come from."""

    matrix: str
    title: str
    started: dt.datetime
    cells: int
    crossings: Annotated[int, Field(description="Environments that write, times those that read it.")] = 0
    pythons: tuple[str, ...]
    missing_pythons: Annotated[tuple[str, ...], Field(description="Asked for, but not on the machine: not tried.")]
    coverage: Annotated[
        dict[str, float],
        Field(description="Per covering array, percent of the allowed combinations that some cell holds."),
    ]
    answered: Annotated[
        dict[str, float],
        Field(description="Per covering array, percent of the allowed combinations that have a verdict."),
    ] = {}
    unanswered: Annotated[
        tuple[str, ...], Field(description="Why combinations have no verdict, with an example each.")
    ] = ()
    rounds: Annotated[
        tuple[int, ...], Field(description="Cells that each round added after the first covering array.")
    ] = ()


class Measured(Record):
    """How the cells of one Python were run."""

    python: str
    interpreters: tuple[str, ...]
    platforms: tuple[str, ...]
    networks: Annotated[tuple[str, ...], Field(description="What the tests could reach while they ran.")]
    memory_limits_mb: tuple[int, ...]
    time_limits_s: tuple[float, ...]
    runs: Annotated[int, Field(description="Fresh environments that were made.")]
    seconds: Annotated[float, Field(description="Wall clock of these runs, added up.")]
    first_seen: dt.datetime
    last_seen: dt.datetime


class WarningRow(Record):
    """A warning, counted over every run."""

    category: str
    raised_by: str
    raised_since: Annotated[str, Field(description="The lowest release of `raised_by` in whose cells it was seen.")]
    triggered_by: str
    triggered_version: Annotated[str, Field(description="The newest release of `triggered_by` that triggers it.")]
    message: str
    count: int
    cells: int
    today: Annotated[bool, Field(description="Whether the newest releases raise it.")]
