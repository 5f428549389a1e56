"""The interface between the hooks and the tests of a process: smoke tests, or tests that a release ships."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    import pytest
    from packaging.requirements import Requirement

    from stackcompat.run.inside.protocol import FailureSeen, WrapperWords

    from .owners import Owners

__all__ = ["DEFAULT_LIMIT", "DescribedTest", "TestSource"]

#: The seconds that a test can take if no limit is given for it.
DEFAULT_LIMIT = 60.0


@dataclass(frozen=True)
class DescribedTest:
    """A test, or a file of tests, as the events describe it.

    Attributes:
        test: Its name.
        level: Its level.
        uses: The distributions that it uses, each with the bounds within which it applies.
        components: For each of `uses`, the installed distribution that the test really uses. It has another name where
            it stands in for the one that the test names.
        artifact: The artifact that it writes or reads; empty for most tests.
        feature: The one feature that it tests; empty for most tests.
        limit: The seconds that it can take.
        alone: Whether it needs a process of its own.
        environment: The environment variables that its process needs.
        module: The module that it imports; empty if it is no test of one import.
        main: Whether no deeper test of `components` can run if it fails; for tests of the level ``import``.
        optional: Whether most users do without `module`.
        swept: Whether it is part of a sweep: of one module, or of none if it stands for the whole sweep.
    """

    test: str
    level: str
    uses: tuple[Requirement, ...]
    components: list[str]
    artifact: str
    feature: str
    limit: float
    alone: bool
    environment: dict[str, str] = field(default_factory=dict)
    module: str = ""
    main: bool = True
    optional: bool = False
    swept: bool = False


class TestSource(Protocol):
    """The source of the tests of a process.

    Attributes:
        root: The folder of the tests. Names of files are relative to it.
        owners: The distributions that the installed files belong to.
        wrappers: What libraries put around the error that identifies a failure.
    """

    root: str
    owners: Owners
    wrappers: WrapperWords

    def has(self, path: str) -> bool:
        """Whether the file with this path is one of the tests."""
        ...

    def paths(self) -> list[str]:
        """The files that pytest collects."""
        ...

    def choose(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """The tests among `items` that the job asks for, in the order in which they run."""
        ...

    def strangers(self, items: list[pytest.Item]) -> list[str]:
        """The files among those of `items` that were not loaded as files of tests are; each in a few words."""
        ...

    def describe(self, item: pytest.Item) -> DescribedTest:
        """Describe a test for the events."""
        ...

    def imported_modules(self, item: pytest.Item) -> Collection[str]:
        """The modules that a test imports, and names in them, dotted."""
        ...

    def excuse(self, error: BaseException, failure: FailureSeen) -> str:
        """Why an error in a test says nothing about releases; empty if it counts as a failure.

        Args:
            error: The error that was raised.
            failure: Its description.
        """
        ...

    def may_skip(self, error: BaseException) -> bool:
        """Whether a skip counts.

        Args:
            error: The error by which the test is skipped.
        """
        ...
