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

#: What a machine without a network says, by whichever library.
NO_NETWORK = (
    r"temporary failure in name resolution|name or service not known|network is unreachable"
    r"|(?:failed to|could not) resolve (?:address|host)"
)


#: How a run as a whole ended. ``ran``: the tests have outcomes of their own. ``uninstallable``: the lock does not
#: install. ``invalid``: the environment is not what was asked for. All others are infrastructure: they say nothing
#: about compatibility.
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
    """Why a test failed.

    Attributes:
        type: The exception's class, with its module.
        message: The exception's message.
        package: The deepest distribution on the traceback; empty if there is none.
        packages: The distributions on the traceback, deepest last.
        where: Module and function in which the exception was raised.
        phase: The phase of the test that failed: set-up, call or tear-down.
        traceback: The traceback as Python prints it.
        changed: Whether the test says by this failure that what it computed anew has other values. Nothing is broken
            then.
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
        """Type, normalised message and deepest package in one line, equal exactly for equal failures.

        The module of a class is left out of the message: compiled classes are named with it on some Pythons only. The
        amount of white space does not matter: protobuf's messages vary it on purpose.
        """
        message = re.sub(r"'(?:\w+\.)+(\w+)' object", r"'\1' object", " ".join(self.message.split()))
        return f"{self.type}: {message} [{self.package or 'test'}]"


class WarningSeen(Record):
    """A warning that was raised during a test.

    Attributes:
        category: Its class.
        raised_by: The distribution that raised it.
        triggered_by: The distribution whose code made it do so.
        message: Its text.
        count: How often it was raised.
    """

    category: str
    raised_by: str
    triggered_by: str
    message: str
    count: int


class TestResult(Record):
    """One test in one run.

    Attributes:
        test: Its id.
        level: How deep it goes.
        components: The distributions that it exercises.
        outcome: ``blocked``: a component that it needs cannot be imported. ``crashed``, ``timeout`` and
            ``out-of-memory`` ended the process; only a crash can become a break, the others are infrastructure.
        reason: Why it has this outcome, if no exception tells.
        seconds: Wall clock.
        memory_mb: The high-water mark of the process, in MB.
        failure: The exception that failed it.
        warnings: What was warned of meanwhile.
        artifact: The artifact that it writes or reads.
        feature: The feature that it tests, if that is one that most users do without.
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
    """What was found installed.

    Attributes:
        distributions: Distribution to version.
    """

    distributions: dict[str, str]


class Isolation(Record):
    """How the tests were isolated. An isolation that the system refuses is recorded as missing.

    Attributes:
        network: Whether the network was cut.
        home: The tests have a home folder of their own.
        memory_limit_mb: Memory limit of the cell, in MB.
        time_limit_s: Time limit of the cell, in seconds.
    """

    network: Literal["loopback only", "open"]
    home: Literal["own"] = "own"
    memory_limit_mb: int
    time_limit_s: float


class CellResult(Record):
    """What one run of a cell showed.

    Attributes:
        outcome: How the run ended.
        detail: Why it ended so, in one sentence.
        started: When it began.
        seconds: Wall clock of the whole run.
        install_seconds: Wall clock until the environment was installed.
        observed: What was found installed.
        tests: What each test showed.
        isolation: How the tests were isolated.
        log: The end of what the run printed.
    """

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
    """One run of one lock, for good.

    Attributes:
        key: The address of the question that it answers, see :func:`evidence_key`.
        attempt: Counts from 0; a red run is tried again in a new environment as attempt 1.
        lock_id: The lock.
        python: Its Python.
        interpreter: Implementation and full version of the interpreter.
        platform: The platform.
        suite: The digest of the tests.
        level: How deep the tests were to go.
        roots: The distributions that were asked for by name.
        reads: The key of the evidence on the writer whose artifacts this run read; empty if it read none.
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
    """The address of the evidence on one question: a digest of everything that the result of a run depends on.

    Args:
        lock_id: The lock.
        roots: The distributions that were asked for by name.
        interpreter: Implementation and full version of the interpreter.
        platform: The platform.
        suite: The digest of the tests.
        level: How deep the tests are to go.
    """
    return digest("evidence", 1, lock_id, sorted(roots), interpreter, platform, suite, level)
