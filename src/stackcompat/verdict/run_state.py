"""How many cells and crossings of a run are red, are red for the first time, or have no verdict. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from stackcompat.core.vocabulary import Verdict
from stackcompat.verdict.history import GREEN, RED

__all__ = ["UNKNOWN", "RunState", "run_state"]

#: The verdicts of what could not be told. A cell that is not for the platform is not among them.
UNKNOWN: frozenset[Verdict] = frozenset(("flaky", "infra-error", "invalid", "untested"))


class RunState(NamedTuple):
    """How many cells and crossings of a run are not as they should be.

    Attributes:
        new: How many are red and were green in the run before, or were not part of it.
        broken: How many are red.
        unknown: How many have no verdict.
    """

    new: int
    broken: int
    unknown: int


def run_state(verdicts: Mapping[str, Verdict], before: Mapping[str, Verdict]) -> RunState:
    """The state of a run.

    Args:
        verdicts: The verdict on each cell and crossing of the run, by its id.
        before: The same of the run before; empty if there is none.
    """
    red = [name for name, verdict in verdicts.items() if verdict in RED]
    return RunState(
        new=sum(name not in before or before[name] in GREEN for name in red),
        broken=len(red),
        unknown=sum(verdict in UNKNOWN for verdict in verdicts.values()),
    )
