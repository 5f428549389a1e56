"""What differs between the two arms of a cell: the candidates, and the distributions that move with them."""

from __future__ import annotations

from collections.abc import Sequence

from stackcompat.core.record import Record
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.policy import GatePolicy

__all__ = ["Moving", "find_moving"]


class Moving(Record):
    """What differs between the arms: the candidates, and the distributions that move with them.

    Attributes:
        control: Distribution to version in the control; an empty version leaves the choice to the resolver.
        candidate: Distribution to version in the candidate's arm, likewise.
        asked: The distributions that both arms ask for.
    """

    control: dict[str, str]
    candidate: dict[str, str]
    asked: tuple[str, ...]

    @property
    def distributions(self) -> frozenset[str]:
        """The names of all that differs."""
        return frozenset((*self.control, *self.candidate))


def find_moving(
    candidates: Sequence[Candidate], policy: GatePolicy, components: Components, catalog: Catalog
) -> Moving:
    """What differs between the arms when `candidates` are judged as one set.

    A distribution that moves with a candidate has the candidate's version, if the index has that release. If it does
    not, the version comes from the candidate's extra index, if there is one.

    Args:
        candidates: The releases to judge.
        policy: Says which components both arms ask for.
        components: Says which components move together.
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
