"""Replay of a span of days: would the newest releases of everything have worked together, at each moment? Pure.

From upload times, declared bounds and the verdicts on pairs, not from one resolution a day: what an installer would
have given changes only when something is uploaded. Where declared bounds exclude each other an installer holds somebody
back, which is not a break: whoever has to go back the shorter time gives way here, and it is the releases that are left
that are judged. Where a pair of them was not tried, and no frontier tells of it, the moment is unknown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from itertools import combinations, pairwise, permutations
from typing import Literal, NamedTuple

from packaging.specifiers import SpecifierSet

from stackcompat.advice.undeclared import alone
from stackcompat.core.record import Record
from stackcompat.core.vocabulary import LEVELS, Level, Verdict
from stackcompat.ecosystem.releases import Catalog, Project, Release, needs
from stackcompat.table.cells import Today
from stackcompat.table.summary import Summary

__all__ = ["Outage", "Said", "Span", "Timeline", "pair_verdicts", "replayed", "timeline"]


class Said(NamedTuple):
    """The verdict on two releases, the level that is red or else the deepest reached, and whether it is inferred."""

    verdict: Verdict
    level: Level = "interop"
    inferred: bool = False


#: What is known of two releases: first name and version, second name and version.
Lookup = Callable[[str, str, str, str], Said]


#: What a release declares of other distributions: its distribution and version to their bounds.
Bounds = Callable[[str, str], Mapping[str, SpecifierSet]]


class Span(Record):
    """A time through which the newest releases, and so the answer, stayed the same.

    `pairs` are those that are broken, as (first, its version, second, its version). `began_with` and `ended_with` are
    the releases whose upload made the change; empty at the ends of the whole span. `inferred`: the state rests on a
    pair that was not tried (a break: on such pairs alone). `level` is the shallowest at which a pair of it is red, or
    up to which every pair works; none if that is unknown. `unknown` pairs of `of` have no verdict.
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
        """How long it took."""
        return _days(self.until - self.since)


class Outage(Record):
    """Two components that did not work together for a time, with the releases of them at its beginning.

    `broke` is the release whose upload began it and `fixed` those whose upload ended it; empty at the ends of the whole
    span. `after` is how many days the other release had been out when it broke.
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
        """From the break to the fix, or to the end of the whole span."""
        return _days(self.until - self.since)


class Timeline(Record):
    """The spans between two moments on one Python, oldest first; neighbours differ in their state or its grounds."""

    python: str
    spans: tuple[Span, ...]
    breaks: tuple[Outage, ...] = ()

    def days(self, state: str, *, inferred: bool | None = None) -> float:
        """Days in this state, added up; those that are `inferred`, or are not, if that is given."""
        fit = (span for span in self.spans if inferred is None or span.inferred == inferred)
        return sum(span.days for span in fit if span.state == state)


def pair_verdicts(summary: Summary, python: str, *, inferred: bool = False) -> Lookup:
    """What is known of two releases on `python`.

    What cells of that Python show goes first, then what a frontier of it observed, and what it inferred, the deeper one
    first; then, as inferred, the same of the other Pythons. What is no verdict on the two (flaky, unresolvable) stands
    only where nothing else tells. A break that is only inferred in cells may be a third one's, and tells nothing,
    unless `inferred` ones are to count; one that a release fails in alone says nothing of a set that has what it wants.
    Components that no test uses together have nothing to say about each other: "not-applicable".
    """
    known: dict[frozenset[tuple[str, str]], list[tuple[int, Said]]] = {}
    strangers = {frozenset((row.first, row.second)) for row in summary.pairs if not row.releases}
    for row in summary.pairs:
        for release in row.releases:
            key = frozenset(((row.first, release.first_version), (row.second, release.second_version)))
            own = release.pythons.get(python)
            for verdict, rank in ((own, 0), (release.verdict, 3)):
                if verdict is None or verdict == "untested":
                    continue
                guess = verdict == "broken" and release.inferred
                if guess and not inferred:
                    continue
                tells = verdict in ("works", "broken")
                said = Said(verdict, release.level, guess or (tells and rank > 0))
                known.setdefault(key, []).append((rank if tells else 6, said))
    for frontier in sorted(summary.frontiers, key=lambda row: -LEVELS.index(row.level)):
        for pair in frontier.told():
            if pair.reason is None or not alone(frontier.reasons[pair.reason], frontier, summary.components):
                rank = (1 if frontier.python == python else 4) + pair.inferred
                said = Said(pair.verdict, pair.level, rank > 1)
                known.setdefault(frozenset(pair.versions.items()), []).append((rank, said))
    best = {key: min(told, key=lambda one: one[0])[1] for key, told in known.items()}

    def lookup(one: str, version: str, other: str, its: str) -> Said:
        otherwise: Verdict = "not-applicable" if frozenset((one, other)) in strangers else "untested"
        return best.get(frozenset(((one, version), (other, its))), Said(otherwise))

    return lookup


def timeline(
    projects: Mapping[str, Project],
    verdict: Lookup,
    *,
    python: str,
    since: dt.datetime,
    until: dt.datetime,
    bounds: Bounds | None = None,
) -> Timeline:
    """What `verdict` says of what an installer would have given of `projects` (by component) from `since` to `until`.

    That is the newest final releases, as far as `bounds` let them be together. Releases count from their upload on;
    those that are yanked today never do.
    """
    changes = sorted({since, *_uploads(projects.values(), python, since, until)})
    spans: list[Span] = []
    chosen: list[dict[str, Release]] = []  # of each span, at its beginning
    before: dict[str, str] = {}
    for began, ended in pairwise([*changes, until]):
        releases = _installable(projects, python, began, bounds)
        newest = {name: release.version for name, release in releases.items()}
        span = _judge(newest, verdict, began, ended)
        moved = tuple(f"{name} {version}" for name, version in newest.items() if before.get(name) != version)
        last = spans[-1] if spans else None
        if last is not None and (last.state, last.pairs, last.inferred) == (span.state, span.pairs, span.inferred):
            levels = [level for level in (last.level, span.level) if level is not None]
            update = {
                "until": ended,
                "level": min(levels, key=LEVELS.index, default=None),
                "unknown": max(last.unknown, span.unknown),
                "of": max(last.of, span.of),
            }
            spans[-1] = last.model_copy(update=update)
        else:
            if last is not None:
                spans[-1] = last.model_copy(update={"ended_with": moved})
            spans.append(span.model_copy(update={"began_with": moved if last is not None else ()}))
            chosen.append(releases)
        before = newest
    return Timeline(python=python, spans=tuple(spans), breaks=tuple(_breaks(spans, chosen, verdict)))


def _uploads(projects: Iterable[Project], python: str, since: dt.datetime, until: dt.datetime) -> Iterator[dt.datetime]:
    for project in projects:
        for release in project.fit(python=python):
            if since < release.uploaded < until:
                yield release.uploaded


def _installable(
    projects: Mapping[str, Project], python: str, moment: dt.datetime, bounds: Bounds | None
) -> dict[str, Release]:
    """The newest of each; where bounds exclude each other, the one that has to go back the shorter time gives way."""
    fit = {name: list(project.fit(python=python, before=moment)) for name, project in projects.items()}
    chosen = {name: releases[0] for name, releases in fit.items() if releases}
    if bounds is None:
        return chosen

    def allows(owner: str, release: Release, on: str, other: Release) -> bool:
        bound = bounds(projects[owner].name, release.version).get(projects[on].name)
        return bound is None or bound.contains(other.version, prereleases=True)

    def clash() -> tuple[str, str] | None:
        both = permutations(chosen, 2)
        return next(((owner, on) for owner, on in both if not allows(owner, chosen[owner], on, chosen[on])), None)

    while (excluded := clash()) is not None:
        owner, on = excluded
        keeps, goes = chosen[owner], chosen[on]
        offers = (
            (on, next((r for r in fit[on] if r.parsed < goes.parsed and allows(owner, keeps, on, r)), None)),
            (owner, next((r for r in fit[owner] if r.parsed < keeps.parsed and allows(owner, r, on, goes)), None)),
        )
        back = {chosen[name].uploaded - release.uploaded: (name, release) for name, release in offers if release}
        if not back:  # nobody can give way: no installer finds a set either
            return chosen
        name, release = back[min(back)]
        chosen[name] = release
    return chosen


def _judge(newest: Mapping[str, str], verdict: Lookup, since: dt.datetime, until: dt.datetime) -> Span:
    found = {
        (one, newest[one], other, newest[other]): verdict(one, newest[one], other, newest[other])
        for one, other in combinations(newest, 2)
    }
    broken = {pair: said for pair, said in found.items() if said.verdict == "broken"}
    works = [said for said in found.values() if said.verdict == "works"]
    unknown = sum(said.verdict not in ("works", "broken", "not-applicable") for said in found.values())
    state: Literal["works", "broken", "unknown"] = "broken" if broken else "unknown" if unknown else "works"
    grounds = list(broken.values()) or ([] if unknown else works)
    return Span(
        since=since,
        until=until,
        state=state,
        pairs=tuple(broken),
        inferred=(all if broken else any)(said.inferred for said in grounds),
        level=min((said.level for said in grounds), key=LEVELS.index, default=None),
        unknown=unknown,
        of=len(found),
    )


def _breaks(spans: Iterable[Span], chosen: Iterable[Mapping[str, Release]], verdict: Lookup) -> Iterator[Outage]:
    """Each stretch of spans in which the same two components do not work together, in the order of their beginnings."""
    going: dict[tuple[str, str], Outage] = {}
    found: list[Outage] = []
    for span, releases in zip(spans, chosen, strict=True):
        here = {(one, other): (its, others) for one, its, other, others in span.pairs}
        for names in [names for names in going if names not in here]:
            fixed = tuple(release for release in span.began_with if release.split()[0] in names)
            found.append(going.pop(names).model_copy(update={"fixed": fixed or span.began_with}))
        for (one, other), (its, others) in here.items():
            inferred = verdict(one, its, other, others).inferred
            if (one, other) in going:
                begun = going[one, other]
                update = {"until": span.until, "inferred": begun.inferred and inferred}
                going[one, other] = begun.model_copy(update=update)
                continue
            older, newer = sorted((one, other), key=lambda name: releases[name].uploaded)
            cause = f"{newer} {releases[newer].version}"
            going[one, other] = Outage(
                first=one,
                first_version=its,
                second=other,
                second_version=others,
                since=span.since,
                until=span.until,
                broke=cause if cause in span.began_with else " and ".join(span.began_with),
                fixed=(),
                after=_days(span.since - releases[older].uploaded),
                inferred=inferred,
            )
    return iter(sorted([*found, *going.values()], key=lambda one: (one.since, one.first, one.second)))


def _days(time: dt.timedelta) -> float:
    return time.total_seconds() / 86400


def replayed(
    summary: Summary, catalog: Catalog, since: dt.datetime, *, inferred: Callable[[Today], bool] = lambda _: False
) -> tuple[Timeline, ...]:
    """The days from `since` on, one timeline for each of `summary.today`, of the components in such cells.

    A component that no such cell has (a metapackage, whose pins would hold back all the others) is left out. `inferred`
    says on which Pythons breaks that are only inferred count.
    """
    held = {name for one in summary.today for name in one.versions}
    rows = [row for row in summary.square() if row.distribution and row.name in held]
    projects = {row.name: catalog.project(row.distribution) for row in rows}
    return tuple(
        timeline(
            projects,
            pair_verdicts(summary, one.python, inferred=inferred(one)),
            python=one.python,
            since=since,
            until=summary.generated,
            bounds=cache(partial(_needs, catalog, one.python)),
        )
        for one in summary.today
    )


def _needs(catalog: Catalog, python: str, distribution: str, version: str) -> dict[str, SpecifierSet]:
    return needs(catalog, distribution, version, python)
