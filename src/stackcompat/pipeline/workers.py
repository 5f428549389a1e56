"""Work on many items at once, in as many threads as the executor has workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from queue import Empty, SimpleQueue
from typing import TypeVar

from stackcompat.core.programs import end_programs
from stackcompat.evidence.results import CellResult
from stackcompat.run.interface import Executor
from stackcompat.run.job import Job

__all__ = ["OneAtATime", "as_completed", "work_through"]

Item = TypeVar("Item")


Result = TypeVar("Result")


#: The seconds that threads have to tidy up when all is to end. What still waits for an index then is left.
_PATIENCE = 3.0


class OneAtATime:
    """Runs the jobs of an executor one after another: for work that is itself one of several items.

    Args:
        executor: The executor that all items share.
    """

    workers = local_workers = 1

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def run(self, job: Job) -> CellResult:
        """See :class:`stackcompat.run.interface.Executor`."""
        return self._executor.run(job)

    def stop(self) -> None:
        """See :class:`stackcompat.run.interface.Executor`."""
        self._executor.stop()


def as_completed(
    items: Sequence[Item], work: Callable[[Item], Result], executor: Executor, *, at_once: int | None = None
) -> Generator[tuple[Item, Result]]:
    """Work on each item in a thread, and yield each item with its result as soon as it is done.

    Args:
        items: The items.
        work: Works on one item. An error that it raises is raised here.
        executor: Has the number of threads; see :func:`work_through`.
        at_once: The number of threads, if another one fits the work.
    """
    left = iter(items)
    return work_through(lambda: next(left, None), work, executor, at_once=at_once)


def work_through(
    take: Callable[[], Item | None],
    work: Callable[[Item], Result],
    executor: Executor,
    *,
    at_once: int | None = None,
) -> Generator[tuple[Item, Result]]:
    """Work on items in threads, and yield each item with its result as soon as it is done.

    An item is taken when a thread is free for it, so what comes next can depend on the results so far. After an error,
    an interrupt, or if the caller wants no more results, no further item is taken, and the executor is stopped. An
    interrupt also ends the programs that the threads wait for. Threads that go on all the same are left.

    Args:
        take: Gives the next item; None if there is none now. It is asked again after each result. All is done when it
            gives none although nothing is worked on. It is called in the thread of the caller.
        work: Works on one item. An error that it raises is raised here.
        executor: Has the number of threads, and is stopped.
        at_once: The number of threads, if another one fits the work.
    """
    running: list[threading.Thread] = []
    try:
        # The loop is in a function of its own: where a `while` jumps back, CPython 3.11 to 3.13 can raise an interrupt
        # as if it came from before the `try` that begins with it. Then nothing would be stopped.
        yield from _results(take, work, at_once or executor.workers, running)
    except BaseException as error:
        executor.stop()
        if isinstance(error, KeyboardInterrupt):
            end_programs()
        until = time.monotonic() + _PATIENCE
        for thread in running:  # they tidy up
            thread.join(max(0, until - time.monotonic()))
        raise


def _results(
    take: Callable[[], Item | None], work: Callable[[Item], Result], at_once: int, running: list[threading.Thread]
) -> Generator[tuple[Item, Result]]:
    """What :func:`work_through` yields; the threads that run are kept in `running`."""
    done: SimpleQueue[tuple[Item, Result | None, BaseException | None]] = SimpleQueue()

    def go(item: Item) -> None:
        try:
            done.put((item, work(item), None))
        except BaseException as error:  # noqa: BLE001  (raised again in the thread of the caller)
            done.put((item, None, error))

    unanswered = 0
    while True:
        while unanswered < at_once and (item := take()) is not None:
            running[:] = [thread for thread in running if thread.is_alive()]
            running.append(threading.Thread(target=go, args=(item,), daemon=True))
            running[-1].start()
            unanswered += 1
        if not unanswered:
            return
        try:
            finished, result, error = done.get(timeout=0.5)
        except Empty:
            continue
        unanswered -= 1
        if error is not None:
            raise error
        yield finished, result  # type: ignore[misc]  # without an error there is a result
