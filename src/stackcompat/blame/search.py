"""From a red cell to its culprit: the smallest set of (distribution, version) without which it would not be red.

Pure. A search is a generator that yields questions (:class:`Probe`) and is sent what came of them
(:class:`ProbeAnswer`); :mod:`stackcompat.blame.driver` answers from real cells, the tests from made-up worlds. The same
answers give the same questions, so a search that is stopped goes on where it was once its probes are evidence.

The steps, each of which asks as little as it can:

1. *Contrast* (:mod:`~stackcompat.blame.contrast`): a set of versions near the red one that passes; from evidence, else
   the newest releases, what the pins of the cell met on their own day, published sets, and the newest as of days going
   back exponentially.
2. *Minimise* (:mod:`~stackcompat.blame.minimise`) the difference by delta debugging over all distributions, those that
   the failure names first. A set that cannot be installed, or fails in another way, is neither red nor green.
3. *Extend* (:mod:`~stackcompat.blame.extend`): with the members held and all else as new, and as old, as can be, the
   test must still fail. Where it passes, there are further members; where neither can be judged, there is doubt. A
   partner that has the same release in the red cell and in the contrast is found by moving it alone.
4. *Trace* (:mod:`~stackcompat.blame.trace`) each member along its releases in the order of their uploads: last good,
   first bad, fixed in. What another failure hides in the red cell is looked for beside the set that passes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace

from stackcompat.blame.contrast import find_contrast
from stackcompat.blame.culprit import OtherFailure, SearchResult
from stackcompat.blame.extend import add_caller, extend, find_partners
from stackcompat.blame.minimise import minimise
from stackcompat.blame.probe import Probe, ProbeAnswer, RedCell, Search
from stackcompat.blame.questions import BudgetSpent, SearchState, answer_for
from stackcompat.blame.trace import keep_member, retrace_hidden_edges, trace
from stackcompat.blame.units import find_units
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog
from stackcompat.evidence.results import WarningSeen

__all__ = ["BUDGET", "search", "trace_refusal"]

#: Environments that a search may ask for unless it is given another number.
BUDGET = 60


def search(red: RedCell, catalog: Catalog, components: Components, budget: int = BUDGET) -> Search[SearchResult]:
    """Find the culprit of a red cell.

    Args:
        red: The red cell.
        catalog: Where releases and their metadata are looked up.
        components: Who owns which module, and who moves with whom.
        budget: How many environments the search may ask for.

    Returns:
        A generator that yields probes, is sent their answers, and returns what it found.
    """
    state = _new_state(red, catalog, components, budget)
    try:
        yield from _find_members(state)
    except BudgetSpent:
        state.doubt = f"the budget of {budget} probes was spent before all was tried"
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
        components: Who moves with whom.

    Returns:
        A generator that yields probes, is sent their answers, and returns what it found.
    """
    state = _new_state(red, catalog, components, BUDGET)
    state.units = replace(state.units, roots=())  # nobody is suspected but those that the resolver names
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
    else:
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
    with contextlib.suppress(BudgetSpent):  # the members stand, and the report names the releases that are unresolved
        yield from retrace_hidden_edges(state)


def _find_first_member(state: SearchState) -> Search[None]:
    """Where no set is known to pass: move each suspect alone, until the test passes with a release of one."""
    for unit in dict.fromkeys((*state.units.named, *state.units.used)):
        edges = yield from trace(state, unit, state.red.versions)
        state.cleared.add(unit)
        if edges.passes:
            keep_member(state, unit, edges, state.red.versions)
            return


def _doubt(state: SearchState) -> str:
    """Why the members may not be the whole culprit, where the search itself went to its end."""
    infra = _infra(state)
    if infra:
        count = "1 probe" if len(infra) == 1 else f"{len(infra)} probes"
        return f"{count} got no answer: {infra[0].detail}"
    if not state.members:
        return "no set of versions was found with which it passes"
    if not state.enough:
        return "with only these held, and all else as new or as old as can be, it was not seen to fail the same way"
    return ""


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
        passing=min(passing, key=lambda versions: len(state.units.differing(versions)), default=state.passing),
        warnings=_warnings_before_the_break(state),
        evidence=tuple(dict.fromkeys(run for _, answer in state.asked for run in answer.evidence)),
    )


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
            if answer is not None:
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
