"""A made-up universe in which some releases write what others do not read, on a runner whose executor answers so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.exchange import choose_test, diagnose_crossing
from stackcompat.blame.result import Culprit
from stackcompat.core.record import digest
from stackcompat.ecosystem.releases import Catalog
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import ExchangePlan
from stackcompat.pipeline.exchange import plan_exchange, run_exchange
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import Lock, Pin, Resolution
from stackcompat.run.job import Job
from stackcompat.verdict.artifacts import ExchangeSide
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossing
from support.blame_world import Rule, Universe
from support.fakes import FakeExecutor, make_exchange_runner, make_runner
from support.made_up import PLATFORM, failed, passed

__all__ = ["Crossed", "CrossingWorld", "Shelf", "edges_of"]


class Shelf(Universe):
    """A universe with the one more thing that runners ask of an index."""

    def prefetch(self, names: Iterable[str]) -> None:
        """Nothing is far away."""
        list(names)


@dataclass(frozen=True)
class Crossed:
    """What `writer` leaves `reader` does not read: each is a rule on the versions of its side.

    `unwritable` is a rule on the writer's: it leaves nothing, and says so.
    """

    writer: Rule
    reader: Rule
    changed: bool = False
    unwritable: Rule | None = None

    def __call__(self, job: Job, _: int) -> Iterable[TestResult]:
        """What the tests of a job do; see :class:`fakes.FakeExecutor`."""
        assert job.exchange is not None
        here, box = job.lock.versions(), job.exchange.store / "box"
        if job.exchange.mode == "write":
            if self.unwritable is not None and self.unwritable.holds(here):
                return (_of_box(failed("write", message=self.unwritable.message)),)
            box.mkdir(parents=True, exist_ok=True)
            (box / "by").write_text(json.dumps(here))
            return (_of_box(passed("write")),)
        if not (self.writer.holds(json.loads((box / "by").read_text())) and self.reader.holds(here)):
            return (_of_box(passed("read")),)
        failure = self.reader.failure.model_copy(update={"changed": self.changed})
        return (_of_box(failed("read").model_copy(update={"failure": failure, "components": tuple(here)})),)


def _of_box(result: TestResult) -> TestResult:
    return result.model_copy(update={"artifact": "box", "level": "exchange"})


class _Resolver:
    """Takes the newest that fits; `asked` are the cells."""

    def __init__(self, universe: Universe) -> None:
        self.asked: list[Cell] = []
        self._universe = universe

    def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
        """See :class:`stackcompat.resolve.resolver.Resolver`."""
        self.asked.append(cell)
        pins = []
        for requirement in map(Requirement, cell.requirements):
            fit = [
                release.version
                for release in self._universe.project(requirement.name).releases
                if requirement.specifier.contains(release.version)
                and (cell.exclude_newer is None or release.uploaded <= cell.exclude_newer)
                and (requirement.name, int(release.version)) not in self._universe.missing
            ]
            if not fit:
                return Resolution(outcome="conflict", conflict=Conflict(kind="not-found", sentence=f"no {requirement}"))
            hashes = (f"sha256:{digest(requirement.name, fit[-1])}",)
            pins.append(Pin(name=requirement.name, version=fit[-1], hashes=hashes))
        return Resolution(outcome="locked", lock=Lock(python=cell.python, platform=cell.platform, pins=tuple(pins)))


class CrossingWorld:
    """A runner over `universe` in which `rule` says what is not read."""

    def __init__(self, folder: Path, universe: Shelf, rule: Callable[[Job, int], Iterable[TestResult]]) -> None:
        plain, executor, _ = make_runner(folder, rule, {}, catalog=universe)
        (plain.suite.folder / "test_box.py").write_text("def test_it(): ...\n")
        (folder / "helpers").mkdir(exist_ok=True)
        self.universe = universe
        self.executor: FakeExecutor = executor
        self.resolver = _Resolver(universe)
        plain = replace(plain, components=universe.components, resolver=self.resolver)  # type: ignore[arg-type]
        self.runner = make_exchange_runner(plain, folder / "helpers")

    def cell(self, versions: Mapping[str, int], python: str = "3.12") -> Cell:
        """One that pins all of `versions`."""
        exact = tuple(f"{name}=={number}" for name, number in sorted(versions.items()))
        return Cell(python=python, platform=PLATFORM, requirements=exact)

    def cross(self, writer: Cell, *readers: Cell) -> tuple[CrossingVerdict, ExchangePlan]:
        """The verdict on the first of `readers`, and the plan of all of them."""
        plan = plan_exchange([("s", [writer], readers)], self.runner)
        plan = run_exchange(plan, self.runner)
        evidence = self.runner.store.of_keys([*(c.key for c in plan.crossings), *(c.key for c in plan.cells)])
        return judge_crossing(plan.crossings[0], plan, evidence), plan

    def blame(self, writer: Cell, *readers: Cell, **more: Any) -> dict[ExchangeSide, Diagnosis]:
        """Who is to blame where the first of `readers` reads what `writer` wrote; then `asked` holds only that."""
        verdict, plan = self.cross(writer, *readers)
        test = choose_test(verdict)
        self.executor.asked.clear()
        self.resolver.asked.clear()
        return diagnose_crossing(verdict, test, self.runner, plans=[plan], **more)


def edges_of(culprit: Culprit, rule: Rule, size: int) -> bool:
    """Whether the edges of a culprit are those of its range in `rule`; it has `size` releases."""
    first, last = rule.members[culprit.name]
    good = str(first - 1) if first else None
    fixed = str(last + 1) if last + 1 < size else None
    return (culprit.last_good, culprit.fixed_in) == (good, fixed)
