"""A matrix: which components and Pythons are tried, and the policies that choose their versions.

Each TOML file in ``matrices/`` but a few (components, known cases, advisories, the gate's) is a matrix. Loading one
gives a frozen record or raises :class:`~stackcompat.core.record.UsageError` with one sentence that names the file, the
key and what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, PrivateAttr, field_validator, model_validator

from stackcompat.core.dates import Moment
from stackcompat.core.record import UsageError
from stackcompat.core.requirements import RequirementText, parse_requirement
from stackcompat.core.toml import Table, load_record
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import Components
from stackcompat.plan.selection import Selection

__all__ = [
    "AsOf",
    "ExtraIndex",
    "LocalSource",
    "Matrix",
    "Metapackage",
    "Newest",
    "Oldest",
    "Pairs",
    "Pins",
    "Policy",
    "Prerelease",
    "Promise",
    "Series",
    "load_matrix",
]


class _BasePolicy(Table):
    """What every policy has: options that hold for each of its cells.

    `thorough` cells run every smoke test, the others leave out those that are marked so: policies that make many cells
    take the essential tests only, unless told otherwise.
    """

    label: str = ""
    overrides: tuple[RequirementText, ...] = ()
    pythons: tuple[str, ...] = ()
    thorough: bool = False


class Newest(_BasePolicy):
    """What an installer gives today."""

    policy: Literal["newest"]
    thorough: bool = True


class AsOf(_BasePolicy):
    """What an installer gave then: at the end of each of `dates`, or of each of the last `months` months.

    With `since`: of each day since then that brought a release, unless another one came within `stays` days.
    """

    policy: Literal["as-of"]
    dates: tuple[Moment, ...] = ()
    months: Annotated[int, Field(gt=0)] | None = None
    since: Moment | None = None
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


class Oldest(_BasePolicy):
    """Each component with the floors that its newest release declares for others, the rest as the resolver chooses."""

    policy: Literal["oldest"]


class Pins(_BasePolicy):
    """Requirements given by hand."""

    policy: Literal["pins"]
    thorough: bool = True
    requirements: Annotated[tuple[RequirementText, ...], Field(min_length=1)]
    exclude_newer: Moment | None = None


class Metapackage(_BasePolicy):
    """The exact pins of a metapackage's release; with `substitute`, also with one component at a time at newest."""

    policy: Literal["metapackage"]
    distribution: str
    release: str = "newest"
    substitute: bool = True


class Pairs(_BasePolicy):
    """A covering array of `strength` over chosen releases: every allowed combination of so many meets in some cell.

    `seeds` are combinations that come first, given as exact pins such as ``["alpha==1.2", "beta==3.4"]``. `budget` is
    how many cells may be made besides, for combinations that get no verdict where they first meet.
    """

    policy: Literal["pairs"]
    releases: Annotated[dict[str, Selection], Field(min_length=2)]
    strength: Annotated[int, Field(ge=2, le=4)] = 2
    seeds: tuple[tuple[RequirementText, ...], ...] = ()
    budget: Annotated[int, Field(ge=0)] = 100

    @model_validator(mode="after")
    def _enough(self) -> Pairs:
        if len(self.releases) < self.strength:
            raise ValueError(f"strength = {self.strength} needs at least {self.strength} components in releases")
        return self


class Series(_BasePolicy):
    """Chosen releases of one component, each with all else as the resolver chooses."""

    policy: Literal["series"]
    component: str
    releases: Selection


class Prerelease(_BasePolicy):
    """Newest, with pre-releases allowed for some components."""

    policy: Literal["prerelease"]
    thorough: bool = True
    components: Annotated[tuple[str, ...], Field(min_length=1)]


class ExtraIndex(_BasePolicy):
    """Newest, with an extra index for some components, which must then come out as development versions.

    The address comes from the environment variable `variable`, so that no matrix carries one.
    """

    policy: Literal["index"]
    thorough: bool = True
    variable: str
    components: Annotated[tuple[str, ...], Field(min_length=1)]
    development: bool = True


class LocalSource(_BasePolicy):
    """Newest, with one component from a wheel, a source folder or a git URL.

    Which one stands in `source`, or in the environment variable `variable`, so that no matrix need name a path.
    """

    policy: Literal["local"]
    thorough: bool = True
    component: str
    source: str = ""
    variable: Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")] = ""

    @model_validator(mode="after")
    def _one(self) -> LocalSource:
        if bool(self.source) == bool(self.variable):
            raise ValueError('takes either source = "..." or variable = "..."')
        return self


Policy = Annotated[
    Newest | AsOf | Oldest | Pins | Metapackage | Pairs | Series | Prerelease | ExtraIndex | LocalSource,
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
    also: tuple[RequirementText, ...] = ()
    pythons: Annotated[tuple[str, ...], Field(min_length=1)]
    platform: str = ""
    level: Level = "interop"
    policies: Annotated[tuple[Policy, ...], Field(min_length=1)]
    promises: tuple[Promise, ...] = ()
    artifacts: tuple[str, ...] = ()
    _source: Path = PrivateAttr(default=Path("unnamed"))

    @property
    def source(self) -> Path:
        """The file that the matrix was read from. Not a key of that file."""
        return self._source

    @property
    def name(self) -> str:
        """The name of the file without its suffix: runs of the matrix are stored under it."""
        return self._source.stem

    def read_from(self, source: Path) -> Matrix:
        """A copy of the matrix that knows `source`, the file that it was read from."""
        matrix = self.model_copy()
        matrix._source = source  # noqa: SLF001  (a private attribute, so that no file can set it)
        return matrix

    @field_validator("pythons")
    @classmethod
    def _pythons(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for python in value:
            if not re.fullmatch(r"3\.\d+", python):
                raise ValueError(f'"{python}" is not a Python such as "3.12"')
        if len(set(value)) != len(value):
            raise ValueError("names a Python twice")
        return value


def load_matrix(path: Path, components: Components) -> Matrix:
    """Read a matrix file and check every name in it that can be checked without an index.

    Releases that do not exist are found when the plan is made, since only the index knows them.
    """
    matrix = load_record(path, Matrix, tags=_POLICIES).read_from(path)
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
            case Prerelease() | ExtraIndex():
                check(f"{key}.components", policy.components, matrix.components)
            case LocalSource():
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
