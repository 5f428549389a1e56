"""Records as columns, and back."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.evidence.columns import Column, column_of

NOON = dt.datetime(2026, 11, 29, 12, 0, 0, 5, tzinfo=dt.UTC)


class Inner(Record):
    name: str
    log: str = ""


class Outer(Record):
    text: str
    kind: Literal["a", "b"]
    number: int
    share: float
    flag: bool
    moment: dt.datetime
    maybe: float | None
    missing: str | None = "not None"
    inner: Inner | None = None
    many: tuple[Inner, ...] = ()
    pair: tuple[int, int] = (0, 0)
    by_name: dict[str, tuple[Inner, ...]] = {}
    described: Annotated[tuple[str, ...], Field(description="Texts.")] = ()
    either: int | str = 0


WHOLE = Outer(
    text="ä\n",
    kind="b",
    number=-3,
    share=0.1,
    flag=True,
    moment=NOON,
    maybe=None,
    missing=None,
    inner=Inner(name="x", log="long"),
    many=(Inner(name="y"), Inner(name="z")),
    pair=(1, 2),
    by_name={"b": (Inner(name="p"),), "a": ()},
    described=("q",),
    either="7",
)


def there_and_back(column: Column, record: Record) -> Any:
    (held,) = pa.array([column.encode(record)], column.type).to_pylist()
    return column.decode(held)


def test_a_record_comes_back_as_it_was() -> None:
    back = Outer.model_validate(there_and_back(column_of(Outer), WHOLE))
    assert back == WHOLE
    assert back.to_json() == WHOLE.to_json()
    assert list(back.by_name) == ["b", "a"]


def test_types_are_those_of_columns() -> None:
    held = column_of(Outer).type
    assert held.field("share").type == pa.float64()
    assert held.field("pair").type == pa.list_(pa.int64())
    assert held.field("many").type.value_type.field("name").type == pa.string()
    assert held.field("by_name").type.key_type == pa.string()
    assert held.field("either").type == pa.string()  # JSON


def test_a_field_that_is_left_out_gets_its_default() -> None:
    column = column_of(Outer, left_out=frozenset({(Inner, "log")}))
    assert [field.name for field in column.type.field("inner").type] == ["name"]
    assert Outer.model_validate(there_and_back(column, WHOLE)).inner == Inner(name="x")


def test_a_column_stands_for_a_class_of_records() -> None:
    names = Column(pa.string(), lambda inner: inner.name, lambda name: Inner(name=f"{name}!"))
    back = Outer.model_validate(there_and_back(column_of(Outer, {Inner: names}), WHOLE))
    assert [inner.name for inner in back.many] == ["y!", "z!"]


def test_a_field_that_an_older_file_lacks_gets_its_default_and_a_newer_one_is_left_out() -> None:
    column = column_of(Inner)
    assert column.decode({"name": "x", "new": 1}) == {"name": "x"}
    assert Inner.model_validate(column.decode({"name": "x"})) == Inner(name="x")


def test_a_whole_number_in_a_field_for_fractions_is_written_as_it_is_read() -> None:
    record = WHOLE.model_copy(update={"share": 3})
    encoded = column_of(Outer).encode(record)
    assert repr(encoded["share"]) == "3.0"
