"""How the test that runs now went so far, and the event at its end."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import EndEvent, FailureSeen, Outcome, WarningCount

    from .interface import DescribedTest

__all__ = ["Progress", "end_event"]


@dataclass
class Progress:
    """How a test, or the loading of a file of tests, went so far.

    Attributes:
        began: When it began (:func:`time.perf_counter`).
        failure: Its failure; None if there is none.
        skipped: Why it does not apply; empty if nothing says so.
    """

    began: float
    failure: FailureSeen | None = None
    skipped: str = ""

    def outcome(self) -> Outcome:
        """The outcome if nothing more happens. A failure outweighs a skip."""
        if self.failure is not None:
            return "failed"
        return "not-applicable" if self.skipped else "passed"


def end_event(described: DescribedTest, progress: Progress, outcome: Outcome, warnings: list[WarningCount]) -> EndEvent:
    """The event at the end of a test, which is now.

    Args:
        described: The test.
        progress: How it went.
        outcome: Its outcome.
        warnings: Its warnings.
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
        "seconds": round(time.perf_counter() - progress.began, 4),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "failure": progress.failure,
        "warnings": warnings,
    }
