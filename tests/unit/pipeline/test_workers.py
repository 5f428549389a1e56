"""Work on many items at once."""

from __future__ import annotations

import threading

import pytest

from stackcompat.pipeline.workers import as_completed
from support.fakes import FakeExecutor


def test_each_item_gets_its_result_and_results_come_as_they_are_ready() -> None:
    released = threading.Event()

    def work(item: int) -> int:
        if item == 1:
            assert released.wait(60)
        return item * item

    found = []
    for item, result in as_completed([1, 2, 3], work, FakeExecutor(lambda *_: (), workers=2)):
        found.append((item, result))
        if len(found) == 2:
            released.set()
    assert sorted(found) == [(1, 1), (2, 4), (3, 9)]
    assert found[-1] == (1, 1)


def test_an_error_ends_what_runs_and_begins_nothing_more() -> None:
    executor = FakeExecutor(lambda *_: ())
    begun = []

    def work(item: int) -> None:
        begun.append(item)
        raise ValueError("no lid")

    with pytest.raises(ValueError, match="no lid"):
        list(as_completed(range(50), work, executor))
    assert executor.stopped
    assert len(begun) < 50


def test_without_items_there_is_nothing_to_do() -> None:
    assert list(as_completed([], lambda item: item, FakeExecutor(lambda *_: ()))) == []
