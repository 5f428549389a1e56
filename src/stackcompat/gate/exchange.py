"""The gate's exchange of artifacts: the candidate reads what the release that it replaces wrote, or the reverse.

The exchange gives the two arms of a paired cell their evidence. In the control's arm a test reads what the control's
own environment wrote. In the candidate's arm a test reads what crossed from one environment to the other. With the
direction ``backward`` the candidate's environment reads. With ``forward`` the control's environment reads, and the runs
that wrote count too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import Crossing, ExchangePlan
from stackcompat.gate.cells import Arm
from stackcompat.gate.policy import Direction
from stackcompat.pipeline.exchange import plan_exchange, run_exchange
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.cell import Cell
from stackcompat.verdict.exchange import written
from stackcompat.verdict.retry import needs_run

__all__ = ["ArtifactExchange", "exchange_arms", "is_unfinished", "plan_artifacts", "run_artifacts"]


@dataclass(frozen=True)
class ArtifactExchange:
    """The exchange between the two arms of one paired cell.

    Attributes:
        direction: Which arm reads what the other wrote.
        runner: Runs the tests that write and read artifacts, without reports of progress.
        artifacts: The artifacts that cross.
        plan: Two crossings: ``own``, of the control with itself, and ``across``, from one arm to the other.
    """

    direction: Direction
    runner: Runner
    artifacts: tuple[str, ...]
    plan: ExchangePlan

    def crossing(self, square: str) -> Crossing:
        """The crossing with this label."""
        return next(crossing for crossing in self.plan.crossings if crossing.square == square)


def plan_artifacts(
    control: Cell, candidate: Cell, direction: Direction, runner: Runner, artifacts: Sequence[str]
) -> ArtifactExchange:
    """Plan the exchange between two arms that are locked.

    Args:
        control: The cell of the control's arm.
        candidate: The cell of the candidate's arm.
        direction: Which arm reads what the other wrote.
        runner: Runs the tests that write and read artifacts.
        artifacts: The artifacts that cross.
    """
    writers, readers = ([control], [candidate]) if direction == "backward" else ([candidate], [control])
    squares = [("own", [control], [control]), ("across", writers, readers)]
    quiet = runner.quiet()
    return ArtifactExchange(
        direction=direction,
        runner=quiet,
        artifacts=tuple(artifacts),
        plan=plan_exchange(squares, quiet, artifacts=artifacts),
    )


def run_artifacts(exchange: ArtifactExchange, *, rerun: bool) -> None:
    """Write and read the artifacts that have no decisive evidence yet; all artifacts if `rerun`."""
    run_exchange(exchange.plan, exchange.runner, artifacts=exchange.artifacts, rerun=rerun)


def is_unfinished(exchange: ArtifactExchange, counted: Callable[[tuple[Evidence, ...]], tuple[Evidence, ...]]) -> bool:
    """Whether something is still to be written or read.

    Args:
        exchange: The exchange of one cell.
        counted: Selects the runs that count among the runs of one key.
    """
    store = exchange.runner.store
    for crossing in exchange.plan.crossings:
        writing = store.of_key(exchange.plan.cell(crossing.writer).key)
        reading = store.of_key(crossing.key)
        if needs_run(counted(writing)):
            return True
        # A writer that left no artifacts leaves nothing to read.
        if written(writing) and needs_run(counted(reading)):
            return True
    return False


def exchange_arms(exchange: ArtifactExchange) -> tuple[Arm, Arm]:
    """Both arms with their runs so far, the control first."""
    own, across = exchange.crossing("own"), exchange.crossing("across")
    candidate = across.reader if exchange.direction == "backward" else across.writer
    return _arm(exchange, own, own.reader), _arm(exchange, across, candidate)


def _arm(exchange: ArtifactExchange, crossing: Crossing, cell_id: str) -> Arm:
    """The arm of the cell `cell_id`, with the runs that read; in the direction ``forward`` also those that wrote."""
    keys = [crossing.key]
    if exchange.direction == "forward":
        keys.insert(0, exchange.plan.cell(crossing.writer).key)
    runs = [run for key in keys if key for run in exchange.runner.store.of_key(key)]
    return Arm(planned=exchange.plan.cell(cell_id), evidence=tuple(runs))
