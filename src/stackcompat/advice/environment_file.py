"""What is installed, or will be: read from a lock, a freeze, or a live environment, whoever wrote it.

Markers are evaluated for this machine, and for a Python: what is meant for another is not there.
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

from stackcompat.core.record import UsageError
from stackcompat.core.requirements import marker_environment, only_version

__all__ = ["Listed", "read_environment", "read_file"]

_FORMS = (
    "requirements.txt, pip freeze or pip list, uv.lock, poetry.lock, pylock.toml, conda list (also with --export or "
    "--explicit), or an environment.yml"
)


_ELSEWHERE = "for another Python or machine"


class Listed(NamedTuple):
    """Distribution (in normal form) to exact version; and what there is without one, as it was written."""

    versions: dict[str, str]
    unread: tuple[str, ...] = ()


class _Entry(NamedTuple):
    """A package as a file has it. Without an exact version it is not read; nor if there is a reason `why` not."""

    text: str
    name: str = ""
    version: str = ""
    why: str = ""


def read_file(path: Path, python: str | None = None) -> Listed:
    """What a file pins on `python` (default: this one). Raises UsageError where it pins nothing."""
    lines = _toml(path, python) if path.suffix in (".toml", ".lock") else _lines(path, python, frozenset())
    found: dict[str, str] = {}
    unread = []
    for line in lines:
        name = canonicalize_name(line.name)
        if line.why or not _is_version(line.version):
            unread.append(f"{line.text} ({line.why})" if line.why else line.text)
        elif name in found and Version(found[name]) != Version(line.version):
            older, found[name] = sorted((found[name], line.version), key=Version)
            unread.append(f"{name} {older} (beside {found[name]})")
        else:
            found[name] = line.version
    if not found:
        raise UsageError(f'FILE: {path} pins nothing exactly, as "alpha==1.2.3" does; allowed are {_FORMS}')
    return Listed(found, tuple(unread))


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"FILE: {path} cannot be read: {error.strerror}") from None
    try:
        wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))  # as some shells write what a command prints
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
        some = document.get(key, ())
        for package in some if isinstance(some, list) else ():
            if isinstance(package, dict):
                name, version = str(package.get("name", "")), str(package.get("version", ""))
                markers = [package.get("marker"), package.get("markers"), *_listed(package.get("resolution-markers"))]
                texts = [marker for marker in markers if isinstance(marker, str)]
                here = not texts or any(_applies(text, python) for text in texts)
                yield _Entry(f"{name} {version}".strip(), name, version, "" if here else _ELSEWHERE)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _applies(marker: str, python: str | None) -> bool:
    """Whether a marker holds on `python`, on this machine; one that cannot be understood does."""
    environment = marker_environment(python) if python else {}
    try:
        return Marker(marker).evaluate({"extra": "", **environment})
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName):
        return True


#: Lines that name no package: options of pip, the head of a table.
_NO_PACKAGE = re.compile(r"-(?!e\b|c\b|-editable|-constraint).*|@EXPLICIT|Package\s+Version.*|-+(\s+-+)*")


#: What ``conda list --explicit`` prints.
_CONDA_FILE = re.compile(r"\S+/(?P<name>[^/]+)-(?P<version>[^-/]+)-[^-/]+\.(?:conda|tar\.bz2)(?:#\S*)?")


#: ``name=version=build`` of conda, its channel before it or not, or the columns of a list.
_CONDA = re.compile(r"(?:\S+::)?(?P<name>[\w.-]+)(?:=|\s+)(?P<version>[\w.!+]+)(?:=[\w.]+|(?:\s+\S+){1,2})?")


def _lines(path: Path, python: str | None, within: frozenset[Path]) -> Iterator[_Entry]:
    """``name==version`` with whatever follows, or one of conda's ways to write it; other lines pin nothing."""
    text = re.sub(r"\\\n\s*", " ", _text(path))
    for line in _dependencies(text) if path.suffix in (".yml", ".yaml") else text.splitlines():
        plain = re.split(r"\s#|\s--(?=\w)|^#", line.strip())[0].strip()
        if more := re.fullmatch(r"(?:-r|--requirement)[\s=]*(\S+)", line.split(" #")[0].strip()):
            other = (path.parent / more[1]).resolve()
            if other not in within:
                yield from _lines(other, python, within | {path.resolve()})
        elif plain and not _NO_PACKAGE.fullmatch(plain):
            yield _line(plain, python)


def _line(plain: str, python: str | None) -> _Entry:
    conda = _CONDA_FILE.fullmatch(plain) or _CONDA.fullmatch(plain)
    if conda and _is_version(conda["version"]):
        return _Entry(plain, conda["name"], conda["version"])
    try:
        requirement = Requirement(plain)
    except InvalidRequirement:
        return _Entry(plain)
    elsewhere = requirement.marker is not None and not _applies(str(requirement.marker), python)
    return _Entry(plain, requirement.name, only_version(requirement), _ELSEWHERE if elsewhere else "")


def _dependencies(text: str) -> Iterable[str]:
    """The entries of ``dependencies`` in an environment.yml, those of pip among them."""
    key = ""
    for line in text.splitlines():
        if top := re.match(r"(\w+):", line):
            key = top[1]
        elif key == "dependencies" and (entry := re.fullmatch(r"\s*- *(.*?)\s*", line)) and entry[1] != "pip:":
            yield entry[1].strip("'\"")


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


_LIST = """
import importlib.metadata as m, json
print(json.dumps({d.metadata["Name"]: d.version for d in m.distributions() if d.metadata["Name"]}))
"""


def read_environment(place: Path) -> Listed:
    """What a live environment has: its folder or interpreter. Raises UsageError if it is neither."""
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
