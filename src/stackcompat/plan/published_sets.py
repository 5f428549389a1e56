"""The sets of releases that metapackages publish: requirements that belong together."""

from __future__ import annotations

import contextlib

from stackcompat.core.documents import parse_toml
from stackcompat.core.errors import UsageError
from stackcompat.core.files import read_given
from stackcompat.ecosystem.declared import needs
from stackcompat.ecosystem.releases import Catalog
from stackcompat.plan.cell import Cell
from stackcompat.plan.ecosystem import Ecosystem
from stackcompat.plan.policies import Metapackage

__all__ = ["published_sets"]


def published_sets(project: Ecosystem, cell: Cell, catalog: Catalog) -> tuple[tuple[str, ...], ...]:
    """The sets of releases that metapackages publish, cut down to the roots of a cell.

    Args:
        project: The ecosystem. Its matrices name the metapackages.
        cell: The cell. Its Python and its day decide which release of a metapackage is the newest.
        catalog: Gives the releases and their requirements.

    Returns:
        For each metapackage, the requirements of its newest release on the cell's roots. A metapackage without such
        requirements is left out.
    """
    names = set()
    for path in sorted(project.matrices.glob("*.toml")):
        # Not every file here is a matrix. A mistake in one of them must not keep this cell from being blamed.
        with contextlib.suppress(UsageError, ValueError, OSError):
            if "policies" in parse_toml(read_given(path).decode()):
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
