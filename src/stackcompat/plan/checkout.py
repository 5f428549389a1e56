"""Where things are: the folder with the matrices and smoke tests, the store, the cache."""

from __future__ import annotations

import contextlib
import os
import tomllib
from pathlib import Path

from stackcompat.core.record import UsageError
from stackcompat.ecosystem.components import Components, load_components
from stackcompat.ecosystem.releases import Catalog, needs
from stackcompat.plan.cell import Cell
from stackcompat.plan.matrix import Matrix, Metapackage, load_matrix

__all__ = ["Checkout", "find_checkout", "published_sets"]


def published_sets(project: Checkout, cell: Cell, catalog: Catalog) -> tuple[tuple[str, ...], ...]:
    """What the newest release of each metapackage that a matrix of `project` names requires of `cell`'s roots."""
    names = set()
    for path in sorted(project.matrices.glob("*.toml")):
        # Not every file here is a matrix, and a mistake in another one is no reason not to blame this cell.
        with contextlib.suppress(UsageError, tomllib.TOMLDecodeError):
            if "policies" in tomllib.loads(path.read_text(encoding="utf-8")):
                policies = project.matrix(str(path)).policies
                names |= {policy.distribution for policy in policies if isinstance(policy, Metapackage)}
    sets = []
    for name in sorted(names):
        release = catalog.project(name).newest(python=cell.python, before=cell.exclude_newer)
        bounds = needs(catalog, name, release.version, cell.python) if release else {}
        chosen = tuple(f"{other}{bound}" for other, bound in bounds.items() if other in cell.roots())
        if chosen:
            sets.append(chosen)
    return tuple(sets)


#: Files in ``matrices/`` that are something else.
_NO_MATRICES = ("components", "known-cases", "advisories", "gate", "waivers", "replay", "replay-policy")


class Checkout:
    """A checkout: ``matrices/components.toml``, ``tests/interop/``, ``reports/`` and the store (never committed).

    `exchange` is the suite of what is written in one environment and read in another; it borrows modules of `suite`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.matrices = root / "matrices"
        self.suite = root / "tests" / "interop"
        self.exchange = root / "tests" / "exchange"
        self.reports = root / "reports"
        given = os.environ.get("STACKCOMPAT_STORE", "").strip()
        self.store = Path(given) if given else root / ".stackcompat" / "evidence.sqlite"

    def components(self) -> Components:
        """The components of this project."""
        return load_components(self.matrices / "components.toml")

    def matrix(self, given: str) -> Matrix:
        """The matrix in the file `given`, or of that name in ``matrices/``."""
        path = Path(given)
        if not path.exists() and not path.suffix:
            path = self.matrices / f"{given}.toml"
        if not path.exists():
            known = sorted(p.stem for p in self.matrices.glob("*.toml") if p.stem not in _NO_MATRICES)
            raise UsageError(f"{given}: there is no such matrix; allowed are a file, or one of {', '.join(known)}")
        return load_matrix(path, self.components())


def find_checkout(given: str | None) -> Checkout:
    """The project in `given`, or in the nearest folder upwards that has ``matrices/components.toml``."""
    start = Path(given).resolve() if given else Path.cwd()
    for folder in [start] if given else [start, *start.parents]:
        if (folder / "matrices" / "components.toml").is_file():
            return Checkout(folder)
    where = given or "this folder and those above it"
    raise UsageError(f"--project: no matrices/components.toml in {where}; run from a checkout or name one")
