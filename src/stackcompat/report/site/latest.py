"""The newest set to install on each Python, with the lines that install it. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field

from stackcompat.advice.advisory import Advisory
from stackcompat.core.record import Record
from stackcompat.core.requirements import exact_pins, name_of
from stackcompat.core.vocabulary import Level
from stackcompat.report.advice import constraints
from stackcompat.resolve.lock import HeldBack
from stackcompat.table.cells import CellRow
from stackcompat.table.headline import install_words
from stackcompat.table.summary import Summary
from stackcompat.table.today import Today

__all__ = [
    "LatestSet",
    "constraints_name",
    "constraints_text",
    "has_constraints",
    "install_lines",
    "latest_sets",
    "overrides_name",
    "set_constraints",
]


class LatestSet(Record):
    """The newest set on one Python that is known to work; without `cell`, none is."""

    python: str
    cell: Annotated[str, Field(description="Id of the cell that shows that it works; empty: no set is known to work.")]
    newest: Annotated[
        bool, Field(description="Whether these are the newest releases that an installer gives; false: the nearest.")
    ]
    problem: Annotated[str, Field(description="Why the newest releases are not it; empty: they are.")]
    components: Annotated[dict[str, str], Field(description="Component to version.")]
    pins: Annotated[dict[str, str], Field(description="Distribution to version, of the components.")]
    besides: Annotated[
        tuple[str, ...],
        Field(description="Requirements to install too, since a component needs them and does not declare them."),
    ]
    everything: Annotated[
        dict[str, str],
        Field(description="Distribution to version, with all that was installed besides; empty: it is not known."),
    ]
    level: Annotated[Level | None, Field(description="How deep it was tested; null: that is not known.")]
    seen: Annotated[dt.datetime | None, Field(description="When it was last tested; null: that is not known.")]
    held_back: tuple[HeldBack, ...]


def latest_sets(summary: Summary, advisories: Iterable[Advisory]) -> tuple[LatestSet, ...]:
    """One for each Python on which the newest releases were asked for, the newest Python first.

    Args:
        summary: The table.
        advisories: Its advisories. They name what a release needs and does not declare.
    """
    lacking = tuple(advisory for advisory in advisories if advisory.without)
    return tuple(_latest(row, summary, lacking) for row in summary.today)


def _latest(row: Today, summary: Summary, lacking: Iterable[Advisory]) -> LatestSet:
    is_newest = row.verdict == "works"
    cell = row.cell if is_newest else row.instead
    versions = row.versions if is_newest else row.instead_versions
    known = {one.id: one for one in summary.cells}.get(cell)
    distributions = {one.name: one.distribution for one in summary.components}
    if known is None:
        cell, versions = "", {}
    pins = {distributions[name]: version for name, version in versions.items() if distributions.get(name)}
    besides = summary.besides(known) if known is not None else ()
    absent = (advisory.without for advisory in lacking if advisory.hits(pins))
    return LatestSet(
        python=row.python,
        cell=cell,
        newest=is_newest,
        problem="" if is_newest else row.sentence,
        components=versions,
        pins=pins,
        besides=tuple(dict.fromkeys((*besides, *absent))),
        everything=summary.installed.get(cell, {}),
        level=row.level if is_newest else (known.level if known is not None and known.depths else None),
        seen=known.seen if known is not None else None,
        held_back=row.held_back if is_newest else (),
    )


def install_lines(pins: Mapping[str, str], besides: Iterable[str]) -> dict[str, str]:
    """The commands that install a set, by installer: pip and uv.

    Args:
        pins: Its components: distribution to version.
        besides: Requirements that the components do not declare.
    """
    wanted = install_words(pins, besides)
    return {"pip": f"pip install {wanted}", "uv": f"uv pip install {wanted}"}


def constraints_name(python: str) -> str:
    """The name of the constraints file of a Python."""
    return f"py{python}.txt"


def overrides_name(python: str) -> str:
    """The name of the file of overrides of a Python, for ``uv pip install --overrides``."""
    return f"overrides-py{python}.txt"


def constraints_text(latest: LatestSet) -> str:
    """The text of the constraints file: all that was installed, or the components alone if no more is known."""
    if not latest.cell:
        return f"# Python {latest.python}: no set is known to work\n"
    tested = f"tested together on {latest.seen:%Y-%m-%d}" if latest.seen else "tested together"
    scope = "with all that was installed besides" if latest.everything else "components only"
    title = f"# Python {latest.python}: {tested} (cell {latest.cell}), {scope}\n"
    return title + set_constraints(latest.pins, latest.everything, latest.besides)


def has_constraints(cell: CellRow, summary: Summary) -> bool:
    """Whether ``constraints/CELL.txt`` is there for a cell: it works, and all that was installed is known."""
    return cell.verdict == "works" and bool(summary.installed.get(cell.id))


def set_constraints(pins: Mapping[str, str], everything: Mapping[str, str], besides: Iterable[str]) -> str:
    """The constraints of a set, below a line that names what to install, since constraints install nothing.

    Args:
        pins: Its components: distribution to version.
        everything: Distribution to version, with all that was installed besides; empty: it is not known.
        besides: Requirements that the components do not declare.
    """
    names = [*pins, *map(name_of, besides)]
    held = everything or {**pins, **exact_pins(besides)}
    return f"# To install with it: {' '.join(names)}\n{constraints(held)}"
