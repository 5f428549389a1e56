"""What the newest releases still use although its end is announced, and from when it may be gone."""

from __future__ import annotations

import datetime as dt

import pytest

from stackcompat.advice.deprecation import forecasts
from stackcompat.table.build import summarise
from stackcompat.table.warnings import WarningRow
from support.made_up import COMPONENTS, NOW, history
from support.world import World

WORLD = World({"alpha": {"1.0.0": "2026-01-01", "1.1.0": "2026-03-01"}})
PROMISE = COMPONENTS.model_copy(
    update={
        "components": tuple(
            row.model_copy(update={"deprecation_months": 3}) if row.name == "alpha" else row
            for row in COMPONENTS.components
        )
    }
)
ROW = WarningRow(
    category="DeprecationWarning",
    raised_by="alpha",
    raised_since="1.1.0",
    triggered_by="beta",
    triggered_version="2.4.1",
    message="alpha.core.Box is deprecated",
    count=3,
    cells=2,
    today=True,
)


def test_the_end_is_the_upload_and_what_the_policy_gives() -> None:
    summary = summarise(PROMISE, (history().record(),), {}, NOW).model_copy(update={"warnings": (ROW,)})
    (found,) = forecasts(summary, PROMISE, WORLD)
    assert found.from_date == dt.date(2026, 5, 31)
    assert found.sentence() == (
        "beta 2.4.1 uses a feature that alpha has deprecated since 1.1.0 or earlier; it can be removed from 2026-05-31 "
        "on: alpha.core.Box is deprecated"
    )
    (unknown,) = forecasts(summary, COMPONENTS, WORLD)
    assert unknown.from_date is None
    assert "may be gone" not in unknown.sentence()


@pytest.mark.parametrize(
    "change",
    [
        {"today": False},
        {"category": "UserWarning"},
        {"triggered_by": "alpha"},
        {"triggered_by": ""},
        {"raised_by": ""},
    ],
)
def test_what_concerns_nobody_else_or_nobody_any_more_is_no_forecast(change: dict[str, object]) -> None:
    summary = summarise(PROMISE, (history().record(),), {}, NOW)
    row = ROW.model_copy(update=change)
    assert forecasts(summary.model_copy(update={"warnings": (row,)}), PROMISE, WORLD) == ()


def test_the_table_knows_since_when_and_by_whom() -> None:
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    assert summary.warnings
    for row in summary.warnings:
        assert bool(row.raised_since) == bool(row.raised_by)
        assert bool(row.triggered_version) == bool(row.triggered_by)
