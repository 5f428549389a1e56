"""What follows from a table, taken together."""

from __future__ import annotations

from stackcompat.advice.advice import collect_advice
from stackcompat.advice.osv import is_for_everybody, osv_id
from stackcompat.table.summary import Summary
from support.advice_world import USES_ALPHA
from support.made_up import COMPONENTS


def test_only_advisories_that_hit_everybody_have_an_osv_record(summary: Summary) -> None:
    advice = collect_advice(summary, COMPONENTS, USES_ALPHA, (), ())
    assert advice.advisories
    hit = [osv_id(advisory) for advisory in advice.advisories if is_for_everybody(advisory, summary)]
    assert list(advice.osv_records) == hit


def test_a_known_good_set_is_that_of_a_cell_that_works_and_is_named_once(summary: Summary) -> None:
    advice = collect_advice(summary, COMPONENTS, USES_ALPHA, (), ())
    assert advice.known_good
    for known in advice.known_good:
        assert known.cell.verdict == "works"
        assert known.cell.policy in ("newest", "metapackage", "as-of")
        assert known.cell.forced == ()
        assert known.versions == summary.installed[known.cell.id]
    sets = [(known.cell.python, tuple(known.versions.items())) for known in advice.known_good]
    assert len(set(sets)) == len(sets)
    twin = summary.cells[0].model_copy(update={"id": "twin"})
    twice = summary.model_copy(
        update={
            "cells": (*summary.cells, twin),
            "installed": summary.installed | {"twin": summary.installed[summary.cells[0].id]},
        }
    )
    again = collect_advice(twice, COMPONENTS, USES_ALPHA, (), ())
    assert [known.cell.id for known in again.known_good] == [known.cell.id for known in advice.known_good]
