"""The tests that releases ship themselves: which of them count. Pure functions over records.

The rules of evidence for a release's own tests:

* the baseline of a release is a cell that pins it, with everything else as of the day on which it was uploaded;
* a test counts in any other cell only if it passed in the baseline. A test that failed there, was flaky or had no
  outcome is not run elsewhere, and reports say so. A test that was skipped or not begun in time does not exist;
* a test that fails in its own code, because it uses what a neighbour dropped, says nothing of its release (see
  `run.inside.own_tests`);
* otherwise it is a test like any other: red in two fresh environments, in the same way, it breaks the cell.
"""

from __future__ import annotations

from collections.abc import Mapping

from stackcompat.core.dates import end_of_day
from stackcompat.core.record import Record
from stackcompat.core.requirements import name_of
from stackcompat.ecosystem.components import Upstream
from stackcompat.ecosystem.releases import Release
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.plan.cell import Cell
from stackcompat.run.job import ShippedTests
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.verdict import judge

__all__ = ["Baseline", "baseline_cell", "own_tests", "read_baseline"]


class Baseline(Record):
    """What the tests that a release ships did in its own time.

    Attributes:
        passed: The tests that passed: they count elsewhere.
        left_out: The tests that were tried and do not count, with the reason.
        absent: Why there is no baseline; empty if there is one.
    """

    passed: tuple[str, ...] = ()
    left_out: dict[str, str] = {}
    absent: str = ""


def baseline_cell(distribution: str, release: Release, chosen: Upstream, python: str, platform: str) -> Cell:
    """The cell with the environment of a release's own time, and with what its tests need.

    Args:
        distribution: The distribution.
        release: The release.
        chosen: Which of its tests are meant, and what they need.
        python: The Python.
        platform: The platform.
    """
    day = end_of_day(release.uploaded)
    return Cell(
        python=python,
        platform=platform,
        requirements=tuple(sorted({f"{distribution}=={release.version}", *chosen.requires})),
        exclude_newer=day,
        thorough=False,
        policy="baseline",
        label=f"{distribution} {release.version} in its own time, {day:%Y-%m-%d}",
    )


def read_baseline(planned: PlannedCell, evidence: tuple[Evidence, ...]) -> Baseline:
    """The baseline of a release.

    Args:
        planned: The baseline cell and what it resolved to.
        evidence: Its runs, oldest first.
    """
    day = f"{planned.cell.exclude_newer:%Y-%m-%d}"
    verdict = judge(planned, evidence)
    if not any(run.outcome == "ran" for run in evidence):
        return Baseline(absent=f"no baseline of {day}: {verdict.sentence}")
    statuses = verdict.statuses
    if not statuses:
        return Baseline(absent=f"no baseline of {day}: the release holds none of the chosen tests")
    words = {"confirmed": "failed", "unconfirmed": "failed", "infra": "had no outcome"}
    return Baseline(
        passed=tuple(status.result.test for status in statuses if status.state == "passed"),
        left_out={
            status.result.test: f"{words.get(status.state, status.state)} on {day} too: {why(status.result)}"
            for status in statuses
            if status.state not in ("passed", "not-applicable")
        },
    )


def own_tests(distribution: str, chosen: Upstream, installed: Mapping[str, str], baseline: Baseline) -> ShippedTests:
    """The tests of an installed release that count in an environment.

    Args:
        distribution: The distribution.
        chosen: Which of its tests are meant, and what they need.
        installed: Distribution to version in the environment.
        baseline: What the tests did in the release's own time.
    """
    shipped = ShippedTests(distribution=distribution, chosen=chosen, tests=baseline.passed, left_out=baseline.left_out)
    missing = sorted(set(map(name_of, chosen.requires)) - installed.keys())
    reason = f"its tests need {', '.join(missing)}, not installed here" if missing else baseline.absent
    if not reason:
        return shipped
    return shipped.model_copy(update={"tests": (), "left_out": {shipped.prefix: reason}})
