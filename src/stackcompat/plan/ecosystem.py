"""An ecosystem is a folder: components, matrices, smoke tests, and the table that was published of them.

The file ``stackcompat.toml`` in the folder names the ecosystem and, where they are not the usual ones, its folders::

    name = "Sound"
    matrices = "matrices"        # with components.toml, known-cases.toml and the policies of the gate
    tests = "tests/interop"      # the smoke tests
    exchange = "tests/exchange"  # the tests that write and read artifacts
    published = "reports"        # where the table is published
    address = "https://sound.example/reports"  # where anybody can read it, for the commands that it shows
    site = "https://sound.example"             # where its site is, for links

A folder with ``matrices/components.toml`` is an ecosystem without that file, too. A ``pyproject.toml`` with a table
``[tool.stackcompat]`` says by its key ``project`` which folder is one.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

from platformdirs import user_data_path
from pydantic import field_validator

import stackcompat
from stackcompat.core.documents import parse_toml
from stackcompat.core.errors import RUN_FIRST, UsageError
from stackcompat.core.files import read_given
from stackcompat.core.toml import Table, load_record
from stackcompat.ecosystem.components import Components, load_components
from stackcompat.plan.matrix import Matrix, load_matrix
from stackcompat.plan.places import Places

__all__ = ["CARRIED", "Ecosystem", "find_ecosystem"]

#: The ecosystem that a wheel of the tool carries. It is not there if the tool runs from a checkout of its own.
CARRIED = Path(stackcompat.__file__).parent / "carried"
_NAMED = "stackcompat.toml"
_VARIABLE = "STACKCOMPAT_PROJECT"
#: The files in the folder of matrices that are no matrices, without their suffix.
_NO_MATRICES = ("components", "known-cases", "advisories", "gate", "waivers", "replay", "replay-policy")


class _Layout(Table):
    """What ``stackcompat.toml`` says. Folders are relative to its own."""

    name: str = ""
    matrices: str = "matrices"
    tests: str = "tests/interop"
    exchange: str = "tests/exchange"
    published: str = "reports"
    address: str = ""
    site: str = ""

    @field_validator("matrices", "tests", "exchange", "published")
    @classmethod
    def _is_inside(cls, folder: str) -> str:
        path = PurePosixPath(folder)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(f'"{folder}" must be a folder within that of {_NAMED}, such as matrices')
        return folder

    @field_validator("address", "site")
    @classmethod
    def _is_address(cls, address: str) -> str:
        if address and not address.startswith(("https://", "http://")):
            raise ValueError(f'"{address}" must begin with https:// or http://')
        return address


class Ecosystem:
    """The folders and files of an ecosystem.

    Attributes:
        root: The folder of the ecosystem.
        name: What it is called, such as ``JAX AI stack``; by default, as its folder.
        matrices: The folder of the matrices, with ``components.toml``.
        suite: The folder of the smoke tests.
        exchange: The folder of the tests that write and read artifacts. They can import modules of the smoke tests.
        published: The folder of the published table.
        places: Where commands that others type find the published table and the tests.
        site_address: Where anybody can read the site of the published table; empty: that is not known.
        work: The folder for what is never published: the store, and tables that were made by trying.
        site: The folder in `work` where tables are written that are not published.
        store: The file of the store, or the URL of its database.

    Args:
        root: The folder of the ecosystem.

    Raises:
        UsageError: There is a mistake in its ``stackcompat.toml``.
    """

    def __init__(self, root: Path) -> None:
        layout = load_record(root / _NAMED, _Layout) if (root / _NAMED).is_file() else _Layout()
        self.root = root
        self.name = layout.name or root.name
        self.matrices = root / layout.matrices
        self.suite = root / layout.tests
        self.exchange = root / layout.exchange
        self.published = root / layout.published
        self.places = Places(published=layout.address or layout.published, tests=layout.tests, exchange=layout.exchange)
        self.site_address = layout.site
        # What the tool carries is shared by all who use it, and may be read-only.
        self.work = user_data_path("stackcompat") / _slug(self.name) if self.is_carried else root / ".stackcompat"
        self.site = self.work / "site"
        given = os.environ.get("STACKCOMPAT_STORE", "").strip()
        self.store: Path | str = _store(given) if given else self.work / "evidence.sqlite"

    @property
    def is_carried(self) -> bool:
        """Whether it is the one that the tool carries. Nothing is published there."""
        return self.root == CARRIED

    def table(self) -> Path:
        """The file of the table to look things up in: the published one, or else that of the last runs."""
        published, tried = (folder / "compat.json" for folder in (self.published, self.site))
        return tried if tried.is_file() and not published.is_file() else published

    def existing_table(self) -> Path:
        """The file of :meth:`table`, for commands that answer from it.

        Raises:
            UsageError: Nothing was run yet, so that there is none.
        """
        path = self.table()
        if not path.exists():
            raise UsageError(f"{path}: there is no table yet; {RUN_FIRST}")
        return path

    def components(self) -> Components:
        """Read the components. Raises UsageError for a mistake in their file."""
        return load_components(self.matrices / "components.toml")

    def matrix_files(self) -> list[Path]:
        """The files of the matrices, sorted by name."""
        return sorted(path for path in self.matrices.glob("*.toml") if path.stem not in _NO_MATRICES)

    def matrix(self, given: str) -> Matrix:
        """Read a matrix.

        Args:
            given: Its file, or its name in the folder of matrices.

        Raises:
            UsageError: There is no such matrix, or there is a mistake in it.
        """
        path = Path(given)
        if not path.exists() and not path.suffix:
            path = self.matrices / f"{given}.toml"
        if not path.exists():
            known = [file.stem for file in self.matrix_files()]
            raise UsageError(f"{given}: there is no such matrix; allowed are a file, or one of {', '.join(known)}")
        return load_matrix(path, self.components())


def find_ecosystem(given: str | None) -> Ecosystem:
    """The ecosystem to work with.

    Args:
        given: Its folder. If None, ``STACKCOMPAT_PROJECT`` names it. Without that, it is the nearest folder, from the
            current one upwards, that is an ecosystem or has a ``pyproject.toml`` that names one; and without any, the
            ecosystem that the tool carries.

    Raises:
        UsageError: The folder that is named is no ecosystem, or there is none at all.
    """
    named = os.environ.get(_VARIABLE, "").strip()
    if given or named:
        return _ecosystem_in(Path(given or named).resolve(), "--project" if given else _VARIABLE)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if _is_ecosystem(folder):
            return Ecosystem(folder)
        asked = _named_by(folder / "pyproject.toml")
        if asked is not None:
            return _ecosystem_in((folder / asked).resolve(), f"{folder / 'pyproject.toml'}: tool.stackcompat.project")
    if _is_ecosystem(CARRIED):
        return Ecosystem(CARRIED)
    raise UsageError(
        f"--project: no {_NAMED} or matrices/components.toml in this folder and those above it; name a folder that has "
        "one"
    )


def _is_ecosystem(folder: Path) -> bool:
    return (folder / _NAMED).is_file() or (folder / "matrices" / "components.toml").is_file()


def _ecosystem_in(folder: Path, source: str) -> Ecosystem:
    if not _is_ecosystem(folder):
        raise UsageError(f"{source}: no {_NAMED} or matrices/components.toml in {folder}; name a folder that has one")
    return Ecosystem(folder)


def _named_by(pyproject: Path) -> str | None:
    """The folder that a ``pyproject.toml`` names as an ecosystem; None if it names none."""
    if not pyproject.is_file():
        return None
    try:
        tools = parse_toml(read_given(pyproject).decode()).get("tool", {})
    except (ValueError, OSError):
        return None  # it may be the file of something else, and is read for nothing but this table
    table = tools.get("stackcompat") if isinstance(tools, dict) else None
    if table is None:
        return None
    project = table.get("project") if isinstance(table, dict) else None
    if not isinstance(project, str) or not project or set(table) != {"project"}:
        raise UsageError(f'{pyproject}: [tool.stackcompat] has one key, project = "DIR", the folder of an ecosystem')
    return project


def _store(given: str) -> Path | str:
    """The place of a store: a URL as it is, and anything else as a file."""
    return given if "://" in given else Path(given)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "ecosystem"
