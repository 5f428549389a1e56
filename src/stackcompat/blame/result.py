"""What a search finds: the members of the culprit, with their edges, and what else it met. Pure."""

from __future__ import annotations

from typing import Literal

from packaging.version import Version

from stackcompat.core.record import Record
from stackcompat.core.text import and_list
from stackcompat.evidence.results import WarningSeen

__all__ = ["Culprit", "OtherFailure", "SearchResult"]


class Culprit(Record):
    """A member of the culprit: a distribution, with its releases around the red one while all else is held.

    Releases are ordered by their uploads.

    Attributes:
        name: The distribution.
        version: Its release in the red cell.
        last_good: The last release before `first_bad` that passes the failing test, if every other test passes with it
            as well; else None.
        first_bad: The first release of the red stretch.
        fixed_in: The first later release that passes the failing test; None where none was seen to pass.
        last_passing: The last release before `first_bad` that passes the failing test, whatever other tests do; None
            where no earlier release was seen to pass, and in records that are older than this field.
        reservation: Why `last_passing` is not called good, in a few words; empty where it is, or where it is not known.
        never_passed: Whether there are earlier releases of which none was seen to pass.
        red: The releases of the red stretch with which the test was seen to fail.
        unresolved: Releases that could not be judged.
        skipped: Releases that lie between the edges by their version, but not by their upload.
        shown_by: How it is known to be a member. ``moving``: the test passes when it alone is moved. ``contrast``: it
            could not be moved apart from others, and the failure names it. ``traceback``: it called the only other
            member, and no release of it is known to pass. ``metadata``: the resolver said so.
    """

    name: str
    version: str
    last_good: str | None = None
    first_bad: str | None = None
    fixed_in: str | None = None
    last_passing: str | None = None
    reservation: str = ""
    never_passed: bool = False
    red: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    shown_by: Literal["moving", "contrast", "traceback", "metadata"] = "moving"

    @property
    def passes_before(self) -> str | None:
        """The last release before the red stretch that passes the failing test."""
        return self.last_passing or self.last_good

    def is_red(self, version: Version) -> bool:
        """Whether the test was seen to fail with `version`."""
        return str(version) == self.version or version in map(Version, self.red)

    def is_in_stretch(self, version: Version) -> bool:
        """Whether `version` is in the red stretch, seen to fail or not. Without edges it is the red release alone."""
        if self.first_bad is None and self.passes_before is None and self.fixed_in is None:
            return str(version) == self.version
        is_before = self.passes_before is not None and version <= Version(self.passes_before)
        is_after = self.fixed_in is not None and version >= Version(self.fixed_in)
        return not is_before and not is_after and version not in map(Version, self.skipped)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The unresolved releases between the last passing and the first bad: any of them can be the one that broke."""
        if self.passes_before is None or self.first_bad is None:
            return ()
        good, bad = Version(self.passes_before), Version(self.first_bad)
        return tuple(version for version in self.unresolved if good < Version(version) < bad)

    @property
    def unjudged_later(self) -> tuple[str, ...]:
        """The unresolved releases after the one in the red cell, up to the one that passes again."""
        return tuple(
            version
            for version in self.unresolved
            if Version(version) > Version(self.version)
            and (self.fixed_in is None or Version(version) < Version(self.fixed_in))
        )

    def sentence(self, passes: str = "the failing test still passes") -> str:
        """Where its red stretch begins and ends, or how else it is known to be a member.

        Args:
            passes: What is said of a release with which the failing test passes and other tests do not.
        """
        name, version = self.name, self.version
        if self.shown_by == "traceback":
            return f"{name} {version} calls it; no release of {name} is known to pass"
        if self.shown_by == "contrast":
            return f"{name} {version} could not be moved apart from the others, and the failure names it"
        if self.shown_by == "metadata" and self.passes_before is None and self.fixed_in is None:
            return f"{name} {version} is part of it by what metadata says"
        return f"{self._beginning(passes)}; {self._end()}"

    def _beginning(self, passes: str) -> str:
        """Where its red stretch begins."""
        if self.never_passed:
            return f"no release of {self.name} before {self.version} was seen to pass"
        if self.passes_before is None:
            return f"{self.name} {self.version} fails"
        if self.last_good is None:
            reservation = self.reservation or "nothing else was tried there"
            unjudged = f"; {and_list(self.unjudged)} could not be judged" if self.unjudged else ""
            before = f"{passes} with {self.name} {self.passes_before} ({reservation})"
            return f"{before}, and fails from {self.first_bad} on{unjudged}"
        if self.unjudged:
            return (
                f"{self.name} broke between {self.last_good}, the last good, and {self.first_bad}, the first bad: "
                f"{and_list(self.unjudged)} could not be judged"
            )
        return f"{self.name} {self.last_good} was the last good, {self.first_bad} the first bad"

    def _end(self) -> str:
        """Where its red stretch ends."""
        unjudged = f": {and_list(self.unjudged_later)} could not be judged" if self.unjudged_later else ""
        if self.fixed_in:
            return f"it passes again from {self.fixed_in} on{unjudged}"
        return f"nothing newer was seen to pass{unjudged}"


class OtherFailure(Record):
    """Another failure that a search met on the way.

    Attributes:
        moved: The versions by which the set that failed so differs from the red cell.
        signature: The signature of the failure.
        evidence: The ids of the runs that had it.
    """

    moved: dict[str, str]
    signature: str
    evidence: tuple[str, ...] = ()


class SearchResult(Record):
    """What a search found.

    Attributes:
        culprits: The members of the culprit.
        findings: Other failures that were met on the way.
        probes: How many environments were asked for.
        linear: How many environments it would take to move each suspect release by release. Suspects are the
            distributions that the failure names, that the test uses, and that the cell asks for.
        forced: How many probes had versions that metadata forbids together.
        infra: How many probes the machine or the index kept from an answer.
        doubt: Why the members are possibly not the whole culprit, in a sentence. Empty if the search showed that they
            are enough, and that each of them is needed.
        alternatives: Other sets, each of which is enough by itself for the failure. One member of each set has to move.
        passing: The nearest set that passes the failing test.
        passed: Every set that passed the failing test and that metadata allows. Of each there are the versions in which
            it differs from the red cell; an empty version means that the distribution is not installed.
        way_out: The versions in which the nearest set that passes every test differs from the red cell; empty if no
            such set was seen.
        warnings: By the name of each member, the warnings of its last passing release, if that was run.
        evidence: The ids of all runs.
    """

    culprits: tuple[Culprit, ...] = ()
    findings: tuple[OtherFailure, ...] = ()
    probes: int = 0
    linear: int = 0
    forced: int = 0
    infra: int = 0
    doubt: str = ""
    alternatives: tuple[tuple[Culprit, ...], ...] = ()
    passing: dict[str, str] = {}
    passed: tuple[dict[str, str], ...] = ()
    way_out: dict[str, str] = {}
    warnings: dict[str, tuple[WarningSeen, ...]] = {}
    evidence: tuple[str, ...] = ()
