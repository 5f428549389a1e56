"""The inputs of a plan: the matrix, its components and the index; and how a policy makes a cell from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NoReturn

from stackcompat.core.errors import UsageError
from stackcompat.core.requirements import name_of
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog, Project
from stackcompat.plan.cell import Cell
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.policies import Policy

__all__ = ["PlanInputs"]


@dataclass(frozen=True)
class PlanInputs:
    """The inputs of a plan, from which every policy makes its cells.

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
        """The components of the matrix that are only a reserved name, each with the release that reserves it."""
        found = {}
        for name in self.matrix.components:
            newest = self.project(name).newest()
            if newest is not None and self.components[name].reserves(newest.version):
                found[name] = newest.version
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The distributions of the matrix's components, each once. Reserved components are left out."""
        present = [name for name in self.matrix.components if name not in self.reserved]
        return tuple(dict.fromkeys(map(self.distribution, present)))

    def without(self, components: Collection[str]) -> PlanInputs:
        """The same inputs, of a matrix that does not have some of its components."""
        kept = tuple(name for name in self.matrix.components if name not in components)
        return replace(self, matrix=self.matrix.model_copy(update={"components": kept}))

    def distribution(self, component: str) -> str:
        """The distribution of a component."""
        return self.components[component].distribution

    def project(self, component: str) -> Project:
        """The releases of a component."""
        return self.catalog.project(self.distribution(component))

    def followers(self, distribution: str) -> set[str]:
        """The distributions in the matrix that move with a distribution."""
        rows = [self.components[name] for name in self.matrix.components]
        return {
            row.distribution for row in rows if row.moves_with and self.distribution(row.moves_with) == distribution
        }

    def prereleases_of(self, components: Collection[str]) -> list[str]:
        """A requirement for each distribution. Those of `components` and their followers allow pre-releases."""
        taken = set(map(self.distribution, components))
        taken |= {follower for name in taken for follower in self.followers(name)}
        return [f"{name}>=0.dev0" if name in taken else name for name in self.names]

    def cell(
        self,
        policy: Policy,
        python: str,
        requirements: Collection[str],
        detail: str,
        accompanying: Collection[str] = (),
        **more: Any,
    ) -> Cell:
        """A cell of a policy.

        Args:
            policy: The policy. Its options become those of the cell.
            python: The cell's Python.
            requirements: The requirements of the policy. Those that the matrix adds to every cell are added here.
            detail: Distinguishes the cell from others of the policy; a part of its label.
            accompanying: Distributions among these that the cell is not about.
            **more: Further fields of :class:`~stackcompat.plan.cell.Cell`.
        """
        also = set(map(name_of, self.matrix.also)) - set(map(name_of, requirements))
        return Cell(
            python=python,
            platform=self.platform,
            requirements=tuple(sorted({*requirements, *self.matrix.also})),
            accompanying=tuple(sorted({*also, *accompanying})),
            overrides=tuple(sorted(policy.overrides)),
            thorough=policy.thorough,
            policy=policy.policy,
            label=f"{policy.label}: {detail}" if policy.label else detail,
            **more,
        )

    def refuse(self, key: str, sentence: str) -> NoReturn:
        """Raise UsageError for a mistake in the matrix file: `key` is where, `sentence` is what."""
        raise UsageError(f"{self.matrix.source}: {key}: {sentence}")
