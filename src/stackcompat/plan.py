"""Which combinations to try: policies and releases in, cells out. Pure: what it asks of the index is a Catalog."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING, Any, NoReturn

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from stackcompat.covering import Space, share_covered
from stackcompat.matrix import (
    AsOf,
    Components,
    Index,
    Local,
    Matrix,
    Metapackage,
    Newest,
    Oldest,
    Pairs,
    Pins,
    Policy,
    Prerelease,
    Series,
    parse_requirement,
    python_key,
)
from stackcompat.record import Record, UsageError, digest
from stackcompat.releases import Catalog, Release, needs, requirements, select

if TYPE_CHECKING:
    from stackcompat.lock import Resolution

__all__ = ["Cell", "Goal", "Plan", "make_plan", "readable"]


class Cell(Record):
    """One combination to try.

    `requirements` and `overrides` are PEP 508 texts in normal form; `newest` are the distributions that the request
    means at their newest, `development` those that must come out as development versions; `index` is the name of the
    environment variable with an extra index's address, `local` maps a distribution to its file or source, or to ``$``
    and the name of the environment variable that holds it. `constraints` are exact pins for what the resolver brings in
    besides; `admitted` are distributions to which `exclude_newer` does not apply.
    `thorough` cells run every test, others leave out those marked so. That, `policy` and `label` say how and why the
    cell is there and are no part of its identity.
    """

    python: str
    platform: str
    requirements: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    exclude_newer: dt.datetime | None = None
    constraints: tuple[str, ...] = ()
    admitted: tuple[str, ...] = ()
    newest: tuple[str, ...] = ()
    development: tuple[str, ...] = ()
    index: str = ""
    local: dict[str, str] = {}
    thorough: bool = True
    policy: str = "pins"
    label: str = ""

    @property
    def id(self) -> str:
        """Content address of what is asked for, the same for the same question from any policy."""
        unsaid = {name for name in ("constraints", "admitted") if not getattr(self, name)}
        asked = self.model_dump(mode="json", exclude={"policy", "label", "newest", "thorough"} | unsaid)
        return digest(asked, length=12)

    @property
    def forced(self) -> bool:
        """Whether metadata is overridden."""
        return bool(self.overrides)

    def roots(self) -> tuple[str, ...]:
        """The distributions that are asked for by name."""
        return tuple(sorted({canonicalize_name(Requirement(text).name) for text in self.requirements}))


class Goal(Record):
    """What a `pairs` policy wants to see together: combinations of exact pins, ``python`` among them, that are allowed.

    `axes` are the pins to choose from, each component's (and the Pythons) newest first. `template` is the cell that
    pins nothing, from which others are made; `pythons` are those that a pin supports, newest first. `budget` is how
    many cells may be made after the first array (see :mod:`stackcompat.rounds`).
    """

    label: str
    axes: tuple[tuple[str, ...], ...]
    budget: int
    combinations: tuple[tuple[str, ...], ...]
    template: Cell
    pythons: dict[str, tuple[str, ...]]

    def reached(self, held: Iterable[Mapping[str, str]]) -> tuple[float, tuple[Cell, ...]]:
        """How many percent meet in environments that hold `held` (name to version), and cells for the rest.

        There is one cell for each combination that meets nowhere: with its pins, and nothing else pinned.
        """
        rows = ([f"{name}=={version}" for name, version in versions.items()] for versions in held)
        percent, missing = share_covered(self.combinations, rows)
        cells = []
        for pins in missing:
            cells.append(self.cell(pins, f"{readable(pins)}, all else free"))
        return percent, tuple(cells)

    def cell(self, pins: Iterable[str], label: str) -> Cell:
        """The template with `pins`, on the newest Python that all of them support."""
        common = [set(self.pythons[pin]) for pin in pins]
        python = next((p for p in self.pythons[""] if all(p in some for some in common)), self.template.python)
        requirements = _pinned(self.template.requirements, pins)
        return self.template.model_copy(update={"python": python, "requirements": requirements, "label": label})


class Plan(Record):
    """The cells to try, in order and each once; what the `pairs` policies want, and how much of it the cells ask for.

    `coverage` is a percentage of the allowed combinations by goal, `excluded` says what metadata does not allow.
    `reserved` are components that no cell asks for, since their newest release only reserves the name.
    """

    cells: tuple[Cell, ...]
    coverage: dict[str, float]
    excluded: tuple[str, ...]
    goals: tuple[Goal, ...]
    reserved: dict[str, str] = {}

    def repair(self, resolutions: Mapping[str, Resolution]) -> tuple[tuple[Cell, ...], dict[str, float]]:
        """Compare the goals with what cells (by id) were really locked to.

        Returns further cells for what is in no lock, and the coverage by goal. A cell that forces what metadata forbids
        shows nothing about what metadata allows, so it counts only for a goal that forces the same.
        """
        planned = {cell.id: cell for cell in self.cells}
        cells: list[Cell] = []
        coverage = {}
        for goal in self.goals:
            held = [
                resolution.lock.versions() | {"python": resolution.lock.python}
                for cell_id, resolution in resolutions.items()
                if resolution.lock is not None
                and planned.get(cell_id, goal.template).overrides == goal.template.overrides
            ]
            coverage[goal.label], further = goal.reached(held)
            cells += [cell for cell in further if cell.id not in planned]
        return tuple(cells), coverage


def make_plan(
    matrix: Matrix,
    components: Components,
    catalog: Catalog,
    *,
    platform: str,
    pythons: Sequence[str],
    now: dt.datetime,
    source: str,
) -> Plan:
    """The cells of `matrix` on those of its `pythons` that there are, newest combinations and newest Pythons first.

    Cells that two policies have in common are made once. Raises UsageError, naming `source` (the matrix file) and the
    key, for a release that the index does not have, a selection or policy that chooses nothing, and a cell given twice.
    """
    planner = _Planner(matrix, components, catalog, platform, now, source)
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
    source: str

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
        raise UsageError(f"{self.source}: {key}: {sentence}")

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
            case Index():
                detail = f"{', '.join(policy.components)} from the index in {policy.variable}"
                development = tuple(self.distribution(n) for n in policy.components) if policy.development else ()
                taken = self.unreleased(policy.components)
                yield self.cell(
                    policy, python, taken, detail, index=policy.variable, development=development, newest=self.names
                )
            case Local():
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
                yield self.cell(policy, python, _pinned(self.names, (f"{name}=={newest.version}", *pins)), detail)

    def series(self, policy: Series, python: str) -> Iterator[Cell]:
        project = self.catalog.project(self.distribution(policy.component))
        for release in reversed(select(project, policy.releases, python=python, now=self.now)):
            requirements = _pinned(self.names, (f"{project.name}=={release.version}",))
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

        space = Space(axes, lambda first, second: not objection(first, second))
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


def _pinned(names: Iterable[str], pins: Iterable[str]) -> tuple[str, ...]:
    """Requirements for all `names`: the exact pin where there is one, else the bare name."""
    exact = {pin.partition("==")[0]: pin for pin in pins}
    return tuple(sorted(exact.get(name, name) for name in names))


def _free(requirement: Requirement) -> Requirement:
    free = Requirement(str(requirement))
    free.specifier = SpecifierSet()
    return free


def readable(pins: Iterable[str]) -> str:
    """Exact pins as a person says them."""
    return ", ".join(pin.replace("==", " ") for pin in pins)


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
