"""What the evidence says of each component in a cell. Pure functions over records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stackcompat.core.vocabulary import LEVELS, Level, Verdict, worst
from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.verdict.attribution import Attributor, FailureAlone
from stackcompat.verdict.outcomes import TestStatus
from stackcompat.verdict.ownership import Ownership
from stackcompat.verdict.verdict import NOT_GREEN, CellVerdict

__all__ = ["ComponentVerdict", "judge_components", "judge_parts"]

#: A verdict, and the level that is red or, if none is, the deepest that passed.
ComponentVerdict = tuple[Verdict, Level]


def judge_components(
    verdict: CellVerdict, components: Components, attributor: Attributor | None = None
) -> dict[str, ComponentVerdict]:
    """The verdict on each component of a cell, by name.

    A component is red only if a confirmed failure points at it. If it is not certain at whom a failure points, it
    counts against the components on the traceback, or against all suspects if that names fewer than two. A component
    is green only if no test that uses it lacks an outcome. A component that moves with another has the other's verdict.

    Args:
        verdict: The verdict on the cell.
        components: The components of the ecosystem.
        attributor: Says whom a failure points at; without one, the failure itself does.
    """
    return _judge(verdict, verdict.statuses, components, attributor or FailureAlone())


def judge_parts(
    verdict: CellVerdict, components: Components, attributor: Attributor | None = None
) -> dict[str, ComponentVerdict]:
    """The verdict on each component that is a part of another's distribution, by the tests that tell of it.

    See :func:`judge_components` for the arguments. A part is left out if no test tells anything of it here.
    """
    found = {}
    for part in components.components:
        whole = components.whole(part) if part.tests else None
        if whole is not None and whole.distribution in verdict.installed:
            telling = [status for status in verdict.statuses if part.tested_by(status.result.test)]
            found[part.name] = _judge(verdict, telling, components, attributor or FailureAlone())[whole.name]
    return {name: verdict_and_level for name, verdict_and_level in found.items() if verdict_and_level[0] != "untested"}


def _judge(
    verdict: CellVerdict, statuses: Iterable[TestStatus], components: Components, attributor: Attributor
) -> dict[str, ComponentVerdict]:
    """The verdict on each component of a cell by some of its tests."""
    present = versions_of(verdict.installed, components)
    ownership = Ownership(components, present)
    entries: dict[str, list[ComponentVerdict]] = {name: [] for name in present}
    for status in statuses:
        result = status.result
        if status.state in ("confirmed", "flaky"):
            attribution = attributor.attribute(verdict, result, present, components)
            narrowed = not attribution.sure and len(attribution.traced) > 1
            for name in attribution.traced if narrowed else attribution.components:
                entries[name].append((NOT_GREEN[status.state], result.level))
        elif status.state not in ("not-applicable", "feature-broken"):
            for name in ownership.users(result.components):
                entries[name].append((NOT_GREEN.get(status.state, "works"), result.level))
    return {name: _summarise(entries[ownership.leaders.get(name, name)]) for name in entries}


def _summarise(entries: Sequence[ComponentVerdict]) -> ComponentVerdict:
    """The worst verdict of several tests, and its shallowest level (of ``works``: its deepest)."""
    verdict = worst(verdict for verdict, _ in entries)
    levels = [level for entry, level in entries if entry == verdict]
    pick = max if verdict == "works" else min
    return verdict, pick(levels, key=LEVELS.index, default="install")
