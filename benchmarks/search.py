"""How many runs it takes to find who broke what, in made-up worlds of growing size.

For each size, breaks of one, two and three components are planted at random in otherwise healthy worlds, and the mean
number of environments is printed that each way of searching asks for:

``blame``       :mod:`stackcompat.blame`
``plain``       one component after another taken back to its newest release, and those that cannot be bisected
``linear``      each component of the cell moved alone, release by release, until the test passes
``exhaustive``  every combination of releases of every component

    python benchmarks/search.py [worlds for each size]
"""

from __future__ import annotations

import random
import sys
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from blame_world import Rule, Universe, answered
from stackcompat.blame import Search, search
from stackcompat.culprit import Probe, Red

COMPONENTS = (10, 20, 50)
RELEASES = (10, 50, 100)


def planted(
    components: int, releases: int, dice: random.Random
) -> tuple[Universe, dict[str, int], Rule, tuple[str, ...]]:
    """A world with one break of one to three components, a cell that shows it, and what the cell asks for.

    The failing test uses what the cell asks for: the members, and three more.
    """
    names = [f"c{number:02}" for number in range(components)]
    versions = {name: dice.randrange(releases) for name in names}
    members = dice.sample(names, dice.choice((1, 2, 2, 2, 3)))
    ranges = {}
    for name in members:
        first = max(1, dice.randint(0, versions[name]))
        ranges[name] = (min(first, versions[name]), dice.randint(versions[name], releases - 1))
        if ranges[name] == (0, releases - 1):
            ranges[name] = (0, releases - 2)
            versions[name] = min(versions[name], releases - 2)
    rule = Rule(ranges, named=tuple(members))
    others = [name for name in names if name not in members]
    return Universe(dict.fromkeys(names, releases), (rule,)), versions, rule, (*members, *dice.sample(others, 3))


def linear(world: Universe, versions: dict[str, int], rule: Rule) -> int:
    """Probes of moving each component alone, step by step to both sides, until it passes or there is no more."""
    total = 0
    for name, size in world.sizes.items():
        first, last = rule.members.get(name, (0, size - 1))
        total += versions[name] - max(first - 1, 0) + min(last + 1, size - 1) - versions[name]
    return total


def plain(red: Red, world: Universe) -> Search[set[str]]:
    """Take back one component at a time to its newest release, and bisect each of those that cannot be."""
    versions = dict(red.versions)
    for name in world.sizes:
        newest = str(world.sizes[name] - 1)
        if versions[name] != newest and (yield Probe(pins=versions | {name: newest})).outcome == "same":
            versions[name] = newest
    members = {name for name in world.sizes if versions[name] != str(world.sizes[name] - 1)}
    for name in members:
        low, high = int(versions[name]), world.sizes[name] - 1
        while high - low > 1:
            middle = (low + high) // 2
            same = (yield Probe(pins=versions | {name: str(middle)})).outcome == "same"
            low, high = (middle, high) if same else (low, middle)
    return members


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    dice = random.Random(20261122)
    head = ("components", "releases", "blame", "exact", "plain", "exact", "linear", "exhaustive")
    print(" ".join(f"{title:>10}" for title in head))
    for components, releases in product(COMPONENTS, RELEASES):
        probes = {"blame": 0, "plain": 0, "linear": 0}
        exact = {"blame": 0, "plain": 0}
        for _ in range(count):
            world, versions, rule, used = planted(components, releases, dice)
            red = world.red(versions, rule, roots=used)
            found = answered(search(red, world, world.components, 1000), world, rule)
            probes["blame"] += found.probes
            exact["blame"] += {culprit.name for culprit in found.culprits} == rule.members.keys()
            world.asked.clear()
            exact["plain"] += answered(plain(red, world), world, rule) == rule.members.keys()
            probes["plain"] += len(world.asked)
            probes["linear"] += linear(world, versions, rule)
        mean = {way: f"{total / count:.1f}" for way, total in probes.items()}
        share = {way: f"{100 * total / count:.0f} %" for way, total in exact.items()}
        every = f"{releases**components:.0e}"
        row = (
            components,
            releases,
            mean["blame"],
            share["blame"],
            mean["plain"],
            share["plain"],
            mean["linear"],
            every,
        )
        print(" ".join(f"{value:>10}" for value in row))


if __name__ == "__main__":
    main()
