"""Models quantised by qwix as orbax checkpoints: low precision arrays and scales, in qwix's own containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from orbax_ways import restore, save
from values import assert_kept, assert_near, keep

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.level("exchange"),
    pytest.mark.uses("jax", "jaxlib", "flax", "qwix>=0.1.0", "orbax-checkpoint"),
]

QTYPES = ("int8", "int4", "float8_e4m3fn")


def inputs() -> Any:
    """A fixed batch."""
    import numpy as np

    return np.linspace(-1, 1, 64, dtype=np.float32).reshape(4, 16)


def provider(qtype: str) -> Any:
    """Weights alone are quantised."""
    import qwix

    return qwix.PtqProvider([qwix.QuantizationRule(module_path=".*", weight_qtype=qtype)])


def nnx_quantised(qtype: str, seed: int) -> Any:
    """A quantised nnx layer."""
    import qwix
    from flax import nnx

    return qwix.quantize_model(nnx.Linear(16, 8, rngs=nnx.Rngs(seed)), provider(qtype), inputs())


def linen_quantised(qtype: str, seed: int) -> tuple[Any, Any]:
    """A quantised linen layer and its parameters."""
    import flax.linen as nn
    import jax
    import qwix

    layer = nn.Dense(8)
    params = jax.jit(layer.init)(jax.random.PRNGKey(seed), inputs())["params"]
    quantised = qwix.quantize_model(layer, provider(qtype))
    target = jax.eval_shape(quantised.init, jax.random.PRNGKey(seed), inputs())["params"]
    return quantised, qwix.quantize_params(params, target)


@pytest.mark.writes("qwix-nnx")
def test_write_nnx(folder: Path) -> None:
    """States of quantised nnx layers, and what these compute."""
    from flax import nnx

    for qtype in QTYPES:
        layer = nnx_quantised(qtype, 0)
        save(folder / qtype, nnx.state(layer))
        keep(folder, f"{qtype}-state", nnx.state(layer))
        keep(folder, f"{qtype}-output", layer(inputs()))


@pytest.mark.reads("qwix-nnx")
@pytest.mark.parametrize("qtype", QTYPES)
def test_read_nnx(folder: Path, qtype: str) -> None:
    """They come back bit for bit into another quantised layer, which computes what the writer's did up to rounding."""
    from flax import nnx

    layer = nnx_quantised(qtype, 1)
    restored = restore(folder / qtype, nnx.state(layer))
    assert_kept(restored, folder, f"{qtype}-state")
    nnx.update(layer, restored)
    assert_near(layer(inputs()), folder, f"{qtype}-output", 1e-3)


@pytest.mark.writes("qwix-linen")
def test_write_linen(folder: Path) -> None:
    """Quantised parameters of linen layers, and what these compute."""
    for qtype in QTYPES:
        layer, params = linen_quantised(qtype, 0)
        save(folder / qtype, params)
        keep(folder, f"{qtype}-state", params)
        keep(folder, f"{qtype}-output", layer.apply({"params": params}, inputs()))


@pytest.mark.reads("qwix-linen")
@pytest.mark.parametrize("qtype", QTYPES)
def test_read_linen(folder: Path, qtype: str) -> None:
    """The same in linen."""
    layer, params = linen_quantised(qtype, 1)
    restored = restore(folder / qtype, params)
    assert_kept(restored, folder, f"{qtype}-state")
    assert_near(layer.apply({"params": restored}, inputs()), folder, f"{qtype}-output", 1e-3)
