"""Made-up releases with days of upload, a resolver that minds the days, and smoke tests that are rules on versions."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from stackcompat.core.requirements import parse_requirement
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.ecosystem.releases import Catalog
from stackcompat.evidence.store import Store
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import Resolution
from support.fakes import Catalogue, Rule, make_runner
from support.made_up import COMPONENTS, make_lock

__all__ = ["TimedResolver", "TimedTable"]


class TimedResolver:
    """Takes the newest release that fits each requirement at the moment of the cell.

    Args:
        catalog: The releases.
        without_wheels: Releases, ``name version`` each, with the Pythons for which they have no wheel.
    """

    def __init__(self, catalog: Catalog, without_wheels: dict[str, Collection[str]] | None = None) -> None:
        self.asked: list[Cell] = []
        self._catalog = catalog
        self._without_wheels = without_wheels or {}
        self._guard = threading.Lock()

    def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
        """See :class:`stackcompat.resolve.resolver.Resolver`."""
        with self._guard:
            self.asked.append(cell)
        component = {row.distribution: row.name for row in COMPONENTS.components}
        versions = {}
        for text in cell.requirements:
            requirement = parse_requirement(text)
            fitting = [
                release.version
                for release in self._catalog.project(requirement.name).fit(before=cell.exclude_newer)
                if requirement.specifier.contains(release.version)
            ]
            if not fitting:
                conflict = Conflict(kind="not-found", sentence=f"{text} is not there")
                return Resolution(outcome="conflict", conflict=conflict)
            if cell.python in self._without_wheels.get(f"{requirement.name} {fitting[0]}", ()):
                conflict = Conflict(kind="no-wheel-for-python", sentence=f"{text} has no wheel for {cell.python}")
                return Resolution(outcome="conflict", conflict=conflict)
            versions[component[requirement.name]] = fitting[0]
        return Resolution(outcome="locked", lock=make_lock(versions, cell.python))


class TimedTable:
    """A runner over made-up releases, with its fakes.

    Attributes:
        runner: The runner.
        executor: Answers jobs from a rule.
        resolver: Minds the days of upload.
    """

    def __init__(
        self,
        folder: Path,
        rule: Rule,
        releases: Catalogue,
        without_wheels: dict[str, Collection[str]] | None = None,
    ) -> None:
        self.catalog = releases
        self.resolver = TimedResolver(releases, without_wheels)
        runner, self.executor, _ = make_runner(folder, rule, {}, catalog=releases, store=Store)
        self.runner: Runner = replace(runner, resolver=self.resolver)  # type: ignore[arg-type]

    def cell(self, *requirements: str, python: str = "3.12") -> Cell:
        """A cell that asks for `requirements`."""
        return Cell(python=python, platform=this_platform(), requirements=tuple(sorted(requirements)))

    def baselines(self) -> list[tuple[str, ...]]:
        """The requirements of each baseline that ran, in order."""
        own_time = {cell.requirements for cell in self.resolver.asked if cell.policy == "baseline"}
        return [job.requirements for job in self.executor.asked if job.requirements in own_time]
