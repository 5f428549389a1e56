"""A cell as a person asks for it on the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.requirements import Requirement

from stackcompat.core.dates import parse_date
from stackcompat.core.errors import UsageError
from stackcompat.core.requirements import parse_requirement
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock

__all__ = ["parse_cell", "read_lock"]

_OPTIONS = {"requirement": "REQUIREMENT", "python": "--python", "exclude-newer": "--exclude-newer"}


def parse_cell(
    requirements: Sequence[str],
    python: str,
    exclude_newer: str | None,
    overrides: Sequence[str],
    options: Mapping[str, str] = _OPTIONS,
) -> Cell:
    """The cell that a person asks for.

    Args:
        requirements: What is asked for. A distribution without an upper bound is meant at its newest.
        python: Such as ``3.12``.
        exclude_newer: Only releases uploaded until that day count, such as ``2026-09-20``.
        overrides: Requirements that are forced against metadata.
        options: What messages call the arguments ``requirement``, ``python`` and ``exclude-newer``.

    Raises:
        UsageError: Something given is not what it should be.
    """
    if not re.fullmatch(r"3\.[0-9]+", python):
        raise UsageError(f'{options["python"]}: "{python}" is not a Python such as 3.12')
    asked = [_parse(options["requirement"], text) for text in requirements]
    for requirement in asked:
        if requirement.url:
            where = f'{options["requirement"]}: "{requirement}"'
            raise UsageError(f"{where} has an address; use a matrix with a `local` policy for files")
    try:
        until = parse_date(exclude_newer) if exclude_newer else None
    except ValueError as error:
        raise UsageError(f"{options['exclude-newer']}: {error}") from None
    return Cell(
        python=python,
        platform=this_platform(),
        requirements=tuple(sorted(str(requirement) for requirement in asked)),
        overrides=tuple(sorted(str(_parse("--override", text)) for text in overrides)),
        exclude_newer=until,
        newest=tuple(requirement.name for requirement in asked if not _has_upper_bound(requirement)),
        label=", ".join(requirements),
    )


def _parse(option: str, text: str) -> Requirement:
    try:
        return parse_requirement(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _has_upper_bound(requirement: Requirement) -> bool:
    return any(bound.operator in ("==", "===", "<", "<=") for bound in requirement.specifier)


def read_lock(path: str, python: str) -> Lock:
    """Read the file that --lock gives.

    Args:
        path: The file, with a line such as ``alpha==1.2.3 --hash=sha256:...`` for each distribution.
        python: The Python that the lock is for, such as ``3.12``.

    Raises:
        UsageError: The file cannot be read, or is no lock.
    """
    try:
        lock = Lock.parse(Path(path).read_text(encoding="utf-8"), python, this_platform())
    except OSError as error:
        raise UsageError(f"--lock: {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"--lock: {path}: {str(error).splitlines()[0]}") from None
    without_hash = [pin.name for pin in lock.pins if not pin.hashes]
    if without_hash or not lock.pins:
        reason = f"{without_hash[0]} has no hash" if without_hash else "it is empty"
        raise UsageError(f'--lock: {path}: {reason}; allowed are lines such as "alpha==1.2.3 --hash=sha256:..."')
    return lock
