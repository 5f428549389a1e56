"""How many runs it takes to find who broke what, in made-up worlds of growing size.

For each size, breaks of one, two and three components are planted at random in otherwise healthy worlds, and the mean
number of environments is printed that each way of searching asks for, with the share of worlds in which a search that
can be wrong names exactly the planted components:

``all``, ``one``, ``none``  :mod:`stackcompat.blame.search`, where the traceback goes through all members, one, or none
``plain``       one component after another taken back to its newest release, and those that cannot be bisected
``linear``      each component of the cell moved alone, release by release, until the test passes
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

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from stackcompat.blame.culprit import SearchResult
from stackcompat.blame.probe import Probe, RedCell, Search
from stackcompat.blame.search import search
from support.blame_world import Rule, Universe, answered

COMPONENTS = (10, 20, 50)
RELEASES = (10, 50, 100)
#: How many of the members a traceback goes through.
TRACEBACKS = {"all": None, "one": 1, "none": 0}


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


def plain(red: RedCell, world: Universe) -> Search[set[str]]:
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


def blamed(world: Universe, versions: dict[str, int], rule: Rule, used: tuple[str, ...]) -> SearchResult:
    """What the search comes to, of a cell that fails by `rule`."""
    red = world.red(versions, rule, roots=used)
    return answered(search(red, world, world.components, 1000), world, rule)


def row(components: int, releases: int, count: int, dice: random.Random) -> list[str]:
    """Means over `count` worlds of one size."""
    probes, exact = Counter[str](), Counter[str]()
    for _ in range(count):
        world, versions, rule, used = planted(components, releases, dice)
        for way, named in TRACEBACKS.items():
            told = replace(rule, named=rule.named[:named])
            found = blamed(replace(world, rules=(told,)), versions, told, used)
            probes[way] += found.probes
            exact[way] += {culprit.name for culprit in found.culprits} == rule.members.keys()
        world.asked.clear()
        red = world.red(versions, rule, roots=used)
        exact["plain"] += answered(plain(red, world), world, rule) == rule.members.keys()
        probes["plain"] += len(world.asked)
        probes["linear"] += linear(world, versions, rule)
    told_exact = [
        text
        for way in (*TRACEBACKS, "plain")
        for text in (f"{probes[way] / count:.1f}", f"{100 * exact[way] / count:.0f} %")
    ]
    pairwise = comb(components, 2) * releases**2
    every = f"{releases**components:.0e}"
    return [str(components), str(releases), *told_exact, f"{probes['linear'] / count:.1f}", str(pairwise), every]


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
