"""Work on many items at once."""

from __future__ import annotations

import threading
import time

import pytest

from stackcompat.pipeline.workers import as_completed, work_through
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


def test_what_comes_next_can_depend_on_the_results_so_far() -> None:
    found: list[int] = []

    def take() -> int | None:
        return len(found) + 1 if len(found) < 3 else None

    for _, result in work_through(take, lambda item: item * 10, FakeExecutor(lambda *_: ())):
        found.append(result)
    assert found == [10, 20, 30]


def test_whoever_wants_no_more_results_stops_the_executor() -> None:
    executor = FakeExecutor(lambda *_: ())
    results = as_completed(range(50), lambda item: item, executor)
    next(results)
    results.close()
    assert executor.stopped


def test_work_on_this_machine_has_a_number_of_threads_of_its_own() -> None:
    together: list[int] = []
    running: list[int] = []

    def work(item: int) -> int:
        running.append(item)
        together.append(len(running))
        time.sleep(0.05)
        running.remove(item)
        return item

    executor = FakeExecutor(lambda *_: (), workers=8)
    assert len(list(as_completed(range(6), work, executor, at_once=2))) == 6
    assert max(together) == 2


def test_an_interrupt_does_not_wait_for_a_thread_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackcompat.pipeline.workers._PATIENCE", 0.05)
    released = threading.Event()
    executor = FakeExecutor(lambda *_: (), workers=1)

    def take() -> int:
        if not begun:
            begun.append(1)
            return 1
        raise KeyboardInterrupt

    begun: list[int] = []
    executor.workers = 2
    with pytest.raises(KeyboardInterrupt):
        list(work_through(take, lambda _: released.wait(60), executor))
    assert executor.stopped
    released.set()
