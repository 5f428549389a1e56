"""The last step of a search: whether more than the failing test passes with the releases that it names. Pure.

The search follows one test. Where that test passes, others can fail, so a release is called the last good one only if
every test passes with it. If none does, a set that works as a whole is looked for among those that pass the one test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stackcompat.blame.probe import ProbeAnswer, Search
from stackcompat.blame.questions import SearchState, ask_every_test

__all__ = ["find_way_out", "try_every_test"]


def try_every_test(state: SearchState) -> Search[None]:
    """Try every test with the last passing release of each member, and with a set that passes if all of those fail."""
    for unit, member in list(state.members.items()):
        if unit not in state.traces or member.passes_before is None:
            continue
        context, edges = state.traces[unit]
        assert edges.good is not None
        answer = yield from ask_every_test(state, {**context, **state.units.line(unit).pins[edges.good]})
        update = {"last_good": member.passes_before} if _works(answer) else {"reservation": _reservation(answer)}
        state.members[unit] = member.model_copy(update=update)
    for versions in _sets_that_pass(state):
        if find_way_out(state):
            return
        yield from ask_every_test(state, versions)


def find_way_out(state: SearchState) -> dict[str, str]:
    """The set nearest to the red cell with which every test is known to pass; empty if there is none."""
    works = [versions for versions, answer in state.whole if _works(answer)]
    nearest = sorted((*works, *state.red.working), key=lambda versions: len(state.units.differing(versions)))
    return dict(nearest[0]) if nearest else {}


def _works(answer: ProbeAnswer) -> bool:
    """Whether a set works as an installer gives it: all tests pass, and metadata allows it."""
    return answer.outcome == "pass" and not answer.forced


def _reservation(answer: ProbeAnswer) -> str:
    """Why a set with which the failing test passes is not called good; empty where that is not known."""
    if answer.outcome in ("other", "same"):
        return "other tests fail there"
    return "declared bounds forbid it there" if answer.outcome == "pass" else ""


def _sets_that_pass(state: SearchState) -> Iterator[Mapping[str, str]]:
    """With the first later release that passes, of each member; then the nearest set that passes; then the first."""
    for unit in state.members:
        if unit in state.traces and state.traces[unit].edges.fixed is not None:
            context, edges = state.traces[unit]
            assert edges.fixed is not None
            yield {**context, **state.units.line(unit).pins[edges.fixed]}
    passing = [versions for versions, answer in state.asked if answer.outcome == "pass"]
    yield from sorted(passing, key=lambda versions: len(state.units.differing(versions)))[:1]
    if state.passing:
        yield state.passing
