"""What this machine and this project need to run cells, each thing looked at on its own. Nothing is changed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import NamedTuple

import uv
from packaging.requirements import Requirement

from stackcompat.cli.system import runs_cells, where_cells_run
from stackcompat.core.errors import UsageError
from stackcompat.core.folders import default_cache
from stackcompat.core.redact import host_of
from stackcompat.core.requirements import name_of, python_key
from stackcompat.core.text import and_list, size_words
from stackcompat.ecosystem.index_client import IndexClient
from stackcompat.ecosystem.interpreters import USUAL_PYTHON, Interpreter, find_interpreters, how_to_get
from stackcompat.ecosystem.releases import IndexUnreachable
from stackcompat.evidence.database import Place, is_file, place_name, why_unusable
from stackcompat.plan.ecosystem import Ecosystem
from stackcompat.run.harness import HARNESS_REQUIREMENTS
from stackcompat.run.isolation import HOW_TO_CLOSE, Means, find_means
from stackcompat.run.package_cache import RESERVE, free_bytes
from stackcompat.run.sandbox import how_to_cut_network

__all__ = ["Finding", "examine"]

#: The seconds to wait for an answer of the package index.
_INDEX_SECONDS = 10


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        name: Its name.
        good: Whether it is as it must be.
        sentence: What was found.
        advice: What to do if it is not good; else empty.
    """

    name: str
    good: bool
    sentence: str
    advice: str = ""


def examine(project: Ecosystem | None) -> Iterator[Finding]:
    """Look at everything, one thing after the other.

    Args:
        project: The ecosystem whose Pythons and store are looked at, too; None if there is none.
    """
    if project is None:
        yield _any_interpreter(find_interpreters())
    else:
        named, mistakes = _named_pythons(project)
        yield from mistakes
        yield from _interpreters(named, find_interpreters(named))
    if runs_cells():
        yield _isolation(find_means())
    else:
        yield Finding("system", good=False, sentence=where_cells_run())
    yield _index()
    yield _cache(default_cache())
    yield _uv()
    if project is not None:
        yield _store(project.store)


# --- interpreters ---


def _named_pythons(project: Ecosystem) -> tuple[dict[str, list[str]], list[Finding]]:
    """The Pythons that matrices name, newest first, each with these matrices; and the mistakes in matrices."""
    named: dict[str, list[str]] = {}
    mistakes = []
    for file in project.matrix_files():
        try:
            matrix = project.matrix(str(file))
        except UsageError as error:
            mistakes.append(Finding("matrix", good=False, sentence=str(error), advice="correct the file"))
            continue
        for python in matrix.pythons:
            named.setdefault(python, []).append(matrix.name)
    return {python: named[python] for python in sorted(named, key=python_key, reverse=True)}, mistakes


def _interpreters(named: Mapping[str, list[str]], found: Mapping[str, Interpreter]) -> Iterator[Finding]:
    """A finding for each Python that matrices name.

    Args:
        named: The matrices that name it, by Python.
        found: The interpreters of this machine, by Python.
    """
    for python, matrices in named.items():
        interpreter = found.get(python)
        if interpreter is not None:
            yield Finding(f"Python {python}", good=True, sentence=f"{interpreter.version} is here")
        else:
            sentence = f"is not here, so its cells of {and_list(matrices)} are not tried"
            yield Finding(f"Python {python}", good=False, sentence=sentence, advice=how_to_get(python))


def _any_interpreter(found: Mapping[str, Interpreter]) -> Finding:
    """The finding on all interpreters together, where no matrix says which are needed."""
    if not found:
        advice = f"get one with `uv python install {USUAL_PYTHON}`"
        return Finding("Python", good=False, sentence="none that can run smoke tests is here", advice=advice)
    versions = and_list([interpreter.version for interpreter in found.values()])
    return Finding("Python", good=True, sentence=f"{versions} {'are' if len(found) > 1 else 'is'} here")


# --- the machine ---


def _isolation(means: Means) -> Finding:
    """How far tests are closed in."""
    if means.bubblewrap:
        sentence = "tests run in a sandbox: files, processes, users and network of their own"
        return Finding("isolation", good=True, sentence=sentence)
    if means.network:
        sentence = "tests have no network but loopback, and see the files of this user"
        return Finding("isolation", good=True, sentence=f"{sentence}; for a sandbox, {HOW_TO_CLOSE}")
    sentence = "tests see the files of this user, and can reach the network"
    return Finding("isolation", good=False, sentence=sentence, advice=how_to_cut_network())


def _index() -> Finding:
    """Whether the package index answers. Of its address only the host is told."""
    (name,) = map(name_of, HARNESS_REQUIREMENTS)
    with closing(IndexClient()) as client:
        host = host_of(client.address)
        advice = "look at the network, its proxy, and UV_DEFAULT_INDEX, UV_INDEX_URL or PIP_INDEX_URL"
        try:
            answer = client.ask(name, timeout=_INDEX_SECONDS)
        except IndexUnreachable as error:
            return Finding("package index", good=False, sentence=f"{host}: {error}", advice=advice)
    if answer is None:
        sentence = f"{host} answers, but has no {name}, which every cell needs"
        return Finding("package index", good=False, sentence=sentence, advice=advice)
    return Finding("package index", good=True, sentence=f"{host} answers")


def _cache(folder: Path) -> Finding:
    free = free_bytes(folder)
    if not _can_be_written(folder):
        advice = "make it writable, or name another folder in STACKCOMPAT_CACHE"
        return Finding("cache", good=False, sentence=f"{folder} cannot be written", advice=advice)
    sentence = f"{size_words(free)} are free on its disk, of which {size_words(RESERVE)} are kept free"
    if free >= RESERVE:
        return Finding("cache", good=True, sentence=sentence)
    advice = "make room, such as with `stackcompat cache prune --all`, or name a folder elsewhere in STACKCOMPAT_CACHE"
    return Finding("cache", good=False, sentence=sentence, advice=advice)


def _uv() -> Finding:
    """Whether uv is one that this release can work with."""
    bound = _bound_of_uv()
    advice = f"install it: `pip install '{bound}'`"
    try:
        said = subprocess.run([uv.find_uv_bin(), "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return Finding("uv", good=False, sentence="does not start", advice=advice)
    version = said.split()[1]
    if bound.specifier.contains(version, prereleases=True):
        return Finding("uv", good=True, sentence=f"{version} is within {bound.specifier}")
    return Finding("uv", good=False, sentence=f"{version} is not within {bound.specifier}", advice=advice)


def _bound_of_uv() -> Requirement:
    """What this release requires of uv; any uv if it was not installed as a distribution."""
    try:
        declared = [Requirement(text) for text in requires("stackcompat") or ()]
    except PackageNotFoundError:
        declared = []
    return next((requirement for requirement in declared if requirement.name == "uv"), Requirement("uv"))


# --- the project ---


def _store(place: Place) -> Finding:
    """Whether the store can be read and written. It is not made."""
    advice = "make it readable and writable, or name another file or URL in STACKCOMPAT_STORE"
    name = place_name(place)
    if is_file(place) and not Path(place).exists():
        if _can_be_written(Path(place).parent):
            return Finding("store", good=True, sentence=f"{name} is made by the first run")
        return Finding("store", good=False, sentence=f"{name} cannot be made", advice=advice)
    reason = why_unusable(place)
    if reason:
        return Finding("store", good=False, sentence=f"{name}: {reason}", advice=advice)
    return Finding("store", good=True, sentence=f"{name} can be read and written")


def _can_be_written(folder: Path) -> bool:
    """Whether files can be made in a folder, which need not be there yet."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
