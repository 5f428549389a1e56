"""A known limit is confirmed by the run of another environment. Pure functions over records.

A feature test that fails shows a limit: the rest works. Many cells show the same limit, so a cell needs no second
environment of its own for it. The failure is confirmed if the same test failed in the same way in another environment,
with the same versions of every distribution on the traceback. A break is always confirmed in a fresh environment of its
own lock (:mod:`stackcompat.verdict.retry`).

The confirmation is kept as a record of evidence of the cell, so a verdict rests on the evidence of its own key alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from stackcompat.evidence.limits import shows_limit
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.signature import failed_alike, similar_failure

__all__ = ["LimitSeen", "confirmation", "limits_seen", "unconfirmed_limits"]


class LimitSeen(NamedTuple):
    """A feature test that failed in an environment.

    Attributes:
        run: The run of that environment.
        result: The result of the test there.
    """

    run: Evidence
    result: TestResult


def limits_seen(run: Evidence) -> Iterator[LimitSeen]:
    """The limits that a run itself showed; not those that another run confirmed."""
    if run.outcome == "ran" and run.observed is not None:
        for result in run.tests:
            if shows_limit(result):
                yield LimitSeen(run, result)


def unconfirmed_limits(runs: Sequence[Evidence]) -> tuple[LimitSeen, ...]:
    """The limits of a cell that were seen in one of its environments only.

    Args:
        runs: All runs of the cell, oldest first.
    """
    open_tests = {status.result.test for status in classify(runs) if status.state == "unconfirmed"}
    return tuple(seen for run in runs for seen in limits_seen(run) if seen.result.test in open_tests)


def confirmation(runs: Sequence[Evidence], others: Iterable[LimitSeen]) -> Evidence | None:
    """The record by which runs of other cells confirm limits of a cell; None if they confirm nothing.

    No environment is made for it. It has one result for each limit that is confirmed: the cell's own, with the id of
    the run that showed the same.

    Args:
        runs: All runs of the cell, oldest first.
        others: Limits that were seen in environments, those of this cell among them or not.
    """
    seen_elsewhere = tuple(others)
    confirmed: dict[str, tuple[LimitSeen, LimitSeen]] = {}
    for own in unconfirmed_limits(runs):
        other = next((other for other in seen_elsewhere if _confirms(other, own)), None)
        if other is not None:
            confirmed[own.result.test] = (own, other)
    if not confirmed:
        return None
    pairs = confirmed.values()
    return runs[-1].model_copy(
        update={
            "attempt": len(runs),
            "outcome": "ran",
            "detail": "",
            # As old as the older run of each pair, so that a rule about old evidence holds for both.
            "started": min(seen.run.started for pair in pairs for seen in pair),
            "seconds": 0.0,
            "install_seconds": 0.0,
            "observed": None,
            "isolation": None,
            "tests": tuple(
                own.result.model_copy(update={"confirmed_by": other.run.id, "warnings": (), "closure": None})
                for own, other in pairs
            ),
            "closures": (),
            "compiler_caches": (),
            "failed_with_caches": (),
            "log": "\n".join(_sentence(own, other) for own, other in pairs),
        }
    )


def _confirms(other: LimitSeen, own: LimitSeen) -> bool:
    """Whether a limit that was seen elsewhere is the same as one that was seen in a cell.

    The line of the test must be known, so that an older edition of the test does not count.
    """
    if other.run.key == own.run.key or other.result.test != own.result.test:
        return False
    if not _same_machine(other.run, own.run):
        return False
    if other.run.compiler_caches and own.run.compiler_caches:  # a cache that fails would confirm itself
        return False
    first, second = other.result.failure, own.result.failure
    if first is None or second is None or not first.line or first.line != second.line:
        return False
    if not failed_alike(other.result, own.result) or not similar_failure(other.result, own.result):
        return False
    there, here = _versions(other.run), _versions(own.run)
    involved = {*first.packages, *second.packages}
    return bool(involved) and all(name in here and there.get(name) == here[name] for name in involved)


def _same_machine(first: Evidence, second: Evidence) -> bool:
    """Whether two runs have the same platform, hardware and variables, and neither read artifacts."""
    same = (first.platform, first.hardware, first.variables) == (second.platform, second.hardware, second.variables)
    return same and not first.reads and not second.reads


def _versions(run: Evidence) -> dict[str, str]:
    return run.observed.distributions if run.observed is not None else {}


def _sentence(own: LimitSeen, other: LimitSeen) -> str:
    """What a reader of the log should know of a limit that another run confirmed."""
    failure = own.result.failure
    names = sorted(set(failure.packages)) if failure is not None else []
    versions = ", ".join(f"{name} {_versions(own.run)[name]}" for name in names)
    same = f"{own.result.test} failed in the same way in run {other.run.id}"
    return f"no environment was made: {same}, also with {versions}"
