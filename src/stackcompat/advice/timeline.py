"""Replay of past days: would the newest releases of everything have worked together, at each moment? Pure.

The answer comes from upload times, declared bounds and the verdicts on pairs, not from one resolution a day: what an
installer gives changes only when something is uploaded. Where declared bounds exclude each other an installer holds a
component back. That is no break: the releases that remain are judged. A moment at which no pair is broken is unknown
if one of them was not tried and no frontier says anything about it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from itertools import combinations, pairwise
from typing import Literal, NamedTuple

from packaging.specifiers import SpecifierSet

from stackcompat.advice.installable import Bounds, installable, upload_times
from stackcompat.advice.pair_lookup import PairLookup, pair_verdicts
from stackcompat.core.record import Record
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.ecosystem.declared import needs
from stackcompat.ecosystem.releases import Catalog, Project, Release
from stackcompat.table.summary import Summary
from stackcompat.table.today import Today

__all__ = ["Outage", "Span", "Timeline", "timeline", "timelines"]


class Span(Record):
    """A time through which the newest releases, and so the answer, stayed the same.

    Attributes:
        since: Its beginning.
        until: Its end.
        state: The answer.
        pairs: The broken pairs: first component, its version, second component, its version.
        inferred: Whether the state rests on pairs that were not tried: a break on such pairs alone, any other state on
            at least one.
        level: The shallowest level at which a pair is red, or up to which every pair works; None: unknown.
        unknown: The number of pairs without a verdict.
        of: The number of all pairs.
        began_with: The releases whose upload began it; empty at the beginning of the timeline.
        ended_with: The releases whose upload ended it; empty at the end of the timeline.
    """

    since: dt.datetime
    until: dt.datetime
    state: Literal["works", "broken", "unknown"]
    pairs: tuple[tuple[str, str, str, str], ...] = ()
    inferred: bool = False
    level: Level | None = None
    unknown: int = 0
    of: int = 0
    began_with: tuple[str, ...] = ()
    ended_with: tuple[str, ...] = ()

    @property
    def days(self) -> float:
        """Its length in days."""
        return _days(self.until - self.since)


class Outage(Record):
    """Two components that did not work together for a time.

    Attributes:
        first: One component.
        first_version: Its release when the outage began.
        second: The other component.
        second_version: Its release when the outage began.
        since: When it began.
        until: When it ended, or the end of the timeline.
        broke: The release whose upload began it; empty: it began before the timeline.
        fixed: The releases whose upload ended it; empty: it goes on.
        after: How many days the older of the two releases had been out when it began.
        inferred: Whether it rests on pairs that were not tried.
    """

    first: str
    first_version: str
    second: str
    second_version: str
    since: dt.datetime
    until: dt.datetime
    broke: str
    fixed: tuple[str, ...]
    after: float
    inferred: bool

    @property
    def days(self) -> float:
        """Days from the break to the fix, or to the end of the timeline."""
        return _days(self.until - self.since)


class Timeline(Record):
    """The spans between two moments on one Python, oldest first, and the outages in them.

    Neighbouring spans differ in their state, in the broken pairs, or in whether the state is inferred.
    """

    python: str
    spans: tuple[Span, ...]
    breaks: tuple[Outage, ...] = ()

    def days(self, state: str, *, inferred: bool | None = None) -> float:
        """Days in a state, added up.

        Args:
            state: The state.
            inferred: Count only spans that are inferred (True) or only those that are not (False); None: all.
        """
        spans = [span for span in self.spans if inferred is None or span.inferred == inferred]
        return sum(span.days for span in spans if span.state == state)


class _Interval(NamedTuple):
    """The time between two uploads.

    Attributes:
        span: The answer in this time.
        releases: The releases that an installer gave, by component.
        changed: Those that an installer did not give in the interval before.
    """

    span: Span
    releases: dict[str, Release]
    changed: tuple[str, ...]


class _Stretch(NamedTuple):
    """A span of the timeline, with the releases that an installer gave at its beginning."""

    span: Span
    releases: dict[str, Release]


def timelines(
    summary: Summary, catalog: Catalog, since: dt.datetime, *, inferred: Callable[[Today], bool] = lambda _: False
) -> tuple[Timeline, ...]:
    """One timeline for each Python of `summary.today`, of the components in these cells.

    A component that no such cell has is left out, such as a metapackage whose pins would hold back all the others.

    Args:
        summary: The table.
        catalog: All releases, and what they declare.
        since: Where the timelines begin; they end when the table was generated.
        inferred: Says for the newest cell of a Python whether breaks count that cells only infer; by default they do
            not.
    """
    in_newest_cells = {name for cell in summary.today for name in cell.versions}
    rows = [row for row in summary.square() if row.distribution and row.name in in_newest_cells]
    projects = {row.name: catalog.project(row.distribution) for row in rows}
    return tuple(
        timeline(
            projects,
            pair_verdicts(summary, cell.python, inferred=inferred(cell)),
            python=cell.python,
            since=since,
            until=summary.generated,
            bounds=cache(partial(_needs, catalog, cell.python)),
        )
        for cell in summary.today
    )


def _needs(catalog: Catalog, python: str, distribution: str, version: str) -> dict[str, SpecifierSet]:
    """`needs` with the Python before the release, so that a partial call is a :data:`Bounds`."""
    return needs(catalog, distribution, version, python)


def timeline(
    projects: Mapping[str, Project],
    lookup: PairLookup,
    *,
    python: str,
    since: dt.datetime,
    until: dt.datetime,
    bounds: Bounds | None = None,
) -> Timeline:
    """Whether the releases that an installer gave worked together, from `since` to `until`.

    A release counts from its upload on. One that is yanked today never counts, and neither does a pre-release.

    Args:
        projects: The releases, by component.
        lookup: What is known of two releases.
        python: The Python that the releases have to fit.
        since: Where the timeline begins.
        until: Where it ends.
        bounds: The bounds that releases declare; None: bounds are left out of account.
    """
    stretches = _stretches(_intervals(projects, lookup, python, since, until, bounds))
    return Timeline(
        python=python,
        spans=tuple(stretch.span for stretch in stretches),
        breaks=tuple(_outages(stretches, lookup)),
    )


def _intervals(
    projects: Mapping[str, Project],
    lookup: PairLookup,
    python: str,
    since: dt.datetime,
    until: dt.datetime,
    bounds: Bounds | None,
) -> Iterator[_Interval]:
    """The answer between each upload and the next; see :func:`timeline` for the arguments."""
    uploads = sorted({since, *upload_times(projects.values(), python, since, until)})
    before: dict[str, str] = {}
    for began, ended in pairwise([*uploads, until]):
        releases = installable(projects, python, began, bounds)
        versions = {name: release.version for name, release in releases.items()}
        changed = tuple(f"{name} {version}" for name, version in versions.items() if before.get(name) != version)
        before = versions
        yield _Interval(_judge(versions, lookup, began, ended), releases, changed)


def _stretches(intervals: Iterable[_Interval]) -> list[_Stretch]:
    """Join neighbouring intervals with the same answer, and note which releases ended and began each span."""
    stretches: list[_Stretch] = []
    for span, releases, changed in intervals:
        if not stretches:
            stretches.append(_Stretch(span, releases))
            continue
        last = stretches[-1]
        if (last.span.state, last.span.pairs, last.span.inferred) == (span.state, span.pairs, span.inferred):
            stretches[-1] = last._replace(span=_joined(last.span, span))
        else:
            stretches[-1] = last._replace(span=last.span.model_copy(update={"ended_with": changed}))
            stretches.append(_Stretch(span.model_copy(update={"began_with": changed}), releases))
    return stretches


def _judge(versions: Mapping[str, str], lookup: PairLookup, since: dt.datetime, until: dt.datetime) -> Span:
    """The span in which an installer gave `versions`; see :func:`timeline` for the other arguments."""
    known = {
        (first, versions[first], second, versions[second]): lookup(first, versions[first], second, versions[second])
        for first, second in combinations(versions, 2)
    }
    broken = {pair: verdict for pair, verdict in known.items() if verdict.verdict == "broken"}
    works = [verdict for verdict in known.values() if verdict.verdict == "works"]
    unknown = sum(verdict.verdict not in ("works", "broken", "not-applicable") for verdict in known.values())
    state: Literal["works", "broken", "unknown"] = "broken" if broken else "unknown" if unknown else "works"
    grounds = {"broken": list(broken.values()), "unknown": [], "works": works}[state]
    guesses = [verdict.inferred for verdict in grounds]
    return Span(
        since=since,
        until=until,
        state=state,
        pairs=tuple(broken),
        inferred=all(guesses) if broken else any(guesses),
        level=min((verdict.level for verdict in grounds), key=LEVELS.index, default=None),
        unknown=unknown,
        of=len(known),
    )


def _joined(first: Span, second: Span) -> Span:
    """Two neighbouring spans that say the same, as one."""
    levels = [span.level for span in (first, second) if span.level is not None]
    update = {
        "until": second.until,
        "level": min(levels, key=LEVELS.index, default=None),
        "unknown": max(first.unknown, second.unknown),
        "of": max(first.of, second.of),
    }
    return first.model_copy(update=update)


def _outages(stretches: Iterable[_Stretch], lookup: PairLookup) -> list[Outage]:
    """The times in which the same two components do not work together, in the order of their beginnings."""
    going: dict[tuple[str, str], Outage] = {}
    ended: list[Outage] = []
    for span, releases in stretches:
        broken = {(pair[0], pair[2]): pair for pair in span.pairs}
        for names in [names for names in going if names not in broken]:
            ended.append(_ended(going.pop(names), names, span))
        for names, pair in broken.items():
            inferred = lookup(*pair).inferred
            outage = going.get(names) or _begun(pair, span, releases, inferred=inferred)
            going[names] = outage.model_copy(update={"until": span.until, "inferred": outage.inferred and inferred})
    return sorted([*ended, *going.values()], key=lambda outage: (outage.since, outage.first, outage.second))


def _begun(pair: tuple[str, str, str, str], span: Span, releases: Mapping[str, Release], *, inferred: bool) -> Outage:
    """The outage that begins with `span`. Its cause is the one of the two releases that was uploaded later."""
    first, first_version, second, second_version = pair
    older, newer = sorted((first, second), key=lambda name: releases[name].uploaded)
    cause = f"{newer} {releases[newer].version}"
    return Outage(
        first=first,
        first_version=first_version,
        second=second,
        second_version=second_version,
        since=span.since,
        until=span.until,
        broke=cause if cause in span.began_with else " and ".join(span.began_with),
        fixed=(),
        after=_days(span.since - releases[older].uploaded),
        inferred=inferred,
    )


def _ended(outage: Outage, names: tuple[str, str], following: Span) -> Outage:
    """The outage with the releases that fixed it.

    They are the releases of its two components that began the following span, or all that began it if there are none.
    """
    fixed = tuple(release for release in following.began_with if release.split()[0] in names)
    return outage.model_copy(update={"fixed": fixed or following.began_with})


def _days(time: dt.timedelta) -> float:
    return time.total_seconds() / 86400
