"""The lock that uv writes, read into a record; and its warning that files have no upload date. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from packaging.pylock import Package, PackageArchive, PackageSdist, PackageWheel, Pylock, PylockValidationError

from stackcompat.core.documents import parse_toml
from stackcompat.core.redact import strip_addresses
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock, Pin, Resolution, version_of_file

__all__ = ["read_pylock", "undated"]

_UNDATED = re.compile(r"(\S+) is missing an upload date")


def undated(stderr: str) -> str:
    """The first file for which the index gave no upload date, by uv's warnings; empty if there is none."""
    warning = _UNDATED.search(stderr)
    return warning[1] if warning else ""


def read_pylock(text: str, cell: Cell) -> Resolution:
    """The lock in the pylock document that uv wrote.

    Of each distribution the name, the version and the hashes are kept: the hashes of its wheels, or that of its sdist
    if it has no wheel. Addresses are left out, but for those of local wheels.

    Args:
        text: The document.
        cell: The cell that was resolved.
    """
    try:
        document = Pylock.from_dict(parse_toml(text))
        pins = sorted((_pin(package) for package in document.packages), key=lambda pin: pin.name)
    except (PylockValidationError, ValueError) as error:  # or a package has neither a version nor a wheel
        detail = strip_addresses(" ".join(str(error).split()))
        return Resolution(outcome="failed", detail=f"uv wrote a lock that cannot be read: {detail}")
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
