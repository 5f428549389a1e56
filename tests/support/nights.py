"""Nights in a row of a small made-up matrix: what each cell was locked to, and what its tests said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from stackcompat.core.record import digest
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell, RunRecord
from support.made_up import NOW, failed, make_cell, passed, planned, run_of

JOINT = "test_beta.py::test_apply"
PASSES = (passed(JOINT, "alpha", "beta"),)
BREAKS = (
    failed(
        JOINT,
        "alpha",
        "beta",
        type="AttributeError",
        message="module 'alpha' has no attribute 'boxes'",
        packages=("beta",),
    ),
)


class Nights:
    """One cell with the newest of Alpha and Beta, a run of its matrix every day; the last one began before NOW."""

    def __init__(self, python: str = "3.12") -> None:
        self.runs: list[RunRecord] = []
        self.evidence: dict[str, tuple[Evidence, ...]] = {}
        self.cell = make_cell({"alpha": "", "beta": ""}, python, "newest", "newest", newest=("alpha", "beta"))

    def add(
        self,
        ago: int,
        versions: Mapping[str, str],
        tests: tuple[TestResult, ...] = (),
        outcome: str = "ran",
        **question: str,
    ) -> PlannedCell:
        """The night `ago` days before NOW: evidence comes only where the lock has none; red is run twice.

        `question`: the `interpreter` or the `suite`, if it is not that of the other nights.
        """
        plan = planned(self.cell, versions)
        if question:
            plan = plan.model_copy(update={"key": digest("key", plan.key, *sorted(question.items()))})
        self.runs.append(
            RunRecord(
                matrix="nightly",
                started=NOW - dt.timedelta(days=ago, hours=1),
                title="Every night",
                components=("alpha", "beta"),
                pythons=(self.cell.python,),
                cells=(plan,),
            )
        )
        if (tests or outcome != "ran") and plan.key not in self.evidence:
            red = any(test.outcome in ("failed", "crashed") for test in tests)
            self.evidence[plan.key] = tuple(
                run_of(plan, *tests, attempt=n, outcome=outcome, ago=dt.timedelta(days=ago)).model_copy(update=question)
                for n in range(1 + red)
            )
        return plan


OLD = {"alpha": "1.2.0", "beta": "2.4.1"}
NEW = {"alpha": "1.3.0", "beta": "2.4.1"}
FIXED = {"alpha": "1.3.0", "beta": "2.4.2"}
