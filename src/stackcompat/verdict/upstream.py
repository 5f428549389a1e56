"""Which of the tests that a release ships itself count in a cell. Pure functions over records.

The rules of evidence for a release's own tests:

* The baseline of a release is a cell that pins it and has everything else as of the day of its upload.
* A test counts in another cell only if it passed in the baseline. A test that failed in the baseline, was flaky or had
  no outcome is not run elsewhere, and reports say so. A test that was skipped or not begun in time is treated as if it
  did not exist.
* A test can fail in its own code because it uses a name that another distribution dropped. Such a failure says nothing
  of the release (see `run.inside.own_tests`).
* For the rest, an own test is like any other: if it fails in two fresh environments in the same way, the cell is
  broken.
"""

from __future__ import annotations

from collections.abc import Mapping

from stackcompat.core.record import Record
from stackcompat.core.requirements import name_of
from stackcompat.ecosystem.components import Upstream
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.run.job import ShippedTests
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.verdict import judge

__all__ = ["Baseline", "own_tests", "read_baseline"]


class Baseline(Record):
    """What the own tests of a release did in the environment of its own time.

    Attributes:
        passed: The tests that passed. They count elsewhere.
        left_out: The tests that were tried and do not count, with the reason.
        absent: Why there is no baseline; empty if there is one.
    """

    passed: tuple[str, ...] = ()
    left_out: dict[str, str] = {}
    absent: str = ""


def read_baseline(planned: PlannedCell, evidence: tuple[Evidence, ...]) -> Baseline:
    """The baseline of a release.

    Args:
        planned: The baseline cell and what it resolved to.
        evidence: The runs of the cell, oldest first.
    """
    day = f"{planned.cell.exclude_newer:%Y-%m-%d}"
    verdict = judge(planned, evidence, None)
    if not any(run.outcome == "ran" for run in evidence):
        return Baseline(absent=f"no baseline of {day}: {verdict.sentence}")
    statuses = verdict.statuses
    if not statuses:
        return Baseline(absent=f"no baseline of {day}: the release holds none of the chosen tests")
    words = {"confirmed": "failed", "unconfirmed": "failed", "hangs": "did not end", "infra": "had no outcome"}
    return Baseline(
        passed=tuple(status.result.test for status in statuses if status.state == "passed"),
        left_out={
            status.result.test: f"{words.get(status.state, status.state)} on {day} too: {why(status.result)}"
            for status in statuses
            if status.state not in ("passed", "not-applicable")
        },
    )


def own_tests(distribution: str, chosen: Upstream, installed: Mapping[str, str], baseline: Baseline) -> ShippedTests:
    """The own tests of an installed release that count in an environment.

    Args:
        distribution: The distribution.
        chosen: Which of its tests are chosen, and what they require.
        installed: Distribution to version in the environment.
        baseline: The baseline of the release.
    """
    shipped = ShippedTests(distribution=distribution, chosen=chosen, tests=baseline.passed, left_out=baseline.left_out)
    missing = sorted(set(map(name_of, chosen.requires)) - installed.keys())
    reason = f"its tests need {', '.join(missing)}, not installed here" if missing else baseline.absent
    if not reason:
        return shipped
    return shipped.model_copy(update={"tests": (), "left_out": {shipped.prefix: reason}})
