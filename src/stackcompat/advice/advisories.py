"""Every advisory that a table has evidence for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from packaging.version import Version

from stackcompat.advice.advisory import Advisory, IssueLink, failing_place
from stackcompat.advice.building import newest_set
from stackcompat.advice.culprit_advisories import culprit_advisories
from stackcompat.advice.lone_advisories import lone_advisories
from stackcompat.advice.pair_advisories import pair_advisories
from stackcompat.core.requirements import version_key
from stackcompat.table.cells import CellRow
from stackcompat.table.failures import FailureGroup
from stackcompat.table.summary import Summary
from stackcompat.table.workaround import smallest_steps, steps_sentence

__all__ = ["advisories", "advisory_for"]


def advisories(summary: Summary, links: Iterable[IssueLink] = ()) -> tuple[Advisory, ...]:
    """Every confirmed incompatibility, those of the newest releases first.

    Args:
        summary: The table.
        links: Addresses of issues that people have written down for advisories.
    """
    groups = _broken(summary)
    found = [*pair_advisories(summary, groups), *lone_advisories(summary, groups.values())]
    found += culprit_advisories(summary, groups.values(), found)
    unlinked = [
        _with_workaround(advisory, _newest_affected_set(advisory, summary), found, summary) for advisory in found
    ]
    addresses: dict[str, list[str]] = {}
    for link in links:
        addresses.setdefault(link.id, []).append(link.url)
    linked = [advisory.model_copy(update={"links": tuple(addresses.get(advisory.id, ()))}) for advisory in unlinked]
    return tuple(sorted(linked, key=_newest_affected, reverse=True))


def _broken(summary: Summary) -> Mapping[str, FailureGroup]:
    """The confirmed failures of the table, by their ids. Those of tests that releases ship are left out."""
    return {group.id: group for group in summary.failures if group.verdict == "broken" and group.level != "upstream"}


def advisory_for(
    advisory: Advisory,
    installed: Mapping[str, str],
    advisories: Iterable[Advisory],
    summary: Summary,
    python: str = "",
) -> Advisory:
    """An advisory about an environment that it hits: it names the installed releases, and the smallest steps from them.

    Args:
        advisory: The advisory.
        installed: What the environment has: distribution to version.
        advisories: All advisories. No step leads to a set that one of them hits.
        summary: The table.
        python: The Python of the environment: only what works on it is offered. Empty: it can have any.
    """
    named = advisory.model_copy(update={"summary": advisory.summary_of(installed)})
    if python and named.steps:  # in words, these are the workaround; they start at other releases, on any Python
        named = named.model_copy(update={"steps": (), "workaround": ""})
    sides = {side.component: installed[side.distribution] for side in advisory.sides}
    beside = {row.name: installed[row.distribution] for row in summary.components if row.distribution in named.beside}
    return _with_workaround(named, beside | sides, advisories, summary, python)


def _with_workaround(
    advisory: Advisory,
    releases: Mapping[str, str],
    others: Iterable[Advisory],
    summary: Summary,
    python: str = "",
) -> Advisory:
    """The advisory with the smallest steps that were seen to work for some affected releases (component to version).

    Without such a step, it keeps the set with which a search saw the failing tests pass, if it knows one.
    """
    if advisory.without and _works_with_the_absent(advisory, summary):
        return advisory.model_copy(update={"workaround": f"install {advisory.without} too"})
    distributions = {row.name: row.distribution for row in summary.components}

    def is_broken(candidate: Mapping[str, str]) -> bool:
        installed = {distributions[name]: version for name, version in candidate.items()}
        return any(other.hits(installed) for other in others if not other.without)

    steps = smallest_steps(releases, summary, is_broken, python)
    sentence = steps_sentence(steps, summary.titles())
    return advisory.model_copy(update={"steps": steps, "workaround": sentence or advisory.workaround})


def _newest_affected_set(advisory: Advisory, summary: Summary) -> dict[str, str]:
    """The newest affected releases of an advisory, by component, with those of the components that have to be there."""
    newest = newest_set(advisory.together, failing_place(advisory.sides, advisory.package))
    releases = {side.component: version for side, version in zip(advisory.sides, newest, strict=True)}
    beside = [row.name for row in summary.components if row.distribution in advisory.beside]
    for cell in summary.cells:
        if cell.id in advisory.cells and all(_version_in(cell, name) == releases[name] for name in releases):
            return {name: cell.components[name].version for name in beside if name in cell.components} | releases
    return releases


def _version_in(cell: CellRow, name: str) -> str:
    return cell.components[name].version if name in cell.components else ""


def _works_with_the_absent(advisory: Advisory, summary: Summary) -> bool:
    """Whether the newest affected release was seen to work in a set that has what it does not declare."""
    side = advisory.sides[0]
    absent = next((row.name for row in summary.components if row.distribution == advisory.without), "")
    held = (side.component, side.versions[-1])
    pairs = (
        {row.first: release.first_version, row.second: release.second_version}
        for row in summary.pairs
        for release in row.releases
        if release.verdict == "works" and not release.inferred
    )
    cells = (
        {name: component.version for name, component in cell.components.items()}
        for cell in summary.cells
        if cell.verdict == "works"
    )
    along_frontiers = (pair.versions for row in summary.frontiers for pair in row.observed() if pair.verdict == "works")
    return any(held in releases.items() and absent in releases for releases in (*pairs, *cells, *along_frontiers))


def _newest_affected(advisory: Advisory) -> tuple[Version, str]:
    return version_key(advisory.sides[0].versions[-1]), advisory.id
