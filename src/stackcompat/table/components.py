"""Rows about components: the newest release of each, and how it does beside the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from packaging.version import Version
from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.requirements import python_key, version_key
from stackcompat.core.vocabulary import LEVELS, Level, Verdict, worst
from stackcompat.ecosystem.components import Component, Components
from stackcompat.evidence.results import TestResult
from stackcompat.table.cells import JudgedCell
from stackcompat.table.exchange import Read
from stackcompat.verdict.ownership import mentioned

__all__ = ["ComponentRow", "component_row"]


class ComponentRow(Record):
    """One component of the ecosystem, as it stands together with the newest releases of the others."""

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
        str, Field(description="The component whose distribution it is a part of; empty: it has one of its own.")
    ] = ""
    newest: Annotated[str, Field(description="The newest release that was installed in some cell; empty: none was.")]
    newest_known: Annotated[str, Field(description="A newer release that was asked for, but that no cell could hold.")]
    verdict: Verdict
    level: Level
    deepest_level: Annotated[Level | None, Field(description="The deepest level that passed at the newest release.")]
    pythons: dict[str, Verdict]
    blocker: Annotated[str, Field(description="Why it is not green, not at its newest, or not tried deeper.")]
    untested: Annotated[str, Field(description="Why no test exercises it; empty: some do.")]
    releases: Annotated[tuple[str, ...], Field(description="Releases that were installed in some cell, lowest first.")]
    cell: Annotated[str, Field(description="Id of the cell that shows the verdict; empty: none.")]
    evidence: Annotated[tuple[str, ...], Field(description="Ids of the runs of that cell.")]
    seen: dt.datetime | None
    age: Annotated[int | None, Field(description="Days since it was seen.")]


def component_row(
    component: Component,
    components: Components,
    cases: Sequence[JudgedCell],
    reserved: Mapping[str, tuple[str, dt.datetime]],
    now: dt.datetime,
    reads: Iterable[Read] = (),
) -> ComponentRow:
    """The row of `component`, one of `components`, from all cells, and `reads` across versions; ages at the time `now`.

    `reserved` maps components of which the index had no more than a name to the release that reserves it, and to when
    that was seen.
    """
    name = component.name
    holding = [(case, here) for case in cases if (here := case.holds(name)) is not None]
    released = [(case, here) for case, here in holding if case.released]
    # Of what has no release on the index, cells tell that take it from its source, though they force its requirements.
    from_source = component.published == "git only" and not released
    local = [(case, here) for case, here in holding if component.distribution in case.verdict.cell.local]
    shown = local if from_source else released
    releases = sorted({here.version for _, here in shown}, key=version_key)
    final = [version for version in releases if not version_key(version).is_prerelease]
    newest = (final or releases or [""])[-1]
    at_newest = [case for case, here in shown if here.version == newest]
    today = [case for case in cases if case.today and (case.holds(name) or _stopped(case, name))]
    telling = today or _among_the_newest(at_newest)
    found = [(_here(case, component), case) for case in telling]
    pythons = _by_python((case.verdict.cell.python, verdict) for (verdict, _), case in found)
    verdict = _overall(pythons.values())
    saying = [(level, case) for (said, level), case in found if said == verdict]
    if verdict == "works":  # the cell that went deepest shows it
        saying.sort(key=lambda entry: -LEVELS.index(entry[0]))
    chosen = saying[0] if saying else None
    whole = components.whole(component)
    passed = [
        status.result.level
        for case in at_newest
        for status in case.statuses
        if status.state == "passed"
        and (case.pinned_by(component.distribution) or _exercises(status.result, component, components))
    ]
    passed += [
        read.result.level
        for read in reads
        if all(end.get(component.distribution) == newest for end in (read.writer, read.reader))
        and _exercises(read.result, component, components)
    ]
    deepest = max(passed, key=LEVELS.index, default=None)
    if component.untested and verdict == "works" and deepest == "import":
        verdict = "untested"  # that it imports is no test of what it does
    case = chosen[1] if chosen else None
    seen = case.verdict.seen if case else None
    blocker = _blocker(component, verdict, case, telling)
    if name in reserved and not case:
        version, seen = reserved[name]
        deepest = "reserved"
        blocker = f"all that the index has is {component.distribution} {version}, which reserves the name"
    return ComponentRow(
        name=name,
        title=component.title,
        summary=component.summary,
        group=component.group,
        distribution=component.distribution,
        published="index" if released else component.published,
        documentation=component.documentation,
        hardware=component.hardware,
        moves_with=component.moves_with,
        part_of=whole.name if whole else "",
        newest=newest,
        newest_known="" if whole else _newest_known(component, newest, cases),
        verdict=verdict,
        level=chosen[0] if chosen else "reserved",
        deepest_level=deepest,
        pythons=pythons,
        blocker=blocker,
        untested=component.untested,
        releases=tuple(releases),
        cell=case.verdict.cell.id if case else "",
        evidence=case.verdict.evidence if case else (),
        seen=seen,
        age=(now - seen).days if seen else None,
    )


def _among_the_newest(cases: Sequence[JudgedCell]) -> Sequence[JudgedCell]:
    """Those of `cases` in which no component is older than in others of that Python; all if there is no such cell."""
    highest: dict[tuple[str, str], Version] = {}
    for case in cases:
        for name, here in case.components.items():
            place, version = (case.verdict.cell.python, name), version_key(here.version)
            highest[place] = max(version, highest.get(place, version))
    fit = [
        case
        for case in cases
        if all(version_key(h.version) == highest[case.verdict.cell.python, n] for n, h in case.components.items())
    ]
    return fit or cases


def _exercises(test: TestResult, component: Component, components: Components) -> bool:
    """Whether a test uses the component; who uses the one that decides this one's release, uses this one."""
    if component.tests:
        return component.tested_by(test.test)
    leader = components[component.moves_with].distributions if component.moves_with else ()
    return not {*component.distributions, *leader}.isdisjoint(test.components)


def _stopped(case: JudgedCell, name: str) -> bool:
    """Whether the cell asked for the component and got no lock."""
    return not case.components and name in case.asked


def _here(case: JudgedCell, component: Component) -> tuple[Verdict, Level]:
    """The component's verdict in a cell; the cell's where it pins all of that, and where no test ran.

    A conflict that is only among others says nothing.
    """
    here = case.holds(component.name)
    if here is not None and case.statuses and not case.pinned_by(component.distribution):
        return here.verdict, here.level
    if case.verdict.verdict == "unresolvable" and not mentioned(
        case.verdict.sentence, Components(components=(component,))
    ):
        return "untested", "resolve"
    return case.verdict.verdict, case.verdict.level


def _by_python(found: Iterable[tuple[str, Verdict]]) -> dict[str, Verdict]:
    """The worst verdict on each Python, newest Python first."""
    grouped: dict[str, list[Verdict]] = {}
    for python, verdict in found:
        grouped.setdefault(python, []).append(verdict)
    return {python: worst(grouped[python]) for python in sorted(grouped, key=python_key, reverse=True)}


def _overall(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of those that tell something; a Python that could not be tried does not hide the others."""
    known = list(verdicts)
    return worst([verdict for verdict in known if verdict not in ("invalid", "infra-error")] or known)


def _newest_known(component: Component, newest: str, cases: Iterable[JudgedCell]) -> str:
    """The newest final release that some cell wanted and could not have; empty when it is not newer than `newest`."""
    wanted = {held.newest for case in cases for held in case.verdict.held_back if held.name == component.distribution}
    wanted |= {case.pins[component.name] for case in cases if not case.components and component.name in case.pins}
    final = [version for version in wanted if not version_key(version).is_prerelease]
    best = max(final, key=version_key, default="")
    return best if best and (not newest or version_key(best) > version_key(newest)) else ""


def _blocker(component: Component, verdict: Verdict, case: JudgedCell | None, telling: Sequence[JudgedCell]) -> str:
    """Why the component is not green, not at its newest, or not tried deeper, in one sentence."""
    if verdict == "untested":
        published = "" if component.published == "index" else component.published
        return component.untested or published or "no cell holds it together with a test that uses it"
    if verdict != "works" and case is not None:
        return case.verdict.sentence
    held = [next((h for h in c.verdict.held_back if h.name == component.distribution), None) for c in telling]
    if held and held[0] and all(held):  # on no Python it was tried at its newest
        said = f"held back at {held[0].got} ({held[0].newest} is the newest) by {held[0].by}: {held[0].bound}"
        return f"{component.blocker.removesuffix('.')}; {said}" if component.blocker else said
    return component.blocker
