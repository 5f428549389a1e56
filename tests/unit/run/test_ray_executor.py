"""The executor for a Ray cluster, with a made-up Ray. A real cluster of several nodes is in tests/e2e/test_ray.py."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray", reason="the extra `ray` is not installed")

from ray import exceptions

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.evidence.results import CellResult
from stackcompat.resolve.lock import Lock
from stackcompat.run import ray_executor
from stackcompat.run.hardware import Hardware
from stackcompat.run.interface import Stopped
from stackcompat.run.job import CellLimits, Exchange, Job
from stackcompat.run.parcels import pack, unpack
from stackcompat.run.ray_executor import MOST_LOSSES, Accelerator, RayExecutor, connect, demand, slots
from stackcompat.run.ray_node import Shipment
from support.fake_ray import Behaviour, FakeRay

GIB = 2**30
BIG = {"CPU": 4.0, "memory": 64.0 * GIB}
PYTHON = Interpreter(python="3.12", version="3.12.4", path=Path("/python"))
GREEN = CellResult(outcome="ran", started=dt.datetime(2026, 11, 22, tzinfo=dt.UTC), seconds=1.0)


def green(*_: object) -> dict[str, Any]:
    return {"ended": {"result": GREEN.to_json(), "artifacts": b""}}


def unfit(reason: str, outcome: str = "interpreter-missing") -> dict[str, Any]:
    return {"unfit": {"outcome": outcome, "reason": reason}}


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[RayExecutor, FakeRay]]:
    def executor(
        behaviour: Behaviour = green, nodes: Mapping[str, Mapping[str, float]] | None = None, **more: Any
    ) -> tuple[RayExecutor, FakeRay]:
        fake = FakeRay(nodes or {"a": BIG}, behaviour)
        monkeypatch.setattr(ray_executor, "ray", fake)
        monkeypatch.setattr(ray_executor, "_LOOK", 0.02)
        monkeypatch.setattr(ray_executor, "_GRACE", 0.5)
        harness = tmp_path / "harness"
        harness.mkdir(exist_ok=True)
        return RayExecutor({"3.12": PYTHON}, lambda _: harness, patience=0.1, **more), fake

    return executor


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "test_a.py").write_text("")
    return Job(
        folder=tmp_path / "job",
        lock=Lock.parse("alpha==1.0", "3.12", "p"),
        interpreter=Path("/python"),
        requirements=("alpha",),
        level="interop",
        suite=tmp_path / "suite",
        files=("test_a.py",),
        cache=tmp_path / "cache",
        uv="uv",
    )


def test_a_cell_is_one_task_with_the_resources_of_its_limits(make: Any, job: Job) -> None:
    executor, fake = make()
    assert executor.run(job.model_copy(update={"limits": CellLimits(memory_mb=1024)})) == GREEN
    (asked,) = fake.asked
    assert (asked["num_cpus"], asked["memory"], asked["num_gpus"], asked["resources"]) == (1, GIB, 0, {})
    # Ray runs nothing again by itself, so that each loss is counted here.
    assert asked["max_retries"] == 0


def test_the_tests_and_pytest_are_sent_once_for_all_cells(make: Any, job: Job) -> None:
    shipments = []

    def behave(_: str, question: str, text: str, contents: Mapping[str, Any]) -> dict[str, Any]:
        shipment = Shipment.model_validate_json(text)
        shipments.append(shipment)
        assert question == "cell"
        assert set(contents) == set(shipment.parcels.values())
        return green()

    executor, fake = make(behave)
    assert executor.run(job) == executor.run(job) == GREEN
    assert len(fake.stored) == 2
    assert shipments[0].parcels.keys() == {job.suite, job.suite.parent / "harness"}
    assert (shipments[0].interpreter, shipments[0].job.harness) == ("3.12.4", job.suite.parent / "harness")


@pytest.mark.parametrize("lost", [exceptions.WorkerCrashedError(), exceptions.NodeDiedError("gone")])
def test_a_cell_whose_node_is_lost_runs_again(lost: Exception, make: Any, job: Job) -> None:
    left = [lost, lost]

    def behave(*_: object) -> dict[str, Any]:
        if left:
            raise left.pop()
        return green()

    executor, fake = make(behave)
    assert executor.run(job) == GREEN
    assert len(fake.asked) == 3


def test_a_result_that_was_lost_with_its_node_is_made_again(make: Any, job: Job) -> None:
    left = [exceptions.ObjectLostError("00", None, "")]

    def behave(*_: object) -> dict[str, Any]:
        if left:
            raise left.pop()
        return green()

    executor, _ = make(behave)
    assert executor.run(job) == GREEN


def test_a_cell_that_loses_every_node_is_an_infrastructure_error(make: Any, job: Job) -> None:
    def behave(*_: object) -> dict[str, Any]:
        raise exceptions.WorkerCrashedError

    executor, fake = make(behave)
    result = executor.run(job)
    assert result.outcome == "crashed"
    assert f"its node or its worker was lost {MOST_LOSSES + 1} times" in result.detail
    assert len(fake.asked) == MOST_LOSSES + 1


def test_a_mistake_on_a_node_is_an_outcome_and_no_exception(make: Any, job: Job) -> None:
    def behave(*_: object) -> dict[str, Any]:
        raise exceptions.RayTaskError("task", "traceback", OSError("the disk is gone"))

    executor, _ = make(behave)
    result = executor.run(job)
    assert (result.outcome, result.detail) == ("crashed", "a node failed: the disk is gone")


def test_a_cell_goes_to_a_node_that_fits_and_asks_no_other_again(make: Any, job: Job) -> None:
    asked = []

    def behave(node: str, *_: object) -> dict[str, Any]:
        asked.append(node)
        return green() if node == "c" else unfit(f"{node} has no such Python")

    executor, fake = make(behave, {"a": BIG, "b": BIG, "c": BIG})
    assert executor.run(job) == executor.run(job) == GREEN
    assert asked == ["a", "b", "c", "c"]
    assert fake.asked[-1]["label_selector"] == {"ray.io/node-id": "!in(a,b)"}


def test_what_no_node_can_run_says_why_of_each(make: Any, job: Job) -> None:
    executor, fake = make(
        lambda node, *_: unfit(f"{node} has no Python 3.12"), {"a": BIG, "b": BIG, "head": {"memory": 64.0 * GIB}}
    )
    result = executor.run(job)
    assert result.outcome == "interpreter-missing"
    assert result.detail == (
        "no node of the cluster can run it: a has no Python 3.12; b has no Python 3.12; a node has too little CPU"
    )
    before, began = len(fake.asked), time.monotonic()
    executor._patience = 60
    assert executor.run(job).outcome == "interpreter-missing"  # the same nodes are not waited for again
    assert time.monotonic() - began < 10
    assert len(fake.asked) == before + 1


def test_a_node_that_comes_later_is_waited_for(make: Any, job: Job) -> None:
    executor, fake = make(nodes={"small": {"CPU": 4.0, "memory": 1.0 * GIB}})
    executor._patience = 60
    threading.Timer(0.2, lambda: fake.nodes_now.update(big=BIG)).start()
    assert executor.run(job) == GREEN


def test_stop_ends_the_cells_and_runs_no_more(make: Any, job: Job) -> None:
    executor, fake = make()
    fake.hold.clear()
    stopped = []

    def work() -> None:
        try:
            executor.run(job)
        except Stopped as error:
            stopped.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while not executor._running:
        time.sleep(0.005)
    executor.stop()
    thread.join(timeout=10)
    assert len(stopped) == 1
    with pytest.raises(Stopped):
        executor.run(job)
    executor.close()
    assert fake.shut


def test_as_many_cells_at_once_as_the_cluster_has_room_for(make: Any) -> None:
    nodes = {"head": {"CPU": 0.0, "memory": 64.0 * GIB}, "a": BIG, "b": {"CPU": 8.0, "memory": 17.0 * GIB}}
    executor, fake = make(nodes=nodes)
    assert executor.workers == 4 + 2
    fake.nodes_now["c"] = BIG
    assert executor.workers == 4 + 2 + 4
    assert make(nodes=nodes, workers=50)[0].workers == 50
    assert make(nodes={"head": {}})[0].workers == 1


def test_artifacts_come_back_to_the_store_of_the_writer(make: Any, job: Job, tmp_path: Path) -> None:
    (tmp_path / "there" / "box").mkdir(parents=True)
    (tmp_path / "there" / "box" / "new").write_text("new")
    content = pack(tmp_path / "there").content
    store = tmp_path / "artifacts" / "writer"
    (store / "box").mkdir(parents=True)
    (store / "box" / "old").write_text("old")
    (store / "other").mkdir()
    executor, _ = make(lambda *_: {"ended": {"result": GREEN.to_json(), "artifacts": content}})
    assert executor.run(job.model_copy(update={"exchange": Exchange(mode="write", store=store)})) == GREEN
    assert sorted(path.relative_to(store).as_posix() for path in store.rglob("*")) == ["box", "box/new", "other"]
    assert [path.name for path in store.parent.iterdir() if path.is_dir()] == ["writer"]


def test_a_reader_takes_the_artifacts_as_they_are_now(make: Any, job: Job, tmp_path: Path) -> None:
    store = tmp_path / "artifacts" / "writer"
    (store / "box").mkdir(parents=True)
    executor, fake = make()
    reading = job.model_copy(update={"exchange": Exchange(mode="read", store=store)})
    executor.run(reading)
    (store / "box" / "value").write_text("1")
    executor.run(reading)
    for number, content in enumerate(fake.stored):
        unpack(content, tmp_path / "sent" / str(number))
    found = [(folder / "box" / "value").is_file() for folder in sorted((tmp_path / "sent").iterdir())]
    assert found == [False, False, False, True]  # the tests, pytest, and the artifacts before and after


# --- accelerators ---


def test_the_resources_of_a_cell_are_named_as_ray_names_them() -> None:
    limits = CellLimits(memory_mb=2048)
    assert demand(limits, None) == {"CPU": 1, "memory": 2 * GIB}
    gpu = demand(limits, Accelerator.parse("gpu:H200"))
    assert gpu == {"CPU": 1, "memory": 2 * GIB, "GPU": 1, "accelerator_type:H200": 0.001}
    assert demand(limits, Accelerator.parse("TPU:TPU-V5LITEPOD:4"))["TPU"] == 4
    assert slots([{"CPU": 8.0, "memory": 64.0 * GIB, "GPU": 2.0, "accelerator_type:H200": 1.0}, BIG], gpu) == 2


@pytest.mark.parametrize(("text", "same"), [("gpu", "gpu"), ("GPU:2", "gpu:2"), ("tpu:TPU-V6E:8", "tpu:TPU-V6E:8")])
def test_an_accelerator_is_read_and_written(text: str, same: str) -> None:
    assert str(Accelerator.parse(text)) == same


@pytest.mark.parametrize("text", ["", "npu", "gpu:", "gpu:H200:0", "gpu:H200:1000", "gpu H200"])
def test_another_accelerator_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--accelerator: .* allowed are gpu"):
        Accelerator.parse(text)


def test_the_hardware_of_evidence_is_that_of_a_node(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("STACKCOMPAT_RUNNER", raising=False)
    seen = Hardware(
        label="1 H200", accelerated=True, variables={"CUDA_HOME": "/c"}, devices={"CUDA_VISIBLE_DEVICES": "1"}
    )
    nodes = {"cpu": BIG, "gpu": BIG | {"GPU": 1.0}}
    executor, fake = make(lambda *_: {"hardware": seen.to_json()}, nodes, accelerator=Accelerator("gpu"))
    found = executor.hardware()
    assert (found.label, found.accelerated, found.devices) == ("1 H200", True, {})
    assert {name: found.variables[name] for name in ("CUDA_HOME", "OMP_NUM_THREADS")} == {
        "CUDA_HOME": "/c",
        "OMP_NUM_THREADS": "3",
    }
    assert fake.asked[0]["num_gpus"] == 1


def test_without_accelerators_nothing_is_asked_and_those_of_this_machine_are_not_used(make: Any) -> None:
    executor, fake = make()
    assert not executor.hardware().accelerated
    assert fake.asked == []


@pytest.mark.parametrize(
    ("nodes", "seen", "why"),
    [
        ({"cpu": BIG}, Hardware(), "a node has too little GPU"),
        ({"gpu": BIG | {"GPU": 1.0}}, Hardware(), "the node that has it for Ray does not see it"),
    ],
)
def test_an_accelerator_that_is_not_there_is_told(
    nodes: Mapping[str, Mapping[str, float]], seen: Hardware, why: str, make: Any
) -> None:
    executor, _ = make(lambda *_: {"hardware": seen.to_json()}, nodes, accelerator=Accelerator("gpu"))
    with pytest.raises(StackcompatError, match=f"--accelerator: gpu: .*{why}"):
        executor.hardware()


# --- the cluster ---


def test_the_cluster_of_the_address_is_joined_or_one_is_started(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, fake = make()
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(fake, "init", lambda **more: asked.append(more), raising=False)
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    connect(3)
    monkeypatch.setenv("RAY_ADDRESS", "")
    connect(3)
    assert asked[0]["address"] == "10.0.0.1:6379"
    assert "num_cpus" not in asked[0]
    assert (asked[1]["address"], asked[1]["num_cpus"], asked[1]["include_dashboard"]) == ("local", 3, False)
    # As many cells as without Ray, whatever memory the machine has: the watchdog of each cell looks after that.
    assert asked[1]["_memory"] >= 3 * CellLimits().memory_mb * 2**20


def test_a_cluster_that_cannot_be_used_is_told_in_one_sentence(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, fake = make()

    def init(**_: Any) -> None:
        raise ConnectionError("Could not find any running\nRay instance")

    monkeypatch.setattr(fake, "init", init, raising=False)
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    with pytest.raises(StackcompatError, match="cannot be used: Could not find any running Ray instance"):
        connect(None)
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    with pytest.raises(UsageError, match="run the command on one of its nodes"):
        connect(None)


def test_a_node_without_this_tool_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import SimpleNamespace

    context = SimpleNamespace(get_node_id=lambda: "n")
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(get_runtime_context=lambda: context))
    monkeypatch.setitem(sys.modules, "stackcompat.run.ray_node", None)
    answer = ray_executor._task()("cell", "", "", {})
    assert answer["node"] == "n"
    assert "lacks stackcompat" in json.dumps(answer)
