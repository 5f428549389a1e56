"""Advisories: each distinct incompatibility as one entry that other tools can read, in the shape of OSV records.

An advisory is about components whose releases fail together, two as a rule: which of the one with which of the other,
in what way. A release may also fail alone, for want of what it does not declare; and a search for the culprit may have
found one, two or three distributions. Its id is made of these and of the failure, so it stays the same from night to
night while the list of affected releases grows. Only what was confirmed is in one, in a cell or in a run of a frontier;
releases between two affected ones that nobody tried are not, and what is inferred is told apart.

Source of the shape: the Open Source Vulnerability schema, 1.6 (``affected``, ``ranges`` with ``introduced`` and
``last_affected`` events, ``database_specific`` for what it has no word for: that all sides must be there). Who reads it
takes any entry of ``affected`` for enough, so only the side that has to change is there: the one that uses the other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from stackcompat.advice.undeclared import alone, undeclared
from stackcompat.blame.culprit import Culprit
from stackcompat.core.record import Record
from stackcompat.core.requirements import version_key
from stackcompat.core.text import and_list
from stackcompat.core.toml import Table, load_record
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.table.failures import Blamed, FailureGroup
from stackcompat.table.frontiers import FrontierPair, FrontierReason, FrontierRow
from stackcompat.table.pairs import PairRelease
from stackcompat.table.summary import Summary
from stackcompat.table.vocabulary import span
from stackcompat.verdict.signature import failure_kind, incompatibility_id

__all__ = ["Advisory", "AffectedSide", "Link", "advisories", "load_links", "sorted_versions"]


class AffectedSide(Record):
    """A component, or a distribution that is none. `versions` are affected, lowest first; `known` were tried.

    Where a search has found at which release it began to fail, that is `first_bad`, and `fixed_in` the one with which
    it ceased (empty: nothing newer passed); `unresolved` between the two could not be judged, or were uploaded before
    or after them.
    """

    component: str
    title: str
    distribution: str
    versions: tuple[str, ...]
    known: tuple[str, ...]
    first_bad: str = ""
    fixed_in: str = ""
    unresolved: tuple[str, ...] = ()

    def red(self, version: str) -> bool:
        """Whether a release is affected, or lies in the stretch that a search has found to be red."""
        here = version_key(version)
        if here in map(version_key, self.versions):
            return True
        if not self.first_bad or here in map(version_key, self.unresolved):
            return False
        return version_key(self.first_bad) <= here and (not self.fixed_in or here < version_key(self.fixed_in))

    def __str__(self) -> str:
        if self.first_bad:
            return f"{self.title} >={self.first_bad}" + (f",<{self.fixed_in}" if self.fixed_in else "")
        return f"{self.title} {span(self.versions, self.known)}"


class Advisory(Record):
    """One incompatibility. `together` are the releases of the `sides`, in their order, that were seen to fail together.

    `cells` and `evidence` (ids of runs of frontiers) show it. `inferred` are pairs that a frontier infers to be broken
    and whose nearest break that was seen is this one; nobody tried them. `without` is the distribution that has to be
    absent, if one has: it is needed, and not declared. `beside` are distributions that have to be there, in any
    release: the tests that fail use them.

    `workaround` is one sentence; empty: none is known.
    """

    id: str
    summary: str
    sides: tuple[AffectedSide, ...]
    together: tuple[tuple[str, ...], ...]
    level: Level
    signature: str
    package: str
    tests: tuple[str, ...]
    pythons: tuple[str, ...]
    cells: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    inferred: tuple[tuple[str, ...], ...] = ()
    without: str = ""
    beside: tuple[str, ...] = ()
    first_seen: dt.datetime | None
    last_seen: dt.datetime | None
    workaround: str
    links: tuple[str, ...] = ()

    @property
    def distributions(self) -> tuple[str, ...]:
        """Those of its sides."""
        return tuple(side.distribution for side in self.sides)

    def hits(self, installed: Mapping[str, str]) -> bool:
        """Whether an environment with these distributions (name to version) was seen to have it."""
        return self._among(self.together, installed)

    def likely(self, installed: Mapping[str, str]) -> bool:
        """Whether it can be inferred that such an environment has it; nobody tried its releases together."""
        if self.hits(installed) or not self._can_be_met(installed):
            return False
        stretched = any(side.first_bad for side in self.sides) and all(
            side.red(installed[side.distribution]) for side in self.sides
        )
        return stretched or self._among(self.inferred, installed)

    def _can_be_met(self, installed: Mapping[str, str]) -> bool:
        return self.without not in installed and {*self.distributions, *self.beside} <= installed.keys()

    def _among(self, some: Iterable[tuple[str, ...]], installed: Mapping[str, str]) -> bool:
        if not self._can_be_met(installed):
            return False
        here = [version_key(installed[name]) for name in self.distributions]
        return any([version_key(version) for version in one] == here for one in some)


class Link(Table):
    """What a person knows of an advisory: the address of an issue about it."""

    id: str
    url: str


class _Links(Table):
    links: tuple[Link, ...] = ()


def load_links(path: Path) -> tuple[Link, ...]:
    """The links in a TOML file; none where there is no such file. Raises UsageError for a mistake in it."""
    return load_record(path, _Links).links if path.exists() else ()


def advisories(summary: Summary, links: Iterable[Link] = ()) -> tuple[Advisory, ...]:
    """Every confirmed incompatibility, those of the newest releases first.

    First those of two components, then releases that fail alone, then what searches for culprits have shown besides.
    """
    groups = {group.id: group for group in summary.failures if group.verdict == "broken"}
    tried = {(row.first, row.second): row.releases for row in summary.pairs}
    sides = {frozenset(names): names for names in tried}
    for row in summary.frontiers:  # its sides may be the other way round, or two that met in no cell
        sides.setdefault(frozenset((row.first, row.second)), (row.first, row.second))
    found = [one for names in sides.values() for one in _of_pair(names, tried.get(names, ()), summary, groups)]
    found += _alone(summary, groups.values())
    known = [(failure_kind(one.signature), {*one.distributions}) for one in found]
    for group in groups.values():
        blamed = group.blamed
        if blamed is None or blamed.doubt or not blamed.culprits:
            continue
        kind = failure_kind(group.signature)
        if not any(kind == one and blamed.versions().keys() <= names for one, names in known):
            found.append(_blamed(group, blamed, summary))
    addresses: dict[str, list[str]] = {}
    for link in links:
        addresses.setdefault(link.id, []).append(link.url)
    linked = (one.model_copy(update={"links": tuple(addresses.get(one.id, ()))}) for one in found)
    return tuple(sorted(linked, key=lambda one: [version_key(one.sides[0].versions[-1]), one.id], reverse=True))


class _PairRanges(NamedTuple):
    """A pair of a frontier, its versions in the order of an advisory's sides, and what it says for itself."""

    versions: tuple[str, str]
    pair: FrontierPair
    reason: FrontierReason | None
    row: FrontierRow


def _charted(sides: tuple[str, str], summary: Summary) -> list[_PairRanges]:
    """The pairs of `sides` that frontiers tell of, as (version, version), but for what one of them fails in alone."""
    charted = [
        _PairRanges(
            versions=(pair.versions[sides[0]], pair.versions[sides[1]]),
            pair=pair,
            reason=row.reasons[pair.reason] if pair.reason is not None else None,
            row=row,
        )
        for row in summary.frontiers
        if {row.first, row.second} == set(sides)
        for pair in row.told()
    ]
    return [one for one in charted if one.reason is None or not alone(one.reason, one.row, summary.components)]


def _of_pair(
    sides: tuple[str, str],
    releases: Sequence[PairRelease],
    summary: Summary,
    groups: Mapping[str, FailureGroup],
) -> Iterator[Advisory]:
    """Where a frontier's failure may be another's, it only adds to what cells have shown to be of these two."""
    charted = _charted(sides, summary)
    observed = [one for one in charted if not one.pair.inferred]
    said = {(r.first_version, r.second_version): r for r in releases}
    tried = said.keys() | {one.versions for one in observed}
    cells: dict[str, list[PairRelease]] = {}
    for release in releases:
        # What is inferred may be the fault of a third one: it is no advisory until it was told apart.
        if release.verdict == "broken" and release.failure in groups and not release.inferred:
            cells.setdefault(failure_kind(groups[release.failure].signature), []).append(release)
    runs: dict[str, list[_PairRanges]] = {}
    for one in observed:
        if one.pair.verdict != "broken" or one.reason is None or not one.reason.signature:
            continue
        cell = said.get(one.versions)
        mended = cell is not None and cell.pythons.get(one.row.python, cell.verdict) == "works"  # by other partners
        kind = failure_kind(one.reason.signature)
        if not mended and (kind in cells or not one.reason.doubt):
            runs.setdefault(kind, []).append(one)
    for kind in dict.fromkeys((*cells, *runs)):
        here, also = cells.get(kind, []), runs.get(kind, [])
        group = groups[here[0].failure] if here else None
        reasons = [one.reason for one in also if one.reason is not None]
        signature = group.signature if group else reasons[-1].signature
        level = min([group.level] if group else (reason.level for reason in reasons), key=LEVELS.index)
        pairs = tuple(
            dict.fromkeys((*((r.first_version, r.second_version) for r in here), *(one.versions for one in also)))
        )
        works = _works(said, observed)
        first, second = (
            _side(name, summary, {pair[axis] for pair in pairs}, {pair[axis] for pair in tried})
            for axis, name in enumerate(sides)
        )
        same = {*(groups[r.failure].signature for r in here), *(reason.signature for reason in reasons)} == {signature}
        message = (group.message or group.type) if group and same else _message(signature if same else kind)
        yield Advisory(
            id=incompatibility_id(signature, (first.distribution, second.distribution)),
            summary=f"{first} with {second}: {message}",
            sides=(first, second),
            together=pairs,
            level=level,
            signature=signature,
            package=group.package if group else _package(signature),
            tests=_together(
                group.tests if group else (), (r.sentence.removesuffix(f": {r.signature}") for r in reasons)
            ),
            pythons=_together(group.pythons if group else (), (one.row.python for one in also)),
            cells=tuple(sorted({release.cell for release in here})),
            evidence=tuple(sorted({one.pair.evidence for one in also})),
            inferred=tuple(
                dict.fromkeys(
                    one.versions
                    for one in charted
                    if one.pair.verdict == "broken" and one.versions not in tried and one.reason is not None
                    if failure_kind(one.reason.signature) == kind
                )
            ),
            workaround=_workaround(works - set(pairs), first, second, pairs),
            **_moments(group, [one.row for one in also]),
        )


def _alone(summary: Summary, groups: Iterable[FailureGroup]) -> Iterator[Advisory]:
    """What releases fail in by themselves: seen along a frontier, or in cells for want of what they do not declare.

    Where nothing is said to be missing, a release that works with some release of another does not fail alone.
    """
    names = {row.distribution: row.name for row in reversed(summary.components)}
    runs: dict[tuple[str, str], list[tuple[FrontierRow, FrontierPair, FrontierReason]]] = {}
    works: set[tuple[str, str]] = {
        side
        for row in summary.pairs
        for one in row.releases
        if one.verdict == "works"
        for side in ((row.first, one.first_version), (row.second, one.second_version))
    }
    for row in summary.frontiers:
        for pair in row.observed():
            if pair.verdict == "works":
                works |= pair.versions.items()
            elif pair.reason is not None:
                reason = row.reasons[pair.reason]
                if name := alone(reason, row, summary.components):
                    runs.setdefault((name, reason.signature), []).append((row, pair, reason))
    cells: dict[tuple[str, str], FailureGroup] = {}
    for group in groups:
        lacks = undeclared(group.signature, summary.components)
        if lacks is not None and group.versions.get(names.get(lacks.asks, "")):
            cells[names[lacks.asks], group.signature] = group
    for (name, signature), also in {**{key: [] for key in cells}, **runs}.items():
        found = cells.get((name, signature))
        lacks = undeclared(signature, summary.components)
        versions = {pair.versions[name] for _, pair, _ in also} | {*(found.versions[name] if found else ())}
        green = {version for one, version in works if one == name}
        versions -= set() if lacks else green
        if not versions:
            continue
        known = green | versions | {pair.versions[name] for row, pair in _pairs_with(name, summary)}
        side = _side(name, summary, versions, known)
        wants = f" needs {lacks.needs}, undeclared" if lacks else ""
        yield Advisory(
            id=incompatibility_id(signature, (side.distribution,)),
            summary=f"{side}{wants}: {_message(signature)}",
            sides=(side,),
            together=tuple((version,) for version in side.versions),
            level=min([*([found.level] if found else []), *(one.level for _, one, _ in also)], key=LEVELS.index),
            signature=signature,
            package=_package(signature),
            tests=_together(
                found.tests if found else (), (one.sentence.removesuffix(f": {signature}") for _, _, one in also)
            ),
            pythons=_together(found.pythons if found else (), (row.python for row, _, _ in also)),
            cells=found.cells if found else (),
            evidence=tuple(sorted({pair.evidence for _, pair, _ in also})),
            without=lacks.needs if lacks else "",
            workaround=f"install {lacks.needs} beside it" if lacks else "",
            **_moments(found, [row for row, _, _ in also]),
        )


def _pairs_with(name: str, summary: Summary) -> Iterator[tuple[FrontierRow, FrontierPair]]:
    """What frontiers observed of a component."""
    return ((row, pair) for row in summary.frontiers if name in (row.first, row.second) for pair in row.observed())


def _blamed(group: FailureGroup, blamed: Blamed, summary: Summary) -> Advisory:
    """What a search for the culprit has shown: these releases together, and the stretches around them."""
    red = blamed.versions()
    cells = [cell for cell in summary.cells if group.id in cell.failures and cell.culprit is not None]
    same = [cell for cell in cells if cell.culprit is not None and cell.culprit.versions.keys() == red.keys()]
    seen = [tuple(cell.culprit.versions[name] for name in red) for cell in same if cell.culprit is not None]
    together = tuple(dict.fromkeys([tuple(red.values()), *seen]))
    sides = tuple(
        _stretch(culprit, {one[place] for one in together}, summary) for place, culprit in enumerate(blamed.culprits)
    )
    moves = [
        f"take {side.title} {blamed.works_with[side.distribution]}"
        for side in sides
        if blamed.works_with.get(side.distribution, red[side.distribution]) != red[side.distribution]
    ]
    used = {row.distribution for row in summary.components if row.name in group.suspects}
    beside = sorted({*used, *([group.package] if group.package else [])} - {side.distribution for side in sides})
    among = f" beside {and_list(beside)}" if beside else ""
    return Advisory(
        id=incompatibility_id(group.signature, red),
        summary=f"{and_list([str(side) for side in sides])}{among}: {group.message or group.type}",
        sides=sides,
        together=together,
        level=group.level,
        signature=group.signature,
        package=group.package,
        tests=group.tests,
        pythons=group.pythons,
        cells=tuple(dict.fromkeys((blamed.cell, *(cell.id for cell in same)))),
        beside=tuple(beside),
        workaround=" and ".join(moves),
        **_moments(group, ()),
    )


def _stretch(culprit: Culprit, versions: Iterable[str], summary: Summary) -> AffectedSide:
    """One member of a culprit set; it has no stretch where no release of it was seen to do otherwise."""
    name = next((row.name for row in summary.components if row.distribution == culprit.name), culprit.name)
    found = culprit.first_bad or (culprit.version if culprit.last_good or culprit.fixed_in else "")
    apart = (*culprit.unresolved, *culprit.skipped)
    stretch = {"first_bad": found, "fixed_in": culprit.fixed_in or "", "unresolved": apart} if found else {}
    return _side(name, summary, versions, versions).model_copy(update=stretch)


def _moments(group: FailureGroup | None, rows: Iterable[FrontierRow]) -> dict[str, dt.datetime | None]:
    """When it was first and last seen, in cells and along frontiers."""
    seen = [row.seen for row in rows]
    first, last = (group.first_seen, group.last_seen) if group else (None, None)
    return {
        "first_seen": min([*([first] if first else []), *seen], default=None),
        "last_seen": max([*([last] if last else []), *seen], default=None),
    }


def _works(said: Mapping[tuple[str, str], PairRelease], observed: Iterable[_PairRanges]) -> set[tuple[str, str]]:
    """The pairs that were seen to work as deep as any of the two: that something can be imported is no advice."""
    green = [(versions, one.level) for versions, one in said.items() if one.verdict == "works" and not one.inferred] + [
        (one.versions, one.pair.level) for one in observed if one.pair.verdict == "works"
    ]
    enough = min(max((LEVELS.index(level) for _, level in green), default=0), LEVELS.index("interop"))
    return {versions for versions, level in green if LEVELS.index(level) >= enough}


def _side(name: str, summary: Summary, versions: Iterable[str], known: Iterable[str]) -> AffectedSide:
    row = next((row for row in summary.components if row.name == name), None)
    return AffectedSide(
        component=name,
        title=row.title if row else name,
        distribution=row.distribution if row else name,
        versions=sorted_versions(versions),
        known=sorted_versions(known),
    )


def _package(signature: str) -> str:
    return signature.rpartition(" [")[2].removesuffix("]")


def _message(signature: str) -> str:
    """What a signature says without the type before it and the package behind it."""
    words = signature.rpartition(" [")[0] or signature
    return words.partition(": ")[2] or words


def _together(some: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*some, *more)))


def sorted_versions(versions: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(versions, key=version_key))


def _workaround(
    works: Iterable[tuple[str, str]], first: AffectedSide, second: AffectedSide, pairs: Sequence[tuple[str, str]]
) -> str:
    """For the newest affected pair: the nearest release of each side that works with the other as it is."""
    one, other = max(pairs, key=lambda pair: (version_key(pair[0]), version_key(pair[1])))
    offers = []
    for keep, kept, move, index in ((second, other, first, 0), (first, one, second, 1)):
        fit = [pair[index] for pair in works if pair[1 - index] == kept]
        if fit:
            order = sorted({*move.known, (one, other)[index]}, key=version_key)
            here = order.index((one, other)[index])
            nearest = min(fit, key=lambda version: (abs(order.index(version) - here), -order.index(version)))
            offers.append(f"with {keep.title} {kept} take {move.title} {nearest}")
    return "; ".join(offers)
