"""The tests of the suite: which of them run, and what their marks say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from .distributions import canonical, outermost_modules
from .interface import DEFAULT_LIMIT, DescribedTest
from .owners import Owners

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import FailureSeen, PluginJob

__all__ = ["LEVELS", "MARKS", "SmokeTests", "modules_to_import"]

#: The levels of tests, the shallowest first.
LEVELS = ("reserved", "resolve", "install", "import", "lower", "compile", "run", "interop", "exchange", "upstream")

#: The marks of smoke tests, as pytest declares them.
MARKS = (
    "uses(*requirements): the distributions that a test uses, with the releases that it is fit for",
    "level(name): how deep a failure of this test lies, import to exchange",
    "thorough: not one of the essential tests, which many cells run alone",
    "alone: needs a process of its own",
    "limit(seconds): time limit of this test, in place of the limits of its components",
    "feature(name): the one feature that this test is about; where it fails, the rest can still work",
    "writes(artifact): leaves this artifact for other environments",
    "reads(artifact): reads this artifact of another environment",
)


def modules_to_import(job: PluginJob) -> list[tuple[str, str, bool]]:
    """The modules that must be importable in this cell, for the test that imports them.

    Returns:
        Distribution, module, and whether the matrix declares the module. For a distribution that the matrix does not
        know, the modules are guessed from the installed files.
    """
    declared = [(distribution, module, True) for distribution, module in job["imports"]]
    guessed = [(name, module, False) for name in job["guesses"] for module in outermost_modules(name)]
    return declared + guessed


class SmokeTests:
    """The tests of the suite.

    Args:
        job: What the process is asked for.
    """

    def __init__(self, job: PluginJob) -> None:
        self._job = job
        self._asked = set(job["tests"])
        self.root = job["suite"]
        self.owners = Owners()

    def paths(self) -> list[str]:
        """The files that pytest collects: those of the tests that are asked for, or else all of the job."""
        if any(self._asked):
            return sorted({test.split("::")[0] for test in self._asked})
        return list(self._job["files"])

    def choose(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """The tests among `items` that the job asks for.

        Shallow levels come first, so that a component that cannot be imported is not tried further.
        """
        return sorted((item for item in items if self._is_chosen(item)), key=lambda item: LEVELS.index(_level(item)))

    def _is_chosen(self, item: pytest.Item) -> bool:
        return (
            (not self._asked or item.nodeid in self._asked)
            and self._is_its_turn(item)
            and LEVELS.index(_level(item)) <= LEVELS.index(self._job["level"])
            and (self._job["thorough"] or not _is_marked(item, "thorough"))
        )

    def _is_its_turn(self, item: pytest.Item) -> bool:
        """Whether a test runs now: tests that write or read artifacts run only when artifacts are written or read."""
        exchange = self._job["exchange"]
        artifact = _artifact(item)
        if exchange is None:
            return not artifact
        if not _is_marked(item, f"{exchange['mode']}s"):
            return False
        return not exchange["artifacts"] or artifact in exchange["artifacts"]

    def describe(self, item: pytest.Item) -> DescribedTest:
        """A test as its marks describe it."""
        uses = _uses(item)
        return DescribedTest(
            test=item.nodeid,
            level=_level(item),
            uses=uses,
            artifact=_artifact(item),
            feature=_argument(item, "feature"),
            limit=self._limit(item, uses),
            alone=_is_marked(item, "alone"),
        )

    def _limit(self, item: pytest.Item, uses: tuple[Requirement, ...]) -> float:
        """The seconds that a test can take: its own limit, or else the longest of the distributions that it uses."""
        mark = item.get_closest_marker("limit")
        if mark is not None:
            return float(mark.args[0])
        limits = self._job["limits"]
        return max((limits.get(canonical(r.name), DEFAULT_LIMIT) for r in uses), default=DEFAULT_LIMIT)

    def excuse(self, error: BaseException, failure: FailureSeen) -> str:  # noqa: ARG002  (see interface.TestSource)
        """Nothing: every error in a smoke test counts."""
        return ""


def _uses(item: pytest.Item) -> tuple[Requirement, ...]:
    """The distributions that a test uses: those of its module first, then of its class and its own."""
    marks = reversed(list(item.iter_markers("uses")))
    requirements = [requirement for mark in marks for requirement in mark.args]
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if "distribution" in parameters:
        requirements.insert(0, parameters["distribution"])
    return tuple(Requirement(requirement) for requirement in requirements)


def _level(item: pytest.Item) -> str:
    return _argument(item, "level") or "interop"


def _artifact(item: pytest.Item) -> str:
    """The artifact that a test writes or reads; empty for most tests."""
    return _argument(item, "writes") or _argument(item, "reads")


def _argument(item: pytest.Item, mark_name: str) -> str:
    """The argument of a mark of a test; empty if the test has no such mark."""
    mark = item.get_closest_marker(mark_name)
    return str(mark.args[0]) if mark is not None else ""


def _is_marked(item: pytest.Item, mark_name: str) -> bool:
    return item.get_closest_marker(mark_name) is not None
