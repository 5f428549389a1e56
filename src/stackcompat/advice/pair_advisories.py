"""Advisories of two components: which releases of the one fail with which releases of the other. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stackcompat.advice.advisory import Advisory, AffectedSide, failing_place
from stackcompat.advice.building import (
    FrontierResult,
    affected_side,
    because,
    distinct,
    failing_package,
    failure_message,
    newest_set,
    seen_between,
)
from stackcompat.advice.undeclared import lone_component
from stackcompat.core.vocabulary import LEVELS
from stackcompat.table.failures import FailureGroup
from stackcompat.table.frontiers import FrontierReason
from stackcompat.table.pairs import PairRelease
from stackcompat.table.summary import Summary
from stackcompat.table.version_ranges import span
from stackcompat.verdict.signature import failure_kind, incompatibility_id

__all__ = ["pair_advisories"]

#: A version of each of two components.
_Versions = tuple[str, str]


@dataclass(frozen=True)
class _PairEvidence:
    """What cells and frontiers show of two components, without the failures that one of the two has alone."""

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
    """One kind of failure, with the releases in cells and the runs along frontiers that show it."""

    kind: str
    releases: list[PairRelease] = field(default_factory=list)
    results: list[FrontierResult] = field(default_factory=list)

    def reasons(self) -> list[FrontierReason]:
        """Why the pairs along frontiers do not work."""
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
    """The pairs of all frontiers of two components, without the failures that one of the two has alone."""
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

    A doubtful failure along a frontier counts only if cells show the same kind of failure for these two components. An
    inferred failure of a cell is left out, because a third component can be at fault.
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
    package = group.package if group else failing_package(signature)
    reason = because(_message(failure, signature, groups))
    return Advisory(
        id=incompatibility_id(signature, (first.distribution, second.distribution)),
        summary=f"{_what_fails((first, second), pairs, package)} {reason}",
        reason=reason,
        sides=(first, second),
        together=pairs,
        level=level,
        signature=signature,
        package=package,
        tests=distinct(group.tests if group else (), tests),
        pythons=distinct(group.pythons if group else (), (row.python for row in rows)),
        cells=tuple(sorted({release.cell for release in failure.releases})),
        evidence=tuple(sorted({result.pair.evidence for result in failure.results})),
        inferred=_inferred_pairs(failure.kind, known),
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
    """The message of the failure. Dots stand for its numbers if they differ from run to run."""
    signatures = {groups[release.failure].signature for release in failure.releases}
    signatures |= {reason.signature for reason in failure.reasons()}
    if signatures != {signature}:
        return failure_message(failure.kind).replace("#", "…")
    if failure.releases:
        group = groups[failure.releases[0].failure]
        return group.message or group.type
    return failure_message(signature)


def _what_fails(sides: tuple[AffectedSide, AffectedSide], pairs: Sequence[_Versions], package: str) -> str:
    """What fails with what: the newest affected release of the side that fails, with each release that it fails with.

    The other affected pairs are counted. A range on both sides would claim every pair of the two ranges.

    Args:
        sides: The two components.
        pairs: The affected pairs.
        package: The distribution that the error came out of.
    """
    failing = failing_place(sides, package)
    newest = newest_set(pairs, failing)[failing]
    partners = {pair[1 - failing] for pair in pairs if pair[failing] == newest}
    side, partner = sides[failing], sides[1 - failing]
    words = f"{side.title} {newest} fails with {partner.title} {span(partners, partner.known)}"
    others = len(pairs) - len(partners)
    if others:
        words += f" (and {others} more {'pair' if others == 1 else 'pairs'} of their releases)"
    return words
