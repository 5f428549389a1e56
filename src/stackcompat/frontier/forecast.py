"""A forecast for the pairs of a survey, from source alone: the names that one side takes and the other side lacks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import Component
from stackcompat.ecosystem.releases import IndexUnreachable, Release
from stackcompat.frontier.answers import Predictions
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.static.names import NameTable
from stackcompat.frontier.static.usage import Missing, Wanted, missing, wanted, without_unseen_attributes
from stackcompat.frontier.survey import Survey, needs_of
from stackcompat.pipeline.progress import Reporter

__all__ = ["Forecast", "make_forecast"]


class Forecast(NamedTuple):
    """What pairs of releases are predicted to lack.

    Attributes:
        imported: What is missing when the components are imported, by pair.
        used: What is missing when they are used, by pair.
    """

    imported: dict[Pair, tuple[Missing, ...]]
    used: dict[Pair, tuple[Missing, ...]]

    def at(self, level: Level) -> dict[Pair, tuple[Missing, ...]]:
        """What is missing at `level`."""
        return self.imported if level == "import" else self.used

    def names(self, levels: Iterable[Level]) -> Predictions:
        """The names alone, as the search takes them."""
        return {
            level: {pair: frozenset(entry.name for entry in entries) for pair, entries in self.at(level).items()}
            for level in levels
        }


def make_forecast(survey: Survey, names_of: Callable[[str, str], NameTable], reporter: Reporter) -> Forecast:
    """Compare the source of each release with that of each release of the other side.

    Each side is compared as the one that takes names from the other, if it declares that it needs the other. A release
    without a wheel is left out.

    Args:
        survey: The two components. Pairs that metadata forbids are left out.
        names_of: Gives the names of a release, from its distribution and version.
        reporter: Reports each release that is read.
    """
    reporter.stage("forecast", sum(map(len, survey.releases)))
    tables = [
        [_read(side, release, names_of, reporter) for release in releases]
        for side, releases in zip(survey.sides, survey.releases, strict=True)
    ]
    forecast = Forecast({}, {})
    for taker, giver in ((0, 1), (1, 0)):
        packages = {package for table in tables[giver] for package in table.packages()}
        for number, table in enumerate(tables[taker]):
            with contextlib.suppress(IndexUnreachable):  # no forecast for what cannot be read
                wants = _wants(survey, taker, number, table, packages)
                _compare(survey, forecast, (taker, number), wants, tables[giver])
    return forecast


def _read(
    side: Component, release: Release, names_of: Callable[[str, str], NameTable], reporter: Reporter
) -> NameTable:
    """The names of a release; none if its wheel cannot be read."""
    try:
        table = names_of(side.distribution, release.version)
    except IndexUnreachable:
        table = NameTable({})
    reporter.step(f"{side.name} {release.version}")
    return table


def _wants(survey: Survey, taker: int, number: int, table: NameTable, packages: set[str]) -> tuple[Wanted, ...]:
    """What a release takes from the other side; nothing if it does not declare that it needs the other side.

    Args:
        survey: The two components.
        taker: The side of the release: 0 or 1.
        number: The place of the release among those of its side.
        table: The names of the release.
        packages: The top-level packages of the other side.
    """
    side, release = survey.sides[taker], survey.releases[taker][number]
    if survey.sides[1 - taker].distribution not in needs_of(survey, side, release):
        return ()
    imports = survey.components.imports({side.distribution: release.version}, (side.distribution,))
    roots = [entry.module for entry in imports if not entry.requires] or sorted(table.packages())
    return wanted(table, roots, packages)


def _compare(
    survey: Survey, forecast: Forecast, taker: tuple[int, int], wants: Sequence[Wanted], givers: Sequence[NameTable]
) -> None:
    """Add to the forecast the names that a release takes and that a release of the other side lacks.

    Args:
        survey: The two components.
        forecast: The forecast so far.
        taker: The side of the release, and its place among the releases of its side.
        wants: What the release takes from the other side.
        givers: The names of each release of the other side.
    """
    side, number = taker
    for late, lacking in ((False, forecast.imported), (True, forecast.used)):
        in_vain = {
            place: missing(wants, giver, late=late) for place, giver in enumerate(givers) if wants and giver.modules
        }
        for place, entries in without_unseen_attributes(in_vain, givers).items():
            pair = (number, place) if side == 0 else (place, number)
            if pair not in survey.space.forbidden:
                lacking[pair] = (*lacking.get(pair, ()), *entries)
