"""Notes on a set of releases that do not change the answer: features that fail, and releases' own tests. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from packaging.version import Version

from stackcompat.advice.set_knowledge import Versions
from stackcompat.core.requirements import version_key
from stackcompat.table.cells import CellRow
from stackcompat.table.features import FeatureRow
from stackcompat.table.summary import Summary
from stackcompat.table.vocabulary import titled

__all__ = ["Limit", "limits", "limits_of", "own_test_notes"]


class Limit(NamedTuple):
    """A feature that does not work at some versions.

    Attributes:
        feature: Its name.
        words: What does not work, or likely does not, in words.
        reason: The failure, and with which releases it was seen.
    """

    feature: str
    words: str
    reason: str


def limits(versions: Versions, summary: Summary) -> tuple[str, ...]:
    """The features that do not work at some versions, a sentence each; see :func:`limits_of`."""
    return tuple(f"{limit.words}: {limit.reason}" for limit in limits_of(versions, summary))


def limits_of(versions: Versions, summary: Summary, features: Iterable[FeatureRow] | None = None) -> tuple[Limit, ...]:
    """The features that do not work at some versions.

    A feature that was seen to fail in the same series of releases (``0.10`` of ``0.10.2``) is named too, unless a newer
    cell shows that it works at these versions.

    Args:
        versions: Component to version.
        summary: The table.
        features: Its features that are asked about; None: all.
    """
    cells = summary.cells_by_id
    exact: dict[str, Limit] = {}
    near: dict[str, Limit] = {}
    for row in summary.features if features is None else features:
        if not row.components.keys() <= versions.keys():
            continue
        for cell in (cells[name] for name in row.cells if name in cells):
            if not row.components.keys() <= cell.components.keys():
                continue
            seen = {name: version_key(cell.components[name].version) for name in row.components}
            releases = _releases(cell, row, summary)
            if all(seen[name] == versions[name] for name in seen):
                reason = f"{row.signature} (seen with {releases})"
                exact.setdefault(row.feature, Limit(row.feature, row.words, reason))
            elif all(_series(seen[name]) == _series(versions[name]) for name in seen):
                where = f"seen with {releases}, not tried with your versions"
                words = f"{row.feature} likely {row.words.removeprefix(row.feature).strip()}"
                near.setdefault(row.feature, Limit(row.feature, words, f"{row.signature} ({where})"))
        if row.feature in near and _shown_to_work(row, versions, summary, cells):
            del near[row.feature]
    return tuple((near | exact).values())


def own_test_notes(versions: Versions, summary: Summary) -> tuple[str, ...]:
    """Failures of releases' own tests at some versions, a sentence each."""
    return tuple(dict.fromkeys(_own_test_notes(versions, summary)))


def _own_test_notes(versions: Versions, summary: Summary) -> Iterator[str]:
    cells = {cell.id: cell for cell in summary.cells}
    titles = summary.titles()
    for group in summary.failures:
        if group.level != "upstream" or not group.versions or not group.versions.keys() <= versions.keys():
            continue
        for cell in (cells[name] for name in group.cells if name in cells):
            if all(_has(cell, name, versions[name]) for name in group.versions):
                releases = [f"{titled(titles, name)} {cell.components[name].version}" for name in group.versions]
                words = group.message or group.signature
                yield f"tests that a release ships fail with {' with '.join(releases)}: {words}"
                break


def _has(cell: CellRow, name: str, version: Version) -> bool:
    return name in cell.components and version_key(cell.components[name].version) == version


def _releases(cell: CellRow, row: FeatureRow, summary: Summary) -> str:
    titles = summary.titles()
    return " with ".join(f"{titled(titles, name)} {cell.components[name].version}" for name in row.components)


def _series(version: Version) -> tuple[int, ...]:
    """The first two numbers of a release."""
    return (version.major, version.minor)


def _shown_to_work(row: FeatureRow, versions: Versions, summary: Summary, cells: Mapping[str, CellRow]) -> bool:
    """Whether a working cell has these versions and not the failure, and is newer than the oldest that has it.

    An older cell can have been run before there was a test of the feature.
    """
    failing = [cells[name] for name in row.cells if name in cells]
    moments = [cell.seen for cell in failing]
    first = min((moment for moment in moments if moment is not None), default=None)
    return any(
        cell.verdict == "works"
        and (cell.thorough or not all(other.thorough for other in failing))
        and row.feature not in cell.broken_features
        and (first is None or (cell.seen is not None and cell.seen >= first))
        and all(_has(cell, name, versions[name]) for name in row.components)
        for cell in summary.cells
    )
