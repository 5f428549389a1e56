"""A profile that jax writes and XProf reads: the trace of a jitted step, and the statistics made of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.limit(120)]

STEPS = 3


@pytest.mark.writes("xprof-trace")
@pytest.mark.uses("jax", "jaxlib")
def test_write(folder: Path) -> None:
    """Some jitted steps under the profiler, inside an annotation."""
    import jax
    import jax.numpy as jnp

    step = jax.jit(lambda x: jnp.sin(x @ x))
    x = step(jnp.ones((64, 64))).block_until_ready()
    with jax.profiler.trace(str(folder / "profile")):
        for number in range(STEPS):
            with jax.profiler.StepTraceAnnotation("train", step_num=number):
                x = step(x).block_until_ready()
    assert len(list(folder.rglob("*.xplane.pb"))) == 1


def converted(folder: Path, tool: str) -> Any:
    """What XProf's converter makes of the profile for a tool."""
    from xprof.convert import raw_to_tool_data

    paths = [str(path) for path in folder.rglob("*.xplane.pb")]
    data, _ = raw_to_tool_data.xspace_to_tool_data(paths, tool, {})
    return json.loads(data)


@pytest.mark.reads("xprof-trace")
@pytest.mark.uses("xprof")
def test_trace_viewer(folder: Path) -> None:
    """The time line has each step that was annotated, once."""
    spans = [event for event in converted(folder, "trace_viewer")["traceEvents"] if event.get("ph") == "X"]
    steps = sorted(span["name"] for span in spans if span["name"].startswith("train"))
    assert steps == [f"train {number}" for number in range(STEPS)]


@pytest.mark.reads("xprof-trace")
@pytest.mark.uses("xprof")
def test_overview(folder: Path) -> None:
    """The overview has a row for each step, and each took time."""
    (table,) = (t for t in converted(folder, "overview_page") if t.get("rows") and t["cols"][0]["id"] == "stepnum")
    names = [column["id"] for column in table["cols"]]
    rows = [dict(zip(names, (cell["v"] for cell in row["c"]), strict=True)) for row in table["rows"]]
    assert [row["stepnum"] for row in rows] == [f"train {number}" for number in range(STEPS)]
    assert all(row["stepTimeMs"] > 0 for row in rows)
