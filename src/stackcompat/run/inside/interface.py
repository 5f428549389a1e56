"""What the hooks need to know of the tests that a process runs: smoke tests, or tests that a release ships."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .distributions import canonical

if TYPE_CHECKING:
    import pytest
    from packaging.requirements import Requirement

    from stackcompat.run.inside.protocol import FailureSeen

    from .owners import Owners

__all__ = ["DEFAULT_LIMIT", "DescribedTest", "TestSource"]

#: The seconds that a test can take where nothing says otherwise.
DEFAULT_LIMIT = 60.0


@dataclass(frozen=True)
class DescribedTest:
    """A test, or a file of tests, as the events describe it.

    Attributes:
        test: Its name.
        level: How deep a failure of it lies.
        uses: The distributions that it uses, each with the releases that it is fit for.
        artifact: The artifact that it writes or reads; empty for most tests.
        feature: The one feature that it tests; empty for most tests.
        limit: The seconds that it can take.
        alone: Whether it needs a process of its own.
    """

    test: str
    level: str
    uses: tuple[Requirement, ...]
    artifact: str
    feature: str
    limit: float
    alone: bool

    @property
    def components(self) -> list[str]:
        """The names of the distributions that it uses."""
        return [canonical(requirement.name) for requirement in self.uses]


class TestSource(Protocol):
    """Where the tests of a process come from.

    Attributes:
        root: The folder that names of files are relative to.
        owners: The distributions that the installed files belong to.
    """

    root: str
    owners: Owners

    def paths(self) -> list[str]:
        """The files that pytest collects."""
        ...

    def choose(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """The tests among `items` that the job asks for, in the order in which they run."""
        ...

    def describe(self, item: pytest.Item) -> DescribedTest:
        """A test as the events describe it."""
        ...

    def excuse(self, error: BaseException, failure: FailureSeen) -> str:
        """Why an error in a test says nothing about releases; empty if it counts as a failure.

        Args:
            error: What was raised.
            failure: The failure that it would be.
        """
        ...
