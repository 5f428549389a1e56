"""The first step of a search: a set of versions near the red one with which the test passes. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from stackcompat.blame.probe import Probe, Search
from stackcompat.blame.questions import SearchState, ask, held_probe
from stackcompat.blame.units import pinned
from stackcompat.core.requirements import name_of

__all__ = ["NEAR", "find_contrast"]

#: A passing set from evidence is taken at once if it differs in at most so many units: fresh sets are seldom nearer.
NEAR = 4

#: The newest releases are tried as they were 1, 2, 4, ... days before the red cell, up to two to this power.
_LAST_EXPONENT = 11


def find_contrast(state: SearchState) -> Search[dict[str, str] | None]:
    """A set of versions that passes, the nearest that can be found; None where no set was seen to pass."""
    known = sorted(state.red.passing, key=lambda versions: len(state.units.differing(versions)))
    if known and (state.red.near or len(state.units.differing(known[0])) <= NEAR):
        return known[0]
    for probe in _candidates(state):
        answer = yield from ask(state, probe)
        if answer.outcome == "pass":
            return answer.versions
    return known[0] if known else None


def _candidates(state: SearchState) -> Iterator[Probe]:
    """Probes that are likely to pass: the newest releases, those of the pins' own day, published sets, past days.

    Each probe is made only when it is needed, since it is read from the index.
    """
    red, roots = state.red, state.units.roots
    yield Probe(free=roots, until=red.until)
    pins = {name: red.versions[name] for name in pinned(red)}
    if pins:
        yield held_probe(state, pins, at_their_time=True)
    for requirements in red.sets:
        names = {name_of(text) for text in requirements}
        yield Probe(free=(*requirements, *(root for root in roots if root not in names)), until=red.until)
    for day in _past_days(state):
        yield Probe(free=roots, until=day)


def _past_days(state: SearchState) -> Iterator[dt.datetime]:
    """Moments 1, 2, 4, ... days before the newest release of the red cell.

    A moment is left out if its newest releases are those of the moment tried before, or if a distribution that the cell
    asks for had no release yet.
    """
    red = state.red
    uploads = [release.uploaded for name in red.versions if (release := red.release(name, state.catalog))]
    if not uploads:
        return
    newest_later: dict[str, str | None] = {}
    for exponent in range(_LAST_EXPONENT + 1):
        day = max(uploads) - dt.timedelta(days=2**exponent)
        newest: dict[str, str | None] = {}
        for name in red.versions:
            release = state.catalog.project(name).newest(python=red.python, before=day)
            newest[name] = release.version if release else None
        if newest != newest_later and all(newest[root] for root in state.units.roots):
            yield day
        newest_later = newest
