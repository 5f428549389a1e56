"""Whether a failure counts: only where the same test was seen to pass with the same releases. Pure.

The rule for smoke tests that go deeper than an import, and for sweeps: a failure counts against a cell only if, for
every distribution that the test uses, the test was seen to pass with the release that is installed, or with an earlier
one, beside whatever partners. An earlier release is enough, so that a release that breaks on its first day counts. A
test that was never seen to pass with a release does not fit it: it is not judged. Feature tests turn nothing red, so
the rule is not about them; but it is about the modules of a sweep, which nobody has promised to be importable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from packaging.version import InvalidVersion, Version

from stackcompat.ecosystem.components import Components
from stackcompat.evidence.greens import NEEDS_BASELINE, GreenRelease
from stackcompat.evidence.results import TestResult
from stackcompat.verdict.outcomes import TestStatus

__all__ = ["Greens", "hold_against_greens", "is_held_against_greens", "not_judged_clause"]

#: The states of a failing test that the rule is about. One that also passed in the cell was seen to pass there.
_RED_STATES = ("confirmed", "feature-broken", "flaky")

#: What the note on a test that is not judged begins with; reports count the tests with the same rest.
_OUR_TEST = "our test "


class Greens:
    """In which releases each smoke test was seen to pass.

    Args:
        seen: Every test with each release that it passed with.
        components: Say which tests do what the documentation of all releases shows; with these releases they need not
            have passed.
    """

    def __init__(self, seen: Iterable[GreenRelease], components: Components | None = None) -> None:
        self._documented = {
            component.distribution: component.documented_tests
            for component in (components.components if components is not None else ())
            if component.documented_tests
        }
        self._versions: dict[tuple[str, str], set[str]] = {}
        self._lowest: dict[tuple[str, str], Version] = {}
        self._passing: dict[tuple[str, str], int] = {}
        for test, distribution, version in seen:
            parsed = _parsed(version)
            if parsed is None:
                continue
            place = (test, distribution)
            self._versions.setdefault(place, set()).add(version)
            self._lowest[place] = min(parsed, self._lowest.get(place, parsed))

    def versions(self, test: str, distribution: str) -> frozenset[str]:
        """The versions of a distribution with which a test was seen to pass."""
        return frozenset(self._versions.get((test, distribution), ()))

    def earlier_or_same(self, test: str, distribution: str, version: str) -> bool:
        """Whether a test was seen to pass with this version of a distribution, or with an earlier one."""
        lowest, parsed = self._lowest.get((test, distribution)), _parsed(version)
        return lowest is not None and parsed is not None and lowest <= parsed

    def unseen(self, result: TestResult, installed: Mapping[str, str]) -> tuple[str, ...]:
        """The installed distributions that a test uses and was never seen to pass with.

        Args:
            result: The test.
            installed: Distribution to version.

        Returns:
            Their names. The release with which the fewest other tests passed comes first, since the others were seen
            to work with more of the suite; of equals, the one that the test names last, which it is mostly about.
        """
        unseen = [
            name
            for name in result.components
            if name in installed
            and result.test not in self._documented.get(name, ())
            and not self.earlier_or_same(result.test, name, installed[name])
        ]
        places = {name: place for place, name in enumerate(unseen)}
        return tuple(sorted(unseen, key=lambda name: (self._passing_tests(name, installed[name]), -places[name])))

    def _passing_tests(self, distribution: str, version: str) -> int:
        """How many tests were seen to pass with a release, or with an earlier one."""
        release = (distribution, version)
        if release not in self._passing:
            tests = [test for test, name in self._lowest if name == distribution]
            self._passing[release] = sum(self.earlier_or_same(test, distribution, version) for test in tests)
        return self._passing[release]


@lru_cache(maxsize=4096)
def _parsed(version: str) -> Version | None:
    """The version, comparable; None if it is none."""
    try:
        return Version(version)
    except InvalidVersion:
        return None


def is_held_against_greens(status: TestStatus) -> bool:
    """Whether the rule is about a test in this state: it fails, and is deeper than an import or part of a sweep."""
    result = status.result
    deep = result.level in NEEDS_BASELINE and not result.feature
    return status.state in _RED_STATES and (deep or result.modules is not None)


def hold_against_greens(
    statuses: Iterable[TestStatus], installed: Mapping[str, str], greens: Greens
) -> tuple[TestStatus, ...]:
    """The statuses of the tests of one cell, those that do not count as `not-judged`.

    Args:
        statuses: What all runs of each test say.
        installed: Distribution to version in the cell.
        greens: In which releases each test was seen to pass.
    """
    return tuple([_held(status, installed, greens) if status.state in _RED_STATES else status for status in statuses])


def _held(status: TestStatus, installed: Mapping[str, str], greens: Greens) -> TestStatus:
    """The status of a test that fails, as `not-judged` if it does not count."""
    unseen = greens.unseen(status.result, installed) if is_held_against_greens(status) else ()
    if not unseen:
        return status
    release = f"{unseen[0]} {installed[unseen[0]]}"
    return TestStatus("not-judged", status.result, f"{_OUR_TEST}never passed with {release}")


def not_judged_clause(statuses: Sequence[TestStatus]) -> str:
    """How many tests of a cell are not judged, and why; empty if there are none."""
    reasons: dict[str, int] = {}
    for status in statuses:
        if status.state == "not-judged":
            reason = status.note.removeprefix(_OUR_TEST)
            reasons[reason] = reasons.get(reason, 0) + 1
    counts = [f"{number} {'test' if number == 1 else 'tests'} {reason}" for reason, number in reasons.items()]
    return f"not judged: {', '.join(counts)}" if counts else ""
