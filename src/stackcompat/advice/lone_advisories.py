"""Advisories of releases that fail alone: with every partner, or because they do not declare what they need. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.building import (
    FrontierResult,
    affected_side,
    because,
    distinct,
    failing_package,
    failure_message,
    seen_between,
)
from stackcompat.advice.undeclared import lone_component, undeclared
from stackcompat.core.vocabulary import LEVELS
from stackcompat.table.failures import FailureGroup
from stackcompat.table.summary import Summary
from stackcompat.verdict.signature import incompatibility_id

__all__ = ["lone_advisories"]


@dataclass
class _LoneFailure:
    """One failure of one component: in cells (None: in no cell) and along frontiers."""

    component: str
    signature: str
    group: FailureGroup | None = None
    results: list[FrontierResult] = field(default_factory=list)

    def versions(self) -> set[str]:
        """The releases of the component that failed."""
        along = {result.pair.versions[self.component] for result in self.results}
        return along | set(self.group.versions[self.component] if self.group else ())


def lone_advisories(summary: Summary, groups: Iterable[FailureGroup]) -> Iterator[Advisory]:
    """One advisory for each failure that releases of one component have alone.

    A release that works with some release of another component does not fail alone. The exception is a failure that
    says what the release needs and does not declare.

    Args:
        summary: The table.
        groups: The confirmed failures of the table.
    """
    working = _working_releases(summary)
    for failure in _lone_failures(summary, groups):
        missing = undeclared(failure.signature, summary.components)
        green = {version for component, version in working if component == failure.component}
        versions = failure.versions() if missing else failure.versions() - green
        if versions:
            yield _advisory(failure, versions, green, missing.needs if missing else "", summary)


def _working_releases(summary: Summary) -> set[tuple[str, str]]:
    """Every release (component, version) that works with some release of another component."""
    working = set()
    for row in summary.pairs:
        for release in row.releases:
            if release.verdict == "works":
                working |= {(row.first, release.first_version), (row.second, release.second_version)}
    for frontier in summary.frontiers:
        for pair in frontier.observed():
            if pair.verdict == "works":
                working |= set(pair.versions.items())
    return working


def _lone_failures(summary: Summary, groups: Iterable[FailureGroup]) -> list[_LoneFailure]:
    """The failures of one component alone: first those that cells show, then those that only frontiers show."""
    failures: dict[tuple[str, str], _LoneFailure] = {}
    names = {row.distribution: row.name for row in reversed(summary.components)}
    for group in groups:
        missing = undeclared(group.signature, summary.components)
        name = names.get(missing.asks, "") if missing is not None else ""
        if group.versions.get(name):
            failures[name, group.signature] = _LoneFailure(name, group.signature, group)
    for row in summary.frontiers:
        for pair in row.observed():
            if pair.verdict == "works" or pair.reason is None:
                continue
            reason = row.reasons[pair.reason]
            if name := lone_component(reason, row, summary.components):
                failure = failures.setdefault((name, reason.signature), _LoneFailure(name, reason.signature))
                failure.results.append(FrontierResult(row, pair, reason))
    return list(failures.values())


def _advisory(failure: _LoneFailure, versions: set[str], green: set[str], missing: str, summary: Summary) -> Advisory:
    """The advisory of a failure.

    Args:
        failure: The failure.
        versions: The affected releases.
        green: Releases that work with some release of another component.
        missing: The distribution that the releases need and do not declare; empty: none.
        summary: The table.
    """
    group, signature = failure.group, failure.signature
    reasons = [result.reason for result in failure.results if result.reason is not None]
    tests = [reason.sentence.removesuffix(f": {signature}") for reason in reasons]
    levels = [*([group.level] if group else []), *(reason.level for reason in reasons)]
    known = green | versions | _tried_along_frontiers(failure.component, summary)
    side = affected_side(failure.component, summary, versions, known)
    level = min(levels, key=LEVELS.index)
    fails = f"fails without {missing}, which it does not declare," if missing else "fails with every tested partner"
    reason = because(failure_message(signature))
    return Advisory(
        id=incompatibility_id(signature, (side.distribution,)),
        summary=f"{side} {fails} {reason}",
        reason=reason,
        sides=(side,),
        together=tuple((version,) for version in side.versions),
        level=level,
        signature=signature,
        package=failing_package(signature),
        tests=distinct(group.tests if group else (), tests),
        pythons=distinct(group.pythons if group else (), (result.row.python for result in failure.results)),
        cells=group.cells if group else (),
        evidence=tuple(sorted({result.pair.evidence for result in failure.results})),
        without=missing,
        **seen_between(group, [result.row for result in failure.results]),
    )


def _tried_along_frontiers(component: str, summary: Summary) -> set[str]:
    """The versions of a component that some run of a frontier tried."""
    rows = [row for row in summary.frontiers if component in (row.first, row.second)]
    return {pair.versions[component] for row in rows for pair in row.observed()}
