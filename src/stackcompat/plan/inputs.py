"""What the cells of a matrix are made from: the matrix, its components, the index, and a way to write a cell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog, Project
from stackcompat.plan.cell import Cell
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.policies import Policy

__all__ = ["PlanInputs"]


@dataclass(frozen=True)
class PlanInputs:
    """What every policy needs to make its cells.

    Attributes:
        matrix: The matrix.
        components: The components of the ecosystem.
        catalog: The index.
        platform: The platform of the cells.
        now: The moment for which the plan is made.
    """

    matrix: Matrix
    components: Components
    catalog: Catalog
    platform: str
    now: dt.datetime

    @cached_property
    def reserved(self) -> dict[str, str]:
        """The components of the matrix of which the index has no more than a name, and the release that reserves it."""
        found = {}
        for name in self.matrix.components:
            newest = self.project(name).newest()
            if newest is not None and self.components[name].reserves(newest.version):
                found[name] = newest.version
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The distributions of the matrix's components, each once, without those that are only reserved."""
        present = [name for name in self.matrix.components if name not in self.reserved]
        return tuple(dict.fromkeys(map(self.distribution, present)))

    def distribution(self, component: str) -> str:
        """The distribution of a component."""
        return self.components[component].distribution

    def project(self, component: str) -> Project:
        """The releases of a component."""
        return self.catalog.project(self.distribution(component))

    def followers(self, distribution: str) -> set[str]:
        """The distributions of the matrix that move with a distribution."""
        rows = [self.components[name] for name in self.matrix.components]
        return {
            row.distribution for row in rows if row.moves_with and self.distribution(row.moves_with) == distribution
        }

    def prereleases_of(self, components: Collection[str]) -> list[str]:
        """Requirements that take pre-releases of `components` and of what moves with them, and of nothing else."""
        taken = set(map(self.distribution, components))
        taken |= {follower for name in taken for follower in self.followers(name)}
        return [f"{name}>=0.dev0" if name in taken else name for name in self.names]

    def cell(self, policy: Policy, python: str, requirements: Iterable[str], detail: str, **more: Any) -> Cell:
        """A cell of a policy.

        Args:
            policy: The policy; its options hold for the cell.
            python: The cell's Python.
            requirements: What the policy asks for; what the matrix adds to every cell is added here.
            detail: What tells the cell from others of the policy.
            **more: Further fields of :class:`~stackcompat.plan.cell.Cell`.
        """
        return Cell(
            python=python,
            platform=self.platform,
            requirements=tuple(sorted({*requirements, *self.matrix.also})),
            overrides=tuple(sorted(policy.overrides)),
            thorough=policy.thorough,
            policy=policy.policy,
            label=f"{policy.label}: {detail}" if policy.label else detail,
            **more,
        )

    def refuse(self, key: str, sentence: str) -> NoReturn:
        """Raise UsageError for a mistake in the matrix file."""
        raise UsageError(f"{self.matrix.source}: {key}: {sentence}")
