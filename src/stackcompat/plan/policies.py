"""The policies of a matrix: rules that make cells. Records only; `policy_cells` and `pairs` make the cells."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from stackcompat.core.dates import Moment
from stackcompat.core.requirements import RequirementText
from stackcompat.core.toml import Table
from stackcompat.plan.selection import Selection

__all__ = [
    "POLICY_NAMES",
    "AsOf",
    "ExtraIndex",
    "LocalSource",
    "Metapackage",
    "Newest",
    "Oldest",
    "Pairs",
    "Pins",
    "Policy",
    "Prerelease",
    "Series",
]


class _BasePolicy(Table):
    """What every policy has.

    Attributes:
        label: What its cells are called.
        overrides: Requirements that force what metadata forbids, in each of its cells.
        pythons: Some of the matrix's Pythons; all if none is given.
        thorough: Whether its cells run every smoke test. Policies that make many cells leave out the thorough tests
            unless the matrix says otherwise.
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
    """What an installer gave at some moments of the past. Exactly one of `dates`, `months` and `since` is given.

    Attributes:
        dates: These moments; of a day, its end.
        months: The ends of this many complete months.
        since: The end of each day since then that changed what is newest.
        stays: With `since`: only if that did not change again within this many days.
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
    """The newest release of each component with the lowest releases of the others that it declares to work with."""

    policy: Literal["oldest"]


class Pins(_BasePolicy):
    """Requirements by hand."""

    policy: Literal["pins"]
    thorough: bool = True
    requirements: Annotated[tuple[RequirementText, ...], Field(min_length=1)]
    exclude_newer: Moment | None = None


class Metapackage(_BasePolicy):
    """The exact pins of a release of a metapackage.

    Attributes:
        distribution: The metapackage.
        release: Its release, or ``newest``.
        substitute: Also those pins with one component at a time at its newest release.
    """

    policy: Literal["metapackage"]
    distribution: str
    release: str = "newest"
    substitute: bool = True


class Pairs(_BasePolicy):
    """A covering array over chosen releases.

    Attributes:
        releases: Which releases of each component.
        strength: Every allowed combination of this many releases meets in some cell.
        seeds: Combinations that come first, as exact pins such as ``["alpha==1.2", "beta==3.4"]``.
        budget: How many further cells can be made for combinations that get no verdict where they first meet.
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
    """Chosen releases of one component, each with everything else as the resolver chooses."""

    policy: Literal["series"]
    component: str
    releases: Selection


class Prerelease(_BasePolicy):
    """Newest, with pre-releases allowed for some components."""

    policy: Literal["prerelease"]
    thorough: bool = True
    components: Annotated[tuple[str, ...], Field(min_length=1)]


class ExtraIndex(_BasePolicy):
    """Newest, with an extra index for some components.

    Attributes:
        variable: The environment variable that holds the index's address, so that no matrix carries one.
        components: The components that are taken from it.
        development: Whether they must come out as development versions.
    """

    policy: Literal["index"]
    thorough: bool = True
    variable: str
    components: Annotated[tuple[str, ...], Field(min_length=1)]
    development: bool = True


class LocalSource(_BasePolicy):
    """Newest, with one component from a wheel, a source folder or a git address.

    Attributes:
        component: The component.
        source: Where it comes from.
        variable: The environment variable that says where it comes from, in place of `source`.
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


#: Any policy, as the key `policy` tells.
Policy = Annotated[
    Newest | AsOf | Oldest | Pins | Metapackage | Pairs | Series | Prerelease | ExtraIndex | LocalSource,
    Field(discriminator="policy"),
]

#: The values of the key `policy`.
POLICY_NAMES: tuple[str, ...] = tuple(
    get_args(kind.model_fields["policy"].annotation)[0] for kind in get_args(get_args(Policy)[0])
)
