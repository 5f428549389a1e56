"""How far the cells of some runs were closed while their tests ran. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.text import and_list
from stackcompat.evidence.results import Evidence

__all__ = ["ClosedCount", "count_closed"]


class ClosedCount(Record):
    """How many runs were closed in how far."""

    sandbox: Annotated[int, Field(description="Number of runs in a sandbox with its own files and processes.")] = 0
    network: Annotated[int, Field(description="Number of runs of which only the network was cut.")] = 0
    open: Annotated[int, Field(description="Number of runs as ordinary processes of the user.")] = 0
    sentence: Annotated[str, Field(description="What was not closed, in words; empty if all was.")] = ""


def count_closed(runs: Iterable[Evidence]) -> ClosedCount:
    """Count how far runs were closed.

    Args:
        runs: The runs. Each counts once, and only if it ran tests in an environment of its own.
    """
    seen = {run.id: run.isolation.level for run in runs if run.isolation is not None and run.made_environment}
    counts = Counter(seen.values())
    return ClosedCount(
        sandbox=counts["bubblewrap"],
        network=counts["namespaces"],
        open=counts["open"],
        sentence=_sentence(len(seen), counts["namespaces"], counts["open"]),
    )


def _sentence(runs: int, network: int, opened: int) -> str:
    if not network + opened:
        return ""
    parts = []
    if network:
        parts.append(f"{network} had only no network")
    if opened:
        parts.append(f"{opened} could reach everything that the user can")
    return (
        f"{network + opened} of {runs} {'run' if runs == 1 else 'runs'} had no sandbox: {and_list(parts)}, so that the "
        "code under test could have changed files of this machine"
    )
