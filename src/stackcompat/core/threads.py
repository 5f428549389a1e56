"""Work in threads that a command does not wait for when it is told to stop.

The threads of :mod:`concurrent.futures` are joined at the end of the interpreter, however long an index lets them wait.
These are not: they end with the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import TypeVar

__all__ = ["in_threads", "within"]

Item = TypeVar("Item")


Result = TypeVar("Result")


def in_threads(work: Callable[[Item], Result], items: Sequence[Item], threads: int) -> list[Result]:
    """Work on each item, in several threads.

    Args:
        work: Works on one item. The first error that it raises is raised here; no further item is begun then.
        items: The items.
        threads: How many threads there are at most.

    Returns:
        The results, in the order of the items.
    """
    waiting = iter(range(len(items)))
    taking = threading.Lock()
    done: SimpleQueue[tuple[int, Result | None, BaseException | None]] = SimpleQueue()
    stopped = threading.Event()

    def go_on() -> None:
        while not stopped.is_set():
            with taking:
                place = next(waiting, None)
            if place is None:
                return
            try:
                done.put((place, work(items[place]), None))
            except BaseException as error:  # noqa: BLE001  (raised again in the thread of the caller)
                stopped.set()
                done.put((place, None, error))

    for _ in range(min(threads, len(items))):
        threading.Thread(target=go_on, daemon=True).start()
    results: dict[int, Result | None] = {}
    try:
        for _ in items:
            place, result, error = done.get()
            if error is not None:
                raise error
            results[place] = result
    finally:
        stopped.set()
    return [results[place] for place in range(len(items))]  # type: ignore[misc]  # each is a result by now


def within(seconds: float | None, work: Callable[[], Result]) -> Result:
    """Do some work in a thread of its own, and wait for it no longer than a time.

    Args:
        seconds: The time; without end if None.
        work: The work. It cannot be ended from outside, so it should look at the time itself where it can.

    Raises:
        TimeoutError: The work is not done by then. It goes on, and what comes of it is dropped.
    """
    done: SimpleQueue[tuple[Result | None, BaseException | None]] = SimpleQueue()

    def go() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:  # noqa: BLE001  (raised again in the thread of the caller)
            done.put((None, error))

    threading.Thread(target=go, daemon=True).start()
    try:
        result, error = done.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"not done after {seconds:g} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # without an error there is a result
