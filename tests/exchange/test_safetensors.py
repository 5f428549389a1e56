"""A file of safetensors, in which models are exchanged: read by safetensors itself, and by Orbax's v1 functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import idioms
import pytest
from values import assert_kept, keep

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("jax", "jaxlib", "safetensors")]


def parameters() -> dict[str, Any]:
    """Arrays under the names of a model's layers, each of another type."""
    import jax.numpy as jnp

    return {
        "layers.0.kernel": jnp.arange(12, dtype=jnp.float32).reshape(3, 4) / 8,
        "layers.0.scale": jnp.arange(1, 5, dtype=jnp.bfloat16) / 4,
        "layers.1.half": jnp.arange(4, dtype=jnp.float16),
        "mask": jnp.array([True, False, True]),
        "tokens": jnp.arange(5, dtype=jnp.int32),
    }


@pytest.mark.writes("safetensors")
def test_write(folder: Path) -> None:
    """A file with metadata."""
    import safetensors.flax

    safetensors.flax.save_file(parameters(), str(folder / "model.safetensors"), metadata={"format": "flax"})
    keep(folder, "values", parameters())


@pytest.mark.reads("safetensors")
def test_read(folder: Path) -> None:
    """The arrays come back under their names, bit for bit, with the metadata."""
    import safetensors
    import safetensors.flax

    found = safetensors.flax.load_file(str(folder / "model.safetensors"))
    assert set(found) == set(parameters())
    assert_kept(dict(sorted(found.items())), folder, "values")
    with safetensors.safe_open(str(folder / "model.safetensors"), framework="flax") as file:
        assert file.metadata() == {"format": "flax"}


@pytest.mark.reads("safetensors")
@pytest.mark.uses("orbax-checkpoint>=0.11.32")
def test_read_with_orbax(folder: Path) -> None:
    """Orbax's v1 functions load the same file."""
    import orbax.checkpoint.experimental.v1 as ocp

    with ocp.Context(checkpoint_layout=ocp.options.CheckpointLayout.SAFETENSORS):
        found = idioms.orbax_v1_load(ocp)(folder / "model.safetensors")
    assert_kept(dict(sorted(found.items())), folder, "values")
