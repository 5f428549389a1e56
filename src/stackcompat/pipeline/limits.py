"""The limits that runs showed, so that cells can confirm each other's; see :mod:`stackcompat.verdict.confirmation`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stackcompat.evidence.results import Evidence
from stackcompat.evidence.store import Store
from stackcompat.verdict.confirmation import LimitSeen, confirmation, limits_seen, unconfirmed_limits

__all__ = ["KnownLimits"]

#: How many earlier runs with a limit are compared with a new one.
_MOST_RUNS = 50


class KnownLimits:
    """The limits that runs of this execution showed, and those of earlier ones where they are needed.

    Args:
        store: Has the earlier runs, and gets the confirmations.
        alone: Whether earlier runs confirm nothing.
    """

    def __init__(self, store: Store, *, alone: bool = False) -> None:
        self._store = store
        self._alone = alone
        self._seen: dict[str, list[LimitSeen]] = {}
        self._asked: set[str] = set()

    def learn(self, runs: Iterable[Evidence]) -> None:
        """Note the limits that runs showed."""
        for run in runs:
            for seen in limits_seen(run):
                self._seen.setdefault(seen.result.test, []).append(seen)

    def confirm(self, runs: Sequence[Evidence]) -> list[Evidence]:
        """Confirm limits of a cell by runs of other cells.

        Args:
            runs: All runs of the cell, oldest first.

        Returns:
            The records that confirm them, at most two. They are in the store.
        """
        found: list[Evidence] = []
        for from_store in (False,) if self._alone else (False, True):
            tests = sorted({seen.result.test for seen in unconfirmed_limits([*runs, *found])})
            if from_store:
                self._ask_store(tests)
            record = confirmation([*runs, *found], [seen for test in tests for seen in self._seen.get(test, ())])
            if record is not None:
                self._store.add(record)
                found.append(record)
        return found

    def _ask_store(self, tests: Iterable[str]) -> None:
        """Note the earlier runs in which these feature tests failed."""
        for test in tests:
            if test not in self._asked:
                self._asked.add(test)
                self.learn(self._store.with_limit(test, _MOST_RUNS))
