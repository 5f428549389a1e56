"""Declared bounds against measured ones: what each release says of another component, and what was seen. Pure.

From the pairs that work and those that are confirmed broken follows which releases a bound should let through. A bound
that lets a broken one through is too loose, and the text that would put it right is given; one that keeps out a release
which works when it is forced in is too tight. Nothing is concluded from releases that nobody tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Literal, NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from stackcompat.record import Record
from stackcompat.releases import Catalog
from stackcompat.report.model import Summary
from stackcompat.report.words import version_key
from stackcompat.verdict import Verdict

__all__ = ["Finding", "constraints", "findings", "repaired"]

Kind = Literal["floor too low", "cap missing", "release not excluded", "too tight", "works with none"]


class Finding(Record):
    """A bound of one release that is not what was measured.

    `release` of `distribution` declares `declared` for the distribution `on` (empty: nothing) and should declare
    `proposed`. `works` and `broken` are the releases of `on` that decide it, lowest first; `cells` show it, or the runs
    in `evidence`, whose other distributions are of the day of the later release. `kinds` say what is wrong; with "works
    with none" and "too tight" there is no bound to propose.
    """

    distribution: str
    release: str
    on: str
    declared: str
    proposed: str
    kinds: tuple[Kind, ...]
    works: tuple[str, ...]
    broken: tuple[str, ...]
    cells: tuple[str, ...]
    evidence: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The finding in one line, fit for an issue upstream."""
        says = f"declares {self.on}{self.declared}" if self.declared else f"declares no bound on {self.on}"
        seen = f"{self.on} {_some(self.broken)} {'fails' if len(self.broken) == 1 else 'fail'} with it"
        if not self.broken:
            return f"{self.distribution} {self.release} {says}, but works with {_some(self.works)} when forced"
        remedy = f"; {self.on}{self.proposed} would fit" if self.proposed else "; no release that was tried works"
        return f"{self.distribution} {self.release} {says}, but {seen}{remedy}"


def _some(versions: Sequence[str]) -> str:
    return ", ".join(versions) if len(versions) <= 4 else f"{versions[0]} to {versions[-1]} ({len(versions)} releases)"


class _Seen(NamedTuple):
    """What two releases were seen to do, and the cell or the run of a frontier that shows it.

    A break that is `doubtful` may be another's.
    """

    verdict: Verdict
    doubtful: bool
    cell: str = ""
    run: str = ""


def findings(summary: Summary, catalog: Catalog) -> tuple[Finding, ...]:
    """Every bound of a tested release that is too loose or too tight, newest releases first."""
    distribution = {row.name: row.distribution for row in summary.components}
    sides: dict[tuple[str, str, str], dict[str, _Seen]] = {}

    def add(one: tuple[str, str], other: tuple[str, str], seen: _Seen) -> None:
        """Both releases (component and version) see each other, unless something told of them before."""
        for (name, version), (on, its) in ((one, other), (other, one)):
            side = (distribution.get(name, name), version, distribution.get(on, on))
            sides.setdefault(side, {}).setdefault(its, seen)

    for row in summary.pairs:
        for release in row.releases:
            if release.verdict in ("works", "broken"):
                told = _Seen(release.verdict, doubtful=release.inferred, cell=release.cell)
                add((row.first, release.first_version), (row.second, release.second_version), told)
    charted = [(pair, row) for row in summary.frontiers for pair in row.observed()]
    for pair, frontier in sorted(charted, key=lambda one: one[0].verdict):  # what is broken on one Python is broken
        doubt = frontier.reasons[pair.reason].doubt if pair.reason is not None else ""
        one, other = pair.versions.items()
        add(one, other, _Seen(pair.verdict, doubtful=bool(doubt), run=pair.evidence))
    found = []
    for (name, version, on), seen in sides.items():
        needs = [r for r in catalog.requires(name, version) if _about(r, on)]
        # A pair is broken because of the one that uses the other: it alone can declare a bound.
        if needs:
            finding = _compare(name, version, on, needs, seen.items())
            if finding is not None:
                found.append(finding)
    found += _too_tight(summary, catalog)
    return tuple(sorted(found, key=lambda f: (f.distribution, version_key(f.release), f.on), reverse=True))


def _about(requirement: Requirement, on: str) -> bool:
    marker = requirement.marker
    return canonicalize_name(requirement.name) == on and (marker is None or "extra" not in str(marker))


def _compare(
    name: str,
    version: str,
    on: str,
    needs: Iterable[Requirement],
    seen: Iterable[tuple[str, _Seen]],
) -> Finding | None:
    declared = _declared(needs)
    works: list[str] = []
    broken: list[str] = []
    shown: list[_Seen] = []
    for other, one in sorted(seen, key=lambda item: version_key(item[0])):
        if one.verdict == "works":
            works.append(other)
        elif declared.contains(other, prereleases=True) and not one.doubtful:
            broken.append(other)
            shown.append(one)
    if not broken:
        return None
    proposed, kinds = _proposal(declared, works, broken)
    return Finding(
        distribution=name,
        release=version,
        on=on,
        declared=str(declared),
        proposed=str(proposed) if proposed is not None else "",
        kinds=kinds,
        works=tuple(works),
        broken=tuple(broken),
        cells=tuple(dict.fromkeys(one.cell for one in shown if one.cell)),
        evidence=tuple(dict.fromkeys(one.run for one in shown if one.run)),
    )


def _declared(needs: Iterable[Requirement]) -> SpecifierSet:
    bounds = SpecifierSet()
    for requirement in needs:
        bounds &= requirement.specifier
    return bounds


def _too_tight(summary: Summary, catalog: Catalog) -> list[Finding]:
    """Bounds that keep out a release that works where it is forced in."""
    distribution = {row.name: row.distribution for row in summary.components}
    seen: dict[tuple[str, str, str], dict[str, str]] = {}
    for cell in summary.cells:
        if cell.verdict != "works":
            continue
        forced: set[str] = {canonicalize_name(requirement.name) for requirement in map(Requirement, cell.forced)}
        here = {distribution[name]: one.version for name, one in cell.components.items()}
        for (owner, its), on in product(here.items(), forced & here.keys()):
            needs = [r for r in catalog.requires(owner, its) if _about(r, on)]
            if needs and not _declared(needs).contains(here[on], prereleases=True):
                seen.setdefault((owner, its, on), {})[here[on]] = cell.id
    found = []
    for (name, version, on), cells in seen.items():
        works = sorted(cells, key=version_key)
        declared = str(_declared(r for r in catalog.requires(name, version) if _about(r, on)))
        found.append(
            Finding(
                distribution=name,
                release=version,
                on=on,
                declared=declared,
                proposed="",
                kinds=("too tight",),
                works=tuple(works),
                broken=(),
                cells=tuple(cells[one] for one in works),
            )
        )
    return found


def _proposal(
    declared: SpecifierSet, works: Sequence[str], broken: Sequence[str]
) -> tuple[SpecifierSet | None, tuple[Kind, ...]]:
    """The declared bound, narrowed so that it keeps out what is broken and lets in what works; and what was wrong."""
    if not works:
        return (None, ("works with none",)) if broken else (declared, ())
    lowest, highest = version_key(works[0]), version_key(works[-1])
    kinds: list[Kind] = []
    parts = [str(specifier) for specifier in declared]
    if any(version_key(version) < lowest for version in broken):
        kinds.append("floor too low")
        parts = [part for part in parts if not part.startswith(">")] + [f">={works[0]}"]
    above = [version for version in broken if version_key(version) > highest]
    if above:
        kinds.append("cap missing")
        parts = [part for part in parts if not part.startswith("<")] + [f"<{above[0]}"]
    between = [version for version in broken if lowest < version_key(version) < highest]
    if between:
        kinds.append("release not excluded")
        parts += [f"!={version}" for version in between]
    return SpecifierSet(",".join(parts)), tuple(kinds)


def repaired(found: Iterable[Finding], catalog: Catalog) -> list[dict[str, Any]]:
    """The metadata of each release that has a proposal, as uv takes it (``[[tool.uv.dependency-metadata]]``).

    Each entry has `name`, `version` and the whole `requires-dist`, the loose bounds replaced.
    """
    proposals: dict[tuple[str, str], dict[str, str]] = {}
    for finding in found:
        if finding.proposed and finding.broken:
            proposals.setdefault((finding.distribution, finding.release), {})[finding.on] = finding.proposed
    entries = []
    for (name, version), bounds in proposals.items():
        lines = []
        for requirement in catalog.requires(name, version):
            other = canonicalize_name(requirement.name)
            if other in bounds and _about(requirement, other):
                requirement = Requirement(str(requirement))  # noqa: PLW2901  (the catalog's own stays as it is)
                requirement.specifier = SpecifierSet(bounds[other])
            lines.append(str(requirement))
        entries.append({"name": name, "version": version, "requires-dist": lines})
    return entries


def constraints(versions: Mapping[str, str]) -> str:
    """A known-good set as a constraints file of pip and uv."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(versions.items()))
