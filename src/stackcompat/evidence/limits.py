"""Which results show a limit of a release: a feature does not work, and the rest does. Pure."""

from __future__ import annotations

from stackcompat.evidence.results import Evidence, TestResult

__all__ = ["limits_of", "shows_limit"]


def shows_limit(result: TestResult) -> bool:
    """Whether a feature test failed by an exception in this run itself."""
    own = not result.confirmed_by and result.reused is None
    return bool(result.feature) and result.outcome == "failed" and own


def limits_of(run: Evidence) -> frozenset[str]:
    """The feature tests that failed in a run."""
    return (
        frozenset(result.test for result in run.tests if shows_limit(result)) if run.outcome == "ran" else frozenset()
    )
