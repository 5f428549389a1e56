"""What is installed, or will be: read from a lock, a freeze, or a live environment, whoever wrote it."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from stackcompat.record import UsageError

__all__ = ["read_environment", "read_file"]

_FORMS = (
    "requirements.txt or pip freeze, uv.lock, pylock.toml, conda list --export, or an environment.yml with pip pins"
)


def read_file(path: Path) -> dict[str, str]:
    """Distribution (in normal form) to the exact version that the file gives. Raises UsageError where it gives none."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"FILE: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"FILE: {path} is not text; allowed are {_FORMS}") from None
    read: Callable[[str], Iterable[tuple[str, str]]] = _toml if path.suffix in (".toml", ".lock") else _lines
    try:
        found: dict[str, str] = {
            canonicalize_name(name): version for name, version in read(text) if _is_version(version)
        }
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"FILE: {path} is not valid TOML: {error}") from None
    if not found:
        raise UsageError(f'FILE: {path} pins nothing exactly, as "alpha==1.2.3" does; allowed are {_FORMS}')
    return found


def _toml(text: str) -> Iterable[tuple[str, str]]:
    """``[[package]]`` of uv and poetry, ``[[packages]]`` of pylock (PEP 751)."""
    document: dict[str, Any] = tomllib.loads(text)
    for package in (*document.get("package", ()), *document.get("packages", ())):
        yield str(package.get("name", "")), str(package.get("version", ""))


def _lines(text: str) -> Iterable[tuple[str, str]]:
    """``name==version`` with whatever follows, or conda's ``name=version=build``; other lines pin nothing."""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        plain = re.split(r"\s#|\s--|^#", line.strip().removeprefix("- "))[0].strip()
        if conda := re.fullmatch(r"([\w.-]+)=([\w.!+]+)(=[\w.]+)?", plain):
            yield conda[1], conda[2]
            continue
        try:
            requirement = Requirement(plain)
        except InvalidRequirement:
            continue
        exact = [s.version for s in requirement.specifier if s.operator in ("==", "===")]
        if len(exact) == 1:
            yield requirement.name, exact[0]


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


def read_environment(place: Path) -> dict[str, str]:
    """Distribution to version in a live environment: its folder or interpreter. Raises UsageError if it is neither."""
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
    return {canonicalize_name(name): version for name, version in listed.items()}
