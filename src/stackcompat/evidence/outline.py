"""Evidence as verdicts and tables need it: without logs, closures, and the measurements of tests that did not fail.

Tables hold the evidence on all cells at once. Most results of a test are equal then. The store has each of them once,
outlines of evidence name them by their addresses, and in memory they are one object.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from stackcompat.core.record import digest, read_stored
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import RunRecord
from stackcompat.resolve.lock import Pin

__all__ = ["Outline", "Outlines", "SharedPins", "outline_of"]

#: The outcomes of which no verdict reads how long the test took in one run.
_NOT_MEASURED = frozenset(("passed", "not-applicable", "blocked"))


class Outline(NamedTuple):
    """A record of evidence as tables need it, and its results apart from it.

    Attributes:
        record: The record as JSON, without its log and closures. It has the addresses of the results and the seconds
            that the tests took, in place of the results.
        results: The results as JSON, by their addresses.
    """

    record: str
    results: dict[str, str]


def outline_of(text: str) -> Outline:
    """The outline of a record of evidence.

    Args:
        text: The record as it is stored.

    Raises:
        ValueError: The text is no such record.
    """
    record = from_json(text)
    try:
        seconds = [result.get("seconds", 0.0) for result in record["tests"]]
        results = [_json(_without_particulars(result)) for result in record["tests"]]
    except (AttributeError, KeyError, TypeError) as error:
        read_stored(Evidence, text)  # says what is wrong with it
        raise ValueError("no evidence") from error
    addresses = [digest(result) for result in results]
    outline = record | {"log": "", "closures": [], "tests": [], "results": addresses, "test_seconds": seconds}
    return Outline(_json(outline), dict(zip(addresses, results, strict=True)))


def _without_particulars(result: dict[str, Any]) -> dict[str, Any]:
    """The result of a test without what differs in each run and is not read, if the test did not fail."""
    if result["outcome"] not in _NOT_MEASURED or result.get("failure") is not None:
        return result | {"closure": None}
    return result | {"closure": None, "seconds": 0.0, "memory_mb": 0.0}


def _json(value: dict[str, Any]) -> str:
    return to_json(value).decode()


class Outlines:
    """Reads the outlines of evidence in little memory.

    Args:
        results_of: Gives stored results by their addresses.
    """

    def __init__(self, results_of: Callable[[Collection[str]], Mapping[str, str]]) -> None:
        self._results_of = results_of
        self._results: dict[str, TestResult] = {}
        self._longest: dict[str, dict[str, float]] = {}

    @property
    def longest(self) -> dict[tuple[str, str], float]:
        """The seconds that tests took at most where they passed, by platform and test, in all that was read."""
        tables = self._longest.items()
        return {(platform, test): seconds for platform, table in tables for test, seconds in table.items()}

    def read(self, texts: Iterable[str | None]) -> tuple[Evidence | None, ...]:
        """Read the records of outlines.

        Args:
            texts: The records; None where there is none.

        Returns:
            The evidence in the same order; None for what is no outline, or lacks a result.
        """
        records = [_read_outline(text) for text in texts]
        lacking = {address for record in records if record for address in record["results"]} - self._results.keys()
        for address, result in self._results_of(lacking).items():
            with suppress(ValueError):
                self._results[address] = read_stored(TestResult, result)
        return tuple(map(self._evidence, records))

    def add(self, outline: Outline) -> Evidence | None:
        """The evidence of an outline that was made of a whole record; None if it is not all there."""
        self._results |= {address: read_stored(TestResult, text) for address, text in outline.results.items()}
        return self._evidence(_read_outline(outline.record))

    def _evidence(self, record: dict[str, Any] | None) -> Evidence | None:
        """The evidence of an outline; None if it is none, or if a result of it is not known."""
        if record is None:
            return None
        try:
            tests = tuple([self._results[address] for address in record["results"]])
            evidence = Evidence.model_validate(record | {"tests": tests}, extra="ignore")
            if evidence.outcome == "ran":
                self._note_passes(evidence.platform, tests, record["test_seconds"])
        except (LookupError, TypeError, ValueError):
            return None
        return evidence

    def _note_passes(self, platform: str, results: Sequence[TestResult], took: Sequence[float]) -> None:
        """Note how long the tests of a run took that passed."""
        longest = self._longest.setdefault(platform, {})
        for result, seconds in zip(results, took, strict=True):
            if result.outcome == "passed" and seconds > longest.get(result.test, -1.0):
                longest[result.test] = seconds


def _read_outline(text: str | None) -> dict[str, Any] | None:
    """The fields of an outline; None if it is none."""
    with suppress(ValueError):
        record = from_json(text) if text is not None else None
        if isinstance(record, dict) and all(isinstance(address, str) for address in record.get("results", [None])):
            return record
    return None


class SharedPins:
    """Reads stored records of executions. Equal pins of their locks are one object."""

    def __init__(self) -> None:
        self._pins: dict[bytes, Pin] = {}

    def read(self, text: str) -> RunRecord:
        """Read a stored record.

        Raises:
            ValueError: The text is no such record.
        """
        record = from_json(text)
        try:
            cells = [*record["cells"], *(record.get("exchange") or {"cells": ()})["cells"]]
            locks = [lock for cell in cells if (lock := cell["resolution"].get("lock"))]
            for lock in locks:
                lock["pins"] = tuple(map(self._shared, lock["pins"]))
        except (KeyError, TypeError, AttributeError):
            return read_stored(RunRecord, text)  # says what is wrong with it
        return RunRecord.model_validate(record, extra="ignore")

    def _shared(self, pin: dict[str, Any]) -> Pin:
        """The pin; the same object as an equal one before."""
        address = to_json(pin)
        shared = self._pins.get(address)
        if shared is None:
            shared = self._pins[address] = Pin.model_validate(pin, extra="ignore")
        return shared
