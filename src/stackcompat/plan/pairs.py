"""The policy `pairs`: a covering array over chosen releases. Combinations that metadata forbids are left out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from packaging.specifiers import SpecifierSet

from stackcompat.core.record import Record
from stackcompat.core.requirements import name_of, split_pin
from stackcompat.ecosystem.declared import needs
from stackcompat.plan.cell import Cell, readable
from stackcompat.plan.covering import CombinationSpace
from stackcompat.plan.goal import Goal
from stackcompat.plan.inputs import PlanInputs
from stackcompat.plan.policies import Pairs
from stackcompat.plan.selection import select

__all__ = ["CoveringPlan", "chosen_releases", "pins_of_seed", "plan_pairs"]


class CoveringPlan(Record):
    """The cells of a `pairs` policy and their goal.

    Attributes:
        cells: The rows of the covering array as cells.
        goal: The combinations that must meet in the cells.
        excluded: A sentence for each two axes between which metadata excludes combinations.
    """

    cells: tuple[Cell, ...]
    goal: Goal
    excluded: tuple[str, ...]


def plan_pairs(inputs: PlanInputs, policy: Pairs, pythons: Sequence[str]) -> CoveringPlan:
    """The covering array of a policy.

    The Python is an axis like the components, so each release meets each Python that it supports.

    Args:
        inputs: The inputs of the plan.
        policy: The policy.
        pythons: The Pythons, newest first; at least one.
    """
    axes = [[f"python=={python}" for python in pythons], *chosen_releases(inputs, policy, pythons).values()]
    metadata = _read_metadata(inputs, policy, axes, pythons)
    space = CombinationSpace(axes, lambda first, second: not _objection(metadata, first, second))
    goal = Goal(
        label=policy.label or f"{policy.strength}-way over Python, {', '.join(policy.releases)}",
        axes=tuple(tuple(pins) for pins in axes),
        budget=policy.budget,
        combinations=space.combinations(policy.strength),
        template=inputs.cell(policy, pythons[0], inputs.names, "template"),
        pythons={pin: metadata.pythons[pin] for pins in axes for pin in pins} | {"": tuple(pythons)},
    )
    rows = space.rows(policy.strength, _seeds(inputs, policy, axes, metadata))
    return CoveringPlan(
        cells=tuple(goal.cell(row, readable(pin for pin in row if not pin.startswith("python=="))) for row in rows),
        goal=goal,
        excluded=tuple(_excluded(axes, metadata)),
    )


def chosen_releases(inputs: PlanInputs, policy: Pairs, pythons: Sequence[str]) -> dict[str, list[str]]:
    """The chosen releases of each component, as far as they support one of the Pythons.

    Args:
        inputs: The inputs of the plan.
        policy: The policy.
        pythons: The Pythons.

    Returns:
        Component to exact pins, newest first.
    """
    chosen = {}
    for component, selection in policy.releases.items():
        project = inputs.project(component)
        newest_first = reversed(select(project, selection, python=None, now=inputs.now))
        chosen[component] = [
            f"{project.name}=={release.version}" for release in newest_first if any(map(release.supports, pythons))
        ]
    return chosen


def pins_of_seed(inputs: PlanInputs, seed: Iterable[str]) -> list[str]:
    """A seed as pins of distributions: it is written with names of components and any form of a version."""
    pins = []
    for text in seed:
        component, version = split_pin(text)
        project = inputs.project(component)
        release = project.find(version)
        pins.append(f"{project.name}=={release.version if release else version}")
    return pins


def _seeds(
    inputs: PlanInputs, policy: Pairs, axes: Sequence[Sequence[str]], metadata: _Metadata
) -> list[Sequence[str]]:
    """The seeds of the covering array.

    The newest pin of each axis comes first, if metadata allows them together. Then come the policy's seeds, as far as
    their pins are on the axes.
    """
    newest = [pins[0] for pins in axes]
    seeds: list[Sequence[str]] = []
    if not any(_objection(metadata, first, second) for first, second in combinations(newest, 2)):
        seeds.append(newest)
    known = {pin for pins in axes for pin in pins}
    seeds += [pins for pins in (pins_of_seed(inputs, seed) for seed in policy.seeds) if known.issuperset(pins)]
    return seeds


# ---------------------------------------------------------------------------------------------------------------------
# What metadata allows
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Metadata:
    """The metadata of the chosen releases.

    Attributes:
        pythons: By pin, the Pythons that it supports. A pin of a Python supports that alone.
        bounds: By pin, the bounds that it declares, by distribution.
        overridden: Distributions that the policy overrides. Bounds on them do not count.
    """

    pythons: Mapping[str, tuple[str, ...]]
    bounds: Mapping[str, Mapping[str, SpecifierSet]]
    overridden: frozenset[str]


def _read_metadata(
    inputs: PlanInputs, policy: Pairs, axes: Sequence[Sequence[str]], pythons: Sequence[str]
) -> _Metadata:
    supported: dict[str, tuple[str, ...]] = {}
    bounds: dict[str, Mapping[str, SpecifierSet]] = {}
    for pin in (pin for pins in axes for pin in pins):
        name, version = split_pin(pin)
        bounds[pin] = needs(inputs.catalog, name, version, pythons[0])
        release = inputs.catalog.project(name).find(version) if name != "python" else None
        if release is None:
            supported[pin] = tuple(python for python in pythons if python == version)
        else:
            supported[pin] = tuple(filter(release.supports, pythons))
    return _Metadata(supported, bounds, frozenset(map(name_of, policy.overrides)))


def _objection(metadata: _Metadata, first: str, second: str) -> str:
    """Why metadata excludes that two pins meet, in words; empty if it allows that."""
    for pin, other in ((first, second), (second, first)):
        name, version = split_pin(other)
        if name == "python":
            if version not in metadata.pythons[pin]:
                return f"{readable([pin])} does not support Python {version}"
            continue
        bounds = metadata.bounds[pin].get(name, SpecifierSet())
        if name not in metadata.overridden and not bounds.contains(version, prereleases=True):
            return f"{readable([pin])} needs {name}{bounds}"
    return ""


def _excluded(axes: Sequence[Sequence[str]], metadata: _Metadata) -> Iterable[str]:
    """A sentence for each two axes between which metadata excludes combinations."""
    for left, right in combinations(axes, 2):
        objections = [_objection(metadata, first, second) for first, second in product(left, right)]
        against = [objection for objection in objections if objection]
        if against:
            names = f"{split_pin(left[0])[0]} and {split_pin(right[0])[0]}"
            share = f"{len(against)} of {len(objections)} combinations of {names}"
            yield f"metadata excludes {share}; for example, {against[0]}"
