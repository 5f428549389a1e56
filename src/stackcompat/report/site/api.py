"""The same facts for programs: JSON files under ``api/v1/``, each with a schema. Pure.

A field that is added leaves the version as it is; a field that changes its meaning or goes makes it ``v2``.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.known_sets import KnownSet
from stackcompat.advice.osv import osv_id
from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.report.site.latest import LatestSet, constraints_name, install_lines, overrides_name
from stackcompat.report.site.model import Site
from stackcompat.report.site.page import link_to
from stackcompat.report.site.partners import PartnerRelease
from stackcompat.table.components import ComponentRow
from stackcompat.table.pairs import PairRow

__all__ = ["KINDS", "api_files", "release_file", "schema_id"]

_ROOT = "api/v1"


class _File(Record):
    """A file of the API."""

    schema_id: Annotated[str, Field(alias="$schema", description="The `$id` of the schema of this file.")]
    generated: Annotated[dt.datetime, Field(description="The time of the table.")]


class LatestFile(_File):
    """On each Python, the newest set that is known to work."""

    ecosystem: str
    latest: tuple[LatestSet, ...]
    install: Annotated[dict[str, dict[str, str]], Field(description="By Python, the commands that install it.")]
    files: Annotated[dict[str, dict[str, str]], Field(description="By Python, its constraints and its overrides.")]


class ComponentFile(_File):
    """A component."""

    component: ComponentRow
    releases: Annotated[tuple[str, ...], Field(description="The releases that were tried, the lowest first.")]
    pairs: Annotated[tuple[str, ...], Field(description="The names of the files of its pairs.")]
    advisories: Annotated[tuple[str, ...], Field(description="Ids of the advisories that it is in.")]
    page: str


class ReleaseFile(_File):
    """What goes with one release. What is not there is not known."""

    component: str
    version: str
    pythons: Annotated[
        dict[str, dict[str, tuple[PartnerRelease, ...]]],
        Field(description="By Python, then by component: its releases, each with how it goes with this one."),
    ]
    sets: Annotated[
        dict[str, tuple[str, ...]],
        Field(description="By Python, ids of the cells of sets with this release that are known to work."),
    ]
    page: str


class PairFile(_File):
    """Two components."""

    pair: PairRow
    page: str


class AdvisoryFile(_File):
    """A known incompatibility."""

    sentence: str
    osv: Annotated[str, Field(description="The id of its OSV record; empty: it has none.")]
    advisory: Advisory
    page: str


class SetsFile(_File):
    """All sets that are known to work on one Python."""

    python: str
    sets: tuple[KnownSet, ...]


class CellLine(Record):
    """A cell in a few words."""

    id: str
    python: str
    verdict: Verdict
    level: Level
    why: str
    versions: Annotated[str, Field(description="Components and their versions, or what was asked for.")]


class CellsFile(_File):
    """All cells in a few words."""

    cells: tuple[CellLine, ...]


class IndexFile(_File):
    """All files of the API, relative to it."""

    ecosystem: str
    latest: str
    cells: str
    components: dict[str, str]
    distributions: Annotated[dict[str, str], Field(description="Component to its distribution; empty: it has none.")]
    releases: Annotated[dict[str, tuple[str, ...]], Field(description="Component to its releases, the lowest first.")]
    pairs: tuple[str, ...]
    advisories: dict[str, str]
    sets: dict[str, str]
    counts: dict[Verdict, int]


#: Each kind of file with the class of its content.
KINDS: Mapping[str, type[_File]] = {
    "index": IndexFile,
    "latest": LatestFile,
    "component": ComponentFile,
    "release": ReleaseFile,
    "pair": PairFile,
    "advisory": AdvisoryFile,
    "sets": SetsFile,
    "cells": CellsFile,
}


def schema_id(kind: str) -> str:
    """The ``$id`` of the schema of a kind of file. It names no host, since any host can serve it."""
    return f"urn:stackcompat:api:v1:{kind}"


def api_files(site: Site) -> Iterator[tuple[str, str]]:
    """The files but those about releases, each with its text; every path is relative to the edition."""
    for kind, record in KINDS.items():
        yield f"{_ROOT}/schema/{kind}.json", _schema(kind, record)
    yield f"{_ROOT}/index.json", _text(_index(site))
    yield f"{_ROOT}/latest.json", _text(_latest(site))
    yield f"{_ROOT}/cells.json", _text(_cells(site))
    for name in site.components:
        yield f"{_ROOT}/component/{name}.json", _text(_component(name, site))
    for pair in site.summary.pairs:
        page = link_to("pair", pair.first, pair.second)
        yield f"{_ROOT}/{_pair_file(pair)}", _text(PairFile(**_head("pair", site), pair=pair, page=page))
    for advisory in site.advisories:
        found = AdvisoryFile(
            **_head("advisory", site),
            sentence=advisory.sentence(),
            osv=osv_id(advisory) if osv_id(advisory) in site.osv_records else "",
            advisory=advisory,
            page=link_to("advisory", advisory.id),
        )
        yield f"{_ROOT}/advisory/{advisory.id}.json", _text(found)
    for python in site.pythons:
        sets = tuple(one for one in site.sets if one.python == python)
        yield f"{_ROOT}/sets/{python}.json", _text(SetsFile(**_head("sets", site), python=python, sets=sets))


def release_file(name: str, version: str, site: Site) -> tuple[str, str]:
    """The file about one release: its path and its text."""
    # Only the releases in it have fields with default values. To leave those out saves much of the files.
    return f"{_ROOT}/release/{name}/{version}.json", _text(_release(name, version, site), exclude_defaults=True)


def _head(kind: str, site: Site) -> dict[str, Any]:
    return {"schema_id": schema_id(kind), "generated": site.summary.generated}


def _text(record: _File, *, exclude_defaults: bool = False) -> str:
    """A record as JSON on one line: there are thousands of files, and programs read them."""
    # All at once: as objects of Python in between, the files of a large table take seconds more.
    # Aliases are for TOML alone, but for that of the first field, which is no name in Python.
    whole = record.model_dump_json(by_alias=False, exclude_defaults=exclude_defaults)
    return whole.replace('{"schema_id":', '{"$schema":', 1) + "\n"


def _schema(kind: str, record: type[_File]) -> str:
    described = record.model_json_schema(by_alias=False, mode="serialization")
    described["properties"]["$schema"] = described["properties"].pop("schema_id")
    described["required"] = ["$schema" if name == "schema_id" else name for name in described["required"]]
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": schema_id(kind)}
    return json.dumps(dialect | described, indent=1) + "\n"


def _pair_file(pair: PairRow) -> str:
    return f"pair/{pair.first}--{pair.second}.json"


def _index(site: Site) -> IndexFile:
    return IndexFile(
        **_head("index", site),
        ecosystem=site.name,
        latest="latest.json",
        cells="cells.json",
        components={name: f"component/{name}.json" for name in site.components},
        distributions={name: row.distribution for name, row in site.components.items()},
        releases=dict(site.releases),
        pairs=tuple(_pair_file(pair) for pair in site.summary.pairs),
        advisories={advisory.id: f"advisory/{advisory.id}.json" for advisory in site.advisories},
        sets={python: f"sets/{python}.json" for python in site.pythons},
        counts=dict(Counter(cell.verdict for cell in site.summary.cells)),
    )


def _latest(site: Site) -> LatestFile:
    known = [latest for latest in site.latest if latest.cell]
    return LatestFile(
        **_head("latest", site),
        ecosystem=site.name,
        latest=site.latest,
        install={latest.python: install_lines(latest.pins, latest.besides) for latest in known},
        files={
            latest.python: {"constraints": constraints_name(latest.python), "overrides": overrides_name(latest.python)}
            for latest in known
        },
    )


def _cells(site: Site) -> CellsFile:
    lines = [
        CellLine(
            id=cell.id,
            python=cell.python,
            verdict=cell.verdict,
            level=cell.level,
            why=cell.label or cell.policy,
            versions=", ".join(f"{name} {held.version}" for name, held in cell.components.items())
            or ", ".join(cell.requirements),
        )
        for cell in site.summary.cells
    ]
    return CellsFile(**_head("cells", site), cells=tuple(lines))


def _component(name: str, site: Site) -> ComponentFile:
    return ComponentFile(
        **_head("component", site),
        component=site.components[name],
        releases=site.releases[name],
        pairs=tuple(_pair_file(pair) for pair in site.pairs_of.get(name, ())),
        advisories=tuple(advisory.id for advisory in site.advisories_of(name)),
        page=link_to("component", name),
    )


def _release(name: str, version: str, site: Site) -> ReleaseFile:
    sets = site.sets_with(name, version)
    return ReleaseFile(
        **_head("release", site),
        component=name,
        version=version,
        pythons={
            python: {partner.component: partner.releases for partner in partners}
            for python, partners in site.partners(name, version).items()
        },
        sets={python: tuple(one.cell for one in sets if one.python == python) for python in site.pythons},
        page=link_to("release", name, version),
    )
