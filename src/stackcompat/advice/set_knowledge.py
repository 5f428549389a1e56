"""The facts of a table about sets of releases on one Python: its cells, and every two releases. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from itertools import permutations, product
from typing import Literal, NamedTuple

from packaging.version import Version

from stackcompat.advice.undeclared import lone_component
from stackcompat.core.requirements import python_key, version_key
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.table.cells import CellRow
from stackcompat.table.frontiers import FrontierPair, FrontierRow
from stackcompat.table.pairs import PairRelease
from stackcompat.table.summary import Summary

__all__ = ["PairFact", "PairState", "SetKnowledge", "Versions", "parsed", "works"]

#: How two releases are known. `seen`: a test used both, or a run of a frontier. `met`: a working cell had both, and no
#: test used them together. `inferred`: a frontier infers it. `elsewhere`: seen on another Python only.
PairState = Literal["seen", "met", "inferred", "elsewhere", "unknown"]


#: Component to version.
Versions = Mapping[str, Version]


class PairFact(NamedTuple):
    """The fact about two releases.

    Attributes:
        state: How it is known.
        broken: Whether they are broken together.
        level: The first level that is red, or the deepest that passed.
        failure: The failure, if they are broken.
        python: The Python that shows it.
        doubt: Whether a third component can be at fault.
        why: Why nothing is known.
    """

    state: PairState
    broken: bool = False
    level: Level = "install"
    failure: str = ""
    python: str = ""
    doubt: bool = False
    why: str = ""


#: Makes each fact once: there are few different ones, and tens of thousands of pairs.
_fact = cache(PairFact)


#: Two releases: name and version of each, in any order.
_Pair = frozenset[tuple[str, Version]]


def parsed(versions: Mapping[str, str]) -> dict[str, Version]:
    """Component to version, comparable."""
    return {name: version_key(version) for name, version in versions.items()}


def works(cell: CellRow) -> bool:
    """Whether a cell works for users. A failure only of a release's own tests does not concern them."""
    return cell.verdict == "works" or (cell.verdict == "broken" and cell.level == "upstream")


class SetKnowledge:
    """The facts of a table on one Python.

    Attributes:
        summary: The table.
        python: The Python.
        working: The cells of that Python that work, without those with local code.
        red: The cells of that Python that are broken or cannot be installed, without those with local code.
    """

    def __init__(self, summary: Summary, python: str) -> None:
        self.summary = summary
        self.python = python
        cells = [cell for cell in summary.cells if cell.python == python and cell.policy != "local" and cell.components]
        self.working = tuple(cell for cell in cells if works(cell))
        self.red = tuple(cell for cell in cells if cell.verdict in ("broken", "uninstallable") and not works(cell))
        self._facts = self._collect()
        self._cells = {cell.id: _versions(cell) for cell in (*self.working, *self.red)}

    def versions_in(self, cell: CellRow) -> Versions:
        """The components of a cell of this Python."""
        return self._cells[cell.id]

    def cell_with(self, versions: Versions) -> CellRow | None:
        """The working cell that has all of these releases, of several the one that was tested deepest; None: none."""
        holding = [cell for cell in self.working if versions.items() <= self._cells[cell.id].items()]
        return max(holding, key=lambda cell: _depth(cell, versions), default=None)

    def level_in(self, cell: CellRow, names: Iterable[str]) -> Level:
        """The deepest level that all of some components reached in a working cell."""
        return LEVELS[min(_level(cell, name) for name in names)]

    def fact(self, first: str, first_version: Version, second: str, second_version: Version) -> PairFact:
        """The fact about two releases."""
        pair = frozenset(((first, first_version), (second, second_version)))
        return self._facts.get(pair, PairFact("unknown"))

    def kept_apart(self, first: str, first_version: Version, second: str, second_version: Version) -> str:
        """That no installer puts two releases together, and why, such as a declared bound; empty: no frontier tells.

        It is the end of a sentence about the two: ``cannot be installed together: beta 2.0 depends on alpha>=1.2``. The
        frontiers of other Pythons count as well. What they tell can differ on this one, so the sentence names theirs.
        Rectangles of an older table can overlap: which of their reasons holds for a pair in two of them is not known,
        so the sentence has both.
        """
        return self._kept_apart.get(frozenset(((first, first_version), (second, second_version))), "")

    @cached_property
    def _kept_apart(self) -> dict[_Pair, str]:
        found: dict[_Pair, str] = {}
        for row in sorted(self.summary.frontiers, key=lambda row: row.python != self.python):
            where = f" on Python {row.python}" if row.python != self.python else ""
            for pair, reasons in _forbidden(row).items():
                found.setdefault(pair, f"cannot be installed together{where}: {', or '.join(reasons)}")
        return found

    def facts_of(self, name: str, version: Version) -> Mapping[str, Mapping[Version, PairFact]]:
        """All facts about one release: the other component to its releases, lowest first, each with the fact."""
        return self._facts_by_release.get((name, version), {})

    @cached_property
    def _facts_by_release(self) -> dict[tuple[str, Version], dict[str, dict[Version, PairFact]]]:
        found: dict[tuple[str, Version], dict[str, dict[Version, PairFact]]] = {}
        for pair, fact in self._facts.items():
            for (name, version), (other, its) in permutations(pair):
                found.setdefault((name, version), {}).setdefault(other, {})[its] = fact
        return {
            release: {other: dict(sorted(versions.items())) for other, versions in others.items()}
            for release, others in found.items()
        }

    def fact_in(self, versions: Versions, first: str, second: str) -> PairFact:
        """The fact about two releases of a set.

        A component that moves with another met whatever its leader was tested with, if the two were seen together; it
        met it as deep as its leader was tested with it.

        Args:
            versions: The set, component to version.
            first: A component of it.
            second: Another one.
        """
        own = self.fact(first, versions[first], second, versions[second])
        if own.broken or own.state == "seen":
            return own
        for follower, partner in ((first, second), (second, first)):
            leader = self.leaders.get(follower, "")
            if leader not in versions or leader == partner:
                continue
            together = self.fact(leader, versions[leader], follower, versions[follower])
            through = self.fact_in(versions, leader, partner)
            if not together.broken and together.state in ("seen", "met") and not through.broken:
                by_leader = through._replace(state="met" if through.state == "seen" else through.state)
                deeper = LEVELS.index(by_leader.level) > LEVELS.index(own.level)
                return by_leader if own.state != "met" or (by_leader.state == "met" and deeper) else own
        return own

    @cached_property
    def leaders(self) -> dict[str, str]:
        """Each component that moves with another, and that one."""
        return {row.name: row.moves_with for row in self.summary.components if row.moves_with}

    def deepest(self, first: str, second: str) -> Level:
        """The deepest level, up to interop, at which tests that use both components passed; install: no test did."""
        return self._deepest.get(frozenset((first, second)), "install")

    @cached_property
    def _deepest(self) -> dict[frozenset[str], Level]:
        deepest: dict[frozenset[str], Level] = {}
        for pair, fact in self._facts.items():
            if fact.state == "seen" and not fact.broken:
                names = frozenset(name for name, _ in pair)
                level = min(fact.level, "interop", key=LEVELS.index)
                deepest[names] = max(level, deepest.get(names, "install"), key=LEVELS.index)
        return deepest

    @cached_property
    def tried(self) -> dict[str, dict[Version, str]]:
        """The releases of each component that some cell or frontier of any Python tried, with their spelling."""
        found: dict[str, set[str]] = {row.name: set(row.releases) for row in self.summary.components}
        for cell in self.summary.cells:
            for name, component in cell.components.items():
                found.setdefault(name, set()).add(component.version)
        for frontier in self.summary.frontiers:
            for pair in frontier.judged():
                for name, version in pair.versions.items():
                    found.setdefault(name, set()).add(version)
        return {
            name: {version_key(text): text for text in sorted(versions, key=version_key)}
            for name, versions in found.items()
        }

    @cached_property
    def released(self) -> dict[str, set[Version]]:
        """The releases of each component that the table names, tried or not."""
        found = {name: set(versions) for name, versions in self.tried.items()}
        for component in self.summary.components:
            texts = (component.newest, component.newest_known)
            found[component.name] |= {version_key(text) for text in texts if text}
        for row in self.summary.frontiers:
            for name, releases in ((row.first, row.first_releases), (row.second, row.second_releases)):
                found.setdefault(name, set()).update(version_key(release.version) for release in releases)
        return found

    @cached_property
    def candidates(self) -> dict[str, dict[Version, str]]:
        """The releases of each component that some working cell or frontier of this Python shows to work."""
        found: dict[str, set[Version]] = {}
        for pair, fact in self._facts.items():
            if fact.state in ("seen", "met") and not fact.broken:
                for name, version in pair:
                    found.setdefault(name, set()).add(version)
        for cell in self.working:
            for name, version in self._cells[cell.id].items():
                found.setdefault(name, set()).add(version)
        return {
            name: {version: self.tried[name][version] for version in sorted(versions)}
            for name, versions in found.items()
        }

    def _collect(self) -> dict[_Pair, PairFact]:
        """The best fact about each two releases: what this Python shows goes before all else."""
        facts: dict[_Pair, PairFact] = {}
        for pair, fact in (*self._in_cells(), *self._along_frontiers(), *self._met()):
            facts.setdefault(pair, fact)
        for pair, fact in (*self._inferred(), *self._elsewhere()):
            facts.setdefault(pair, fact)
        return facts

    def _in_cells(self) -> Iterator[tuple[_Pair, PairFact]]:
        """The facts that tests in cells of this Python show."""
        for pair, release in self.summary.releases_together:
            verdict = release.pythons.get(self.python)
            if release.inferred or verdict not in ("works", "broken") or self._is_upstream(release):
                continue
            level: Level = release.level if verdict == release.verdict else "import"
            yield pair, _fact("seen", verdict == "broken", level, self._failure(release), self.python)

    def _along_frontiers(self) -> Iterator[tuple[_Pair, PairFact]]:
        """The facts that runs along frontiers of this Python show."""
        for row, frontier_pair, fact in self._of_frontiers():
            if row.python == self.python and not frontier_pair.inferred:
                yield _pair(frontier_pair.versions), fact

    def _met(self) -> Iterator[tuple[_Pair, PairFact]]:
        """Every two releases that a working cell has. No test uses both, so they met no deeper than at an import."""
        deepest: dict[_Pair, int] = {}
        for cell in self.working:
            of_cell = [(name, version_key(held.version), _level(cell, name)) for name, held in cell.components.items()]
            for place, (first, first_version, first_level) in enumerate(of_cell):
                for second, second_version, second_level in of_cell[:place]:
                    pair = frozenset(((first, first_version), (second, second_version)))
                    level = min(first_level, second_level, LEVELS.index("import"))
                    deepest[pair] = max(deepest.get(pair, 0), level)
        for pair, level in deepest.items():
            yield pair, _fact("met", level=LEVELS[level], python=self.python)

    def _inferred(self) -> Iterator[tuple[_Pair, PairFact]]:
        """The facts that frontiers of this Python infer, then the pairs that its cells leave open."""
        for row, frontier_pair, fact in self._of_frontiers():
            if row.python == self.python and frontier_pair.inferred and (row.complete or fact.broken):
                yield _pair(frontier_pair.versions), fact._replace(state="inferred")
        for pair, release in self.summary.releases_together:
            verdict = release.pythons.get(self.python)
            if verdict == "broken" and release.inferred and not self._is_upstream(release):
                yield pair, _fact("inferred", True, release.level, self._failure(release), self.python, doubt=True)
            elif verdict in ("flaky", "infra-error", "invalid", "unresolvable", "uninstallable"):
                yield pair, _fact("unknown", python=self.python, why=verdict)

    def _elsewhere(self) -> Iterator[tuple[_Pair, PairFact]]:
        """The facts that other Pythons show, those of the newest Python first."""
        for pair, release in self.summary.releases_together:
            if release.inferred or self._is_upstream(release):
                continue
            for python in sorted(release.pythons, key=python_key, reverse=True):
                verdict = release.pythons[python]
                if python != self.python and verdict in ("works", "broken"):
                    broken = verdict == "broken"
                    yield pair, _fact("elsewhere", broken, release.level, self._failure(release), python)
                    break
        for row, frontier_pair, fact in self._of_frontiers():
            if row.python != self.python and not frontier_pair.inferred:
                yield _pair(frontier_pair.versions), fact._replace(state="elsewhere")

    def _is_upstream(self, release: PairRelease) -> bool:
        """Whether two releases fail only in a release's own tests."""
        return release.verdict == "broken" and release.level == "upstream"

    def _failure(self, release: PairRelease) -> str:
        group = self._groups.get(release.failure)
        return group if group and release.verdict == "broken" else ""

    @cached_property
    def _groups(self) -> dict[str, str]:
        return {group.id: group.signature for group in self.summary.failures}

    def _of_frontiers(self) -> Iterator[tuple[FrontierRow, FrontierPair, PairFact]]:
        """The judged pairs of all frontiers, the deepest frontier first; what one side fails in alone is left out."""
        for row in sorted(self.summary.frontiers, key=lambda row: LEVELS.index(row.level), reverse=True):
            for pair in row.judged():
                reason = row.reasons[pair.reason] if pair.reason is not None else None
                if reason is not None and lone_component(reason, row, self.summary.components):
                    continue
                failure = (reason.signature or reason.sentence) if reason is not None else ""
                doubt = bool(reason is not None and reason.doubt)
                broken = pair.verdict == "broken"
                yield row, pair, _fact("seen", broken, pair.level, failure, row.python, doubt=doubt)


def _forbidden(row: FrontierRow) -> dict[_Pair, list[str]]:
    """The pairs of a frontier that no installer puts together, each with the reasons whose rectangles it is in."""
    of_first, of_second = (
        [version_key(release.version) for release in releases] for releases in (row.first_releases, row.second_releases)
    )
    found: dict[_Pair, list[str]] = {}
    for reason in row.reasons:
        for box in reason.ranges if reason.verdict == "unresolvable" else ():
            for first, second in product(_between(of_first, box.first), _between(of_second, box.second)):
                reasons = found.setdefault(frozenset(((row.first, first), (row.second, second))), [])
                if reason.sentence not in reasons:
                    reasons.append(reason.sentence)
    return found


def _between(releases: Iterable[Version], ends: tuple[str, str]) -> list[Version]:
    """The releases from the first of two to the last."""
    first, last = map(version_key, ends)
    return [release for release in releases if first <= release <= last]


def _pair(versions: Mapping[str, str]) -> _Pair:
    return frozenset((name, version_key(version)) for name, version in versions.items())


def _versions(cell: CellRow) -> dict[str, Version]:
    return {name: version_key(held.version) for name, held in cell.components.items()}


def _level(cell: CellRow, name: str) -> int:
    """The level that a component of a working cell reached. Its release's own tests do not count."""
    held = cell.components[name]
    level = "install" if held.verdict in ("untested", "not-applicable") else held.level
    return min(LEVELS.index(level), LEVELS.index("interop"))


def _depth(cell: CellRow, versions: Iterable[str]) -> list[int]:
    return sorted(_level(cell, name) for name in versions)
