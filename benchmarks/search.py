"""How many runs it takes to find who broke what, in made-up worlds of growing size.

For each size, breaks of one, two and three components are planted at random in worlds that are healthy otherwise. For
each way of searching it prints the mean number of environments that it asks for. For those ways that can be wrong it
also prints the share of worlds in which they name exactly the planted components.

``all``, ``one``, ``none``  :mod:`stackcompat.blame.search`, where the traceback goes through all members, one, or none
``plain``       each component in turn is moved to its newest release, and those that cannot be are bisected
``linear``      each component of the cell is moved alone, release by release, until the test passes
``pairwise``    every release of every component beside every release of every other
``exhaustive``  every combination of releases of every component

    python benchmarks/search.py [worlds for each size]
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from dataclasses import replace
from itertools import chain, product
from math import comb
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from stackcompat.blame.probe import Probe, RedCell, Search
from stackcompat.blame.result import SearchResult
from stackcompat.blame.search import search
from support.blame_world import Rule, Universe, answered

COMPONENTS = (10, 20, 50)
RELEASES = (10, 50, 100)
#: How many of the members a traceback goes through.
TRACEBACKS = {"all": None, "one": 1, "none": 0}


class Planted(NamedTuple):
    """A world with one planted break, and a cell that shows it.

    Attributes:
        world: The world.
        versions: What is installed in the cell.
        rule: The break.
        used: What the cell asks for, and the failing test uses.
    """

    world: Universe
    versions: dict[str, int]
    rule: Rule
    used: tuple[str, ...]

    def red(self) -> RedCell:
        """The cell."""
        return self.world.red(self.versions, self.rule, roots=self.used)

    def naming(self, number: int | None) -> Planted:
        """The same with a traceback through only so many members; None: all."""
        rule = replace(self.rule, named=self.rule.named[:number])
        return self._replace(world=replace(self.world, rules=(rule,)), rule=rule)


def plant(components: int, releases: int, dice: random.Random) -> Planted:
    """A break of one to three components in a world of this size; the cell asks for the members and three more."""
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
    world = Universe(dict.fromkeys(names, releases), (rule,))
    return Planted(world, versions, rule, (*members, *dice.sample(others, 3)))


def linear(case: Planted) -> int:
    """Probes of moving each component alone, step by step to both sides, until it passes or there is no more."""
    total = 0
    for name, size in case.world.sizes.items():
        first, last = case.rule.members.get(name, (0, size - 1))
        total += min(last + 1, size - 1) - max(first - 1, 0)
    return total


def plain(red: RedCell, world: Universe) -> Search[set[str]]:
    """Move one component at a time to its newest release, and bisect each of those that cannot be."""
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


def find(case: Planted) -> SearchResult:
    """What the search finds."""
    world = case.world
    return answered(search(case.red(), world, world.components, 1000), world, case.rule)


def row(components: int, releases: int, count: int, dice: random.Random) -> list[str]:
    """Means over `count` worlds of one size."""
    probes, exact = Counter[str](), Counter[str]()
    for _ in range(count):
        case = plant(components, releases, dice)
        members = case.rule.members.keys()
        for way, number in TRACEBACKS.items():
            result = find(case.naming(number))
            probes[way] += result.probes
            exact[way] += {culprit.name for culprit in result.culprits} == members
        case.world.asked.clear()
        exact["plain"] += answered(plain(case.red(), case.world), case.world, case.rule) == members
        probes["plain"] += len(case.world.asked)
        probes["linear"] += linear(case)
    measured = []
    for way in (*TRACEBACKS, "plain"):
        measured += [f"{probes[way] / count:.1f}", f"{100 * exact[way] / count:.0f} %"]
    pairwise = comb(components, 2) * releases**2
    every = f"{releases**components:.0e}"
    return [str(components), str(releases), *measured, f"{probes['linear'] / count:.1f}", str(pairwise), every]


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    dice = random.Random(20261122)
    ways = [title for way in (*TRACEBACKS, "plain") for title in (way, "exact")]
    head = ["components", "releases", *ways, "linear", "pairwise", "exhaustive"]
    widths = [10, 8, *[6] * len(ways), 8, 10, 10]
    for line in chain([head], (row(*size, count, dice) for size in product(COMPONENTS, RELEASES))):
        print(" ".join(f"{value:>{width}}" for value, width in zip(line, widths, strict=True)), flush=True)


if __name__ == "__main__":
    main()
