"""Rows about culprits: the smallest set of releases without which a failure would not occur."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from stackcompat.blame.diagnosis import Diagnoses, Diagnosis
from stackcompat.blame.result import Culprit
from stackcompat.core.redact import public
from stackcompat.resolve.conflict_core import refused
from stackcompat.table.base import Sparse
from stackcompat.verdict.exchange import CrossingVerdict
from stackcompat.verdict.signature import failure_of, leading
from stackcompat.verdict.verdict import CellVerdict

__all__ = ["CulpritRow", "culprit_of_cell", "culprit_of_failure", "culprits_of_crossing"]


class CulpritRow(Sparse):
    """The culprits of a red cell, of a failure, or of one side of a crossing."""

    versions: Annotated[dict[str, str], Field(description="The culprits: distribution to version (or bounds).")]
    inferred: Annotated[
        bool, Field(description="Whether the search was made in another cell with the same failure, or left a doubt.")
    ]
    side: Annotated[
        Literal["", "writer", "reader"],
        Field(description="The side of the crossing that has these releases; empty: the row is about a cell."),
    ] = ""
    culprits: Annotated[
        tuple[Culprit, ...],
        Field(description="What the search found about each of them; empty in the rows of cells."),
    ] = ()
    cell: Annotated[
        str, Field(description="Id of the cell in which the search was made; empty in the rows of cells and crossings.")
    ] = ""
    moved: Annotated[str, Field(description="How the break came about, in a sentence; empty: unknown.")] = ""
    doubt: Annotated[
        str, Field(description="Why the set may be incomplete; empty: each member was shown to be needed.")
    ] = ""
    probes: Annotated[int, Field(description="Number of environments that the search tried.")] = 0
    linear: Annotated[
        int, Field(description="Number of environments that a search release by release would have tried.")
    ] = 0
    works_with: Annotated[
        dict[str, str], Field(description="The culprits' versions in the nearest set that passes every test.")
    ] = {}
    alternatives: Annotated[
        tuple[tuple[Culprit, ...], ...],
        Field(description="Other sets that are each enough by themselves: one release of each set has to move."),
    ] = ()
    way_out: Annotated[
        dict[str, str],
        Field(
            description="What differs from the searched cell in the nearest set that passes every test; empty: none."
        ),
    ] = {}


def culprit_of_cell(verdict: CellVerdict, diagnoses: Diagnoses) -> CulpritRow | None:
    """The culprits of a red cell, from its conflict or from a search; None if neither names any.

    Args:
        verdict: The verdict on the cell.
        diagnoses: The results of searches for culprits.
    """
    if verdict.verdict == "unresolvable" and verdict.conflict is not None:
        members = refused(verdict.conflict, verdict.cell)
        return CulpritRow(versions=dict(members), inferred=False) if members else None
    if verdict.verdict != "broken":
        return None
    diagnosis = diagnoses.of_cell(verdict, leading(verdict.failures))
    if diagnosis is None:
        return None
    versions = {name: verdict.installed.get(name, "") for name in diagnosis.names}
    shown_here = diagnosis.lock_id == verdict.lock_id
    return CulpritRow(
        versions=versions,
        inferred=_is_inferred(diagnosis, verdict.lock_id),
        alternatives=diagnosis.alternatives if shown_here else (),
    )


def culprit_of_failure(diagnoses: Iterable[Diagnosis], signature: str) -> CulpritRow | None:
    """The culprits of a failure, from the best of its diagnoses; None if there are none.

    A certain diagnosis is better than one with a doubt. Of these, one of exactly this signature is better.

    Args:
        diagnoses: The diagnoses of the cells that have the failure.
        signature: The signature of the failure.
    """
    best = max(
        diagnoses,
        key=lambda diagnosis: (
            diagnosis.certain,
            failure_of(diagnosis.failing).signature == signature,
            diagnosis.precedence,
        ),
        default=None,
    )
    if best is None:
        return None
    return CulpritRow(
        versions={culprit.name: culprit.version for culprit in best.culprits},
        inferred=not best.certain,
        culprits=best.culprits,
        cell=best.cell,
        moved=public(best.moved.sentence) if best.moved else "",
        doubt=public(best.doubt),
        probes=best.probes,
        linear=best.linear,
        works_with={name: best.way_out[name] for name in best.names if name in best.way_out},
        alternatives=best.alternatives,
        way_out=best.way_out,
    )


def culprits_of_crossing(artifact: str, verdict: CrossingVerdict, diagnoses: Diagnoses) -> tuple[CulpritRow, ...]:
    """The culprits on both sides of a crossing, for the first failure that a search explains.

    Args:
        artifact: The artifact that the reader cannot read.
        verdict: The verdict on the crossing.
        diagnoses: The results of searches for culprits.
    """
    for test in verdict.red:
        searched = diagnoses.of_crossing(verdict, test) if test.artifact == artifact else ()
        rows = tuple(_row_of_side(diagnosis, verdict) for diagnosis in searched if diagnosis.culprits)
        if rows:
            return rows
    return ()


def _row_of_side(diagnosis: Diagnosis, verdict: CrossingVerdict) -> CulpritRow:
    installed = verdict.installed(diagnosis.side)
    return CulpritRow(
        versions={name: installed[name] for name in diagnosis.names},
        inferred=_is_inferred(diagnosis, verdict.lock_id),
        side=diagnosis.side,
        culprits=diagnosis.culprits,
    )


def _is_inferred(diagnosis: Diagnosis, lock_id: str) -> bool:
    """Whether a diagnosis was made for another lock or leaves a doubt."""
    return diagnosis.lock_id != lock_id or not diagnosis.certain
