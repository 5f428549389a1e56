"""The second step of a search: finds members among the differences between a passing set and the red one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from stackcompat.blame.ddmin import ddmin
from stackcompat.blame.probe import Search
from stackcompat.blame.questions import SearchState, answer_for, ask_exactly
from stackcompat.blame.result import Culprit
from stackcompat.blame.trace import culprit_between, keep_member, trace
from stackcompat.blame.units import pinned
from stackcompat.core.text import and_list
from stackcompat.ecosystem.declared import needs

__all__ = ["minimise"]


def minimise(state: SearchState, passing: dict[str, str]) -> Search[None]:
    """Find members among the units in which the red cell differs from `passing`, and keep them."""
    state.passing = state.passing or passing
    smallest = yield from _smallest_failing_part(state, passing)
    context = state.units.mix(passing, smallest)
    unparted = []
    # Without any one of these units the failure is gone. But the test need not pass then: it can fail in another way,
    # or the set cannot be installed. So only a pass shows a member.
    for unit in smallest:
        others = [other for other in smallest if other != unit]
        without = yield from ask_exactly(state, state.units.mix(passing, others))
        if without.outcome == "pass":
            yield from _add_member(state, unit, context, passing)
        else:
            unparted.append(unit)
    yield from _tell_apart(state, unparted, passing, they_are_all=len(unparted) == len(smallest))


def _smallest_failing_part(state: SearchState, passing: Mapping[str, str]) -> Search[tuple[str, ...]]:
    """The smallest part of what differs that still fails when all else is as in `passing`."""
    units = state.units.differing(passing)

    def fails(part: tuple[str, ...]) -> Search[bool]:
        return (yield from ask_exactly(state, state.units.mix(passing, part))).outcome == "same"

    for guess in _guesses(state, passing, units):
        if len(guess) < len(units) and (yield from fails(guess)):
            return (yield from ddmin(guess, fails))
    return (yield from ddmin(units, fails))


def _guesses(state: SearchState, passing: Mapping[str, str], units: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Parts of `units` that are likely to fail: those that the failure names, then also those that the cell pins.

    Each part comes alone, then with the units that have to move with it. These are read from the index, so they are
    worked out only if the part alone did not fail.
    """
    named = [unit for unit in state.units.named if unit in units]
    pins = [state.units.unit_of(name) for name in pinned(state.red)]
    also_pinned = [unit for unit in pins if unit in units and unit not in named]
    for suspects in (named, [*named, *also_pinned]):
        if suspects:
            yield tuple(suspects)
            yield tuple(_with_what_has_to_move(state, passing, suspects))


def _with_what_has_to_move(state: SearchState, passing: Mapping[str, str], units: Iterable[str]) -> list[str]:
    """`units` and the units that have to move with them to keep the declared bounds."""
    chosen = list(dict.fromkeys(units))
    while True:
        broken = _units_of_broken_bounds(state, state.units.mix(passing, chosen))
        if set(broken) <= set(chosen):
            return chosen
        chosen = list(dict.fromkeys([*chosen, *broken]))


def _units_of_broken_bounds(state: SearchState, versions: Mapping[str, str]) -> list[str]:
    """For each declared bound that `versions` break: a unit that, as in the red cell, can mend it."""
    units = []
    for name, version in versions.items():
        for needed, bound in needs(state.catalog, name, version, state.red.python).items():
            if needed in versions and not bound.contains(versions[needed], prereleases=True):
                moved = [side for side in (needed, name) if versions[side] != state.red.versions.get(side)]
                units += [state.units.unit_of(side) for side in moved[:1]]
    return units


def _add_member(state: SearchState, unit: str, context: dict[str, str], passing: Mapping[str, str]) -> Search[None]:
    """Keep `unit` as a member: `context` fails with its red release, and passes with its release in `passing`."""
    red, units = state.red, state.units
    if unit not in red.versions:
        state.absent[unit] = passing[unit]
        return
    if unit in state.members:
        return
    good = passing.get(unit)
    state.members[unit] = culprit_between(state, unit, good)  # in case the budget is spent before the trace ends
    if good is not None:
        moved_alone = red.versions | {name: passing[name] for name in units.names(unit) if name in passing}
        if (yield from ask_exactly(state, moved_alone)).outcome == "pass":
            context = red.versions
    edges = yield from trace(state, unit, context, good=good)
    keep_member(state, unit, edges, context)


def _tell_apart(
    state: SearchState, units: list[str], passing: Mapping[str, str], *, they_are_all: bool
) -> Search[None]:
    """Find the members among units that could not be moved apart, by moving each of them alone.

    Each unit is moved in the red cell first. If `units` are all that differs, each is also moved where another of them
    has been moved towards `passing`, as far as the test still fails. What kept the unit from moving can be gone there.
    If the test never passes, the units that the failure names become members.
    """
    if (yield from _keep_first_that_passes(state, units, state.red.versions)) or not they_are_all:
        return
    for unit in units:
        farther = _moved_towards(state, unit, passing)
        others = [other for other in units if other != unit]
        if farther and (yield from _keep_first_that_passes(state, others, farther)):
            return
    named = [unit for unit in units if unit in state.units.named and unit in state.red.versions]
    if not named:
        state.doubt = f"{and_list(units)} could not be moved apart, and the failure names none of them"
    for unit in named:
        version = state.red.versions[unit]
        state.members[unit] = Culprit(name=unit, version=version, first_bad=version, shown_by="contrast")


def _keep_first_that_passes(state: SearchState, units: list[str], context: dict[str, str]) -> Search[bool]:
    """Keep as a member the first of `units` that makes `context` pass when it moves alone; False if none does."""
    for unit in units:
        if unit in state.red.versions:
            edges = yield from trace(state, unit, context)
            if edges.passes:
                keep_member(state, unit, edges, context)
                # Perhaps the others differ only because this one could not move without them: `extend` will tell.
                state.unparted += [other for other in units if other not in (unit, *state.unparted)]
                return True
    return False


def _moved_towards(state: SearchState, unit: str, passing: Mapping[str, str]) -> dict[str, str]:
    """The red cell with `unit` moved towards `passing` to the farthest release that was seen to fail; empty if none."""
    line = state.units.line(unit)
    goal = line.place(passing.get(unit))
    if goal is None:
        return {}

    def fails_at(place: int) -> bool:
        answer = answer_for(state, {**state.red.versions, **line.pins[place]})
        return answer is not None and answer.outcome == "same"

    on_the_way = [place for place in range(len(line.pins)) if (place - line.red_place) * (goal - line.red_place) > 0]
    failing = [place for place in on_the_way if fails_at(place)]
    if not failing:
        return {}
    farthest = max(failing, key=lambda place: abs(place - line.red_place))
    return {**state.red.versions, **line.pins[farthest]}
