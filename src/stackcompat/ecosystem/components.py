"""The components of an ecosystem, read from ``components.toml``.

Loading gives frozen records or raises :class:`~stackcompat.core.errors.UsageError` with one sentence that names the
file, the key and what is allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from packaging.utils import canonicalize_name
from pydantic import Field, field_validator

from stackcompat.core.errors import UsageError
from stackcompat.core.requirements import RequirementText, SpecifierText, allows
from stackcompat.core.toml import Table, load_record

__all__ = ["Component", "Components", "Module", "Upstream", "load_components", "versions_of"]


class Module(Table):
    """An importable module of a component.

    Attributes:
        name: Its dotted name.
        versions: The releases that have it; all if empty.
        requires: Distributions that it needs to load.
    """

    name: str
    versions: SpecifierText = ""
    requires: tuple[str, ...] = ()


class Upstream(Table):
    """A part of the tests that releases of a component ship themselves. In patterns, ``*`` crosses folders.

    Attributes:
        archive: Where they are: in the ``wheel``, installed with the rest, or in the ``sdist``, of which only these
            are unpacked, outside the environment.
        versions: The releases that this is about; all if empty.
        tests: Patterns of their files, in the order in which they run.
        beside: Patterns of files of an sdist that they need.
        without: Patterns of tests that are left out.
        requires: What they import and the release does not declare.
        seconds: For how long tests of it are begun.
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

    Attributes:
        name: What commands and matrices call it.
        title: What reports call it.
        summary: What it does, in a few words.
        group: The part of the table in which it stands.
        distributions: Its names on the index; the first one decides the version of the row.
        modules: What must be importable.
        published: Where its releases are.
        install: The requirements by which its documentation installs it, if the distribution's name alone is not
            enough: extras, companions that it does not declare.
        placeholders: The releases that only reserve its name.
        hardware: The hardware that its real use wants.
        documentation: The address of its documentation.
        untested: Why no smoke test exercises it; empty if some do.
        moves_with: A component whose release decides this one's, so that this one is never pinned alone.
        blocker: What keeps its tests from going deeper than they do.
        deprecation_months: How long it promises to keep what it has deprecated.
        seconds: Time limit of one test of it.
        memory_mb: Memory limit of a cell that holds it, in MB; None if it does not say.
        undeclared: Distributions that it wants for writing or reading some artifacts, and does not declare.
        upstream: The tests that its releases ship; the first entry that is for a release is taken.
        tests: The tests (by id, ``*`` allowed) that tell of a component that is a part of another's distribution.
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
        """Whether the release `version` holds nothing of the component and only reserves its name."""
        return bool(self.placeholders) and allows(self.placeholders, version)

    def tested_by(self, test: str) -> bool:
        """Whether the test with this id tells of the component, which is a part of another's distribution."""
        return any(fnmatchcase(test, pattern) for pattern in self.tests)

    def ships(self, version: str) -> Upstream | None:
        """Which of the tests that the release `version` ships are chosen; None if none are."""
        return next((chosen for chosen in self.upstream if allows(chosen.versions, version)), None)


class Library(Table):
    """A distribution around the stack that has no row of its own.

    Attributes:
        distribution: Its name on the index.
        modules: What must be importable.
    """

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
        """What must be importable in an environment: modules of all components, and of the libraries among the roots.

        Args:
            installed: Distribution to version.
            roots: The distributions that were asked for by name.

        Returns:
            Pairs of distribution and module.
        """
        listed = [(component.distribution, component.modules) for component in self.components]
        listed += [
            (library.distribution, library.modules) for library in self.libraries if library.distribution in roots
        ]
        return tuple(
            (distribution, module.name)
            for distribution, modules in listed
            if distribution in installed
            for module in modules
            if allows(module.versions, installed[distribution]) and all(name in installed for name in module.requires)
        )

    def guesses(self, installed: Mapping[str, str], roots: Collection[str]) -> tuple[str, ...]:
        """The installed roots whose modules nobody lists: they are guessed from the files of the distribution.

        Args:
            installed: Distribution to version.
            roots: The distributions that were asked for by name.
        """
        covered = {name for component in self.components if component.modules for name in component.distributions}
        covered |= {library.distribution for library in self.libraries}
        return tuple(sorted(name for name in roots if name in installed and name not in covered))

    def of_distribution(self, distribution: str) -> Component | None:
        """The first component that `distribution` belongs to; None if there is none."""
        return next((component for component in self.components if distribution in component.distributions), None)

    def whole(self, component: Component) -> Component | None:
        """The component of whose distribution `component` is a part; None if its distribution is its own."""
        owner = self.of_distribution(component.distribution)
        return owner if owner is not component else None

    def with_own_distribution(self) -> tuple[Component, ...]:
        """The components that have a distribution of their own, not a part of another's."""
        return tuple(
            component for component in self.components if component.distribution and self.whole(component) is None
        )


def load_components(path: Path) -> Components:
    """Read ``components.toml``. Raises UsageError for the first mistake in it."""
    components = load_record(path, Components)
    for number, component in enumerate(components.components):
        _check(component, components, f"{path}: components[{number}]")
    return components


def _check(component: Component, components: Components, key: str) -> None:
    """Refuse a component that does not fit the others."""
    if components.names().count(component.name) > 1:
        raise UsageError(f'{key}.name: "{component.name}" stands twice; each component is listed once')
    leaders = [other.name for other in components.components if other is not component and not other.moves_with]
    if component.moves_with and component.moves_with not in leaders:
        allowed = ", ".join(leaders)
        raise UsageError(f'{key}.moves-with: "{component.moves_with}" cannot lead; allowed are {allowed}')
    if component.tests and components.whole(component) is None:
        raise UsageError(f"{key}.tests: allowed only for a part of what another component distributes")


def versions_of(installed: Mapping[str, str], components: Components) -> dict[str, str]:
    """Component to version. A component has the version of its first distribution.

    Args:
        installed: Distribution to version.
        components: The components of the ecosystem.
    """
    return {
        component.name: installed[component.distribution]
        for component in components.with_own_distribution()
        if component.distribution in installed
    }
