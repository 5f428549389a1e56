"""The groups of tests that share a process: those that use the same components. Pure.

What a test depends on is what its process has loaded, so tests that use less must not share a process with tests that
use more, unless they come first. One process imports component after component, first those that most tests use. After
each import, groups that need no more than one further component run in forks of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

__all__ = ["WORTH", "Split", "bases_of", "blas_threads", "path_of", "places", "split"]

#: A group is worth a process of its own if it has at least this part of the tests of a cell.
WORTH = 1 / 30


def bases_of(requirements: Mapping[str, Collection[str]]) -> dict[str, frozenset[str]]:
    """The components that the import of another is taken to import as well.

    This is a guess that saves time. If it is wrong, a closure only gets larger than it has to be. A component counts if
    all others that are required build on it, or it on them.

    Args:
        requirements: Component to the components that it declares to require.
    """
    all_of = {name: _transitive(name, requirements) for name in requirements}

    def related(one: str, other: str) -> bool:
        return one == other or one in all_of[other] or other in all_of[one]

    return {
        name: frozenset(
            base for base in required if all(related(base, other) or not all_of[other] for other in required)
        )
        for name, required in all_of.items()
    }


def _transitive(name: str, requirements: Mapping[str, Collection[str]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = set(requirements.get(waiting.pop(), ())) & requirements.keys() - found
        found |= new
        waiting.extend(new)
    return frozenset(found - {name})


def places(requirements: Mapping[str, Collection[str]]) -> dict[str, int]:
    """The place of each component in the order of imports: after all that it requires, else in the given order."""
    order: dict[str, int] = {}
    given = list(requirements)
    for name in given:
        needed = _transitive(name, requirements) - order.keys() - {name}
        by_depth = sorted(needed, key=lambda one: (len(_transitive(one, requirements)), given.index(one)))
        for one in (*by_depth, name):
            order.setdefault(one, len(order))
    return order


def path_of(
    components: Iterable[str], bases: Mapping[str, Collection[str]], order: Mapping[str, int]
) -> tuple[str, ...]:
    """The components that are imported for a test, in this order.

    Args:
        components: What the test uses.
        bases: Component to those that are imported with it.
        order: The place of each component.
    """
    used = set(components)
    return tuple(sorted(used.union(*(bases.get(name, ()) for name in used)), key=lambda name: (order[name], name)))


def blas_threads(maps: str, cores: int) -> int:
    """How many threads the BLAS libraries that a process has loaded have started. They survive a fork.

    Args:
        maps: The memory map of the process, as Linux shows it.
        cores: The cores that the process can use.
    """
    files = {line.rpartition("/")[2] for line in maps.splitlines() if "openblas" in line.rpartition("/")[2]}
    return len(files) * (cores - 1)


class Split(NamedTuple):
    """What becomes of groups of tests in a process in which nothing but imports has happened.

    Attributes:
        apart: For each fork of the process, the groups that it runs, in this order.
        following: The component that the process imports next, to split the others again; None if none are left.
    """

    apart: tuple[tuple[tuple[str, ...], ...], ...]
    following: str | None


def split(
    paths: Iterable[tuple[str, ...]], order: Mapping[str, int], worth: float = 1, *, at_once: bool = False
) -> Split:
    """Split the groups of tests of a process, so that most of them find loaded what they use and not much more.

    The component that most tests use is imported next, for all tests that use several. The group of any one other
    component runs in a fork that has only this, and what uses no more than is loaded comes first in the first fork.
    There are few forks, since each has to start anew what imports do not start, such as a compiler: groups of a few
    tests wait until more can run.

    Args:
        paths: The path of each test, without what is loaded already.
        order: The place of each component.
        worth: From this number of tests on, a group is worth a process of its own.
        at_once: Whether a test that uses no more than is loaded must not wait, as others depend on its result.
    """
    counts = Counter(paths)
    uses: Counter[str] = Counter()
    for path, count in counts.items():
        uses.update(dict.fromkeys(path, count))
    following = max(uses, key=lambda name: (uses[name], -order[name]), default=None)
    others = [name for name in sorted(uses, key=order.__getitem__) if name != following]
    apart: list[tuple[tuple[str, ...], ...]] = [((name,),) for name in others if counts[name,] >= worth]
    if counts[()] >= worth or (counts[()] and (at_once or following is None)):
        apart[:1] = [((), *group) for group in apart[:1]] or [((),)]
    return Split(tuple(apart), following)
