"""The subject of a search, its questions, and their answers. Pure.

A search is a generator: it yields probes, is sent an answer to each, and returns what it found. Its driver decides
where the answers come from: a store, a machine, or a made-up world.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator
from typing import Literal, TypeVar

from stackcompat.core.record import Record
from stackcompat.ecosystem.releases import Catalog, Release
from stackcompat.evidence.results import Failure, TestResult, WarningSeen

__all__ = ["Probe", "ProbeAnswer", "ProbeOutcome", "RedCell", "Search", "Value"]

#: What an answer says of the failure that is searched for. ``pass``: the test passes. ``same``: it fails in the same
#: way. ``other``: it fails in another way. ``unresolved``: it is not known there, since the set does not resolve or
#: has no wheel, or the test does not apply or is flaky. ``infra``: the machine or the index kept the probe from an
#: answer.
ProbeOutcome = Literal["pass", "same", "other", "unresolved", "infra"]


class RedCell(Record):
    """The failure that a search is to explain.

    Attributes:
        versions: All that is installed in the cell, by name.
        test: The failing test.
        requirements: What the cell asks for.
        python: The Python of the cell, such as ``3.12``.
        until: Releases that were uploaded later are not taken; None: no limit.
        passing: Sets of versions with which the test is known to pass.
        sets: Sets of requirements that somebody publishes as working together.
        working: Sets of versions with which every test is known to pass, not only the failing one.
        near: Whether to take the nearest of `passing` however far it is, without trying fresh sets.
        is_cell: Whether a set can be tried with every test. A crossing has only the one.
    """

    versions: dict[str, str]
    test: TestResult
    requirements: tuple[str, ...]
    python: str
    until: dt.datetime | None = None
    passing: tuple[dict[str, str], ...] = ()
    sets: tuple[tuple[str, ...], ...] = ()
    working: tuple[dict[str, str], ...] = ()
    near: bool = False
    is_cell: bool = True

    def release(self, name: str, catalog: Catalog) -> Release | None:
        """The release of `name` that the cell has; None where the cell has none, or the index does not know it."""
        return catalog.project(name).find(self.versions[name]) if name in self.versions else None

    @property
    def failure(self) -> Failure:
        """Why the test failed."""
        return self.test.failure or Failure(type="", message=self.test.reason)


class Probe(Record):
    """A question: does the failure show with these versions?

    Attributes:
        pins: Versions that are held. Without `free`, they are all that is installed.
        free: Requirements for which the installer chooses releases.
        until: The installer chooses among releases that were uploaded until then; None: no limit.
        resolves: Whether to ask only if the set resolves, without running anything.
        every_test: Whether to run every test that applies, not only the failing one. The answer ``pass`` then means
            that a cell with these versions works.
    """

    pins: dict[str, str] = {}
    free: tuple[str, ...] = ()
    until: dt.datetime | None = None
    resolves: bool = False
    every_test: bool = False


class ProbeAnswer(Record):
    """The answer to a probe.

    Attributes:
        outcome: What it says of the failure that is searched for.
        versions: All that was installed.
        signature: The signature of the failure, if it is another one.
        detail: Why the probe says nothing of the failure.
        ran: Whether the probe needed an environment.
        forced: Whether metadata forbids these versions together and was overridden.
        warnings: What the test warned of.
        evidence: The ids of the runs.
    """

    outcome: ProbeOutcome
    versions: dict[str, str] = {}
    signature: str = ""
    detail: str = ""
    ran: bool = False
    forced: bool = False
    warnings: tuple[WarningSeen, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def decides(self) -> bool:
        """Whether the answer says that the failure shows, or that the test passes."""
        return self.outcome in ("pass", "same")


Value = TypeVar("Value")


#: A search, or a part of one: it yields probes, is sent their answers, and returns a value.
Search = Generator[Probe, ProbeAnswer, Value]
