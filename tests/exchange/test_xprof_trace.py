"""A profile that jax writes and XProf reads: the trace of a jitted step, and the statistics made of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.limit(120)]


@pytest.mark.writes("xprof-trace")
@pytest.mark.uses("jax", "jaxlib")
def test_write(folder: Path) -> None:
    """Some jitted steps under the profiler, inside an annotation."""
    import jax
    import jax.numpy as jnp

    step = jax.jit(lambda x: jnp.sin(x @ x))
    x = step(jnp.ones((64, 64))).block_until_ready()
    with jax.profiler.trace(str(folder / "profile")):
        for number in range(3):
            with jax.profiler.StepTraceAnnotation("train", step_num=number):
                x = step(x).block_until_ready()
    assert len(list(folder.rglob("*.xplane.pb"))) == 1


@pytest.mark.reads("xprof-trace")
@pytest.mark.uses("xprof")
@pytest.mark.parametrize("tool", ["trace_viewer", "overview_page"])
def test_convert(folder: Path, tool: str) -> None:
    """XProf's converter gives the data of a tool, as JSON that is not empty; the trace has the annotated steps."""
    from xprof.convert import raw_to_tool_data

    paths = [str(path) for path in folder.rglob("*.xplane.pb")]
    data, _ = raw_to_tool_data.xspace_to_tool_data(paths, tool, {})
    text = data.decode() if isinstance(data, bytes) else data
    parsed = json.loads(text)
    assert parsed
    if tool == "trace_viewer":
        assert any(event.get("name", "").startswith("train") for event in parsed["traceEvents"])
