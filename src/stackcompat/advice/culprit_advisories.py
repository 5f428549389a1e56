"""Advisories from searches for culprits: the releases without which a failure would not occur. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from stackcompat.advice.advisory import Advisory, AffectedSide
from stackcompat.advice.building import affected_side, because, seen_between
from stackcompat.blame.result import Culprit
from stackcompat.core.text import and_list
from stackcompat.table.culprits import CulpritRow
from stackcompat.table.failures import FailureGroup
from stackcompat.table.summary import Summary
from stackcompat.verdict.signature import failure_kind, incompatibility_id

__all__ = ["culprit_advisories"]


def culprit_advisories(summary: Summary, groups: Iterable[FailureGroup], known: Iterable[Advisory]) -> list[Advisory]:
    """One advisory for each failure whose culprits a search has found beyond doubt.

    Args:
        summary: The table.
        groups: The confirmed failures of the table.
        known: The advisories of other kinds. A failure gets no advisory of its own if one of these describes the same
            kind of failure and has all culprits among its distributions.
    """
    described = [(failure_kind(advisory.signature), set(advisory.distributions)) for advisory in known]
    new = []
    for group in groups:
        culprit = group.culprit
        if culprit is None or culprit.doubt or not culprit.culprits:
            continue
        kind, names = failure_kind(group.signature), culprit.versions.keys()
        if not any(kind == other and names <= distributions for other, distributions in described):
            new.append(_advisory(group, culprit, summary))
    return new


def _advisory(group: FailureGroup, culprit: CulpritRow, summary: Summary) -> Advisory:
    """The advisory of a failure. Its sides are the culprits, each with the range that the search found to fail."""
    versions = culprit.versions
    cells = _cells_with(group, versions, summary)
    together = tuple(dict.fromkeys([tuple(versions.values()), *cells.values()]))
    sides = tuple(
        _side(member, {releases[place] for releases in together}, summary)
        for place, member in enumerate(culprit.culprits)
    )
    beside = _used_beside(group, sides, summary)
    reason = because(group.message or group.type)
    return Advisory(
        id=incompatibility_id(group.signature, versions),
        summary=f"{_what_fails(sides, beside, summary)} {reason}",
        reason=reason,
        sides=sides,
        together=together,
        level=group.level,
        signature=group.signature,
        package=group.package,
        tests=group.tests,
        pythons=group.pythons,
        cells=tuple(dict.fromkeys((culprit.cell, *cells))),
        beside=tuple(beside),
        workaround=_passing_set(sides, versions, culprit.works_with),
        **seen_between(group, ()),
    )


def _what_fails(sides: Iterable[AffectedSide], beside: Sequence[str], summary: Summary) -> str:
    """What fails, and the culprits with which it fails."""
    titles = {row.distribution: row.title for row in reversed(summary.components)}
    culprits = [str(side) for side in sides]
    ours, others = [titles[name] for name in beside if name in titles], [name for name in beside if name not in titles]
    failing = ours or others or [culprits.pop()]
    their = f" (with {and_list(others)})" if ours and others else ""
    fails = f"{and_list(failing)}{their} {'fails' if len(failing) == 1 else 'fail'}"
    return f"{fails} with {and_list(culprits)}" if culprits else fails


def _cells_with(group: FailureGroup, versions: Mapping[str, str], summary: Summary) -> dict[str, tuple[str, ...]]:
    """The cells that have the failure and culprits of the same distributions: id to the versions of the culprits."""
    return {
        cell.id: tuple(cell.culprit.versions[name] for name in versions)
        for cell in summary.cells
        if cell.culprit is not None and group.id in cell.failures and cell.culprit.versions.keys() == versions.keys()
    }


def _side(culprit: Culprit, versions: Iterable[str], summary: Summary) -> AffectedSide:
    """One culprit as a side. It has a range only if some release of it passed."""
    name = next((row.name for row in summary.components if row.distribution == culprit.name), culprit.name)
    side = affected_side(name, summary, versions, versions)
    first_bad = culprit.first_bad or (culprit.version if culprit.last_good or culprit.fixed_in else "")
    if not first_bad:
        return side
    update = {
        "first_bad": first_bad,
        "fixed_in": culprit.fixed_in or "",
        "unresolved": (*culprit.unresolved, *culprit.skipped),
    }
    return side.model_copy(update=update)


def _used_beside(group: FailureGroup, sides: Iterable[AffectedSide], summary: Summary) -> list[str]:
    """The distributions besides the culprits that the failure points at or came out of."""
    used = {row.distribution for row in summary.components if row.name in group.suspects}
    if group.package:
        used.add(group.package)
    return sorted(used - {side.distribution for side in sides})


def _passing_set(sides: Iterable[AffectedSide], versions: Mapping[str, str], works_with: Mapping[str, str]) -> str:
    """Which releases of the culprits the search saw the failing tests pass with. It says nothing of other tests.

    Args:
        sides: The culprits.
        versions: Their versions in the red cell.
        works_with: The versions of the nearest set that passes.
    """
    moves = []
    for side in sides:
        working = works_with.get(side.distribution, "")
        if working and working != versions[side.distribution]:
            moves.append(f"{side.title} {working}")
    return f"use {and_list(moves)}, with which the tests that fail here passed" if moves else ""
