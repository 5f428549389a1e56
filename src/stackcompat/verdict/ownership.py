"""Which component or distribution a name, a module or a pin belongs to."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cached_property

from packaging.utils import canonicalize_name

from stackcompat.core.requirements import exact_pins
from stackcompat.ecosystem.components import Component, Components
from stackcompat.plan.cell import Cell

__all__ = ["Ownership", "mentioned", "names_distribution", "owner_of", "pins_of"]


def pins_of(cell: Cell, components: Components) -> dict[str, str]:
    """The exact versions that a cell asks for, by component. Components without an exact pin are left out."""
    pins = {}
    for name, version in exact_pins(cell.requirements).items():
        component = components.of_distribution(name)
        if component is not None and component.distribution == name:
            pins[component.name] = version
    return pins


def mentioned(sentence: str, components: Components) -> frozenset[str]:
    """The components of which a sentence names a distribution."""
    return frozenset(
        component.name
        for component in components.with_own_distribution()
        if any(names_distribution(sentence, distribution) for distribution in component.distributions)
    )


def names_distribution(text: str, distribution: str) -> bool:
    """Whether a text names a distribution. The name does not count where it is a part of a longer name."""
    return re.search(rf"(?<![\w.-]){re.escape(distribution)}(?![\w-])", text) is not None


def owner_of(module: str, installed: Collection[str], components: Components) -> str | None:
    """The distribution that a module belongs to, judged by names alone; None if none of `installed` fits.

    Args:
        module: The dotted name of a module, or of a name in it.
        installed: The distributions to choose from.
        components: The components of the ecosystem, which list modules.
    """
    listed = {m.name: c.distribution for c in reversed(components.components) for m in c.modules}
    name = module
    while name:
        if listed.get(name) in installed:
            return listed[name]
        name = name.rpartition(".")[0]
    # A distribution is often called like its module: `a-b-c`, `a-b` or `a` for a.b.c, or `b` within a namespace.
    parts = [canonicalize_name(part) for part in module.split(".")[:3]]
    spellings = ["-".join(parts[:length]) for length in (3, 2, 1)] + parts[1:2]
    return next((spelling for spelling in spellings if spelling in installed), None)


class Ownership:
    """Says to which component of a cell a distribution or a module belongs.

    Args:
        components: The components of the ecosystem.
        present: The names of the components in the cell.
    """

    def __init__(self, components: Components, present: Collection[str]) -> None:
        rows = [component for component in components.with_own_distribution() if component.name in present]
        self._owner = {d: component.name for component in reversed(rows) for d in component.distributions}
        self._rows = rows
        #: Component to the component that it moves with.
        self.leaders = {c.name: c.moves_with for c in rows if c.moves_with in present}
        self._users: dict[tuple[str, ...], tuple[str, ...]] = {}

    @cached_property
    def _modules(self) -> dict[str, str]:
        """Module to the component that it belongs to."""
        return {module: component.name for component in reversed(self._rows) for module in _modules(component)}

    def owner(self, distribution: str) -> str | None:
        """The component of a distribution; None if it belongs to none in the cell."""
        return self._owner.get(distribution)

    def users(self, distributions: tuple[str, ...]) -> tuple[str, ...]:
        """The components of `distributions`, each once, in order. A component that has a leader becomes the leader."""
        users = self._users.get(distributions)
        if users is None:  # many tests use the same
            owners = (self._owner[d] for d in distributions if d in self._owner)
            users = tuple(dict.fromkeys(self.leaders.get(name, name) for name in owners))
            self._users[distributions] = users
        return users

    def lead(self, names: Collection[str]) -> frozenset[str]:
        """`names` with each component replaced by the component that it moves with.

        If `names` are exactly a component and its leader, both are kept.
        """
        led = frozenset(self.leaders.get(name, name) for name in names)
        return frozenset(names) if len(led) < len(names) == 2 else led

    def of_module(self, name: str) -> str | None:
        """The component of a module, or of the nearest package around it; None if it belongs to no component."""
        while name:
            if name in self._modules:
                return self._modules[name]
            name = name.rpartition(".")[0]
        return None


def _modules(component: Component) -> tuple[str, ...]:
    """The modules of a component. If it lists none, its distributions give their names."""
    named = tuple(module.name for module in component.modules)
    return named or tuple(distribution.replace("-", "_") for distribution in component.distributions)
