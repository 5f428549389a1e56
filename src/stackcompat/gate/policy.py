"""What a release must pass, as data: the gate's policy, and the exceptions that people made to it.

``matrices/gate.toml`` says which paired cells are made and what a red one means; ``matrices/waivers.toml`` holds
waivers and quarantined tests, each with an owner, a reason and an end. Both are loaded like matrices: the first mistake
is one sentence that names file and key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from pydantic import AfterValidator, Field, field_validator, model_validator

from stackcompat.core.record import UsageError
from stackcompat.core.toml import Table, load_record
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import Components

__all__ = [
    "ArtifactsRule",
    "Direction",
    "Exemption",
    "FloorsRule",
    "GatePolicy",
    "MetapackageRule",
    "NewestRule",
    "Quarantine",
    "ReleasesRule",
    "Rule",
    "Waiver",
    "Waivers",
    "Weight",
    "load_policy",
    "load_waivers",
]

#: What a red cell of a rule means: it blocks, it asks a human, or it is only told.
Weight = Literal["required", "review", "informing"]


#: ``backward``: the candidate reads what the release that it replaces wrote; ``forward``: that one reads what the
#: candidate wrote.
Direction = Literal["backward", "forward"]


class _BaseRule(Table):
    """What every rule has. `pythons` are some of the policy's; none means all of them."""

    weight: Weight
    pythons: tuple[str, ...] = ()
    thorough: bool = False


class NewestRule(_BaseRule):
    """The candidate with what an installer gives of all others."""

    rule: Literal["newest"]


class FloorsRule(_BaseRule):
    """The candidate with the oldest releases of the other components that its own metadata allows, and nobody else."""

    rule: Literal["floors"]


class ReleasesRule(_BaseRule):
    """The candidate with each of the `last` releases before the newest of each component that depends on it."""

    rule: Literal["releases"]
    last: Annotated[int, Field(gt=0)] = 1


class MetapackageRule(_BaseRule):
    """The set that the newest release of a metapackage pins, with the candidate in its place."""

    rule: Literal["metapackage"]
    distribution: Annotated[str, AfterValidator(canonicalize_name)]


class ArtifactsRule(_BaseRule):
    """What was written before the release is read after it (``backward``), or the other way round (``forward``).

    The others are what an installer gives. `only` are artifacts, or words of their names; none means all.
    """

    rule: Literal["artifacts"]
    direction: Direction = "backward"
    only: tuple[str, ...] = ()


Rule = Annotated[NewestRule | FloorsRule | ReleasesRule | MetapackageRule | ArtifactsRule, Field(discriminator="rule")]


class GatePolicy(Table):
    """A policy file.

    `max_age_days` is how old evidence may be, in days; older runs are made again and never count. `budget_seconds` is
    the wall clock after which no further cell is begun. A test that is red and green is run up to `repeats` times in
    each arm, so that its rate is known.
    """

    title: str
    components: Annotated[tuple[str, ...], Field(min_length=1)]
    pythons: Annotated[tuple[str, ...], Field(min_length=1)]
    level: Level = "interop"
    max_age_days: Annotated[float, Field(gt=0)] = 30.0
    budget_seconds: Annotated[float, Field(gt=0)] = 1800.0
    repeats: Annotated[int, Field(ge=2, le=20)] = 4
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]

    @field_validator("rules")
    @classmethod
    def _decides(cls, value: tuple[Rule, ...]) -> tuple[Rule, ...]:
        if not any(rule.weight == "required" for rule in value):
            raise ValueError('has no rule with weight = "required", so nothing would decide; give at least one')
        return value


def _exact(text: str) -> str:
    """One version: any wider bound would let the next release pass as well, which nobody has looked at."""
    try:
        (bound,) = SpecifierSet(text)
    except (InvalidSpecifier, ValueError):
        bound = None
    if bound is None or bound.operator != "==" or bound.version.endswith("*"):
        raise ValueError(f'"{text}" is not one exact version such as "==0.12.1"')
    return str(bound)


class _BaseExemption(Table):
    """What someone answers for, until the end of a day (UTC)."""

    owner: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]
    until: dt.date

    def expired(self, now: dt.datetime) -> bool:
        """Whether its day is over."""
        return now.astimezone(dt.UTC).date() > self.until


class Waiver(_BaseExemption):
    """A known break that a release may ship with.

    Exactly one of: `test` (an id, or a pattern with ``*``), `pair` (two components), `advisory` (the id of a finding).
    `versions` (component to ``==version``, both of a pair) are those it was granted for: when one of them moves on, it
    holds no more.
    """

    test: str = ""
    pair: tuple[str, ...] = ()
    advisory: str = ""
    versions: Annotated[dict[str, Annotated[str, AfterValidator(_exact)]], Field(min_length=1)]

    @model_validator(mode="after")
    def _one(self) -> Waiver:
        if sum(map(bool, (self.test, self.pair, self.advisory))) != 1:
            raise ValueError("takes exactly one of: test, pair, advisory")
        if self.pair and len(set(self.pair)) != 2:
            raise ValueError("pair takes two components")
        if self.pair and not set(self.pair) <= self.versions.keys():
            raise ValueError(f"versions must hold one for each of the pair: {' and '.join(self.pair)}")
        return self

    @property
    def what(self) -> str:
        """What it is for, in words."""
        subject = self.test or self.advisory or " with ".join(self.pair)
        versions = ", ".join(f"{name} {bound}" for name, bound in self.versions.items())
        return f"{subject} ({versions})"

    def holds_for(self, versions: Mapping[str, str]) -> bool:
        """Whether these `versions`, by component, are all among those that it was granted for."""
        return all(
            name in versions and SpecifierSet(bound).contains(versions[name], prereleases=True)
            for name, bound in self.versions.items()
        )

    def covers(self, *, test: str, components: Collection[str], finding: str) -> bool:
        """Whether it is about a failure of `test` between `components` whose finding has the id `finding`."""
        if self.pair:
            return set(self.pair) <= set(components)
        return self.advisory == finding if self.advisory else bool(test) and _fits(test, self.test)


class Quarantine(_BaseExemption):
    """A test that is known to be flaky: it never decides, and does not ask anybody either."""

    test: str

    @property
    def what(self) -> str:
        """What it is for."""
        return self.test

    def covers(self, test: str) -> bool:
        """Whether it is about `test`."""
        return _fits(test, self.test)


Exemption = Waiver | Quarantine


class Waivers(Table):
    """A waivers file."""

    waivers: tuple[Waiver, ...] = ()
    quarantine: tuple[Quarantine, ...] = ()


def _fits(test: str, pattern: str) -> bool:
    # The brackets of a parametrised test are no character class.
    return test == pattern or fnmatchcase(test, pattern.replace("[", "[[]"))


def load_policy(path: Path, components: Components) -> GatePolicy:
    """Read a policy file and check its names. Raises UsageError for the first mistake."""
    policy = load_record(path, GatePolicy)
    _check(f"{path}: components", policy.components, [c.name for c in components.components if c.distributions])
    for number, rule in enumerate(policy.rules):
        _check(f"{path}: rules[{number}].pythons", rule.pythons, policy.pythons)
    return policy


def load_waivers(path: Path, components: Components) -> Waivers:
    """Read a waivers file and check its names. Raises UsageError for the first mistake."""
    waivers = load_record(path, Waivers)
    for number, waiver in enumerate(waivers.waivers):
        _check(f"{path}: waivers[{number}].pair", waiver.pair, components.names())
        _check(f"{path}: waivers[{number}].versions", waiver.versions, components.names())
    return waivers


def _check(key: str, names: Iterable[str], allowed: Collection[str]) -> None:
    for name in names:
        if name not in allowed:
            raise UsageError(f'{key}: "{name}" is not possible here; allowed are {", ".join(allowed)}')
