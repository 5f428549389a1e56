"""The exceptions that people make to a policy: waivers of known breaks, and flaky tests in quarantine.

Each has an owner, a reason and a last day. ``matrices/waivers.toml`` holds them. It is loaded like a matrix: each
mistake becomes one sentence that names file and key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import AfterValidator, Field, model_validator

from stackcompat.core.requirements import exact_version
from stackcompat.core.toml import Table, load_record
from stackcompat.ecosystem.components import Components
from stackcompat.gate.policy import check_names

__all__ = ["Exemption", "Quarantine", "WaivableFailure", "Waiver", "Waivers", "load_waivers"]


def _exact(text: str) -> str:
    """Check that `text` is one exact version. A wider bound would also let unseen releases pass."""
    try:
        version = exact_version(SpecifierSet(text))
    except InvalidSpecifier:
        version = ""
    if not version:
        raise ValueError(f'"{text}" is not one exact version such as "==0.12.1"')
    return f"=={version}"


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


def _names_a_file(pattern: str) -> str:
    """Check that a pattern names the file of the tests that it is about. A wider one would let unseen failures pass."""
    if pattern and "::" not in pattern.partition("*")[0]:
        raise ValueError(f'"{pattern}" does not name the file of a test, as "test_grain.py::*" does')
    return pattern


#: The id of a test, or a pattern with ``*`` that names the test's file.
_TestPattern = Annotated[str, AfterValidator(_names_a_file)]


@dataclass(frozen=True)
class WaivableFailure:
    """What a waiver needs to know of a failure.

    Attributes:
        test: The test that fails; empty where the failure is not that of a test.
        finding: The id of the finding; empty where there is none.
        candidates: The components that are candidates, and those that move with them.
        others: The components besides `candidates` that the failure affects.
        users: All components that the failing test uses; empty where the failure is not that of a test.
    """

    test: str = ""
    finding: str = ""
    candidates: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()

    def is_of(self, pair: frozenset[str]) -> bool:
        """Whether this is a failure of the two components of `pair`."""
        if pair & self.others:
            return pair <= self.candidates | self.others
        return not self.others and pair <= self.candidates and bool(self.users) and self.users <= pair


class Waiver(_BaseExemption):
    """A known break that a release can ship with. It names exactly one of a test, a pair and an advisory.

    Attributes:
        test: The id of a test, or a pattern with ``*`` that names the test's file.
        pair: Two components.
        advisory: The id of a finding.
        versions: Component to ``==version``: the versions for which the waiver is granted, the candidate's among them;
            of a pair, both. The waiver no longer holds once one of these components has another version.
    """

    test: _TestPattern = ""
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

    def names(self, candidates: Collection[str]) -> bool:
        """Whether the waiver is granted for a version of one of the `candidates` (components)."""
        return not self.versions.keys().isdisjoint(candidates)

    def holds_for(self, versions: Mapping[str, str]) -> bool:
        """Whether `versions` (component to version) has every component at the version of the waiver."""
        return all(
            name in versions and SpecifierSet(bound).contains(versions[name], prereleases=True)
            for name, bound in self.versions.items()
        )

    def covers(self, failure: WaivableFailure) -> bool:
        """Whether the waiver is about a failure.

        A waiver of a pair covers a failure of the candidates with the other component of the pair. If both components
        are candidates, it covers a failure that no component but these two has a part in.
        """
        if self.pair:
            return failure.is_of(frozenset(self.pair))
        if self.advisory:
            return self.advisory == failure.finding
        return bool(failure.test) and _fits(failure.test, self.test)


class Quarantine(_BaseExemption):
    """A test that is known to be flaky. It decides nothing, and nobody is asked about it, as long as it has outcomes.

    Attributes:
        test: The id of a test, or a pattern with ``*`` that names the test's file.
    """

    test: _TestPattern

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
