"""The sets that can be installed instead of an environment. Each of them passes the check itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.breaks import Locks, no_locks
from stackcompat.advice.check import check
from stackcompat.advice.checked import Checked
from stackcompat.advice.listing import Listed
from stackcompat.advice.nearest_set import NearestSet, nearest_set
from stackcompat.advice.set_knowledge import SetKnowledge, Versions, parsed
from stackcompat.core.record import Record
from stackcompat.resolve.island_rows import island_of, number_islands

__all__ = ["NewestSet", "Proposal", "propose"]


class NewestSet(Record):
    """The newest releases of an environment's components that can be installed together, and that were seen to work.

    Attributes:
        pins: Distribution to version.
        missing: Titles of the components that are not among them.
        python: The Python.
    """

    pins: dict[str, str]
    missing: tuple[str, ...]
    python: str


class Proposal(Record):
    """The sets that can be installed instead of an environment.

    Attributes:
        nearest: The nearest set that works; None: the environment works, or there is none.
        newest: The newest releases; None: they were not seen to work together, or the environment has them.
    """

    nearest: NearestSet | None
    newest: NewestSet | None


def propose(
    checked: Checked, listed: Listed, knowledge: SetKnowledge, advisories: Iterable[Advisory], locks: Locks = no_locks
) -> Proposal:
    """The sets that can be installed instead of an environment that does not work, or of which that is not known.

    Args:
        checked: The answer about the environment.
        listed: The content of the environment.
        knowledge: The table on the Python of the environment.
        advisories: The advisories of the table.
        locks: The published locks of red cells.
    """
    advisories = tuple(advisories)
    rows = {row.name: row for row in knowledge.summary.components}

    def passes(versions: Versions) -> bool:
        pins = {rows[name].distribution: knowledge.tried[name][version] for name, version in versions.items()}
        alone = check(Listed(pins), knowledge, advisories, locks)
        return alone.answer == "works" and _is_not_hit({**listed.versions, **pins})

    def _is_not_hit(installed: Mapping[str, str]) -> bool:
        with_others = check(Listed(dict(installed)), knowledge, advisories, locks)
        return not (with_others.hits or with_others.red_cells or with_others.likely)

    loose = {row.name: listed.loose[row.distribution] for row in rows.values() if row.distribution in listed.loose}
    loose = {name: bounds for name, bounds in loose.items() if not rows[name].part_of}
    nearest = None
    if checked.answer != "works":
        nearest = nearest_set(parsed(checked.components), loose, knowledge, passes)
    return Proposal(nearest=nearest, newest=_newest(checked, knowledge, advisories, locks))


def _newest(
    checked: Checked, knowledge: SetKnowledge, advisories: Iterable[Advisory], locks: Locks
) -> NewestSet | None:
    """The newest releases of the components that can be installed together on this Python, if they pass the check."""
    summary = knowledge.summary
    islands = number_islands(found for found in summary.islands if found.python == knowledge.python)
    island = island_of(checked.components, islands)
    if island is None:
        return None
    versions = {**island.beside, **island.releases}
    rows = [row for row in summary.components if row.name in checked.components and not row.moves_with]
    pins = {row.distribution: versions[row.name] for row in rows if row.name in versions}
    if check(Listed(pins), knowledge, advisories, locks).answer != "works":
        return None
    if all(checked.components[row.name] == versions.get(row.name) for row in rows):
        return None
    missing = tuple(row.title for row in rows if row.name not in versions)
    return NewestSet(pins=pins, missing=missing, python=knowledge.python)
