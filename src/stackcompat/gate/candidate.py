"""A release that somebody is about to make, wherever it lies, and the release that it would replace."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from stackcompat.core.record import Record, UsageError
from stackcompat.core.requirements import exact_version, marker_environment, parse_requirement
from stackcompat.ecosystem.releases import Catalog

__all__ = ["Candidate", "SourceKind", "kind_of", "named_predecessors", "predecessor"]

SourceKind = Literal["index", "extra index", "wheel", "sdist", "folder", "git"]


_SDIST = (".tar.gz", ".zip")


class Candidate(Record):
    """A release to judge, by its distribution.

    `requires` are the requirements that its metadata declares, markers included. `files` has its wheel for each Python
    where it does not come from an index; `index` is the environment variable with the address of the extra index from
    which it comes, and `followers` the versions there of what moves with it.
    """

    name: str
    version: str
    replaces: str
    source: SourceKind
    requires: tuple[str, ...] = ()
    index: str = ""
    files: dict[str, str] = {}
    followers: dict[str, str] = {}

    def needs(self, python: str) -> list[Requirement]:
        """What it needs on `python` without extras, names in normal form."""
        environment = marker_environment(python) | {"extra": ""}
        requirements = [parse_requirement(text) for text in self.requires]
        return [r for r in requirements if r.marker is None or r.marker.evaluate(environment)]


def kind_of(given: str, index: str = "") -> SourceKind:
    """Where a candidate lies, told from how it is written. Raises UsageError when it is none of what is possible."""
    if given.startswith("git+"):
        return "git"
    if given.endswith(".whl"):
        return "wheel"
    if given.endswith(_SDIST):
        return "sdist"
    if "/" in given or given.startswith("."):
        return "folder"
    try:
        requirement = parse_requirement(given)
    except ValueError:
        requirement = None
    if requirement is not None and not requirement.extras and requirement.marker is None:
        if exact_version(requirement.specifier):
            return "extra index" if index else "index"
        if index and not requirement.specifier:
            return "extra index"
    raise UsageError(
        f'CANDIDATE: "{given}" is none of: a wheel, an sdist, a source folder such as ./alpha, '
        "git+ADDRESS[@REVISION][#subdirectory=FOLDER], name==version, or with --index also a bare name"
    )


def named_predecessors(given: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Candidate to the version that ``--against`` names for it: name==version, or a version where there is only one."""
    found: dict[str, str] = {}
    for text in given:
        if text == "last-release":
            continue
        name, pinned, version = text.rpartition("==")
        if not pinned and len(names) > 1:
            raise UsageError(f'--against: "{text}" does not say of which candidate; give name=={text}, once for each')
        name = canonicalize_name(name.strip()) if pinned else names[0]
        if name not in names:
            raise UsageError(f'--against: "{name}" is no candidate; allowed are {", ".join(names)}')
        if name in found:
            raise UsageError(f'--against: "{name}" is given twice; allowed is once')
        found[name] = version.strip()
    return found


def predecessor(
    catalog: Catalog,
    name: str,
    version: str,
    *,
    as_of: dt.datetime | None,
    against: str = "last-release",
    published: bool = True,
) -> str:
    """The version that `version` of `name` would replace.

    That is the newest release until `as_of` that is older, neither yanked nor (unless there is nothing else) a
    pre-release; or the one that `against` names, which is older than what is `published` itself. What is not may have
    any version. Raises UsageError when there is none.
    """
    project = catalog.project(name)
    if against != "last-release":
        try:
            found = project.find(against)
        except InvalidVersion:
            raise UsageError(f'--against: "{against}" is neither last-release nor a version such as 1.2.3') from None
        if found is None:
            known = ", ".join(release.version for release in reversed(project.releases[-3:])) or "none"
            raise UsageError(f"--against: the index has no {name} {against}; its newest releases are {known}")
        if published and found.parsed >= Version(version):
            sentence = f"{name} {found.version} is not older than the candidate, {name} {version}"
            raise UsageError(f"--against: {sentence}; name an older release, or leave it out")
        return found.version
    releases = list(project.fit(before=as_of, prereleases=True))[::-1]
    older = [release for release in releases if release.parsed < Version(version)]
    stable = [release for release in older if not release.parsed.is_prerelease]
    if not older:
        until = f" until {as_of:%Y-%m-%d}" if as_of else ""
        raise UsageError(
            f"CANDIDATE: the index has no release of {name} older than {version}{until}, so there is nothing that it "
            "would replace; name a release with --against"
        )
    return (stable or older)[-1].version
