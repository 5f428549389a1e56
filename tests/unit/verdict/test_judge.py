"""The same lock with the same evidence is judged once; what differs from cell to cell is not shared."""

from __future__ import annotations

import pytest

from stackcompat.evidence.runs import PlannedCell
from stackcompat.resolve.lock import HeldBack
from stackcompat.verdict import judge as judging
from stackcompat.verdict.judge import Judge
from stackcompat.verdict.verdict import judge
from support.made_up import COMPONENTS, NEWEST, failed, make_cell, passed, planned, run_of, unresolved

HELD = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="Python 3.11", bound="requires-python >=3.12")
ALL = planned(make_cell(NEWEST), NEWEST)
RUNS = (run_of(ALL, passed("t", "alpha", "beta")), run_of(ALL, failed("t", "alpha", "beta"), attempt=1))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the cells that are judged."""
    keys: list[str] = []

    def counting(planned: PlannedCell, *args: object, **more: object) -> object:
        keys.append(planned.key)
        return judge(planned, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(judging, "judge", counting)
    return keys


def test_a_lock_is_judged_once_for_each_evidence(counted: list[str]) -> None:
    once = Judge(COMPONENTS, {})
    assert [once.verdict(ALL, RUNS[:1]), once.verdict(ALL, RUNS), once.verdict(ALL, RUNS)] == [
        judge(ALL, RUNS[:1], COMPONENTS),
        judge(ALL, RUNS, COMPONENTS),
        judge(ALL, RUNS, COMPONENTS),
    ]
    assert len(counted) == 2


def test_cells_of_one_lock_have_their_own_bounds_and_are_judged_by_what_they_ask_for(counted: list[str]) -> None:
    once = Judge(COMPONENTS, {})
    part = ALL.cell.model_copy(update={"requirements": ("alpha", "beta")})
    cells = [
        ALL,
        ALL.model_copy(update={"resolution": ALL.resolution.model_copy(update={"held_back": (HELD,)})}),
        ALL.model_copy(update={"cell": ALL.cell.model_copy(update={"overrides": ("alpha==1.3.0",)})}),
        ALL.model_copy(update={"cell": part}),
    ]
    assert [once.verdict(cell, RUNS[:1]) for cell in cells] == [judge(cell, RUNS[:1], COMPONENTS) for cell in cells]
    assert len(counted) == 2


def test_cells_without_a_lock_share_nothing() -> None:
    once = Judge(COMPONENTS, {})
    refused = [unresolved(make_cell(NEWEST, python), f"no {python}") for python in ("3.12", "3.13")]
    assert [once.verdict(cell, ()).sentence for cell in refused] == ["no 3.12", "no 3.13"]
