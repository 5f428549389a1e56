"""The verdict on each component in a cell. Pure functions over records."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from stackcompat.core.vocabulary import LEVELS, Level, Verdict, worst
from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.verdict.attribution import Attributor, FailureAlone
from stackcompat.verdict.depth import Depth
from stackcompat.verdict.outcomes import TestStatus
from stackcompat.verdict.ownership import Ownership
from stackcompat.verdict.verdict import NOT_GREEN, CellVerdict

__all__ = ["ComponentVerdict", "judge_components", "judge_parts"]

#: A verdict and a level: for `works` the depth of the component, for any other verdict the shallowest level with it.
ComponentVerdict = tuple[Verdict, Level]


#: The states of a test that say nothing of each component that it uses. The first two point at some of these.
_SAYS_NOTHING_OF_ALL = frozenset(("confirmed", "flaky", "not-applicable", "not-judged", "feature-broken"))


def judge_components(
    verdict: CellVerdict, components: Components, attributor: Attributor | None = None
) -> dict[str, ComponentVerdict]:
    """The verdict on each component of a cell, by name.

    A component is red only if a confirmed failure points at it. If it is in doubt at which components a failure points,
    the failure counts against those on the traceback, or against all suspects if fewer than two are on the traceback.
    A component is green only if no test that uses it lacks an outcome, and as deep as it was tried itself. A component
    that moves with another has the other's verdict. A release's own tests make it neither red nor green.

    Args:
        verdict: The verdict on the cell, which knows the depth of each component.
        components: The components of the ecosystem.
        attributor: Says which components a failure points at. Without one, the failure alone is read.
    """
    verdicts = _judge(verdict, verdict.statuses, components, attributor or FailureAlone())
    return {name: _as_deep(verdicts[name], verdict.components.get(name)) for name in verdicts}


def judge_parts(
    verdict: CellVerdict, components: Components, attributor: Attributor | None = None
) -> dict[str, ComponentVerdict]:
    """The verdict on each component that is a part of another's distribution, by the tests of the part.

    A part is left out if none of its tests says anything in this cell.

    Args:
        verdict: The verdict on the cell.
        components: The components of the ecosystem.
        attributor: As in :func:`judge_components`.
    """
    verdicts = {}
    for part in components.components:
        whole = components.whole(part) if part.tests else None
        if whole is not None and whole.distribution in verdict.installed:
            of_part = [status for status in verdict.statuses if part.tested_by(status.result.test)]
            of_whole = _judge(verdict, of_part, components, attributor or FailureAlone())[whole.name]
            verdicts[part.name] = _as_deep(of_whole, verdict.components.get(part.name))
    return {
        name: verdict_and_level for name, verdict_and_level in verdicts.items() if verdict_and_level[0] != "untested"
    }


def _judge(
    verdict: CellVerdict, statuses: Iterable[TestStatus], components: Components, attributor: Attributor
) -> dict[str, ComponentVerdict]:
    """The verdict on each component of a cell, by the statuses of some of its tests."""
    present = versions_of(verdict.installed, components)
    ownership = Ownership(components, present)
    entries: dict[str, set[ComponentVerdict]] = {name: set() for name in present}
    smoke = [status for status in statuses if status.result.level != "upstream"]
    for status in smoke:
        if status.state in ("confirmed", "flaky"):
            attribution = attributor.attribute(verdict, status.result, present, components)
            narrowed = not attribution.sure and len(attribution.traced) > 1
            for name in attribution.traced if narrowed else attribution.components:
                entries[name].add((NOT_GREEN[status.state], status.result.level))
    # Many tests say the same of the same.
    for state, level, distributions in {(one.state, one.result.level, one.result.components) for one in smoke}:
        if state not in _SAYS_NOTHING_OF_ALL:
            for name in ownership.users(distributions):
                entries[name].add((NOT_GREEN.get(state, "works"), level))
    return {name: _summarise(entries[ownership.leaders.get(name, name)]) for name in entries}


def _as_deep(judged: ComponentVerdict, depth: Depth | None) -> ComponentVerdict:
    """A verdict that claims no deeper level than the component has; `untested` if no test that uses it passed."""
    if judged[0] != "works":
        return judged
    return ("works", depth.level) if depth is not None and depth.tests else ("untested", "install")


def _summarise(entries: Collection[ComponentVerdict]) -> ComponentVerdict:
    """The worst verdict of several tests, and the shallowest level that has it."""
    verdict = worst(verdict for verdict, _ in entries)
    levels = [level for entry, level in entries if entry == verdict]
    return verdict, min(levels, key=LEVELS.index, default="install")
