"""A gate over a made-up index, with a resolver that knows bounds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from stackcompat.core.requirements import parse_requirement
from stackcompat.ecosystem.releases import Catalog
from stackcompat.evidence.results import TestResult
from stackcompat.gate.gate import run_aa_gate, run_gate
from stackcompat.gate.model import GateReport
from stackcompat.gate.options import GateOptions
from stackcompat.gate.policy import GatePolicy
from stackcompat.gate.waivers import Waivers
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import Resolution
from stackcompat.run.job import Job
from support.fakes import Catalogue, FakeExecutor
from support.made_up import failed, make_lock, passed

NEWEST = {"alpha": "1.1", "alpha-native": "1.1", "beta": "2.0", "gamma": "3.0"}


WORLD = Catalogue(
    {
        "alpha": {"1.0": "2026-01-01", "1.1": "2026-02-01", "1.2": {"uploaded": "2026-06-01", "requires": ["beta>=2"]}},
        "alpha-native": {"1.0": "2026-01-01", "1.1": "2026-02-01", "1.2": "2026-06-01"},
        "beta": {
            "1.0": {"uploaded": "2026-01-01", "requires": ["alpha"]},
            "2.0": {"uploaded": "2026-02-01", "requires": ["alpha>=1"]},
        },
        "gamma": {"3.0": {"uploaded": "2026-02-01", "requires": ["alpha<1.2"]}},
    }
)


POLICY = GatePolicy.model_validate(
    {
        "title": "P",
        "components": ["alpha", "alpha-native", "beta"],
        "pythons": ["3.12"],
        "rules": [{"rule": "newest", "weight": "required"}],
    }
)


JOINT = "t.py::together"


def green(job: Job, before: int) -> Iterable[TestResult]:
    """Everything passes."""
    del job, before
    return (passed(JOINT, "alpha", "beta"),)


def red(job: Job, before: int) -> Iterable[TestResult]:
    """The joint test fails with alpha 1.2."""
    del before
    bad = job.lock.versions()["alpha"] == "1.2"
    return (failed(JOINT, "alpha", "beta", packages=("beta",)) if bad else passed(JOINT, "alpha", "beta"),)


def whole(executor: FakeExecutor) -> list[Job]:
    """The jobs that the executor got, without those that only import."""
    return [job for job in executor.asked if job.level != "import"]


class Solver:
    """A resolver that knows bounds: it takes the newest that constraints and requests allow, or says what is wrong.

    `refuse` says why the chosen versions do not fit together; nothing: they do.
    """

    def __init__(
        self, versions: dict[str, list[str]], refuse: Callable[[dict[str, str], Cell], str] | None = None
    ) -> None:
        self.asked: list[Cell] = []
        self._versions = versions
        self._refuse = refuse or (lambda _, __: "")

    def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
        """See :class:`stackcompat.resolve.resolver.Resolver`."""
        self.asked.append(cell)
        texts = [*cell.requirements, *cell.constraints]
        names = {parse_requirement(text).name for text in cell.requirements} | {"numbers"}
        chosen = {}
        for name in names:
            bounds = [parse_requirement(text).specifier for text in texts if parse_requirement(text).name == name]
            fit = [version for version in self._versions[name] if all(bound.contains(version) for bound in bounds)]
            if not fit:
                return self._conflict(f"nothing of {name} fits")
            chosen[name] = fit[-1]
        refusal = self._refuse(chosen, cell)
        if refusal:
            return self._conflict(refusal)
        lock = make_lock({}, cell.python)
        pins = [pin for pin in make_lock({"alpha": "1", "beta": "1", "gamma": "1"}).pins if pin.name in chosen]
        pins = [pin.model_copy(update={"version": chosen[pin.name], "hashes": (chosen[pin.name],)}) for pin in pins]
        return Resolution(outcome="locked", lock=lock.model_copy(update={"pins": tuple(pins)}))

    @staticmethod
    def _conflict(sentence: str) -> Resolution:
        chain = (sentence,) if " depends on " in sentence else ()
        return Resolution(outcome="conflict", conflict=Conflict(kind="bounds", sentence=sentence, chain=chain))


VERSIONS = {
    "alpha": ["1.0", "1.1", "1.2"],
    "alpha-native": ["1.0", "1.1", "1.2"],
    "beta": ["1.0", "2.0"],
    "gamma": ["3.0"],
    "numbers": ["2.5.4", "2.5.5"],
}


def judge(
    runner: Runner,
    *given: str,
    policy: GatePolicy = POLICY,
    waivers: Waivers | None = None,
    as_of: dt.datetime | None = None,
    world: Catalogue = WORLD,
    **more: Any,
) -> GateReport:
    """The report of the gate on alpha 1.2, unless others are given."""
    options = GateOptions(policy=policy, waivers=waivers or Waivers(), pythons=policy.pythons, as_of=as_of)
    return run_gate(given or ("alpha==1.2",), options, replace(runner, catalog=world), **more)


def judge_alike(runner: Runner, *, policy: GatePolicy = POLICY, world: Catalogue = WORLD) -> GateReport:
    """The report of an A/A run."""
    options = GateOptions(policy=policy, pythons=policy.pythons)
    return run_aa_gate(options, replace(runner, catalog=world))
