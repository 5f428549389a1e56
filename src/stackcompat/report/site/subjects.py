"""The pages about one thing each: a component, a release, a pair, an advisory, a failure, a cell, a frontier. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from stackcompat.advice.advisory import Advisory
from stackcompat.core.requirements import exactly, name_of, version_key
from stackcompat.core.vocabulary import LEVELS
from stackcompat.report.advice import constraints
from stackcompat.report.depth_text import depth_lines
from stackcompat.report.frontier_text import frontier_words, working_partners
from stackcompat.report.release_text import crossing_culprits, joined_releases, where_it_holds
from stackcompat.report.site.latest import has_constraints, install_lines
from stackcompat.report.site.model import Site
from stackcompat.report.site.page import Page, Part, address_of, file_of, link_to, parts
from stackcompat.report.site.partners import Partner, PartnerGroup, partner_groups
from stackcompat.table.cells import CellRow
from stackcompat.table.exchange import ArtifactSquare, CrossingCell
from stackcompat.table.failures import FailureGroup
from stackcompat.table.frontiers import DatedRelease, FrontierEdge, FrontierPair, FrontierReason, FrontierRow
from stackcompat.table.pairs import PairRelease, PairRow, Ranges
from stackcompat.table.unpaired import unpaired_reason
from stackcompat.table.vocabulary import sign
from stackcompat.table.warnings import WarningRow

__all__ = ["frontier_link", "release_link", "square_link", "subjects"]

#: The most releases of each side in the grid of a pair. All of them are in the ranges below it.
_GRID = 20

#: The most marks of a frontier on one page.
_MARKS = 900

#: The most cells that a page names one by one.
_MOST_CELLS = 60


#: The most characters of a failure in the title of its page.
_TITLE = 100


class _Mark(NamedTuple):
    """One mark of a frontier: its text and its class."""

    text: str
    kind: str


class _Grid(NamedTuple):
    """The newest releases of two components that cells tried, newest first."""

    rows: list[str]
    columns: list[str]
    known: Mapping[tuple[str, str], PairRelease]
    is_whole: bool


def subjects(site: Site) -> Iterator[Page]:
    """All pages about one thing each."""
    for name, row in site.components.items():
        yield Page(file_of("component", name), "component", row.title, partial(_component, name, site))
        for version in site.releases[name]:
            title = f"What goes with {row.title} {version}"
            data = partial(_release, name, version, site)
            yield Page(file_of("release", name, version), "release", title, data, (name, version))
    for pair in site.summary.pairs:
        title = f"{site.titles[pair.first]} with {site.titles[pair.second]}"
        yield Page(file_of("pair", pair.first, pair.second), "pair", title, partial(_pair, pair, site))
    for advisory in site.advisories:
        data = partial(_advisory, advisory, site)
        yield Page(file_of("advisory", advisory.id), "advisory", f"{advisory.id}: {advisory.summary}", data)
    for group in site.summary.failures:
        title = f"Failure {group.id}: {group.signature[:_TITLE]}"
        yield Page(file_of("failure", group.id), "failure", title, partial(_failure, group, site))
    for frontier in site.summary.frontiers:
        yield from _frontier(frontier, site)
    for square in site.summary.exchanges:
        yield Page(square_link(square), "artifact", f"{square.artifact}: {square.square}", partial(_artifact, square))
    for cell in site.summary.cells:
        title = f"{sign(cell.verdict).word}: {cell.label or cell.policy}, Python {cell.python}"
        yield Page(file_of("cell", cell.id), "cell", title, partial(_cell, cell, site))


def release_link(name: str, version: str) -> str:
    """The address of the page of a release."""
    return link_to("release", name, version)


def square_link(square: ArtifactSquare) -> str:
    """The address of the page of an artifact in a square of environments."""
    return link_to("artifact", _slug(square.square), _slug(square.artifact))


def frontier_link(row: FrontierRow) -> str:
    """The address of the page of a frontier."""
    return address_of(_frontier_file(row))


def _frontier_file(row: FrontierRow) -> str:
    return file_of("frontier", row.first, row.second, f"py{row.python}", row.platform, row.level)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")


# ---------------------------------------------------------------------------------------------------------------------
# Components and releases
# ---------------------------------------------------------------------------------------------------------------------


def _component(name: str, site: Site) -> dict[str, object]:
    row = site.components[name]
    bounds = site.published.bounds
    return {
        "row": row,
        "pairs": [(pair, pair.second if pair.first == name else pair.first) for pair in site.pairs_of.get(name, ())],
        "releases": [*reversed(site.releases[name])],
        "cells_by_release": site.counts_by_release.get(name, {}),
        "found_advisories": site.advisories_of(name),
        "bounds": None if bounds is None else [found for found in bounds if found.distribution == row.distribution],
        "met_bounds": [
            (bound, _pair_with(name, bound.on, site))
            for bound in site.met_bounds
            if row.distribution and bound.distribution == row.distribution
        ],
        "frontiers": [one for one in site.summary.frontiers if name in (one.first, one.second)],
        "warnings": _warnings(row.distribution, site),
        "why_alone": unpaired_reason(row, site.summary),
        "where_it_holds": where_it_holds,
    }


def _pair_with(name: str, distribution: str, site: Site) -> PairRow | None:
    """The pair of a component and the one that a distribution belongs to; None: there is none."""
    return next(
        (
            pair
            for pair in site.pairs_of.get(name, ())
            if distribution
            in (site.components[other].distribution for other in (pair.first, pair.second) if other != name)
        ),
        None,
    )


def _warnings(distribution: str, site: Site) -> list[WarningRow]:
    """The warnings that the newest releases raise because of this distribution: what can break next."""
    return [row for row in site.summary.warnings if row.today and distribution and row.triggered_by == distribution]


def _release(name: str, version: str, site: Site) -> dict[str, object]:
    on = site.partners(name, version)
    sets = site.newest_sets_with(name, version)
    by_python = {python: [one for one in sets if one.python == python] for python in on}
    newest = site.components[name].newest
    return {
        "name": name,
        "version": version,
        "newest": newest,
        "is_newest": bool(newest) and version_key(version) == version_key(newest),
        "answers": {python: [(one, _groups(one, site)) for one in partners] for python, partners in on.items()},
        "newest_sets": {python: next(iter(these), None) for python, these in by_python.items()},
        "numbers": {python: len(these) for python, these in by_python.items()},
        "lines": install_lines,
        "pins": site.pins,
        "advisories_of": [
            advisory
            for advisory in site.advisories_of(name)
            if any(side.component == name and version in side.versions for side in advisory.sides)
        ],
    }


def _groups(partner: Partner, site: Site) -> list[PartnerGroup]:
    return partner_groups(partner, site.releases[partner.component])


# ---------------------------------------------------------------------------------------------------------------------
# Pairs and frontiers
# ---------------------------------------------------------------------------------------------------------------------


def _pair(pair: PairRow, site: Site) -> dict[str, object]:
    return {
        "pair": pair,
        "grid": _grid(pair),
        "ranges": [_range_words(ranges, site) for ranges in pair.ranges],
        "where": where_it_holds(pair),
        "frontiers": [row for row in site.summary.frontiers if {row.first, row.second} == {pair.first, pair.second}],
        "found_advisories": [
            advisory
            for advisory in site.advisories_of(pair.first)
            if any(side.component == pair.second for side in advisory.sides)
        ],
    }


def _grid(pair: PairRow) -> _Grid:
    known = {(release.first_version, release.second_version): release for release in pair.releases}
    first = sorted({version for version, _ in known}, key=version_key, reverse=True)
    second = sorted({version for _, version in known}, key=version_key, reverse=True)
    is_whole = max(len(first), len(second)) <= _GRID
    return _Grid(first[:_GRID], second[:_GRID], known, is_whole)


def _range_words(ranges: Ranges, site: Site) -> str:
    """What is known of one release along those of another component: ``Beta 2.4 with Alpha: works 1.2 - 1.3``."""
    words = []
    for interval in ranges.intervals:
        mark = sign(interval.verdict)
        last = f" \N{EN DASH} {interval.last}" if interval.last != interval.first else ""
        inferred = f" (inferred: {', '.join(interval.inferred)})" if interval.inferred else ""
        words.append(f"{mark.glyph} {mark.word} {interval.first}{last}{inferred}")
    return f"{site.titles[ranges.component]} {ranges.version} with {site.titles[ranges.other]}: {'; '.join(words)}"


def _frontier(row: FrontierRow, site: Site) -> Iterator[Page]:
    """The pages of a frontier. The side with more releases has the rows; they go over several pages if need be."""
    sides = [(row.first, row.first_releases), (row.second, row.second_releases)]
    (down, down_releases), (across, across_releases) = sorted(sides, key=lambda side: -len(side[1]))
    known = {(pair.versions[down], pair.versions[across]): pair for pair in row.pairs}
    columns = [*reversed(across_releases)]
    title = (
        f"{site.titles.get(row.first, row.first)} with {site.titles.get(row.second, row.second)}, release by release"
    )
    edges = [(row.first, row.edges), (row.second, row.second_edges)]
    path = _frontier_file(row)
    for part in parts(path, [*reversed(down_releases)], max(1, _MARKS // max(1, len(columns)))):
        numbered = title if part.number == 1 else f"{title}, page {part.number}"
        lines = partial(_lines, part, columns, known, row)
        data = partial(_frontier_part, row, part, down=down, across=across, columns=columns, edges=edges, lines=lines)
        yield Page(part.path, "frontier", numbered, data)


def _frontier_part(
    row: FrontierRow,
    part: Part,
    *,
    edges: list[tuple[str, tuple[FrontierEdge, ...]]],
    lines: Callable[[], object],
    **sides: object,
) -> dict[str, object]:
    """What a page of a frontier shows. The first one has the failures; one without others has the edges in words."""
    return sides | {
        "frontier": row,
        "part": part,
        "lines": lines(),
        "words": frontier_words(row),
        "reasons": _reasons(row) if part.number == 1 else [],
        "edges": edges if part.of == 1 and len(row.edges) <= _GRID else [],
        "working_partners": working_partners,
    }


def _lines(
    part: Part,
    columns: Sequence[DatedRelease],
    known: Mapping[tuple[str, str], FrontierPair],
    row: FrontierRow,
) -> list[tuple[DatedRelease, list[_Mark]]]:
    return [(release, _marks(release, columns, known, row)) for release in part.items]


def _reasons(row: FrontierRow) -> list[tuple[int, FrontierReason]]:
    return [(number, reason) for number, reason in enumerate(row.reasons, 1) if reason.verdict == "broken"]


def _marks(
    release: DatedRelease,
    columns: Sequence[DatedRelease],
    known: Mapping[tuple[str, str], FrontierPair],
    row: FrontierRow,
) -> list[_Mark]:
    return [_mark(known.get((release.version, column.version)), row) for column in columns]


def _mark(pair: FrontierPair | None, row: FrontierRow) -> _Mark:
    """The mark of two releases. Brackets say that it is inferred, a number which failure it is."""
    if pair is None:
        return _Mark(sign("unresolvable").glyph, "a")
    glyph, kind = sign(pair.verdict).glyph, "u"
    if pair.verdict == "works":
        is_shallow = LEVELS.index(pair.level) < LEVELS.index(row.level)
        glyph, kind = ("○", "s") if is_shallow else (glyph, "w")
    elif pair.verdict == "broken":
        glyph, kind = f"{glyph}{pair.reason + 1 if pair.reason is not None else ''}", "b"
    return _Mark(f"({glyph})" if pair.inferred and pair.verdict in ("works", "broken") else glyph, kind)


# ---------------------------------------------------------------------------------------------------------------------
# Advisories and failures
# ---------------------------------------------------------------------------------------------------------------------


def _advisory(advisory: Advisory, site: Site) -> dict[str, object]:
    return {"advisory": advisory, "cells": _known_cells(advisory.cells, site)}


def _failure(group: FailureGroup, site: Site) -> dict[str, object]:
    cells = _known_cells(group.cells, site)
    return {"group": group, "cells": cells, "most": _MOST_CELLS, "joined_releases": joined_releases}


def _known_cells(ids: Sequence[str], site: Site) -> list[CellRow]:
    return [site.cells[name] for name in ids if name in site.cells]


# ---------------------------------------------------------------------------------------------------------------------
# Cells and artifacts
# ---------------------------------------------------------------------------------------------------------------------


def _cell(cell: CellRow, site: Site) -> dict[str, object]:
    everything = site.summary.installed.get(cell.id, {})
    return {
        "cell_": cell,
        "components": cell.components,
        "failures": [site.failures[name] for name in cell.failures if name in site.failures],
        "own_tests": [site.failures[name] for name in cell.own_tests if name in site.failures],
        "found_advisories": site.advisories_of_cell.get(cell.id, ()),
        "everything": everything,
        "everything_text": constraints(everything),
        "same_again": _same_again(cell, everything, has_lock=cell.id in site.summary.locks),
        "has_constraints": has_constraints(cell, site.summary),
        "has_lock": cell.id in site.summary.locks,
        "depths": depth_lines(cell),
        "joined_releases": joined_releases,
    }


#: The options of ``try`` whose value is no requirement.
_KEPT = ("--python", "--exclude-newer", "--level")


def _same_again(cell: CellRow, everything: Mapping[str, str], *, has_lock: bool) -> str:
    """The command that runs a cell again with the versions that it had.

    Without a lock, the command of the table asks for the same requirements, and an index can give newer releases today.

    Args:
        cell: The cell.
        everything: What it had: distribution to version; empty: that is not known.
        has_lock: Whether its lock is published.
    """
    words = shlex.split(cell.reproduce)
    if has_lock or (not everything and "--lock" not in words):
        return cell.reproduce
    if "--lock" in words:
        place = words.index("--lock")
        until = ["--exclude-newer", cell.exclude_newer.isoformat()] if cell.exclude_newer else []
        overrides = [word for text in cell.forced for word in ("--override", text)]
        words = [*words[:place], *cell.requirements, *words[place + 2 :], *until, *overrides]
    asked = [
        exactly(word, everything[name_of(word)])
        if before not in _KEPT and not word.startswith("-") and name_of(word) in everything
        else word
        for before, word in pairwise(words[1:])
    ]
    rest = everything.keys() - set(map(name_of, asked))
    also = [text for name in sorted(rest) for text in ("--also", f"{name}=={everything[name]}")]
    return shlex.join([*words[:2], *asked, *also])


def _artifact(square: ArtifactSquare) -> dict[str, object]:
    return {"square": square, "crossing_of": _by_ends(square), "crossing_culprits": crossing_culprits}


def _by_ends(square: ArtifactSquare) -> Mapping[tuple[str, str], CrossingCell]:
    return {(crossing.writer, crossing.reader): crossing for crossing in square.crossings}
