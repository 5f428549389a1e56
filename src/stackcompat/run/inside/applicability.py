"""Whether a test runs in an environment at all."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from .distributions import canonical

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import Outcome

    from .interface import DescribedTest

__all__ = ["Conditions", "NotRun", "why_not_run"]


@dataclass(frozen=True)
class Conditions:
    """What decides whether a test runs.

    Attributes:
        versions: The version of every installed distribution.
        blocked: Distributions that cannot be imported, each with the test that showed it.
        until: The time (seconds since the epoch) after which no test begins; None if there is no such time.
    """

    versions: dict[str, str]
    blocked: dict[str, str]
    until: float | None


class NotRun(NamedTuple):
    """The outcome of a test that is not run, and the reason."""

    outcome: Outcome
    reason: str


def why_not_run(described: DescribedTest, conditions: Conditions) -> NotRun | None:
    """Why a test is not run; None if it is."""
    if conditions.until is not None and time.time() > conditions.until:
        return NotRun("not-applicable", "did not begin within the time box")
    for requirement in described.uses:
        name = canonical(requirement.name)
        version = conditions.versions.get(name)
        if version is None:
            return NotRun("not-applicable", f"{name} is not installed")
        if not requirement.specifier.contains(version, prereleases=True):
            return NotRun("not-applicable", f"{name} {version} is outside {requirement.specifier}")
    if described.level != "import":
        for name in described.components:
            if name in conditions.blocked:
                return NotRun("blocked", f"{name} cannot be imported ({conditions.blocked[name]})")
    return None
