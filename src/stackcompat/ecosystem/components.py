"""The components of an ecosystem, read from ``components.toml``.

Loading gives frozen records, or raises :class:`~stackcompat.core.errors.UsageError`. Its message has one sentence for
each mistake: the file, the key, and what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from packaging.utils import canonicalize_name
from pydantic import Field, field_validator, model_validator

from stackcompat.core.errors import UsageError
from stackcompat.core.record import Record
from stackcompat.core.requirements import RequirementText, SpecifierText, allows
from stackcompat.core.toml import AlsoKey, Table, Write, load_record

__all__ = [
    "CompilerCache",
    "Component",
    "Components",
    "ImportedModule",
    "Library",
    "Module",
    "Sweep",
    "Unswept",
    "Upstream",
    "Wrappers",
    "load_components",
    "versions_of",
]


class Module(Table):
    """An importable module of a component.

    Attributes:
        name: Its dotted name.
        versions: The releases that have the module; all if empty.
        requires: Distributions without which the module cannot be imported.
        optional: Whether most users do without the module. If it cannot be imported because it needs a distribution
            that is not declared, that is a limit of the release and no break.
        environment: The environment variables with which the module is imported.
    """

    name: str
    versions: SpecifierText = ""
    requires: tuple[str, ...] = ()
    optional: bool = False
    environment: dict[str, str] = {}

    @field_validator("requires")
    @classmethod
    def _normalise(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(canonicalize_name(name) for name in value)


class ImportedModule(Record):
    """A module that must be importable in one environment.

    Attributes:
        distribution: The installed distribution that has the module.
        module: The dotted name of the module.
        requires: As in :class:`Module`. They are looked for inside the environment, since a distribution of another
            name can have the same modules.
        optional: As in :class:`Module`.
        environment: As in :class:`Module`.
    """

    distribution: str
    module: str
    requires: tuple[str, ...] = ()
    optional: bool = False
    environment: dict[str, str] = {}


class Upstream(Table):
    """Some of the tests that releases of a component ship themselves. In patterns, ``*`` crosses folders.

    Attributes:
        archive: Where the tests are. Tests in the ``wheel`` are installed with it. Of an ``sdist``, only the files of
            tests are unpacked, outside the environment.
        versions: The releases that this entry is for; all if empty.
        tests: Patterns of the test files, in the order in which they run.
        beside: Patterns of further files of an sdist that the tests need.
        without: Patterns of tests that are left out.
        requires: Requirements that the tests import and the release does not declare.
        seconds: The time box: no test begins later than this many seconds after the first.
    """

    archive: Literal["wheel", "sdist"]
    versions: SpecifierText = ""
    tests: Annotated[tuple[str, ...], Field(min_length=1)]
    beside: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    requires: tuple[RequirementText, ...] = ()
    seconds: Annotated[float, Field(gt=0)] = 120.0


class CompilerCache(Table):
    """How a component's compiler keeps the programs that it has compiled, so that the tests of other cells find them.

    Attributes:
        keyed_by: The distributions that decide what is compiled, and under which name it is kept: the compiler's own
            and those that call it. Cells share programs only if they agree on all of these that they have, by hash.
        plugins: The groups of entry points, and the namespace packages, by which other distributions extend the
            compiler. Such distributions count as if they were in `keyed_by`.
        environment: The variables that turn the cache on. ``{folder}`` stands for its folder.
    """

    keyed_by: Annotated[tuple[str, ...], Field(min_length=1)]
    plugins: tuple[str, ...] = ()
    environment: Annotated[dict[str, str], Field(min_length=1)]

    @field_validator("keyed_by")
    @classmethod
    def _normalise(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(canonicalize_name(name) for name in value)

    @field_validator("environment")
    @classmethod
    def _names_folder(cls, value: dict[str, str]) -> dict[str, str]:
        if not any("{folder}" in text for text in value.values()):
            raise ValueError("no variable names the folder; one must hold {folder}, which stands for it")
        return value

    def variables(self, folder: Path) -> dict[str, str]:
        """The variables that turn the cache on, with `folder` for its programs."""
        return {name: text.replace("{folder}", str(folder)) for name, text in self.environment.items()}


#: The most seconds that one test can be given: a day.
_LONGEST_TEST = 86_400


class Component(Table):
    """One row of the ecosystem. A distribution is enough: ``distribution = "alpha"``.

    Attributes:
        name: Its name in commands and matrices; that of its first distribution if none is given.
        title: Its name in reports; its distribution as it is written, or else its name, if none is given.
        summary: Its purpose, in a few words.
        group: The part of the table in which it stands, in the ecosystem's own words.
        distributions: Its names on the index; the first one decides the version of the row. The key ``distribution``
            gives a single one.
        also_as: Other distributions of the same modules, such as nightly builds. Tests of the component apply to them.
            The rows of the component do not show them, since their versions are others.
        modules: Its modules, which must be importable. If none is given, they are guessed from the files of the
            distribution, in cells that ask for it.
        published: Where its releases are.
        install: The requirements by which its documentation installs it, if the distribution's name alone is not
            enough: extras, companions that it does not declare.
        placeholders: The releases that only reserve its name.
        hardware: The hardware that it is made for.
        documentation: The address of its documentation; empty if none is given.
        untested: Why no smoke test exercises it; empty if some do.
        moves_with: The component that it moves with: the release of that one decides its own, so it is never pinned
            alone.
        blocker: The reason why its tests do not go deeper.
        deprecation_months: For how many months it promises to keep what it has deprecated; None without a promise.
        seconds: Time limit of one test of it.
        memory_mb: Memory limit of a cell that holds it, in MB; None for the limit of all cells.
        undeclared: Distributions that it needs to write or read some artifacts but does not declare.
        upstream: The tests that its releases ship. For a release, the first entry that is for it counts.
        metapackage: Whether it has no code of its own and only brings others in.
        tests: For a component that is a part of another's distribution: patterns of the ids of the tests that
            exercise it.
        documented_tests: The ids of smoke tests that do what its documentation shows, for every release that they
            are for. Where such a test fails, it is not the test that does not fit.
        compiler_cache: How its compiler keeps compiled programs; None if it has no compiler, or one without a cache.
    """

    name: Annotated[str, Field(min_length=1), Write('distribution = "..."')]
    title: Annotated[str, Field(min_length=1)]
    summary: str = ""
    group: Annotated[str, Field(min_length=1)] = "components"
    distributions: Annotated[tuple[str, ...], AlsoKey("distribution")] = ()
    also_as: tuple[str, ...] = ()
    modules: tuple[Module, ...] = ()
    published: Literal["index", "git only", "announced but not published"] = "index"
    install: tuple[RequirementText, ...] = ()
    placeholders: SpecifierText = ""
    hardware: tuple[str, ...] = ("any",)
    documentation: str = ""
    untested: str = ""
    moves_with: str = ""
    blocker: str = ""
    deprecation_months: Annotated[int, Field(ge=0)] | None = None
    seconds: Annotated[float, Field(gt=0, le=_LONGEST_TEST)] = 60.0
    memory_mb: Annotated[int, Field(gt=0)] | None = None
    undeclared: tuple[str, ...] = ()
    upstream: tuple[Upstream, ...] = ()
    metapackage: bool = False
    tests: tuple[str, ...] = ()
    documented_tests: tuple[str, ...] = ()
    compiler_cache: CompilerCache | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        """Give what follows from a distribution, or from a name."""
        if not isinstance(data, dict):
            return data
        filled = dict(data)
        if "distribution" in filled:
            if "distributions" in filled:
                raise ValueError('takes either distribution = "..." or distributions = [...]')
            filled["distributions"] = [filled.pop("distribution")]
        names = filled.get("distributions")
        if isinstance(names, (list, tuple)) and names:
            first = str(names[0])
            filled.setdefault("name", canonicalize_name(first))
            filled.setdefault("title", first)
        return {"title": filled.get("name", "unnamed")} | filled

    @field_validator("name")
    @classmethod
    def _can_name_a_file(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._+-]*", value):
            raise ValueError(f"{value!r} must begin with a letter or a digit, and have letters, digits and ._+- only")
        return value

    @field_validator("distributions", "also_as", "undeclared")
    @classmethod
    def _normalise(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(canonicalize_name(name) for name in value)

    @property
    def distribution(self) -> str:
        """The first of its distributions, whose version is its own; empty if none is published."""
        return self.distributions[0] if self.distributions else ""

    def present(self, installed: Collection[str]) -> tuple[str, ...]:
        """The distribution, if it is among `installed`; else those of its stand-ins that are."""
        return _present(self.distribution, self.also_as, installed)

    def reserves(self, version: str) -> bool:
        """Whether the release `version` only reserves the name and holds nothing of the component."""
        return bool(self.placeholders) and allows(self.placeholders, version)

    def tested_by(self, test: str) -> bool:
        """Whether the test with the id `test` exercises the component; for a part of another's distribution."""
        return any(fnmatchcase(test, pattern) for pattern in self.tests)

    def ships(self, version: str) -> Upstream | None:
        """The entry about the tests that the release `version` ships; None if there is no entry for it."""
        return next((chosen for chosen in self.upstream if allows(chosen.versions, version)), None)


class Library(Table):
    """A distribution that the stack needs and that is no component: it has no row in the tables.

    Attributes:
        distribution: Its name on the index.
        also_as: Other distributions of the same modules, such as builds for one kind of hardware.
        modules: Its modules, which must be importable.
    """

    distribution: str
    also_as: tuple[str, ...] = ()
    modules: Annotated[tuple[Module, ...], Field(min_length=1)]

    @field_validator("distribution")
    @classmethod
    def _normalise(cls, value: str) -> str:
        return canonicalize_name(value)

    @field_validator("also_as")
    @classmethod
    def _normalise_all(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(canonicalize_name(name) for name in value)

    def present(self, installed: Collection[str]) -> tuple[str, ...]:
        """The distribution, if it is among `installed`; else those of its stand-ins that are."""
        return _present(self.distribution, self.also_as, installed)


class Unswept(Table):
    """Modules of a distribution that a sweep leaves out.

    Attributes:
        distribution: The distribution.
        modules: Patterns (``*`` allowed) of their dotted names.
        reason: Why.
    """

    distribution: str
    modules: Annotated[tuple[str, ...], Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]

    @field_validator("distribution")
    @classmethod
    def _normalise(cls, value: str) -> str:
        return canonicalize_name(value)


class Sweep(Record):
    """A distribution all of whose public modules are imported.

    Attributes:
        distribution: The distribution.
        without: Patterns (``*`` allowed) of the modules that are left out.
    """

    distribution: str
    without: tuple[str, ...] = ()


class Wrappers(Table):
    """What libraries put around the error that identifies a failure.

    Attributes:
        classes: Patterns (``*`` allowed) of the classes of errors that only say something about the error that they
            hang on, such as that frames of its traceback are hidden.
        lines: Regular expressions of lines of a message that do not say what is wrong. The first other line does. An
            error of which every line is such a line leads to the error that was handled when it was raised.
    """

    classes: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    @field_validator("lines")
    @classmethod
    def _compile(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f'"{pattern}" is no regular expression: {error}') from None
        return value


class Components(Table):
    """Every component, in the order in which tables show them, and the libraries around them.

    Attributes:
        components: The components.
        libraries: The libraries around them.
        wrappers: What libraries put around the error that identifies a failure.
        looks_for: Module to patterns (``*`` allowed) of names of distributions. Where code of the module looks through
            all installed distributions, it does so only to find these.
        unswept: The modules that sweeps leave out.
    """

    components: tuple[Component, ...]
    libraries: tuple[Library, ...] = ()
    wrappers: Wrappers = Wrappers()
    looks_for: dict[str, tuple[str, ...]] = {}
    unswept: tuple[Unswept, ...] = ()

    def __getitem__(self, name: str) -> Component:
        """The component called `name`. Raises KeyError."""
        found = next((c for c in self.components if c.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def names(self) -> tuple[str, ...]:
        """The names of all components, in the order in which tables show them."""
        return tuple(c.name for c in self.components)

    def imports(self, installed: Mapping[str, str], roots: Collection[str]) -> tuple[ImportedModule, ...]:
        """The modules that must be importable in an environment.

        These are the modules of all components, and of the libraries among the roots. A distribution that stands in for
        a component or a library must have the same modules.

        Args:
            installed: Distribution to version.
            roots: The distributions that were asked for by name.
        """
        listed = [(name, component.modules) for component in self.components for name in component.present(installed)]
        listed += [
            (name, library.modules)
            for library in self.libraries
            for name in library.present(installed)
            if name in roots
        ]
        return tuple(
            ImportedModule(
                distribution=distribution,
                module=module.name,
                requires=module.requires,
                optional=module.optional,
                environment=module.environment,
            )
            for distribution, modules in listed
            for module in modules
            if allows(module.versions, installed[distribution])
        )

    def usable(self, installed: Collection[str], roots: Collection[str]) -> frozenset[str] | None:
        """The distributions that tests can use in an environment.

        These are the installed ones, and those that an installed one stands in for.

        Args:
            installed: What is installed.
            roots: The distributions that were asked for by name.

        Returns:
            None if an installed root is unknown. Its modules can be those of any distribution, so only a look into the
            environment can tell.
        """
        stand_ins = self._stand_ins()
        known = {name for component in self.components for name in component.distributions}
        known |= {library.distribution for library in self.libraries} | stand_ins.keys()
        if any(name in installed and name not in known for name in roots):
            return None
        return frozenset(installed) | {stand_ins[name] for name in installed if name in stand_ins}

    def modules(self, installed: Collection[str], roots: Collection[str]) -> dict[str, tuple[tuple[str, str], ...]]:
        """The modules by which an installed distribution is recognised as a stand-in for one that is not installed.

        Args:
            installed: What is installed.
            roots: The distributions that were asked for by name.

        Returns:
            For each distribution that tests can use although it is not installed: pairs of a module and the versions
            that have it (all if empty). Optional modules are left out.
        """
        usable = self.usable(installed, roots)
        return {
            row.distribution: tuple((module.name, module.versions) for module in row.modules if not module.optional)
            for row in self._rows()
            if row.distribution not in installed and (usable is None or row.distribution in usable) and row.modules
        }

    def distributions_of_modules(self) -> dict[str, str]:
        """The outermost modules of components and libraries, each with the distribution that has it."""
        return {
            module.name: row.distribution
            for row in reversed(self._rows())
            for module in row.modules
            if "." not in module.name
        }

    def _stand_ins(self) -> dict[str, str]:
        """Each distribution that is listed in `also-as`, with the distribution that it stands in for."""
        return {name: row.distribution for row in self._rows() for name in row.also_as}

    def _rows(self) -> tuple[Component | Library, ...]:
        """The components and libraries, each with a distribution of its own."""
        return (*self.with_own_distribution(), *self.libraries)

    def guesses(self, installed: Collection[str], roots: Collection[str]) -> tuple[str, ...]:
        """The installed roots whose modules are not listed.

        Their modules are guessed from the files of the distribution.

        Args:
            installed: What is installed.
            roots: The distributions that were asked for by name.
        """
        covered = {name for component in self.components if component.modules for name in component.distributions}
        covered |= {library.distribution for library in self.libraries} | self._stand_ins().keys()
        return tuple(sorted(name for name in roots if name in installed and name not in covered))

    def sweeps(self, installed: Collection[str], roots: Collection[str]) -> tuple[Sweep, ...]:
        """The distributions all of whose public modules are imported: the roots, and what a metapackage stands for.

        Args:
            installed: What is installed.
            roots: The distributions that were asked for by name.
        """
        asked = {name for name in roots if name in installed}
        metapackages = {row.distribution for row in self.components if row.metapackage}
        if asked & metapackages:
            asked |= {name for row in self.components for name in row.distributions if name in installed}
        left_out = {name: [one.modules for one in self.unswept if one.distribution == name] for name in asked}
        return tuple(
            Sweep(distribution=name, without=tuple(pattern for patterns in left_out[name] for pattern in patterns))
            for name in sorted(asked - metapackages)
        )

    def of_distribution(self, distribution: str) -> Component | None:
        """The first component that `distribution` belongs to; None if there is none."""
        return self._owners.get(distribution)

    @cached_property
    def _owners(self) -> dict[str, Component]:
        """Distribution to the first component that it belongs to."""
        return {name: component for component in reversed(self.components) for name in component.distributions}

    def whole(self, component: Component) -> Component | None:
        """The other component that has the same distribution and is listed first; None if `component` has its own."""
        owner = self.of_distribution(component.distribution)
        return owner if owner is not component else None

    def compiler_caches(self, installed: Collection[str]) -> dict[str, CompilerCache]:
        """The caches of the compilers in an environment, by the distribution that has the compiler.

        A distribution that stands in for another does not have its cache: nothing is known of its compiler.

        Args:
            installed: What is installed.
        """
        return {
            component.distribution: component.compiler_cache
            for component in self.components
            if component.compiler_cache is not None and component.distribution in installed
        }

    def with_own_distribution(self) -> tuple[Component, ...]:
        """The components that have a distribution and are no part of another component's distribution."""
        return self._wholes

    @cached_property
    def _wholes(self) -> tuple[Component, ...]:
        return tuple(
            component for component in self.components if component.distribution and self.whole(component) is None
        )


def load_components(path: Path) -> Components:
    """Read ``components.toml``.

    Raises:
        UsageError: There are mistakes in it: all that its keys and values have by themselves, each on a line of its
            own; or else the first component that contradicts the others.
    """
    components = load_record(path, Components)
    for number, component in enumerate(components.components):
        _check(component, components, f"{path}: components[{number}]")
    return components


def _check(component: Component, components: Components, key: str) -> None:
    """Refuse a component that contradicts the others."""
    if components.names().count(component.name) > 1:
        raise UsageError(f'{key}.name: "{component.name}" stands twice; each component is listed once')
    leaders = [other.name for other in components.components if other is not component and not other.moves_with]
    if component.moves_with and component.moves_with not in leaders:
        allowed = ", ".join(leaders)
        raise UsageError(f'{key}.moves-with: "{component.moves_with}" cannot lead; allowed are {allowed}')
    cache = component.compiler_cache
    if cache is not None and component.distribution not in cache.keyed_by:
        own = f'"{component.distribution}"' if component.distribution else "a distribution of its own"
        raise UsageError(f"{key}.compiler-cache.keyed-by: {own} is missing; the compiler itself decides what it makes")
    if component.tests and components.whole(component) is None:
        raise UsageError(f"{key}.tests: allowed only for a part of what another component distributes")


def _present(distribution: str, also_as: Collection[str], installed: Collection[str]) -> tuple[str, ...]:
    """The installed ones among a distribution and its stand-ins. They count only where it is not installed itself."""
    if distribution in installed:
        return (distribution,)
    return tuple(name for name in also_as if name in installed)


def versions_of(installed: Mapping[str, str], components: Components) -> dict[str, str]:
    """The versions of the installed components, each that of its first distribution.

    Args:
        installed: Distribution to version.
        components: The components of the ecosystem.

    Returns:
        Component to version.
    """
    return {
        component.name: installed[component.distribution]
        for component in components.with_own_distribution()
        if component.distribution in installed
    }
