"""Why a tested component is in no pair."""

from __future__ import annotations

from stackcompat.ecosystem.components import Components
from stackcompat.table.build import summarise
from stackcompat.table.unpaired import unpaired_reason, unpaired_rows
from support.made_up import COMPONENTS, NOW, History, component, make_cell, passed

VERSIONS = {"alpha": "1.3.0", "beta": "2.4.1", "gamma": "1.0.2"}


def test_a_component_that_no_test_uses_with_another() -> None:
    made = History()
    joint, lone = passed("t", "alpha", "beta"), passed("lone", "gamma")
    made.add(make_cell(VERSIONS, policy="newest"), VERSIONS, tests=(joint, lone))
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    assert {row.name: unpaired_reason(row, summary) for row in unpaired_rows(summary)} == {
        "gamma": "no test uses it together with another component"
    }


def test_a_component_that_is_taken_from_its_source() -> None:
    omega = component("omega", published="git only", distributions=("gamma",))
    known = Components(components=(*COMPONENTS.components[:3], omega))
    made = History()
    pair = {"alpha": "1.3.0", "beta": "2.4.1"}
    made.add(make_cell(pair, policy="newest"), pair)
    made.add(make_cell(VERSIONS, policy="local", local={"gamma": "$GAMMA_SOURCE"}), VERSIONS)
    summary = summarise(known, (made.record(),), made.evidence, NOW)
    (row,) = unpaired_rows(summary)
    assert row.name == "omega"
    assert unpaired_reason(row, summary).startswith("it was installed from its source, which counts for no pair; ")


def test_a_component_that_was_tested_beside_older_releases_alone() -> None:
    made = History()
    made.add(make_cell(VERSIONS, policy="newest"), VERSIONS, tests=(passed("t", "alpha", "beta"), passed("u", "gamma")))
    older = VERSIONS | {"alpha": "1.2.0", "beta": "2.3.0"}
    made.add(
        make_cell(older, policy="pairs"), older, tests=(passed("t", "alpha", "beta"), passed("v", "alpha", "gamma"))
    )
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    assert "gamma" not in {row.name for row in summary.square()}
    assert {row.name: unpaired_reason(row, summary) for row in unpaired_rows(summary)} == {
        "gamma": "it was tested beside older releases of the others alone"
    }
