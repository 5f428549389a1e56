"""Reads a published table from its folder, so that its reports can be written anew without the store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from stackcompat.core.errors import UsageError
from stackcompat.core.files import read_given
from stackcompat.core.requirements import exact_pins, name_of
from stackcompat.core.vocabulary import LEVELS
from stackcompat.table.cells import CellRow
from stackcompat.table.frontiers import with_exact_edges, without_refuted
from stackcompat.table.headline import with_headline
from stackcompat.table.summary import SCHEMA_VERSION, Summary

__all__ = ["read_table", "settled"]


def read_table(folder: Path) -> Summary:
    """The table that a folder of reports has, with its locks and the sets of its constraints.

    Its claim and headline are made anew from its rows, so that they have the words of this release of the tool.

    Args:
        folder: The folder with ``compat.json``.

    Raises:
        UsageError: The folder has no table that this release of the tool can read.
    """
    path = folder / "compat.json"
    try:
        summary = Summary.model_validate_json(read_given(path))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; name a folder with published reports") from None
    except ValidationError as error:
        raise UsageError(f"{path} is no table of this release: {error.errors()[0]['msg']}") from None
    if summary.schema_version != SCHEMA_VERSION:
        found = summary.schema_version
        raise UsageError(f"{path} has the schema version {found}; this release reads version {SCHEMA_VERSION}")
    sets = {file.stem: _installed(file) for file in sorted((folder / "constraints").glob("*.txt"))}
    paths = {cell.id: cell.lock for cell in summary.cells if cell.lock}
    paths |= {end.cell: end.lock for square in summary.exchanges for end in square.ends if end.lock}
    locks = {
        cell: (folder / path).read_text(encoding="utf-8") for cell, path in paths.items() if (folder / path).is_file()
    }
    return with_headline(settled(summary.model_copy(update={"installed": sets, "locks": locks})))


def settled(summary: Summary) -> Summary:
    """What this release says of a table that an older one can have written. One of this release stays as it is.

    Older tables have no depths, and the level of a green cell in them is that of its deepest component. They do have
    the level of each component in each cell: the shallowest that is asked for has that of the cell. Their pairs can say
    otherwise than their frontiers, and the edges of these can span releases that work with nothing.
    """
    distributions = {row.name: row.distribution for row in summary.components}
    cells = tuple(_with_level(cell, distributions) for cell in summary.cells)
    levels = {cell.id: cell.level for cell in cells if cell.verdict == "works" and cell.components}
    today = tuple(
        row.model_copy(update={"level": levels.get(row.cell)}) if row.verdict == "works" and row.level is None else row
        for row in summary.today
    )
    frontiers = tuple(map(with_exact_edges, summary.frontiers))
    pairs = without_refuted(summary.pairs, frontiers, cells)
    return summary.model_copy(update={"cells": cells, "today": today, "pairs": pairs, "frontiers": frontiers})


def _with_level(cell: CellRow, distributions: Mapping[str, str]) -> CellRow:
    asked = {name_of(requirement) for requirement in cell.requirements}
    meant = cell.policy != "metapackage"  # else what it pins is meant, and not itself
    levels = [held.level for name, held in cell.components.items() if (distributions.get(name, name) in asked) == meant]
    if cell.verdict != "works" or cell.depths or not levels:
        return cell
    return cell.model_copy(update={"level": min(levels, key=LEVELS.index)})


def _installed(path: Path) -> dict[str, str]:
    """The pins of a constraints file: distribution to version."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return exact_pins(line for line in lines if line and not line.startswith("#"))
