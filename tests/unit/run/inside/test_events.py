"""The stream of events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackcompat.run.inside.events import EventStream, seal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def stream(path: Path) -> Iterator[EventStream]:
    path.write_text('{"event": "done", "foreign": []}\n')
    stream = EventStream(str(path))
    yield stream
    stream._file.close()


def test_an_event_is_a_line_that_is_there_at_once(stream: EventStream, path: Path) -> None:
    stream.emit({"event": "start", "test": "…::test_a", "limit": 5.0})
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[1:] == ['{"event": "start", "test": "…::test_a", "limit": 5.0}']


def test_text_that_cannot_be_encoded_is_written_all_the_same(stream: EventStream, path: Path) -> None:
    stream.emit({"event": "done", "foreign": ["\udcff\nx"]})
    last = path.read_text(encoding="utf-8").splitlines()[-1]
    assert json.loads(last) == {"event": "done", "foreign": ["?\nx"]}


def test_a_sealed_event_is_told_from_what_others_write(path: Path) -> None:
    stream = EventStream(str(path), b"secret")
    stream.emit({"event": "done", "foreign": ["…"]})
    with path.open("a", encoding="utf-8") as file:
        file.write('{"event": "done", "foreign": ["forged"]}\n')
        file.write(f"{seal(b'{}', b'another').decode()} {{}}\n")
    stream._file.close()
    assert stream.since(0) == [{"event": "done", "foreign": ["…"]}]
    sealed, _, line = path.read_bytes().splitlines()[0].partition(b" ")
    assert sealed == seal(line, b"secret") != seal(line, b"another")
