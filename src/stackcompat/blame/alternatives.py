"""Whether the members are the only culprit: other sets can be enough by themselves for the same failure. Pure.

The members are moved to releases with which the test passes, and all else is left as it is in the red cell. If the test
still fails, something else is enough for the failure, and it is searched for in that set. Where several sets of members
are enough, one member of each has to move. The sets are complete once each smallest choice of such members (a hitting
set) makes the test pass.

Reiter: A theory of diagnosis from first principles, Artificial Intelligence 32(1), 1987.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import product

from stackcompat.blame.probe import Search
from stackcompat.blame.questions import SearchState, Traced, ask_exactly
from stackcompat.blame.units import find_units
from stackcompat.core.text import and_list

__all__ = ["find_alternatives"]

#: The steps of a search for members.
FindMembers = Callable[[SearchState], Search[None]]


def find_alternatives(state: SearchState, find_members: FindMembers) -> Search[None]:
    """Find the other sets of members that are enough by themselves, and keep them.

    Args:
        state: What the search knows, with the members that it found.
        find_members: The steps of a search for members.
    """
    traces = dict(state.traces)
    tried: set[frozenset[str]] = set()
    while cure := next(
        (choice for choice in _choices([state.members, *state.alternatives]) if choice not in tried), None
    ):
        tried.add(cure)
        left = yield from _move_away(state, cure, traces, find_members)
        if left:
            releases = and_list([f"{name} {left[name]}" for name in sorted(cure)])
            state.doubt = f"with {releases} it still fails: something else is enough for it, and was not found"
            return
    _keep_the_smallest(state)


def _move_away(
    state: SearchState, cure: frozenset[str], traces: dict[str, Traced], find_members: FindMembers
) -> Search[dict[str, str]]:
    """Move the units of `cure` to releases that pass. If the test still fails, find the set that is enough then.

    Args:
        state: What the search knows.
        cure: A member of each set that is known.
        traces: How the members of all sets were traced; those of the new set are added.
        find_members: The steps of a search for members.

    Returns:
        What still fails, if no set was found there; else nothing.
    """
    left: dict[str, str] = {}
    for pins in _passing_pins(state, traces, cure):
        moved = {**state.red.versions, **pins}
        answer = yield from ask_exactly(state, moved)
        if answer.outcome == "pass":
            return {}
        if answer.outcome != "same":
            continue
        left = moved
        further = yield from _search_again(state, moved, pins, find_members)
        for unit, traced in further.traces.items():
            traces.setdefault(unit, traced)
        # A set with one of the releases that were moved to says nothing of the red cell.
        if further.members and cure.isdisjoint(further.members):
            state.alternatives.append(further.members)
            return {}
    return left


def _choices(enough: Sequence[Collection[str]]) -> Iterator[frozenset[str]]:
    """Each smallest choice that has a member of every set, in a fixed order."""
    choices = sorted({frozenset(choice) for choice in product(*map(sorted, enough))}, key=sorted)
    for choice in choices:
        if not any(other < choice for other in choices):
            yield choice


def _keep_the_smallest(state: SearchState) -> None:
    """Leave out each set that another one is a part of."""
    sets = [state.members, *state.alternatives]
    smallest = [members for members in sets if not any(other.keys() < members.keys() for other in sets)]
    state.members, *state.alternatives = smallest


def _passing_pins(state: SearchState, traces: Mapping[str, Traced], units: Collection[str]) -> Iterator[dict[str, str]]:
    """Choices of releases of `units` with which the test passes; none if no such release of one of them is known.

    They are the releases before the red ones, those after them, and those of the set that passes. Where a unit has none
    of the one kind, it has one of another.

    Args:
        state: What the search knows.
        traces: How the members of all sets were traced.
        units: The units.
    """
    differing = state.units.differing(state.passing) if state.passing else []
    known: dict[str, list[dict[str, str]]] = {}
    for unit in sorted(units):
        names = state.units.names(unit)
        traced = traces.get(unit)
        places = (traced.edges.good, traced.edges.fixed) if traced else ()
        known[unit] = [state.units.line(unit).pins[place] for place in places if place is not None]
        if unit in differing and all(name in state.passing for name in names):
            known[unit].append({name: state.passing[name] for name in names})
    chosen: list[dict[str, str]] = []
    for number in range(3 if all(known.values()) else 0):
        pins: dict[str, str] = {}
        for of_unit in known.values():
            pins |= of_unit[min(number, len(of_unit) - 1)]
        if pins not in chosen:
            chosen.append(pins)
    yield from chosen


def _search_again(
    state: SearchState,
    left: dict[str, str],
    pins: Mapping[str, str],
    find_members: FindMembers,
) -> Search[SearchState]:
    """Search in the set `left`, which fails though the known members are gone; a doubt about its members is kept.

    Args:
        state: What the search knows. The further search adds to its questions.
        left: The set that still fails.
        pins: The releases to which the known members were moved.
        find_members: The steps of a search for members.
    """
    passing = {**state.passing, **pins}
    passes = bool(state.passing) and (yield from ask_exactly(state, passing)).outcome == "pass"
    red = state.red.model_copy(update={"versions": left, "passing": (passing,) if passes else (), "near": True})
    further = SearchState(
        red=red,
        units=find_units(red, state.catalog, state.components),
        catalog=state.catalog,
        components=state.components,
        budget=state.budget,
        answers=state.answers,
        probes=state.probes,
    )
    try:
        yield from find_members(further)
    finally:
        state.probes = further.probes
        state.asked += further.asked
    if further.doubt or not further.enough:
        state.doubt = further.doubt or "another set of releases is enough for it, and may be incomplete"
    return further
