"""The third step of a search: whether the members are the whole culprit, and what else belongs to it. Pure."""

from __future__ import annotations

from stackcompat.blame.minimise import minimise
from stackcompat.blame.probe import Search
from stackcompat.blame.questions import SearchState, ask, ask_exactly, held_probe, versions_that_fail_too
from stackcompat.blame.result import Culprit
from stackcompat.blame.trace import keep_member, trace
from stackcompat.blame.units import ReleaseLine
from stackcompat.ecosystem.declared import needs
from stackcompat.verdict.missing import missing_in
from stackcompat.verdict.ownership import owner_of

__all__ = ["add_caller", "extend", "find_partners"]


def extend(state: SearchState) -> Search[None]:
    """Hold the members and move all else. If the test passes then, there are further members: look for them.

    All else moves to its newest releases, then to those that were newest on the day of the members' upload. The members
    are enough if the test fails in the same way in one of these two sets.
    """
    for _ in range(len(state.red.versions)):
        before = set(state.members)
        state.enough = False
        for at_their_time in (False, True):
            pins = state.units.red_pins(state.members)
            answer = yield from ask(state, held_probe(state, pins, at_their_time=at_their_time))
            if answer.outcome == "same":
                state.enough = True
            if answer.outcome == "pass":
                yield from minimise(state, answer.versions)
                break
        if set(state.members) == before:
            return


def find_partners(state: SearchState) -> Search[None]:
    """Find the members that have the same release in the red cell and in the set that passes.

    Units that the failure names are traced alone, one after another. The other possible partners are moved all
    together, to their oldest and to their newest releases. Those that this does not judge are traced alone, in few
    steps.
    """
    for unit in state.units.named:
        if unit not in state.members and unit not in state.cleared:
            state.cleared.add(unit)
            yield from _keep_if_it_passes(state, unit, growth=2)
    for direction in (-1, 1):
        yield from _move_to_the_end(state, direction)
    for unit in dict.fromkeys((*_possible_partners(state, -1), *_possible_partners(state, 1))):
        yield from _keep_if_it_passes(state, unit, growth=4)


def add_caller(state: SearchState) -> None:
    """Add the distribution that called the only member.

    The caller is part of the break, although no release of it is known to pass. Either it asked the member for a name
    that the member does not have, or it declares that it needs the member, and failed in a call of the member.
    """
    (member,) = state.members
    for caller in reversed(_possible_callers(state, member)):
        if caller in state.red.versions:
            version = state.red.versions[caller]
            state.members[caller] = Culprit(name=caller, version=version, shown_by="traceback")
            return


def _keep_if_it_passes(state: SearchState, unit: str, growth: int) -> Search[None]:
    """Trace `unit` alone, and keep it as a member if the test passes with one of its releases."""
    edges = yield from trace(state, unit, state.red.versions, growth=growth)
    if edges.passes:
        keep_member(state, unit, edges, state.red.versions)


def _move_to_the_end(state: SearchState, direction: int) -> Search[None]:
    """Move all possible partners to their oldest (-1) or newest (1) release at once; repeat while it finds members.

    All suspects are moved first, also those that were seen to fail there by themselves: where several sets of releases
    are enough for the failure, it can show beside each of them alone, and yet be gone when all have moved.
    """
    units = _suspects(state, direction)
    while units:
        moved = dict(state.red.versions)
        for unit in units:
            moved |= state.units.line(unit).pins[0 if direction < 0 else -1]
        answer = yield from ask_exactly(state, moved)
        before = len(state.members)
        if answer.outcome == "pass":
            yield from minimise(state, answer.versions)
        moved_before, units = units, _possible_partners(state, direction)
        if len(state.members) == before and units == moved_before:
            return


def _suspects(state: SearchState, direction: int) -> list[str]:
    """Units that the failure names or the test uses, and that have any release in this direction."""
    suspects = dict.fromkeys((*state.units.named, *state.unparted, *state.units.used))
    others = [unit for unit in suspects if unit in state.red.versions and unit not in state.members]
    return [unit for unit in others if _has_releases(state.units.line(unit), direction)]


def _has_releases(line: ReleaseLine, direction: int) -> bool:
    """Whether there is any release in this direction from the one in the red cell."""
    return line.red_place > 0 if direction < 0 else line.red_place < len(line.versions) - 1


def _possible_partners(state: SearchState, direction: int) -> list[str]:
    """Units that can be members, and have releases in this direction beyond those that were seen to fail."""
    suspects = dict.fromkeys((*state.unparted, *state.units.used))
    return [unit for unit in suspects if _may_be_a_member(state, unit) and _can_move(state, unit, direction)]


def _may_be_a_member(state: SearchState, unit: str) -> bool:
    return unit in state.red.versions and unit not in state.members and unit not in state.cleared


def _can_move(state: SearchState, unit: str, direction: int) -> bool:
    """Whether `unit` has releases in this direction beyond those with which the test was seen to fail."""
    line = state.units.line(unit)
    failing = [line.place(version) for version in versions_that_fail_too(state, unit)]
    places = [line.red_place, *(place for place in failing if place is not None)]
    return min(places) > 0 if direction < 0 else max(places) < len(line.versions) - 1


def _possible_callers(state: SearchState, member: str) -> list[str]:
    """The distributions on the traceback that can have called `member`, the deepest last."""
    failure = state.red.failure
    names = state.units.names(member)
    missing = missing_in(failure.message)
    asks_member = missing.name and owner_of(missing.owner, state.red.versions, state.components) in names
    if asks_member:  # the caller asked the member for a name that it does not have
        return [package for package in failure.packages if package not in names][-1:]
    if failure.where.endswith(":<module>"):  # a module fails while it is imported, whatever imports it
        return []
    depths = [depth for depth, package in enumerate(failure.packages) if package in names]
    # A call with wrong arguments does not enter the member. Then the deepest package is the caller.
    callers = failure.packages[: depths[-1]] if depths else failure.packages[-1:]
    return [package for package in callers if package not in names and _declares(state, package, member)]


def _declares(state: SearchState, user: str, name: str) -> bool:
    """Whether `user` declares that it needs `name`."""
    version = state.red.versions.get(user)
    return version is not None and name in needs(state.catalog, user, version, state.red.python)
