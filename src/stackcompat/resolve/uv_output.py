"""What uv answers to a resolution, read into records. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from packaging.pylock import Package, PackageArchive, PackageSdist, PackageWheel, Pylock, PylockValidationError

from stackcompat.core.redact import strip_addresses
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import REQUIREMENT, parse_conflict
from stackcompat.resolve.lock import Lock, Pin, Resolution, version_of_file

__all__ = ["read_pylock", "read_refusal", "undated"]

_UNDATED = re.compile(r"(\S+) is missing an upload date")
_NO_NETWORK = re.compile(r"Failed to fetch|error sending request|Could not connect|dns error|timed out|network")


def undated(stderr: str) -> str:
    """A file for which the index gave no upload date, by uv's warning; empty if there is none."""
    warning = _UNDATED.search(stderr)
    return warning[1] if warning else ""


def read_pylock(text: str, cell: Cell) -> Resolution:
    """The lock that uv found for `cell`, from the pylock document that it wrote.

    Names, versions and hashes are kept, no addresses: those of the wheels, and of the sdist where there is no wheel.
    """
    try:
        document = Pylock.from_dict(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, PylockValidationError) as error:
        detail = strip_addresses(" ".join(str(error).split()))
        return Resolution(outcome="failed", detail=f"uv wrote a lock that cannot be read: {detail}")
    pins = sorted((_pin(package) for package in document.packages), key=lambda pin: pin.name)
    return Resolution(outcome="locked", lock=Lock(python=cell.python, platform=cell.platform, pins=tuple(pins)))


def _pin(package: Package) -> Pin:
    files: Sequence[PackageArchive | PackageWheel | PackageSdist]
    source = ""
    if package.archive is not None:
        source = Path(package.archive.path).as_uri() if package.archive.path else package.archive.url or ""
        files = [package.archive]
    elif package.wheels:
        files = package.wheels
    else:
        files = [package.sdist] if package.sdist is not None else []
    hashes = {f"{kind}:{value}" for file in files for kind, value in file.hashes.items()}
    version = str(package.version) if package.version is not None else version_of_file(source)
    return Pin(name=package.name, version=version, hashes=tuple(sorted(hashes)), source=source)


def read_refusal(stderr: str, cell: Cell) -> Resolution:
    """Why uv found no lock for `cell`: a conflict, a platform without wheels, an index that fails, anything else."""
    words = strip_addresses(stderr)
    if "No solution found" in words and "network connectivity is disabled" not in words:
        cause = words.split("cause:", 1)[-1]
        absent = re.search(rf"({REQUIREMENT}) has no wheels with a matching platform", cause)
        if absent:
            return Resolution(outcome="no-wheel-for-platform", detail=f"{absent[1]} has no wheel for {cell.platform}")
        return Resolution(outcome="conflict", conflict=parse_conflict(cause, cell))
    detail = " ".join(words.split())[:600]
    if _NO_NETWORK.search(words):
        return Resolution(outcome="index-unreachable", detail=f"the package index did not answer: {detail}")
    return Resolution(outcome="failed", detail=detail)
