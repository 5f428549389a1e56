"""What is installed, or will be: read from a lock, a freeze or a live environment of any tool.

Markers are evaluated for this machine and for one Python. A line for another one is not read.
"""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from stackcompat.core.errors import UsageError
from stackcompat.core.requirements import marker_environment, only_version

__all__ = ["Listed", "read_environment", "read_file"]

_FORMS = (
    "requirements.txt, pip freeze or pip list, uv.lock, poetry.lock, pylock.toml, conda list (also with --export or "
    "--explicit), or an environment.yml"
)


_ELSEWHERE = "for another Python or machine"


class Listed(NamedTuple):
    """What was read: `versions` by distribution (in normal form), and the `unread` lines, as they were written."""

    versions: dict[str, str]
    unread: tuple[str, ...] = ()


class _Entry(NamedTuple):
    """A package as a file has it. It is not read without an exact version, nor where `why` gives a reason."""

    text: str
    name: str = ""
    version: str = ""
    why: str = ""


def read_file(path: Path, python: str | None = None) -> Listed:
    """What a file pins.

    Args:
        path: The file.
        python: The Python that it is for, such as ``3.12``; None: this one.

    Raises:
        UsageError: The file cannot be read, or pins nothing.
    """
    entries = _toml(path, python) if path.suffix in (".toml", ".lock") else _lines(path, python, frozenset())
    versions: dict[str, str] = {}
    unread = []
    for entry in entries:
        name = canonicalize_name(entry.name)
        if entry.why or not _is_version(entry.version):
            unread.append(f"{entry.text} ({entry.why})" if entry.why else entry.text)
        elif name in versions and Version(versions[name]) != Version(entry.version):
            older, versions[name] = sorted((versions[name], entry.version), key=Version)
            unread.append(f"{name} {older} (the file also has {versions[name]})")
        else:
            versions[name] = entry.version
    if not versions:
        raise UsageError(f'FILE: {path} pins nothing exactly, as "alpha==1.2.3" does; allowed are {_FORMS}')
    return Listed(versions, tuple(unread))


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"FILE: {path} cannot be read: {error.strerror}") from None
    try:
        wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))  # Windows PowerShell writes redirected output so
        return content.decode("utf-16" if wide else "utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UsageError(f"FILE: {path} is not text; allowed are {_FORMS}") from None


def _toml(path: Path, python: str | None) -> Iterator[_Entry]:
    """``[[package]]`` of uv and poetry, ``[[packages]]`` of pylock (PEP 751)."""
    try:
        document: dict[str, Any] = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"FILE: {path} is not valid TOML: {error}") from None
    for key in ("package", "packages"):
        for package in _list(document.get(key)):
            if isinstance(package, dict):
                name, version = str(package.get("name", "")), str(package.get("version", ""))
                markers = [package.get("marker"), package.get("markers"), *_list(package.get("resolution-markers"))]
                texts = [marker for marker in markers if isinstance(marker, str)]
                applies = not texts or any(_applies(text, python) for text in texts)
                yield _Entry(f"{name} {version}".strip(), name, version, "" if applies else _ELSEWHERE)


def _list(value: object) -> list[object]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def _applies(marker: str, python: str | None) -> bool:
    """Whether a marker holds on `python`, on this machine; a marker that is not understood holds."""
    environment = marker_environment(python) if python else {}
    try:
        return Marker(marker).evaluate({"extra": "", **environment})
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName):
        return True


#: Lines that name no package: options of pip, the head of a table.
_NO_PACKAGE = re.compile(r"-(?!e\b|c\b|-editable|-constraint).*|@EXPLICIT|Package\s+Version.*|-+(\s+-+)*")


#: What ``conda list --explicit`` prints.
_CONDA_FILE = re.compile(r"\S+/(?P<name>[^/]+)-(?P<version>[^-/]+)-[^-/]+\.(?:conda|tar\.bz2)(?:#\S*)?")


#: ``name=version=build`` of conda, with or without its channel, or the columns of a list.
_CONDA = re.compile(r"(?:\S+::)?(?P<name>[\w.-]+)(?:=|\s+)(?P<version>[\w.!+]+)(?:=[\w.]+|(?:\s+\S+){1,2})?")


def _lines(path: Path, python: str | None, within: frozenset[Path]) -> Iterator[_Entry]:
    """The entries of a file with ``name==version`` and more on a line, or written in one of conda's ways.

    Args:
        path: The file.
        python: The Python that it is for; None: this one.
        within: The files that lead to this one by ``-r``; none of them is read again.
    """
    text = re.sub(r"\\\n\s*", " ", _text(path))
    for line in _dependencies(text) if path.suffix in (".yml", ".yaml") else text.splitlines():
        requirement = re.split(r"\s#|\s--(?=\w)|^#", line.strip())[0].strip()
        if included := re.fullmatch(r"(?:-r|--requirement)[\s=]*(\S+)", line.split(" #")[0].strip()):
            other = (path.parent / included[1]).resolve()
            if other not in within:
                yield from _lines(other, python, within | {path.resolve()})
        elif requirement and not _NO_PACKAGE.fullmatch(requirement):
            yield _line(requirement, python)


def _line(text: str, python: str | None) -> _Entry:
    """The entry of a line; a line that is no requirement has no version."""
    conda = _CONDA_FILE.fullmatch(text) or _CONDA.fullmatch(text)
    if conda and _is_version(conda["version"]):
        return _Entry(text, conda["name"], conda["version"])
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return _Entry(text)
    elsewhere = requirement.marker is not None and not _applies(str(requirement.marker), python)
    return _Entry(text, requirement.name, only_version(requirement), _ELSEWHERE if elsewhere else "")


def _dependencies(text: str) -> Iterable[str]:
    """The entries of ``dependencies`` in an environment.yml, with those for pip."""
    key = ""
    for line in text.splitlines():
        if heading := re.match(r"(\w+):", line):
            key = heading[1]
        elif key == "dependencies" and (entry := re.fullmatch(r"\s*- *(.*?)\s*", line)) and entry[1] != "pip:":
            yield entry[1].strip("'\"")


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


#: Lists what is installed, as JSON; it runs in the environment's own interpreter.
_LIST = """
import importlib.metadata as m, json
print(json.dumps({d.metadata["Name"]: d.version for d in m.distributions() if d.metadata["Name"]}))
"""


def read_environment(place: Path) -> Listed:
    """What a live environment has.

    Args:
        place: Its folder or its interpreter.

    Raises:
        UsageError: It is neither, or cannot be run.
    """
    python = place / "bin" / "python" if place.is_dir() else place
    if not python.exists():
        raise UsageError(f"--env: {place} is not an environment; give its folder (with bin/python) or its interpreter")
    try:
        done = subprocess.run([str(python), "-I", "-c", _LIST], capture_output=True, text=True, check=False)
    except OSError as error:
        raise UsageError(f"--env: {python} cannot be run: {error.strerror}") from None
    try:
        listed: dict[str, str] = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise UsageError(f"--env: {python} is not a Python interpreter") from None
    return Listed({canonicalize_name(name): version for name, version in listed.items()})
