"""A made-up universe of components and releases with planted rules, which answers every probe of a search."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.requirements import Requirement

from stackcompat.blame.probe import Probe, ProbeAnswer, RedCell, Search, Value
from stackcompat.blame.result import SearchResult
from stackcompat.blame.search import search
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Project, Release
from stackcompat.evidence.results import Failure, TestResult
from support.world import components

__all__ = ["PAIR", "Led", "Rule", "Universe", "answered", "blame", "names", "value_of"]

_EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Rule:
    """A failure of every set of versions with each of `members` in its range of releases (first and last, by number).

    Its traceback goes through `named`.
    """

    members: Mapping[str, tuple[int, int]]
    message: str = "the planted failure"
    named: tuple[str, ...] = ()

    def holds(self, versions: Mapping[str, str]) -> bool:
        """Whether it fails there."""
        return all(first <= int(versions.get(name, "-1")) <= last for name, (first, last) in self.members.items())

    @property
    def failure(self) -> Failure:
        """What it says."""
        return Failure(
            type="Planted", message=self.message, packages=self.named, package=self.named[-1] if self.named else ""
        )


@dataclass
class Universe:
    """Components with so many releases each, numbered from 0; releases come out in turns, a day apart.

    Attributes:
        sizes: How many releases each component has.
        rules: What fails. The first rule that holds decides, so that a rule can hide another one. Rules with the same
            words are the same failure.
        missing: Pairs of component and release that cannot be installed.
        others: What fails in other tests than the one that is followed.
        trouble: An outcome in place of the answer to a question, by the number of questions before it.
        asked: The probes that were asked.
    """

    sizes: Mapping[str, int]
    rules: tuple[Rule, ...] = ()
    missing: frozenset[tuple[str, int]] = frozenset()
    trouble: Callable[[int], str | None] = lambda _: None
    asked: list[Probe] = field(default_factory=list)
    others: tuple[Rule, ...] = ()
    _projects: dict[str, Project] = field(default_factory=dict)

    @property
    def components(self) -> Components:
        """A component for each."""
        return components(*self.sizes)

    def project(self, name: str) -> Project:
        """See :class:`stackcompat.ecosystem.releases.Catalog`."""
        if name not in self._projects:
            turn = list(self.sizes).index(name) if name in self.sizes else 0
            releases = tuple(
                Release(version=str(number), uploaded=_EPOCH + dt.timedelta(days=number * len(self.sizes) + turn))
                for number in range(self.sizes.get(name, 0))
            )
            self._projects[name] = Project(name=name, releases=releases)
        return self._projects[name]

    def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
        """Nobody declares anything here."""
        return ()

    def red(self, versions: Mapping[str, int], rule: Rule, roots: tuple[str, ...] = ()) -> RedCell:
        """The question why `versions` fail by `rule`; the cell pins its `roots` (all, if none are given)."""
        test = TestResult(
            test="t", level="interop", components=roots or tuple(self.sizes), outcome="failed", failure=rule.failure
        )
        return RedCell(
            versions={name: str(number) for name, number in versions.items()},
            test=test,
            requirements=tuple(f"{name}=={versions[name]}" for name in roots or self.sizes),
            python="3.12",
        )

    def answer(self, probe: Probe, rule: Rule) -> ProbeAnswer:
        """What came of `probe`, asked about `rule`."""
        self.asked.append(probe)
        trouble = self.trouble(len(self.asked) - 1)
        if trouble == "infra":
            return ProbeAnswer(outcome="infra", detail="the disk is full", ran=True)
        versions = dict(probe.pins)
        for name in self.sizes if probe.free else ():
            fit = [
                release.version
                for release in self.project(name).releases
                if (probe.until is None or release.uploaded <= probe.until)
                and (name, int(release.version)) not in self.missing
            ]
            if name not in versions:
                if not fit:
                    return ProbeAnswer(outcome="unresolved", detail=f"no {name} at all")
                versions[name] = fit[-1]
            elif probe.until and self.project(name).releases[int(versions[name])].uploaded > probe.until:
                return ProbeAnswer(outcome="unresolved", detail=f"no such {name} then")
        if any((name, int(version)) in self.missing for name, version in versions.items()):
            return ProbeAnswer(outcome="unresolved", detail="no wheel")
        if trouble == "flaky":
            return ProbeAnswer(outcome="unresolved", versions=versions, detail="flaky", ran=True)
        rules = (*self.rules, *self.others) if probe.every_test else self.rules
        found = next((other for other in rules if other.holds(versions)), None)
        if found is None:
            return ProbeAnswer(outcome="pass", versions=versions, ran=True)
        if found.failure == rule.failure:
            return ProbeAnswer(outcome="same", versions=versions, ran=True)
        return ProbeAnswer(outcome="other", versions=versions, signature=found.failure.signature, ran=True)


class Led(Universe):
    """`alpha-native` moves with `alpha`, and is required by it."""

    @property
    def components(self) -> Components:
        """A component for each."""
        return components(*self.sizes, **{"alpha-native": "alpha"})

    def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
        """Alpha pins its native half."""
        return (Requirement(f"alpha-native=={version}"),) if name == "alpha" else ()


#: Two components that fail together, and are both on the traceback.
PAIR = Rule({"alpha": (4, 5), "beta": (2, 6)}, named=("beta", "alpha"))


def answered(steps: Search[Value], world: Universe, rule: Rule) -> Value:
    """What a search, whose `steps` these are, comes to in `world`."""
    try:
        probe = next(steps)
        while True:
            probe = steps.send(world.answer(probe, rule))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def blame(
    world: Universe, versions: Mapping[str, int], rule: Rule = PAIR, *, budget: int = 60, **cell: Any
) -> SearchResult:
    """What a search finds for the cell with `versions`, which fails by `rule`; `cell` are other fields of it."""
    red = world.red(versions, rule).model_copy(update=cell)
    return answered(search(red, world, world.components, budget), world, rule)


def names(found: SearchResult) -> dict[str, str]:
    """The versions of the culprits, by name."""
    return {culprit.name: culprit.version for culprit in found.culprits}


def value_of(steps: Search[Value]) -> Value:
    """The value of a search that asks nobody."""
    try:
        next(steps)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    raise AssertionError("it asked")
