"""The nearest set that works: one solution, few moves, small moves."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from stackcompat.advice.nearest_set import NearestSet, nearest_set
from stackcompat.advice.set_knowledge import SetKnowledge, parsed
from stackcompat.table.build import summarise
from support.made_up import COMPONENTS, NOW, History, failed, make_cell, passed


def world(cells: Iterable[Mapping[str, str]], broken: Iterable[Mapping[str, str]] = ()) -> SetKnowledge:
    """Cells in which every two components are tested together; `broken` are the sets that fail."""
    made = History()
    red = list(broken)
    for versions in [*cells, *red]:
        names = sorted(versions)
        tests = [
            failed(f"t.py::{one}_{other}", one, other)
            if versions in red
            else passed(f"t.py::{one}_{other}", one, other)
            for one, other in itertools.combinations(names, 2)
        ]
        made.add(make_cell(versions), versions, tests=tuple(tests))
    return SetKnowledge(summarise(COMPONENTS, (made.record(),), made.evidence, NOW), "3.12")


def nearest(knowledge: SetKnowledge, loose: Mapping[str, str] | None = None, **installed: str) -> NearestSet | None:
    return nearest_set(parsed(installed), loose or {}, knowledge, lambda _: True)


def test_it_moves_as_few_as_possible_and_these_as_little_as_possible() -> None:
    betas = [{"alpha": alpha, "beta": beta} for alpha, beta in [("1.0", "2.0"), ("1.1", "2.2"), ("1.2", "2.3")]]
    knowledge = world(betas, broken=[{"alpha": "1.0", "beta": "2.3"}])
    found = nearest(knowledge, alpha="1.0", beta="2.3")
    assert found is not None
    assert found.pins == {"alpha": "1.0", "beta": "2.0"} or found.pins == {"alpha": "1.2", "beta": "2.3"}
    assert [(move.installed, move.working) for move in found.moves] in ([("2.3", "2.0")], [("1.0", "1.2")])
    assert found.cell
    assert found.python == "3.12"
    assert found.requirements() == tuple(f"{name}=={version}" for name, version in found.pins.items())


def test_pairs_of_several_cells_make_a_set_that_no_cell_has() -> None:
    cells = [
        {"alpha": "1.0", "beta": "2.0"},
        {"alpha": "1.0", "gamma": "3.0"},
        {"beta": "2.0", "gamma": "3.0"},
        {"alpha": "1.9", "beta": "2.9", "gamma": "3.9"},
    ]
    found = nearest(world(cells), alpha="1.0", beta="2.0", gamma="3.9")
    assert found is not None
    assert (found.pins, found.cell) == ({"alpha": "1.0", "beta": "2.0", "gamma": "3.0"}, "")


def test_a_set_that_does_not_pass_is_not_offered() -> None:
    knowledge = world([{"alpha": "1.0", "beta": "2.0"}, {"alpha": "1.1", "beta": "2.1"}])
    bad = parsed({"alpha": "1.1", "beta": "2.1"})
    found = nearest_set(parsed({"alpha": "1.2", "beta": "2.1"}), {}, knowledge, lambda versions: dict(versions) != bad)
    assert found is not None
    assert found.pins == {"alpha": "1.0", "beta": "2.0"}
    assert nearest_set(parsed({"alpha": "1.2", "beta": "2.1"}), {}, knowledge, lambda _: False) is None


def test_what_was_only_met_is_not_offered_where_others_were_tested_together() -> None:
    made = History()
    shallow = {"alpha": "1.1", "beta": "2.0"}
    made.add(make_cell(shallow), shallow, tests=(passed("t.py::a", "alpha", level="import"), passed("t.py::b", "beta")))
    deep = {"alpha": "1.0", "beta": "2.0"}
    made.add(make_cell(deep), deep, tests=(passed("t.py::ab", "alpha", "beta"),))
    knowledge = SetKnowledge(summarise(COMPONENTS, (made.record(),), made.evidence, NOW), "3.12")
    found = nearest(knowledge, alpha="1.2", beta="2.0")
    assert found is not None
    assert found.pins == deep


def test_pre_releases_forced_and_unknown_components_are_not_offered() -> None:
    knowledge = world([{"alpha": "1.0", "beta": "2.0rc1"}, {"alpha": "0.9", "beta": "1.9"}])
    found = nearest(knowledge, alpha="1.0", beta="2.0")
    assert found is not None
    assert found.pins == {"alpha": "0.9", "beta": "1.9"}
    assert nearest(knowledge, alpha="1.0", eta="1") is None
    assert nearest(knowledge) is None


def test_what_has_no_exact_version_is_chosen_within_its_bounds() -> None:
    cells = [{"alpha": "1.0", "beta": "2.0"}, {"alpha": "1.1", "beta": "2.1"}, {"alpha": "1.2", "beta": "2.2"}]
    found = nearest(world(cells), {"alpha": "<1.2", "beta": ""})
    assert found is not None
    assert found.pins == {"alpha": "1.1", "beta": "2.1"}
    assert [move.installed for move in found.moves] == ["", ""]
    pinned = nearest(world(cells), {"beta": ">2.0"}, alpha="1.2")
    assert pinned is not None
    assert pinned.pins == {"alpha": "1.2", "beta": "2.2"}
    assert nearest(world(cells), {"beta": ">9"}, alpha="1.2") is None
