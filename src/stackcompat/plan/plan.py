"""Which combinations to try: policies and releases in, cells out. Pure: what it asks of the index is a Catalog."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise, product
from typing import Any, NoReturn

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from stackcompat.core.record import UsageError
from stackcompat.core.requirements import parse_requirement, python_key
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog, Release, needs, requirements
from stackcompat.plan.cell import Cell, readable
from stackcompat.plan.covering import CombinationSpace, share_covered
from stackcompat.plan.goal import Goal, Plan, pin_requirements
from stackcompat.plan.matrix import (
    AsOf,
    ExtraIndex,
    LocalSource,
    Matrix,
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

__all__ = ["make_plan"]


def make_plan(
    matrix: Matrix,
    components: Components,
    catalog: Catalog,
    *,
    platform: str,
    pythons: Sequence[str],
    now: dt.datetime,
) -> Plan:
    """The cells of `matrix` on those of its `pythons` that there are, newest combinations and newest Pythons first.

    Cells that two policies have in common are made once. Raises UsageError, naming the matrix file and the key, for a
    release that the index does not have, a selection or policy that chooses nothing, and a cell given twice.
    """
    planner = _Planner(matrix, components, catalog, platform, now)
    for text in matrix.also:
        planner.check_exists(text, "also")
    cells: dict[str, Cell] = {}
    owners: dict[str, str] = {}
    goals: list[Goal] = []
    excluded: list[str] = []
    for number, policy in sorted(enumerate(matrix.policies), key=lambda item: not isinstance(item[1], Newest)):
        key = f"policies[{number}]"
        wanted = [python for python in pythons if not policy.pythons or python in policy.pythons]
        wanted.sort(key=python_key, reverse=True)
        planner.check(policy, key, wanted)
        made: list[Cell] = []
        if isinstance(policy, Pairs):
            if wanted:
                made, goal, objections = planner.pairs(policy, wanted)
                if goal.label in {other.label for other in goals}:
                    planner.refuse(f"{key}.label", "is that of another pairs policy; allowed is one of its own")
                goals.append(goal)
                excluded += objections
        else:
            made = [cell for python in wanted for cell in planner.cells(policy, python)]
        if wanted and not made:
            planner.refuse(key, f"makes no cell for Python {', '.join(wanted)}; widen what it chooses, or drop it")
        for cell in made:
            same = cells.setdefault(cell.id, cell)
            owner = owners.setdefault(cell.id, key)
            if same is not cell and same.policy == cell.policy != "pairs":
                planner.refuse(key, f'makes the cell "{cell.label}" that {owner} makes; each may be given once')
            if cell.label not in same.label.split("; "):
                update = {"label": f"{same.label}; {cell.label}", "thorough": same.thorough or cell.thorough}
                cells[cell.id] = same.model_copy(update=update)
    asked = [(f"python=={cell.python}", *cell.requirements) for cell in cells.values()]
    reached = {goal.label: share_covered(goal.combinations, asked)[0] for goal in goals}
    return Plan(
        cells=tuple(cells.values()),
        coverage=reached,
        excluded=tuple(excluded),
        goals=tuple(goals),
        reserved=planner.reserved,
    )


@dataclass(frozen=True)
class _Planner:
    """What every policy needs to know, and one method for each."""

    matrix: Matrix
    components: Components
    catalog: Catalog
    platform: str
    now: dt.datetime

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The distributions of the matrix that hold something."""
        present = (name for name in self.matrix.components if name not in self.reserved)
        return tuple(dict.fromkeys(self.components[name].distribution for name in present))

    @cached_property
    def reserved(self) -> dict[str, str]:
        """The components of the matrix of which the index has no more than a name, and the release that reserves it."""
        found = {}
        for name in self.matrix.components:
            newest = self.catalog.project(self.distribution(name)).newest()
            if newest is not None and self.components[name].reserves(newest.version):
                found[name] = newest.version
        return found

    def followers(self, name: str) -> set[str]:
        """The distributions of the matrix that move with `name`, a distribution."""
        rows = [self.components[row] for row in self.matrix.components]
        return {row.distribution for row in rows if row.moves_with and self.distribution(row.moves_with) == name}

    def distribution(self, component: str) -> str:
        return self.components[component].distribution

    def refuse(self, key: str, sentence: str) -> NoReturn:
        raise UsageError(f"{self.matrix.source}: {key}: {sentence}")

    def check(self, policy: Policy, key: str, pythons: Sequence[str]) -> None:
        """Refuse a policy that names a release which the index does not have, or chooses none."""
        for text in policy.overrides:
            self.check_exists(text, f"{key}.overrides")
        match policy:
            case Pins():
                for text in policy.requirements:
                    self.check_exists(text, f"{key}.requirements")
            case Metapackage():
                exact = "" if policy.release == "newest" else f"=={policy.release}"
                self.check_exists(f"{policy.distribution}{exact}", f"{key}.release")
            case Pairs():
                chosen = dict(zip(policy.releases, self.chosen(policy, pythons), strict=True))
                for name, pins in chosen.items():
                    if pythons and not pins:
                        known = _newest_few(self.catalog, self.distribution(name))
                        sentence = f"chooses no release for Python {', '.join(pythons)}"
                        self.refuse(f"{key}.releases.{name}", f"{sentence}; choose more (its newest are {known})")
                every = {pin for pins in chosen.values() for pin in pins}
                for number, seed in enumerate(policy.seeds):
                    for pin in self.seed(seed):
                        if pythons and pin not in every:
                            self.refuse(f"{key}.seeds[{number}]", f'"{pin}" is not among the chosen releases')
            case _:
                pass

    def check_exists(self, text: str, key: str) -> None:
        try:
            requirement = parse_requirement(text)
        except ValueError as error:
            self.refuse(key, str(error))
        versions = [release.version for release in self.catalog.project(requirement.name).releases]
        if requirement.url or any(requirement.specifier.filter(versions, prereleases=True)):
            return
        if not versions:
            self.refuse(key, f'"{text}": the index has no releases of {requirement.name}; allowed is what it has')
        known = _newest_few(self.catalog, requirement.name)
        self.refuse(key, f'"{text}": the index has no such release; allowed are, newest first, {known}, ...')

    def cells(self, policy: Policy, python: str) -> Iterator[Cell]:
        """The cells of one policy on one Python, newest first."""
        match policy:
            case Newest() if self.names:
                yield self.cell(policy, python, self.names, "newest", newest=self.names)
            case AsOf():
                yield from self.as_of(policy, python)
            case Oldest():
                yield from self.oldest(policy, python)
            case Series():
                yield from self.series(policy, python)
            case Pins():
                given = [Requirement(text) for text in policy.requirements]
                bare = tuple(requirement.name for requirement in given if not requirement.specifier)
                yield self.cell(
                    policy,
                    python,
                    policy.requirements,
                    ", ".join(policy.requirements),
                    exclude_newer=policy.exclude_newer,
                    newest=bare,
                )
            case Metapackage():
                yield from self.metapackage(policy, python)
            case Prerelease():
                detail = f"pre-releases of {', '.join(policy.components)}"
                yield self.cell(policy, python, self.unreleased(policy.components), detail, newest=self.names)
            case ExtraIndex():
                detail = f"{', '.join(policy.components)} from the index in {policy.variable}"
                development = tuple(self.distribution(n) for n in policy.components) if policy.development else ()
                taken = self.unreleased(policy.components)
                yield self.cell(
                    policy, python, taken, detail, index=policy.variable, development=development, newest=self.names
                )
            case LocalSource():
                local = {self.distribution(policy.component): policy.source or f"${policy.variable}"}
                others = tuple(name for name in self.names if name not in local)
                yield self.cell(policy, python, self.names, f"local {policy.component}", local=local, newest=others)

    def cell(self, policy: Policy, python: str, requirements: Iterable[str], detail: str, **more: Any) -> Cell:
        return Cell(
            python=python,
            platform=self.platform,
            requirements=tuple(sorted({*requirements, *self.matrix.also})),
            overrides=tuple(sorted(policy.overrides)),
            thorough=policy.thorough,
            policy=policy.policy,
            label=f"{policy.label}: {detail}" if policy.label else detail,
            **more,
        )

    def as_of(self, policy: AsOf, python: str) -> Iterator[Cell]:
        dates = policy.dates or _month_ends(self.now, policy.months or 0)
        if policy.since is not None:
            dates = self.changes(policy.since, dt.timedelta(days=policy.stays), python)
        for date in sorted(dates, reverse=True):
            there = [n for n in self.names if self.catalog.project(n).newest(before=date, prereleases=True)]
            absent = [name for name in self.names if name not in there]
            detail = f"as of {date:%Y-%m-%d}" + (f", before the first {', '.join(absent)}" if absent else "")
            if there:
                yield self.cell(policy, python, there, detail, exclude_newer=date, newest=tuple(there))

    def changes(self, since: dt.datetime, stays: dt.timedelta, python: str) -> list[dt.datetime]:
        """The ends of the days since then that changed what is newest, where that stayed so long at least."""
        projects = [self.catalog.project(name) for name in self.names]
        days = {
            release.uploaded.astimezone(dt.UTC).replace(hour=23, minute=59, second=59, microsecond=0)
            for project in projects
            for release in project.fit(python=python)
            if since < release.uploaded <= self.now
        }
        newest = {day: [project.newest(python=python, before=day) for project in projects] for day in {since, *days}}
        changed = [day for before, day in pairwise(sorted(newest)) if newest[day] != newest[before]]
        return [day for day, later in pairwise([since, *changed, self.now]) if later - day >= stays]

    def oldest(self, policy: Oldest, python: str) -> Iterator[Cell]:
        for name in self.names:
            newest = self.catalog.project(name).newest(python=python)
            if newest is None:
                continue
            floors = {}
            for other, bounds in needs(self.catalog, name, newest.version, python).items():
                if other in self.names and any(bound.operator in (">=", "~=", "==", ">") for bound in bounds):
                    lowest = _lowest(self.catalog.project(other).releases, bounds, python)
                    if lowest is not None:
                        floors[other] = lowest.version
            for leader in tuple(floors):
                for follower in self.followers(leader):
                    floors.pop(follower, None)
            if floors:
                pins = tuple(f"{other}=={version}" for other, version in floors.items())
                detail = f"{name} {newest.version} at its floors: {readable(pins)}"
                yield self.cell(
                    policy, python, pin_requirements(self.names, (f"{name}=={newest.version}", *pins)), detail
                )

    def series(self, policy: Series, python: str) -> Iterator[Cell]:
        project = self.catalog.project(self.distribution(policy.component))
        for release in reversed(select(project, policy.releases, python=python, now=self.now)):
            requirements = pin_requirements(self.names, (f"{project.name}=={release.version}",))
            yield self.cell(policy, python, requirements, f"{project.name} {release.version}")

    def metapackage(self, policy: Metapackage, python: str) -> Iterator[Cell]:
        project = self.catalog.project(policy.distribution)
        release = project.newest(python=python) if policy.release == "newest" else project.find(policy.release)
        if release is None:
            return
        pinned = {r.name: r for r in requirements(self.catalog, project.name, release.version, python)}
        if not pinned:
            return
        detail = f"{project.name} {release.version}"
        itself = f"{project.name}=={release.version}"
        yield self.cell(policy, python, [itself, *map(str, pinned.values())], detail)
        led = {follower for name in pinned for follower in self.followers(name)}
        for name in self.names if policy.substitute else ():
            if name in pinned and name not in led:
                moving = {name, *self.followers(name)}
                freed = [str(_free(r) if r.name in moving else r) for r in pinned.values()]
                yield self.cell(policy, python, freed, f"{detail} with the newest {name}", newest=(name,))

    def unreleased(self, components: Collection[str]) -> list[str]:
        """Requirements that take pre-releases of `components` and of what moves with them, and of nothing else."""
        taken = {self.distribution(name) for name in components}
        taken |= {follower for name in taken for follower in self.followers(name)}
        return [f"{name}>=0.dev0" if name in taken else name for name in self.names]

    def pairs(self, policy: Pairs, pythons: Sequence[str]) -> tuple[list[Cell], Goal, list[str]]:
        """A covering array: its cells, the goal that they serve, and a sentence for each two axes that collide.

        The Python is an axis like the components, so each release meets each Python that it supports.
        """
        axes = [[f"python=={python}" for python in pythons], *self.chosen(policy, pythons)]
        overridden = {parse_requirement(text).name for text in policy.overrides}
        release = {pin: (pin.partition("==")[0], pin.partition("==")[2]) for pins in axes for pin in pins}
        bounds_of = {pin: needs(self.catalog, name, version, pythons[0]) for pin, (name, version) in release.items()}
        supported = {pin: self.supported(*release[pin], pythons) for pin in release} | {"": tuple(pythons)}

        def objection(first: str, second: str) -> str:
            for pin, (name, version) in ((first, release[second]), (second, release[first])):
                if name == "python":
                    if version not in supported[pin]:
                        return f"{readable([pin])} does not support Python {version}"
                    continue
                bounds = bounds_of[pin].get(name, SpecifierSet())
                if name not in overridden and not bounds.contains(version, prereleases=True):
                    return f"{readable([pin])} needs {name}{bounds}"
            return ""

        space = CombinationSpace(axes, lambda first, second: not objection(first, second))
        newest = [pins[0] for pins in axes]
        seeds = [] if any(objection(*pair) for pair in combinations(newest, 2)) else [newest]
        seeds += [seed for seed in map(self.seed, policy.seeds) if release.keys() >= set(seed)]
        goal = Goal(
            label=policy.label or f"{policy.strength}-way over Python, {', '.join(policy.releases)}",
            axes=tuple(tuple(pins) for pins in axes),
            budget=policy.budget,
            combinations=space.combinations(policy.strength),
            template=self.cell(policy, pythons[0], self.names, "template"),
            pythons=supported,
        )
        cells = [
            goal.cell(row, readable(pin for pin in row if not pin.startswith("python==")))
            for row in space.rows(policy.strength, seeds)
        ]
        excluded = []
        for left, right in combinations(axes, 2):
            against = [reason for pair in product(left, right) if (reason := objection(*pair))]
            if against:
                names = f"{release[left[0]][0]} and {release[right[0]][0]}"
                share = f"{len(against)} of {len(left) * len(right)} combinations of {names}"
                excluded.append(f"metadata excludes {share}; for example, {against[0]}")
        return cells, goal, excluded

    def chosen(self, policy: Pairs, pythons: Sequence[str]) -> list[list[str]]:
        """The chosen releases of each component that some of `pythons` can take, as exact pins, newest first."""
        found = []
        for component, selection in policy.releases.items():
            project = self.catalog.project(self.distribution(component))
            releases = reversed(select(project, selection, python=None, now=self.now))
            found.append([f"{project.name}=={r.version}" for r in releases if any(map(r.supports, pythons))])
        return found

    def supported(self, name: str, version: str, pythons: Sequence[str]) -> tuple[str, ...]:
        """Those of `pythons` that the release takes; of a Python, itself."""
        release = self.catalog.project(name).find(version) if name != "python" else None
        return tuple(python for python in pythons if (release.supports(python) if release else python == version))

    def seed(self, pins: Iterable[str]) -> list[str]:
        """The exact pins of components as such of distributions, with versions as the index writes them."""
        found = []
        for pin in pins:
            component, _, version = pin.partition("==")
            project = self.catalog.project(self.distribution(component))
            release = project.find(version)
            found.append(f"{project.name}=={release.version if release else version}")
        return found


def _free(requirement: Requirement) -> Requirement:
    free = Requirement(str(requirement))
    free.specifier = SpecifierSet()
    return free


def _lowest(releases: Iterable[Release], bounds: SpecifierSet, python: str) -> Release | None:
    """The lowest release within `bounds` that an installer may take on `python`."""
    fit = {release.version: release for release in releases if not release.yanked and release.supports(python)}
    return next((fit[version] for version in bounds.filter(fit)), None)


def _month_ends(now: dt.datetime, months: int) -> list[dt.datetime]:
    """The last seconds of the last so many complete months before `now`, newest first."""
    found = []
    first = now.astimezone(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(months):
        found.append(first - dt.timedelta(seconds=1))
        first = found[-1].replace(day=1, hour=0, minute=0, second=0)
    return found


def _newest_few(catalog: Catalog, name: str) -> str:
    versions = [release.version for release in reversed(catalog.project(name).releases) if not release.yanked]
    return ", ".join(versions[:3]) or "none"
