"""What to install: the newest set that is known to work within bounds, and what of an environment may move. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from packaging.requirements import Requirement

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.check import check
from stackcompat.advice.known_sets import KnownSet, known_sets, newest_fitting
from stackcompat.advice.listing import Listed
from stackcompat.advice.set_knowledge import SetKnowledge
from stackcompat.core.record import Record
from stackcompat.core.requirements import version_key

__all__ = ["Move", "Suggestion", "suggest", "upgrades"]

#: How many sets are checked before the search gives up. The first one passes, unless sets contradict each other.
_CHECKS = 25


class Suggestion(Record):
    """A set that is known to work.

    Attributes:
        known: The set.
        pins: Its components: distribution to version.
        everything: Distribution to version, with all that was installed besides; empty: that is not known.
        newer: What was asked for and has a newer release, within its bounds, that no set has that is known to work:
            distribution to that release.
    """

    known: KnownSet
    pins: dict[str, str]
    everything: dict[str, str]
    newer: dict[str, str]


class Move(Record):
    """What one component of an environment may move to, all else as it is.

    Attributes:
        distribution: Its distribution.
        installed: Its version.
        newest: The newest final release that was tried.
        may: The newest release with which the whole is known to work; empty: none that is newer.
        must_not: Newer releases with which the whole is known to be broken, lowest first.
        why: The failure with the newest of these; empty: there are none.
        unknown: Newer releases of which that is not known, lowest first.
    """

    distribution: str
    installed: str
    newest: str
    may: str
    must_not: tuple[str, ...] = ()
    why: str = ""
    unknown: tuple[str, ...] = ()


def suggest(
    asked: Sequence[Requirement],
    knowledge: SetKnowledge,
    advisories: Iterable[Advisory],
    *,
    prereleases: bool = False,
) -> Suggestion | None:
    """The newest set that is known to work, has all that is asked for, and passes the check of an environment.

    Args:
        asked: Requirements on components, named by their distributions.
        knowledge: The table on the Python.
        advisories: The advisories of the table.
        prereleases: Whether sets with a pre-release count.

    Returns:
        The set; None: none is known.
    """
    advisories = tuple(advisories)
    summary = knowledge.summary
    sets = [one for one in known_sets(summary, advisories) if one.python == knowledge.python]
    distributions = {row.name: row.distribution for row in summary.components}
    for one in newest_fitting(asked, sets, summary, prereleases=prereleases)[:_CHECKS]:
        pins = {distributions[name]: its for name, its in one.versions.items() if distributions.get(name)}
        everything = summary.installed.get(one.cell, {})
        if check(Listed({**everything, **pins}), knowledge, advisories).answer == "works":
            newer = _newer(asked, one.versions, knowledge, prereleases=prereleases)
            return Suggestion(known=one, pins=pins, everything=everything, newer=newer)
    return None


def _newer(
    asked: Iterable[Requirement], held: Mapping[str, str], knowledge: SetKnowledge, *, prereleases: bool
) -> dict[str, str]:
    """The newest releases within the bounds that are newer than those of a set."""
    names = {row.distribution: row.name for row in reversed(knowledge.summary.components) if row.distribution}
    newer = {}
    for requirement in asked:
        name = names[requirement.name]
        fitting = [
            text
            for version, text in knowledge.tried.get(name, {}).items()
            if version > version_key(held[name])
            and (prereleases or not version.is_prerelease)
            and requirement.specifier.contains(version, prereleases=True)
        ]
        if fitting:
            newer[requirement.name] = fitting[-1]
    return newer


def upgrades(listed: Listed, knowledge: SetKnowledge, advisories: Iterable[Advisory]) -> tuple[Move, ...]:
    """What each component of an environment may move to by itself, and what it must not.

    A component that moves with another moves with it, to the same release where there is one. All the rest stays as it
    is: lines without an exact version and distributions that are no components leave it not known, as in a check.

    Args:
        listed: The content of the environment.
        knowledge: The table on its Python.
        advisories: The advisories of the table.
    """
    advisories = tuple(advisories)
    rows = {row.name: row for row in knowledge.summary.components}
    ours = {row.distribution for row in rows.values() if row.distribution}
    held = {name: version for name, version in listed.versions.items() if name in ours}
    moves = []
    for name, row in rows.items():
        if row.distribution not in held or row.part_of or row.moves_with:
            continue
        installed = held[row.distribution]
        candidates = {
            version: text
            for version, text in knowledge.tried.get(name, {}).items()
            if version > version_key(installed) and not version.is_prerelease
        }
        may, why = "", ""
        must_not: list[str] = []
        unknown: list[str] = []
        for version in sorted(candidates):
            text = candidates[version]
            moved = {**listed.versions, row.distribution: text}
            for follower in rows.values():
                if follower.moves_with == name and follower.distribution in moved:
                    moved[follower.distribution] = knowledge.tried.get(follower.name, {}).get(version, text)
            checked = check(listed._replace(versions=moved), knowledge, advisories)
            if checked.answer == "works":
                may = text
            elif checked.answer == "broken":
                must_not.append(text)
                why = checked.hits[0].sentence() if checked.hits else checked.red_cells[0].sentence
            else:
                unknown.append(text)
        moves.append(
            Move(
                distribution=row.distribution,
                installed=installed,
                newest=max([*candidates.values(), installed], key=version_key),
                may=may,
                must_not=tuple(must_not),
                why=why,
                unknown=tuple(unknown),
            )
        )
    return tuple(moves)
