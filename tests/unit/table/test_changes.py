from __future__ import annotations

import datetime as dt

from stackcompat.table.build import summarise
from stackcompat.table.changes import table_changes
from support.made_up import COMPONENTS, NOW, history

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)
LATER = SUMMARY.model_copy(update={"generated": NOW + dt.timedelta(days=1)})


def test_nothing_changes_between_equal_tables() -> None:
    changes = table_changes(SUMMARY, LATER)
    assert changes.is_empty
    assert changes.since == NOW
    assert (changes.added, changes.removed) == (0, 0)


def test_cells_that_turn_red_or_green() -> None:
    red = next(cell for cell in SUMMARY.cells if cell.verdict == "broken")
    green = next(cell for cell in SUMMARY.cells if cell.verdict == "works")
    turned = {red.id: "works", green.id: "broken"}
    cells = tuple(cell.model_copy(update={"verdict": turned.get(cell.id, cell.verdict)}) for cell in SUMMARY.cells)
    changes = table_changes(SUMMARY, LATER.model_copy(update={"cells": cells}))
    assert [change.cell for change in changes.mended] == [red.id]
    assert [change.cell for change in changes.broke] == [green.id]
    assert not changes.is_empty


def test_a_cell_without_a_verdict_broke_nothing() -> None:
    green = next(cell for cell in SUMMARY.cells if cell.verdict == "works")
    cells = tuple(
        cell.model_copy(update={"verdict": "infra-error"}) if cell.id == green.id else cell for cell in SUMMARY.cells
    )
    assert table_changes(SUMMARY, LATER.model_copy(update={"cells": cells})).is_empty


def test_new_and_gone_failures_but_those_of_own_tests() -> None:
    first, *rest = [group for group in SUMMARY.failures if group.verdict == "broken"]
    others = tuple(group for group in SUMMARY.failures if group.id != first.id)
    less = SUMMARY.model_copy(update={"failures": others})
    assert table_changes(less, LATER).new_failures == (first.id,)
    left = table_changes(SUMMARY, less)
    assert (left.gone_failures, left.left_failures) == ((), (first.signature,))
    assert not left.is_empty
    mended = tuple(
        cell.model_copy(update={"verdict": "works"}) if cell.id == first.cells[0] else cell for cell in SUMMARY.cells
    )
    gone = table_changes(SUMMARY, less.model_copy(update={"cells": mended}))
    assert (gone.gone_failures, gone.left_failures) == ((first.signature,), ())
    note = first.model_copy(update={"level": "upstream"})
    assert table_changes(less, LATER.model_copy(update={"failures": (note, *others)})).is_empty
    assert rest


def test_new_releases_and_cells() -> None:
    rows = tuple(
        row.model_copy(update={"newest": "1.4.0"}) if row.name == "alpha" else row for row in SUMMARY.components
    )
    after = LATER.model_copy(update={"components": rows, "cells": SUMMARY.cells[2:]})
    changes = table_changes(SUMMARY, after)
    assert [(one.component, one.before, one.after) for one in changes.releases] == [("alpha", "1.3.0", "1.4.0")]
    assert (changes.added, changes.removed) == (0, 2)
