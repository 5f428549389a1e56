"""All advisories of a made-up history: their ids and their order."""

from __future__ import annotations

from stackcompat.advice.advisories import advisories
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, history


def test_ids_stay_while_releases_come_and_go(summary: Summary) -> None:
    made = history()
    cut = made.record()
    fewer = cut.model_copy(update={"cells": cut.cells[:-5]})
    before = {(one.signature, one.sides[0].component, one.sides[1].component): one.id for one in advisories(summary)}
    then = advisories(summarise(COMPONENTS, (fewer,), made.evidence, NOW))
    after = {(one.signature, one.sides[0].component, one.sides[1].component): one.id for one in then}
    shared = before.keys() & after.keys()
    assert shared
    assert {s: before[s] for s in shared} == {s: after[s] for s in shared}
    assert len(set(before.values())) == len(before) == len(advisories(summary))
