"""Takes candidates as people write them: builds what is to be built, asks the index for the rest."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version
from pypi_simple import NoSuchProjectError, PyPISimple, UnsupportedContentTypeError, UnsupportedRepoVersionError

from stackcompat.core.record import StackcompatError, UsageError
from stackcompat.core.requirements import parse_requirement
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.ecosystem.releases import Catalog, IndexUnreachable, declared_in
from stackcompat.gate.candidate import Candidate, SourceKind, kind_of, named_predecessors, predecessor
from stackcompat.plan.cell import Cell
from stackcompat.resolve.resolver import Resolver
from stackcompat.run.package_cache import PackageCache

__all__ = ["Intake"]


class Intake:
    """What turns the words for a candidate into one. `interpreters` are those that it is to be tried on."""

    def __init__(
        self,
        *,
        components: Components,
        catalog: Catalog,
        cache: PackageCache,
        resolver: Resolver,
        interpreters: Mapping[str, Interpreter],
        platform: str,
    ) -> None:
        self._components = components
        self._catalog = catalog
        self._cache = cache
        self._resolver = resolver
        self._interpreters = interpreters
        self._platform = platform

    def take(
        self, given: Sequence[str], *, index: str = "", against: Sequence[str] = (), as_of: dt.datetime | None = None
    ) -> tuple[Candidate, ...]:
        """The candidates, each distribution once. Raises UsageError for what is not there, else StackcompatError."""
        if not self._interpreters:
            raise StackcompatError("none of the Pythons that the policy wants was found on this machine")
        found: dict[str, Candidate] = {}
        for text in given:
            kind = kind_of(text, index)
            if kind == "index":
                taken = self._of_index(text)
            elif kind == "extra index":
                taken = self._of_extra_index(text, index)
            else:
                taken = self._of_file(text, kind)
            if taken.name in found:
                raise UsageError(f'CANDIDATE: "{taken.name}" is given twice; allowed is once')
            if self._components.of_distribution(taken.name) is None:
                known = ", ".join(c.distribution for c in self._components.components if c.distribution)
                raise UsageError(f'CANDIDATE: "{taken.name}" is no component; allowed are {known}')
            found[taken.name] = taken
        named = named_predecessors(against, list(found))
        for name, taken in found.items():
            wanted = named.get(name, "last-release")
            published = taken.source in ("index", "extra index")
            replaces = predecessor(self._catalog, name, taken.version, as_of=as_of, against=wanted, published=published)
            found[name] = taken.model_copy(update={"replaces": replaces})
        return tuple(found.values())

    def _of_index(self, text: str) -> Candidate:
        requirement = parse_requirement(text)
        project = self._catalog.project(requirement.name)
        release = project.find(next(iter(requirement.specifier)).version)
        if release is None:
            known = ", ".join(found.version for found in reversed(project.releases[-3:])) or "none"
            raise UsageError(f'CANDIDATE: "{text}": the index has no such release; its newest are {known}')
        requires = tuple(str(r) for r in self._catalog.requires(project.name, release.version))
        return Candidate(name=project.name, version=release.version, replaces="", source="index", requires=requires)

    def _of_extra_index(self, text: str, index: str) -> Candidate:
        """What the extra index gives for a name, or for a version, without regard to other components."""
        requirement = parse_requirement(text)
        offered = _offered(requirement.name, index)
        asked = text if requirement.specifier else f"{requirement.name}>=0.dev0"
        python, interpreter = next(iter(self._interpreters.items()))
        cell = Cell(python=python, platform=self._platform, requirements=(asked,), index=index, label=text)
        resolution = self._resolver.resolve(cell)
        if resolution.lock is None:
            said = resolution.conflict.sentence if resolution.conflict else resolution.detail
            raise StackcompatError(f"{text} could not be taken from the index in {index}: {said}")
        name = requirement.name
        version = resolution.lock.versions()[name]
        if Version(version) not in offered:
            has = f"the newest there is {max(offered)}" if offered else "there is none"
            raise UsageError(f"--index: {name} {version} is not from the index in {index}; {has}")
        metadata = self._cache.metadata(f"{name}=={version}", interpreter.path, index)
        moving = [row for row in self._components.components if row.moves_with and row.distribution]
        following = [r.distribution for r in moving if self._components[r.moves_with].distribution == name]
        return Candidate(
            name=name,
            version=version,
            replaces="",
            source="extra index",
            requires=_requires(metadata),
            index=index,
            followers={other: version for other in following if Version(version) in _offered(other, index)},
        )

    def _of_file(self, text: str, kind: SourceKind) -> Candidate:
        """A wheel for each Python; one that fits all of them is built once."""
        if kind != "git" and not Path(text).expanduser().exists():
            raise UsageError(f'CANDIDATE: "{text}": there is no such file or folder')
        files: dict[str, str] = {}
        for python, interpreter in self._interpreters.items():
            pure = next((path for path in files.values() if re.search(r"-(py3|py2\.py3)-none-", path)), None)
            files[python] = pure or str(self._cache.wheel(text, interpreter.path))
        first = Path(next(iter(files.values())))
        try:
            name, version, _, _ = parse_wheel_filename(first.name)
        except InvalidWheelFilename:
            raise UsageError(
                f'CANDIDATE: "{first.name}" is not a wheel\'s name, such as alpha-1.2-py3-none-any.whl'
            ) from None
        return Candidate(
            name=canonicalize_name(name),
            version=str(version),
            replaces="",
            source=kind,
            requires=_requires(_metadata(first)),
            files=files,
        )


def _offered(name: str, index: str) -> set[Version]:
    """The versions of `name` in the index whose address the environment variable `index` holds, and in no other."""
    address = re.sub(r"^[\w.-]+=(?=https?:)", "", os.environ.get(index, "").strip())  # uv lets an index have a name
    if not address:
        raise UsageError(f"--index: the environment variable {index} does not hold the address of an index")
    try:
        with PyPISimple(address) as client:
            page = client.get_project_page(name, timeout=30)
    except NoSuchProjectError:
        return set()
    except (requests.RequestException, UnsupportedContentTypeError, UnsupportedRepoVersionError) as error:
        raise IndexUnreachable(f"the index in {index} did not answer for {name}: {type(error).__name__}") from None
    found = set()
    for package in page.packages:
        with contextlib.suppress(InvalidVersion):
            found.add(Version(package.version or ""))
    return found


def _metadata(wheel: Path) -> str:
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = next(name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
            return archive.read(member).decode("utf-8", errors="replace")
    except (zipfile.BadZipFile, StopIteration):
        raise UsageError(f"CANDIDATE: {wheel.name} is not a wheel that can be read; build it again") from None


def _requires(metadata: str) -> tuple[str, ...]:
    return tuple(map(str, declared_in(metadata)))
