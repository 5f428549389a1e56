"""Reads a cell, or a lock, from the arguments of a command."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.requirements import Requirement

from stackcompat.cli.console import err
from stackcompat.core.dates import parse_date
from stackcompat.core.errors import UsageError
from stackcompat.core.files import read_given
from stackcompat.core.near_names import near_name
from stackcompat.core.requirements import parse_requirement
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.interpreters import how_to_get, is_too_old, this_platform
from stackcompat.ecosystem.releases import Catalog
from stackcompat.evidence.download import download, is_address, readable_address
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock

__all__ = ["parse_cell", "read_lock", "warn_of_near_names"]

#: The most bytes that a lock may have. One of 300 distributions has less than one MiB.
_LARGEST_LOCK = 2**24

_OPTIONS = {"requirement": "REQUIREMENT", "python": "--python", "exclude-newer": "--exclude-newer"}


def parse_cell(
    requirements: Sequence[str],
    python: str,
    exclude_newer: str | None,
    overrides: Sequence[str],
    options: Mapping[str, str] = _OPTIONS,
    *,
    runs: bool = True,
    also: Sequence[str] = (),
) -> Cell:
    """The cell that a person asks for.

    Args:
        requirements: What is asked for. A distribution without an upper bound is meant at its newest.
        python: Such as ``3.12``.
        exclude_newer: Only releases uploaded until that day count, such as ``2026-09-20``.
        overrides: Requirements that are forced against metadata.
        options: The names in messages of the arguments ``requirement``, ``python`` and ``exclude-newer``.
        runs: Whether the cell will be run, and not only be resolved.
        also: Requirements that are installed too, and that the cell is not about.

    Raises:
        UsageError: An argument is not valid.
    """
    if runs and is_too_old(python):
        tell = "`stackcompat try --level resolve` says what would be installed"
        raise UsageError(f"{options['python']}: {how_to_get(python)}; {tell}")
    asked = [_parse(options["requirement"], text) for text in requirements]
    besides = [_parse("--also", text) for text in also]
    for requirement in (*asked, *besides):
        if requirement.url:
            where = f'{options["requirement"] if requirement in asked else "--also"}: "{requirement}"'
            raise UsageError(f"{where} has an address; use a matrix with a `local` policy for files")
    try:
        until = parse_date(exclude_newer) if exclude_newer else None
    except ValueError as error:
        raise UsageError(f"{options['exclude-newer']}: {error}") from None
    return Cell(
        python=python,
        platform=this_platform(),
        requirements=tuple(sorted(str(requirement) for requirement in (*asked, *besides))),
        accompanying=tuple(sorted({requirement.name for requirement in besides})),
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


def warn_of_near_names(cell: Cell, components: Components, catalog: Catalog) -> None:
    """Print a warning for each distribution of a cell whose name is one slip of a finger from a component's.

    A name that the index does not have is a mistake anyway, and needs no warning.
    """
    rows = components.components
    known = {row.name for row in rows} | {name for row in rows for name in row.distributions}
    for name in cell.roots():
        near = near_name(name, sorted(known)) if name not in known else ""
        if near and catalog.project(name).releases:
            err.print(f'"{name}" is no component, but {near} is; did you mean that? "{name}" is tried.', style="yellow")


def read_lock(given: str, python: str) -> Lock:
    """Read the lock that --lock gives.

    Args:
        given: A file, or the address of one over HTTP, with a line such as ``alpha==1.2.3 --hash=sha256:...`` for each
            distribution.
        python: The Python that the lock is for, such as ``3.12``.

    Raises:
        UsageError: The file cannot be read, or is no lock.
        StackcompatError: The server of the address does not answer as it should.
    """
    name = readable_address(given) if is_address(given) else given
    try:
        lock = Lock.parse(_lock_text(given), python, this_platform())
    except OSError as error:
        raise UsageError(f"--lock: {name} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"--lock: {name}: {str(error).splitlines()[0]}") from None
    without_hash = [pin.name for pin in lock.pins if not pin.hashes]
    if without_hash or not lock.pins:
        reason = f"{without_hash[0]} has no hash" if without_hash else "it is empty"
        raise UsageError(f'--lock: {name}: {reason}; allowed are lines such as "alpha==1.2.3 --hash=sha256:..."')
    return lock


def _lock_text(given: str) -> str:
    """The text of the file that --lock gives, which can be an address."""
    if not is_address(given):
        return read_given(Path(given), most=_LARGEST_LOCK).decode()
    with tempfile.TemporaryDirectory(prefix="stackcompat-") as folder:
        path = Path(folder, "lock.txt")
        download(given, path, lambda *_: None, most=_LARGEST_LOCK, argument="--lock", what="lock")
        return path.read_text(encoding="utf-8")
