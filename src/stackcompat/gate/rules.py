"""The questions that each rule of a policy asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.declared import requirements
from stackcompat.ecosystem.releases import Catalog, Release
from stackcompat.gate.candidate import Candidate, releases_in_words, replaced_in_words
from stackcompat.gate.model import NotTested
from stackcompat.gate.moving import Moving
from stackcompat.gate.policy import (
    ArtifactsRule,
    FloorsRule,
    GatePolicy,
    MetapackageRule,
    NewestRule,
    ReleasesRule,
    Rule,
)
from stackcompat.gate.question import PairedQuestion
from stackcompat.plan.cell import readable

__all__ = ["Asked", "RuleContext", "make_rule_context", "questions_of_rule"]


@dataclass(frozen=True)
class RuleContext:
    """What the questions of every rule are made from.

    Attributes:
        names: The components of the policy that do not move.
        releases: The candidates with their versions, in words.
        not_asked: What could not be asked, with the reason, keyed by its name. It grows while questions are made.
    """

    candidates: Sequence[Candidate]
    components: Components
    catalog: Catalog
    as_of: dt.datetime | None
    names: tuple[str, ...]
    releases: str
    not_asked: dict[str, NotTested]


class Asked(NamedTuple):
    """A question, and how many releases its subject is behind the newest."""

    back: int
    question: PairedQuestion


def make_rule_context(
    policy: GatePolicy,
    candidates: Sequence[Candidate],
    moving: Moving,
    components: Components,
    catalog: Catalog,
    as_of: dt.datetime | None,
) -> RuleContext:
    """What the questions of `policy` are made from.

    Args:
        policy: What the candidates must pass.
        candidates: The releases to judge.
        moving: What differs between the two arms.
        components: The ecosystem.
        catalog: The index.
        as_of: The day to which the index is taken back; None: today.
    """
    return RuleContext(
        candidates=candidates,
        components=components,
        catalog=catalog,
        as_of=as_of,
        names=tuple(name for name in policy.components if components[name].distribution not in moving.control),
        releases=releases_in_words(candidates),
        not_asked={},
    )


def questions_of_rule(context: RuleContext, rule: Rule, python: str) -> list[Asked]:
    """The questions that `rule` asks on one Python; a question that cannot be asked is noted in `context`.

    Args:
        context: What the questions are made from.
        rule: A rule of the policy.
        python: The Python, such as ``3.12``.
    """
    match rule:
        case NewestRule():
            label = f"{context.releases} with the newest others"
            return [Asked(0, _question(rule, python, label, _newest(context)))]
        case ArtifactsRule():
            return [Asked(0, _artifacts(context, rule, python))]
        case FloorsRule():
            return _floors(context, rule, python)
        case ReleasesRule():
            return _earlier_releases(context, rule, python)
        case MetapackageRule():
            return _metapackage(context, rule, python)


def _newest(context: RuleContext) -> list[str]:
    """The distributions of all other components that have a release, without a version."""
    others = []
    for name in context.names:
        distribution = _distribution(context, name)
        if _releases(context, distribution, None):
            others.append(distribution)
        else:
            _skip(context, name, "the index had no release of it")
    return others


def _artifacts(context: RuleContext, rule: ArtifactsRule, python: str) -> PairedQuestion:
    replaced = replaced_in_words(context.candidates)
    reader, writer = context.releases, replaced
    if rule.direction == "forward":
        reader, writer = writer, reader
    label = f"{reader} reads what {writer} wrote, next to the newest others"
    question = _question(rule, python, label, _newest(context))
    return question.model_copy(update={"direction": rule.direction, "only": rule.only})


def _floors(context: RuleContext, rule: FloorsRule, python: str) -> list[Asked]:
    """Each candidate with the oldest releases of other components that its bounds accept."""
    asked = []
    for candidate in context.candidates:
        pins = []
        for need in candidate.needs(python):
            row = context.components.of_distribution(need.name)
            has_floor = any(bound.operator in (">=", "~=", ">") for bound in need.specifier)
            if row is None or row.name not in context.names or not has_floor:
                continue
            lowest = _lowest(context, need.name, need.specifier, python)
            if lowest is not None:
                pins.append(f"{need.name}=={lowest.version}")
        label = f"{candidate.name} {candidate.version} at its declared floors"
        if not pins:
            _skip(context, label, "it declares no floor for another component")
            continue
        asked.append(Asked(1, _question(rule, python, f"{label}: {readable(sorted(pins))}", pins)))
    return asked


def _earlier_releases(context: RuleContext, rule: ReleasesRule, python: str) -> list[Asked]:
    """The candidates with the last releases before the newest one of each component that depends on a candidate."""
    candidates = {candidate.name for candidate in context.candidates}
    asked = []
    for name in context.names:
        distribution = _distribution(context, name)
        releases = _releases(context, distribution, python)
        if not releases:
            continue
        needs = _needs(context, distribution, releases[0], python)
        if not candidates & {need.name for need in needs}:
            continue
        newest_others = [_distribution(context, other) for other in context.names if other != name]
        newest_others = [other for other in newest_others if _releases(context, other, None)]
        for back, release in enumerate(releases[1 : 1 + rule.last], start=1):
            label = f"{context.releases} with {name} {release.version} and the newest others"
            others = [*newest_others, f"{distribution}=={release.version}"]
            asked.append(Asked(back, _question(rule, python, label, others, subject=name)))
    return asked


def _metapackage(context: RuleContext, rule: MetapackageRule, python: str) -> list[Asked]:
    """The set that the newest release of a metapackage pins, with the candidates in their places."""
    releases = _releases(context, rule.distribution, python)
    if not releases:
        _skip(context, rule.distribution, "it has no release")
        return []
    newest = releases[0]
    candidates = {candidate.name for candidate in context.candidates}
    label = f"{rule.distribution} {newest.version} with {context.releases}"
    needs = _needs(context, rule.distribution, newest, python)
    if not candidates & {need.name for need in needs}:
        _skip(context, label, f"it pins none of {', '.join(sorted(candidates))}")
        return []
    pins = [str(need) for need in needs if not _moves(context, need.name, candidates)]
    return [Asked(1, _question(rule, python, label, pins))]


def _moves(context: RuleContext, distribution: str, candidates: Collection[str]) -> bool:
    """Whether a distribution is a candidate, or moves with one."""
    row = context.components.of_distribution(distribution)
    leader = _distribution(context, row.moves_with) if row and row.moves_with else ""
    return distribution in candidates or leader in candidates


def _question(rule: Rule, python: str, label: str, others: Iterable[str], subject: str = "") -> PairedQuestion:
    """A question without a rank.

    Args:
        rule: The rule that asks.
        python: The Python.
        label: The cell in words.
        others: The requirements on the others.
        subject: The component whose release the cell is about.
    """
    return PairedQuestion(
        rule=rule.rule,
        weight=rule.weight,
        label=label,
        python=python,
        thorough=rule.thorough,
        others=tuple(sorted(others)),
        subject=subject,
    )


def _skip(context: RuleContext, what: str, why: str) -> None:
    context.not_asked[what] = NotTested(what=what, why=why)


def _distribution(context: RuleContext, component: str) -> str:
    return context.components[component].distribution


def _releases(context: RuleContext, distribution: str, python: str | None) -> list[Release]:
    """The releases that an installer can take, highest first; on any Python if `python` is None."""
    return list(context.catalog.project(distribution).fit(python=python, before=context.as_of))


def _lowest(context: RuleContext, distribution: str, bounds: SpecifierSet, python: str) -> Release | None:
    releases = [r for r in _releases(context, distribution, python) if bounds.contains(r.version)]
    return releases[-1] if releases else None


def _needs(context: RuleContext, distribution: str, release: Release, python: str) -> list[Requirement]:
    return requirements(context.catalog, distribution, release.version, python)
