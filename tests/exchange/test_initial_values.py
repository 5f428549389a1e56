"""Initial values from the same seed: jax's initializers, and layers of linen and nnx as their defaults make them.

Other values are no break, but a training run that is repeated after an upgrade is another run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from values import assert_unchanged, keep

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("jax", "jaxlib")]

FLAX = pytest.mark.uses("flax")
NNX = pytest.mark.uses("flax>=0.8.5")

INITIALIZERS = (
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "orthogonal",
    "truncated_normal",
    "uniform",
)
LINEN = ("Dense", "Conv", "Embed", "LayerNorm", "LSTMCell", "MultiHeadDotProductAttention")
NNX_LAYERS = ("Linear", "Conv", "Embed", "LayerNorm", "MultiHeadAttention")


def initial(name: str) -> Any:
    """What one of jax's initializers gives."""
    import jax

    initializer = getattr(jax.nn.initializers, name)()
    return jax.jit(lambda key: initializer(key, (8, 6)))(jax.random.PRNGKey(0))


def linen(name: str) -> Any:
    """The variables of a linen layer."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp

    x = jnp.ones((2, 5, 8))
    makers: dict[str, Any] = {
        "Dense": (nn.Dense(6), (x,)),
        "Conv": (nn.Conv(6, (3,)), (x,)),
        "Embed": (nn.Embed(10, 8), (jnp.arange(4),)),
        "LayerNorm": (nn.LayerNorm(), (x,)),
        "LSTMCell": (nn.LSTMCell(6), ((jnp.ones((2, 6)), jnp.ones((2, 6))), x[:, 0])),
        "MultiHeadDotProductAttention": (nn.MultiHeadDotProductAttention(num_heads=2), (x, x)),
    }
    layer, inputs = makers[name]
    return jax.jit(layer.init)(jax.random.PRNGKey(0), *inputs)


def nnx_layer(name: str) -> Any:
    """The parameters of an nnx layer."""
    from flax import nnx

    arguments: dict[str, dict[str, Any]] = {
        "Linear": {"in_features": 8, "out_features": 6},
        "Conv": {"in_features": 8, "out_features": 6, "kernel_size": (3,)},
        "Embed": {"num_embeddings": 10, "features": 8},
        "LayerNorm": {"num_features": 8},
        "MultiHeadAttention": {"num_heads": 2, "in_features": 8, "decode": False},
    }
    return nnx.state(getattr(nnx, name)(**arguments[name], rngs=nnx.Rngs(0)), nnx.Param)


@pytest.mark.writes("jax-initializers")
def test_write(folder: Path) -> None:
    """All of jax's."""
    for name in INITIALIZERS:
        keep(folder, name, initial(name))


@pytest.mark.reads("jax-initializers")
@pytest.mark.parametrize("name", INITIALIZERS)
def test_same(folder: Path, name: str) -> None:
    """Made anew, the same up to rounding."""
    assert_unchanged(initial(name), folder, name)


@pytest.mark.writes("linen-initial")
@FLAX
def test_write_linen(folder: Path) -> None:
    """Layers of linen."""
    for name in LINEN:
        keep(folder, name, linen(name))


@pytest.mark.reads("linen-initial")
@FLAX
@pytest.mark.parametrize("name", LINEN)
def test_same_linen(folder: Path, name: str) -> None:
    """Made anew, the same up to rounding."""
    assert_unchanged(linen(name), folder, name)


@pytest.mark.writes("nnx-initial")
@NNX
def test_write_nnx(folder: Path) -> None:
    """Layers of nnx."""
    for name in NNX_LAYERS:
        keep(folder, name, nnx_layer(name))


@pytest.mark.reads("nnx-initial")
@NNX
@pytest.mark.parametrize("name", NNX_LAYERS)
def test_same_nnx(folder: Path, name: str) -> None:
    """Made anew, the same up to rounding."""
    assert_unchanged(nnx_layer(name), folder, name)
