"""The suspects of a failure."""

from __future__ import annotations

from stackcompat.table.build import summarise
from stackcompat.table.summary import suspects_of
from support.made_up import COMPONENTS, NOW, history


def test_suspects_are_named_with_their_versions() -> None:
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    named = {suspects_of(group, summary) for group in summary.failures}
    assert "Alpha 1.2.0 \N{EN DASH} 1.3.0 with Beta 2.0.0 \N{EN DASH} 2.1.3" in named
    assert "" in named  # a failure of the machine has no suspects
