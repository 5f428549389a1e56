"""The command that a person types to run the candidate's arm of a cell again."""

from __future__ import annotations

from stackcompat.gate.cells import Arm, PairedCell
from stackcompat.gate.context import GateContext

__all__ = ["reproduce_command"]


def reproduce_command(context: GateContext, cell: PairedCell) -> str:
    """The command that runs the candidate's arm of `cell` again.

    It is empty where a candidate does not come from the index, or the arm has no lock.
    """
    requested = _requested(cell.candidate)
    if not requested or any(candidate.source != "index" for candidate in context.candidates):
        return ""
    if cell.direction is None:
        return f"stackcompat try {requested} --python {cell.python}"
    writer, reader = _requested(cell.control), requested
    if cell.direction == "forward":
        writer, reader = reader, writer
    pythons = f"--write-python {cell.python} --read-python {cell.python}"
    return f"stackcompat exchange --write-with {writer} --read-with {reader} {pythons}"


def _requested(arm: Arm) -> str:
    return " ".join(f'"{name}=={version}"' for name, version in arm.requested().items())
