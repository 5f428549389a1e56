"""Work in threads that nobody waits for."""

from __future__ import annotations

import threading

import pytest

from stackcompat.core.threads import in_threads, within


class TestInThreads:
    def test_results_are_in_the_order_of_the_items(self) -> None:
        second = threading.Event()

        def work(item: int) -> int:
            if item == 1:
                assert second.wait(10)
            second.set()
            return item * 10

        assert in_threads(work, [1, 2, 3], 2) == [10, 20, 30]
        assert in_threads(work, [], 2) == []

    def test_the_first_error_ends_it_though_others_go_on(self) -> None:
        release = threading.Event()

        def work(item: int) -> None:
            if item == 0:
                release.wait(60)
            raise ValueError(f"item {item}")

        with pytest.raises(ValueError, match="item 1"):
            in_threads(work, [0, 1], 2)
        release.set()

    def test_after_an_error_nothing_further_is_begun(self) -> None:
        begun = []

        def work(item: int) -> None:
            begun.append(item)
            raise ValueError

        with pytest.raises(ValueError):
            in_threads(work, range(1000), 1)
        assert len(begun) < 1000


class TestWithin:
    def test_what_is_done_in_time_counts(self) -> None:
        assert within(10, lambda: 7) == 7
        with pytest.raises(ZeroDivisionError):
            within(10, lambda: 1 // 0)

    def test_what_is_not_is_left(self) -> None:
        release = threading.Event()
        with pytest.raises(TimeoutError, match=r"not done after 0\.05 s"):
            within(0.05, lambda: release.wait(60))
        release.set()
