"""Each mistake in a TOML file becomes one line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from stackcompat.core.errors import UsageError
from stackcompat.core.record import Record
from stackcompat.core.toml import Table, Write, load_record


class Part(Table):
    name: str
    kind: Literal["wheel", "sdist"]
    size_mb: float = 1.0


class Whole(Table):
    title: str
    count: int
    done: bool
    first: Annotated[str, Write('folder = "here"')]
    words: tuple[str, ...]
    part: Part
    parts: Annotated[tuple[Part, ...], Field(min_length=1)] = ()
    by_name: dict[str, Part] = {}


GOOD = {
    "title": '"T"',
    "count": "1",
    "done": "true",
    "first": '"x"',
    "words": '["a"]',
    "part": '{ name = "p", kind = "wheel" }',
}


def mistakes(folder: Path, text: str) -> list[str]:
    path = folder / "whole.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_record(path, Whole)
    return [line.removeprefix(f"{path}: ") for line in str(caught.value).splitlines()]


def made(**changes: str) -> str:
    return "\n".join(f"{key} = {value}" for key, value in (GOOD | changes).items())


def test_everything_that_is_missing_is_told_with_the_line_to_write(tmp_path: Path) -> None:
    lines = ['title = "..."', "count = 1", "done = true", 'folder = "here"', 'words = ["..."]', "part = { ... }"]
    assert mistakes(tmp_path, "") == [
        f"{key}: is missing; it must be given: {line}" for key, line in zip(GOOD, lines, strict=True)
    ]
    assert mistakes(tmp_path, made(part="{}")) == [
        'part.name: is missing; it must be given: name = "..."',
        'part.kind: is missing; it must be given: kind = "wheel"',
    ]


def test_every_unknown_key_is_told_and_first(tmp_path: Path) -> None:
    first, near = mistakes(tmp_path, made(parts='[{ name = "p", kin = "wheel" }]', colour="1"))
    assert first == (
        '"colour" is not a key that is known here; allowed are by-name, count, done, first, part, parts, title, words'
    )
    allowed = "allowed are kind, name, size-mb"
    assert near == f'parts[0]: "kin" is not a key that is known here; {allowed}; write kind = "wheel"'
    (within,) = mistakes(tmp_path, made() + '\n[by-name.title]\nname = "p"\nkind = "sdist"\nsize_mb = 1\nx = 1')
    assert within == f'by-name.title: "x" is not a key that is known here; {allowed}'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('"a"', '"a"'),
        ("true", "true"),
        ("2.5", "2.5"),
        ("[1]", "[...]"),
        ("{ a = 1 }", "{ ... }"),
        ("2026-01-02", "2026-01-02"),
    ],
)
def test_a_misspelt_key_is_shown_with_its_value(tmp_path: Path, value: str, shown: str) -> None:
    (said,) = mistakes(tmp_path, made(cuont=value))
    assert said.endswith(f"; write count = {shown}")


def test_a_list_of_wrong_entries_is_not_called_empty(tmp_path: Path) -> None:
    (said,) = mistakes(tmp_path, made(parts='[{ name = "p", kind = "zip" }]'))
    assert said == "parts[0].kind: must be one of 'wheel' or 'sdist'"
    assert mistakes(tmp_path, made(parts="[]")) == ["parts: is empty or too short; give at least 1"]


def test_a_plain_record_is_read_like_a_table(tmp_path: Path) -> None:
    class Plain(Record):
        first: int

    path = tmp_path / "plain.toml"
    path.write_text("first = 1\nsecond = 2", encoding="utf-8")
    with pytest.raises(UsageError, match='"second" is not a key that is known here; allowed are first'):
        load_record(path, Plain)
