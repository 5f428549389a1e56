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

    Releases are later or earlier by their uploads.

    Attributes:
        name: The distribution.
        version: Its release in the red cell.
        last_good: The last release before `first_bad` that passes; None where no earlier release was seen to pass.
        first_bad: The first release of the red stretch.
        fixed_in: The first later release that passes; None where none was seen to.
        never_passed: Whether there are earlier releases and none was seen to pass.
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
    never_passed: bool = False
    unresolved: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    shown_by: Literal["moving", "contrast", "traceback", "metadata"] = "moving"

    def is_red(self, version: Version) -> bool:
        """Whether `version` is in the red stretch that the search found."""
        is_before = self.last_good is not None and version <= Version(self.last_good)
        is_after = self.fixed_in is not None and version >= Version(self.fixed_in)
        return not is_before and not is_after and version not in map(Version, self.skipped)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The unresolved releases between the last good and the first bad: any of them may be the one that broke."""
        if self.last_good is None or self.first_bad is None:
            return ()
        good, bad = Version(self.last_good), Version(self.first_bad)
        return tuple(version for version in self.unresolved if good < Version(version) < bad)

    def sentence(self) -> str:
        """Where its red stretch begins and ends, or how else it is known to be a member."""
        name, version = self.name, self.version
        if self.shown_by == "traceback":
            return f"{name} {version} calls it; no release of {name} is known to pass"
        if self.shown_by == "contrast":
            return f"{name} {version} could not be moved apart from the others, and the failure names it"
        if self.shown_by == "metadata" and self.last_good is None and self.fixed_in is None:
            return f"{name} {version} is part of it by what metadata says"
        return self._beginning() + (
            f"; it passes again from {self.fixed_in} on" if self.fixed_in else "; nothing newer passes"
        )

    def _beginning(self) -> str:
        """Where its red stretch begins."""
        if self.last_good is None:
            return f"no release of {self.name} before {self.version} was seen to pass"
        if self.unjudged:
            return (
                f"{self.name} broke between {self.last_good}, the last good, and {self.first_bad}, the first bad: "
                f"{and_list(self.unjudged)} could not be judged"
            )
        return f"{self.name} {self.last_good} was the last good, {self.first_bad} the first bad"


class OtherFailure(Record):
    """Another failure that a search met on the way.

    Attributes:
        moved: The versions in which that set differed from the red cell.
        signature: What identifies the failure.
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
        linear: How many it would have been to move each suspect release by release. Suspects are the distributions
            that the failure names, that the test uses, and that the cell asks for.
        forced: How many of the probes metadata forbade.
        infra: How many probes the machine or the index kept from an answer.
        doubt: Why the members may not be the whole culprit, in a sentence; empty where they were shown to be enough,
            and each to be needed.
        passing: The nearest set that passes.
        warnings: The warnings in the last good release of each member that was run, by its name.
        evidence: The ids of all runs.
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
