"""What one run of one lock showed, for good: immutable records.

Evidence is addressed by what it depends on (lock, roots, interpreter, platform, suite), so the same question is
answered from the store (:mod:`stackcompat.evidence.store`) instead of being run twice.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal

from stackcompat.core.record import Record, digest
from stackcompat.core.vocabulary import Level

__all__ = [
    "NO_NETWORK",
    "CellOutcome",
    "CellResult",
    "Environment",
    "Evidence",
    "Failure",
    "Isolation",
    "TestResult",
    "WarningSeen",
    "evidence_key",
]

#: What a machine without a network says, whoever meets it.
NO_NETWORK = (
    r"temporary failure in name resolution|name or service not known|network is unreachable"
    r"|(?:failed to|could not) resolve (?:address|host)"
)


#: How a run as a whole ended. ``ran``: the tests have outcomes of their own. ``uninstallable``: the lock does not
#: install. All others are infrastructure: they say nothing about compatibility.
CellOutcome = Literal[
    "ran",
    "uninstallable",
    "invalid",
    "timeout",
    "out-of-memory",
    "disk-full",
    "index-unreachable",
    "no-wheel-for-platform",
    "interpreter-missing",
    "suite-broken",
    "crashed",
]


class Failure(Record):
    """Why a test failed. The signature (type, normalised message, deepest package) identifies a failure across runs.

    `packages` are the distributions on the way down the traceback, deepest last; `where` is module and function.
    `changed`: the test says by it that what it computed anew has other values, not that something does not work.
    """

    type: str
    message: str
    package: str = ""
    packages: tuple[str, ...] = ()
    where: str = ""
    phase: str = "call"
    traceback: str = ""
    changed: bool = False

    @property
    def signature(self) -> str:
        """One line that is equal for two failures exactly when they are the same failure.

        Where a class lives is left out of it: compiled classes are named with their module on some Pythons only. So is
        how much white space there is: protobuf's messages vary it on purpose.
        """
        message = re.sub(r"'(?:\w+\.)+(\w+)' object", r"'\1' object", " ".join(self.message.split()))
        return f"{self.type}: {message} [{self.package or 'test'}]"


class WarningSeen(Record):
    """A warning that `raised_by` raised because of code in `triggered_by`, `count` times."""

    category: str
    raised_by: str
    triggered_by: str
    message: str
    count: int


class TestResult(Record):
    """One test in one run. Seconds of wall clock; memory is the process's high-water mark in MB.

    ``blocked``: a component it needs cannot be imported. ``crashed``, ``timeout`` and ``out-of-memory`` ended the
    process; only a crash can become a break, the others are infrastructure. `artifact` is what it writes or reads;
    `feature` is there where it tests one thing that most users do without.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    test: str
    level: Level
    components: tuple[str, ...]
    outcome: Literal["passed", "failed", "crashed", "timeout", "out-of-memory", "not-applicable", "blocked"]
    reason: str = ""
    seconds: float = 0.0
    memory_mb: float = 0.0
    failure: Failure | None = None
    warnings: tuple[WarningSeen, ...] = ()
    artifact: str = ""
    feature: str = ""


class Environment(Record):
    """What was found installed: distribution to version."""

    distributions: dict[str, str]


class Isolation(Record):
    """How the tests were fenced in; a fence that the system refused is recorded as not there."""

    network: Literal["loopback only", "open"]
    home: Literal["own"] = "own"
    memory_limit_mb: int
    time_limit_s: float


class CellResult(Record):
    """What one run of a cell showed. Seconds of wall clock; `install_seconds` passed until the environment stood."""

    outcome: CellOutcome
    detail: str = ""
    started: dt.datetime
    seconds: float
    install_seconds: float = 0.0
    observed: Environment | None = None
    tests: tuple[TestResult, ...] = ()
    isolation: Isolation | None = None
    log: str = ""


class Evidence(CellResult):
    """One run of one lock. `attempt` counts from 0; a red run is tried again in a new environment as attempt 1.

    `reads` is the key of the evidence on the writer whose artifacts this run read, where it did.
    """

    key: str
    attempt: int
    lock_id: str
    python: str
    interpreter: str
    platform: str
    suite: str
    level: Level
    roots: tuple[str, ...] = ()
    reads: str = ""

    @property
    def id(self) -> str:
        """Content address of this record."""
        return digest(self.key, self.attempt, self.started.isoformat())

    def failures(self) -> tuple[TestResult, ...]:
        """The tests that failed or crashed: what can turn a cell red."""
        return tuple(test for test in self.tests if test.outcome in ("failed", "crashed"))


def evidence_key(
    *, lock_id: str, roots: tuple[str, ...], interpreter: str, platform: str, suite: str, level: Level
) -> str:
    """The address of the answer to one question: everything that a run's result depends on."""
    return digest("evidence", 1, lock_id, sorted(roots), interpreter, platform, suite, level)
