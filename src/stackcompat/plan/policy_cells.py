"""The cells that a policy makes on one Python. The policy `pairs` is in :mod:`stackcompat.plan.pairs`. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from stackcompat.core.dates import end_of_day
from stackcompat.core.requirements import unbounded
from stackcompat.ecosystem.declared import needs, requirements
from stackcompat.ecosystem.releases import Project, Release
from stackcompat.plan.cell import Cell, readable
from stackcompat.plan.goal import pin_requirements
from stackcompat.plan.inputs import PlanInputs
from stackcompat.plan.policies import (
    AsOf,
    ExtraIndex,
    LocalSource,
    Metapackage,
    Newest,
    Oldest,
    Pairs,
    Pins,
    Policy,
    Prerelease,
    Series,
)
from stackcompat.plan.selection import select

__all__ = ["cells_of"]


def cells_of(inputs: PlanInputs, policy: Policy, python: str) -> Iterator[Cell]:
    """The cells of one policy on one Python, newest first. None for `pairs`, which takes all Pythons at once.

    Args:
        inputs: The inputs of the plan.
        policy: The policy.
        python: The Python.
    """
    if isinstance(policy, Newest | AsOf | Series) and policy.each:
        yield from _for_each(inputs, policy, python)
        return
    match policy:
        case Newest():
            yield from _newest(inputs, policy, python)
        case AsOf():
            yield from _as_of(inputs, policy, python)
        case Oldest():
            yield from _oldest(inputs, policy, python)
        case Series():
            yield from _series(inputs, policy, python)
        case Pins():
            yield _pins(inputs, policy, python)
        case Metapackage():
            yield from _metapackage(inputs, policy, python)
        case Prerelease():
            yield _prerelease(inputs, policy, python)
        case ExtraIndex():
            yield _extra_index(inputs, policy, python)
        case LocalSource():
            yield _local_source(inputs, policy, python)
        case Pairs():
            pass


def _for_each(inputs: PlanInputs, policy: Newest | AsOf | Series, python: str) -> Iterator[Cell]:
    """The cells of a policy for each of its components in turn. A cell without that component is left out."""
    for name in policy.each:
        others = tuple(other for other in policy.each if other != name)
        label = f"{policy.label}, {name}" if policy.label else name
        alone = policy.model_copy(update={"each": (), "label": label})
        for cell in cells_of(inputs.without(others), alone, python):
            if inputs.distribution(name) in cell.roots():
                yield cell


def _newest(inputs: PlanInputs, policy: Newest, python: str) -> Iterator[Cell]:
    if inputs.names:
        yield inputs.cell(policy, python, inputs.names, "newest", newest=inputs.names)


def _pins(inputs: PlanInputs, policy: Pins, python: str) -> Cell:
    wanted = [Requirement(text) for text in policy.requirements]
    bare = tuple(requirement.name for requirement in wanted if not requirement.specifier)
    detail = ", ".join(policy.requirements)
    return inputs.cell(policy, python, policy.requirements, detail, exclude_newer=policy.exclude_newer, newest=bare)


def _prerelease(inputs: PlanInputs, policy: Prerelease, python: str) -> Cell:
    detail = f"pre-releases of {', '.join(policy.components)}"
    return inputs.cell(policy, python, inputs.prereleases_of(policy.components), detail, newest=inputs.names)


def _extra_index(inputs: PlanInputs, policy: ExtraIndex, python: str) -> Cell:
    return inputs.cell(
        policy,
        python,
        inputs.prereleases_of(policy.components),
        f"{', '.join(policy.components)} from the index in {policy.variable}",
        index=policy.variable,
        development=tuple(map(inputs.distribution, policy.components)) if policy.development else (),
        newest=inputs.names,
    )


def _local_source(inputs: PlanInputs, policy: LocalSource, python: str) -> Cell:
    local = {inputs.distribution(policy.component): policy.source or f"${policy.variable}"}
    others = tuple(name for name in inputs.names if name not in local)
    return inputs.cell(policy, python, inputs.names, f"local {policy.component}", local=local, newest=others)


def _series(inputs: PlanInputs, policy: Series, python: str) -> Iterator[Cell]:
    project = inputs.project(policy.component)
    for release in reversed(select(project, policy.releases, python=python, now=inputs.now)):
        pinned = pin_requirements(inputs.names, (f"{project.name}=={release.version}",))
        yield inputs.cell(policy, python, pinned, f"{project.name} {release.version}")


# ---------------------------------------------------------------------------------------------------------------------
# Past days
# ---------------------------------------------------------------------------------------------------------------------


def _as_of(inputs: PlanInputs, policy: AsOf, python: str) -> Iterator[Cell]:
    """A cell for each moment, with the components that had a release then."""
    for date in sorted(_dates(inputs, policy, python), reverse=True):
        newest = {name: inputs.catalog.project(name).newest(before=date, prereleases=True) for name in inputs.names}
        present = [name for name, release in newest.items() if release is not None]
        absent = [name for name, release in newest.items() if release is None]
        detail = f"as of {date:%Y-%m-%d}" + (f", before the first {', '.join(absent)}" if absent else "")
        if present:
            yield inputs.cell(policy, python, present, detail, exclude_newer=date, newest=tuple(present))


def _dates(inputs: PlanInputs, policy: AsOf, python: str) -> list[dt.datetime]:
    if policy.since is not None:
        return _changes(inputs, policy.since, dt.timedelta(days=policy.stays), python)
    if policy.months is not None:
        return _month_ends(inputs.now, policy.months)
    return list(policy.dates)


def _changes(inputs: PlanInputs, since: dt.datetime, stays: dt.timedelta, python: str) -> list[dt.datetime]:
    """The ends of the days after `since` on which a newest release changed.

    A day counts only if the newest releases after it stayed so for `stays` at least.
    """
    projects = [inputs.catalog.project(name) for name in inputs.names]
    days = {
        end_of_day(release.uploaded)
        for project in projects
        for release in project.fit(python=python)
        if since < release.uploaded <= inputs.now
    }
    newest = {day: [project.newest(python=python, before=day) for project in projects] for day in {since, *days}}
    changed = [day for earlier, day in pairwise(sorted(newest)) if newest[day] != newest[earlier]]
    return [day for day, later in pairwise([since, *changed, inputs.now]) if later - day >= stays]


def _month_ends(now: dt.datetime, months: int) -> list[dt.datetime]:
    """The last second of each of the `months` complete months before `now`, newest first."""
    ends = []
    first = now.astimezone(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(months):
        ends.append(first - dt.timedelta(seconds=1))
        first = ends[-1].replace(day=1, hour=0, minute=0, second=0)
    return ends


# ---------------------------------------------------------------------------------------------------------------------
# Floors
# ---------------------------------------------------------------------------------------------------------------------


def _oldest(inputs: PlanInputs, policy: Oldest, python: str) -> Iterator[Cell]:
    """A cell for each component that has floors: its newest release, with the other components at its floors."""
    for name in inputs.names:
        newest = inputs.catalog.project(name).newest(python=python)
        floors = _floors(inputs, name, newest, python) if newest is not None else {}
        if newest is not None and floors:
            pins = [f"{other}=={version}" for other, version in floors.items()]
            pinned = pin_requirements(inputs.names, [f"{name}=={newest.version}", *pins])
            yield inputs.cell(policy, python, pinned, f"{name} {newest.version} at its floors: {readable(pins)}")


def _floors(inputs: PlanInputs, name: str, release: Release, python: str) -> dict[str, str]:
    """The floors of a release: the lowest releases of other components that it allows.

    Followers of these components are left out.
    """
    floors = {}
    for other, bounds in needs(inputs.catalog, name, release.version, python).items():
        if other in inputs.names and any(bound.operator in (">=", "~=", "==", ">") for bound in bounds):
            lowest = _lowest(inputs.catalog.project(other), bounds, python)
            if lowest is not None:
                floors[other] = lowest.version
    led = {follower for leader in floors for follower in inputs.followers(leader)}
    return {other: version for other, version in floors.items() if other not in led}


def _lowest(project: Project, bounds: SpecifierSet, python: str) -> Release | None:
    """The lowest release within `bounds` that an installer can take on `python`."""
    newest_first = project.fit(python=python, prereleases=True)
    releases = {release.version: release for release in reversed(list(newest_first))}
    return next((releases[version] for version in bounds.filter(releases)), None)


# ---------------------------------------------------------------------------------------------------------------------
# Metapackages
# ---------------------------------------------------------------------------------------------------------------------


def _metapackage(inputs: PlanInputs, policy: Metapackage, python: str) -> Iterator[Cell]:
    """A cell with the pins of a metapackage's release. If wanted, further cells free one component each of its pin."""
    project = inputs.catalog.project(policy.distribution)
    release = project.newest(python=python) if policy.release == "newest" else project.find(policy.release)
    if release is None:
        return
    required = requirements(inputs.catalog, project.name, release.version, python)
    pinned = {requirement.name: str(requirement) for requirement in required}
    if not pinned:
        return
    detail = f"{project.name} {release.version}"
    whole = [f"{project.name}=={release.version}", *pinned.values()]
    yield inputs.cell(policy, python, whole, detail, accompanying=[project.name])  # it has nothing of its own to try
    if not policy.substitute:
        return
    led = {follower for name in pinned for follower in inputs.followers(name)}
    for name in inputs.names:
        if name in pinned and name not in led:
            freed = {other: unbounded(pinned[other]) for other in {name, *inputs.followers(name)} & pinned.keys()}
            wanted = (pinned | freed).values()
            yield inputs.cell(policy, python, wanted, f"{detail} with the newest {name}", newest=(name,))
