"""Whether a test can run in an environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import time
from typing import TYPE_CHECKING, NamedTuple

from .distributions import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from stackcompat.run.inside.protocol import TestOutcome, UnimportableModule

    from .interface import DescribedTest

__all__ = ["Conditions", "NotRun", "unimportable_module", "why_not_run"]


@dataclass(frozen=True)
class Conditions:
    """The conditions that decide whether a test runs.

    Attributes:
        versions: The version of every installed distribution.
        unimportable: The modules that could not be imported. The list grows while tests run.
        unswept: The modules that a sweep could not import. What is in them is not tried. The list grows likewise.
        until: The time after which no test begins, in seconds since the epoch; None if there is no such time.
    """

    versions: dict[str, str]
    unimportable: list[UnimportableModule]
    until: float | None
    unswept: list[str] = field(default_factory=list)


class NotRun(NamedTuple):
    """The outcome of a test that is not run, and the reason."""

    outcome: TestOutcome
    reason: str


def unimportable_module(described: DescribedTest, limit: str) -> UnimportableModule:
    """The module that a test showed not to be importable.

    Args:
        described: The test of the import.
        limit: The limit of the release that the test showed; empty for a break.
    """
    return {
        "distributions": described.components,
        "module": described.module,
        "main": described.main,
        "test": described.test,
        "limit": limit,
    }


def why_not_run(
    described: DescribedTest, conditions: Conditions, imported_modules: Callable[[], Collection[str]]
) -> NotRun | None:
    """Why a test is not run; None if it is.

    Args:
        described: The test.
        conditions: The conditions.
        imported_modules: Gives the modules that the test imports. It is called only if the answer depends on them.
    """
    if conditions.until is not None and time() > conditions.until:
        return NotRun("not-applicable", "did not begin within the time box")
    for requirement, installed in zip(described.uses, described.components, strict=True):
        name = canonical(requirement.name)
        version = conditions.versions.get(installed)
        if version is None:
            return NotRun("not-applicable", f"{name} is not installed")
        if not requirement.specifier.contains(version, prereleases=True):
            subject = f"{name} {version}" if installed == name else f"{installed} {version}, installed as {name},"
            return NotRun("not-applicable", f"{subject} is outside {requirement.specifier}")
    if described.swept:
        return _blocked_by_distribution(described, conditions) or _blocked_by_package(described, conditions)
    if described.level == "import":
        return None
    return _blocked_by_distribution(described, conditions) or _blocked_by_module(conditions, imported_modules)


def _blocked_by_distribution(described: DescribedTest, conditions: Conditions) -> NotRun | None:
    """Why a test is not run because a distribution that it uses cannot be imported at all; None if all can."""
    unimportable = {
        name: broken["test"] for broken in conditions.unimportable if broken["main"] for name in broken["distributions"]
    }
    for name in described.components:
        if name in unimportable:
            return NotRun("blocked", f"{name} cannot be imported ({unimportable[name]})")
    return None


def _blocked_by_package(described: DescribedTest, conditions: Conditions) -> NotRun | None:
    """Why a module is not imported because a package around it cannot be imported; None if all can."""
    declared = [broken["module"] for broken in conditions.unimportable if broken["module"]]
    for package in (*declared, *conditions.unswept):
        if f"{described.module}.".startswith(f"{package}."):
            return NotRun("blocked", f"{package} cannot be imported")
    return None


def _blocked_by_module(conditions: Conditions, imported_modules: Callable[[], Collection[str]]) -> NotRun | None:
    """Why a test is not run because a module that it imports cannot be imported; None if all can.

    A module that is a limit of its release leaves nothing to tell of the tests that need it: they do not apply.
    """
    for broken in conditions.unimportable:
        module = broken["module"]
        if not broken["main"] and any(f"{name}.".startswith(f"{module}.") for name in imported_modules()):
            if broken["limit"]:
                return NotRun("not-applicable", broken["limit"])
            return NotRun("blocked", f"{module} cannot be imported ({broken['test']})")
    return None
