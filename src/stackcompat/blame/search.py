"""From a red cell to its culprit: the smallest set of (distribution, version) without which it would not be red.

Pure. A search is a generator that yields questions (:class:`Probe`) and is sent their answers (:class:`ProbeAnswer`);
:mod:`stackcompat.blame.driver` answers them from real cells, the tests from made-up worlds. The same answers give the
same questions. So a search that was stopped and starts again goes on where it was: its earlier probes are evidence.

The steps, each of which asks as little as it can:

1. *Contrast* (:mod:`~stackcompat.blame.contrast`): a set of versions near the red one that passes. It comes from
   evidence. If there is none, these are tried: the newest releases, those of the day of the cell's pins, published
   sets, and the newest releases of past days.
2. *Minimise* (:mod:`~stackcompat.blame.minimise`) the difference by delta debugging over all distributions, those that
   the failure names first. A set that cannot be installed, or fails in another way, is neither red nor green.
3. *Extend* (:mod:`~stackcompat.blame.extend`): hold the members and move all else to its newest releases, then to those
   of the members' day. The test must still fail. If it passes, there are further members. If neither set can be judged,
   there is a doubt. A member that has the same release in the red cell and in the contrast is found by moving it alone.
4. *Trace* (:mod:`~stackcompat.blame.trace`) each member along its releases in the order of their uploads: last good,
   first bad, fixed in. If another failure hides an edge in the red cell, the member is traced again in the set that
   passes.
5. *Alternatives* (:mod:`~stackcompat.blame.alternatives`): move the members to releases that pass, and leave all else.
   The test must pass. If it fails in the same way, another set is enough by itself, and is searched for.
6. *Every test* (:mod:`~stackcompat.blame.every_test`): a release is called good only if all other tests pass with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from stackcompat.blame.alternatives import find_alternatives
from stackcompat.blame.contrast import find_contrast
from stackcompat.blame.every_test import find_way_out, try_every_test
from stackcompat.blame.extend import add_caller, extend, find_partners
from stackcompat.blame.minimise import minimise
from stackcompat.blame.probe import Probe, ProbeAnswer, RedCell, Search
from stackcompat.blame.questions import BudgetSpent, SearchState, answer_for
from stackcompat.blame.result import OtherFailure, SearchResult
from stackcompat.blame.trace import keep_member, retrace_hidden_edges, trace
from stackcompat.blame.units import find_units
from stackcompat.core.text import and_list, counted
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog
from stackcompat.evidence.results import WarningSeen

__all__ = ["BUDGET", "search", "trace_refusal"]

#: How many environments a search can ask for, unless it is given another number.
BUDGET = 60


def search(red: RedCell, catalog: Catalog, components: Components, budget: int = BUDGET) -> Search[SearchResult]:
    """Find the culprit of a red cell.

    Args:
        red: The red cell.
        catalog: Where releases and their metadata are looked up.
        components: Tells which distribution owns a module, and which distributions move together.
        budget: How many environments the search can ask for.

    Returns:
        A generator that yields probes, is sent their answers, and returns what it found.
    """
    state = _new_state(red, catalog, components, budget)
    try:
        yield from _find_members(state)
        if state.members:
            yield from find_alternatives(state, _find_members)
    except BudgetSpent:
        state.doubt = f"the budget of {counted(budget, 'probe')} was spent before all was tried"
    if red.is_cell:
        with contextlib.suppress(BudgetSpent):  # the report says of which releases it is not known
            yield from try_every_test(state)
    state.doubt = state.doubt or _doubt(state)
    return _result(state)


def trace_refusal(
    red: RedCell, names: Iterable[str], free: tuple[str, ...], catalog: Catalog, components: Components
) -> Search[SearchResult]:
    """Trace the culprits of a cell that does not resolve. The resolver has named them, and nothing is installed.

    Args:
        red: The cell; its versions are those that it pins.
        names: The distributions that the resolver names.
        free: The requirements of the cell that pin nothing.
        catalog: Where releases are looked up.
        components: Tells which distributions move together.

    Returns:
        A generator that yields probes, is sent their answers, and returns what it found.
    """
    state = _new_state(red, catalog, components, BUDGET)
    state.units = replace(state.units, roots=())  # the only suspects are those that the resolver names
    state.every_probe = Probe(free=free, until=red.until, resolves=True)
    for name in names:
        edges = yield from trace(state, name, red.versions)
        keep_member(state, name, edges, red.versions)
        if not edges.passes:
            state.members[name] = state.members[name].model_copy(update={"shown_by": "metadata"})
    return _result(state)


def _new_state(red: RedCell, catalog: Catalog, components: Components, budget: int) -> SearchState:
    units = find_units(red, catalog, components)
    return SearchState(red=red, units=units, catalog=catalog, components=components, budget=budget)


def _find_members(state: SearchState) -> Search[None]:
    """All steps of a search, one after the other."""
    passing = yield from find_contrast(state)
    if passing is not None:
        yield from minimise(state, passing)
    if passing is None or (state.absent and not state.members):
        yield from _find_first_member(state)
    if not state.members:
        return
    yield from extend(state)
    before = len(state.members)
    yield from find_partners(state)
    if len(state.members) > before:
        yield from extend(state)
    if len(state.members) == 1:
        add_caller(state)
    with contextlib.suppress(BudgetSpent):  # the members are found already; the report names the unresolved releases
        yield from retrace_hidden_edges(state)


def _find_first_member(state: SearchState) -> Search[None]:
    """If no set is known to pass, move each suspect alone, until the test passes with one of its releases."""
    for unit in dict.fromkeys((*state.units.named, *state.units.used)):
        edges = yield from trace(state, unit, state.red.versions)
        state.cleared.add(unit)
        if edges.passes:
            keep_member(state, unit, edges, state.red.versions)
            return


def _doubt(state: SearchState) -> str:
    """Why the members are possibly not the whole culprit, if the search went to its end."""
    infra = _infra(state)
    if infra:
        count = counted(len(infra), "probe")
        return f"{count} got no answer: {infra[0].detail}"
    if state.absent and not state.members:
        return f"it passes where {_absent(state)} is installed as well, which nothing here asks for"
    if not state.members:
        return "no set of versions was found with which it passes"
    if not state.enough:
        return "with only these held, and all else as new or as old as can be, it was not seen to fail the same way"
    return ""


def _absent(state: SearchState) -> str:
    return and_list([f"{name} {version}" for name, version in state.absent.items()])


def _infra(state: SearchState) -> list[ProbeAnswer]:
    return [answer for _, answer in state.asked if answer.outcome == "infra"]


def _result(state: SearchState) -> SearchResult:
    passing = [versions for versions, answer in state.asked if answer.outcome == "pass"]
    return SearchResult(
        culprits=tuple(state.members.values()),
        findings=_other_failures(state),
        probes=state.probes,
        linear=_linear(state),
        forced=sum(answer.forced for _, answer in state.asked),
        infra=len(_infra(state)),
        doubt=state.doubt,
        alternatives=tuple(tuple(members.values()) for members in state.alternatives),
        passing=min(passing, key=lambda versions: len(state.units.differing(versions)), default=state.passing),
        passed=_passed(state),
        way_out=_differences(way_out, state) if (way_out := find_way_out(state)) else {},
        warnings=_warnings_before_the_break(state),
        evidence=tuple(dict.fromkeys(run for _, answer in (*state.asked, *state.whole) for run in answer.evidence)),
    )


def _passed(state: SearchState) -> tuple[dict[str, str], ...]:
    """Each set that passes and that metadata allows, as what differs from the red cell."""
    sets = [_differences(versions, state) for versions, answer in state.asked if _is_pass(answer)]
    return tuple(dict(items) for items in dict.fromkeys(tuple(sorted(moved.items())) for moved in sets))


def _is_pass(answer: ProbeAnswer) -> bool:
    return answer.outcome == "pass" and bool(answer.versions) and not answer.forced


def _differences(versions: Mapping[str, str], state: SearchState) -> dict[str, str]:
    """The versions in which a set differs from the red cell; empty for what is not installed in it."""
    red = state.red.versions
    names = versions.keys() | red.keys()
    return {name: versions.get(name, "") for name in names if versions.get(name) != red.get(name)}


def _other_failures(state: SearchState) -> tuple[OtherFailure, ...]:
    """Every other failure that was met on the way, once."""
    red = state.red.versions
    failures: dict[str, OtherFailure] = {}
    for versions, answer in state.asked:
        if answer.outcome == "other" and answer.signature not in failures:
            moved = {name: version for name, version in versions.items() if red.get(name) != version}
            failures[answer.signature] = OtherFailure(moved=moved, signature=answer.signature, evidence=answer.evidence)
    return tuple(failures.values())


def _warnings_before_the_break(state: SearchState) -> dict[str, tuple[WarningSeen, ...]]:
    """The warnings in the last good release of each member, by its name, where that release was run."""
    warnings = {}
    for unit, (context, edges) in state.traces.items():
        if edges.good is not None:
            answer = answer_for(state, {**context, **state.units.line(unit).pins[edges.good]})
            if answer is not None and answer.outcome == "pass":
                warnings[state.units.display_name(unit)] = answer.warnings
    return warnings


def _linear(state: SearchState) -> int:
    """How many probes it would take to move each suspect alone, release by release, until the test passes."""
    total = 0
    for unit in dict.fromkeys((*state.units.named, *state.units.used, *state.units.roots, *state.members)):
        first, last = 0, len(state.units.line(unit).versions) - 1
        if unit in state.traces:
            edges = state.traces[unit].edges
            first = first if edges.good is None else edges.good
            last = last if edges.fixed is None else edges.fixed
        total += last - first
    return total
