"""What to install: the newest set that is known to work within bounds, and what of an environment may move. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from packaging.requirements import Requirement

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.check import check
from stackcompat.advice.checked import Checked
from stackcompat.advice.known_sets import KnownSet, known_sets, newest_fitting
from stackcompat.advice.listing import Listed
from stackcompat.advice.set_knowledge import SetKnowledge
from stackcompat.core.record import Record
from stackcompat.core.requirements import version_key

__all__ = ["Move", "Obstacle", "Suggestion", "suggest", "upgrades"]

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
        in_twos: What was asked for and has a newer release that was tested or installed, in twos, with the set's
            releases of all else that was asked for: distribution to the newest such release.
    """

    known: KnownSet
    pins: dict[str, str]
    everything: dict[str, str]
    newer: dict[str, str]
    in_twos: dict[str, str]


class Obstacle(Record):
    """A newer release that a component is not known to move to.

    Attributes:
        version: The release.
        why: The failure with it, or why it is not known whether the whole works. What the release adds goes first; of
            what is there without it, too, it says that the move does not help.
        kind: What the reason has in common with that of other releases: the advisory, the failure or the sentence.
    """

    version: str
    why: str
    kind: str


class Move(Record):
    """What one component of an environment may move to, all else as it is.

    Attributes:
        distribution: Its distribution.
        installed: Its version.
        newest: The newest final release that was tried.
        may: The newer releases with which the whole is known to work, lowest first.
        must_not: Newer releases with which the whole is known to be broken, lowest first, each with the failure.
        unknown: Newer releases of which that is not known, lowest first, each with the reason.
    """

    distribution: str
    installed: str
    newest: str
    may: tuple[str, ...] = ()
    must_not: tuple[Obstacle, ...] = ()
    unknown: tuple[Obstacle, ...] = ()


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
            return Suggestion(
                known=one,
                pins=pins,
                everything=everything,
                newer={name: releases[-1] for name, releases in newer.items()},
                in_twos=_in_twos(newer, {each.name: pins[each.name] for each in asked}, knowledge, advisories)
                if len(asked) > 1
                else {},
            )
    return None


def _in_twos(
    newer: Mapping[str, Sequence[str]],
    pins: Mapping[str, str],
    knowledge: SetKnowledge,
    advisories: Sequence[Advisory],
) -> dict[str, str]:
    """The newest of the newer releases that pass the check beside the releases of a set.

    Args:
        newer: Distribution to its newer releases, lowest first.
        pins: The releases of the set that were asked for.
        knowledge: The table on the Python.
        advisories: The advisories of the table.
    """
    found = {}
    for name, releases in newer.items():
        for release in reversed(releases):
            if check(Listed({**pins, name: release}), knowledge, advisories).answer == "works":
                found[name] = release
                break
    return found


def _newer(
    asked: Iterable[Requirement], held: Mapping[str, str], knowledge: SetKnowledge, *, prereleases: bool
) -> dict[str, list[str]]:
    """The releases within the bounds that are newer than those of a set, lowest first."""
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
            newer[requirement.name] = fitting
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
    before = check(listed, knowledge, advisories)
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
        may: list[str] = []
        must_not: list[Obstacle] = []
        unknown: list[Obstacle] = []
        for version in sorted(candidates):
            text = candidates[version]
            moved = {**listed.versions, row.distribution: text}
            for follower in rows.values():
                if follower.moves_with == name and follower.distribution in moved:
                    moved[follower.distribution] = knowledge.tried.get(follower.name, {}).get(version, text)
            checked = check(listed._replace(versions=moved), knowledge, advisories)
            match checked.answer:
                case "works":
                    may.append(text)
                case "broken":
                    must_not.append(_break(text, checked, before))
                case "not known":
                    unknown.append(_doubt(text, checked, before))
        move = Move(
            distribution=row.distribution,
            installed=installed,
            newest=max([*candidates.values(), installed], key=version_key),
            may=tuple(may),
            must_not=tuple(must_not),
            unknown=tuple(unknown),
        )
        moves.append(move)
    return tuple(moves)


def _break(version: str, checked: Checked, before: Checked) -> Obstacle:
    """The break of an environment with a release.

    Args:
        version: The release.
        checked: The answer with it.
        before: The answer without it.
    """
    already = {hit.summary for hit in before.hits} | {red.cell for red in before.red_cells}
    for hit in checked.hits:
        if hit.summary not in already:
            return Obstacle(version=version, why=hit.summary, kind=hit.id)
    for red in checked.red_cells:
        if red.cell not in already:
            return Obstacle(version=version, why=f"cell {red.cell} is broken: {red.sentence}", kind=red.sentence)
    still = checked.hits[0].summary if checked.hits else checked.red_cells[0].sentence
    return Obstacle(version=version, why=f"{_NO_HELP} broken: {still}", kind=still)


def _doubt(version: str, checked: Checked, before: Checked) -> Obstacle:
    """Why it is not known whether an environment works with a release.

    Args:
        version: The release.
        checked: The answer with it.
        before: The answer without it.
    """
    already = {likely.sentence for likely in before.likely}
    for likely in checked.likely:
        if likely.sentence not in already:
            kind = likely.advisory or likely.sentence.replace(version, "#")
            return Obstacle(version=version, why=f"{_LIKELY}: {likely.sentence}", kind=kind)
    for reason in checked.unknown:
        if reason not in before.unknown:
            return Obstacle(version=version, why=reason, kind=reason.replace(version, "#"))
    if checked.likely:
        still = checked.likely[0].sentence
        return Obstacle(version=version, why=f"{_NO_HELP} {_LIKELY}: {still}", kind=still)
    return Obstacle(version=version, why=checked.unknown[0], kind=checked.unknown[0])


#: How a break is called that nobody observed.
_LIKELY = "likely broken (inferred, not tested)"

#: The begin of a reason that holds without the move, too.
_NO_HELP = "that alone does not help, since the environment is"
