"""The progress of the test that runs now, and the event at its end."""

from __future__ import annotations

from dataclasses import dataclass
from resource import RUSAGE_SELF, getrusage
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import EndEvent, FailureSeen, TestOutcome, WarningCount

    from .interface import DescribedTest

__all__ = ["Progress", "end_event"]


@dataclass
class Progress:
    """The progress of a test, or of the loading of a test file.

    Attributes:
        began: When it began (:func:`time.perf_counter`).
        failure: Its first failure; None if there is none so far.
        skipped: Why it was skipped; empty if it was not.
    """

    began: float
    failure: FailureSeen | None = None
    skipped: str = ""

    def outcome(self) -> TestOutcome:
        """The outcome so far. A failure outweighs a skip."""
        if self.failure is not None:
            return "failed"
        return "not-applicable" if self.skipped else "passed"


def end_event(
    described: DescribedTest,
    progress: Progress,
    outcome: TestOutcome,
    warnings: list[WarningCount],
    closure: str | None = None,
) -> EndEvent:
    """Make the event at the end of a test. It is called at that moment.

    Args:
        described: The test.
        progress: Its progress.
        outcome: Its outcome.
        warnings: Its warnings.
        closure: The name of its closure; None if what it depends on is not known.
    """
    return {
        "event": "end",
        "test": described.test,
        "level": described.level,
        "components": described.components,
        "artifact": described.artifact,
        "feature": described.feature,
        "outcome": outcome,
        "reason": progress.skipped,
        "seconds": round(perf_counter() - progress.began, 4),
        "memory_mb": round(getrusage(RUSAGE_SELF).ru_maxrss / 1024, 1),
        "failure": progress.failure,
        "warnings": warnings,
        "modules": [name for name in (described.module,) if name] if described.swept else None,
        "closure": closure,
    }
