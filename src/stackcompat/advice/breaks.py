"""The breaks that an environment has: surely, by an advisory or a red cell; or likely, by inference. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Literal

from packaging.requirements import Requirement

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.checked import LikelyBreak, RedCell
from stackcompat.advice.component_set import ComponentSet, release_words
from stackcompat.advice.listing import is_version
from stackcompat.advice.set_knowledge import PairFact, SetKnowledge, parsed
from stackcompat.core.requirements import name_of, version_key
from stackcompat.table.cells import CellRow

__all__ = ["Locks", "hits_of", "likely_breaks", "no_locks", "red_cells"]

#: The published lock of a cell, distribution to version; empty where none is published.
Locks = Callable[[CellRow], Mapping[str, str]]


def no_locks(_: CellRow) -> Mapping[str, str]:
    """No lock is published."""
    return {}


#: How much of a red cell an environment holds: its `exact` lock, all its `components`, or only `likely` its failure.
_Holding = Literal["exact", "components", "likely", "nothing"]


def hits_of(of_set: ComponentSet, knowledge: SetKnowledge, advisories: Iterable[Advisory]) -> tuple[Advisory, ...]:
    """The advisories whose failure was observed at exactly the versions of an environment.

    Args:
        of_set: The environment.
        knowledge: The table. A working cell with the same components refutes an advisory.
        advisories: The advisories of the table.
    """
    hits = (advisory for advisory in advisories if advisory.hits(of_set.installed))
    return tuple(advisory for advisory in hits if not _refuted(advisory, of_set, knowledge))


def _refuted(advisory: Advisory, of_set: ComponentSet, knowledge: SetKnowledge) -> bool:
    """Whether a working cell of this Python refutes an advisory.

    If the failure was observed on this Python, the cell needs all components of the environment at these versions. If
    it was observed only on other Pythons, the components of the advisory are enough. A cell tells nothing about an
    advisory that needs a distribution to be absent, or that is about a distribution that is no component.
    """
    components = {side.component for side in advisory.sides}
    if advisory.without or not components <= of_set.versions.keys():
        return False
    if knowledge.python in advisory.pythons:
        return knowledge.cell_with(of_set.versions) is not None
    return knowledge.cell_with({name: of_set.versions[name] for name in components}) is not None


def red_cells(of_set: ComponentSet, knowledge: SetKnowledge, locks: Locks) -> tuple[RedCell, ...]:
    """The red cells whose versions an environment holds. Of cells with the same versions and failure, only the first.

    Args:
        of_set: The environment.
        knowledge: The table.
        locks: The published locks of red cells.
    """
    found: dict[tuple[tuple[str, str], ...], RedCell] = {}
    for cell in knowledge.red:
        held = _held(cell, of_set, knowledge, locks(cell))
        if held in ("exact", "components"):
            versions = {name: component.version for name, component in cell.components.items()}
            row = RedCell(cell=cell.id, versions=versions, sentence=cell.sentence, exact=held == "exact")
            found.setdefault((*sorted(versions.items()), ("", cell.sentence)), row)
    return tuple(found.values())


def _held(cell: CellRow, of_set: ComponentSet, knowledge: SetKnowledge, lock: Mapping[str, str]) -> _Holding:
    """How much of a red cell an environment holds.

    The environment has to have all components of the cell, and every distribution that the cell asks for by name. The
    rest of the lock decides in two cases: if a working cell has the same components, or if the environment does not
    name a culprit.

    Args:
        cell: The red cell.
        of_set: The environment.
        knowledge: The table.
        lock: The lock of the cell; empty: it is not published.
    """
    versions = knowledge.versions_in(cell)
    if not versions.items() <= of_set.versions.items() or not all(_has(text, of_set) for text in cell.requirements):
        return "nothing"
    if lock and all(_equal(of_set.installed.get(name), version) for name, version in lock.items()):
        return "exact"
    culprits = cell.culprit.versions if cell.culprit is not None else {}
    if _differs(of_set, culprits):
        return "nothing"
    if culprits.keys() <= of_set.installed.keys() and knowledge.cell_with(versions) is None:
        return "components"
    return "nothing" if _differs(of_set, lock) else "likely"


def _differs(of_set: ComponentSet, versions: Mapping[str, str]) -> bool:
    """Whether an environment has one of these distributions in another version."""
    named = {name: version for name, version in versions.items() if name in of_set.installed}
    return not all(_equal(of_set.installed[name], version) for name, version in named.items())


def _has(requirement: str, of_set: ComponentSet) -> bool:
    """Whether an environment satisfies a requirement of a cell."""
    version = of_set.installed.get(name_of(requirement))
    return version is not None and Requirement(requirement).specifier.contains(version, prereleases=True)


def _equal(version: str | None, other: str) -> bool:
    """Whether two versions are equal. A culprit can have bounds in place of a version: these count as equal."""
    if version is None:
        return False
    return not is_version(other) or version_key(version) == version_key(other)


def likely_breaks(
    of_set: ComponentSet,
    knowledge: SetKnowledge,
    advisories: Sequence[Advisory],
    hits: Sequence[Advisory],
    locks: Locks,
) -> Iterator[LikelyBreak]:
    """The breaks that nobody observed at exactly these versions, and that follow from an advisory, a pair or a cell.

    Args:
        of_set: The environment.
        knowledge: The table.
        advisories: The advisories of the table.
        hits: Those that hit the environment. Their versions are not repeated.
        locks: The published locks of red cells.
    """
    titles = knowledge.summary.titles()
    whole = knowledge.cell_with(of_set.versions) is not None
    reported = {frozenset(_side_versions(advisory, of_set.installed).items()) for advisory in hits}
    for cell in knowledge.red:
        if _held(cell, of_set, knowledge, locks(cell)) == "likely":
            versions = {name: component.version for name, component in cell.components.items()}
            sentence = _sentence(versions, titles, f"{cell.sentence} (cell {cell.id})")
            yield LikelyBreak(versions=versions, sentence=sentence, advisory="")
    for advisory in advisories:
        if whole or not advisory.likely_hits(of_set.installed):
            continue
        versions = _side_versions(advisory, of_set.installed)
        key = frozenset(versions.items())
        if key not in reported and not _works_together(versions, knowledge):
            reported.add(key)
            sentence = _sentence(versions, titles, advisory.signature)
            yield LikelyBreak(versions=versions, sentence=sentence, advisory=advisory.id)
    for versions, fact in _facts(of_set, knowledge):
        key = frozenset(versions.items())
        if fact.broken and key not in reported and not (whole and versions.keys() <= of_set.versions.keys()):
            reported.add(key)
            where = f" on Python {fact.python}" if fact.state == "elsewhere" else ""
            yield LikelyBreak(
                versions=versions, sentence=_sentence(versions, titles, fact.failure) + where, advisory=""
            )


def _facts(of_set: ComponentSet, knowledge: SetKnowledge) -> Iterator[tuple[dict[str, str], PairFact]]:
    """The facts about every two components. Distributions that are a side of a frontier count as components here."""
    names = {row.name for row in knowledge.summary.components}
    sides = {side for row in knowledge.summary.frontiers for side in (row.first, row.second)} - names
    versions = of_set.components | {name: of_set.installed[name] for name in sorted(sides) if name in of_set.installed}
    for first, second in combinations(versions, 2):
        fact = knowledge.fact(first, version_key(versions[first]), second, version_key(versions[second]))
        yield {first: versions[first], second: versions[second]}, fact


def _works_together(versions: Mapping[str, str], knowledge: SetKnowledge) -> bool:
    """Whether these releases were seen to work together on this Python: as a pair, or else in one cell."""
    if len(versions) != 2:
        return knowledge.cell_with(parsed(versions)) is not None
    (first, first_version), (second, second_version) = parsed(versions).items()
    fact = knowledge.fact(first, first_version, second, second_version)
    return fact.state in ("seen", "met") and not fact.broken


def _side_versions(advisory: Advisory, installed: Mapping[str, str]) -> dict[str, str]:
    """The versions of an advisory's sides in an environment, by component."""
    return {side.component: installed[side.distribution] for side in advisory.sides}


def _sentence(versions: Mapping[str, str], titles: Mapping[str, str], failure: str) -> str:
    releases = release_words(versions, titles)
    return f"{releases}: {failure}" if failure else releases
