"""Rows about culprits: the smallest set of releases without which a failure would not occur."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from stackcompat.blame.culprit import Culprit
from stackcompat.blame.diagnosis import Diagnoses, Diagnosis
from stackcompat.core.redact import public
from stackcompat.resolve.conflict_core import refused
from stackcompat.table.base import Sparse
from stackcompat.verdict.exchange import CrossingVerdict
from stackcompat.verdict.signature import failure_of, leading
from stackcompat.verdict.verdict import CellVerdict

__all__ = ["CulpritRow", "culprit_of_cell", "culprit_of_failure", "culprits_of_crossing"]


class CulpritRow(Sparse):
    """The releases to blame for a red cell, for a failure, or for one side of a crossing."""

    versions: Annotated[dict[str, str], Field(description="The culprits: distribution to version (or bounds).")]
    inferred: Annotated[
        bool, Field(description="Whether the search was made in another cell with the same failure, or left a doubt.")
    ]
    side: Annotated[
        Literal["", "writer", "reader"],
        Field(description="The side of the crossing that has these releases; empty: it is about a cell."),
    ] = ""
    culprits: Annotated[
        tuple[Culprit, ...],
        Field(description="What the search found about each of them; empty in the rows of cells."),
    ] = ()
    cell: Annotated[
        str, Field(description="Id of the cell in which the search was made; empty in the rows of cells and crossings.")
    ] = ""
    moved: Annotated[str, Field(description="Which side moved, in a sentence; empty: unknown.")] = ""
    doubt: Annotated[
        str, Field(description="Why the set may be incomplete; empty: each member was shown to be needed.")
    ] = ""
    probes: Annotated[int, Field(description="Number of environments that the search tried.")] = 0
    linear: Annotated[int, Field(description="Number of environments that it would have taken release by release.")] = 0
    works_with: Annotated[
        dict[str, str], Field(description="The culprits' versions in the nearest set that passed.")
    ] = {}


def culprit_of_cell(verdict: CellVerdict, diagnoses: Diagnoses) -> CulpritRow | None:
    """The culprit of a red cell, from its conflict or from a search; None where neither names any.

    Args:
        verdict: What is known of the cell.
        diagnoses: What searches for culprits have shown.
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
    return CulpritRow(versions=versions, inferred=_is_inferred(diagnosis, verdict.lock_id))


def culprit_of_failure(diagnoses: Iterable[Diagnosis], signature: str) -> CulpritRow | None:
    """The culprit of a failure, by the best diagnosis of it: one without doubt, and about exactly this signature.

    Args:
        diagnoses: The diagnoses of the cells that have the failure.
        signature: The failure.
    """
    best = max(
        diagnoses,
        key=lambda diagnosis: (
            diagnosis.certain,
            failure_of(diagnosis.failing).signature == signature,
            diagnosis.weight,
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
        works_with={name: best.passing[name] for name in best.names if name in best.passing},
    )


def culprits_of_crossing(artifact: str, verdict: CrossingVerdict, diagnoses: Diagnoses) -> tuple[CulpritRow, ...]:
    """The culprits on either side of a crossing, for the first failure that a search explains.

    Args:
        artifact: The artifact that is not read.
        verdict: What is known of the crossing.
        diagnoses: What searches for culprits have shown.
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
    """Whether a diagnosis was made for another lock, or leaves a doubt."""
    return diagnosis.lock_id != lock_id or not diagnosis.certain
