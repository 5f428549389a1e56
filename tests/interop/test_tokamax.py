"""Tokamax: kernels for accelerators with a plain XLA implementation beside them, which is what runs on a CPU."""

from __future__ import annotations

import pytest


@pytest.mark.uses("jax", "tokamax>=0.0.8")
@pytest.mark.level("interop")
def test_attention_and_layer_norm_against_their_formulas() -> None:
    """Called from a plain program, the XLA implementations compute what they are named for."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import tokamax

    rng = np.random.default_rng(0)
    query, key, value = (jnp.asarray(rng.normal(size=(2, 8, 2, 4)), jnp.float32) for _ in range(3))
    found = tokamax.dot_product_attention(query, key, value, implementation="xla")
    weights = jax.nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", query, key) / 2.0, axis=-1)
    expected = jnp.einsum("bhqk,bkhd->bqhd", weights, value)
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=2e-2, atol=2e-2)

    x = jnp.asarray(rng.normal(size=(4, 8)), jnp.float32)
    scale, offset = jnp.full((8,), 2.0), jnp.full((8,), 0.5)
    normed = np.asarray(tokamax.layer_norm(x, scale, offset, implementation="xla"))
    plain = np.asarray(x)
    formula = (plain - plain.mean(-1, keepdims=True)) / np.sqrt(plain.var(-1, keepdims=True) + 1e-6) * 2.0 + 0.5
    np.testing.assert_allclose(normed, formula, rtol=1e-3, atol=1e-3)
