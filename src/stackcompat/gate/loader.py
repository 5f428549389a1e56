"""Makes candidates of what people write on the command line.

A wheel is read, a source is built, and a release is looked up in the index.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.core.requirements import parse_requirement
from stackcompat.ecosystem.declared import declared_in
from stackcompat.ecosystem.index_client import LARGEST_METADATA, UNREADABLE_ARCHIVE, IndexClient
from stackcompat.ecosystem.interpreters import Interpreter, this_platform
from stackcompat.ecosystem.releases import IndexUnreachable
from stackcompat.gate.candidate import Candidate, SourceKind, kind_of, named_predecessors, newest_three, predecessor
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.cell import Cell

__all__ = ["load_candidates"]

#: The seconds that an extra index may take for an answer.
_PATIENCE = 60.0


def load_candidates(
    runner: Runner,
    given: Sequence[str],
    *,
    pythons: Sequence[str],
    index: str = "",
    against: Sequence[str] = (),
    as_of: dt.datetime | None = None,
) -> tuple[Candidate, ...]:
    """The candidates that `given` names, in the same order.

    Args:
        runner: Has the index, the cache and the interpreters to load them with.
        given: The candidates as a person writes them.
        pythons: The Pythons to try them on, such as ``3.12``.
        index: The environment variable with the address of an extra index to take them from.
        against: The releases to replace, for candidates that would not replace the last release.
        as_of: The day to which the index is taken back; None: today. It bounds the releases that are replaced.

    Raises:
        UsageError: A candidate does not exist, is no component or is given twice, or has nothing to replace.
        StackcompatError: No Python was found, or a candidate cannot be built or taken from the index.
    """
    interpreters = {python: runner.interpreters[python] for python in pythons if python in runner.interpreters}
    if not interpreters:
        raise StackcompatError("none of the Pythons that the policy wants was found on this machine")
    loaded: dict[str, Candidate] = {}
    for text in given:
        candidate = _load(runner, interpreters, text, index)
        if candidate.name in loaded:
            raise UsageError(f'CANDIDATE: "{candidate.name}" is given twice; allowed is once')
        if runner.components.of_distribution(candidate.name) is None:
            rows = [row for row in runner.components.components if row.distribution]
            known = ", ".join(dict.fromkeys(row.distribution for row in rows))
            raise UsageError(f'CANDIDATE: "{candidate.name}" is no component; allowed are {known}')
        loaded[candidate.name] = candidate
    named = named_predecessors(against, list(loaded))
    candidates = []
    for name, candidate in loaded.items():
        replaces = predecessor(
            runner.catalog,
            name,
            candidate.version,
            as_of=as_of,
            against=named.get(name, "last-release"),
            published=candidate.source in ("index", "extra index"),
        )
        candidates.append(candidate.model_copy(update={"replaces": replaces}))
    return tuple(candidates)


def _load(runner: Runner, interpreters: Mapping[str, Interpreter], text: str, index: str) -> Candidate:
    """One candidate, its `replaces` still empty."""
    kind = kind_of(text, index)
    if kind == "index":
        return _from_index(runner, text)
    if kind == "extra index":
        return _from_extra_index(runner, interpreters, text, index)
    return _from_file(runner, interpreters, text, kind)


def _from_index(runner: Runner, text: str) -> Candidate:
    requirement = parse_requirement(text)
    project = runner.catalog.project(requirement.name)
    release = project.find(next(iter(requirement.specifier)).version)
    if release is None:
        newest = newest_three(project)
        raise UsageError(f'CANDIDATE: "{text}": the index has no such release; its newest are {newest}')
    requires = tuple(str(need) for need in runner.catalog.requires(project.name, release.version))
    return Candidate(name=project.name, version=release.version, replaces="", source="index", requires=requires)


def _from_extra_index(runner: Runner, interpreters: Mapping[str, Interpreter], text: str, index: str) -> Candidate:
    """The candidate that the extra index has for a name or a version. It is resolved alone."""
    requirement = parse_requirement(text)
    name = requirement.name
    offered = _offered(name, index)
    asked = text if requirement.specifier else f"{name}>=0.dev0"
    python, interpreter = next(iter(interpreters.items()))
    cell = Cell(python=python, platform=this_platform(), requirements=(asked,), index=index, label=text)
    resolution = runner.resolver.resolve(cell)
    if resolution.lock is None:
        reason = resolution.conflict.sentence if resolution.conflict else resolution.detail
        raise StackcompatError(f"{text} could not be taken from the index in {index}: {reason}")
    version = resolution.lock.versions()[name]
    if Version(version) not in offered:
        newest = f"the newest there is {max(offered)}" if offered else "there is none"
        raise UsageError(f"--index: {name} {version} is not from the index in {index}; {newest}")
    return Candidate(
        name=name,
        version=version,
        replaces="",
        source="extra index",
        requires=_requires(runner.cache.metadata(f"{name}=={version}", interpreter.path, index)),
        index=index,
        followers=_followers(runner, name, version, index),
    )


def _followers(runner: Runner, name: str, version: str, index: str) -> dict[str, str]:
    """The distributions that move with `name` and that the extra index has at the same version."""
    rows = [row for row in runner.components.components if row.moves_with and row.distribution]
    following = [row.distribution for row in rows if runner.components[row.moves_with].distribution == name]
    return {other: version for other in following if Version(version) in _offered(other, index)}


def _from_file(runner: Runner, interpreters: Mapping[str, Interpreter], text: str, kind: SourceKind) -> Candidate:
    """A candidate with a wheel for each Python; a wheel that fits every Python is built once."""
    if kind != "git" and not Path(text).expanduser().exists():
        raise UsageError(f'CANDIDATE: "{text}": there is no such file or folder')
    files: dict[str, str] = {}
    for python, interpreter in interpreters.items():
        pure = next((path for path in files.values() if re.search(r"-(py3|py2\.py3)-none-", path)), None)
        files[python] = pure or str(runner.cache.wheel(text, interpreter.path))
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
    """The versions of `name` in the extra index, whose address the environment variable `index` holds."""
    address = re.sub(r"^[\w.-]+=(?=https?:)", "", os.environ.get(index, "").strip())  # uv lets an index have a name
    if not address:
        raise UsageError(f"--index: the environment variable {index} does not hold the address of an index")
    with contextlib.closing(IndexClient(address)) as client:
        try:
            answer = client.ask(canonicalize_name(name), timeout=_PATIENCE)
            files = answer.files() if answer is not None else []
        except IndexUnreachable as error:
            raise IndexUnreachable(str(error).replace("the package index", f"the index in {index}")) from None
    versions = set()
    for file in files:
        with contextlib.suppress(InvalidVersion):
            versions.add(Version(file.version or ""))
    return versions


def _metadata(wheel: Path) -> str:
    """The text of a wheel's METADATA."""
    again = f"CANDIDATE: {wheel.name} is not a wheel that can be read; build it again"
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                if re.fullmatch(r"[^/]+\.dist-info/METADATA", member.filename):
                    if member.file_size > LARGEST_METADATA:
                        too_large = f"its METADATA has more than {LARGEST_METADATA // 2**20} MiB"
                        raise UsageError(f"CANDIDATE: {wheel.name} cannot be read: {too_large}; build it again")
                    return archive.read(member).decode("utf-8", errors="replace")
    except (*UNREADABLE_ARCHIVE, OSError):
        raise UsageError(again) from None
    raise UsageError(again)


def _requires(metadata: str) -> tuple[str, ...]:
    """The requirements in the text of a METADATA file. One that cannot be read is left out, as installers do."""
    return tuple(map(str, declared_in(metadata)))
