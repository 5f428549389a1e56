"""What differs between the two arms of a cell: the candidates, and what moves with them."""

from __future__ import annotations

from collections.abc import Sequence

from stackcompat.core.record import Record
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.policy import GatePolicy

__all__ = ["Moving", "find_moving"]


class Moving(Record):
    """What differs between the arms: the candidates, and what moves with them.

    Attributes:
        control: Distribution to version in the control; an empty version leaves the choice to the resolver.
        candidate: The same for the candidate's arm.
        asked: The distributions that both arms ask for.
    """

    control: dict[str, str]
    candidate: dict[str, str]
    asked: tuple[str, ...]


def find_moving(
    candidates: Sequence[Candidate], policy: GatePolicy, components: Components, catalog: Catalog
) -> Moving:
    """What differs between the arms when `candidates` are judged as one set.

    What moves with a candidate has the same version, where there is such a release; a candidate of an extra index
    brings along what moves with it there.

    Args:
        candidates: The releases to judge.
        policy: Says which components both arms ask for.
        components: Says what moves with what.
        catalog: The index.
    """
    control = {candidate.name: candidate.replaces for candidate in candidates}
    newer = {candidate.name: candidate.version for candidate in candidates}
    followers = {name: version for candidate in candidates for name, version in candidate.followers.items()}
    asked = list(control)
    for row in components.components:
        name = row.distribution
        leader = components[row.moves_with].distribution if row.moves_with else ""
        if leader not in control or not name or name in control:
            continue
        project = catalog.project(name)
        for arm in (control, newer):
            release = project.find(arm[leader])
            arm[name] = release.version if release else ""
        if not newer[name]:
            newer[name] = followers.get(name, "")
        if row.name in policy.components:
            asked.append(name)
    return Moving(control=control, candidate=newer, asked=tuple(asked))
