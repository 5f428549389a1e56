"""Which component a name, a module or a pin belongs to, among those that are installed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from stackcompat.core.requirements import only_version, parse_requirement
from stackcompat.ecosystem.components import Component, Components
from stackcompat.plan.cell import Cell

__all__ = ["Ownership", "mentioned", "pins_of"]


def pins_of(cell: Cell, components: Components) -> dict[str, str]:
    """Component to version, for the components that the cell asks for by an exact version."""
    pins = {}
    for requirement in map(parse_requirement, cell.requirements):
        exact = only_version(requirement)
        component = components.of_distribution(requirement.name)
        if exact and component and component.distribution == requirement.name:
            pins[component.name] = exact
    return pins


def mentioned(sentence: str, components: Components) -> frozenset[str]:
    """The components whose distributions a sentence names."""
    return frozenset(
        component.name
        for component in components.with_own_distribution()
        if any(re.search(rf"(?<![\w.-]){re.escape(d)}(?![\w-])", sentence) for d in component.distributions)
    )


class Ownership:
    """Which of the components `present` in a cell a distribution or a module belongs to."""

    def __init__(self, components: Components, present: Collection[str]) -> None:
        here = [component for component in components.with_own_distribution() if component.name in present]
        self._owner = {d: component.name for component in reversed(here) for d in component.distributions}
        self._modules = {module: component.name for component in reversed(here) for module in _modules(component)}
        #: Component that moves with another to that other.
        self.leaders = {c.name: c.moves_with for c in here if c.moves_with in present}

    def owner(self, distribution: str) -> str | None:
        """The component of `distribution`, if it belongs to one that is here."""
        return self._owner.get(distribution)

    def users(self, distributions: Iterable[str]) -> tuple[str, ...]:
        """Components of `distributions`, each once, in order, leaders for those that they lead."""
        owners = (self._owner[d] for d in distributions if d in self._owner)
        return tuple(dict.fromkeys(self.leaders.get(name, name) for name in owners))

    def lead(self, names: Collection[str]) -> frozenset[str]:
        """`names` with leaders for those that they lead, unless a leader and its follower are all there is."""
        led = frozenset(self.leaders.get(name, name) for name in names)
        return frozenset(names) if len(led) < len(names) == 2 else led

    def of_module(self, name: str) -> str | None:
        """The component that has the module, or that has what is in it, by its dotted name."""
        while name:
            if name in self._modules:
                return self._modules[name]
            name = name.rpartition(".")[0]
        return None


def _modules(component: Component) -> tuple[str, ...]:
    named = tuple(module.name for module in component.modules)
    return named or tuple(distribution.replace("-", "_") for distribution in component.distributions)
