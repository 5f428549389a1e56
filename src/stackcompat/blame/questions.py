"""The state of one search, and the functions through which its steps ask. Pure.

Each step of a search is a generator that yields questions (:class:`Probe`) and is sent their answers
(:class:`ProbeAnswer`). All steps share one :class:`SearchState`, and ask through the functions here, so that no
question is asked twice and the budget holds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from stackcompat.blame.bisect import Edges
from stackcompat.blame.probe import Probe, ProbeAnswer, RedCell, Search
from stackcompat.blame.result import Culprit
from stackcompat.blame.units import Units
from stackcompat.core.record import digest
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog

__all__ = [
    "Answered",
    "BudgetSpent",
    "SearchState",
    "Traced",
    "answer_for",
    "ask",
    "ask_every_test",
    "ask_exactly",
    "held_probe",
    "versions_that_fail_too",
]

#: How many questions a search can ask for each environment of its budget. Most questions need no environment.
_QUESTIONS_PER_ENVIRONMENT = 4


class BudgetSpent(Exception):
    """The search has asked for all environments of its budget."""


class Answered(NamedTuple):
    """A set of versions that was asked for, and the answer."""

    versions: dict[str, str]
    answer: ProbeAnswer


class Traced(NamedTuple):
    """The edges of a member along its releases, while all else had the versions of `context`."""

    context: dict[str, str]
    edges: Edges


@dataclass
class SearchState:
    """What one search knows.

    Attributes:
        red: The red cell that is to be explained.
        units: What can be moved in it.
        catalog: Where releases and their metadata are looked up.
        components: Tells which distribution owns a module, and which distributions move together.
        budget: How many environments the search can ask for.
        every_probe: A template: what each probe for exact versions asks in addition to its pins.
        answers: What was answered, by the digest of the probe.
        asked: Every set that was asked for, with its answer, in the order of the questions.
        probes: How many environments were asked for.
        passing: The first set that was found to pass; empty until then.
        members: The members of the culprit that were found so far, by unit.
        traces: How each member was traced, by unit.
        unparted: Units that could not be moved apart from a member, and so can be members.
        cleared: Units that were already traced alone.
        enough: Whether the failure shows with the members held and all else moved.
        alternatives: Other sets of members, each of which is enough by itself.
        absent: Distributions that the red cell lacks, and with which the test passes.
        whole: Sets that were tried with every test, and the answers.
        doubt: Why the members may not be the whole culprit.
    """

    red: RedCell
    units: Units
    catalog: Catalog
    components: Components
    budget: int
    every_probe: Probe = field(default_factory=Probe)
    answers: dict[str, ProbeAnswer] = field(default_factory=dict)
    asked: list[Answered] = field(default_factory=list)
    probes: int = 0
    passing: dict[str, str] = field(default_factory=dict)
    members: dict[str, Culprit] = field(default_factory=dict)
    traces: dict[str, Traced] = field(default_factory=dict)
    unparted: list[str] = field(default_factory=list)
    cleared: set[str] = field(default_factory=set)
    enough: bool = False
    alternatives: list[dict[str, Culprit]] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    whole: list[Answered] = field(default_factory=list)
    doubt: str = ""


def ask(state: SearchState, probe: Probe) -> Search[ProbeAnswer]:
    """The answer to `probe`, which is yielded if it was not asked before.

    Raises:
        BudgetSpent: It was not asked before, and the budget is spent.
    """
    is_the_red_cell = probe.pins == state.red.versions and (probe.resolves or not probe.free)
    if is_the_red_cell:
        return ProbeAnswer(outcome="same", versions=state.red.versions)
    key = digest(probe)
    if key not in state.answers:
        if state.probes >= state.budget or len(state.answers) >= _QUESTIONS_PER_ENVIRONMENT * state.budget:
            raise BudgetSpent
        answer = yield probe
        state.answers[key] = answer
        answered = Answered(answer.versions or probe.pins, answer)
        (state.whole if probe.every_test else state.asked).append(answered)
        state.probes += answer.ran
        if answer.versions and not probe.every_test:  # the same set may be asked for by its exact versions later
            state.answers.setdefault(digest(Probe(pins=answer.versions)), answer)
    return state.answers[key]


def ask_exactly(state: SearchState, pins: Mapping[str, str]) -> Search[ProbeAnswer]:
    """The answer for exactly the versions `pins`."""
    return (yield from ask(state, _exact_probe(state, pins)))


def ask_every_test(state: SearchState, pins: Mapping[str, str]) -> Search[ProbeAnswer]:
    """The answer of every test for exactly the versions `pins`."""
    return (yield from ask(state, Probe(pins=dict(sorted(pins.items())), every_test=True)))


def answer_for(state: SearchState, pins: Mapping[str, str]) -> ProbeAnswer | None:
    """The answer for exactly the versions `pins`, if they were asked for already."""
    return state.answers.get(digest(_exact_probe(state, pins)))


def held_probe(state: SearchState, pins: Mapping[str, str], *, at_their_time: bool) -> Probe:
    """The probe that holds `pins` and leaves all else that the cell asks for to the installer.

    Args:
        state: What the search knows.
        pins: Versions of the red cell.
        at_their_time: Whether all else comes from the day on which the newest of `pins` was uploaded. If not, it is the
            newest that the red cell can have.
    """
    until = state.red.until
    uploads = [release.uploaded for name in pins if (release := state.red.release(name, state.catalog))]
    if at_their_time and uploads:
        their_day = max(uploads) + dt.timedelta(days=1)
        until = min(until, their_day) if until else their_day
    free = tuple(root for root in state.units.roots if root not in pins)
    return Probe(pins=dict(sorted(pins.items())), free=free, until=until)


def versions_that_fail_too(state: SearchState, unit: str) -> set[str]:
    """Versions of `unit`, other than the red one, with which the failure was seen while the other members were held."""
    held = state.units.red_pins(member for member in state.members if member != unit)
    if not held:
        return set()
    red_version = state.red.versions.get(unit)
    return {
        versions[unit]
        for versions, answer in state.asked
        if answer.outcome == "same"
        and all(versions.get(name) == version for name, version in held.items())
        and versions.get(unit, red_version) != red_version
    }


def _exact_probe(state: SearchState, pins: Mapping[str, str]) -> Probe:
    return state.every_probe.model_copy(update={"pins": dict(sorted(pins.items()))})
