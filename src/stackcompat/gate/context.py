"""What all cells of one decision are judged by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.gate.candidate import Candidate, names_in_words, releases_in_words, replaced_in_words
from stackcompat.gate.cells import ExcludedCell, GateCell, PairedCell, UntriedCell
from stackcompat.gate.policy import GatePolicy
from stackcompat.gate.waivers import Waivers

__all__ = ["GateContext", "component_versions", "expected_versions", "make_context"]


@dataclass(frozen=True)
class GateContext:
    """What all cells of one decision are judged by; it does not change from cell to cell.

    Attributes:
        now: The time of the decision. It tells which evidence, waivers and quarantines are too old.
        moving_components: The components that change from control to candidate: the candidates, and the components that
            move with them.
        leaders: For each candidate that moves with another component: its distribution to the distribution of that
            component.
    """

    candidates: tuple[Candidate, ...]
    policy: GatePolicy
    waivers: Waivers
    components: Components
    now: dt.datetime
    moving_components: frozenset[str]
    leaders: Mapping[str, str]

    @property
    def oldest(self) -> dt.datetime:
        """The moment before which evidence is too old to count."""
        return self.policy.oldest(self.now)

    @property
    def releases(self) -> str:
        """The candidates with their versions, in words."""
        return releases_in_words(self.candidates)

    @property
    def replaced(self) -> str:
        """The releases that the candidates replace, in words."""
        return replaced_in_words(self.candidates)

    @property
    def names(self) -> str:
        """The candidates without their versions, in words."""
        return names_in_words(self.candidates)


def make_context(
    candidates: Sequence[Candidate],
    policy: GatePolicy,
    waivers: Waivers,
    components: Components,
    now: dt.datetime,
) -> GateContext:
    """The context in which `candidates` are judged, as one set.

    Args:
        candidates: The releases to judge.
        policy: What they must pass.
        waivers: The exceptions to it.
        components: The ecosystem.
        now: The time of the decision.
    """
    distributions = {candidate.name for candidate in candidates}
    candidate_rows = [row for row in components.components if row.distribution in distributions]
    names = {row.name for row in candidate_rows}
    followers = {row.name for row in components.components if row.moves_with in names}
    leaders = {row.distribution: components[row.moves_with].distribution for row in candidate_rows if row.moves_with}
    return GateContext(
        candidates=tuple(candidates),
        policy=policy,
        waivers=waivers,
        components=components,
        now=now,
        moving_components=frozenset(names | followers),
        leaders=leaders,
    )


def component_versions(context: GateContext, cell: GateCell) -> dict[str, str]:
    """Component to version in the candidate's arm, or as expected if the cell is excluded; empty without a lock."""
    match cell:
        case PairedCell():
            return versions_of(cell.candidate.versions(), context.components)
        case ExcludedCell():
            return expected_versions(context, cell)
        case UntriedCell():
            return component_versions(context, cell.paired) if cell.paired else {}


def expected_versions(context: GateContext, cell: GateCell) -> dict[str, str]:
    """Component to version as if nothing excluded the candidates: as in the control, with the candidates in place."""
    match cell:
        case PairedCell() | ExcludedCell():
            control = cell.control.versions()
        case UntriedCell():
            control = cell.paired.control.versions() if cell.paired else {}
    versions = versions_of(control, context.components)
    for candidate in context.candidates:
        component = context.components.of_distribution(candidate.name)
        if component is not None:
            versions[component.name] = candidate.version
    return versions
