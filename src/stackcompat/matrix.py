"""What is tested, as data: the components of an ecosystem and the policies that choose their versions.

Two kinds of TOML file live in ``matrices/``. ``components.toml`` lists the components; every other file is a matrix,
which names some of them, the Pythons, and policies. Loading either gives frozen records or raises
:class:`~stackcompat.record.UsageError` with one sentence that names the file, the key and what is allowed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator

from stackcompat.record import Record, RecordType, UsageError

__all__ = [
    "AsOf",
    "Component",
    "Components",
    "Index",
    "Level",
    "Local",
    "Matrix",
    "Metapackage",
    "Module",
    "Newest",
    "Oldest",
    "Pairs",
    "Pins",
    "Policy",
    "Prerelease",
    "Promise",
    "Selection",
    "Series",
    "Table",
    "Upstream",
    "exactly",
    "load_components",
    "load_matrix",
    "load_record",
    "only_version",
    "parse_date",
    "parse_requirement",
    "python_key",
]

Level = Literal[
    "reserved", "resolve", "install", "import", "lower", "compile", "run", "interop", "exchange", "upstream"
]


def parse_requirement(text: str) -> Requirement:
    """Parse a PEP 508 requirement, its name in normal form; ValueError says what is wrong in words to act on."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f'"{text}" is not a requirement such as "alpha>=0.12,<0.13": {reason}') from None
    requirement.name = canonicalize_name(requirement.name)
    return requirement


def exactly(text: str, version: str) -> str:
    """The requirement `text` on exactly `version`, extras kept."""
    requirement: Requirement = parse_requirement(text)
    requirement.specifier = SpecifierSet(f"=={version}")
    return str(requirement)


def only_version(requirement: Requirement) -> str:
    """The one version that a requirement allows, if it names one; else empty."""
    exact = [s.version for s in requirement.specifier if s.operator == "==" and not s.version.endswith(".*")]
    return exact[0] if len(exact) == 1 else ""


def parse_date(given: str | dt.date) -> dt.datetime:
    """A day (its end, 23:59:59 UTC) or an RFC 3339 time, as an aware datetime of no later day than today."""
    moment = given if isinstance(given, dt.date) else None
    if isinstance(given, str):
        kind = dt.date if len(given) == len("2026-09-20") else dt.datetime
        with contextlib.suppress(ValueError):
            moment = kind.fromisoformat(given)
    if moment is None:
        raise ValueError(f'"{given}" is not a date such as 2026-09-20 or 2026-09-20T12:00:00Z')
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime.combine(moment, dt.time(23, 59, 59), dt.UTC)
    moment = moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if moment.date() > dt.datetime.now(dt.UTC).date():
        raise ValueError(f"{moment.date()} lies in the future; allowed is any day until today")
    return moment


def _requirement_text(text: str) -> str:
    return str(parse_requirement(text))


def _specifier_text(text: str) -> str:
    try:
        return str(SpecifierSet(text))
    except InvalidSpecifier:
        raise ValueError(f'"{text}" is not a version specifier such as ">=0.12,<0.13"') from None


_Requirement = Annotated[str, AfterValidator(_requirement_text)]
_Moment = Annotated[dt.datetime, BeforeValidator(parse_date)]


class Table(Record):
    """A table of a TOML file: a key that it does not know is a mistake that names those that it does."""

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            allowed = {field.alias or name for name, field in cls.model_fields.items()}
            for key in sorted(data.keys() - allowed - cls.model_fields.keys()):
                raise ValueError(f'"{key}" is not a key that is known here; allowed are {", ".join(sorted(allowed))}')
        return data


class Module(Table):
    """An importable module of a component, the releases that have it, and the distributions that it needs to load."""

    name: str
    versions: Annotated[str, AfterValidator(_specifier_text)] = ""
    requires: tuple[str, ...] = ()


class Upstream(Table):
    """A part of the tests that releases of a component ship themselves.

    `archive` is where they are: in the `wheel`, installed with the rest, or in the `sdist`, of which these alone are
    unpacked, outside the environment. `tests` are patterns of their files, in the order in which they are to run;
    `beside` of files of an sdist that they need; `without` of tests that are left out (``*`` crosses folders in all).
    `requires` is what they import and the release does not declare. `seconds` is how long they may begin to run.
    """

    archive: Literal["wheel", "sdist"]
    versions: Annotated[str, AfterValidator(_specifier_text)] = ""
    tests: Annotated[tuple[str, ...], Field(min_length=1)]
    beside: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    requires: tuple[_Requirement, ...] = ()
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
    install: tuple[_Requirement, ...] = ()
    placeholders: Annotated[str, AfterValidator(_specifier_text)] = ""
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


class Selection(Table):
    """Which releases of a component to choose: exactly one of all, minors, last, months."""

    all: bool = False
    minors: Annotated[int, Field(gt=0)] | None = None
    last: Annotated[int, Field(gt=0)] | None = None
    months: Annotated[int, Field(gt=0)] | None = None
    yanked: bool = False
    prereleases: bool = False

    @model_validator(mode="after")
    def _one(self) -> Selection:
        given = [name for name in ("minors", "last", "months") if getattr(self, name) is not None]
        if len(given) + self.all != 1:
            raise ValueError("takes exactly one of: all = true, minors = N, last = N, months = N")
        return self


class _Policy(Table):
    """What every policy has: options that hold for each of its cells.

    `thorough` cells run every smoke test, the others leave out those that are marked so: policies that make many cells
    take the essential tests only, unless told otherwise.
    """

    label: str = ""
    overrides: tuple[_Requirement, ...] = ()
    pythons: tuple[str, ...] = ()
    thorough: bool = False


class Newest(_Policy):
    """What an installer gives today."""

    policy: Literal["newest"]
    thorough: bool = True


class AsOf(_Policy):
    """What an installer gave then: at the end of each of `dates`, or of each of the last `months` months.

    With `since`: of each day since then that brought a release, unless another one came within `stays` days.
    """

    policy: Literal["as-of"]
    dates: tuple[_Moment, ...] = ()
    months: Annotated[int, Field(gt=0)] | None = None
    since: _Moment | None = None
    stays: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _some(self) -> AsOf:
        if sum((bool(self.dates), self.months is not None, self.since is not None)) != 1:
            raise ValueError("takes exactly one of: dates = [...], months = N, since = DATE")
        if self.stays and self.since is None:
            raise ValueError("stays = N goes with since = DATE alone")
        if len(set(self.dates)) != len(self.dates):
            raise ValueError("dates names a day twice")
        return self


class Oldest(_Policy):
    """Each component with the floors that its newest release declares for others, the rest as the resolver chooses."""

    policy: Literal["oldest"]


class Pins(_Policy):
    """Requirements given by hand."""

    policy: Literal["pins"]
    thorough: bool = True
    requirements: Annotated[tuple[_Requirement, ...], Field(min_length=1)]
    exclude_newer: _Moment | None = None


class Metapackage(_Policy):
    """The exact pins of a metapackage's release; with `substitute`, also with one component at a time at newest."""

    policy: Literal["metapackage"]
    distribution: str
    release: str = "newest"
    substitute: bool = True


class Pairs(_Policy):
    """A covering array of `strength` over chosen releases: every allowed combination of so many meets in some cell.

    `seeds` are combinations that come first, given as exact pins such as ``["alpha==1.2", "beta==3.4"]``. `budget` is
    how many cells may be made besides, for combinations that get no verdict where they first meet.
    """

    policy: Literal["pairs"]
    releases: Annotated[dict[str, Selection], Field(min_length=2)]
    strength: Annotated[int, Field(ge=2, le=4)] = 2
    seeds: tuple[tuple[_Requirement, ...], ...] = ()
    budget: Annotated[int, Field(ge=0)] = 100

    @model_validator(mode="after")
    def _enough(self) -> Pairs:
        if len(self.releases) < self.strength:
            raise ValueError(f"strength = {self.strength} needs at least {self.strength} components in releases")
        return self


class Series(_Policy):
    """Chosen releases of one component, each with all else as the resolver chooses."""

    policy: Literal["series"]
    component: str
    releases: Selection


class Prerelease(_Policy):
    """Newest, with pre-releases allowed for some components."""

    policy: Literal["prerelease"]
    thorough: bool = True
    components: Annotated[tuple[str, ...], Field(min_length=1)]


class Index(_Policy):
    """Newest, with an extra index for some components, which must then come out as development versions.

    The address comes from the environment variable `variable`, so that no matrix carries one.
    """

    policy: Literal["index"]
    thorough: bool = True
    variable: str
    components: Annotated[tuple[str, ...], Field(min_length=1)]
    development: bool = True


class Local(_Policy):
    """Newest, with one component from a wheel, a source folder or a git URL.

    Which one stands in `source`, or in the environment variable `variable`, so that no matrix need name a path.
    """

    policy: Literal["local"]
    thorough: bool = True
    component: str
    source: str = ""
    variable: Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")] = ""

    @model_validator(mode="after")
    def _one(self) -> Local:
        if bool(self.source) == bool(self.variable):
            raise ValueError('takes either source = "..." or variable = "..."')
        return self


Policy = Annotated[
    Newest | AsOf | Oldest | Pins | Metapackage | Pairs | Series | Prerelease | Index | Local,
    Field(discriminator="policy"),
]


_POLICIES = tuple(get_args(kind.model_fields["policy"].annotation)[0] for kind in get_args(get_args(Policy)[0]))


class Promise(Table):
    """What a component promises of artifacts (`artifact` may hold ``*``) that another of its releases wrote.

    It reads what releases wrote that are up to `backward_days` older, and up to `forward_days` newer, by the days of
    their uploads.
    """

    artifact: str
    component: str
    backward_days: Annotated[int, Field(ge=0)]
    forward_days: Annotated[int, Field(ge=0)]


class Matrix(Table):
    """One matrix file. `platform` is this machine's unless given; `level` is how deep to go.

    `also` are requirements of every cell beside its components: what tests need and no component declares. `artifacts`
    are those that a matrix of level exchange is about (names, or patterns of them); all if none is given.
    """

    title: str
    components: Annotated[tuple[str, ...], Field(min_length=1)]
    also: tuple[_Requirement, ...] = ()
    pythons: Annotated[tuple[str, ...], Field(min_length=1)]
    platform: str = ""
    level: Level = "interop"
    policies: Annotated[tuple[Policy, ...], Field(min_length=1)]
    promises: tuple[Promise, ...] = ()
    artifacts: tuple[str, ...] = ()

    @field_validator("pythons")
    @classmethod
    def _pythons(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for python in value:
            if not re.fullmatch(r"3\.\d+", python):
                raise ValueError(f'"{python}" is not a Python such as "3.12"')
        if len(set(value)) != len(value):
            raise ValueError("names a Python twice")
        return value


def load_record(path: Path, record: type[RecordType]) -> RecordType:
    """Read a TOML file. Raises UsageError for its first mistake; a :class:`Table` also says which keys it knows."""
    try:
        return record.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file; give a TOML file such as matrices/quick.toml") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise UsageError(f"{path}: {_sentence(error)}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is not valid TOML: {error}") from None


def _sentence(error: ValidationError) -> str:
    """The first mistake as `key: what is wrong, and what is allowed`."""
    first = error.errors()[0]
    location = list(first["loc"])
    if location[:1] in (["policies"], ["rules"]):
        del location[2:3]  # the name of the policy, which pydantic puts between its number and its keys
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    context = first.get("ctx", {})
    match first["type"]:
        case "missing":
            said = "is missing; it must be given"
        case "union_tag_not_found" | "union_tag_invalid":
            discriminator = context["discriminator"].strip("'")
            known = context.get("expected_tags", "").replace("'", "")
            allowed = ", ".join(_POLICIES) if discriminator == "policy" else known
            key = f"{key}.{discriminator}"
            said = f"must be one of {allowed}" if allowed else "is missing; it must be given"
        case "extra_forbidden":
            said = "is not a key that is known here"
        case "literal_error":
            said = f"must be one of {context['expected']}"
        case "too_short":
            said = f"is empty or too short; give at least {context['min_length']}"
        case _:
            said = first["msg"].removeprefix("Value error, ").replace("Input should", "should", 1)
    return f"{key}: {said}" if key else said


def python_key(python: str) -> tuple[int, ...]:
    """Sort key for Pythons such as ``3.12``."""
    return tuple(int(part) for part in python.split("."))


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


def load_matrix(path: Path, components: Components) -> Matrix:
    """Read a matrix file and check every name in it that can be checked without an index.

    Releases that do not exist are found when the plan is made, since only the index knows them.
    """
    matrix = load_record(path, Matrix)
    published = [c.name for c in components.components if c.distributions]

    def check(key: str, names: Iterable[str], allowed: Collection[str]) -> None:
        given = list(names)
        for name in given:
            if name not in allowed:
                raise UsageError(f'{path}: {key}: "{name}" is not possible here; allowed are {", ".join(allowed)}')
            if given.count(name) > 1:
                raise UsageError(f'{path}: {key}: names "{name}" twice; allowed is once')

    check("components", matrix.components, published)
    for number, policy in enumerate(matrix.policies):
        key = f"policies[{number}]"
        check(f"{key}.pythons", policy.pythons, matrix.pythons)
        match policy:
            case Pairs():
                rows = [components[name] for name in matrix.components]
                own = [c.name for c in rows if not c.moves_with and components.whole(c) is None]
                check(f"{key}.releases", policy.releases, own)
                for place, seed in enumerate(policy.seeds):
                    names = [_pinned(text, f"{path}: {key}.seeds[{place}]") for text in seed]
                    check(f"{key}.seeds[{place}]", names, policy.releases)
            case Prerelease() | Index():
                check(f"{key}.components", policy.components, matrix.components)
            case Local():
                check(f"{key}.component", [policy.component], matrix.components)
            case Series():
                led = [name for name in matrix.components if not components[name].moves_with]
                check(f"{key}.component", [policy.component], led)
            case _:
                pass
    for number, promise in enumerate(matrix.promises):
        check(f"promises[{number}].component", [promise.component], matrix.components)
    return matrix


def _pinned(text: str, key: str) -> str:
    """The name in an exact pin; UsageError for anything else."""
    requirement = parse_requirement(text)
    if [s.operator for s in requirement.specifier] != ["=="] or "*" in str(requirement.specifier):
        raise UsageError(f'{key}: "{text}" must be an exact pin such as "{requirement.name}==1.2.3"')
    return requirement.name
