"""The result of one run of one lock, as records that never change.

The key of evidence is made from everything that the result depends on: lock, roots, interpreter, platform, tests,
level and hardware. So the same question is not run twice: the store (:mod:`stackcompat.evidence.store`) has the answer.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from stackcompat.core.record import Record, digest
from stackcompat.core.vocabulary import Level
from stackcompat.evidence.closure import Closure, Surface

__all__ = [
    "NO_NETWORK",
    "CellOutcome",
    "CellResult",
    "CompilerCacheUse",
    "Environment",
    "Evidence",
    "Failure",
    "Isolation",
    "Reused",
    "TestResult",
    "WarningSeen",
    "evidence_key",
]

#: The messages of different libraries on a machine without a network, as a pattern.
NO_NETWORK = (
    r"temporary failure in name resolution|name or service not known|network is unreachable"
    r"|(?:failed to|could not) resolve (?:address|host)"
)


#: The outcome of a whole run. ``ran``: the tests have outcomes of their own. ``uninstallable``: the lock does not
#: install. ``invalid``: the environment is not what was asked for. All other outcomes are infrastructure and say
#: nothing about compatibility.
CellOutcome = Literal[
    "ran",
    "uninstallable",
    "invalid",
    "timeout",
    "out-of-memory",
    "disk-full",
    "index-unreachable",
    "damaged-download",
    "no-wheel-for-platform",
    "interpreter-missing",
    "suite-broken",
    "crashed",
]


class Failure(Record):
    """Why a test failed.

    Attributes:
        type: The class of the exception, with its module.
        message: The message of the exception.
        package: The deepest distribution on the traceback; empty if there is none.
        packages: All distributions on the traceback, deepest last.
        where: Module and function in which the exception was raised.
        line: File and line of the test that ran when the exception was raised, such as ``test_a.py:12``; empty if that
            is not known.
        bases: The classes that the class of the exception derives from, with their modules.
        code: The system's name of the error, such as ``ENOSPC``, or the status of the response of a server, such as
            ``HTTP 503``; empty for other exceptions.
        phase: The phase of the test that failed: set-up, call or tear-down.
        traceback: The traceback as Python prints it.
        changed: Whether the failure means only that the test computed other values than before. Then nothing is broken.
        undeclared: The distribution that an import lacks and that `package` does not declare; empty for other failures.
    """

    type: str
    message: str
    package: str = ""
    packages: tuple[str, ...] = ()
    where: str = ""
    line: str = ""
    bases: tuple[str, ...] = ()
    code: str = ""
    phase: str = "call"
    traceback: str = ""
    changed: bool = False
    undeclared: str = ""

    @property
    def signature(self) -> str:
        """The type, the normalised message and the deepest package in one line.

        White space in the message is normalised, since protobuf varies it on purpose. So are names of classes: some
        Pythons name a compiled class with its module, others without.
        """
        message = re.sub(r"'(?:\w+\.)+(\w+)' object", r"'\1' object", " ".join(self.message.split()))
        return f"{self.type}: {message} [{self.package or 'test'}]"


class WarningSeen(Record):
    """A warning that was raised during a test.

    Attributes:
        category: The class of the warning.
        raised_by: The distribution that raised the warning.
        triggered_by: The distribution whose code triggered the warning.
        message: The text of the warning.
        count: How often it was raised.
    """

    category: str
    raised_by: str
    triggered_by: str
    message: str
    count: int


class Reused(Record):
    """Where a result comes from that was seen in another run, because it holds here as well.

    Attributes:
        evidence: The id of the run that showed the result.
        cell: The id of the cell of that run.
        label: The label of that cell.
        lock_id: The id of the lock of that run.
        seen: When that run began.
        runs: How many runs, each in an environment of its own, showed the same. A failure is reused only after two.
    """

    evidence: str
    cell: str
    label: str
    lock_id: str
    seen: dt.datetime
    runs: int


class TestResult(Record):
    """The result of one test in one run.

    Attributes:
        test: The id of the test.
        level: The level of the test.
        components: The distributions that the test exercises.
        outcome: ``blocked``: a distribution that the test exercises cannot be imported. ``crashed``, ``timeout`` and
            ``out-of-memory`` ended the process. Of these only ``crashed`` can become a break; the others are
            infrastructure.
        reason: Why the test has this outcome, if no exception shows it. For a limit of a release: what to do about it.
        seconds: The wall clock that the test took.
        memory_mb: The highest memory of the process so far, in MB.
        failure: The exception that failed the test.
        warnings: The warnings that were raised during the test.
        artifact: The artifact that the test writes or reads; empty for most tests.
        feature: The one feature that a feature test is about; empty for all other tests.
        closure: The place of its closure in :attr:`CellResult.closures`; None if what it depends on is not known. Then
            it can depend on the whole lock.
        reused: The run that showed the result, if that was not the run that has it; None for a test that ran.
        confirmed_by: The id of the run of another cell that showed the same failure with the same versions of what is
            on the traceback; empty for the result of an environment (:mod:`stackcompat.verdict.confirmation`).
        modules: Of a result of a sweep, the modules that it is about: all that could be imported, or those that fail
            in the same way; None for any other test. See :mod:`stackcompat.evidence.sweep`.
        lost: Of the result of a whole sweep, the tests of the modules that could not be imported. A test stands for
            all modules that fail in the same way.
    """

    __test__ = False  # pytest would collect a class with this name

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
    closure: int | None = None
    reused: Reused | None = None
    confirmed_by: str = ""
    modules: tuple[str, ...] | None = None
    lost: tuple[str, ...] = ()


class Environment(Record):
    """The distributions that were found in an environment.

    Attributes:
        distributions: Distribution to version.
    """

    distributions: dict[str, str]


class Isolation(Record):
    """How the tests of a cell were isolated.

    Attributes:
        network: ``open`` where the system does not allow that the network is cut.
        sandbox: Which program closed the cell: its processes, its files and its users; ``none`` if it was open but for
            the network. Evidence from before there was a sandbox has ``none``.
        home: The home folder that the tests see: always one of their own.
        memory_limit_mb: The memory limit of the cell, in MB.
        time_limit_s: The time limit of the cell, in seconds.
    """

    network: Literal["loopback only", "open"]
    sandbox: Literal["bubblewrap", "none"] = "none"
    home: Literal["own"] = "own"
    memory_limit_mb: int
    time_limit_s: float

    @property
    def level(self) -> Literal["bubblewrap", "namespaces", "open"]:
        """How far the cell was closed: in a sandbox, by a cut network alone, or not at all."""
        if self.sandbox == "bubblewrap":
            return "bubblewrap"
        return "open" if self.network == "open" else "namespaces"


class CompilerCacheUse(Record):
    """The use of a compiler's cache by the tests of a run.

    Attributes:
        distribution: The distribution that has the compiler.
        found: How many programs of other cells the tests could use.
        added: How many programs of this run other cells can use.
    """

    distribution: str
    found: int
    added: int = 0


class CellResult(Record):
    """The result of one run of a cell.

    Attributes:
        outcome: The outcome of the whole run.
        detail: Why the run has this outcome, in one sentence; empty if the tests ran.
        started: When the run began.
        seconds: The wall clock of the whole run.
        install_seconds: The wall clock until the environment was installed.
        observed: The installed distributions; None if nothing could be run in the environment, or if it was not what
            was asked for.
        tests: The results of the tests.
        isolation: How the tests were isolated.
        log: The end of the output of the run.
        closures: What the tests were seen to depend on. Tests with equal closures share one.
        surfaces: Distribution to its surface, for the installed distributions whose surface is known.
        skipped: The tests that were collected and not run because their results are known, in order of collection.
        compiler_caches: The compilers' caches with which the tests ran; empty if each test compiled its own programs.
        failed_with_caches: Tests that passed in this run without compilers' caches, and then failed with them.
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
    closures: tuple[Closure, ...] = ()
    surfaces: dict[str, Surface] = {}
    skipped: tuple[str, ...] = ()
    compiler_caches: tuple[CompilerCacheUse, ...] = ()
    failed_with_caches: tuple[TestResult, ...] = ()


class Evidence(CellResult):
    """The record of one run of one lock. It never changes.

    Attributes:
        key: The address of the question that the run answers, see :func:`evidence_key`.
        attempt: The number of the run for this question, from 0. A red run is tried again as attempt 1.
        lock_id: The id of the lock.
        python: The Python of the lock.
        interpreter: Implementation and full version of the interpreter.
        platform: The platform of the lock.
        suite: The digest of the tests.
        level: The deepest level of the tests that were to run.
        roots: The distributions that were asked for by name.
        reads: The key of the evidence on the writer whose artifacts this run read; empty if it read none.
        hardware: The accelerators of the machine, or the name that a person gave it; empty for a CPU alone.
        variables: The caller's variables that reached the tests and can change their results.
        surfaces: As in :class:`CellResult`. They are no part of the stored record, since they are the same in every
            environment that has the release.
        skipped: As in :class:`CellResult`. The tests that were not run are among `tests`, so that these names are no
            part of the stored record.
    """

    surfaces: dict[str, Surface] = Field(default={}, exclude=True)
    skipped: tuple[str, ...] = Field(default=(), exclude=True)
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
    hardware: str = ""
    variables: dict[str, str] = {}

    @property
    def id(self) -> str:
        """The content address of this record."""
        return digest(self.key, self.attempt, self.started.isoformat())

    @property
    def made_environment(self) -> bool:
        """Whether an environment was made for it. None is, if other cells show every result."""
        return self.outcome != "ran" or self.observed is not None

    @property
    def seen(self) -> dt.datetime:
        """When the oldest of its results was seen: its start, or that of an earlier run whose result it reuses."""
        return min([self.started, *(test.reused.seen for test in self.tests if test.reused is not None)])

    @property
    def is_confirmation(self) -> bool:
        """Whether the record only says which runs of other cells confirm limits of this one."""
        return any(result.confirmed_by for result in self.tests)

    def failures(self) -> tuple[TestResult, ...]:
        """The tests that failed or crashed. Only these can turn a cell red."""
        return tuple(test for test in self.tests if test.outcome in ("failed", "crashed"))


def evidence_key(
    *,
    lock_id: str,
    roots: tuple[str, ...],
    interpreter: str,
    platform: str,
    suite: str,
    level: Level,
    hardware: str = "",
    variables: Mapping[str, str] | None = None,
) -> str:
    """The key of evidence: a digest of everything that the result of a run depends on.

    Args:
        lock_id: The id of the lock.
        roots: The distributions that were asked for by name.
        interpreter: Implementation and full version of the interpreter.
        platform: The platform.
        suite: The digest of the tests.
        level: The deepest level of the tests that run.
        hardware: The accelerators of the machine, or its name; empty for a CPU alone.
        variables: The caller's variables that reach the tests and can change their results; None for no variables.
    """
    # What came later is left out where it is empty, so that older evidence keeps its key.
    machine = [{"hardware": hardware, "variables": dict(variables or {})}] if hardware or variables else []
    return digest("evidence", 1, lock_id, sorted(roots), interpreter, platform, suite, level, *machine)
