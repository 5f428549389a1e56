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

#: Runs in one execution of a matrix after which a cell is left as it is.
MOST_ATTEMPTS = 3


class NextRun(Record):
    """Another run is due: of `tests`, or of all when empty."""

    tests: tuple[str, ...] = ()


def next_run(earlier: Sequence[Evidence], now: Sequence[Evidence]) -> NextRun | None:
    """The next run for one evidence key, from what `earlier` executions and this one (`now`) saw, oldest first."""
    if len(now) >= MOST_ATTEMPTS:
        return None
    evidence = [*earlier, *now]
    ran = [run for run in evidence if run.outcome == "ran"]
    if not ran:
        if sum(run.outcome == "uninstallable" for run in evidence) >= 2:
            return None
        return NextRun() if len(now) < 2 else None
    tried_now = Counter(test.test for run in now for test in run.tests)
    undecided = [status for status in classify(ran) if status.state in ("unconfirmed", "infra")]
    due = [status.result.test for status in undecided if tried_now[status.result.test] < 2]
    return NextRun(tests=tuple(sorted(due))) if due else None
