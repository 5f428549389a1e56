"""The state of one execution of the gate, while cells are planned, locked and run."""

from __future__ import annotations

from dataclasses import dataclass, field

from stackcompat.gate.candidate import Candidate
from stackcompat.gate.exchange import ArtifactExchange
from stackcompat.gate.model import NotTested
from stackcompat.gate.moving import Moving
from stackcompat.gate.options import GateOptions
from stackcompat.gate.question import PairedQuestion
from stackcompat.pipeline.runner import Runner

__all__ = ["GateState", "skip"]


@dataclass
class GateState:
    """One execution of the gate.

    Attributes:
        runner: Locks and runs cells; its store keeps the evidence.
        options: What the candidates are judged by.
        candidates: The releases to judge, as one set.
        moving: What differs between the two arms.
        exchange_runner: Runs the tests that write and read artifacts; None where the project has none.
        exchanges: The exchanges of the cells in which artifacts cross, by the id of the cell.
        not_tested: What could not be asked or locked, and why. It grows while cells are planned and locked.
    """

    runner: Runner
    options: GateOptions
    candidates: tuple[Candidate, ...]
    moving: Moving
    exchange_runner: Runner | None = None
    exchanges: dict[str, ArtifactExchange] = field(default_factory=dict)
    not_tested: list[NotTested] = field(default_factory=list)


def skip(state: GateState, question: PairedQuestion, why: str) -> None:
    """Note that `question` makes no cell."""
    state.not_tested.append(NotTested(what=question.place, why=why))
