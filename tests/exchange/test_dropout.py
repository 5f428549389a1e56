"""Dropout masks from the same seed, in linen and nnx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from values import assert_unchanged, keep

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("jax", "jaxlib", "flax")]

NNX = pytest.mark.uses("flax>=0.8.5")


def linen_mask() -> Any:
    """What linen's Dropout leaves of ones."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp

    layer = nn.Dropout(0.5, deterministic=False)
    apply = jax.jit(lambda key: layer.apply({}, jnp.ones((64,)), rngs={"dropout": key}))
    return apply(jax.random.PRNGKey(7))


def nnx_masks() -> Any:
    """What nnx's Dropout leaves of ones, the first time and the second."""
    import jax.numpy as jnp
    from flax import nnx

    layer = nnx.Dropout(0.5, deterministic=False, rngs=nnx.Rngs(dropout=7))
    return [layer(jnp.ones((64,))), layer(jnp.ones((64,)))]


@pytest.mark.writes("linen-dropout")
def test_write_linen(folder: Path) -> None:
    """One mask."""
    keep(folder, "mask", linen_mask())


@pytest.mark.reads("linen-dropout")
def test_same_linen(folder: Path) -> None:
    """Drawn anew, the same."""
    assert_unchanged(linen_mask(), folder, "mask")


@pytest.mark.writes("nnx-dropout")
@NNX
def test_write_nnx(folder: Path) -> None:
    """Two masks of one layer."""
    keep(folder, "masks", nnx_masks())


@pytest.mark.reads("nnx-dropout")
@NNX
def test_same_nnx(folder: Path) -> None:
    """Drawn anew, the same."""
    assert_unchanged(nnx_masks(), folder, "masks")
