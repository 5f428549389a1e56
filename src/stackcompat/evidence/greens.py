"""What a run adds to the knowledge of which smoke test passed with which release. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from stackcompat.core.vocabulary import Level
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.sweep import imported_in, is_whole

__all__ = ["NEEDS_BASELINE", "GreenRelease", "green_releases"]

#: The levels whose tests use a release in a way that the test chooses, so that a failure can be the test's own fault.
#: A module that is declared must be importable in any case; tests of artifacts and releases' own tests have baselines
#: of another kind (:mod:`stackcompat.verdict.artifacts`, :mod:`stackcompat.verdict.upstream`).
NEEDS_BASELINE: frozenset[Level] = frozenset(("lower", "compile", "run", "interop"))


class GreenRelease(NamedTuple):
    """A smoke test was seen to pass where this release was installed.

    Attributes:
        test: The test.
        distribution: A distribution that it uses.
        version: The version that was installed.
    """

    test: str
    distribution: str
    version: str


def green_releases(run: Evidence) -> frozenset[GreenRelease]:
    """The releases with which smoke tests passed in a run."""
    if run.outcome != "ran" or run.observed is None:
        return frozenset()
    versions = run.observed.distributions
    return frozenset(
        GreenRelease(test, name, versions[name])
        for result in run.tests
        if result.outcome == "passed"
        for test in _tests(result)
        for name in result.components
        if name in versions
    )


def _tests(result: TestResult) -> Iterable[str]:
    """The tests of which it counts that they passed, by one result."""
    if is_whole(result):
        return imported_in([result])
    return [result.test] if result.level in NEEDS_BASELINE or result.modules is not None else []
