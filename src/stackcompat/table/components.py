"""Rows about components: the newest release of each, and whether it works with the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from packaging.version import Version
from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.requirements import python_key, version_key
from stackcompat.core.vocabulary import LEVELS, Level, Verdict, worst
from stackcompat.ecosystem.components import Component, Components
from stackcompat.evidence.results import TestResult
from stackcompat.table.exchange import PassedRead
from stackcompat.table.judged import JudgedCell
from stackcompat.verdict.ownership import mentioned

__all__ = ["ComponentRow", "ReservedName", "component_row"]


class ComponentRow(Record):
    """One component of the ecosystem, and its verdict together with the newest releases of the others."""

    name: str
    title: str
    summary: str
    group: str
    distribution: str
    published: str
    documentation: str
    hardware: tuple[str, ...]
    moves_with: Annotated[str, Field(description="The component whose release decides this one's; empty: none.")]
    part_of: Annotated[
        str,
        Field(description="The component of whose distribution it is a part; empty: it has a distribution of its own."),
    ] = ""
    newest: Annotated[
        str, Field(description="The newest release that was installed in some cell; empty: there is none.")
    ]
    newest_known: Annotated[
        str, Field(description="A newer release that was asked for, but that no cell could install.")
    ]
    verdict: Verdict
    level: Level
    deepest_level: Annotated[Level | None, Field(description="The deepest level that passed at the newest release.")]
    pythons: dict[str, Verdict]
    blocker: Annotated[str, Field(description="Why it is not green, not at its newest release, or not tested deeper.")]
    untested: Annotated[str, Field(description="Why no test uses it; empty: some test does.")]
    releases: Annotated[tuple[str, ...], Field(description="Releases that were installed in some cell, lowest first.")]
    cell: Annotated[str, Field(description="Id of the cell that shows the verdict; empty: none.")]
    evidence: Annotated[tuple[str, ...], Field(description="Ids of the runs of that cell.")]
    seen: dt.datetime | None
    age: Annotated[int | None, Field(description="Days from `seen` to the time of the table.")]


class ReservedName(NamedTuple):
    """The release that reserves a name on the index, and when the index was asked."""

    version: str
    seen: dt.datetime


class _Result(NamedTuple):
    """The verdict on the component in one cell."""

    verdict: Verdict
    level: Level
    cell: JudgedCell


@dataclass(frozen=True)
class _Known:
    """Everything that the cells show of a component.

    Attributes:
        component: The component.
        is_released: Whether some cell holds a release of the index.
        releases: The releases that cells hold, lowest first.
        newest: The newest final release among `releases`. If none is final, the newest of them; if there are none,
            empty.
        at_newest: The cells that hold the newest release.
        deciding: The cells whose verdict counts: those with the newest releases of everything. If there are none, the
            cells with the component's newest release and the newest of the others.
    """

    component: Component
    is_released: bool
    releases: tuple[str, ...]
    newest: str
    at_newest: tuple[JudgedCell, ...]
    deciding: tuple[JudgedCell, ...]


def component_row(
    component: Component,
    components: Components,
    cells: Sequence[JudgedCell],
    reserved: Mapping[str, ReservedName],
    now: dt.datetime,
    reads: Iterable[PassedRead] = (),
) -> ComponentRow:
    """The row of a component.

    Args:
        component: The component.
        components: All components of the ecosystem.
        cells: All cells.
        reserved: The components of which the index has only a name.
        now: The time of the table. Ages are counted up to it.
        reads: The tests that read an artifact across versions and passed.
    """
    known = _gather(component, cells)
    results = [_result(cell, component) for cell in known.deciding]
    pythons = _by_python(results)
    verdict = _overall(pythons.values())
    shown = _shown(results, verdict)
    deepest = _deepest_level(known, components, reads)
    if component.untested and verdict == "works" and deepest == "import":
        verdict = "untested"  # an import alone does not test what the component does
    cell = shown.cell if shown else None
    seen = cell.verdict.seen if cell else None
    whole = components.whole(component)
    row = ComponentRow(
        name=component.name,
        title=component.title,
        summary=component.summary,
        group=component.group,
        distribution=component.distribution,
        published="index" if known.is_released else component.published,
        documentation=component.documentation,
        hardware=component.hardware,
        moves_with=component.moves_with,
        part_of=whole.name if whole else "",
        newest=known.newest,
        newest_known="" if whole else _newest_known(component, known.newest, cells),
        verdict=verdict,
        level=shown.level if shown else "reserved",
        deepest_level=deepest,
        pythons=pythons,
        blocker=_blocker(component, verdict, cell, known.deciding),
        untested=component.untested,
        releases=known.releases,
        cell=cell.id if cell else "",
        evidence=cell.verdict.evidence if cell else (),
        seen=seen,
        age=(now - seen).days if seen else None,
    )
    return row if cell or component.name not in reserved else _reserved(row, reserved[component.name], now)


def _reserved(row: ComponentRow, reserved: ReservedName, now: dt.datetime) -> ComponentRow:
    """The row of a component of which the index has only a name."""
    release = f"{row.distribution} {reserved.version}"
    update = {
        "deepest_level": "reserved",
        "blocker": f"the index has only {release}, which reserves the name",
        "seen": reserved.seen,
        "age": (now - reserved.seen).days,
    }
    return row.model_copy(update=update)


def _gather(component: Component, cells: Sequence[JudgedCell]) -> _Known:
    """Collect everything that the cells show of a component.

    Cells with overrides or local code do not count. The exception is a component without a release on the index: then
    the cells that take it from its source count.
    """
    name = component.name
    holding = [(cell, held.version) for cell in cells if (held := cell.holds(name)) is not None]
    released = [(cell, version) for cell, version in holding if cell.released]
    from_source = component.published == "git only" and not released
    local = [(cell, version) for cell, version in holding if component.distribution in cell.verdict.cell.local]
    counted = local if from_source else released
    releases = sorted({version for _, version in counted}, key=version_key)
    final = [version for version in releases if not version_key(version).is_prerelease]
    newest = (final or releases or [""])[-1]
    at_newest = tuple(cell for cell, version in counted if version == newest)
    today = tuple(cell for cell in cells if cell.today and (cell.holds(name) or _asked_in_vain(cell, name)))
    return _Known(
        component=component,
        is_released=bool(released),
        releases=tuple(releases),
        newest=newest,
        at_newest=at_newest,
        deciding=today or _with_the_newest(at_newest),
    )


def _asked_in_vain(cell: JudgedCell, name: str) -> bool:
    """Whether the cell asked for the component and got no lock."""
    return not cell.components and name in cell.asked


def _with_the_newest(cells: tuple[JudgedCell, ...]) -> tuple[JudgedCell, ...]:
    """The cells in which no component is older than in another of `cells` on the same Python.

    If there is no such cell, all cells.
    """
    highest: dict[tuple[str, str], Version] = {}
    for cell in cells:
        for name, component in cell.components.items():
            place, version = (cell.python, name), version_key(component.version)
            highest[place] = max(version, highest.get(place, version))

    def has_no_older(cell: JudgedCell) -> bool:
        versions = {name: version_key(component.version) for name, component in cell.components.items()}
        return all(version == highest[cell.python, name] for name, version in versions.items())

    return tuple(cell for cell in cells if has_no_older(cell)) or cells


def _result(cell: JudgedCell, component: Component) -> _Result:
    """The verdict on a component in a cell.

    The verdict on the whole cell is taken if no test ran, or if the component is a metapackage that pins the cell. A
    conflict that does not name the component says nothing of it.
    """
    held, verdict = cell.holds(component.name), cell.verdict
    if held is not None and cell.statuses and not cell.pinned_by(component.distribution):
        return _Result(held.verdict, held.level, cell)
    if verdict.verdict == "unresolvable" and not mentioned(verdict.sentence, Components(components=(component,))):
        return _Result("untested", "resolve", cell)
    return _Result(verdict.verdict, verdict.level, cell)


def _by_python(results: Iterable[_Result]) -> dict[str, Verdict]:
    """The worst verdict on each Python, newest Python first."""
    grouped: dict[str, list[Verdict]] = {}
    for result in results:
        grouped.setdefault(result.cell.python, []).append(result.verdict)
    return {python: worst(grouped[python]) for python in sorted(grouped, key=python_key, reverse=True)}


def _overall(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst verdict. Verdicts that could not tell count only if there are no others."""
    verdicts = list(verdicts)
    return worst([verdict for verdict in verdicts if verdict not in ("invalid", "infra-error")] or verdicts)


def _shown(results: Iterable[_Result], verdict: Verdict) -> _Result | None:
    """The first result with this verdict; for `works`, the one that went deepest. None if no result has it."""
    showing = [result for result in results if result.verdict == verdict]
    if verdict == "works":
        showing.sort(key=lambda result: LEVELS.index(result.level), reverse=True)
    return showing[0] if showing else None


def _deepest_level(known: _Known, components: Components, reads: Iterable[PassedRead]) -> Level | None:
    """The deepest level that passed at the component's newest release.

    A read artifact counts only if the writer and the reader have this release.
    """
    component, newest = known.component, known.newest
    passed: set[Level] = set()
    for cell in known.at_newest:
        if cell.pinned_by(
            component.distribution
        ):  # a metapackage is as deep as its set, and that as its shallowest pin
            passed.add(cell.verdict.reached)
            continue
        for status in cell.statuses:
            level = status.result.level
            if status.state == "passed" and level not in passed and _exercises(status.result, component, components):
                passed.add(level)
    for read in reads:
        versions = {side.get(component.distribution) for side in (read.writer, read.reader)}
        if versions == {newest} and _exercises(read.result, component, components):
            passed.add(read.result.level)
    return max(passed, key=LEVELS.index, default=None)


def _exercises(test: TestResult, component: Component, components: Components) -> bool:
    """Whether a test uses the component, or the component that it moves with, since that one needs it."""
    if component.tests:
        return component.tested_by(test.test)
    leader = components[component.moves_with].distributions if component.moves_with else ()
    return not {*component.distributions, *leader}.isdisjoint(test.components)


def _newest_known(component: Component, newest: str, cells: Iterable[JudgedCell]) -> str:
    """The newest final release that some cell asked for and could not install; empty if `newest` is as new."""
    wanted = {held.newest for cell in cells for held in cell.verdict.held_back if held.name == component.distribution}
    wanted |= {cell.pins[component.name] for cell in cells if not cell.components and component.name in cell.pins}
    final = [version for version in wanted if not version_key(version).is_prerelease]
    best = max(final, key=version_key, default="")
    return best if best and (not newest or version_key(best) > version_key(newest)) else ""


def _blocker(component: Component, verdict: Verdict, cell: JudgedCell | None, deciding: Iterable[JudgedCell]) -> str:
    """Why the component is not green, not at its newest release, or not tested deeper, in one sentence.

    Args:
        component: The component.
        verdict: The verdict on the component.
        cell: The cell that shows the verdict.
        deciding: The cells whose verdict counts.
    """
    if verdict == "untested":
        published = "" if component.published == "index" else component.published
        return component.untested or published or "no cell has both this component and a test that uses it"
    if verdict != "works" and cell is not None:
        return cell.verdict.sentence
    held_back = _held_back_everywhere(component, deciding)
    if component.blocker and held_back:
        return f"{component.blocker.removesuffix('.')}; {held_back}"
    return component.blocker or held_back


def _held_back_everywhere(component: Component, deciding: Iterable[JudgedCell]) -> str:
    """Why the component is held back in all of the cells that count; empty if some cell has its newest release."""
    sentences = []
    for cell in deciding:
        held = next((held for held in cell.verdict.held_back if held.name == component.distribution), None)
        if held is None:
            return ""
        sentences.append(f"held back at {held.got} ({held.newest} is the newest) by {held.by}: {held.bound}")
    return sentences[0] if sentences else ""
