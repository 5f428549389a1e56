"""Which diagnoses are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stackcompat.blame.diagnosis import DIAGNOSES, Diagnosis
from stackcompat.blame.result import Culprit
from stackcompat.cli.culprit_search import exchange_plans, keep_diagnosis, keep_sides
from stackcompat.evidence.runs import ExchangePlan, RunRecord
from stackcompat.evidence.store import Store
from stackcompat.verdict.verdict import CellVerdict, judge
from support.made_up import COMPONENTS, NEWEST, NOW, failed, make_cell, planned, run_of, unresolved

CELL = planned(make_cell(NEWEST), NEWEST)
RED = failed("t.py::test_x", "alpha", packages=("alpha",))
FEATURE = RED.model_copy(update={"test": "t.py::test_feature", "feature": "sparse"})
ALPHA = (Culprit(name="alpha", version="1.3.0"),)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "evidence.sqlite")
    yield store
    store.close()


def verdict() -> CellVerdict:
    return judge(CELL, tuple(run_of(CELL, RED, FEATURE, attempt=attempt) for attempt in range(2)), COMPONENTS)


def diagnosis(culprits: tuple[Culprit, ...] = ALPHA, *, infra: int = 0, **more: object) -> Diagnosis:
    about = {"cell": CELL.cell.id, "lock_id": "l", "failing": RED, "made": NOW} | more
    return Diagnosis.model_validate(about | {"culprits": culprits, "infra": infra})


def kept(store: Store) -> list[Diagnosis]:
    return list(store.kept(DIAGNOSES))


def test_the_culprit_of_a_failure_is_kept(store: Store) -> None:
    keep_diagnosis(verdict(), diagnosis(), store)
    assert [entry.culprits for entry in kept(store)] == [ALPHA]


def test_a_search_that_found_nobody_is_kept_unless_infrastructure_stopped_it(store: Store) -> None:
    keep_diagnosis(verdict(), diagnosis((), infra=1), store)
    assert kept(store) == []
    keep_diagnosis(verdict(), diagnosis(()), store)
    assert [entry.culprits for entry in kept(store)] == [()]


def test_a_culprit_is_kept_although_some_probes_met_infrastructure(store: Store) -> None:
    keep_diagnosis(verdict(), diagnosis(infra=1), store)
    assert [entry.culprits for entry in kept(store)] == [ALPHA]


def test_the_culprit_of_a_feature_is_not_kept(store: Store) -> None:
    judged = verdict()
    assert [test.test for test in judged.broken_features] == [FEATURE.test]
    keep_diagnosis(judged, diagnosis(failing=FEATURE), store)
    assert kept(store) == []


def test_the_reason_why_a_cell_does_not_resolve_is_not_kept(store: Store) -> None:
    conflict = judge(unresolved(make_cell(NEWEST), "beta needs alpha<1"), (), COMPONENTS)
    keep_diagnosis(conflict, diagnosis(failing=RED.model_copy(update={"test": ""})), store)
    assert kept(store) == []


def test_each_side_of_a_crossing_is_kept_by_the_same_rule(store: Store) -> None:
    keep_sides({"reader": diagnosis(side="reader"), "writer": diagnosis((), infra=2, side="writer")}, store)
    assert [entry.side for entry in kept(store)] == ["reader"]


def test_only_runs_with_crossings_have_a_plan_of_them(store: Store) -> None:
    about = {"started": NOW, "title": "M", "components": ("alpha",), "pythons": ("3.12",)}
    plan = ExchangePlan(cells=(CELL,), crossings=())
    store.add_run(RunRecord.model_validate(about | {"matrix": "m", "cells": (CELL,)}))
    store.add_run(RunRecord.model_validate(about | {"matrix": "x", "exchange": plan}))
    assert exchange_plans(store) == [plan]
