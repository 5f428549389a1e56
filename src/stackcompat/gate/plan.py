"""Which paired cells a gate makes, in the order of what they would tell. Pure: what it asks of the index is a Catalog.

A question is a paired cell before it is locked: what both arms ask of the others, and which cell of the policy it is.
The arms themselves are made in :mod:`stackcompat.gate.gate`.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from stackcompat.core.record import Record, digest
from stackcompat.core.requirements import name_of
from stackcompat.core.text import and_list
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog, Release
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.model import NotTested
from stackcompat.gate.policy import (
    ArtifactsRule,
    Direction,
    FloorsRule,
    GatePolicy,
    MetapackageRule,
    NewestRule,
    ReleasesRule,
    Rule,
    Weight,
)
from stackcompat.plan.cell import readable
from stackcompat.plan.known_cases import KnownCase

__all__ = ["Moving", "PairedQuestion", "broke_before", "make_questions", "moving"]


class PairedQuestion(Record):
    """A paired cell before it is locked.

    `others` are the requirements on everything but the candidates, `subject` the component whose release the cell is
    about (none: all of them). `direction` is there where artifacts, those of `only` if any, are to cross from one arm
    to the other. `rank` orders questions by what they would tell, the lowest first.
    """

    rule: str
    weight: Weight
    label: str
    python: str
    thorough: bool = False
    others: tuple[str, ...]
    subject: str = ""
    direction: Direction | None = None
    only: tuple[str, ...] = ()
    rank: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        """Content address of what is asked."""
        return digest(self.rule, self.label, self.python, self.others, self.thorough, length=12)


class Moving(Record):
    """What differs between the arms: distribution to version, for the control and for the candidate.

    An empty version leaves the choice to the resolver. `asked` are those that both arms ask for.
    """

    control: dict[str, str]
    candidate: dict[str, str]
    asked: tuple[str, ...]


def moving(candidates: Sequence[Candidate], policy: GatePolicy, components: Components, catalog: Catalog) -> Moving:
    """The candidates with what they replace, and what moves with them: at the same version where there is one.

    A candidate of another index brings along what moves with it there.
    """
    control = {c.name: c.replaces for c in candidates}
    followers = {name: version for c in candidates for name, version in c.followers.items()}
    candidate = {c.name: c.version for c in candidates}
    asked = list(control)
    for row in components.components:
        leader = components[row.moves_with].distribution if row.moves_with else ""
        if leader not in control or not row.distribution or row.distribution in control:
            continue
        project = catalog.project(row.distribution)
        for arm in (control, candidate):
            release = project.find(arm[leader])
            arm[row.distribution] = release.version if release else ""
        if not candidate[row.distribution]:
            candidate[row.distribution] = followers.get(row.distribution, "")
        if row.name in policy.components:
            asked.append(row.distribution)
    return Moving(control=control, candidate=candidate, asked=tuple(asked))


def broke_before(cases: Iterable[KnownCase], candidates: Iterable[Candidate], components: Components) -> Counter[str]:
    """How many known breaks each component has had together with any of the candidates."""
    names = {c.name for c in candidates}
    counts: Counter[str] = Counter()
    for case in cases:
        blamed = {name_of(text) for text in case.culprit}
        if case.verdict != "works" and blamed & names:
            rows = (components.of_distribution(name) for name in blamed - names)
            counts.update(row.name for row in rows if row)
    return counts


def make_questions(
    policy: GatePolicy,
    candidates: Sequence[Candidate],
    components: Components,
    catalog: Catalog,
    *,
    pythons: Sequence[str],
    as_of: dt.datetime | None,
    known: Counter[str],
) -> tuple[tuple[PairedQuestion, ...], tuple[NotTested, ...]]:
    """The questions of every rule on `pythons`, in order of what they would tell; and what could not be asked.

    Required ones come before those that ask a human, and those before the ones that are only told. Then the newest
    releases, which most people have; then the components that broke most often before (`known`); then the policy's
    order of rules and components, and the newest Python.
    """
    planner = _Planner(policy, candidates, components, catalog, as_of)
    found: dict[tuple[str, ...], PairedQuestion] = {}
    for number, rule in enumerate(policy.rules):
        for python in [p for p in pythons if not rule.pythons or p in rule.pythons]:
            age = [int(part) for part in python.split(".")][1]
            for back, question in planner.questions(rule, python):
                place = planner.names.index(question.subject) if question.subject in planner.names else -1
                rank = (_WEIGHTS.index(rule.weight), back, -known[question.subject], number, place, -age)
                key = (
                    question.python,
                    str(question.thorough),
                    str(question.direction),
                    *question.only,
                    *question.others,
                )
                asked = question.model_copy(update={"rank": rank})
                if key not in found or asked.rank < found[key].rank:
                    found[key] = asked
    return tuple(sorted(found.values(), key=lambda question: question.rank)), tuple(planner.not_asked.values())


_WEIGHTS: tuple[Weight, ...] = ("required", "review", "informing")


class _Planner:
    """What every rule needs to know, and one method for each.

    A question comes with how many releases back from the newest its subject is.
    """

    def __init__(
        self,
        policy: GatePolicy,
        candidates: Sequence[Candidate],
        components: Components,
        catalog: Catalog,
        as_of: dt.datetime | None,
    ) -> None:
        self._candidates = candidates
        self._components = components
        self._catalog = catalog
        self._as_of = as_of
        moved = moving(candidates, policy, components, catalog)
        rows = [components[name] for name in policy.components]
        #: Components that stay as they are; of those, names of distributions, of which there is a release.
        self.names = [row.name for row in rows if row.distribution not in moved.control]
        self._subject = and_list([f"{c.name} {c.version}" for c in candidates])
        self.not_asked: dict[str, NotTested] = {}

    def questions(self, rule: Rule, python: str) -> Iterable[tuple[int, PairedQuestion]]:
        match rule:
            case NewestRule():
                yield 0, self._question(rule, python, f"{self._subject} with the newest others", self._newest())
            case ArtifactsRule():
                yield 0, self._crossing(rule, python)
            case FloorsRule():
                yield from self._floors(rule, python)
            case ReleasesRule():
                yield from self._earlier(rule, python)
            case MetapackageRule():
                yield from self._metapackage(rule, python)

    def _newest(self) -> list[str]:
        """All others, in whatever release an installer takes."""
        others = [d for name in self.names if self._releases(d := self._distribution(name), None)]
        for name in self.names:
            if self._distribution(name) not in others:
                self._skip(name, "the index had no release of it")
        return others

    def _crossing(self, rule: ArtifactsRule, python: str) -> PairedQuestion:
        replaced = and_list([f"{c.name} {c.replaces}" for c in self._candidates])
        reader, writer = (self._subject, replaced) if rule.direction == "backward" else (replaced, self._subject)
        label = f"{reader} reads what {writer} wrote, next to the newest others"
        question = self._question(rule, python, label, self._newest())
        return question.model_copy(update={"direction": rule.direction, "only": rule.only})

    def _floors(self, rule: FloorsRule, python: str) -> Iterable[tuple[int, PairedQuestion]]:
        for candidate in self._candidates:
            pins = []
            for need in candidate.needs(python):
                row = self._components.of_distribution(need.name)
                floor = any(bound.operator in (">=", "~=", ">") for bound in need.specifier)
                lowest = self._lowest(need.name, need.specifier, python) if row and row.name in self.names else None
                if floor and lowest is not None:
                    pins.append(f"{need.name}=={lowest.version}")
            label = f"{candidate.name} {candidate.version} at its declared floors"
            if not pins:
                self._skip(label, "it declares no floor for another component")
                continue
            yield 1, self._question(rule, python, f"{label}: {readable(sorted(pins))}", pins)

    def _earlier(self, rule: ReleasesRule, python: str) -> Iterable[tuple[int, PairedQuestion]]:
        names = {c.name for c in self._candidates}
        for name in self.names:
            distribution = self._distribution(name)
            releases = self._releases(distribution, python)
            if not releases or not names & {need.name for need in self._needs(distribution, releases[-1], python)}:
                continue
            for back, release in enumerate(reversed(releases[-1 - rule.last : -1]), start=1):
                others = [self._distribution(other) for other in self.names if other != name]
                others = [other for other in others if self._releases(other, None)]
                label = f"{self._subject} with {name} {release.version} and the newest others"
                others.append(f"{distribution}=={release.version}")
                yield back, self._question(rule, python, label, others, subject=name)

    def _metapackage(self, rule: MetapackageRule, python: str) -> Iterable[tuple[int, PairedQuestion]]:
        releases = self._releases(rule.distribution, python)
        label = f"{rule.distribution} {releases[-1].version} with {self._subject}" if releases else rule.distribution
        pins: list[str] = []
        names = {c.name for c in self._candidates}
        contains = False
        for need in self._needs(rule.distribution, releases[-1], python) if releases else ():
            contains |= need.name in names
            row = self._components.of_distribution(need.name)
            if need.name not in names and (row is None or self._leader(row.moves_with) not in names):
                need.marker = None
                pins.append(str(need))
        if not contains:
            self._skip(label, f"it pins none of {', '.join(sorted(names))}" if releases else "it has no release")
            return
        yield 1, self._question(rule, python, label, pins)

    def _leader(self, component: str) -> str:
        return self._distribution(component) if component else ""

    def _question(
        self, rule: Rule, python: str, label: str, others: Iterable[str], subject: str = ""
    ) -> PairedQuestion:
        return PairedQuestion(
            rule=rule.rule,
            weight=rule.weight,
            label=label,
            python=python,
            thorough=rule.thorough,
            others=tuple(sorted(others)),
            subject=subject,
        )

    def _skip(self, what: str, why: str) -> None:
        self.not_asked[what] = NotTested(what=what, why=why)

    def _distribution(self, component: str) -> str:
        return self._components[component].distribution

    def _releases(self, name: str, python: str | None) -> list[Release]:
        """What an installer may take, lowest first."""
        return list(self._catalog.project(name).fit(python=python, before=self._as_of))[::-1]

    def _lowest(self, name: str, bounds: SpecifierSet, python: str) -> Release | None:
        fit = [r for r in self._releases(name, python) if bounds.contains(r.version)]
        return fit[0] if fit else None

    def _needs(self, name: str, release: Release, python: str) -> list[Requirement]:
        texts = tuple(str(need) for need in self._catalog.requires(name, release.version))
        return Candidate(name=name, version=release.version, replaces="", source="index", requires=texts).needs(python)
