"""Finds whose bound keeps the candidates out of a cell in which the releases that they replace can be installed.

The resolver says only that there is no solution, so the bound is looked up in what the releases declare. Its owner
matters: a bound of the candidate is a finding against it, a bound of another component is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.requirements import Requirement

from stackcompat.core.requirements import name_of
from stackcompat.core.text import article
from stackcompat.ecosystem.declared import requirements
from stackcompat.gate.candidate import Candidate, names_in_words, releases_in_words, replaced_in_words
from stackcompat.gate.cells import Exclusion
from stackcompat.gate.question import PairedQuestion
from stackcompat.gate.state import GateState
from stackcompat.resolve.conflict import Conflict

__all__ = ["WRONG_PYTHON", "KeptApart", "component_of", "explain_conflict"]

#: The kinds of conflicts that are about a Python and not about versions.
WRONG_PYTHON = ("python", "no-wheel-for-python")


@dataclass(frozen=True)
class KeptApart:
    """Why the candidate's arm of a cell has no lock.

    Attributes:
        own: Exclusions by the candidates, or on a Python.
        waiting: Exclusions by other components, keyed by the distribution that cannot be installed with the candidates.
            The cell can be locked again without these distributions. Empty if there are `own` exclusions.
    """

    own: tuple[Exclusion, ...] = ()
    waiting: Mapping[str, Exclusion] = field(default_factory=dict)


def explain_conflict(
    state: GateState, question: PairedQuestion, versions: Mapping[str, str], conflict: Conflict
) -> KeptApart:
    """Find the bounds that keep the candidates out of a cell whose control has a lock.

    Args:
        state: The execution of the gate.
        question: The question.
        versions: Distribution to version in the control.
        conflict: What the resolver says of the candidate's arm.
    """
    if conflict.kind in WRONG_PYTHON:
        return KeptApart(own=(_without_python(state, question.python, conflict),))
    own = tuple(_own_bounds(state, question.python, versions, conflict))
    if own:
        return KeptApart(own=own)
    waiting = _bounds_of_others(state, question, versions)
    if waiting:
        return KeptApart(waiting=waiting)
    return KeptApart(own=(_unexplained(state, conflict),))


def component_of(state: GateState, distribution: str) -> str:
    """The component that a distribution belongs to; empty if there is none."""
    row = state.runner.components.of_distribution(distribution)
    return row.name if row else ""


def _unexplained(state: GateState, conflict: Conflict) -> Exclusion:
    """The exclusion for a conflict that no declared bound explains: a dependency of the candidates causes it."""
    releases, replaced = releases_in_words(state.candidates), replaced_in_words(state.candidates)
    return Exclusion(
        by="candidate",
        component="",
        bound=conflict.sentence,
        sentence=f"{releases} cannot be installed, although {replaced} can, because {conflict.sentence}",
        remedy=f"widen the bounds of {names_in_words(state.candidates)}, or release the others first",
        chain=conflict.chain,
    )


def _without_python(state: GateState, python: str, conflict: Conflict) -> Exclusion:
    """The exclusion for a Python on which only the control can be installed.

    If a candidate drops the Python, that is a choice, and a human looks at it. If a wheel is missing, or if a
    dependency does not support a Python that the candidate declares, that is a mistake, and a finding against the
    candidate.
    """
    names = names_in_words(state.candidates)
    refusing = name_of(conflict.sentence) if conflict.kind == "python" else ""
    dropped = refusing in state.moving.candidate
    if dropped:
        remedy = f"make sure that nobody needs {names} on Python {python} any more, or keep supporting it"
    elif conflict.kind == "python":
        remedy = f"let {names} depend on releases that support Python {python}, or exclude it in requires-python"
    else:
        remedy = f"upload that wheel first, or exclude Python {python} in requires-python"
    releases, replaced = releases_in_words(state.candidates), replaced_in_words(state.candidates)
    sentence = f"{releases} cannot be installed on Python {python}, although {replaced} can"
    return Exclusion(
        by="python" if dropped else "candidate",
        component="",
        bound=conflict.sentence,
        sentence=f"{sentence}, because {conflict.sentence}",
        remedy=remedy,
        chain=conflict.chain,
    )


def _own_bounds(state: GateState, python: str, versions: Mapping[str, str], conflict: Conflict) -> Iterator[Exclusion]:
    """An exclusion for each bound of a candidate that the rest of the cell does not meet."""
    for candidate in state.candidates:
        for need in candidate.needs(python):
            moves = need.name in state.moving.candidate
            version = state.moving.candidate[need.name] if moves else versions.get(need.name, "")
            if version and not need.specifier.contains(version, prereleases=True):
                yield _own_bound(state, candidate, need, version, conflict)


def _own_bound(
    state: GateState, candidate: Candidate, need: Requirement, version: str, conflict: Conflict
) -> Exclusion:
    release = f"{candidate.name} {candidate.version}"
    bound = f"{candidate.name} needs {need.name}{need.specifier}"
    remedy = f"widen the bound of {candidate.name}"
    if not _is_released(state, need):
        remedy = f"release such a {need.name} first, or {remedy}"
    return Exclusion(
        by="candidate",
        component=component_of(state, need.name),
        version=version,
        bound=bound,
        sentence=f"{release} cannot be installed with {need.name} {version} because {bound}",
        remedy=remedy,
        chain=conflict.chain or (conflict.sentence,),
    )


def _is_released(state: GateState, need: Requirement) -> bool:
    """Whether the index has a release that `need` accepts."""
    releases = state.runner.catalog.project(need.name).fit(before=state.options.as_of, prereleases=True)
    return any(need.specifier.contains(release.version, prereleases=True) for release in releases)


def _bounds_of_others(state: GateState, question: PairedQuestion, versions: Mapping[str, str]) -> dict[str, Exclusion]:
    """The exclusions by bounds of other distributions and their dependencies, keyed by the distribution kept out.

    The releases that are replaced meet all of these bounds, since the control has a lock. If several bounds keep a
    distribution out, only one is named: its own bound, if it has one.
    """
    needs = {
        name: requirements(state.runner.catalog, name, version, question.python) for name, version in versions.items()
    }
    exclusions: dict[str, Exclusion] = {}
    for other in question.names():
        holders = _brought_in(other, needs) - state.moving.candidate.keys()
        for holder in sorted(holders, key=lambda holder: (holder != other, holder)):
            for need in needs[holder]:
                wanted = state.moving.candidate.get(need.name, "")
                if other not in exclusions and wanted and not need.specifier.contains(wanted, prereleases=True):
                    exclusions[other] = _bound_of_other(state, other, holder, versions, need, wanted)
    return exclusions


def _bound_of_other(
    state: GateState, other: str, holder: str, versions: Mapping[str, str], need: Requirement, wanted: str
) -> Exclusion:
    """The exclusion of `other` by a bound of `holder`, which is `other` itself or one of its dependencies.

    Args:
        state: The execution of the gate.
        other: The distribution that cannot be installed with the candidates.
        holder: The distribution that declares the bound.
        versions: Distribution to version in the control.
        need: The bound.
        wanted: The version in the candidate's arm of the distribution that the bound restricts.
    """
    releases = releases_in_words(state.candidates)
    release = f"{need.name} {wanted}"
    bound = f"{holder} {versions[holder]} depends on {need.name}{need.specifier}"
    blamed = holder if component_of(state, holder) else other
    return Exclusion(
        by="other",
        component=component_of(state, blamed),
        version=versions[blamed],
        bound=bound,
        sentence=f"{releases} cannot be installed with {other} yet because {bound}",
        remedy=f"release {article(holder)} that accepts {release}, before {release} or right after it",
        chain=(bound, f"{need.name}=={wanted} is requested"),
    )


def _brought_in(root: str, needs: Mapping[str, Sequence[Requirement]]) -> set[str]:
    """`root` and its dependencies, as far as they are in `needs`: all else is not installed."""
    brought_in: set[str] = set()
    due = [root]
    while due:
        name = due.pop()
        if name in needs and name not in brought_in:
            brought_in.add(name)
            due += [need.name for need in needs[name]]
    return brought_in
