"""How deep each distribution in a cell was tried. Pure functions over records.

The requirements of a cell can be tried to different levels: one is only imported, two others train a model together.
What is said of the cell must hold for all of them, so a cell is no deeper than its shallowest requirement. Only smoke
tests count. The tests that a release ships say nothing of what it does with others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.text import and_list, counted
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.ecosystem.components import Component, Components
from stackcompat.evidence.results import TestResult
from stackcompat.plan.cell import Cell
from stackcompat.verdict.outcomes import TestStatus

__all__ = ["Depth", "Trials", "by_level", "find_trials", "names_in_words", "shallowest", "short_of"]

#: How many names a sentence lists before it counts the others.
_MOST_NAMES = 6

#: The states of tests that passed, or that were not tried.
_NOT_FAILING = ("passed", "not-applicable", "blocked")


class Depth(Record):
    """How deep a component, or a distribution that is none, was tried in a cell."""

    level: Annotated[
        Level,
        Field(
            description="The deepest level of a passed smoke test that uses it; install: no test that uses it passed."
        ),
    ]
    tests: Annotated[int, Field(description="How many smoke tests that use it passed.")]
    together_with: Annotated[
        tuple[str, ...], Field(description="What else the passed tests of that level use, in alphabetical order.")
    ] = ()

    def words(self) -> str:
        """The depth in words: ``up to interop, 90 tests, together with flax and optax``."""
        if not self.tests:
            return "installed, no test of it passed"
        partners = f", together with {names_in_words(self.together_with)}" if self.together_with else ""
        return f"up to {self.level}, {_tests(self.tests)}{partners}"


#: Results of tests that use the same at one level. A cell has few such groups and many tests.
_Group = list[TestResult]


@dataclass(frozen=True)
class Trials:
    """What the passed smoke tests of a cell tried.

    Attributes:
        tests: By name, the passed smoke tests that use it, in groups (:data:`_Group`): of every component in the cell,
            of every requirement, and of every part of a component that some test tells of. A component that moves with
            another has the other's.
        depths: The depth of each of these.
        asked: The names that the cell is about; the shallowest of them has the level of the cell.
        passed: How many smoke tests passed.
        failing: The names that a smoke test uses which was tried and did not pass, such as that of a single feature.
    """

    tests: Mapping[str, Sequence[_Group]]
    depths: dict[str, Depth]
    asked: tuple[str, ...]
    passed: int
    failing: frozenset[str] = frozenset()

    @property
    def level(self) -> Level:
        """The level of the shallowest requirement."""
        return shallowest(self.depths, self.asked)

    @property
    def was_tried(self) -> bool:
        """Whether a test of something that the cell is about passed."""
        return any(self.depths[name].tests for name in self.asked)

    @property
    def sentence(self) -> str:
        """What was tried, the least first. Where all were tried to one level, beyond an import, the number of tests."""
        groups = by_level({name: self.depths[name] for name in self.asked})
        if len(groups) == 1 and LEVELS.index(self.level) > LEVELS.index("import"):
            return f"{_tests(self.passed)} passed"
        return "; ".join(clause for level, names in groups.items() for clause in self._clauses(level, names))

    def _clauses(self, level: Level, names: Sequence[str]) -> Iterable[str]:
        """What was tried of `names`, all of which have the depth `level`."""
        if level not in ("install", "import"):
            number = len({result.test for name in names for group in self.tests[name] for result in group})
            yield f"{names_in_words(names)} up to {level}, {_tests(number)}"
            return
        done, nothing = ("installed", "nothing") if level == "install" else ("imported", "nothing else")
        untried = [name for name in names if name not in self.failing]
        failing = [name for name in names if name in self.failing]
        for some, was_not in ((untried, "was tried"), (failing, "passed")):
            if some:
                was, them = ("was", "it") if len(some) == 1 else ("were", "them")
                yield f"{names_in_words(some)} {was} {done}, {nothing} of {them} {was_not}"


def find_trials(
    cell: Cell, installed: Mapping[str, str], statuses: Iterable[TestStatus], components: Components
) -> Trials:
    """What the passed smoke tests of a cell tried.

    Args:
        cell: The cell.
        installed: Distribution to version in its lock.
        statuses: What all runs of each test say.
        components: The components of the ecosystem. A distribution of none of them has its own name.
    """
    smoke = [status for status in statuses if status.result.level != "upstream"]
    passed = [status.result for status in smoke if status.state == "passed"]
    names = _Names(components, installed)
    roots = [names.of(distribution) for distribution in cell.roots() if distribution in installed]
    tests: dict[str, list[_Group]] = {name: [] for name in (*names.rows, *roots)}
    for group in _by_use(passed):
        for name in names.used_by(group[0]):
            if name in tests:
                tests[name].append(group)
    tests |= {name: tests[leader] for name, leader in names.leaders.items()}
    wholes: dict[str, str] = {}
    for part, whole in names.parts():
        if any(status.state != "not-applicable" and part.tested_by(status.result.test) for status in smoke):
            tests[part.name] = list(_by_use(result for result in passed if part.tested_by(result.test)))
            wholes[part.name] = whole
    return Trials(
        tests=tests,
        depths={name: _depth(wholes.get(name, name), groups, names) for name, groups in tests.items()},
        asked=_asked(cell, installed, names),
        passed=len(passed),
        failing=frozenset(
            name for status in smoke if status.state not in _NOT_FAILING for name in names.used_by(status.result)
        ),
    )


def _by_use(results: Iterable[TestResult]) -> Iterable[_Group]:
    """The results in groups."""
    groups: dict[tuple[Level, tuple[str, ...]], _Group] = {}
    for result in results:
        groups.setdefault((result.level, result.components), []).append(result)
    return groups.values()


class _Names:
    """What the distributions in a cell are called.

    Args:
        components: The components of the ecosystem.
        installed: The distributions in the cell.
    """

    def __init__(self, components: Components, installed: Collection[str]) -> None:
        self._components = components
        self._used: dict[tuple[str, ...], frozenset[str]] = {}
        self.rows = {
            row.name: row
            for row in components.with_own_distribution()
            if any(name in installed for name in row.distributions)
        }
        #: Component to the component in the cell that it moves with.
        self.leaders = {row.name: row.moves_with for row in self.rows.values() if row.moves_with in self.rows}

    def of(self, distribution: str) -> str:
        """The name of the component of a distribution; of one that belongs to none, its own."""
        owner = self._components.of_distribution(distribution)
        return owner.name if owner is not None else distribution

    def used_by(self, result: TestResult) -> frozenset[str]:
        """The names of what a test uses."""
        uses = self._used.get(result.components)
        if uses is None:  # many tests use the same
            uses = self._used[result.components] = frozenset(map(self.of, result.components))
        return uses

    def leader(self, name: str) -> str:
        """The component that decides the release of the one called `name`: itself, if it moves with none."""
        return self.leaders.get(name, name)

    def is_metapackage(self, name: str) -> bool:
        """Whether `name` is a component without code of its own."""
        return name in self.rows and self.rows[name].metapackage

    def parts(self) -> list[tuple[Component, str]]:
        """The components that are a part of one in the cell and have tests, each with the name of the whole."""
        wholes = [(part, self._components.whole(part)) for part in self._components.components if part.tests]
        return [(part, whole.name) for part, whole in wholes if whole is not None and whole.name in self.rows]


def _depth(name: str, groups: Sequence[_Group], names: _Names) -> Depth:
    """The depth of a name.

    Args:
        name: The name; of a part, that of the whole.
        groups: The passed tests that use it.
        names: What the distributions of the cell are called.
    """
    level = max((group[0].level for group in groups), key=LEVELS.index, default="install")
    sets = {names.used_by(group[0]) for group in groups if group[0].level == level}
    used = {names.leader(other) for others in sets for other in others}
    together_with = tuple(sorted(used - {names.leader(name)}))
    return Depth(level=level, tests=sum(map(len, groups)), together_with=together_with)


def _asked(cell: Cell, installed: Collection[str], names: _Names) -> tuple[str, ...]:
    """The names that a cell is about, in the order of the table, then those of distributions that are no component.

    What only accompanies is left out, unless the cell asks for nothing else. A metapackage has nothing of its own to
    try. Who asks for one by name means what it brings: every component in the cell.
    """
    roots = [distribution for distribution in cell.roots() if distribution in installed]
    wanted = [distribution for distribution in roots if distribution not in cell.accompanying] or roots
    asked = {names.of(distribution) for distribution in wanted}
    metapackages = {name for name in asked if names.is_metapackage(name)}
    if metapackages:
        brought = {name for name in names.rows if not names.is_metapackage(name)}
        asked = (asked - metapackages) | brought or asked
    return (*(name for name in names.rows if name in asked), *sorted(asked - names.rows.keys()))


def shallowest(depths: Mapping[str, Depth], names: Iterable[str]) -> Level:
    """The level of the one of `names` that was tried least; ``install`` if there are none."""
    return min((depths[name].level for name in names), key=LEVELS.index, default="install")


def short_of(level: Level, depths: Mapping[str, Depth], asked: Iterable[str]) -> tuple[str, ...]:
    """The names of `asked` that were not tried as deep as `level`."""
    return tuple(name for name in asked if LEVELS.index(depths[name].level) < LEVELS.index(level))


def by_level(depths: Mapping[str, Depth]) -> dict[Level, list[str]]:
    """The names by the level of their depth, the shallowest level first."""
    groups: dict[Level, list[str]] = {}
    for name, depth in sorted(depths.items(), key=lambda item: LEVELS.index(item[1].level)):
        groups.setdefault(depth.level, []).append(name)
    return groups


def names_in_words(names: Sequence[str]) -> str:
    """The first of `names`, and how many more there are."""
    more = len(names) - _MOST_NAMES
    if more <= 1:
        return and_list(list(names))
    return f"{', '.join(names[:_MOST_NAMES])} and {more} more"


def _tests(number: int) -> str:
    return counted(number, "test")
