"""The policies of a matrix, as records. `policy_cells` and `pairs` make the cells of a policy."""

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
    "EachPolicy",
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
    """The keys that every policy has.

    Attributes:
        label: A name that the labels of its cells begin with.
        overrides: Requirements that force what metadata forbids, in each of its cells.
        pythons: The Pythons of its cells, out of the matrix's; all of them if none is given.
        thorough: Whether its cells run every smoke test. Policies that make many cells leave out the thorough tests
            unless the matrix says otherwise.
    """

    label: str = ""
    overrides: tuple[RequirementText, ...] = ()
    pythons: tuple[str, ...] = ()
    thorough: bool = False


class EachPolicy(_BasePolicy):
    """The keys of a policy whose cells can be made for one component after another.

    Attributes:
        each: Components that do not meet in a cell: the cells of the policy are made for each of them, with the
            matrix's other components that are not named here. If none is given, all components meet.
    """

    each: tuple[str, ...] = ()


class Newest(EachPolicy):
    """The newest releases that go together, as an installer chooses today."""

    policy: Literal["newest"]
    thorough: bool = True


class AsOf(EachPolicy):
    """The newest releases that went together at moments of the past.

    Exactly one of `dates`, `months` and `since` is given.

    Attributes:
        dates: The moments themselves; a day means its end.
        months: How many complete months count: the moments are their ends.
        since: The day after which days count: the moments are the ends of those on which a newest release changed.
        stays: With `since`: a day counts only if its newest releases stayed the newest for this many days.
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
    """The newest release of each component, with the lowest releases of the others that it declares to allow."""

    policy: Literal["oldest"]


class Pins(_BasePolicy):
    """Requirements that are written by hand."""

    policy: Literal["pins"]
    thorough: bool = True
    requirements: Annotated[tuple[RequirementText, ...], Field(min_length=1)]
    exclude_newer: Moment | None = None


class Metapackage(_BasePolicy):
    """The exact pins of a release of a metapackage.

    Attributes:
        distribution: The metapackage.
        release: Its release, or ``newest``.
        substitute: Whether there are also cells with one component at a time at its newest release, in place of its
            pin.
    """

    policy: Literal["metapackage"]
    distribution: str
    release: str = "newest"
    substitute: bool = True


class Pairs(_BasePolicy):
    """A covering array over chosen releases.

    Attributes:
        releases: The releases to choose, by component.
        strength: How many releases a combination has. Every allowed combination meets in some cell.
        seeds: Combinations that come first, as exact pins such as ``["alpha==1.2", "beta==3.4"]``.
        budget: How many further cells can be made for combinations that have no verdict after the first cells.
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


class Series(EachPolicy):
    """Chosen releases of one component, one in each cell. The resolver chooses everything else."""

    policy: Literal["series"]
    component: str
    releases: Selection

    @model_validator(mode="after")
    def _beside_each(self) -> Series:
        if self.component in self.each:
            raise ValueError(f'each names "{self.component}", which is in every cell')
        return self


class Prerelease(_BasePolicy):
    """The newest releases, with pre-releases of some components."""

    policy: Literal["prerelease"]
    thorough: bool = True
    components: Annotated[tuple[str, ...], Field(min_length=1)]


class ExtraIndex(_BasePolicy):
    """The newest releases, with an extra index for some components.

    Attributes:
        variable: The environment variable with the address of the index, which must not stand in a matrix.
        components: The components whose pre-releases are taken, from whichever index has them.
        development: Whether these components must come out as development versions.
    """

    policy: Literal["index"]
    thorough: bool = True
    variable: str
    components: Annotated[tuple[str, ...], Field(min_length=1)]
    development: bool = True


class LocalSource(_BasePolicy):
    """The newest releases, with one component from a wheel, a source folder or a git address.

    Attributes:
        component: The component.
        source: The wheel, the folder or the address.
        variable: The environment variable that holds the source, in place of `source`.
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


#: Any policy. The key `policy` decides which.
Policy = Annotated[
    Newest | AsOf | Oldest | Pins | Metapackage | Pairs | Series | Prerelease | ExtraIndex | LocalSource,
    Field(discriminator="policy"),
]

#: The values of the key `policy`.
POLICY_NAMES: tuple[str, ...] = tuple(
    get_args(kind.model_fields["policy"].annotation)[0] for kind in get_args(get_args(Policy)[0])
)
