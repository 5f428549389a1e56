"""The protocol between the plugin inside a cell and the supervising process: a job in, a stream of events out.

The job is a JSON file. Its path is the only argument of the plugin. The events are JSON objects, one a line, in the
order in which they happen, in the file that the job names. In the plugin, only type checkers import this module.
"""

from __future__ import annotations

from typing import Literal, TypedDict

__all__ = [
    "ArtifactJob",
    "BrokenSuiteEvent",
    "ClosureEvent",
    "ClosureSeen",
    "CollectedEvent",
    "CollectedTest",
    "DoneEvent",
    "EndEvent",
    "EnvironmentEvent",
    "Event",
    "FailureSeen",
    "ForeignEvent",
    "ImportJob",
    "LostEvent",
    "OwnTestsJob",
    "PluginJob",
    "StartEvent",
    "SweepJob",
    "TestOutcome",
    "UnimportableModule",
    "WarningCount",
    "WatchJob",
    "WrapperWords",
]


#: The outcomes of a test that did not end its process.
TestOutcome = Literal["passed", "failed", "not-applicable", "blocked"]


class ArtifactJob(TypedDict):
    """How the tests of a cell write or read artifacts.

    Attributes:
        mode: ``write`` runs the tests that write artifacts, ``read`` those that read them.
        artifacts: The artifacts whose tests run; all if none is given.
        folder: The folder in which the tests find or leave artifacts.
    """

    mode: Literal["write", "read"]
    artifacts: list[str]
    folder: str


class OwnTestsJob(TypedDict):
    """The tests that a release ships, to be run in place of the suite.

    Attributes:
        distribution: The distribution that ships them.
        folder: The folder with the files of its sdist; empty if the tests are installed.
        files: Patterns of the test files.
        without: Patterns of the tests that are left out.
        lost: Tests and files that failed or ended their process before. Such files are not loaded again.
        until: The time after which no test begins, in seconds since the epoch.
    """

    distribution: str
    folder: str
    files: list[str]
    without: list[str]
    lost: list[str]
    until: float


class ImportJob(TypedDict):
    """A module that must be importable.

    Attributes:
        distribution: The distribution that has the module.
        module: The dotted name of the module.
        requires: Distributions without which the module cannot be imported. Where one is missing, nothing is imported.
        optional: Whether most users do without the module.
        environment: The environment variables with which the module is imported.
    """

    distribution: str
    module: str
    requires: list[str]
    optional: bool
    environment: dict[str, str]


class SweepJob(TypedDict):
    """A distribution all of whose public modules are imported.

    Attributes:
        distribution: The distribution.
        without: Patterns (``*`` allowed) of the modules that are left out.
    """

    distribution: str
    without: list[str]


class UnimportableModule(TypedDict):
    """A module that could not be imported.

    Attributes:
        distributions: The distributions that the test of the import uses.
        module: The module; empty if the test does not say it.
        main: Whether no test of the distributions can run without the module.
        test: The test that showed it.
        limit: What to do about it, if that is a known limit of the distribution; empty for a break.
    """

    distributions: list[str]
    module: str
    main: bool
    test: str
    limit: str


class WrapperWords(TypedDict):
    """What libraries put around the error that identifies a failure.

    Attributes:
        classes: Patterns (``*`` allowed) of the classes of errors that only say something about another error.
        lines: Regular expressions of lines of a message that do not say what is wrong.
    """

    classes: list[str]
    lines: list[str]


class WatchJob(TypedDict):
    """The environment that is watched, so that for each test it is known what it depends on.

    Attributes:
        prefix: The folder of the environment.
        site: The folder in it that the distributions are installed in.
        owners: The path of a file or folder to the distributions that it belongs to.
        looks_for: Module to patterns of the names of the distributions for which its code looks through all of them.
    """

    prefix: str
    site: str
    owners: dict[str, list[str]]
    looks_for: dict[str, list[str]]


class PluginJob(TypedDict):
    """The job of one process of the tests.

    Attributes:
        events: The file that the events are written into.
        tests: The tests that run; all if none is given.
        skip: Tests that are collected and do not run, since their results are known.
        unimportable_tests: Those of `skip` that showed that a module cannot be imported. For each the limit of the
            release that it showed; empty for a break.
        imports: The modules that must be importable.
        guesses: Distributions whose modules are not known, so that the plugin looks for them.
        sweeps: The distributions all of whose public modules are imported.
        modules: For distributions that are not installed, pairs of a module and the versions that have it. An installed
            distribution that has the same modules stands in for one that is not installed.
        distributions: Module to the distribution that has it. So a missing module becomes a distribution to install.
        level: The deepest level of the tests that run.
        thorough: Whether the tests marked ``thorough`` run, too.
        suite: The folder of the tests.
        files: The files in it that are collected.
        limits: The seconds that one test can take, by the distribution that it uses.
        environment: The environment variables that tests asked for, and with which this process was started. Only tests
            that ask for just these run.
        unimportable: The modules that could not be imported in earlier processes.
        helpers: Folders whose modules the tests can import.
        temporary: Folders in which tests make files. Code that is loaded from there is not foreign.
        exchange: How the tests write or read artifacts; None if they do not.
        upstream: The tests of a release to run in place of the suite; None to run the suite.
        wrappers: What libraries put around the error that identifies a failure.
        harness: The folder with pytest.
        watch: The environment to watch; None if it is not watched. Tests of the suite that are watched run in groups,
            each in a process of its own.
    """

    events: str
    tests: list[str]
    skip: list[str]
    unimportable_tests: dict[str, str]
    imports: list[ImportJob]
    guesses: list[str]
    sweeps: list[SweepJob]
    modules: dict[str, list[list[str]]]
    distributions: dict[str, str]
    level: str
    thorough: bool
    suite: str
    files: list[str]
    limits: dict[str, float]
    environment: dict[str, str]
    unimportable: list[UnimportableModule]
    helpers: list[str]
    temporary: list[str]
    exchange: ArtifactJob | None
    upstream: OwnTestsJob | None
    wrappers: WrapperWords
    harness: str
    watch: WatchJob | None


class EnvironmentEvent(TypedDict):
    """The installed distributions with their versions, before the first test and after the last."""

    event: Literal["environment"]
    when: Literal["start", "end"]
    distributions: dict[str, str]


class CollectedTest(TypedDict):
    """A test that pytest found.

    Attributes:
        test: Its name.
        level: Its level.
        components: The installed distributions that it uses.
        artifact: The artifact that it writes or reads; empty for most tests.
        feature: The one feature that it tests; empty for most tests.
        limit: The seconds that it can take.
        alone: Whether it needs a process of its own.
        environment: The environment variables that its process needs.
        module: The module that it imports; empty if it is no test of one import.
        main: Whether no deeper test of `components` can run if it fails; for tests of the level ``import``.
        swept: Whether it is part of a sweep.
    """

    test: str
    level: str
    components: list[str]
    artifact: str
    feature: str
    limit: float
    alone: bool
    environment: dict[str, str]
    module: str
    main: bool
    swept: bool


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
    """A test begins. It can take `limit` seconds. If no end follows, the test ended the process."""

    event: Literal["start"]
    test: str
    limit: float


class FailureSeen(TypedDict, total=False):
    """The failure of a test, with the fields of :class:`stackcompat.evidence.results.Failure`."""

    type: str
    message: str
    packages: list[str]
    package: str
    where: str
    line: str
    bases: list[str]
    code: str
    changed: bool
    traceback: str
    phase: str
    undeclared: str


class WarningCount(TypedDict):
    """A warning of a test, with the fields of :class:`stackcompat.evidence.results.WarningSeen`."""

    category: str
    raised_by: str
    triggered_by: str
    message: str
    count: int


class ClosureSeen(TypedDict):
    """What a test depends on, with the fields of :class:`stackcompat.evidence.closure.Closure`."""

    whole: str
    distributions: list[str]
    absent: list[str]
    unknown: list[str]
    entry_points: list[str]
    listed: list[str]


class ClosureEvent(TypedDict):
    """The closure of the tests of this process from now on. `closure` is the name by which tests refer to it."""

    event: Literal["closure"]
    closure: str
    seen: ClosureSeen


class EndEvent(TypedDict):
    """A test ended. All fields but `event` are those of :class:`stackcompat.evidence.results.TestResult`.

    `closure` names the last closure of the process; None if the environment is not watched.
    """

    event: Literal["end"]
    test: str
    level: str
    components: list[str]
    artifact: str
    feature: str
    outcome: TestOutcome
    reason: str
    seconds: float
    memory_mb: float
    failure: FailureSeen | None
    warnings: list[WarningCount]
    modules: list[str] | None
    closure: str | None


class LostEvent(TypedDict):
    """A test ended the process of its group. `code` is the exit code; a signal is a negative number."""

    event: Literal["lost"]
    test: str
    code: int


class ForeignEvent(TypedDict):
    """Modules that the process of a group loaded from outside the environment."""

    event: Literal["foreign"]
    modules: list[str]


class DoneEvent(TypedDict):
    """The last event. `foreign` names the modules that were loaded from outside the environment."""

    event: Literal["done"]
    foreign: list[str]


Event = (
    EnvironmentEvent
    | CollectedEvent
    | BrokenSuiteEvent
    | StartEvent
    | ClosureEvent
    | EndEvent
    | LostEvent
    | ForeignEvent
    | DoneEvent
)
