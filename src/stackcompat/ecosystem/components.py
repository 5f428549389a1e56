"""The components of an ecosystem, read from ``components.toml``.

Loading gives frozen records or raises :class:`~stackcompat.core.record.UsageError` with one sentence that names the
file, the key and what is allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from pydantic import Field, field_validator

from stackcompat.core.record import UsageError
from stackcompat.core.requirements import RequirementText, SpecifierText
from stackcompat.core.toml import Table, load_record

__all__ = ["Component", "Components", "Module", "Upstream", "load_components", "own", "versions_of"]


class Module(Table):
    """An importable module of a component, the releases that have it, and the distributions that it needs to load."""

    name: str
    versions: SpecifierText = ""
    requires: tuple[str, ...] = ()


class Upstream(Table):
    """A part of the tests that releases of a component ship themselves.

    `archive` is where they are: in the `wheel`, installed with the rest, or in the `sdist`, of which these alone are
    unpacked, outside the environment. `tests` are patterns of their files, in the order in which they are to run;
    `beside` of files of an sdist that they need; `without` of tests that are left out (``*`` crosses folders in all).
    `requires` is what they import and the release does not declare. `seconds` is how long they may begin to run.
    """

    archive: Literal["wheel", "sdist"]
    versions: SpecifierText = ""
    tests: Annotated[tuple[str, ...], Field(min_length=1)]
    beside: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    requires: tuple[RequirementText, ...] = ()
    seconds: Annotated[float, Field(gt=0)] = 120.0


class Component(Table):
    """One row of the ecosystem.

    `distributions` are index names, the first one decides the row's version. `modules` are what an import must find,
    `hardware` what a run of the real thing wants, `untested` why no smoke test exercises it (empty when some do).
    `moves_with` names a component whose release decides this one's, so that this one is never pinned on its own.
    `undeclared` are distributions that it wants for writing or reading some artifacts, and does not declare.
    `install` are the requirements by which its documentation installs it, where the distribution's name alone is not
    enough: extras, companions that it does not declare. `placeholders` are the releases that only reserve its name.
    `blocker` says what keeps its tests from going deeper than they do. `seconds` is how long one test of it may take,
    `memory_mb` how much a cell that holds it may use (none: it does not say). `deprecation_months` is how long it
    promises to keep what it has deprecated. `upstream` are the tests that its releases ship: the first entry that is
    for a release is taken. `tests` are those (by id, ``*`` allowed) that tell of a component whose distribution is
    another's, of which it is a part.
    """

    name: str
    title: str
    summary: str
    group: Literal["core", "infrastructure", "advanced development", "application"]
    distributions: tuple[str, ...] = ()
    modules: tuple[Module, ...] = ()
    published: Literal["index", "git only", "announced but not published"] = "index"
    install: tuple[RequirementText, ...] = ()
    placeholders: SpecifierText = ""
    hardware: tuple[str, ...] = ("any",)
    documentation: str
    untested: str = ""
    moves_with: str = ""
    blocker: str = ""
    deprecation_months: Annotated[int, Field(ge=0)] | None = None
    seconds: Annotated[float, Field(gt=0)] = 60.0
    memory_mb: Annotated[int, Field(gt=0)] | None = None
    undeclared: tuple[str, ...] = ()
    upstream: tuple[Upstream, ...] = ()
    tests: tuple[str, ...] = ()

    @field_validator("distributions", "undeclared")
    @classmethod
    def _normalise(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(canonicalize_name(name) for name in value)

    @property
    def distribution(self) -> str:
        """The distribution whose version the row shows; empty when nothing is published."""
        return self.distributions[0] if self.distributions else ""

    def reserves(self, version: str) -> bool:
        """Whether the release `version` only reserves the component's name, and holds nothing of it."""
        return bool(self.placeholders) and SpecifierSet(self.placeholders).contains(version, prereleases=True)

    def tested_by(self, test: str) -> bool:
        """Whether the test with this id is one of those that tell of it, a part of another component's distribution."""
        return any(fnmatchcase(test, pattern) for pattern in self.tests)

    def ships(self, version: str) -> Upstream | None:
        """What is chosen of the tests that the release `version` ships; None where it ships none."""
        fit = (own for own in self.upstream if SpecifierSet(own.versions).contains(version, prereleases=True))
        return next(fit, None)


class Library(Table):
    """A distribution around the stack that has no row of its own, and what of it must be importable."""

    distribution: str
    modules: tuple[Module, ...]


class Components(Table):
    """Every component, in the order in which tables show them, and the libraries around them."""

    components: tuple[Component, ...]
    libraries: tuple[Library, ...] = ()

    def __getitem__(self, name: str) -> Component:
        """The component called `name`. Raises KeyError."""
        found = next((c for c in self.components if c.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def names(self) -> tuple[str, ...]:
        """Names of all components, in table order."""
        return tuple(c.name for c in self.components)

    def imports(self, installed: Mapping[str, str], roots: Collection[str]) -> tuple[tuple[str, str], ...]:
        """(distribution, module) for what must be importable where `installed` is: all components, and `roots`."""
        listed = [(name, c.modules) for c in self.components for name in c.distributions[:1] if name in installed]
        listed += [(lib.distribution, lib.modules) for lib in self.libraries if lib.distribution in roots]
        return tuple(
            (distribution, module.name)
            for distribution, modules in listed
            if distribution in installed
            for module in modules
            if SpecifierSet(module.versions).contains(installed[distribution], prereleases=True)
            and all(needed in installed for needed in module.requires)
        )

    def guesses(self, installed: Mapping[str, str], roots: Collection[str]) -> tuple[str, ...]:
        """Those of `roots` that no component with modules and no library covers: guessed from their files."""
        covered = {name for c in self.components if c.modules for name in c.distributions}
        covered |= {lib.distribution for lib in self.libraries}
        return tuple(sorted(name for name in roots if name in installed and name not in covered))

    def of_distribution(self, distribution: str) -> Component | None:
        """The component that `distribution` belongs to, first come first served."""
        return next((c for c in self.components if distribution in c.distributions), None)

    def whole(self, component: Component) -> Component | None:
        """The component whose distribution `component` is a part of; None for one that has its own."""
        owner = self.of_distribution(component.distribution)
        return owner if owner is not component else None


def load_components(path: Path) -> Components:
    """Read ``components.toml``. Raises UsageError for the first mistake in it."""
    components = load_record(path, Components)
    names = components.names()
    for number, component in enumerate(components.components):
        key = f"{path}: components[{number}]"
        if names.count(component.name) > 1:
            raise UsageError(f'{key}.name: "{component.name}" stands twice; each component is listed once')
        others = [other.name for other in components.components if other is not component and not other.moves_with]
        if component.moves_with and component.moves_with not in others:
            allowed = ", ".join(others)
            raise UsageError(f'{key}.moves-with: "{component.moves_with}" cannot lead; allowed are {allowed}')
        if component.tests and components.whole(component) is None:
            raise UsageError(f"{key}.tests: allowed only for a part of what another component distributes")
    return components


def own(components: Components) -> tuple[Component, ...]:
    """The components that have a distribution of their own, not a part of another's."""
    return tuple(c for c in components.components if c.distribution and components.whole(c) is None)


def versions_of(installed: Mapping[str, str], components: Components) -> dict[str, str]:
    """Component to version, from distribution to version; a component's first distribution counts."""
    return {c.name: installed[c.distribution] for c in own(components) if c.distribution in installed}
