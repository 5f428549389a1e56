"""A crossing is broken only by a test that passed in a baseline, whatever both sides do."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import Crossing, ExchangePlan, PlannedCell
from stackcompat.verdict.exchange import judge_crossing, written
from stackcompat.verdict.outcomes import classify
from support.made_up import failed, make_cell, not_applicable, passed, planned, run_of

OLD, NEW = {"alpha": "1.0.0"}, {"alpha": "1.3.0"}
WRITER, READER = planned(make_cell(OLD), OLD), planned(make_cell(NEW), NEW)
W, R = WRITER.cell.id, READER.cell.id
PLAN = ExchangePlan(
    cells=(WRITER, READER),
    crossings=(
        Crossing(writer=W, reader=R, key="cross", square="s"),
        Crossing(writer=W, reader=W, key="back"),
        Crossing(writer=R, reader=R, key="own"),
    ),
)
ARTIFACTS = ("a", "b")
MAKERS: dict[str, Callable[[str], TestResult]] = {"green": passed, "red": failed, "absent": not_applicable}

outcomes = st.fixed_dictionaries({name: st.sampled_from(sorted(MAKERS)) for name in ARTIFACTS})
histories = st.lists(outcomes, max_size=3)


def results(verb: str, world: dict[str, str]) -> tuple[TestResult, ...]:
    return tuple(MAKERS[kind](f"{verb} {a}").model_copy(update={"artifact": a}) for a, kind in world.items())


def runs(cell: PlannedCell, verb: str, history: list[dict[str, str]]) -> tuple[Evidence, ...]:
    return tuple(run_of(cell, *results(verb, world), attempt=n) for n, world in enumerate(history))


@given(histories, histories, histories, histories)
def test_broken_has_a_baseline_and_a_writer(
    writes: list[dict[str, str]],
    reads: list[dict[str, str]],
    back: list[dict[str, str]],
    own: list[dict[str, str]],
) -> None:
    evidence = {
        WRITER.key: runs(WRITER, "write", writes),
        "cross": runs(READER, "read", reads),
        "back": runs(WRITER, "read", back),
        "own": runs(READER, "read", own),
    }
    found = judge_crossing(PLAN.crossings[0], PLAN, evidence)
    left = written(evidence[WRITER.key])
    states = {key: {s.result.artifact: s.state for s in classify(runs)} for key, runs in evidence.items()}
    for artifact in found.artifacts:
        name = artifact.artifact
        baselines = [states[key].get(name) for key in ("back", "own")]
        if artifact.verdict == "works":
            assert name in left
            assert states["cross"][name] == "passed"
        if artifact.verdict == "broken":
            assert name in left
            assert states["cross"][name] == "confirmed"
            assert "passed" in baselines
            assert not {"confirmed", "flaky", "unconfirmed"} & set(baselines)
    if found.verdict in ("works", "broken"):
        assert found.verdict in {artifact.verdict for artifact in found.artifacts}
    assert found.sentence
