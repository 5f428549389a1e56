"""A stand-in for the library Ray: its tasks run in this process, on nodes that a test makes up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ray import exceptions

#: What a task does on a node: (node id, question, text, contents) to an answer. It can raise what Ray raises.
Behaviour = Callable[[str, str, str, Mapping[str, Any]], dict[str, Any]]


class Task:
    """A task that was given to the cluster."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.outcome: Any = None
        self.cancelled = False


class FakeRay:
    """What the executor uses of Ray.

    `nodes_now` are the nodes: id to resources. A task runs on the first node that has the resources and that it does
    not avoid; it waits while there is none. `asked` has the options of each task.
    """

    def __init__(self, nodes: Mapping[str, Mapping[str, float]], behaviour: Behaviour) -> None:
        self.nodes_now = {name: dict(resources) for name, resources in nodes.items()}
        self.behaviour = behaviour
        self.asked: list[dict[str, Any]] = []
        self.stored: list[bytes] = []
        self.shut = False
        self.hold = threading.Event()
        self.hold.set()

    # --- as of ray ---

    def remote(self, **fixed: Any) -> Callable[[Any], Any]:
        outer = self

        class Remote:
            def options(self, **options: Any) -> Any:
                outer.asked.append(fixed | options)
                return self

            def remote(self, question: str, text: str, _: str, contents: Mapping[str, Any]) -> Task:
                task = Task()
                options = outer.asked[-1]
                threading.Thread(
                    target=outer._work, args=(task, options, (question, text, contents)), daemon=True
                ).start()
                return task

        return lambda _: Remote()

    def _work(self, task: Task, options: Mapping[str, Any], arguments: Any) -> None:
        while (node := self._node(options)) is None:
            if task.cancelled:
                break
            time.sleep(0.005)
        self.hold.wait()
        if task.cancelled or node is None:
            task.outcome = exceptions.TaskCancelledError()
        else:
            try:
                task.outcome = {"node": node} | self.behaviour(node, *arguments)
            except Exception as error:  # noqa: BLE001  (as Ray does)
                task.outcome = error
        task.done.set()

    def _node(self, options: Mapping[str, Any]) -> str | None:
        needs = {
            "CPU": options["num_cpus"],
            "GPU": options["num_gpus"],
            "memory": options["memory"],
            **options["resources"],
        }
        selector = options.get("label_selector", {}).get("ray.io/node-id", "!in()")
        avoided = selector.removeprefix("!in(").removesuffix(")").split(",")
        for name, resources in self.nodes_now.items():
            if name not in avoided and all(resources.get(key, 0) >= amount for key, amount in needs.items()):
                return name
        return None

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": name, "Alive": True, "Resources": held} for name, held in self.nodes_now.items()]

    def put(self, content: bytes) -> int:
        self.stored.append(content)
        return len(self.stored) - 1

    def get(self, task: Any) -> Any:
        if isinstance(task, int):
            return self.stored[task]
        task.done.wait()
        if isinstance(task.outcome, Exception):
            raise task.outcome
        return task.outcome

    def wait(self, tasks: Sequence[Task], timeout: float, num_returns: int = 1) -> tuple[list[Task], list[Task]]:
        end = time.monotonic() + timeout
        while sum(task.done.is_set() for task in tasks) < num_returns and time.monotonic() < end:
            time.sleep(0.002)
        return [task for task in tasks if task.done.is_set()], [task for task in tasks if not task.done.is_set()]

    def cancel(self, task: Task, *, force: bool = False) -> None:
        task.cancelled = True
        self.hold.set()

    def shutdown(self) -> None:
        self.shut = True
