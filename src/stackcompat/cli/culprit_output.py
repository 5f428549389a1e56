"""Diagnoses, printed or as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.cli.console import out
from stackcompat.core.text import and_list, counted
from stackcompat.verdict.artifacts import ExchangeSide
from stackcompat.verdict.outcomes import why

__all__ = ["crossing_json", "diagnosis_json", "print_crossing_diagnoses", "print_diagnosis"]


def diagnosis_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """A diagnosis as JSON, with all that :func:`print_diagnosis` prints."""
    moved = diagnosis.moved
    return {
        "culprit": [
            {
                "name": culprit.name,
                "version": culprit.version,
                "last_good": culprit.last_good,
                "first_bad": culprit.first_bad,
                "fixed_in": culprit.fixed_in,
                "last_passing": culprit.last_passing,
                "reservation": culprit.reservation,
                "never_passed": culprit.never_passed,
                "red": list(culprit.red),
                "unresolved": list(culprit.unresolved),
                "shown_by": culprit.shown_by,
                "moved_by": moved.sentence if moved else "",
            }
            for culprit in diagnosis.culprits
        ],
        "moved": moved.model_dump(mode="json") if moved else None,
        "probes": diagnosis.probes,
        "linear": diagnosis.linear,
        "blamed_test": diagnosis.failing.test,
        "blamed_failure": why(diagnosis.failing),
        "doubt": diagnosis.doubt,
        "chain": list(diagnosis.chain),
        "alternatives": [{culprit.name: culprit.version for culprit in members} for members in diagnosis.alternatives],
        "known_to_work": diagnosis.passing,
        "way_out": diagnosis.way_out,
        "other_findings": [failure.model_dump(mode="json") for failure in diagnosis.findings],
        "probe_evidence": list(diagnosis.evidence),
    }


def crossing_json(diagnoses: Mapping[ExchangeSide, Diagnosis]) -> dict[str, Any]:
    """The diagnoses of a crossing as JSON: the culprits of both sides, and under ``sides`` the answer of each."""
    sides = {side: diagnosis_json(diagnosis) for side, diagnosis in diagnoses.items()}
    return {
        "culprit": [{"side": side} | culprit for side, answer in sides.items() for culprit in answer["culprit"]],
        "probes": sum(answer["probes"] for answer in sides.values()),
        "linear": sum(answer["linear"] for answer in sides.values()),
        "sides": sides,
    }


def print_crossing_diagnoses(diagnoses: Mapping[ExchangeSide, Diagnosis]) -> None:
    """Print the diagnosis of each side of a crossing."""
    for side, diagnosis in diagnoses.items():
        print_diagnosis(diagnosis, f"{side}: ")


def print_diagnosis(diagnosis: Diagnosis, prefix: str = "") -> None:
    """Print a diagnosis: a sentence for each culprit, which side moved, and the number of probes.

    Args:
        diagnosis: The result of the search.
        prefix: The side of a crossing that the diagnosis is about; empty for a cell. With a prefix, a line also says
            that no culprit was found.
    """
    if diagnosis.culprits:
        names = " with ".join(f"{culprit.name} {culprit.version}" for culprit in diagnosis.culprits)
        out.print(f"{prefix}[bold]culprit:[/] {escape(names)}")
    elif prefix:
        out.print(f"{prefix}nobody was found to blame")
    for sentence in diagnosis.sentences():
        out.print(f"  {escape(sentence)}")
    if diagnosis.alternatives:
        out.print(
            f"  each of these sets is enough by itself: {escape(diagnosis.sets())}; a release of each has to move"
        )
    if diagnosis.moved:
        out.print(f"  {escape(diagnosis.moved.sentence)}")
    if diagnosis.doubt:
        out.print(f"  not certain: {escape(diagnosis.doubt)}", style="yellow")
    if diagnosis.way_out:
        moves = and_list([f"{name} {version or '(not installed)'}" for name, version in diagnosis.way_out.items()])
        out.print(f"  with {escape(moves)}, and all else as it is, every test passes")
    for failure in diagnosis.findings:
        moved = ", ".join(f"{name} {version}" for name, version in list(failure.moved.items())[:3])
        out.print(f"  another failure{f' with {moved}' if moved else ''}: {escape(failure.signature)}", style="dim")
    taken = counted(diagnosis.probes, "probe")
    saved = f"; release by release it would have been {diagnosis.linear}" if diagnosis.linear > diagnosis.probes else ""
    out.print(f"  {taken}{saved}", style="dim")
