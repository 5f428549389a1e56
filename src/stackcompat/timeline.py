"""Replay of a span of days: would the newest releases of everything have worked together, at each moment? Pure.

From upload times and the verdicts on pairs, not from one resolution a day: what an installer would have given changes
only when something is uploaded. Where declared bounds exclude each other an installer holds somebody back, which is not
a break; where a pair was not tried, the moment is unknown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations, pairwise
from typing import Literal

from stackcompat.record import Record
from stackcompat.releases import Project
from stackcompat.report.model import Summary
from stackcompat.report.words import version_key
from stackcompat.verdict import Verdict

__all__ = ["Span", "Timeline", "pair_verdicts", "timeline"]

#: The verdict on two releases: first name and version, second name and version.
Lookup = Callable[[str, str, str, str], Verdict]


class Span(Record):
    """A time through which the newest releases, and so the answer, stayed the same.

    `pairs` are those that are broken, as (first, its version, second, its version). `began_with` and `ended_with` are
    the releases whose upload made the change; empty at the ends of the whole span.
    """

    since: dt.datetime
    until: dt.datetime
    state: Literal["works", "broken", "unknown"]
    pairs: tuple[tuple[str, str, str, str], ...] = ()
    began_with: tuple[str, ...] = ()
    ended_with: tuple[str, ...] = ()

    @property
    def days(self) -> float:
        """How long it took."""
        return (self.until - self.since).total_seconds() / 86400


class Timeline(Record):
    """The spans between two moments on one Python, oldest first, neighbours in different states or for other pairs."""

    python: str
    spans: tuple[Span, ...]

    def days(self, state: str) -> float:
        """Days in this state, added up."""
        return sum(span.days for span in self.spans if span.state == state)


def pair_verdicts(summary: Summary, python: str, *, inferred: bool = False) -> Lookup:
    """What the table says of two releases on `python`; on the other Pythons where that one was not tried.

    A break that is only inferred may be a third one's, and tells nothing, unless `inferred` ones are to count.
    Components that no test uses together have nothing to say about each other: "not-applicable".
    """
    known: dict[frozenset[tuple[str, str]], Verdict] = {}
    strangers = {frozenset((row.first, row.second)) for row in summary.pairs if not row.releases}
    for row in summary.pairs:
        for release in row.releases:
            key = frozenset(((row.first, release.first_version), (row.second, release.second_version)))
            said = release.pythons.get(python, release.verdict)
            known[key] = "untested" if said == "broken" and release.inferred and not inferred else said

    def lookup(one: str, version: str, other: str, its: str) -> Verdict:
        otherwise: Verdict = "not-applicable" if frozenset((one, other)) in strangers else "untested"
        return known.get(frozenset(((one, version), (other, its))), otherwise)

    return lookup


def timeline(
    projects: Mapping[str, Project], verdict: Lookup, *, python: str, since: dt.datetime, until: dt.datetime
) -> Timeline:
    """What `verdict` says of the newest final releases of `projects` (by component) from `since` to `until`.

    Releases count from their upload on; those that are yanked today never do.
    """
    changes = sorted({since, *_uploads(projects.values(), python, since, until)})
    spans: list[Span] = []
    before: dict[str, str] = {}
    for began, ended in pairwise([*changes, until]):
        newest = {}
        for name, project in projects.items():
            release = project.newest(python=python, before=began)
            if release is not None:
                newest[name] = release.version
        state, pairs = _judge(newest, verdict)
        moved = tuple(f"{name} {version}" for name, version in newest.items() if before.get(name) != version)
        last = spans[-1] if spans else None
        if last is not None and (last.state, last.pairs) == (state, pairs):
            spans[-1] = last.model_copy(update={"until": ended})
        else:
            if last is not None:
                spans[-1] = last.model_copy(update={"ended_with": moved})
            began_with = moved if last is not None else ()
            spans.append(Span(since=began, until=ended, state=state, pairs=pairs, began_with=began_with))
        before = newest
    return Timeline(python=python, spans=tuple(spans))


def _uploads(projects: Iterable[Project], python: str, since: dt.datetime, until: dt.datetime) -> Iterator[dt.datetime]:
    for project in projects:
        for release in project.releases:
            counts = not release.yanked and not version_key(release.version).is_prerelease
            if counts and release.supports(python) and since < release.uploaded < until:
                yield release.uploaded


def _judge(
    newest: Mapping[str, str], verdict: Lookup
) -> tuple[Literal["works", "broken", "unknown"], tuple[tuple[str, str, str, str], ...]]:
    found = {
        (one, newest[one], other, newest[other]): verdict(one, newest[one], other, newest[other])
        for one, other in combinations(newest, 2)
    }
    broken = tuple(pair for pair, said in found.items() if said == "broken")
    if broken:
        return "broken", broken
    told = all(said in ("works", "unresolvable", "not-applicable") for said in found.values())
    return ("works" if told else "unknown"), ()
