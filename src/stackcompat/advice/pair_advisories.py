"""Advisories of two components: which releases of the one fail with which releases of the other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stackcompat.advice.advisory import Advisory, AffectedSide
from stackcompat.advice.building import (
    FrontierResult,
    affected_side,
    distinct,
    failing_package,
    failure_message,
    own_tests,
    seen_between,
)
from stackcompat.advice.undeclared import lone_component
from stackcompat.core.requirements import version_key
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.table.failures import FailureGroup
from stackcompat.table.frontiers import FrontierReason
from stackcompat.table.pairs import PairRelease
from stackcompat.table.summary import Summary
from stackcompat.verdict.signature import failure_kind, incompatibility_id

__all__ = ["pair_advisories"]

#: A version of each of two components.
_Versions = tuple[str, str]


@dataclass(frozen=True)
class _PairEvidence:
    """What is known of two components: from cells, and from frontiers without what one of the two fails in alone."""

    names: tuple[str, str]
    releases: Mapping[_Versions, PairRelease]
    results: Sequence[FrontierResult]

    def versions(self, result: FrontierResult) -> _Versions:
        """The versions of a frontier's pair, in the order of `names`."""
        first, second = self.names
        return result.pair.versions[first], result.pair.versions[second]

    def observed(self) -> list[FrontierResult]:
        """The pairs of frontiers that were tried."""
        return [result for result in self.results if not result.pair.inferred]

    def tried(self) -> set[_Versions]:
        """The versions that were tried together, in cells and along frontiers."""
        return set(self.releases) | {self.versions(result) for result in self.observed()}


@dataclass
class _Failure:
    """All that shows one kind of failure: releases in cells, and runs along frontiers."""

    kind: str
    releases: list[PairRelease] = field(default_factory=list)
    results: list[FrontierResult] = field(default_factory=list)

    def reasons(self) -> list[FrontierReason]:
        """What the runs along frontiers say."""
        return [result.reason for result in self.results if result.reason is not None]


def pair_advisories(summary: Summary, groups: Mapping[str, FailureGroup]) -> Iterator[Advisory]:
    """One advisory for each kind of failure that two components have together.

    Args:
        summary: The table.
        groups: The confirmed failures of the table, by their ids.
    """
    releases = {(row.first, row.second): row.releases for row in summary.pairs}
    pairs = {frozenset(names): names for names in releases}
    for row in summary.frontiers:  # a frontier can have its sides the other way round, or a pair that met in no cell
        pairs.setdefault(frozenset((row.first, row.second)), (row.first, row.second))
    for names in pairs.values():
        known = _PairEvidence(
            names=names,
            releases={(release.first_version, release.second_version): release for release in releases.get(names, ())},
            results=_frontier_results(names, summary),
        )
        for failure in _failures(known, groups):
            yield _advisory(failure, known, groups, summary)


def _frontier_results(names: tuple[str, str], summary: Summary) -> list[FrontierResult]:
    """The pairs of all frontiers of two components, without what one of the two fails in alone."""
    results = []
    for row in summary.frontiers:
        if {row.first, row.second} != set(names):
            continue
        for pair in row.judged():
            reason = row.reasons[pair.reason] if pair.reason is not None else None
            if reason is None or not lone_component(reason, row, summary.components):
                results.append(FrontierResult(row, pair, reason))
    return results


def _failures(known: _PairEvidence, groups: Mapping[str, FailureGroup]) -> list[_Failure]:
    """The confirmed failures of two components, those that cells show first.

    A failure along a frontier that can be another component's counts only where cells show the same kind to be of these
    two. What is inferred in cells is left out: a third component can be at fault.
    """
    failures: dict[str, _Failure] = {}
    for release in known.releases.values():
        if release.verdict == "broken" and release.failure in groups and not release.inferred:
            kind = failure_kind(groups[release.failure].signature)
            failures.setdefault(kind, _Failure(kind)).releases.append(release)
    for result in known.observed():
        reason = result.reason
        if result.pair.verdict != "broken" or reason is None or not reason.signature:
            continue
        kind = failure_kind(reason.signature)
        in_cells = kind in failures and bool(failures[kind].releases)
        if (in_cells or not reason.doubt) and not _works_in_a_cell(result, known):
            failures.setdefault(kind, _Failure(kind)).results.append(result)
    return list(failures.values())


def _works_in_a_cell(result: FrontierResult, known: _PairEvidence) -> bool:
    """Whether a cell shows that the two releases of a frontier's pair work with other partners."""
    release = known.releases.get(known.versions(result))
    return release is not None and release.pythons.get(result.row.python, release.verdict) == "works"


def _advisory(
    failure: _Failure, known: _PairEvidence, groups: Mapping[str, FailureGroup], summary: Summary
) -> Advisory:
    group = groups[failure.releases[0].failure] if failure.releases else None
    reasons, rows = failure.reasons(), [result.row for result in failure.results]
    signature = group.signature if group else reasons[-1].signature
    levels = [group.level] if group else [reason.level for reason in reasons]
    level = min(levels, key=LEVELS.index)
    tests = [reason.sentence.removesuffix(f": {reason.signature}") for reason in reasons]
    pairs = _affected_pairs(failure, known)
    tried = known.tried()
    first, second = (
        affected_side(name, summary, {pair[axis] for pair in pairs}, {pair[axis] for pair in tried})
        for axis, name in enumerate(known.names)
    )
    return Advisory(
        id=incompatibility_id(signature, (first.distribution, second.distribution)),
        summary=f"{first} and {second} fail together{own_tests(level)}: {_message(failure, signature, groups)}",
        sides=(first, second),
        together=pairs,
        level=level,
        signature=signature,
        package=group.package if group else failing_package(signature),
        tests=distinct(group.tests if group else (), tests),
        pythons=distinct(group.pythons if group else (), (row.python for row in rows)),
        cells=tuple(sorted({release.cell for release in failure.releases})),
        evidence=tuple(sorted({result.pair.evidence for result in failure.results})),
        inferred=_inferred_pairs(failure.kind, known),
        workaround=_workaround(_working_pairs(known) - set(pairs), first, second, pairs),
        **seen_between(group, rows),
    )


def _affected_pairs(failure: _Failure, known: _PairEvidence) -> tuple[_Versions, ...]:
    in_cells = [(release.first_version, release.second_version) for release in failure.releases]
    along_frontiers = [known.versions(result) for result in failure.results]
    return tuple(dict.fromkeys([*in_cells, *along_frontiers]))


def _inferred_pairs(kind: str, known: _PairEvidence) -> tuple[_Versions, ...]:
    """The pairs that nobody tried and that frontiers infer to be broken by a failure of this kind."""
    tried = known.tried()
    pairs = []
    for result in known.results:
        versions, reason = known.versions(result), result.reason
        if result.pair.verdict != "broken" or versions in tried or reason is None:
            continue
        if failure_kind(reason.signature) == kind:
            pairs.append(versions)
    return tuple(dict.fromkeys(pairs))


def _message(failure: _Failure, signature: str, groups: Mapping[str, FailureGroup]) -> str:
    """What the failure says; with dots for its numbers where they differ from run to run."""
    signatures = {groups[release.failure].signature for release in failure.releases}
    signatures |= {reason.signature for reason in failure.reasons()}
    if signatures != {signature}:
        return failure_message(failure.kind).replace("#", "…")
    if failure.releases:
        group = groups[failure.releases[0].failure]
        return group.message or group.type
    return failure_message(signature)


def _working_pairs(known: _PairEvidence) -> set[_Versions]:
    """The pairs that work as deep as any pair of the two does; no more than interop is asked for.

    Two releases that were only imported together are no advice where others passed a deeper level.
    """
    depths: dict[_Versions, int] = {}

    def note(versions: _Versions, level: Level) -> None:
        depths[versions] = max(LEVELS.index(level), depths.get(versions, 0))

    for versions, release in known.releases.items():
        if release.verdict == "works" and not release.inferred:
            note(versions, release.level)
    for result in known.observed():
        if result.pair.verdict == "works":
            note(known.versions(result), result.pair.level)
    enough = min(max(depths.values(), default=0), LEVELS.index("interop"))
    return {versions for versions, depth in depths.items() if depth >= enough}


def _workaround(
    working: Iterable[_Versions], first: AffectedSide, second: AffectedSide, pairs: Iterable[_Versions]
) -> str:
    """For the newest affected pair: the nearest release of each side that works with the other side as it is."""
    newest = max(pairs, key=lambda pair: (version_key(pair[0]), version_key(pair[1])))
    working = list(working)
    offers = []
    for side, axis, kept in ((first, 0, second), (second, 1, first)):
        candidates = [pair[axis] for pair in working if pair[1 - axis] == newest[1 - axis]]
        if candidates:
            nearest = _nearest(newest[axis], candidates, side)
            offers.append(f"use {side.title} {nearest} with {kept.title} {newest[1 - axis]}")
    return ", or ".join(offers)


def _nearest(version: str, candidates: Iterable[str], side: AffectedSide) -> str:
    """The candidate with the fewest known releases between it and `version`; of two equally near ones the newer."""
    order = sorted({*side.known, version}, key=version_key)
    place = order.index(version)
    return min(candidates, key=lambda candidate: (abs(order.index(candidate) - place), -order.index(candidate)))
