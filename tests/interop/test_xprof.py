"""XProf: a training step traced by jax.profiler, converted by every tool that XProf names for it, and served."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import idioms
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.uses("jax>=0.8", "xprof>=2.20.6", "flax>=0.11", "optax"), pytest.mark.level("interop")]

STEPS = 3


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log folder with the trace of some steps of an nnx model trained by optax."""
    import jax
    import jax.numpy as jnp
    import optax
    from flax import nnx

    model = nnx.Linear(64, 32, rngs=nnx.Rngs(0))
    optimizer = idioms.nnx_optimizer(model, optax.sgd(0.1))
    graph, state = nnx.split((model, optimizer))

    @jax.jit
    def training_step(state: Any, x: Any) -> Any:
        model, optimizer = nnx.merge(graph, state)
        gradients = nnx.grad(lambda model: jnp.mean(jnp.tanh(model(x)) ** 2))(model)
        idioms.nnx_apply_gradients(optimizer, model, gradients)
        return nnx.split((model, optimizer))[1]

    folder = tmp_path_factory.mktemp("trace")
    x = jnp.ones((128, 64))
    jax.block_until_ready(training_step(state, x))
    with jax.profiler.trace(folder):
        for number in range(STEPS):
            with jax.profiler.StepTraceAnnotation("train", step_num=number), jax.profiler.TraceAnnotation("note"):
                state = jax.block_until_ready(training_step(state, x))
    return folder


@pytest.fixture(scope="module")
def converted(traced: Path) -> dict[str, Any]:
    """What each tool that XProf names for the trace makes of it; the tools for one program get the training step."""
    from xprof.convert import raw_to_tool_data

    (trace,) = traced.glob("plugins/profile/*/*.xplane.pb")
    names = [name.removesuffix("^") for name in raw_to_tool_data.xspace_to_tool_names([str(trace)])]
    plain = [name for name in names if name not in ("memory_viewer", "graph_viewer")]
    results = {name: raw_to_tool_data.xspace_to_tool_data([str(trace)], name, {})[0] for name in plain}
    # The programs in the trace lie beside it once a tool has been asked for.
    (program,) = trace.parent.glob("jit_training_step*.hlo_proto.pb")
    module = program.name.removesuffix(".hlo_proto.pb")
    for_module = {
        "memory_viewer": {"module_name": module},
        "graph_viewer": {"graph_viewer_options": {"module_name": module, "type": "short_txt"}},
    }
    for name in names:
        if name in for_module:
            results[name] = raw_to_tool_data.xspace_to_tool_data([str(trace)], name, for_module[name])[0]
    return results


def test_every_tool_gives_data(converted: dict[str, Any]) -> None:
    """No tool that XProf names for the trace comes out empty; all but the program's text are JSON."""
    usual = {"overview_page", "trace_viewer@", "framework_op_stats", "memory_viewer", "graph_viewer", "op_profile"}
    assert usual <= converted.keys()
    for name, data in converted.items():
        assert data, name
        if name != "graph_viewer":
            assert json.loads(data), name


def test_trace_viewer_shows_the_steps(converted: dict[str, Any]) -> None:
    """Each step is on the time line once under its number, with the calls and annotations inside it."""
    spans = [event for event in json.loads(converted["trace_viewer@"])["traceEvents"] if event.get("ph") == "X"]
    for number in range(STEPS):
        (step,) = (span for span in spans if span["name"] == f"train {number}")
        inside = [
            s["name"] for s in spans if s["tid"] == step["tid"] and step["ts"] <= s["ts"] < step["ts"] + step["dur"]
        ]
        assert inside.count("note") == 1
        assert "PjitFunction(training_step)" in inside
    assert sum(span["name"] == "note" for span in spans) == STEPS


def step_rows(tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the one of XProf's tables that is about steps, by the names of its columns."""
    (table,) = (t for t in tables if t.get("rows") and t["cols"][0]["id"] == "stepnum")
    names = [column["id"] for column in table["cols"]]
    return [dict(zip(names, (cell["v"] for cell in row["c"]), strict=True)) for row in table["rows"]]


def test_overview_counts_the_steps(converted: dict[str, Any]) -> None:
    """The overview and the analysis of the input pipeline have a row for each step, whose parts add up to its time."""
    for name in ("overview_page", "input_pipeline_analyzer"):
        steps = step_rows(json.loads(converted[name]))
        assert [row["stepnum"] for row in steps] == [f"train {number}" for number in range(STEPS)]
        for row in steps:
            parts = sum(value for key, value in row.items() if key.endswith("Ms") and key != "stepTimeMs")
            assert parts == pytest.approx(row["stepTimeMs"], rel=1e-3)


def test_memory_and_graph_of_the_program(converted: dict[str, Any]) -> None:
    """The memory viewer lists the program's buffers in their true sizes, the graph viewer has its text."""
    memory = json.loads(converted["memory_viewer"])
    sized = [buffer for buffer in memory["maxHeap"] if "shapeString" in buffer]  # the small ones stand together
    (batch,) = (buffer for buffer in sized if buffer["shapeString"].startswith("f32[128,64]"))
    assert batch["unpaddedShapeMib"] == pytest.approx(128 * 64 * 4 / 2**20)
    text = converted["graph_viewer"]
    text = text.decode() if isinstance(text, bytes) else text
    assert "HloModule jit_training_step" in text
    assert "f32[64,32]" in text


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at, chosen by the system a moment ago."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def served(folder: Path, log: Path) -> Iterator[str]:
    """The address of an XProf server over `folder`; it ends with the block."""
    port, worker_port = free_ports(2)
    command = [sys.executable, "-I", "-m", "xprof.server", "--logdir", str(folder), "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen([*command, "--grpc_port", str(worker_port)], stdout=out, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            assert process.poll() is None, f"the server ended with {process.returncode}: {said}"
            assert time.monotonic() < deadline, f"the server does not listen: {said}"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/data/plugin/profile"
    finally:
        process.kill()
        process.wait()


def get(address: str, **query: str) -> bytes:
    """The answer of the server, which compresses it without being asked."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{address}?{urllib.parse.urlencode(query)}", timeout=60) as response:
        body = response.read()
        return gzip.decompress(body) if response.headers.get("Content-Encoding") == "gzip" else body


@pytest.mark.limit(150)
def test_server_answers(traced: Path, tmp_path: Path) -> None:
    """The server finds the run, its tools and host, and serves the same steps as the conversion by hand."""
    (trace,) = traced.glob("plugins/profile/*/*.xplane.pb")
    host = trace.name.removesuffix(".xplane.pb")
    with served(traced, tmp_path / "server.log") as address:
        (run,) = json.loads(get(f"{address}/runs"))
        assert run.endswith(trace.parent.name)
        tools = json.loads(get(f"{address}/run_tools", run=run))
        assert {"overview_page", "trace_viewer@"} <= set(tools)
        assert json.loads(get(f"{address}/hosts", run=run, tag="trace_viewer@")) == [{"hostname": host}]
        overview = json.loads(get(f"{address}/data", run=run, tag="overview_page", host="ALL_HOSTS"))
        assert len(step_rows(overview)) == STEPS
        assert b"html" in get(address.removesuffix("/data/plugin/profile") + "/").lower()
        with pytest.raises(urllib.error.HTTPError):
            get(f"{address}/no_such_page.html")
    with pytest.raises(OSError):
        get(f"{address}/runs")
