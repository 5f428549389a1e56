"""What a task does on its node: whether the node fits, and the cell with what came along."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stackcompat.ecosystem.interpreters import Interpreter, this_platform
from stackcompat.evidence.results import CellResult
from stackcompat.resolve.lock import Lock
from stackcompat.run import ray_node
from stackcompat.run.hardware import Hardware
from stackcompat.run.isolation import Means
from stackcompat.run.job import Exchange, Job
from stackcompat.run.package_cache import PackageCache
from stackcompat.run.parcels import pack, unpack
from stackcompat.run.ray_node import Ended, Shipment, Unfit, answer, engine_digest, run_shipment

GREEN = CellResult(outcome="ran", started=dt.datetime(2026, 11, 22, tzinfo=dt.UTC), seconds=1.0)


class Recorder:
    """An executor that only notes its jobs, after doing what a test wants."""

    def __init__(self, work: Any = None) -> None:
        self.jobs: list[Job] = []
        self._work = work

    def run(self, job: Job) -> CellResult:
        self.jobs.append(job)
        if self._work is not None:
            self._work(job)
        return GREEN


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    executor = Recorder()
    cache = PackageCache(tmp_path / "node", "/node/uv")
    monkeypatch.setattr(ray_node, "_executor", lambda _: (executor, cache))
    python = Interpreter(python="3.12", version="3.12.4", path=Path("/node/python"))
    monkeypatch.setattr(ray_node, "_interpreter", {"3.12": python}.get)
    return executor


@pytest.fixture
def job(tmp_path: Path) -> Job:
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "test_a.py").write_text("a")
    return Job(
        folder=Path("/sender/job"),
        lock=Lock.parse("alpha==1.0", "3.12", this_platform()),
        interpreter=Path("/sender/python"),
        requirements=("alpha",),
        level="interop",
        suite=suite,
        files=("test_a.py",),
        cache=Path("/sender/cache"),
        uv="/sender/uv",
    )


def shipped(job: Job, interpreter: str = "3.12.4") -> tuple[str, dict[str, bytes]]:
    paths = [job.suite, *([job.exchange.store] if job.exchange and job.exchange.mode == "read" else [])]
    packed = {path: pack(path) for path in paths}
    names = {path: parcel.name for path, parcel in packed.items()}
    shipment = Shipment(job=job, engine=engine_digest(), interpreter=interpreter, parcels=names)
    return shipment.to_json(), {parcel.name: parcel.content for parcel in packed.values()}


def run(job: Job, environ: Mapping[str, str] | None = None, interpreter: str = "3.12.4") -> Ended | Unfit:
    text, contents = shipped(job, interpreter)
    return run_shipment(text, contents.__getitem__, environ or {})


def test_a_cell_runs_with_the_settings_of_the_node_and_the_tests_of_the_sender(
    job: Job, recorder: Recorder, tmp_path: Path
) -> None:
    assert run(job) == Ended(GREEN.to_json(), b"")
    (here,) = recorder.jobs
    assert (here.interpreter, here.uv, here.cache) == (Path("/node/python"), "/node/uv", tmp_path / "node")
    assert here.folder.parent == tmp_path / "node" / "environments"
    assert here.suite.parent == tmp_path / "node" / "parcels"
    assert (here.suite / "test_a.py").read_text() == "a"


def test_what_came_along_is_unpacked_once(job: Job, recorder: Recorder) -> None:
    text, contents = shipped(job)
    asked = []

    def fetch(name: str) -> bytes:
        asked.append(name)
        return contents[name]

    run_shipment(text, fetch, {})
    run_shipment(text, fetch, {})
    assert len(asked) == 1
    assert recorder.jobs[0].folder != recorder.jobs[1].folder


@pytest.mark.parametrize(
    ("update", "interpreter", "reason"),
    [
        ({}, "3.12.5", "it has Python 3.12.4, and the cell is for 3.12.5"),
        ({"lock": Lock.parse("alpha==1.0", "3.13", this_platform())}, "3.13.1", "Python 3.13 was not found"),
        ({"lock": Lock.parse("alpha==1.0", "3.12", "plan9-mips")}, "3.12.4", "and the cell is for plan9-mips"),
        ({"index": "EXTRA"}, "3.12.4", "it has no environment variable EXTRA"),
        ({"hardware": Hardware(label="big")}, "3.12.4", 'its hardware is "", and the cell is for "big"'),
        ({"hardware": Hardware(label="1 H200", accelerated=True)}, "3.12.4", 'and the cell is for "1 H200"'),
    ],
)
def test_a_node_that_does_not_fit_says_why_and_runs_nothing(
    update: dict[str, Any], interpreter: str, reason: str, job: Job, recorder: Recorder
) -> None:
    found = run(job.model_copy(update=update), {"STACKCOMPAT_RUNNER": "cpu"}, interpreter)
    assert isinstance(found, Unfit)
    assert reason in found.reason
    assert found.outcome == ("interpreter-missing" if "Python 3" in reason else "crashed")
    assert recorder.jobs == []


def test_a_cell_that_must_be_closed_runs_only_where_it_can_be(
    job: Job, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = job.model_copy(update={"isolation": "strict"})
    monkeypatch.setattr(ray_node, "find_means", lambda: Means("", layers=False, network=True))
    found = run(strict)
    assert isinstance(found, Unfit)
    assert "--isolation strict: this machine has no closed sandbox" in found.reason
    monkeypatch.setattr(ray_node, "find_means", lambda: Means("/usr/bin/bwrap", layers=True, network=True))
    assert isinstance(run(strict), Ended)


def test_a_named_node_and_an_extra_index_fit(job: Job, recorder: Recorder) -> None:
    wanted = job.model_copy(update={"hardware": Hardware(label="big"), "index": "EXTRA"})
    assert isinstance(run(wanted, {"STACKCOMPAT_RUNNER": "big", "EXTRA": "address"}), Ended)


def test_accelerators_are_those_that_ray_gave_the_task(
    job: Job, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The label must be the same; which of equal devices it is is the node's own affair."""

    def find(environ: Mapping[str, str]) -> Hardware:
        variables = {name: environ[name] for name in ("CUDA_HOME", "OMP_NUM_THREADS") if name in environ}
        devices = {"CUDA_VISIBLE_DEVICES": environ["CUDA_VISIBLE_DEVICES"]}
        return Hardware(label="1 H200", accelerated=True, variables=variables, devices=devices)

    monkeypatch.setattr(ray_node, "find_hardware", find)
    asked = Hardware(label="1 H200", accelerated=True, variables={"CUDA_HOME": "/c", "OMP_NUM_THREADS": "8"})
    wanted = job.model_copy(update={"hardware": asked})
    here = {"CUDA_HOME": "/c", "CUDA_VISIBLE_DEVICES": "3", "OMP_NUM_THREADS": "1"}  # which Ray sets for each task
    assert isinstance(run(wanted, here), Ended)
    assert recorder.jobs[0].hardware.devices == {"CUDA_VISIBLE_DEVICES": "3"}
    assert recorder.jobs[0].hardware.variables == asked.variables
    other = run(wanted, here | {"CUDA_HOME": "/other"})
    assert isinstance(other, Unfit)
    assert other.reason == "its value of CUDA_HOME differs from that of the other nodes"


def test_artifacts_of_a_writer_go_back_and_nothing_of_them_stays(job: Job, tmp_path: Path, recorder: Recorder) -> None:
    def write(here: Job) -> None:
        assert here.exchange is not None
        (here.artifacts / "box").mkdir(parents=True)
        (here.artifacts / "box" / "value").write_text("1")
        here.exchange.keep(here.artifacts, ["box"])

    recorder._work = write
    found = run(job.model_copy(update={"exchange": Exchange(mode="write", store=Path("/sender/store"))}))
    assert isinstance(found, Ended)
    unpack(found.artifacts, tmp_path / "back")
    assert (tmp_path / "back" / "box" / "value").read_text() == "1"
    assert recorder.jobs[0].exchange is not None
    assert not recorder.jobs[0].exchange.store.exists()


def test_a_reader_finds_the_artifacts_that_came_along(job: Job, tmp_path: Path, recorder: Recorder) -> None:
    (tmp_path / "store" / "box").mkdir(parents=True)
    run(job.model_copy(update={"exchange": Exchange(mode="read", store=tmp_path / "store")}))
    assert recorder.jobs[0].exchange is not None
    assert (recorder.jobs[0].exchange.store / "box").is_dir()
    assert tmp_path / "node" in recorder.jobs[0].exchange.store.parents


def test_an_answer_is_plain_data_of_the_same_code_only(job: Job, recorder: Recorder) -> None:
    text, contents = shipped(job)
    assert answer("cell", text, engine_digest(), contents.__getitem__) == {
        "ended": {"result": GREEN.to_json(), "artifacts": b""}
    }
    other = answer("cell", "no record of this version", "another", contents.__getitem__)
    assert "another version of stackcompat" in other["unfit"]["reason"]
    assert answer("accelerators", "", engine_digest(), contents.__getitem__).keys() == {"hardware"}
    missing = answer("cell", shipped(job, "3.12.9")[0], engine_digest(), contents.__getitem__)
    assert missing["unfit"]["outcome"] == "interpreter-missing"


def test_the_settings_of_a_node_are_read_once(tmp_path: Path) -> None:
    executor, cache = ray_node._executor(tmp_path / "node")
    assert ray_node._executor(tmp_path / "node") == (executor, cache)
    assert (executor.workers, cache.root) == (1, tmp_path / "node")
    assert ray_node._interpreter("3.99") is None
