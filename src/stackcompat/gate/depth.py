"""How deep the candidates themselves were tried: no sentence of the gate claims more. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.gate.cells import PairedCell
from stackcompat.gate.context import GateContext
from stackcompat.gate.model import GateRequirement
from stackcompat.verdict.depth import Depth
from stackcompat.verdict.verdict import judge

__all__ = ["candidate_depths", "depths_of_arm", "shallowest_candidate"]


def depths_of_arm(context: GateContext, cell: PairedCell) -> dict[str, Depth]:
    """How deep each component, and each other requirement, was tried in the candidate's arm of a cell."""
    return judge(cell.candidate.planned, cell.candidate.evidence, context.components).components


def candidate_depths(context: GateContext, depths: Mapping[str, Depth]) -> dict[str, Depth]:
    """The depths of the candidates among `depths`, by the distribution of the candidate."""
    found = {}
    for candidate in context.candidates:
        component = context.components.of_distribution(candidate.name)
        name = component.name if component is not None else candidate.name
        if name in depths:
            found[candidate.name] = depths[name]
    return found


def shallowest_candidate(context: GateContext, requirements: Iterable[GateRequirement]) -> Level | None:
    """The level to which every candidate was tried in each of `requirements`; None if no candidate was tried."""
    levels = [
        depth.level
        for requirement in requirements
        for depth in candidate_depths(context, requirement.components).values()
    ]
    return min(levels, key=LEVELS.index, default=None)
