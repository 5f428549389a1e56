"""A release to judge, from whatever source, and the release that it would replace."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from stackcompat.core.errors import UsageError
from stackcompat.core.record import Record
from stackcompat.core.requirements import exact_version, parse_requirement
from stackcompat.core.text import and_list
from stackcompat.ecosystem.declared import applies
from stackcompat.ecosystem.releases import Catalog, Project

__all__ = [
    "Candidate",
    "SourceKind",
    "kind_of",
    "named_predecessors",
    "names_in_words",
    "newest_three",
    "predecessor",
    "releases_in_words",
    "replaced_in_words",
]

SourceKind = Literal["index", "extra index", "wheel", "sdist", "folder", "git"]


_SDIST = (".tar.gz", ".zip")


class Candidate(Record):
    """A release to judge.

    Attributes:
        name: The distribution, in normal form.
        replaces: The version that it would replace.
        source: Where it comes from.
        requires: The requirements that its metadata declares, markers included.
        index: The environment variable with the address of the extra index that it comes from; empty: none.
        files: Python to the path of its wheel; empty if it comes from an index.
        followers: Distribution to version, for the distributions that move with it and that the extra index has at its
            version.
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
        """The requirements that it declares for `python` without extras, names in normal form."""
        requirements = [parse_requirement(text) for text in self.requires]
        return [requirement for requirement in requirements if applies(requirement, python)]


def releases_in_words(candidates: Sequence[Candidate]) -> str:
    """The candidates with their versions, such as ``alpha 1.3.0 and beta 2.4.1``."""
    return and_list([f"{candidate.name} {candidate.version}" for candidate in candidates])


def replaced_in_words(candidates: Sequence[Candidate]) -> str:
    """The releases that the candidates replace, such as ``alpha 1.2.0 and beta 2.4.0``."""
    return and_list([f"{candidate.name} {candidate.replaces}" for candidate in candidates])


def names_in_words(candidates: Sequence[Candidate]) -> str:
    """The candidates without their versions, such as ``alpha and beta``."""
    return and_list([candidate.name for candidate in candidates])


def kind_of(text: str, index: str = "") -> SourceKind:
    """Where a candidate comes from, by how it is written.

    Args:
        text: The candidate as given on the command line.
        index: The environment variable with the address of an extra index; empty: none was given.

    Raises:
        UsageError: The text has none of the allowed forms.
    """
    if text.startswith("git+"):
        return "git"
    if text.endswith(".whl"):
        return "wheel"
    if text.endswith(_SDIST):
        return "sdist"
    if "/" in text or text.startswith("."):
        return "folder"
    try:
        requirement = parse_requirement(text)
    except ValueError:
        requirement = None
    if requirement is not None and not requirement.extras and requirement.marker is None:
        if exact_version(requirement.specifier):
            return "extra index" if index else "index"
        if index and not requirement.specifier:
            return "extra index"
    raise UsageError(
        f'CANDIDATE: "{text}" is none of: a wheel, an sdist, a source folder such as ./alpha, '
        "git+ADDRESS[@REVISION][#subdirectory=FOLDER], name==version, or with --index also a bare name"
    )


def named_predecessors(against: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """The version that ``--against`` names for each candidate. Candidates without a name there are left out.

    Args:
        against: The values of the option: ``name==version``, ``last-release``, or a version alone where there is only
            one candidate.
        names: The distributions of the candidates.

    Raises:
        UsageError: A value does not say which of several candidates it is about, names something that is no candidate,
            or names a candidate for the second time.
    """
    versions: dict[str, str] = {}
    for text in against:
        if text == "last-release":
            continue
        name, pinned, version = text.rpartition("==")
        if not pinned and len(names) > 1:
            raise UsageError(f'--against: "{text}" does not say of which candidate; give name=={text}, once for each')
        name = canonicalize_name(name.strip()) if pinned else names[0]
        if name not in names:
            raise UsageError(f'--against: "{name}" is no candidate; allowed are {", ".join(names)}')
        if name in versions:
            raise UsageError(f'--against: "{name}" is given twice; allowed is once')
        versions[name] = version.strip()
    return versions


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

    If no release is named, it is the newest older release that is not yanked. A pre-release is taken only if there is
    no final release.

    Args:
        catalog: The index.
        name: The distribution of the candidate.
        version: The version of the candidate.
        as_of: The day to which the index is taken back; None: today.
        against: The release to replace: a version, or ``last-release``.
        published: Whether the candidate comes from an index. If so, it replaces only an older release; a build that is
            on no index can have any version.

    Raises:
        UsageError: There is no such release, or the named release is not older than the candidate.
    """
    if against != "last-release":
        return _named_predecessor(catalog, name, version, against, published=published)
    older = [
        release
        for release in catalog.project(name).fit(before=as_of, prereleases=True)
        if release.parsed < Version(version)
    ]
    if not older:
        until = f" until {as_of:%Y-%m-%d}" if as_of else ""
        raise UsageError(
            f"CANDIDATE: the index has no release of {name} older than {version}{until}, so there is nothing that it "
            "would replace; name a release with --against"
        )
    newest_stable = next((release for release in older if not release.parsed.is_prerelease), None)
    return (newest_stable or older[0]).version


def _named_predecessor(catalog: Catalog, name: str, version: str, against: str, *, published: bool) -> str:
    project = catalog.project(name)
    try:
        release = project.find(against)
    except InvalidVersion:
        raise UsageError(f'--against: "{against}" is neither last-release nor a version such as 1.2.3') from None
    if release is None:
        raise UsageError(
            f"--against: the index has no {name} {against}; its newest releases are {newest_three(project)}"
        )
    if published and release.parsed >= Version(version):
        sentence = f"{name} {release.version} is not older than the candidate, {name} {version}"
        raise UsageError(f"--against: {sentence}; name an older release, or leave it out")
    return release.version


def newest_three(project: Project) -> str:
    """The three highest versions of a project in words, highest first; ``none`` where it has no release."""
    return ", ".join(release.version for release in reversed(project.releases[-3:])) or "none"
