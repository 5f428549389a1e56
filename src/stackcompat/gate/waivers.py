"""The exceptions that people make to a policy: waivers of known breaks, and flaky tests in quarantine.

Each has an owner, a reason and a last day. ``matrices/waivers.toml`` holds them. It is loaded like a matrix: the first
mistake becomes one sentence that names file and key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import AfterValidator, Field, model_validator

from stackcompat.core.toml import Table, load_record
from stackcompat.ecosystem.components import Components
from stackcompat.gate.policy import check_names

__all__ = ["Exemption", "Quarantine", "Waiver", "Waivers", "load_waivers"]


def _exact(text: str) -> str:
    """One exact version. A wider bound would let the next release pass as well, and nobody has looked at that."""
    try:
        (bound,) = SpecifierSet(text)
    except (InvalidSpecifier, ValueError):
        bound = None
    if bound is None or bound.operator != "==" or bound.version.endswith("*"):
        raise ValueError(f'"{text}" is not one exact version such as "==0.12.1"')
    return str(bound)


class _BaseExemption(Table):
    """What waivers and quarantines have in common.

    Attributes:
        owner: Who answers for it.
        reason: Why the exception is made.
        until: Its last day, in UTC.
    """

    owner: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]
    until: dt.date

    def expired(self, now: dt.datetime) -> bool:
        """Whether its last day is over."""
        return now.astimezone(dt.UTC).date() > self.until


class Waiver(_BaseExemption):
    """A known break that a release can ship with. It names exactly one of a test, a pair and an advisory.

    Attributes:
        test: The id of a test, or a pattern with ``*``.
        pair: Two components.
        advisory: The id of a finding.
        versions: Component to ``==version``, for which the waiver is granted; both of a pair. Once one of the
            components has another version, the waiver does not hold any more.
    """

    test: str = ""
    pair: tuple[str, ...] = ()
    advisory: str = ""
    versions: Annotated[dict[str, Annotated[str, AfterValidator(_exact)]], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_one_thing(self) -> Waiver:
        named = [field for field in (self.test, self.pair, self.advisory) if field]
        if len(named) != 1:
            raise ValueError("takes exactly one of: test, pair, advisory")
        if self.pair and len(set(self.pair)) != 2:
            raise ValueError("pair takes two components")
        if self.pair and not set(self.pair) <= self.versions.keys():
            raise ValueError(f"versions must hold one for each of the pair: {' and '.join(self.pair)}")
        return self

    @property
    def what(self) -> str:
        """What it is about, in words."""
        subject = self.test or self.advisory or " with ".join(self.pair)
        versions = ", ".join(f"{name} {bound}" for name, bound in self.versions.items())
        return f"{subject} ({versions})"

    def holds_for(self, versions: Mapping[str, str]) -> bool:
        """Whether `versions` (component to version) has every component at the version that it is granted for."""
        return all(
            name in versions and SpecifierSet(bound).contains(versions[name], prereleases=True)
            for name, bound in self.versions.items()
        )

    def covers(self, *, test: str, components: Collection[str], finding: str) -> bool:
        """Whether it is about a failure.

        Args:
            test: The test that fails; empty where the failure is not that of a test.
            components: The components that the failure is about.
            finding: The id of the finding.
        """
        if self.pair:
            return set(self.pair) <= set(components)
        if self.advisory:
            return self.advisory == finding
        return bool(test) and _fits(test, self.test)


class Quarantine(_BaseExemption):
    """A test that is known to be flaky: it decides nothing, and asks nobody."""

    test: str

    @property
    def what(self) -> str:
        """What it is about."""
        return self.test

    def covers(self, test: str) -> bool:
        """Whether it is about `test`."""
        return _fits(test, self.test)


Exemption = Waiver | Quarantine


class Waivers(Table):
    """A waivers file."""

    waivers: tuple[Waiver, ...] = ()
    quarantine: tuple[Quarantine, ...] = ()


def _fits(test: str, pattern: str) -> bool:
    # The brackets of a parametrised test are no character class.
    return test == pattern or fnmatchcase(test, pattern.replace("[", "[[]"))


def load_waivers(path: Path, components: Components) -> Waivers:
    """Read a waivers file, and check the names in it.

    Raises:
        UsageError: The file has a mistake; the first one is named.
    """
    waivers = load_record(path, Waivers)
    for number, waiver in enumerate(waivers.waivers):
        check_names(f"{path}: waivers[{number}].pair", waiver.pair, components.names())
        check_names(f"{path}: waivers[{number}].versions", waiver.versions, components.names())
    return waivers
