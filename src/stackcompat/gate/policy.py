"""What a release must pass, as data.

``matrices/gate.toml`` says which paired cells are made, and what a failure of each means. It is loaded like a matrix:
each mistake becomes one sentence that names file and key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Literal

from packaging.utils import canonicalize_name
from pydantic import AfterValidator, Field, field_validator

from stackcompat.core.errors import UsageError
from stackcompat.core.requirements import PythonText
from stackcompat.core.toml import Table, load_record
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import Components

__all__ = [
    "ArtifactsRule",
    "Direction",
    "FloorsRule",
    "GatePolicy",
    "MetapackageRule",
    "NewestRule",
    "ReleasesRule",
    "Rule",
    "Weight",
    "check_names",
    "load_policy",
]

#: What a failure means: it blocks, it asks for a human's judgement, or it only informs.
Weight = Literal["required", "review", "informing"]


#: ``backward``: the candidate reads what the release that it replaces wrote. ``forward``: the release that it replaces
#: reads what the candidate wrote.
Direction = Literal["backward", "forward"]


class _BaseRule(Table):
    """What all rules have in common.

    Attributes:
        weight: What a failure of the rule's cells means.
        pythons: Some of the policy's Pythons; empty: all of them.
        thorough: Whether tests marked ``thorough`` run too.
    """

    weight: Weight
    pythons: tuple[str, ...] = ()
    thorough: bool = False


class NewestRule(_BaseRule):
    """The candidates with all other components, in the releases that an installer takes."""

    rule: Literal["newest"]


class FloorsRule(_BaseRule):
    """Each candidate with the oldest releases of other components that its own metadata accepts, and nothing else."""

    rule: Literal["floors"]


class ReleasesRule(_BaseRule):
    """The candidates with an earlier release of a component that depends on a candidate.

    Attributes:
        last: How many releases before the newest are tried, of each such component.
    """

    rule: Literal["releases"]
    last: Annotated[int, Field(gt=0)] = 1


class MetapackageRule(_BaseRule):
    """The set that the newest release of a metapackage pins, with the candidates in their places.

    Attributes:
        distribution: The metapackage.
    """

    rule: Literal["metapackage"]
    distribution: Annotated[str, AfterValidator(canonicalize_name)]


class ArtifactsRule(_BaseRule):
    """One release reads what another wrote. All other components are in the releases that an installer takes.

    Attributes:
        direction: Which of the two reads.
        only: The artifacts that cross, or words of their names; empty: all artifacts.
    """

    rule: Literal["artifacts"]
    direction: Direction = "backward"
    only: tuple[str, ...] = ()


Rule = Annotated[NewestRule | FloorsRule | ReleasesRule | MetapackageRule | ArtifactsRule, Field(discriminator="rule")]


class GatePolicy(Table):
    """A policy file.

    Attributes:
        components: The components that take part.
        pythons: The Pythons to try, such as ``3.12``.
        level: How deep the tests go.
        max_age_days: How old evidence can be, in days. Older runs do not count, and are made again.
        budget_seconds: The seconds of wall clock after which no further cell is begun.
        repeats: How often a flaky test runs in each arm, so that its rate is known.
        rules: Which cells are made.
    """

    title: str
    components: Annotated[tuple[str, ...], Field(min_length=1)]
    pythons: Annotated[tuple[PythonText, ...], Field(min_length=1)]
    level: Level = "interop"
    max_age_days: Annotated[float, Field(gt=0)] = 30.0
    budget_seconds: Annotated[float, Field(gt=0)] = 1800.0
    repeats: Annotated[int, Field(ge=2, le=20)] = 4
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]

    @field_validator("rules")
    @classmethod
    def _has_a_required_rule(cls, value: tuple[Rule, ...]) -> tuple[Rule, ...]:
        if not any(rule.weight == "required" for rule in value):
            raise ValueError('has no rule with weight = "required", so nothing would decide; give at least one')
        return value

    def oldest(self, now: dt.datetime) -> dt.datetime:
        """The moment before which evidence is too old to count."""
        return now - dt.timedelta(days=self.max_age_days)


def load_policy(path: Path, components: Components) -> GatePolicy:
    """Read a policy file, and check the names in it.

    Raises:
        UsageError: The file has mistakes. Missing and unknown keys are all named, else the first name that is not
            allowed.
    """
    policy = load_record(path, GatePolicy)
    published = [row.name for row in components.components if row.distributions]
    check_names(f"{path}: components", policy.components, published)
    for number, rule in enumerate(policy.rules):
        check_names(f"{path}: rules[{number}].pythons", rule.pythons, policy.pythons)
    return policy


def check_names(key: str, names: Iterable[str], allowed: Collection[str]) -> None:
    """Check that all `names` are among those `allowed`.

    Args:
        key: The file and the key that hold the names.
        names: The given names.
        allowed: The allowed names.

    Raises:
        UsageError: A name is not allowed; the first one is named.
    """
    for name in names:
        if name not in allowed:
            raise UsageError(f'{key}: "{name}" is not possible here; allowed are {", ".join(allowed)}')
