"""The executor for a Ray cluster: one task a cell. It needs the extra ``ray``, and is imported only when asked for.

The engine sees no difference to one machine: each call of :meth:`RayExecutor.run` ends with one result, which the
engine stores as it comes. What happens below is Ray's: it places tasks where the declared resources are, queues the
others, and asks its autoscaler for more machines while tasks wait. A cell whose node or worker was lost runs again
elsewhere. The result of a lost run never arrives, so no cell counts twice.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import ray
from ray import exceptions as failures

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.core.files import remove_tree
from stackcompat.core.redact import strip_addresses
from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.evidence.results import CellOutcome, CellResult
from stackcompat.run.hardware import Hardware, find_cpu
from stackcompat.run.interface import Stopped
from stackcompat.run.job import CellLimits, Job
from stackcompat.run.parcels import address, belongings, pack, unpack
from stackcompat.run.ray_node import Ended, Question, Shipment, Unfit, engine_digest

__all__ = ["Accelerator", "RayExecutor", "connect", "demand", "slots"]

#: How often a cell is run again because its node or its worker was lost.
MOST_LOSSES = 3
#: The seconds that a cell waits for a node that fits while the cluster has none, since it could be growing.
PATIENCE = 120.0
#: The seconds between two looks at a task that has not ended.
_LOOK = 1.0
#: The seconds that cells get to end after they were cancelled.
_GRACE = 5.0
#: The bytes of the object store of a cluster that this process starts. Only tests, wheels and results are in it.
_OBJECT_STORE = 256 * 2**20

#: What Ray raises where a node, a worker, or what they held is gone, through no fault of the cell.
_LOSSES = (
    failures.WorkerCrashedError,
    failures.NodeDiedError,
    failures.LocalRayletDiedError,
    failures.OutOfMemoryError,
    failures.ObjectLostError,
    failures.ObjectFetchTimedOutError,
    failures.TaskUnschedulableError,
)


class Accelerator(NamedTuple):
    """The accelerators of a cell: ``gpu``, ``gpu:H200``, ``tpu:TPU-V5LITEPOD:4``.

    Attributes:
        kind: ``gpu`` or ``tpu``.
        type: The type, as Ray calls it; empty for any.
        number: How many of them a cell gets.
    """

    kind: str
    type: str = ""
    number: int = 1

    @classmethod
    def parse(cls, text: str) -> Accelerator:
        """Read an accelerator. Raises UsageError for any other text."""
        match = re.fullmatch(r"(gpu|tpu)(?::([A-Za-z][\w.-]*))?(?::([1-9]\d{0,2}))?", text, re.IGNORECASE)
        if match is None:
            raise UsageError(f'--accelerator: "{text}" is not possible; allowed are gpu, gpu:H200, tpu:TPU-V5LITEPOD:4')
        return cls(match[1].lower(), match[2] or "", int(match[3] or 1))

    def __str__(self) -> str:
        return ":".join(filter(None, [self.kind, self.type, str(self.number) if self.number > 1 else ""]))


def demand(limits: CellLimits, accelerator: Accelerator | None) -> dict[str, float]:
    """The resources that a cell needs, by the names that Ray has for them. Memory is in bytes.

    Args:
        limits: The limits of the cell.
        accelerator: Its accelerators; None if it needs none.
    """
    needs: dict[str, float] = {"CPU": 1, "memory": limits.memory_mb * 2**20}
    if accelerator is not None:
        needs[accelerator.kind.upper()] = accelerator.number
        if accelerator.type:
            needs[f"accelerator_type:{accelerator.type}"] = 0.001
    return needs


def slots(nodes: Iterable[Mapping[str, float]], needs: Mapping[str, float]) -> int:
    """How many cells the nodes of a cluster can run at once.

    Args:
        nodes: The resources of each node.
        needs: The resources of a cell.
    """
    return sum(int(min(node.get(name, 0.0) / amount for name, amount in needs.items())) for node in nodes)


def connect(workers: int | None) -> None:
    """Join the cluster at ``RAY_ADDRESS``, or start one on this machine that ends with this process.

    Args:
        workers: How many cells a cluster on this machine runs at once; None: as many as it has cores.

    Raises:
        UsageError: The address is one that cannot be used.
        StackcompatError: No cluster answers there, or it has another version of Ray or Python.
    """
    address = os.environ.get("RAY_ADDRESS", "").strip()
    if address.startswith("ray://"):
        raise UsageError("RAY_ADDRESS: ray:// is for clients outside the cluster; run the command on one of its nodes")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    logging.getLogger("ray").setLevel(logging.ERROR)  # it has a handler of its own, which writes to standard error
    quiet = {"log_to_driver": False, "configure_logging": False}
    cpus = workers or os.cpu_count() or 1
    # A cluster on this machine runs as many cells at once as asked for, as without Ray.
    memory = max(psutil.virtual_memory().total, cpus * CellLimits().memory_mb * 2**20)
    try:
        if address and address != "local":
            ray.init(address=address, **quiet)
        else:
            ray.init(
                address="local",
                num_cpus=cpus,
                object_store_memory=_OBJECT_STORE,
                _memory=memory,
                include_dashboard=False,
                **quiet,
            )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        words = strip_addresses(" ".join(str(error).split()))[:300]
        raise StackcompatError(f"the Ray cluster cannot be used: {words}") from None


class RayExecutor:
    """Runs each job as a task of a Ray cluster, to which :func:`connect` has connected this process.

    Args:
        interpreters: The interpreters of this machine. A cell runs only on a node with one of the same version.
        harness: Gives the folder with pytest for a Python, such as ``3.12``.
        accelerator: What each cell gets; None if cells use no accelerator.
        workers: How many cells are given to the cluster at once; None: as many as it can run now. A larger number lets
            an autoscaler add machines.
        patience: The seconds that a cell waits for a node that fits while there is none.
    """

    def __init__(
        self,
        interpreters: Mapping[str, Interpreter],
        harness: Callable[[str], Path],
        *,
        accelerator: Accelerator | None = None,
        workers: int | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.local_workers = os.cpu_count() or 1
        self._interpreters = interpreters
        self._harness = harness
        self._accelerator = accelerator
        self._workers = workers
        self._patience = patience
        self._guard, self._sending = threading.Lock(), threading.Lock()
        self._running: set[Any] = set()
        self._stopped = False
        #: What was packed, by path and by name. The object store keeps it as long as this process has the reference.
        self._packed: dict[Path, str] = {}
        self._stored: dict[str, Any] = {}
        #: For each question that only some nodes can answer, why a node does not.
        self._unfit: dict[tuple[str, str], dict[str, Unfit]] = {}
        #: The nodes among which a question has waited in vain for one that fits.
        self._hopeless: dict[tuple[str, str], frozenset[str]] = {}
        self._task = ray.remote(max_retries=0)(_task())

    @property
    def workers(self) -> int:
        """How many threads can call `run` at once."""
        needs = demand(CellLimits(), self._accelerator)
        return self._workers or max(1, slots([node["Resources"] for node in _alive()], needs))

    def hardware(self) -> Hardware:
        """The hardware of the cells: the accelerators of a node that has them, and the variables of this machine.

        Raises:
            StackcompatError: No node has such an accelerator, or sees it.
        """
        here = find_cpu()
        if self._accelerator is None:
            return here
        needs = demand(CellLimits(), self._accelerator)
        answer = self._ask("accelerators", "", {}, needs, ("", ""))
        if not isinstance(answer, dict):
            raise StackcompatError(f"--accelerator: {self._accelerator}: {answer.reason}")
        found = Hardware.model_validate_json(answer["hardware"])
        if not found.accelerated:
            raise StackcompatError(f"--accelerator: {self._accelerator}: the node that has it for Ray does not see it")
        return found.model_copy(update={"variables": {**here.variables, **found.variables}, "devices": {}})

    def run(self, job: Job) -> CellResult:
        """See :class:`stackcompat.run.interface.Executor`."""
        started, began = dt.datetime.now(dt.UTC), time.monotonic()
        outcome: CellOutcome = "crashed"
        try:
            job = job.model_copy(update={"harness": self._harness(job.lock.python)})
            parcels = {path: self._send(path, job) for path in belongings(job)}
            shipment = Shipment(
                job=job,
                engine=engine_digest(),
                interpreter=self._interpreters[job.lock.python].version,
                parcels=parcels,
            )
            needs, question = demand(job.limits, self._accelerator), (job.lock.python, job.index)
            contents = {name: self._stored[name] for name in parcels.values()}
            for _ in range(MOST_LOSSES + 1):
                found = self._ask("cell", shipment.to_json(), contents, needs, question)
                if isinstance(found, dict):
                    ended = Ended(**found["ended"])
                    _take_artifacts(job, ended.artifacts)
                    return CellResult.model_validate_json(ended.result)
                if isinstance(found, Unfit):
                    outcome, reason = found
                    break
                reason = f"its node or its worker was lost {MOST_LOSSES + 1} times: {found.reason}"
        except Stopped:
            raise
        except (StackcompatError, OSError) as error:
            reason = str(error)
        return CellResult(
            outcome=outcome,
            detail=strip_addresses(" ".join(reason.split()))[:600],
            started=started,
            seconds=round(time.monotonic() - began, 3),
        )

    def stop(self) -> None:
        """See :class:`stackcompat.run.interface.Executor`."""
        with self._guard:
            self._stopped = True
            running = list(self._running)
        for force in (False, True):  # a task that is asked ends its cell; one that is forced leaves that to the cell
            for task in running:
                ray.cancel(task, force=force)
            _, running = ray.wait(running, num_returns=len(running), timeout=_GRACE) if running else ([], [])

    def close(self) -> None:
        """Leave the cluster; one that this process started ends."""
        ray.shutdown()

    # --- what travels ---

    def _send(self, path: Path, job: Job) -> str:
        """Put a folder or a file into the object store, unless the same content is there. Returns its name."""
        is_store = job.exchange is not None and path == job.exchange.store
        if not is_store and path in self._packed:
            return self._packed[path]
        if is_store:
            os.utime(path)  # artifacts that were not used for long are dropped
        # Bytecode belongs to pytest, which is compiled once. That of tests is made by those who import them.
        bytecode = path == job.harness
        name = address(path, bytecode=bytecode, follow=not is_store)
        with self._sending:
            if name not in self._stored:
                parcel = pack(path, bytecode=bytecode, follow=not is_store)
                name = parcel.name
                self._stored[name] = ray.put(parcel.content)
            if not is_store:
                self._packed[path] = name
        return name

    # --- tasks ---

    def _ask(
        self,
        question: Question,
        text: str,
        contents: Mapping[str, Any],
        needs: Mapping[str, float],
        kind: tuple[str, str],
    ) -> dict[str, Any] | Unfit | _Lost:
        """The answer of a node that fits; why no node does; or that the one which had the task was lost.

        Args:
            question: What is asked.
            text: The shipment, if it is about a cell.
            contents: The parcels in the object store, by name.
            needs: The resources of the task.
            kind: What else the question needs of a node: a node that lacks it for one such question lacks it for all.

        Raises:
            Stopped: The executor was stopped before there was an answer.
            StackcompatError: The task failed, which is a mistake of the tool or of the installation of a node.
        """
        while True:
            found = self._one_task(question, text, contents, needs, kind)
            if not isinstance(found, dict) or "unfit" not in found:
                return found
            with self._guard:
                self._unfit.setdefault(kind, {})[found["node"]] = Unfit(**found["unfit"])

    def _one_task(
        self,
        question: Question,
        text: str,
        contents: Mapping[str, Any],
        needs: Mapping[str, float],
        kind: tuple[str, str],
    ) -> dict[str, Any] | Unfit | _Lost:
        """What one task says; why no node can run it; or that it was lost."""
        with self._guard:
            unfit = sorted(self._unfit.get(kind, {}))
            if self._stopped:
                raise Stopped("stopped before the cell had a result")
            others = {"label_selector": {"ray.io/node-id": f"!in({','.join(unfit)})"}} if unfit else {}
            resources = {name: amount for name, amount in needs.items() if name not in ("CPU", "GPU", "memory")}
            task = self._task.options(
                num_cpus=needs["CPU"],
                num_gpus=needs.get("GPU", 0),
                memory=int(needs["memory"]),
                resources=resources,
                **others,
            ).remote(question, text, engine_digest(), contents)
            self._running.add(task)
        try:
            if why := self._wait(task, needs, kind):
                return why
            found: dict[str, Any] = ray.get(task)
        except failures.TaskCancelledError:
            raise Stopped("stopped before the cell had a result") from None
        except _LOSSES as error:
            return _Lost(str(error))
        except failures.RayTaskError as error:
            if isinstance(error.cause, _LOSSES):
                return _Lost(str(error.cause))
            raise StackcompatError(f"a node failed: {error.cause}") from None
        except failures.RayError as error:
            raise StackcompatError(f"the Ray cluster failed: {error}") from None
        finally:
            with self._guard:
                self._running.discard(task)
        return found

    def _wait(self, task: Any, needs: Mapping[str, float], kind: tuple[str, str]) -> Unfit | None:
        """Wait until a task has ended. Returns why none can run it, if the cluster had no such node for too long."""
        since: float | None = None
        while not ray.wait([task], timeout=_LOOK)[0]:
            nodes = _alive()
            with self._guard:
                unfit = dict(self._unfit.get(kind, {}))
                ids = frozenset(node["NodeID"] for node in nodes)
                was_hopeless = self._hopeless.get(kind) == ids
            if any(node["NodeID"] not in unfit and slots([node["Resources"]], needs) for node in nodes):
                since = None  # it runs there, or waits for its turn
                continue
            since = time.monotonic() if since is None else since
            if was_hopeless or time.monotonic() - since > self._patience:
                ray.cancel(task)
                with self._guard:
                    self._hopeless[kind] = ids
                return _nobody(nodes, unfit, needs)
        return None


class _Lost(NamedTuple):
    """A task whose node or worker was lost, and what Ray says of it."""

    reason: str


def _alive() -> list[dict[str, Any]]:
    """The nodes of the cluster, as Ray describes them."""
    return [node for node in ray.nodes() if node["Alive"]]


def _nobody(nodes: Iterable[Mapping[str, Any]], unfit: Mapping[str, Unfit], needs: Mapping[str, float]) -> Unfit:
    """Why no node runs a cell, as one sentence with the reason of each."""
    reasons: dict[str, CellOutcome] = {}
    for node in nodes:
        short = [name for name, amount in needs.items() if node["Resources"].get(name, 0.0) < amount]
        if node["NodeID"] in unfit:
            reasons[unfit[node["NodeID"]].reason] = unfit[node["NodeID"]].outcome
        elif short:
            reasons[f"a node has too little {', '.join(short)}"] = "crashed"
    outcomes = set(reasons.values())
    # A node without any CPU for tasks, as the head of a cluster often is, says nothing about interpreters.
    outcome: CellOutcome = "interpreter-missing" if "interpreter-missing" in outcomes else "crashed"
    return Unfit(outcome, f"no node of the cluster can run it: {'; '.join(reasons) or 'there is none'}")


def _task() -> Callable[..., dict[str, Any]]:
    """The function that runs on a node. It needs nothing of this tool there to say that the tool is missing."""

    # Ray carries a function within a function by its code, and one of a module by the name of the module.
    def task(question: str, text: str, engine: str, contents: dict[str, Any]) -> dict[str, Any]:
        import ray  # noqa: PLC0415

        node: str = ray.get_runtime_context().get_node_id()
        try:
            from stackcompat.run.ray_node import answer  # noqa: PLC0415
        except ImportError as error:
            return {"node": node, "unfit": {"outcome": "crashed", "reason": f"it lacks stackcompat[ray]: {error}"}}
        return {"node": node, **answer(question, text, engine, lambda name: ray.get(contents[name]))}  # type: ignore[arg-type]

    return task


def _take_artifacts(job: Job, content: bytes) -> None:
    """Keep the artifacts that a cell wrote elsewhere, as if it had written them here."""
    if not content or job.exchange is None:
        return
    job.exchange.store.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".arrived-", dir=job.exchange.store.parent))
    try:
        unpack(content, folder / "artifacts")
        job.exchange.keep(folder / "artifacts", sorted(path.name for path in (folder / "artifacts").iterdir()))
    finally:
        remove_tree(folder)
