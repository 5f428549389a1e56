"""Whether a cell needs another run before its evidence can be judged, and which tests it must run. Pure functions.

One red run is not an incompatibility, so a failed test is tried once more in a new environment. A test that
infrastructure kept from an outcome is tried once more at once, and again whenever the matrix is executed again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stackcompat.core.record import Record
from stackcompat.evidence.results import Evidence
from stackcompat.verdict.outcomes import classify

__all__ = ["NextRun", "needs_run", "next_run"]

#: The most runs of a cell in one execution of a matrix.
MOST_ATTEMPTS = 3


#: The states of a test that another run can change.
_UNDECIDED = ("unconfirmed", "infra", "hangs")


class NextRun(Record):
    """Another run that is due.

    Attributes:
        tests: The tests to run; empty means all tests.
    """

    tests: tuple[str, ...] = ()


def next_run(earlier: Sequence[Evidence], now: Sequence[Evidence]) -> NextRun | None:
    """The next run for one evidence key; None if no run is due.

    Args:
        earlier: The runs of earlier executions of a matrix, oldest first.
        now: The runs of this execution, oldest first.
    """
    if len(now) >= MOST_ATTEMPTS:
        return None
    evidence = [*earlier, *now]
    if not any(run.outcome == "ran" for run in evidence):
        refused = sum(run.outcome == "uninstallable" for run in evidence)
        return NextRun() if refused < 2 and len(now) < 2 else None
    tried_now = Counter(test.test for run in now for test in run.tests)
    undecided = [status.result.test for status in classify(evidence) if status.state in _UNDECIDED]
    due = sorted(test for test in undecided if tried_now[test] < 2)
    return NextRun(tests=tuple(due)) if due else None


def needs_run(evidence: Sequence[Evidence]) -> bool:
    """Whether a cell must be run when a matrix is executed.

    Args:
        evidence: The runs of earlier executions, oldest first.
    """
    return next_run(evidence, ()) is not None
