"""Two components to be searched: their releases from the index, and the pairs that metadata forbids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from stackcompat.core.errors import UsageError
from stackcompat.core.requirements import parse_requirement
from stackcompat.ecosystem.components import Component, Components
from stackcompat.ecosystem.declared import DeclaredBound, bounds_on, needs
from stackcompat.ecosystem.releases import Catalog, Release
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.space import PairSpace, Side
from stackcompat.pipeline.runner import BulkCatalog

__all__ = ["Survey", "documented", "make_survey", "needs_of"]

#: What the two arguments of the command are called.
_ARGUMENTS = ("FIRST", "SECOND")


@dataclass(frozen=True, kw_only=True, eq=False)
class Survey:
    """The releases of two components, for one Python.

    Attributes:
        components: Every component, including those made up for plain distributions.
        sides: The two components.
        releases: The releases of each side, lowest first.
        python: The Python, such as ``3.12``.
        catalog: The package index.
        space: The pairs, and those that metadata forbids.
    """

    components: Components
    sides: tuple[Component, Component]
    releases: tuple[Sequence[Release], Sequence[Release]]
    python: str
    catalog: Catalog
    space: PairSpace

    def releases_of(self, pair: Pair) -> tuple[Release, Release]:
        """Both releases of a pair."""
        return self.releases[0][pair[0]], self.releases[1][pair[1]]

    def label(self, pair: Pair) -> str:
        """Both names and versions of a pair."""
        named = zip(self.sides, self.releases_of(pair), strict=True)
        return ", ".join(f"{side.name} {release.version}" for side, release in named)


def make_survey(
    names: tuple[str, str],
    components: Components,
    catalog: BulkCatalog,
    *,
    python: str,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> Survey:
    """Look up two components. Yanked releases and pre-releases are left out.

    Args:
        names: Two names of components, or of distributions that are no components.
        components: The components that are known.
        catalog: The package index.
        python: The Python for which the releases are searched.
        since: The earliest upload that counts.
        until: The latest upload that counts.

    Raises:
        UsageError: If a name is neither, if both have the same distribution, or if one has no releases to search.
    """
    first, second = (_component(name, option, components) for name, option in zip(names, _ARGUMENTS, strict=True))
    if first.distribution == second.distribution:
        raise UsageError(f"SECOND: {names[1]} has the same distribution as {names[0]}; give two that differ")
    catalog.prefetch([first.distribution, second.distribution])
    releases = (
        _releases(first, _ARGUMENTS[0], catalog, since, until),
        _releases(second, _ARGUMENTS[1], catalog, since, until),
    )
    made_up = tuple(side for side in (first, second) if side.name not in components.names())
    return Survey(
        components=components.model_copy(update={"components": (*components.components, *made_up)}),
        sides=(first, second),
        releases=releases,
        python=python,
        catalog=catalog,
        space=PairSpace(
            first=_side(first, releases[0]),
            second=_side(second, releases[1]),
            forbidden=_forbidden((first, second), releases, catalog, python),
        ),
    )


def documented(component: Component) -> Requirement:
    """The requirement by which the documentation installs a component: its distribution, possibly with extras."""
    for text in component.install:
        requirement = parse_requirement(text)
        if requirement.name == component.distribution:
            return requirement
    return parse_requirement(component.distribution)


def needs_of(survey: Survey, side: Component, release: Release) -> dict[str, SpecifierSet]:
    """The bounds that a release of one side declares, including those of its documented extras."""
    return needs(survey.catalog, side.distribution, release.version, survey.python, documented(side).extras)


def _component(name: str, option: str, components: Components) -> Component:
    """The component called `name`, or one made up for a distribution that is no component."""
    if name in components.names():
        component = components[name]
        if not component.distribution:
            raise UsageError(f"{option}: {name} is published: {component.published}; allowed is what the index has")
        return components.of_distribution(component.distribution) or component
    try:
        requirement = parse_requirement(name)
    except ValueError:
        requirement = None
    if requirement is None or str(requirement) != requirement.name:
        raise UsageError(f'{option}: "{name}" is neither a component nor the plain name of a distribution')
    known = components.of_distribution(requirement.name)
    if known is not None and known.distribution == requirement.name:
        return known
    return Component(
        name=requirement.name,
        title=requirement.name,
        summary="a distribution that is no component",
        group="infrastructure",
        distributions=(requirement.name,),
        documentation="",
    )


def _releases(
    side: Component, option: str, catalog: Catalog, since: dt.datetime | None, until: dt.datetime | None
) -> list[Release]:
    """The final releases of one side that were uploaded in time and not yanked."""
    project = catalog.project(side.distribution)
    if not project.releases:
        raise UsageError(f'{option}: the index has no "{side.distribution}"; give the name that an installer takes')
    fitting = list(project.fit(since=since, before=until))[::-1]
    if not fitting:
        span = [f"since {since:%Y-%m-%d}"] if since else []
        span += [f"until {until:%Y-%m-%d}"] if until else []
        last = max(release.uploaded for release in project.releases)
        raise UsageError(
            f"--since: {' '.join([side.distribution, 'has no final release', *span])}; its last is of {last:%Y-%m-%d}"
        )
    return fitting


def _side(component: Component, releases: Sequence[Release]) -> Side:
    return Side(
        name=component.name,
        versions=tuple(release.version for release in releases),
        uploaded=tuple(release.uploaded for release in releases),
    )


def _forbidden(
    sides: tuple[Component, Component],
    releases: tuple[Sequence[Release], Sequence[Release]],
    catalog: Catalog,
    python: str,
) -> dict[Pair, str]:
    """The pairs that metadata excludes, each with the reason: a bound of either side on the other, or the Python."""
    first, second = (side.distribution for side in sides)
    first_bounds = [_bounds(sides[0], release, second, catalog, python) for release in releases[0]]
    second_bounds = [_bounds(sides[1], release, first, catalog, python) for release in releases[1]]
    forbidden = {}
    for row, release in enumerate(releases[0]):
        for column, partner in enumerate(releases[1]):
            reason = _objection(first, release, first_bounds[row], second, partner, python)
            reason = reason or _objection(second, partner, second_bounds[column], first, release, python)
            if reason:
                forbidden[row, column] = reason
    return forbidden


def _bounds(side: Component, release: Release, other: str, catalog: Catalog, python: str) -> list[DeclaredBound]:
    """The bounds on the distribution `other` that come with a release, as its documentation installs it."""
    return bounds_on(other, catalog, side.distribution, release.version, python, documented(side).extras)


def _objection(
    name: str, release: Release, bounds: Sequence[DeclaredBound], other: str, partner: Release, python: str
) -> str:
    """Why the metadata of a release excludes its partner, or the Python; empty if it does not.

    Args:
        name: The distribution of the release.
        release: The release.
        bounds: The bounds on the other distribution that come with the release.
        other: The distribution of the partner.
        partner: The partner.
        python: The Python.
    """
    if not release.supports(python):
        return f"{name} {release.version} does not support Python {python} (it requires {release.requires_python})"
    for bound in bounds:
        if not bound.specifier.contains(partner.version, prereleases=True):
            by = "" if bound.name == name else f" exactly {bound.name} {bound.version}, which depends on"
            return f"{name} {release.version} depends on{by} {other}{bound.specifier}"
    return ""
