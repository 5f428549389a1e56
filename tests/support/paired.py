"""Paired cells of the made-up ecosystem, for tests of the gate: alpha 1.3.0 is to take the place of alpha 1.2.0."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.cells import Arm, ExcludedCell, Exclusion, GateCell, PairedCell, UntriedCell
from stackcompat.gate.context import GateContext, make_context
from stackcompat.gate.decision import decide
from stackcompat.gate.evaluate import CellEvaluation, evaluate_cell
from stackcompat.gate.model import GateReport
from stackcompat.gate.policy import GatePolicy
from stackcompat.gate.waivers import Waivers
from support.made_up import COMPONENTS, NEWEST, NOW, PLATFORM, blocked, failed, make_cell, passed, planned, run_of

ALPHA = Candidate(name="alpha", version="1.3.0", replaces="1.2.0", source="index")
OLD = NEWEST | {"alpha": "1.2.0"}
POLICY = GatePolicy.model_validate(
    {
        "title": "made up",
        "components": list(NEWEST),
        "pythons": ["3.12"],
        "max-age-days": 30,
        "rules": [{"rule": "newest", "weight": "required"}],
    }
)
JOINT = "test_beta.py::test_train"
#: What passes in both arms unless a test says otherwise.
GREEN = (
    passed("test_import.py::test_import[alpha]", "alpha", level="import"),
    passed("test_import.py::test_import[beta.nets]", "beta", level="import"),
    passed(JOINT, "alpha", "beta"),
)

NO_ATTRIBUTE = failed(
    "test_import.py::test_import[beta.nets]",
    "beta",
    level="import",
    type="AttributeError",
    message="module 'alpha.experimental.boxes' has no attribute 'MutableBox'",
    packages=("beta",),
    where="beta.nets.core:<module>",
)
BLOCKED = blocked(JOINT, "alpha", "beta")
RED = failed(JOINT, "alpha", "beta", message="the loss is 0.73", packages=("beta",), where="beta.nets:fit")
#: Another test that uses the candidate and another component, for cells in which the other one does not count.
SOLID = passed("test_alpha.py::test_grad", "alpha", "beta")


def arm(versions: dict[str, str], *runs: tuple[TestResult, ...] | str, **more: Any) -> Arm:
    """An arm with these runs: each is the tests of one that ran, or how one ended that did not."""
    plan = planned(make_cell(versions, policy="gate"), versions)
    evidence: list[Evidence] = []
    for attempt, run in enumerate(runs):
        if isinstance(run, str):
            evidence.append(run_of(plan, attempt=attempt, outcome=run, detail=f"it was {run}", **more))
        else:
            evidence.append(run_of(plan, *run, attempt=attempt, **more))
    return Arm(planned=plan, evidence=tuple(evidence))


#: What every cell has, unless a test says otherwise.
CELL: dict[str, Any] = {
    "id": "cell",
    "rule": "newest",
    "weight": "required",
    "label": "alpha 1.3.0 with the newest others",
    "python": "3.12",
}


def pair(*candidate: tuple[TestResult, ...] | str, control: Arm | None = None, **more: Any) -> PairedCell:
    """A required cell whose candidate's arm has these runs, and whose control is green unless given."""
    arms = {"control": control or arm(OLD, GREEN), "candidate": arm(NEWEST, *candidate)}
    return PairedCell.model_validate(CELL | arms | more)


def untried(why: str, **more: Any) -> UntriedCell:
    """A required cell that was not run."""
    return UntriedCell.model_validate(CELL | {"why": why, "remedy": "give it more time"} | more)


def excluded(*exclusions: Exclusion, **more: Any) -> ExcludedCell:
    """A required cell that bounds keep the candidates out of."""
    return ExcludedCell.model_validate(CELL | {"control": arm(OLD), "exclusions": exclusions} | more)


def changed(*tests: TestResult) -> tuple[TestResult, ...]:
    """The green tests, with these in place of those of the same name, or beside them."""
    given = {test.test: test for test in tests}
    kept = [given.pop(test.test, test) for test in GREEN]
    return (*kept, *given.values())


def judge(
    *cells: GateCell, waivers: Waivers | None = None, candidates: tuple[Candidate, ...] = (ALPHA,), **more: Any
) -> GateReport:
    """The decision on these cells."""
    return decide(
        cells,
        candidates,
        more.pop("policy", POLICY),
        waivers or Waivers(),
        COMPONENTS,
        platform=PLATFORM,
        now=NOW,
        **more,
    )


def context(**more: Any) -> GateContext:
    """What cells are judged by: alpha is the candidate, and there are no waivers, unless given."""
    fields: dict[str, Any] = {
        "candidates": (ALPHA,),
        "policy": POLICY,
        "waivers": Waivers(),
        "components": COMPONENTS,
        "now": NOW,
    }
    return make_context(**fields | more)


def evaluate(cell: GateCell, **more: Any) -> CellEvaluation:
    """What one cell amounts to, in a :func:`context` with `more`."""
    return evaluate_cell(context(**more), cell)


def waivers(**more: Any) -> Waivers:
    """A waiver of what `more` names, for the versions of the made-up ecosystem."""
    versions = {"alpha": "==1.3.0", "beta": "==2.4.1"}
    entry = {"versions": versions, "owner": "somebody", "reason": "known", "until": dt.date(2026, 12, 1)}
    return Waivers.model_validate({"waivers": [entry | more]})


def quarantine(until: dt.date = dt.date(2026, 12, 1)) -> Waivers:
    """A quarantine of the tests of beta, until that day."""
    entry = {"test": "test_beta.py::*", "owner": "somebody", "reason": "wavers", "until": until}
    return Waivers.model_validate({"quarantine": [entry]})


#: The runs of an arm in which the joint test fails once and passes twice.
WAVERS = tuple(
    (*changed(test), SOLID) for test in (RED, passed(JOINT, "alpha", "beta"), passed(JOINT, "alpha", "beta"))
)


def wavering() -> PairedCell:
    """A cell in which the joint test is flaky with the candidate."""
    return pair(*WAVERS, control=arm(OLD, (*GREEN, SOLID)))


def bound(by: Literal["candidate", "other", "python"], component: str = "beta") -> Exclusion:
    """A bound that keeps the candidate and a component apart."""
    return Exclusion(
        by=by,
        component=component,
        bound="alpha needs beta>=3",
        sentence="alpha 1.3.0 cannot be installed with beta 2.4.1 because alpha needs beta>=3",
        remedy="release such a beta first",
        chain=("alpha 1.3.0 depends on beta>=3",),
    )
