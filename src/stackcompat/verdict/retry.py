"""Whether a cell needs another run before its evidence can be judged, and of which tests. A pure function.

One red run is not an incompatibility: what failed is tried once more in a new environment. Infrastructure gets one more
chance at once, and a new one whenever the matrix is run again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stackcompat.core.record import Record
from stackcompat.evidence.results import Evidence
from stackcompat.verdict.outcomes import classify

__all__ = ["NextRun", "next_run"]

#: After this many runs in one execution of a matrix, a cell is left as it is.
MOST_ATTEMPTS = 3


class NextRun(Record):
    """Another run that is due.

    Attributes:
        tests: The tests to run; all if empty.
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
    undecided = [status.result.test for status in classify(evidence) if status.state in ("unconfirmed", "infra")]
    due = sorted(test for test in undecided if tried_now[test] < 2)
    return NextRun(tests=tuple(due)) if due else None
