"""Declared bounds against measured ones: what each release says of another component, and what was seen. Pure.

From the pairs that work and those that are broken follows which releases a bound should let through. A bound that lets
through one that was surely seen to be broken is too loose, and the text that would put it right is given; one that
keeps out a release which works when it is forced in is too tight. Where the text draws the line, what frontiers infer
counts too, and is marked: a bound that is drawn where the runs happened to be would let in what lies between. Nothing
is concluded from releases of which nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Literal, NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.undeclared import alone
from stackcompat.core.record import Record
from stackcompat.core.requirements import name_of, python_key, version_key
from stackcompat.ecosystem.releases import Catalog, applies, needs
from stackcompat.table.cells import CellRow
from stackcompat.table.summary import Summary

__all__ = ["BoundFinding", "constraints", "findings", "repaired"]

BoundKind = Literal[
    "floor too low", "cap missing", "release not excluded", "too tight", "works with none", "undeclared"
]


class BoundFinding(Record):
    """A bound of one release that is not what was measured.

    `release` of `distribution` declares `declared` for the distribution `on` (empty: nothing) on `pythons`, and should
    declare `proposed`. `works` and `broken` are the releases of `on` that it lets through and that decide it, lowest
    first; what is `inferred` of them was not seen, or may be the fault of others. `cells` show the rest, or the runs in
    `evidence`, whose other distributions are of the day of the later release. `kinds` say what is wrong; with "works
    with none" and "too tight" there is no bound to propose, and with "undeclared" `on` itself is what is missing.
    """

    distribution: str
    release: str
    on: str
    declared: str
    proposed: str
    kinds: tuple[BoundKind, ...]
    works: tuple[str, ...]
    broken: tuple[str, ...]
    inferred: tuple[str, ...] = ()
    pythons: tuple[str, ...]
    cells: tuple[str, ...]
    evidence: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The finding in one line, fit for an issue upstream."""
        if "undeclared" in self.kinds:
            return f"{self.distribution} {self.release} needs {self.on}, which it does not declare"
        says = f"declares {self.on}{self.declared}" if self.declared else f"declares no bound on {self.on}"
        if not self.broken:
            return f"{self.distribution} {self.release} {says}, but works with {_some(self.works)} when forced"
        seen = f"{self.on} {_some(self.broken)} {'fails' if len(self.broken) == 1 else 'fail'} with it"
        inferred = len({*self.broken} & {*self.inferred})
        seen += f", {inferred} of them by inference" if inferred else ""
        remedy = f"; {self.on}{self.proposed} would fit" if self.proposed else "; no release that was tried works"
        return f"{self.distribution} {self.release} {says}, but {seen}{remedy}"


def _some(versions: Sequence[str]) -> str:
    return ", ".join(versions) if len(versions) <= 4 else f"{versions[0]} to {versions[-1]} ({len(versions)} releases)"


class _Said(NamedTuple):
    """What is known of two releases on one Python, and the cell or the run of a frontier that shows it.

    `rank` says how well it is known, best first: seen in a cell, along a frontier, there with a doubt, inferred from
    other pairs of it, or from a cell where others had a part.
    """

    rank: Literal[0, 1, 2, 3, 4]
    works: bool
    python: str
    cell: str = ""
    run: str = ""

    @property
    def sure(self) -> bool:
        """Whether it was seen, and is surely of these two."""
        return self.rank < 2


#: By a release, and the distribution that it may declare: what is known of it with each release of that.
_Sides = dict[tuple[str, str, str], dict[str, list[_Said]]]


def findings(summary: Summary, advisories: Iterable[Advisory], catalog: Catalog) -> tuple[BoundFinding, ...]:
    """Every bound of a tested release that is too loose, too tight or missing, newest releases first.

    The `advisories` of the summary tell what releases need and do not declare.
    """
    found = []
    for (name, version, on), told in _sides(summary).items():
        declared: dict[SpecifierSet, set[str]] = {}  # and the Pythons on which it is declared
        for python in {said.python for some in told.values() for said in some}:
            bounds = needs(catalog, name, version, python)
            # A pair is broken because of the one that uses the other: it alone can declare a bound.
            if on in bounds:
                declared.setdefault(bounds[on], set()).add(python)
        for bound, pythons in declared.items():
            known = {
                # What is broken on one Python is broken.
                other: min(here, key=lambda said: (said.rank, said.works))
                for other, some in sorted(told.items(), key=lambda item: version_key(item[0]))
                if bound.contains(other, prereleases=True) and (here := [one for one in some if one.python in pythons])
            }
            if any(said.sure and not said.works for said in known.values()):
                found.append(_finding((name, version, on), bound, pythons, known, catalog))
    found += [*_too_tight(summary, catalog), *_undeclared(advisories, catalog)]
    return tuple(sorted(found, key=lambda f: (f.distribution, version_key(f.release), f.on), reverse=True))


def _sides(summary: Summary) -> _Sides:
    """Both releases of each pair see each other."""
    distribution = {row.name: row.distribution for row in summary.components}
    sides: _Sides = {}

    def add(one: tuple[str, str], other: tuple[str, str], said: _Said) -> None:
        for (name, version), (on, its) in ((one, other), (other, one)):
            side = (distribution.get(name, name), version, distribution.get(on, on))
            sides.setdefault(side, {}).setdefault(its, []).append(said)

    for row in summary.pairs:
        for release in row.releases:
            one, other = (row.first, release.first_version), (row.second, release.second_version)
            for python, verdict in release.pythons.items():
                if verdict in ("works", "broken"):
                    doubtful = verdict == "broken" and release.inferred
                    add(one, other, _Said(4 if doubtful else 0, verdict == "works", python, cell=release.cell))
    for frontier in summary.frontiers:
        for pair in frontier.told():
            reason = frontier.reasons[pair.reason] if pair.reason is not None else None
            if reason is None or not alone(reason, frontier, summary.components):
                doubtful = reason is not None and bool(reason.doubt)
                rank: Literal[1, 2, 3] = 3 if pair.inferred else 2 if doubtful else 1
                one, other = pair.versions.items()
                add(one, other, _Said(rank, pair.verdict == "works", frontier.python, run=pair.evidence))
    return sides


def _finding(
    side: tuple[str, str, str],
    declared: SpecifierSet,
    pythons: Iterable[str],
    known: Mapping[str, _Said],
    catalog: Catalog,
) -> BoundFinding:
    """What is wrong with a bound that lets through the releases in `known`, lowest first, some of them broken."""
    name, version, on = side
    releases = {release.version for release in catalog.project(on).fit()} | known.keys()
    works = {other: said.works for other, said in known.items()}
    proposed, kinds = _proposal(declared, works, sorted(releases, key=version_key))
    shown = [said for said in known.values() if said.sure and not said.works]
    return BoundFinding(
        distribution=name,
        release=version,
        on=on,
        declared=str(declared),
        proposed=str(proposed) if proposed is not None else "",
        kinds=kinds,
        works=tuple(other for other in works if works[other]),
        broken=tuple(other for other in works if not works[other]),
        inferred=tuple(other for other, said in known.items() if not said.sure),
        pythons=tuple(sorted(pythons, key=python_key)),
        cells=tuple(dict.fromkeys(one.cell for one in shown if one.cell)),
        evidence=tuple(dict.fromkeys(one.run for one in shown if one.run)),
    )


def _too_tight(summary: Summary, catalog: Catalog) -> list[BoundFinding]:
    """Bounds that keep out a release that works where it is forced in."""
    distribution = {row.name: row.distribution for row in summary.components}
    seen: dict[tuple[str, str, str, str], dict[str, CellRow]] = {}
    for cell in summary.cells:
        if cell.verdict != "works":
            continue
        forced: set[str] = {name_of(text) for text in cell.forced}
        here = {distribution[name]: one.version for name, one in cell.components.items()}
        for (owner, its), on in product(here.items(), forced & here.keys()):
            bound = needs(catalog, owner, its, cell.python).get(on)
            if bound is not None and not bound.contains(here[on], prereleases=True):
                seen.setdefault((owner, its, on, str(bound)), {})[here[on]] = cell
    found = []
    for (name, version, on, declared), cells in seen.items():
        works = sorted(cells, key=version_key)
        found.append(
            BoundFinding(
                distribution=name,
                release=version,
                on=on,
                declared=declared,
                proposed="",
                kinds=("too tight",),
                works=tuple(works),
                broken=(),
                pythons=tuple(sorted({cell.python for cell in cells.values()}, key=python_key)),
                cells=tuple(cells[one].id for one in works),
            )
        )
    return found


def _undeclared(advisories: Iterable[Advisory], catalog: Catalog) -> list[BoundFinding]:
    """What releases need and do not declare."""
    return [
        BoundFinding(
            distribution=side.distribution,
            release=version,
            on=one.without,
            declared="",
            proposed="",
            kinds=("undeclared",),
            works=(),
            broken=(),
            pythons=one.pythons,
            cells=one.cells,
            evidence=one.evidence,
        )
        for one in advisories
        if one.without
        for side in one.sides
        for version in side.versions
        if not any(one.without in needs(catalog, side.distribution, version, python) for python in one.pythons)
    ]


def _proposal(
    declared: SpecifierSet, works: Mapping[str, bool], releases: Sequence[str]
) -> tuple[SpecifierSet | None, tuple[BoundKind, ...]]:
    """The declared bound, narrowed so that it keeps out what is broken and lets in what works; and what was wrong.

    `works` tells of what it lets through, `releases` are all that there are, both lowest first. The floor is next above
    what is broken below all that works, the cap is what is broken first above that.
    """
    green = [version_key(version) for version, good in works.items() if good]
    red = [version for version, good in works.items() if not good]
    if not green:
        return None, ("works with none",)
    kinds: list[BoundKind] = []
    parts = [str(specifier) for specifier in declared]
    below = [version for version in red if version_key(version) < green[0]]
    if below:
        kinds.append("floor too low")
        floor = next(version for version in releases if version_key(version) > version_key(below[-1]))
        parts = [part for part in parts if not part.startswith(">")] + [f">={floor}"]
    above = [version for version in red if version_key(version) > green[-1]]
    if above:
        kinds.append("cap missing")
        parts = [part for part in parts if not part.startswith("<")] + [f"<{above[0]}"]
    between = [version for version in red if version not in (*below, *above)]
    if between:
        kinds.append("release not excluded")
        parts += [f"!={version}" for version in between]
    return SpecifierSet(",".join(parts)), tuple(kinds)


def repaired(found: Iterable[BoundFinding], catalog: Catalog) -> list[dict[str, Any]]:
    """The metadata of each release that has a proposal, as uv takes it (``[[tool.uv.dependency-metadata]]``).

    Each entry has `name`, `version` and the whole `requires-dist`: loose bounds are replaced where they hold on the
    Pythons on which they were measured, and what is needed and not declared is added.
    """
    releases: dict[tuple[str, str], list[BoundFinding]] = {}
    for finding in found:
        if finding.proposed or "undeclared" in finding.kinds:
            releases.setdefault((finding.distribution, finding.release), []).append(finding)
    entries = []
    for (name, version), some in releases.items():
        lines = []
        for requirement in catalog.requires(name, version):
            bounds = [
                finding.proposed
                for finding in some
                if finding.proposed
                and name_of(requirement.name) == finding.on
                and any(applies(requirement, python) for python in finding.pythons)
            ]
            if bounds:
                requirement = Requirement(str(requirement))  # noqa: PLW2901  (the catalog's own stays as it is)
                requirement.specifier = SpecifierSet(",".join(bounds))
            lines.append(str(requirement))
        lines += [finding.on for finding in some if "undeclared" in finding.kinds]
        entries.append({"name": name, "version": version, "requires-dist": lines})
    return entries


def constraints(versions: Mapping[str, str]) -> str:
    """A known-good set as a constraints file of pip and uv."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(versions.items()))
