"""The words of blame: what is asked of probes, what they answer, and what is made of it. Records, and rules on them."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from packaging.version import Version

from stackcompat.core.record import Record
from stackcompat.core.text import and_list
from stackcompat.ecosystem.releases import Catalog, Release
from stackcompat.evidence.results import Failure, TestResult, WarningSeen

__all__ = ["Culprit", "OtherFailure", "Probe", "ProbeAnswer", "RedCell", "SearchResult"]


class Probe(Record):
    """A question: does the failure show with exactly `pins`, which are all that is installed.

    Where there are `free` requirements: with `pins`, and whatever an installer takes for them among what was uploaded
    until `until`. `resolves` asks only whether there is such a set at all.
    """

    pins: dict[str, str] = {}
    free: tuple[str, ...] = ()
    until: dt.datetime | None = None
    resolves: bool = False


class ProbeAnswer(Record):
    """What came of a probe.

    ``pass`` and ``same`` (the failure in question) decide. ``other`` is another failure, with its `signature`;
    ``unresolved`` is what cannot be had, or tells nothing (unresolvable, no wheel, not applicable, flaky); ``infra`` is
    infrastructure. `versions` is what was installed; `ran` whether that needed an environment; `forced` whether
    metadata was overridden.
    """

    outcome: Literal["pass", "same", "other", "unresolved", "infra"]
    versions: dict[str, str] = {}
    signature: str = ""
    detail: str = ""
    ran: bool = False
    forced: bool = False
    warnings: tuple[WarningSeen, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def decides(self) -> bool:
        """Whether it says anything of the failure in question."""
        return self.outcome in ("pass", "same")


class RedCell(Record):
    """What is to be explained: `versions` (all that is installed) make `test` fail on `python`.

    `requirements` are those of the cell; nothing uploaded after `until` is taken. `passing` are sets of versions with
    which the test is known to pass, `sets` requirements that somebody publishes as working together. `near` says that
    what an installer gives is not to be asked for a set that is nearer than the nearest of `passing`.
    """

    versions: dict[str, str]
    test: TestResult
    requirements: tuple[str, ...]
    python: str
    until: dt.datetime | None = None
    passing: tuple[dict[str, str], ...] = ()
    sets: tuple[tuple[str, ...], ...] = ()
    near: bool = False

    def release(self, name: str, catalog: Catalog) -> Release | None:
        """The release of `name` that the red cell has, if the index has it."""
        return catalog.project(name).find(self.versions[name]) if name in self.versions else None

    @property
    def failure(self) -> Failure:
        """Why the test failed."""
        return self.test.failure or Failure(type="", message=self.test.reason)


class Culprit(Record):
    """A member of the culprit set, and its releases around the red one, the others held.

    `last_good` is the release before `first_bad`, where there is one that passes: else it never passed before
    (`never_passed`). `fixed_in` is the first later release that passes. `unresolved` are releases that could not be
    judged. Later and earlier are by upload: `skipped` are those that lie between the edges by version, and not by
    upload. `shown_by`: ``moving`` it alone makes the test pass; ``contrast``: it could not be parted from others that
    have to move along with it, and the failure names it; ``traceback``: the failure comes out of the only other member,
    which it called, and no release of it is known to pass; ``metadata``: the resolver said so.
    """

    name: str
    version: str
    last_good: str | None = None
    first_bad: str | None = None
    fixed_in: str | None = None
    never_passed: bool = False
    unresolved: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    shown_by: Literal["moving", "contrast", "traceback", "metadata"] = "moving"

    def red(self, version: Version) -> bool:
        """Whether a version is in the stretch of its releases that was found to be red."""
        before = self.last_good is not None and version <= Version(self.last_good)
        return (
            not before
            and version not in map(Version, self.skipped)
            and (self.fixed_in is None or version < Version(self.fixed_in))
        )

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The unresolved releases between the last good and the first bad: it may have been any of them that broke."""
        if self.last_good is None or self.first_bad is None:
            return ()
        good, bad = Version(self.last_good), Version(self.first_bad)
        return tuple(one for one in self.unresolved if good < Version(one) < bad)

    def sentence(self) -> str:
        """Where the red stretch of its releases begins and ends, or how else it is known to be a member."""
        name, version = self.name, self.version
        if self.shown_by == "traceback":
            return f"{name} {version} calls it; no release of {name} was seen to do otherwise"
        if self.shown_by == "contrast":
            return f"{name} {version} is among what cannot be moved apart from each other, and the failure names it"
        if self.shown_by == "metadata" and self.last_good is None and self.fixed_in is None:
            return f"{name} {version} is part of it by what metadata says"
        if self.last_good is not None and self.unjudged:
            said = f"{name} broke between {self.last_good}, the last good, and {self.first_bad}, the first bad: "
            said += f"{and_list(self.unjudged)} could not be judged"
        elif self.last_good is not None:
            said = f"{name} {self.last_good} was the last good, {self.first_bad} the first bad"
        else:
            said = f"no release of {name} before {version} was seen to pass"
        return said + (f"; it passes again from {self.fixed_in} on" if self.fixed_in else "; nothing newer passes")


class OtherFailure(Record):
    """Another failure that was met on the way: how the set differed from the red one, and what it said."""

    moved: dict[str, str]
    signature: str
    evidence: tuple[str, ...] = ()


class SearchResult(Record):
    """What a search found.

    `probes` environments were asked for, `forced` of them against metadata; `linear` is how many it would have taken to
    move each suspect (whom the failure names, whom the test uses, what the cell asks for) release by release. `doubt`
    says in a sentence why the set may be incomplete; empty when the members were shown to be enough and each to be
    needed. `passing` is the nearest set that passes. `warnings` are what was said in the last good release of each
    member that was run, by its name. `infra` probes were kept from an answer by the machine or the index.
    """

    culprits: tuple[Culprit, ...] = ()
    findings: tuple[OtherFailure, ...] = ()
    probes: int = 0
    linear: int = 0
    forced: int = 0
    infra: int = 0
    doubt: str = ""
    passing: dict[str, str] = {}
    warnings: dict[str, tuple[WarningSeen, ...]] = {}
    evidence: tuple[str, ...] = ()
