"""Which environments write artifacts and which read them: the crossings of an exchange matrix."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import product

from stackcompat.core.record import UsageError
from stackcompat.core.requirements import name_of
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.runs import Crossing, PlannedCell
from stackcompat.plan.cell import Cell
from stackcompat.plan.matrix import Promise
from stackcompat.resolve.lock import Lock

__all__ = ["choose", "complete", "plan_crossings", "promised"]

# ---------------------------------------------------------------------------------------------------------------------
# Planning
# ---------------------------------------------------------------------------------------------------------------------


def complete(cell: Cell, lock: Lock, components: Components) -> Cell:
    """`cell` with what the components in its `lock` want for their artifacts and do not declare; `cell` if nothing."""
    versions = lock.versions()
    wanted = {
        name
        for component in components.components
        if component.distribution in versions
        for name in component.undeclared
        if name not in versions
    }
    asked = {name_of(text) for text in cell.requirements}
    missing = wanted - asked
    if not missing:
        return cell
    return cell.model_copy(update={"requirements": tuple(sorted((*cell.requirements, *missing)))})


def choose(words: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    """Those of the artifacts `known` that `words` mean: each is a name (with ``*``: a pattern), or words of names.

    A name is that artifact alone, also where other names begin with it. Raises UsageError for one that fits none.
    """
    chosen: dict[str, None] = {}
    for word in words:
        fit = [name for name in known if fnmatchcase(name, word)]
        fit = fit or [name for name in known if f"-{word}-" in f"-{name}-"]
        if not fit:
            raise UsageError(
                f'there is no artifact "{word}"; allowed are {", ".join(known)}, a word of these, or a pattern'
            )
        chosen.update(dict.fromkeys(fit))
    return tuple(sorted(chosen))


def plan_crossings(
    writers: Sequence[PlannedCell], readers: Sequence[PlannedCell], keys: Mapping[tuple[str, str], str], square: str
) -> tuple[Crossing, ...]:
    """Every writer with every reader; `keys` has the key of the evidence on reading by the ids of the two cells."""
    return tuple(
        Crossing(writer=w, reader=r, key=keys.get((w, r), ""), square=square)
        for w, r in product(dict.fromkeys(c.cell.id for c in writers), dict.fromkeys(c.cell.id for c in readers))
    )


def promised(
    promises: Iterable[Promise], written: Mapping[str, dt.datetime], read: Mapping[str, dt.datetime]
) -> dict[str, bool]:
    """Whether each of `promises` covers a crossing, by its artifact.

    `written` and `read` are the days on which the releases of the writer's and the reader's components were uploaded; a
    promise about a component that a side does not have, or whose day is not known, is left out.
    """
    found = {}
    for promise in promises:
        if promise.component in written and promise.component in read:
            age = (read[promise.component] - written[promise.component]) / dt.timedelta(days=1)
            found[promise.artifact] = -promise.forward_days <= age <= promise.backward_days
    return found
