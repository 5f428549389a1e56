"""The crossings of writers and readers, their artifacts, and their promises."""

from __future__ import annotations

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.components import Components
from stackcompat.pipeline.exchange_plan import choose, complete, plan_crossings, promised
from stackcompat.plan.matrix import Promise
from support.made_up import COMPONENTS, make_cell, make_lock, planned
from support.world import day

OLD, NEW = {"alpha": "1.0.0"}, {"alpha": "1.3.0"}
WRITER, READER = planned(make_cell(OLD), OLD), planned(make_cell(NEW), NEW)


def test_undeclared_needs_are_asked_for_where_the_component_is() -> None:
    rows = tuple(
        c.model_copy(update={"undeclared": ("packer", "numbers")}) if c.name == "alpha" else c
        for c in COMPONENTS.components
    )
    components = Components(components=rows)
    whole = complete(WRITER.cell, make_lock(OLD), components)
    assert whole.requirements == ("alpha==1.0.0", "packer")
    assert complete(whole, make_lock(OLD), components) is whole
    assert complete(WRITER.cell, make_lock({"gamma": "1.0.2"}), components) is WRITER.cell


def test_every_writer_meets_every_reader_once() -> None:
    crossings = plan_crossings((WRITER, READER), (READER, READER), {(WRITER.cell.id, READER.cell.id): "k"}, "s")
    ends = [(c.writer, c.reader, c.key) for c in crossings]
    assert ends == [(WRITER.cell.id, READER.cell.id, "k"), (READER.cell.id, READER.cell.id, "")]


@pytest.mark.parametrize(
    ("writer", "reader", "kept"),
    [
        ("2026-01-01", "2026-01-01", True),
        ("2026-01-01", "2026-06-30", True),
        ("2026-01-01", "2026-07-15", False),
        ("2026-01-15", "2026-01-01", True),
        ("2026-02-15", "2026-01-01", False),
    ],
)
def test_a_promise_holds_for_so_many_days_back_and_forward(writer: str, reader: str, kept: bool) -> None:
    promises = (
        Promise(artifact="box*", component="alpha", backward_days=182, forward_days=21),
        Promise(artifact="crate", component="beta", backward_days=0, forward_days=0),
    )
    assert promised(promises, {"alpha": day(writer)}, {"alpha": day(reader), "beta": day(reader)}) == {"box*": kept}


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (["box"], ("box",)),
        (["box", "tin-can"], ("box", "tin-can")),
        (["tin"], ("box-tin", "tin-can", "tin-can-open")),
        (["tin-can"], ("tin-can",)),  # a whole name means this artifact only
        (["tin-can*"], ("tin-can", "tin-can-open")),
        (["can"], ("tin-can", "tin-can-open")),
        ([], ()),
    ],
)
def test_artifacts_are_meant_by_name_or_by_a_word_of_it(words: list[str], chosen: tuple[str, ...]) -> None:
    assert choose(words, ("box", "box-tin", "tin-can", "tin-can-open")) == chosen
    with pytest.raises(UsageError, match='no artifact "ti"; allowed are box, '):
        choose(["ti"], ("box", "box-tin", "tin-can"))
