"""The suspects of a failure; what a set needs beside its components."""

from __future__ import annotations

from stackcompat.table.build import summarise
from stackcompat.table.features import FeatureRow
from stackcompat.table.summary import suspects_of
from support.made_up import COMPONENTS, NOW, history


def test_suspects_are_named_with_their_versions() -> None:
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    named = {suspects_of(group, summary) for group in summary.failures}
    assert "Alpha 1.2.0 \N{EN DASH} 1.3.0 with Beta 2.0.0 \N{EN DASH} 2.1.3" in named
    assert "" in named  # a failure of the machine has no suspects


def test_a_set_needs_what_its_cell_asked_for_and_no_component_declares() -> None:
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    cell = next(one for one in summary.cells if one.verdict == "works")
    assert summary.besides(cell) == ()
    asking = cell.model_copy(update={"requirements": (*cell.requirements, "glue", "paste[fine]>=2")})
    assert summary.besides(asking) == ("glue", "paste[fine]>=2")
    known = summary.model_copy(update={"installed": {cell.id: {"glue": "1.4", "paste": "2.1", "alpha": "1.3.0"}}})
    assert known.besides(asking) == ("glue==1.4", "paste[fine]==2.1")


def test_a_set_needs_what_a_limit_of_its_cell_says_to_install() -> None:
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    cell, other = [one for one in summary.cells if one.verdict == "works"][:2]
    limit = FeatureRow(
        feature="boxes",
        signature="ModuleNotFoundError: No module named 'glue' [alpha]",
        tests=(),
        components={"alpha": ("1.3.0",)},
        cells=(cell.id,),
        today=True,
        cure="install glue",
    )
    limited = summary.model_copy(update={"features": (limit,)})
    assert limited.besides(cell) == ("glue",)
    assert limited.besides(other) == ()
