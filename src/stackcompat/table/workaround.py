"""The way out of an incompatibility: the smallest step to a set of releases that was seen to work. Pure.

Every output that offers a way out takes it from here, so that all of them offer the same one. A step is offered only if
its set was observed to work (an inferred pair is no offer), as deep as its components are known to work together, and
if no two of its releases were seen to fail together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from stackcompat.core.record import Record
from stackcompat.core.requirements import version_key
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.table.summary import Summary

__all__ = ["Step", "smallest_steps", "steps_sentence"]

#: Releases by component.
Releases = Mapping[str, str]


class Step(Record):
    """The move of one component to another release, after which the set was seen to work.

    Attributes:
        component: The component that moves.
        title: What people call it.
        distribution: Its distribution.
        installed: Its release in the broken set.
        working: The release with which the set works.
        kept: The other components of the set, each with its release.
        cell: Id of a cell that shows it; empty: a run of a frontier does.
        run: Id of the run of a frontier that shows it; empty: a cell does.
    """

    component: str
    title: str
    distribution: str
    installed: str
    working: str
    kept: dict[str, str]
    cell: str = ""
    run: str = ""


class _WorkingSet(NamedTuple):
    """Releases that were seen to work together, the level up to which they were, on which Pythons, what shows it."""

    releases: dict[str, str]
    level: Level
    pythons: frozenset[str]
    cell: str = ""
    run: str = ""


def smallest_steps(
    releases: Releases, summary: Summary, is_broken: Callable[[Releases], bool] = lambda _: False, python: str = ""
) -> tuple[Step, ...]:
    """For each component of a broken set, the smallest move of it alone that was seen to work; the smallest first.

    The size of a move is the number of known releases between the two. Of two equally small moves, the one to the newer
    release is taken.

    Args:
        releases: The broken set: component to release. With a distribution that is no component there are no steps,
            since the table does not tell which sets had which release of it.
        summary: The table.
        is_broken: Whether another finding calls a set (component to release) broken.
        python: The Python on which a set was seen to work; empty: any.
    """
    known = {row.name: row for row in summary.components}
    if not releases.keys() <= known.keys():
        return ()
    wanted = dict(releases)
    working = [
        candidate
        for candidate in _deep_enough(_working_on(python, _working_sets(frozenset(wanted), summary)))
        if not is_broken(candidate.releases) and not _has_broken_pair(candidate.releases, summary.broken_pairs)
    ]
    steps = []
    for name, version in wanted.items():
        others = {other: held for other, held in wanted.items() if other != name}
        fits = [candidate for candidate in working if _moves_only(name, candidate.releases, wanted)]
        if not fits:
            continue
        order = _releases_of(name, working, summary, version)
        nearest = min(fits, key=lambda candidate: _distance(order, version, candidate.releases[name]))
        step = Step(
            component=name,
            title=known[name].title,
            distribution=known[name].distribution,
            installed=version,
            working=nearest.releases[name],
            kept=others,
            cell=nearest.cell,
            run=nearest.run,
        )
        steps.append((_distance(order, version, step.working), step))
    return tuple(step for _, step in sorted(steps, key=lambda sized: (sized[0], sized[1].component)))


def steps_sentence(steps: Iterable[Step], titles: Mapping[str, str]) -> str:
    """The steps as what to do: ``use Beta 2.2 with Alpha 1.3, or use Alpha 1.2 with Beta 2.1``; empty without any."""
    offers = []
    for step in steps:
        kept = " and ".join(f"{titles.get(name, name)} {version}" for name, version in step.kept.items())
        offers.append(f"use {step.title} {step.working}" + (f" with {kept}" if kept else ""))
    return ", or ".join(offers)


def _working_sets(names: frozenset[str], summary: Summary) -> Iterator[_WorkingSet]:
    """The sets of releases of just these components that were observed to work."""
    # Of one component, the cell's own tests count; two or more need a test that uses them together, which the
    # verdict on a pair knows and the verdict on a cell does not.
    for cell in summary.cells if len(names) != 2 else ():
        counts = cell.verdict == "works" and not cell.forced and cell.policy != "local"
        if counts and names <= cell.components.keys():
            held = {name: cell.components[name].version for name in names}
            level = min((cell.components[name].level for name in names), key=LEVELS.index, default=cell.level)
            yield _WorkingSet(held, level, frozenset((cell.python,)), cell=cell.id)
    for row in summary.pairs:
        if not names <= {row.first, row.second}:
            continue
        for release in row.releases:
            if release.verdict == "works" and not release.inferred:
                versions = {row.first: release.first_version, row.second: release.second_version}
                pythons = frozenset(python for python, verdict in release.pythons.items() if verdict == "works")
                if names == versions.keys() or len(names) == 1:
                    held = {name: versions[name] for name in names}
                    yield _WorkingSet(held, release.level, pythons, cell=release.cell)
    for frontier in summary.frontiers:
        if not names <= {frontier.first, frontier.second}:
            continue
        for pair in frontier.observed():
            if pair.verdict == "works" and names <= pair.versions.keys():
                held = {name: pair.versions[name] for name in names}
                yield _WorkingSet(held, pair.level, frozenset((frontier.python,)), run=pair.evidence)


def _working_on(python: str, candidates: Iterable[_WorkingSet]) -> list[_WorkingSet]:
    """The sets that were seen to work on a Python; without one, all of them."""
    return [candidate for candidate in candidates if not python or python in candidate.pythons]


def _has_broken_pair(releases: Releases, broken: frozenset[frozenset[tuple[str, str]]]) -> bool:
    return any(frozenset(pair) in broken for pair in combinations(releases.items(), 2))


def _deep_enough(candidates: Sequence[_WorkingSet]) -> list[_WorkingSet]:
    """The sets that work up to the deepest level that any of them reaches, or up to `interop`.

    Two releases that were only imported together are no good advice if others passed a deeper level.
    """
    depths = [LEVELS.index(candidate.level) for candidate in candidates]
    enough = min(max(depths, default=0), LEVELS.index("interop"))
    return [candidate for candidate, depth in zip(candidates, depths, strict=True) if depth >= enough]


def _moves_only(name: str, candidate: Releases, wanted: Releases) -> bool:
    """Whether a set differs from the wanted one in the release of one component and in nothing else."""
    different = {other for other in wanted if version_key(candidate[other]) != version_key(wanted[other])}
    return different == {name}


def _releases_of(name: str, working: Iterable[_WorkingSet], summary: Summary, version: str) -> list[str]:
    """All known releases of a component, lowest first."""
    known = {version, *(candidate.releases[name] for candidate in working)}
    known |= {release for row in summary.components if row.name == name for release in row.releases}
    for frontier in summary.frontiers:
        for side, releases in ((frontier.first, frontier.first_releases), (frontier.second, frontier.second_releases)):
            if side == name:
                known |= {release.version for release in releases}
    return sorted(known, key=version_key)


def _distance(order: Sequence[str], version: str, other: str) -> tuple[int, int]:
    """How many releases lie between two; of equal distances, that to the newer release is smaller."""
    return abs(order.index(other) - order.index(version)), -order.index(other)
