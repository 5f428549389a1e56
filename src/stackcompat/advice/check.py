"""Checks an environment against the table: it works, it is broken, or that is not known. Pure.

An environment works only if all its components are pinned, and every two of these releases were tested together or met
in a working cell, on the same Python. It is broken if an advisory hits it, or if it holds the versions of a red cell.
Everything else is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from stackcompat.advice.advisories import advisory_for
from stackcompat.advice.advisory import Advisory
from stackcompat.advice.breaks import Locks, hits_of, likely_breaks, no_locks, red_cells
from stackcompat.advice.checked import Answer, Checked, CheckedPair, Table
from stackcompat.advice.component_set import ComponentSet, set_of
from stackcompat.advice.limits import limits, own_test_notes
from stackcompat.advice.listing import Listed
from stackcompat.advice.set_knowledge import PairFact, SetKnowledge
from stackcompat.advice.unknown import unknown_reasons
from stackcompat.core.vocabulary import LEVELS, Level

__all__ = ["check"]


def check(listed: Listed, knowledge: SetKnowledge, advisories: Iterable[Advisory], locks: Locks = no_locks) -> Checked:
    """Check an environment on one Python.

    Args:
        listed: The content of the environment.
        knowledge: The table on that Python.
        advisories: The advisories of the table. Those about a release's own tests do not count. Those that hit the
            environment come back with its releases in their sentence.
        locks: The published locks of red cells.
    """
    summary = knowledge.summary
    known = [advisory for advisory in advisories if advisory.level != "upstream"]
    of_set = set_of(listed.versions, knowledge)
    pairs = tuple(_pairs(of_set, knowledge))
    hits = tuple(
        advisory_for(hit, of_set.installed, known, summary, knowledge.python)
        for hit in hits_of(of_set, knowledge, known)
    )
    red = red_cells(of_set, knowledge, locks)
    likely = tuple(likely_breaks(of_set, knowledge, known, hits, locks))
    told = [frozenset(side.component for side in advisory.sides) for advisory in hits]
    told += [frozenset(found.versions) for found in likely]
    reasons = tuple(unknown_reasons(listed, of_set, knowledge, [pair for pair in pairs if pair.names not in told]))
    answer: Answer = "broken" if hits or red else "not known" if likely or reasons else "works"
    return Checked(
        answer=answer,
        level=_level(of_set, pairs, knowledge) if answer == "works" else "reserved",
        python=knowledge.python,
        table=Table(generated=summary.generated, cells=len(summary.cells)),
        components=of_set.components,
        others=_others(of_set, knowledge),
        hits=hits,
        red_cells=red,
        likely=likely,
        unknown=tuple(reason.sentence for reason in reasons),
        about={reason.sentence: reason.names for reason in reasons if reason.names},
        pairs=pairs,
        limits=limits(of_set.versions, summary),
        notes=own_test_notes(of_set.versions, summary),
        lines=listed.lines,
    )


def _others(of_set: ComponentSet, knowledge: SetKnowledge) -> tuple[str, ...]:
    """The distributions that are no component of the table."""
    ours = {row.distribution for row in knowledge.summary.components}
    return tuple(sorted(name for name in of_set.installed if name not in ours))


def _pairs(of_set: ComponentSet, knowledge: SetKnowledge) -> Iterator[CheckedPair]:
    """Every two components. A working cell with all of them shows that no two of them break it."""
    cell = knowledge.cell_with(of_set.versions)
    for first, second in combinations(of_set.versions, 2):
        fact = knowledge.fact_in(of_set.versions, first, second)
        if fact.broken and cell is not None:
            level = min(knowledge.level_in(cell, (first, second)), "import", key=LEVELS.index)
            fact = PairFact("met", level=level, python=knowledge.python)
        versions = {first: of_set.components[first], second: of_set.components[second]}
        yield CheckedPair(versions=versions, state=fact.state, broken=fact.broken, level=fact.level, python=fact.python)


def _level(of_set: ComponentSet, pairs: Iterable[CheckedPair], knowledge: SetKnowledge) -> Level:
    """The level of the shallowest pair; that of a single component is the deepest that a working cell reached."""
    levels = [pair.level for pair in pairs]
    if not levels:
        cell = knowledge.cell_with(of_set.versions)
        levels = [knowledge.level_in(cell, of_set.versions) if cell is not None else "install"]
    return min(levels, key=LEVELS.index)
