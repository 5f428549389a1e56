"""What passes between the plugin inside a cell and the process that supervises it: one job in, a stream of events out.

The job is a JSON file, whose path is the plugin's only argument. The events are JSON objects, one a line, in the order
in which they happen, in the file that the job names. The plugin imports this file for type checkers alone.
"""

from __future__ import annotations

from typing import Literal, TypedDict

__all__ = [
    "ArtifactJob",
    "BrokenSuiteEvent",
    "CollectedEvent",
    "CollectedTest",
    "DoneEvent",
    "EndEvent",
    "EnvironmentEvent",
    "Event",
    "FailureSeen",
    "Outcome",
    "OwnTestsJob",
    "PluginJob",
    "StartEvent",
    "WarningCount",
]


#: What a run says of a test that did not take its process with it.
Outcome = Literal["passed", "failed", "not-applicable", "blocked"]


class ArtifactJob(TypedDict):
    """What a cell does with artifacts.

    Attributes:
        mode: ``write`` runs the tests that write artifacts, ``read`` those that read them.
        artifacts: The artifacts whose tests run; all artifacts if there are none.
        folder: Where the tests find or leave artifacts.
    """

    mode: Literal["write", "read"]
    artifacts: list[str]
    folder: str


class OwnTestsJob(TypedDict):
    """The tests that a release ships, to be run in place of the suite.

    Attributes:
        distribution: The distribution that ships them.
        folder: The folder with the files of its sdist; empty where the tests are installed.
        files: Patterns of the test files.
        without: Patterns of the tests that are left out.
        lost: Tests and files that failed or ended their process before, and are not loaded again.
        until: The time (seconds since the epoch) after which no test begins.
    """

    distribution: str
    folder: str
    files: list[str]
    without: list[str]
    lost: list[str]
    until: float


class PluginJob(TypedDict):
    """What one process of the tests is asked for.

    Attributes:
        events: The file that the events are written into.
        tests: The tests that run; all tests if there are none.
        imports: Pairs of a distribution and one of its modules, which must be importable.
        guesses: Distributions whose modules are not known, so that the plugin looks for them.
        level: The deepest level of the tests that run.
        thorough: Whether the tests marked ``thorough`` run, too.
        suite: The folder of the tests.
        files: The files in it that are collected.
        limits: The seconds that one test can take, by the distribution that it uses.
        blocked: Distributions that cannot be imported, each with the test that showed it.
        helpers: Folders whose modules the tests may import.
        temporary: Folders in which tests make files. Code that is loaded from there is not foreign.
        exchange: What the tests do with artifacts; None for tests that have none.
        upstream: The tests of a release to run in place of the suite; None for the suite.
        harness: The folder with pytest.
    """

    events: str
    tests: list[str]
    imports: list[list[str]]
    guesses: list[str]
    level: str
    thorough: bool
    suite: str
    files: list[str]
    limits: dict[str, float]
    blocked: dict[str, str]
    helpers: list[str]
    temporary: list[str]
    exchange: ArtifactJob | None
    upstream: OwnTestsJob | None
    harness: str


class EnvironmentEvent(TypedDict):
    """Every distribution that is installed with its version, before the first test and after the last."""

    event: Literal["environment"]
    when: Literal["start", "end"]
    distributions: dict[str, str]


class CollectedTest(TypedDict):
    """A test that pytest found.

    Attributes:
        test: Its name.
        level: How deep a failure of it lies.
        components: The distributions that it uses.
        artifact: What it writes or reads; empty for most tests.
        feature: The one feature that it tests; empty for most tests.
        limit: The seconds that it can take.
        alone: Whether it needs a process of its own.
    """

    test: str
    level: str
    components: list[str]
    artifact: str
    feature: str
    limit: float
    alone: bool


class CollectedEvent(TypedDict):
    """The tests that pytest found. Those that need a process of their own are among them."""

    event: Literal["collected"]
    tests: list[CollectedTest]


class BrokenSuiteEvent(TypedDict):
    """The suite itself is at fault. `where` names the file, and `message` says what is wrong with it."""

    event: Literal["broken-suite"]
    where: str
    message: str


class StartEvent(TypedDict):
    """A test begins. It can take `limit` seconds. If no end follows, the test took the process with it."""

    event: Literal["start"]
    test: str
    limit: float


class FailureSeen(TypedDict, total=False):
    """How a test failed; the fields of :class:`stackcompat.evidence.results.Failure`."""

    type: str
    message: str
    packages: list[str]
    package: str
    where: str
    changed: bool
    traceback: str
    phase: str


class WarningCount(TypedDict):
    """A warning and how often it came; the fields of :class:`stackcompat.evidence.results.WarningSeen`."""

    category: str
    raised_by: str
    triggered_by: str
    message: str
    count: int


class EndEvent(TypedDict):
    """A test ended; all but `event` are fields of :class:`stackcompat.evidence.results.TestResult`."""

    event: Literal["end"]
    test: str
    level: str
    components: list[str]
    artifact: str
    feature: str
    outcome: Outcome
    reason: str
    seconds: float
    memory_mb: float
    failure: FailureSeen | None
    warnings: list[WarningCount]


class DoneEvent(TypedDict):
    """The last event. `foreign` names the modules that were loaded from outside of the environment."""

    event: Literal["done"]
    foreign: list[str]


Event = EnvironmentEvent | CollectedEvent | BrokenSuiteEvent | StartEvent | EndEvent | DoneEvent
