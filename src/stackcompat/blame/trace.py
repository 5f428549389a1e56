"""Traces a member of the culprit along its releases: last good, first bad, fixed in. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from packaging.version import Version

from stackcompat.blame.bisect import Edges, find_edges
from stackcompat.blame.probe import ProbeOutcome, Search
from stackcompat.blame.questions import SearchState, Traced, ask_exactly, versions_that_fail_too
from stackcompat.blame.result import Culprit

__all__ = ["culprit_between", "keep_member", "retrace_hidden_edges", "trace"]


def trace(
    state: SearchState, unit: str, context: Mapping[str, str], *, good: str | None = None, growth: int = 2
) -> Search[Edges]:
    """The edges of the red stretch of `unit` along its releases.

    Args:
        state: What the search knows.
        unit: The unit that is moved.
        context: The versions of all else. With the red release of `unit`, the test fails in them.
        good: A release of `unit` that is known to pass.
        growth: By what factor each galloping step is longer than the one before.
    """
    line = state.units.line(unit)

    def outcome_at(place: int) -> Search[ProbeOutcome]:
        return (yield from ask_exactly(state, {**context, **line.pins[place]})).outcome

    known = line.place(good)
    if known == line.red_place:  # only a follower differs in the set that passes
        known = None
    failing = versions_that_fail_too(state, unit)
    presumed = [line.versions.index(version) for version in failing if version in line.versions]
    return (
        yield from find_edges(
            len(line.versions), line.red_place, outcome_at, known=known, growth=growth, presumed=presumed
        )
    )


def keep_member(state: SearchState, unit: str, edges: Edges, context: dict[str, str]) -> None:
    """Keep `unit` as a member, with the edges that were found while all else had the versions of `context`."""
    state.traces[unit] = Traced(context, edges)
    state.members[unit] = _culprit(state, unit, edges)


def culprit_between(state: SearchState, unit: str, good: str | None) -> Culprit:
    """`unit` as a member before it is traced: at most one release, `good`, is known to pass."""
    line = state.units.line(unit)
    place = line.place(good)
    known = Edges(
        good=place if place is not None and place < line.red_place else None,
        bad=line.red_place,
        fixed=place if place is not None and place > line.red_place else None,
        unresolved=tuple(range((line.red_place if place is None else place) + 1, line.red_place)),
        tried=0,
    )
    return _culprit(state, unit, known).model_copy(update={"never_passed": False})


def retrace_hidden_edges(state: SearchState) -> Search[None]:
    """Trace again each member at whose edge there are releases that could not be judged.

    In the red cell another failure can hide the one that is searched for. In the set that passes, that other failure
    can be absent. So the member is traced there again.
    """
    if not state.passing:
        return
    context = state.units.mix(state.passing, state.members)
    for unit, (_, edges) in list(state.traces.items()):
        yield from _retrace(state, unit, edges, context)


def _retrace(state: SearchState, unit: str, edges: Edges, context: dict[str, str]) -> Search[None]:
    """Trace `unit` again in `context`, if a release next to its red stretch can be judged there."""
    line = state.units.line(unit)
    for place in _unresolved_at_the_edges(edges, line.red_place, len(line.pins)):
        if (yield from ask_exactly(state, context)).outcome != "same":
            return
        if (yield from ask_exactly(state, {**context, **line.pins[place]})).decides:
            again = yield from trace(state, unit, context)
            loses_good = edges.good is not None and again.good is None
            loses_fixed = edges.fixed is not None and again.fixed is None
            if not loses_good and not loses_fixed:
                keep_member(state, unit, again, context)
            return


def _unresolved_at_the_edges(edges: Edges, red_place: int, length: int) -> list[int]:
    """The unresolved places next to the red stretch around `red_place`: the last one before it, the first one after."""
    good = -1 if edges.good is None else edges.good
    fixed = length if edges.fixed is None else edges.fixed
    before = [place for place in edges.unresolved if good < place < edges.bad]
    after = [place for place in edges.unresolved if red_place < place < fixed]
    return [*before[-1:], *after[:1]]


def _culprit(state: SearchState, unit: str, edges: Edges) -> Culprit:
    """`unit` as a member, with the edges that were found along its releases."""
    line, name = state.units.line(unit), state.units.display_name(unit)

    def version_at(place: int | None) -> str | None:
        return None if place is None else line.pins[place].get(name, line.versions[place])

    parsed = [Version(version) for version in line.versions]
    end = len(parsed) if edges.fixed is None else edges.fixed
    skipped = [
        place
        for place, version in enumerate(parsed)
        if not edges.bad <= place < end
        and version > parsed[edges.bad]
        and (edges.fixed is None or version < parsed[edges.fixed])
    ]
    last_passing = version_at(edges.good)
    return Culprit(
        name=name,
        version=version_at(line.red_place) or "",
        last_good=None if state.red.is_cell else last_passing,
        first_bad=version_at(edges.bad),
        fixed_in=version_at(edges.fixed),
        last_passing=last_passing,
        red=tuple(filter(None, map(version_at, edges.red))),
        never_passed=edges.good is None and line.red_place > 0,
        unresolved=tuple(filter(None, map(version_at, edges.unresolved))),
        skipped=tuple(filter(None, map(version_at, skipped))),
    )
