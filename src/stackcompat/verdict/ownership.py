"""Which component a name, a module or a pin belongs to, among those that are installed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from stackcompat.core.requirements import exact_pins
from stackcompat.ecosystem.components import Component, Components
from stackcompat.plan.cell import Cell

__all__ = ["Ownership", "mentioned", "names_distribution", "pins_of"]


def pins_of(cell: Cell, components: Components) -> dict[str, str]:
    """Component to version, for the components that a cell asks for in one version only."""
    pins = {}
    for name, version in exact_pins(cell.requirements).items():
        component = components.of_distribution(name)
        if component is not None and component.distribution == name:
            pins[component.name] = version
    return pins


def mentioned(sentence: str, components: Components) -> frozenset[str]:
    """The components whose distributions a sentence names."""
    return frozenset(
        component.name
        for component in components.with_own_distribution()
        if any(names_distribution(sentence, distribution) for distribution in component.distributions)
    )


def names_distribution(text: str, distribution: str) -> bool:
    """Whether a distribution is named in a text, not only as a part of another name."""
    return re.search(rf"(?<![\w.-]){re.escape(distribution)}(?![\w-])", text) is not None


class Ownership:
    """Which of the components in a cell a distribution or a module belongs to.

    Args:
        components: The components of the ecosystem.
        present: The names of those in the cell.
    """

    def __init__(self, components: Components, present: Collection[str]) -> None:
        rows = [component for component in components.with_own_distribution() if component.name in present]
        self._owner = {d: component.name for component in reversed(rows) for d in component.distributions}
        self._modules = {module: component.name for component in reversed(rows) for module in _modules(component)}
        #: Component to the component that it moves with.
        self.leaders = {c.name: c.moves_with for c in rows if c.moves_with in present}

    def owner(self, distribution: str) -> str | None:
        """The component of a distribution; None if it belongs to none in the cell."""
        return self._owner.get(distribution)

    def users(self, distributions: Iterable[str]) -> tuple[str, ...]:
        """The components of `distributions`, each once, in order; of one that moves with another, that other."""
        owners = (self._owner[d] for d in distributions if d in self._owner)
        return tuple(dict.fromkeys(self.leaders.get(name, name) for name in owners))

    def lead(self, names: Collection[str]) -> frozenset[str]:
        """`names` with that other in place of one that moves with another, unless just these two are left."""
        led = frozenset(self.leaders.get(name, name) for name in names)
        return frozenset(names) if len(led) < len(names) == 2 else led

    def of_module(self, name: str) -> str | None:
        """The component that has a module, or the module that it is in, by its dotted name; None if none has."""
        while name:
            if name in self._modules:
                return self._modules[name]
            name = name.rpartition(".")[0]
        return None


def _modules(component: Component) -> tuple[str, ...]:
    """The modules of a component; if none are listed, those named like its distributions."""
    named = tuple(module.name for module in component.modules)
    return named or tuple(distribution.replace("-", "_") for distribution in component.distributions)
