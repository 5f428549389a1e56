"""The command that runs a candidate's arm again."""

from __future__ import annotations

import pytest

from stackcompat.evidence.runs import PlannedCell
from stackcompat.gate.cells import Arm
from stackcompat.gate.reproduce import reproduce_command
from stackcompat.resolve.lock import Resolution
from support.made_up import make_cell
from support.paired import ALPHA, arm, context, pair

OLD = {"alpha": "1.2.0", "beta": "2.4.1"}
NEW = {"alpha": "1.3.0", "beta": "2.4.1"}
CELL = pair(control=arm(OLD), candidate=arm(NEW))


def test_a_plain_cell_is_tried() -> None:
    expected = 'stackcompat try "alpha==1.3.0" "beta==2.4.1" --python 3.12'
    assert reproduce_command(context(), CELL) == expected


@pytest.mark.parametrize(
    ("direction", "writer", "reader"), [("backward", "1.2.0", "1.3.0"), ("forward", "1.3.0", "1.2.0")]
)
def test_artifacts_are_exchanged(direction: str, writer: str, reader: str) -> None:
    command = reproduce_command(context(), CELL.model_copy(update={"direction": direction}))
    assert command == (
        f'stackcompat exchange --write-with "alpha=={writer}" "beta==2.4.1" --read-with "alpha=={reader}" "beta==2.4.1"'
        " --write-python 3.12 --read-python 3.12"
    )


def test_there_is_no_command_for_what_is_on_no_index_or_has_no_lock() -> None:
    built = ALPHA.model_copy(update={"source": "wheel"})
    assert reproduce_command(context(candidates=(built,)), CELL) == ""
    unlocked = Arm(planned=PlannedCell(cell=make_cell(NEW), resolution=Resolution(outcome="failed")))
    assert reproduce_command(context(), CELL.model_copy(update={"candidate": unlocked})) == ""
