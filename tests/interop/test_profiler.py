"""XProf reads what jax.profiler wrote: a step of plain JAX, so that nothing but these two can fail.

The programs that XLA puts into a trace grow with XLA, and XProf carries its own reader for them.
"""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

import idioms
import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.uses("jax", "jaxlib", "xprof"), pytest.mark.level("interop")]

STEPS = 3


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trace of some steps of gradient descent on a matrix."""
    import jax
    import jax.numpy as jnp

    @jax.jit
    def training_step(weights: Any, x: Any) -> Any:
        return weights - 0.1 * jax.grad(lambda weights: jnp.mean(jnp.tanh(x @ weights) ** 2))(weights)

    weights, x = jnp.ones((64, 32)), jnp.ones((128, 64))
    jax.block_until_ready(training_step(weights, x))
    folder = tmp_path_factory.mktemp("trace")
    with jax.profiler.trace(folder):
        for number in range(STEPS):
            with jax.profiler.StepTraceAnnotation("train", step_num=number), jax.profiler.TraceAnnotation("note"):
                weights = jax.block_until_ready(training_step(weights, x))
    (path,) = folder.glob("plugins/profile/*/*.xplane.pb")
    return path


def converter() -> Any:
    """The module that reads traces. Before XProf 2.20.0 its modules had the name of the TensorBoard plugin."""
    package = "xprof" if idioms.at_least("xprof", "2.20.0") else "tensorboard_plugin_profile"
    return importlib.import_module(f"{package}.convert.raw_to_tool_data")


def show(trace: Path, tool: str, options: dict[str, Any]) -> Any:
    """What a tool of XProf shows of the trace."""
    return converter().xspace_to_tool_data([str(trace)], tool, options)[0]


@pytest.fixture(scope="module")
def program(trace: Path) -> str:
    """The name of the step's program, from where XProf's server has it too: files made when asked for the tools."""
    tools = [name.removesuffix("^") for name in converter().xspace_to_tool_names([str(trace)])]
    assert {"graph_viewer", "memory_viewer"} <= set(tools)
    names = [path.name.removesuffix(".hlo_proto.pb") for path in trace.parent.glob("*.hlo_proto.pb")]
    assert names, "XProf lists no program of the trace"
    (name,) = (name for name in names if name.startswith("jit_training_step"))
    return name


def test_time_line_shows_the_steps(trace: Path) -> None:
    """Each step is on the time line once under its number, with the call and the annotation inside it."""
    spans = [event for event in json.loads(show(trace, "trace_viewer@", {}))["traceEvents"] if event.get("ph") == "X"]
    for number in range(STEPS):
        (step,) = (span for span in spans if span["name"] == f"train {number}")
        end = step["ts"] + step["dur"]
        inside = [span["name"] for span in spans if span["tid"] == step["tid"] and step["ts"] <= span["ts"] < end]
        assert inside.count("note") == 1
        assert "PjitFunction(training_step)" in inside


def test_text_of_the_program(trace: Path, program: str) -> None:
    """The program that XLA wrote is read and printed, its parameters in their shapes."""
    options = {"graph_viewer_options": {"module_name": program, "type": "short_txt"}}
    text = show(trace, "graph_viewer", options).decode()
    assert "HloModule jit_training_step" in text
    assert "f32[64,32]" in text
    assert "f32[128,64]" in text


def test_memory_of_the_program(trace: Path, program: str) -> None:
    """The memory viewer has the program's batch in its true size."""
    memory = json.loads(show(trace, "memory_viewer", {"module_name": program}))
    sized = [buffer for buffer in memory["maxHeap"] if "shapeString" in buffer]  # the small ones stand together
    (batch,) = (buffer for buffer in sized if buffer["shapeString"].startswith("f32[128,64]"))
    assert batch["unpaddedShapeMib"] == pytest.approx(128 * 64 * 4 / 2**20)
