"""Compares the bounds that releases declare with what was observed. Pure.

The pairs that work and the pairs that are broken show which releases a bound should let through.

- A bound that lets through a release that is broken for certain is too loose. The finding proposes a text that
  would be right.
- A bound that keeps out a release is too tight if the release works when it is forced in.

The proposed text rests on everything that is known, inferred pairs included; the finding names the inferred releases. A
text that rests on observed pairs alone would let in every release between two runs. A release about which nothing is
known and that stands between the broken ones and the working ones draws no line: then the broken ones are excluded one
by one, and the text lets in the unknown release exactly if the declared bound does. Beyond a line that is drawn, no
release is let in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Literal, NamedTuple

from packaging.specifiers import SpecifierSet

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.observations import Observation, ObservationsByBound, PossibleBound, observations
from stackcompat.core.record import Record
from stackcompat.core.requirements import name_of, python_key, version_key
from stackcompat.ecosystem.declared import needs
from stackcompat.ecosystem.releases import Catalog
from stackcompat.table.cells import CellRow
from stackcompat.table.summary import Summary

__all__ = ["BoundFinding", "MetBound", "bound_findings", "met_bounds"]

BoundKind = Literal[
    "floor too low", "cap missing", "release not excluded", "too tight", "works with none", "undeclared"
]

#: A bound as a resolver words it, with the release or the releases that declare it.
_BOUND = re.compile(r"(?P<subject>[\w.\[\],<>=!~-]+) depends on (?P<dependency>[^\s;]+(?<![,;]))")

#: The most releases that a sentence lists one by one.
_MOST_LISTED = 4


class BoundFinding(Record):
    """A bound of one release that contradicts what was measured.

    Attributes:
        distribution: The distribution that declares the bound.
        release: Its version.
        on: The distribution that is bounded; for the kind "undeclared" the one that is missing in the metadata.
        declared: The bound; empty: none is declared.
        proposed: The bound that would be right; empty with the kinds "works with none", "too tight" and "undeclared".
        kinds: What is wrong.
        works: Releases of `on` that the bound lets through and that work, lowest first.
        broken: Releases of `on` that the bound lets through and that are broken, lowest first.
        inferred: The releases in `works` and `broken` that were not observed, or whose failure can be another
            component's.
        pythons: The Pythons on which the bound is declared.
        cells: Ids of the cells that show it.
        evidence: Ids of the runs of frontiers that show it. In these runs, all other distributions are those of the day
            on which the later release was uploaded.
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
        subject = f"{self.distribution} {self.release}"
        if "undeclared" in self.kinds:
            return f"{subject} fails without {self.on} because it does not declare it; declare {self.on}"
        declares = f"declares {self.on}{self.declared}" if self.declared else f"declares no bound on {self.on}"
        if not self.broken:
            return f"{subject} works with {self.on} {_listed(self.works)}, but {declares}; widen the bound"
        inferred = len({*self.broken} & {*self.inferred})
        notes = [f"{len(self.broken)} releases"] if len(self.broken) > _MOST_LISTED else []
        notes += [f"{inferred} of them inferred"] if inferred else []
        guess = f" ({', '.join(notes)})" if notes else ""
        remedy = f"declare {self.on}{self.proposed}" if self.proposed else f"no tested release of {self.on} works"
        return f"{subject} fails with {self.on} {_listed(self.broken)}{guess} because it {declares}; {remedy}"


class MetBound(NamedTuple):
    """A declared bound that a resolver named, because it kept a release out of a set.

    Attributes:
        distribution: The distribution that declares it.
        on: The distribution that is bounded.
        words: The bound, with the releases that declare it.
    """

    distribution: str
    on: str
    words: str


def met_bounds(summary: Summary) -> tuple[MetBound, ...]:
    """The declared bounds that a table has: those that kept a release out of some set, each once.

    All other bounds stand in the metadata of releases alone.

    Args:
        summary: The table.
    """
    texts = [held.bound for cell in summary.cells for held in cell.held_back]
    texts += [cell.sentence for cell in summary.cells if cell.verdict == "unresolvable"]
    excluded = (one for found in summary.islands for island in found.islands for one in island.excluded)
    texts += [link for one in excluded for link in (*one.chain, one.reason)]
    matches = (match for text in dict.fromkeys(texts) for match in _BOUND.finditer(text))
    met = {MetBound(name_of(match["subject"]), name_of(match["dependency"]), match[0]) for match in matches}
    return tuple(sorted(met))


def _listed(versions: Sequence[str]) -> str:
    """A few versions one by one; of many, the first and the last."""
    if len(versions) <= _MOST_LISTED:
        return ", ".join(versions)
    return f"{versions[0]} to {versions[-1]}"


def bound_findings(summary: Summary, advisories: Iterable[Advisory], catalog: Catalog) -> tuple[BoundFinding, ...]:
    """Every bound of a tested release that is too loose, too tight or missing, newest releases first.

    Args:
        summary: The table.
        advisories: The advisories of the table; they say what releases need and do not declare.
        catalog: What releases declare.
    """
    findings = [
        *_too_loose(observations(summary), catalog),
        *_too_tight(summary, catalog),
        *_undeclared(advisories, catalog),
    ]
    return tuple(sorted(findings, key=lambda f: (f.distribution, version_key(f.release), f.on), reverse=True))


def _too_loose(every: ObservationsByBound, catalog: Catalog) -> list[BoundFinding]:
    """The findings about bounds that let through a release which is certainly broken."""
    findings = []
    for bound, by_version in every.items():
        for declared, pythons in _declared(bound, by_version, catalog).items():
            known = _best_known(by_version, declared, pythons)
            if any(observation.shows_break for observation in known.values()):
                findings.append(_loose_bound(bound, declared, pythons, known, catalog))
    return findings


def _declared(
    bound: PossibleBound, by_version: Mapping[str, Iterable[Observation]], catalog: Catalog
) -> dict[SpecifierSet, set[str]]:
    """The bounds that the release declares, each with the Pythons on which it declares it.

    Only the Pythons that were tried count. A release that does not require the other distribution has no bound: of two
    releases, only the one that uses the other can declare one.
    """
    declared: dict[SpecifierSet, set[str]] = {}
    pythons = {observation.python for known in by_version.values() for observation in known}
    for python in sorted(pythons, key=python_key):
        bounds = needs(catalog, bound.distribution, bound.release, python)
        if bound.on in bounds:
            declared.setdefault(bounds[bound.on], set()).add(python)
    return declared


def _best_known(
    by_version: Mapping[str, Iterable[Observation]], declared: SpecifierSet, pythons: Iterable[str]
) -> dict[str, Observation]:
    """The deciding observation of each version that a bound lets through on `pythons`, lowest version first.

    The observation with the best rank decides. Of several with that rank a break decides, because a release that is
    broken on one Python counts as broken.
    """
    known = {}
    for version in sorted(by_version, key=version_key):
        on_pythons = [observation for observation in by_version[version] if observation.python in pythons]
        if on_pythons and declared.contains(version, prereleases=True):
            known[version] = min(on_pythons, key=lambda observation: (observation.rank, observation.works))
    return known


def _loose_bound(
    bound: PossibleBound,
    declared: SpecifierSet,
    pythons: Iterable[str],
    known: Mapping[str, Observation],
    catalog: Catalog,
) -> BoundFinding:
    """The finding about a bound that lets through broken releases.

    Args:
        bound: The release and the distribution that its bound is on.
        declared: The bound.
        pythons: The Pythons on which the bound is declared.
        known: The deciding observation of each version that the bound lets through, lowest version first.
        catalog: All releases.
    """
    final = {release.version for release in catalog.project(bound.on).fit()}
    works = {version: observation.works for version, observation in known.items()}
    proposed, kinds = _proposal(declared, works, sorted(final | known.keys(), key=version_key))
    breaks = [observation for observation in known.values() if observation.shows_break]
    return BoundFinding(
        distribution=bound.distribution,
        release=bound.release,
        on=bound.on,
        declared=str(declared),
        proposed=str(proposed) if proposed is not None else "",
        kinds=kinds,
        works=tuple(version for version in works if works[version]),
        broken=tuple(version for version in works if not works[version]),
        inferred=tuple(version for version, observation in known.items() if not observation.certain),
        pythons=tuple(sorted(pythons, key=python_key)),
        cells=tuple(dict.fromkeys(observation.cell for observation in breaks if observation.cell)),
        evidence=tuple(dict.fromkeys(observation.run for observation in breaks if observation.run)),
    )


def _proposal(
    declared: SpecifierSet, works: Mapping[str, bool], releases: Sequence[str]
) -> tuple[SpecifierSet | None, tuple[BoundKind, ...]]:
    """Narrow a declared bound so that it keeps out the releases that are broken and lets in those that work.

    Broken releases below the lowest one that works: the new floor is the lowest one that works. Broken releases above
    the highest one that works: the new cap is the lowest of them. Either line is drawn only if the bound lets through
    no unknown release between these and the ones that work. All other broken releases are excluded one by one.

    Args:
        declared: The bound.
        works: Whether each version that it lets through works, lowest first.
        releases: All versions, lowest first.

    Returns:
        The proposed bound (None: no release works), and the kinds of the finding.
    """
    green = [version_key(version) for version, good in works.items() if good]
    red = [version for version, good in works.items() if not good]
    if not green:
        return None, ("works with none",)
    kinds: list[BoundKind] = []
    parts = [str(specifier) for specifier in declared]
    unknown = [
        version_key(version)
        for version in releases
        if version not in works and declared.contains(version, prereleases=True)
    ]
    below = [version for version in red if version_key(version) < green[0]]
    if below and any(version_key(below[-1]) < key < green[0] for key in unknown):
        below = []
    if below:
        kinds.append("floor too low")
        floor = next(version for version, good in works.items() if good)
        parts = [part for part in parts if not part.startswith(">")] + [f">={floor}"]
    above = [version for version in red if version_key(version) > green[-1]]
    if above and any(green[-1] < key < version_key(above[0]) for key in unknown):
        above = []
    if above:
        kinds.append("cap missing")
        parts = [part for part in parts if not part.startswith("<")] + [f"<{above[0]}"]
    one_by_one = [version for version in red if version not in (*below, *above)]
    if one_by_one:
        kinds.append("release not excluded")
        parts += [f"!={version}" for version in one_by_one]
    return SpecifierSet(",".join(parts)), tuple(kinds)


def _too_tight(summary: Summary, catalog: Catalog) -> list[BoundFinding]:
    """The findings about bounds that keep out a release which works when it is forced in."""
    working: dict[tuple[PossibleBound, str], dict[str, CellRow]] = {}
    for cell in summary.cells:
        if cell.verdict != "works":
            continue
        for bound, declared, version in _overridden(cell, summary, catalog):
            working.setdefault((bound, declared), {})[version] = cell
    findings = []
    for (bound, declared), cells in working.items():
        versions = sorted(cells, key=version_key)
        findings.append(
            BoundFinding(
                distribution=bound.distribution,
                release=bound.release,
                on=bound.on,
                declared=declared,
                proposed="",
                kinds=("too tight",),
                works=tuple(versions),
                broken=(),
                pythons=tuple(sorted({cell.python for cell in cells.values()}, key=python_key)),
                cells=tuple(cells[version].id for version in versions),
            )
        )
    return findings


def _overridden(cell: CellRow, summary: Summary, catalog: Catalog) -> list[tuple[PossibleBound, str, str]]:
    """The bounds that a cell overrides, each with its text and with the version that it keeps out."""
    distributions = {row.name: row.distribution for row in summary.components}
    installed = {distributions[name]: component.version for name, component in cell.components.items()}
    forced = set(map(name_of, cell.forced))
    overridden = []
    for (name, release), on in product(installed.items(), forced & installed.keys()):
        declared = needs(catalog, name, release, cell.python).get(on)
        if declared is not None and not declared.contains(installed[on], prereleases=True):
            overridden.append((PossibleBound(name, release, on), str(declared), installed[on]))
    return overridden


def _undeclared(advisories: Iterable[Advisory], catalog: Catalog) -> list[BoundFinding]:
    """The findings about requirements that a release needs and does not declare."""
    findings = []
    for advisory in advisories:
        if not advisory.without:
            continue
        for side in advisory.sides:
            for version in side.versions:
                declares = [needs(catalog, side.distribution, version, python) for python in advisory.pythons]
                if not any(advisory.without in bounds for bounds in declares):
                    findings.append(_missing_requirement(side.distribution, version, advisory))
    return findings


def _missing_requirement(distribution: str, version: str, advisory: Advisory) -> BoundFinding:
    """The finding about a release that needs the distribution which the advisory says must be absent."""
    return BoundFinding(
        distribution=distribution,
        release=version,
        on=advisory.without,
        declared="",
        proposed="",
        kinds=("undeclared",),
        works=(),
        broken=(),
        pythons=advisory.pythons,
        cells=advisory.cells,
        evidence=advisory.evidence,
    )
