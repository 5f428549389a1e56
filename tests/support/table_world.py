"""A made-up index. Its resolver and executor answer from tables; everything between these is real."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.driver import Inquiry, diagnose_cell
from stackcompat.core.record import digest
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.ecosystem.releases import Catalog
from stackcompat.evidence.results import TestResult
from stackcompat.pipeline.progress import Silent
from stackcompat.pipeline.runner import Runner
from stackcompat.pipeline.try_cell import try_cell
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import Lock, Pin, Resolution
from stackcompat.run.job import Job
from stackcompat.verdict.verdict import CellVerdict
from support.fakes import Catalogue, Rule, make_runner
from support.made_up import failed, passed

__all__ = ["BOX", "CATALOG", "RED", "Setting", "Steps", "TableResolver", "dropped", "names"]

CATALOG = Catalogue(
    {
        "alpha": {f"1.{n}": f"2026-0{n + 1}-01" for n in range(6)},
        "beta": {
            **{f"1.{n}": f"2026-0{n + 1}-02" for n in range(4)},
            "1.4": {"uploaded": "2026-06-02", "requires": ["gamma>=1.1"]},
        },
        "gamma": {"1.0": "2026-01-03", "1.1": "2026-06-03"},
        "omega": {"2026.1": {"uploaded": "2026-02-01", "requires": ["alpha==1.1", "beta==1.1", "zeta==9"]}},
    }
)
BOX: dict[str, Any] = {
    "type": "AttributeError",
    "message": "module 'alpha.boxes' has no attribute 'Box'",
    "packages": ("beta",),
}


#: A cell that fails by :func:`dropped`.
RED = ("alpha==1.4", "beta==1.1", "gamma==1.0")


class TableResolver:
    """Takes the newest releases of `CATALOG` that fit. Their requirements must hold, unless they are overridden."""

    def __init__(self) -> None:
        self.asked: list[Cell] = []

    def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
        """See :class:`stackcompat.resolve.resolver.Resolver`."""
        self.asked.append(cell)
        versions = {}
        for text in cell.requirements:
            requirement = Requirement(text)
            fit = [
                release.version
                for release in CATALOG.project(requirement.name).releases
                if requirement.specifier.contains(release.version)
                and (cell.exclude_newer is None or release.uploaded <= cell.exclude_newer)
            ]
            if not fit:
                return Resolution(outcome="conflict", conflict=Conflict(kind="not-found", sentence=f"no {text}"))
            versions[requirement.name] = fit[-1]
        for name, version in versions.items():
            for need in CATALOG.requires(name, version):
                if not cell.overrides and need.name in versions and not need.specifier.contains(versions[need.name]):
                    sentence = f"{name}=={version} depends on {need}, but {need.name} is requested"
                    chain = (f"{name}=={version} depends on {need}", f"{need.name}=={versions[need.name]} is requested")
                    return Resolution(
                        outcome="conflict", conflict=Conflict(kind="bounds", sentence=sentence, chain=chain)
                    )
        pins = tuple(Pin(name=n, version=v, hashes=(f"sha256:{digest(n, v)}",)) for n, v in sorted(versions.items()))
        return Resolution(outcome="locked", lock=Lock(python=cell.python, platform=cell.platform, pins=pins))


def dropped(job: Job, _: int) -> Iterable[TestResult]:
    """`alpha` 1.3 drops a name that `beta` uses until 1.2."""
    versions = job.lock.versions()
    red = versions["alpha"] >= "1.3" and versions["beta"] <= "1.2"
    return (
        passed("test_alpha", "alpha"),
        failed("test_both", "alpha", "beta", **BOX) if red else passed("test_both", "alpha", "beta"),
    )


class Setting:
    """A runner over `CATALOG` whose executor answers by `rule`, and searches with this runner."""

    def __init__(self, folder: Path, rule: Rule) -> None:
        runner, self.executor, _ = make_runner(folder, rule, {}, catalog=CATALOG)
        self.resolver = TableResolver()
        self.runner: Runner = replace(runner, resolver=self.resolver)  # type: ignore[arg-type]

    def verdict(self, *requirements: str) -> CellVerdict:
        """The verdict on the cell that asks for `requirements`."""
        cell = Cell(python="3.12", platform=this_platform(), requirements=requirements)
        return try_cell(cell, self.runner, "interop")[0]

    def blame(self, *requirements: str, about: str = "") -> Diagnosis:
        """The diagnosis of the cell that asks for `requirements`. Then `asked` has the jobs of the search only."""
        verdict = self.verdict(*requirements)
        self.executor.asked.clear()
        return diagnose_cell(Inquiry(verdict, about=about), self.runner)


class Steps(Silent):
    """A reporter that remembers the steps, and the stages with their totals."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int | None]] = []
        self.steps: list[str] = []

    def stage(self, title: str, total: int | None) -> None:
        """See :class:`stackcompat.pipeline.progress.Reporter`."""
        self.stages.append((title, total))

    def step(self, text: str) -> None:
        """See :class:`stackcompat.pipeline.progress.Reporter`."""
        self.steps.append(text)


def names(found: Diagnosis) -> dict[str, str]:
    """The versions of the culprits, by name."""
    return {culprit.name: culprit.version for culprit in found.culprits}
