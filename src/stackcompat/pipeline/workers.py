"""Work on many items at once, as many as the executor can take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from stackcompat.run.interface import Executor

__all__ = ["as_completed"]

Item = TypeVar("Item")


Result = TypeVar("Result")


def as_completed(
    items: Sequence[Item], work: Callable[[Item], Result], executor: Executor
) -> Iterable[tuple[Item, Result]]:
    """Work on each item in a thread and give the results as they come.

    Args:
        items: What is to be done.
        work: Does one of them. An error that it raises is raised here.
        executor: Says how many threads there are. After an error or an interrupt, what has not begun is cancelled and
            what runs is ended.
    """
    with ThreadPoolExecutor(executor.workers) as pool:
        try:
            waiting: dict[Future[Result], Item] = {pool.submit(work, item): item for item in items}
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED, timeout=0.5)
                for future in done:
                    yield waiting.pop(future), future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            executor.stop()
            raise
