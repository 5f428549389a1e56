"""jax.export: a function compiled ahead, serialised, read back and called gives what the original gives.

Serialisation needs the distribution flatbuffers, which jax does not declare: without it these tests do not apply.
"""

from __future__ import annotations

from typing import Any

import idioms
import pytest


@pytest.fixture(autouse=True)
def flatbuffers() -> None:
    if idioms.installed("flatbuffers") is None:
        pytest.skip("flatbuffers is not installed: jax.export needs it to serialise, and jax does not declare it")


@pytest.mark.uses("jax>=0.4.24", "jaxlib")
@pytest.mark.level("run")
def test_export_roundtrip() -> None:
    """Bytes written by export and read back compute the same values, control flow and matrix product included."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    @jax.jit
    def function(tree: dict[str, Any], x: Any) -> Any:
        y, _ = jax.lax.scan(lambda carry, w: (jnp.tanh(carry @ w), None), x, tree["w"])
        return {"y": y, "n": x.sum()}

    tree = {"w": np.random.default_rng(0).normal(size=(3, 4, 4)).astype(np.float32)}
    x = np.ones((2, 4), np.float32)
    result, expected = idioms.exported_roundtrip(function, tree, x)(tree, x), function(tree, x)
    assert sorted(result) == ["n", "y"]
    for name in result:
        np.testing.assert_allclose(np.asarray(result[name]), np.asarray(expected[name]), rtol=1e-6)
    with pytest.raises(ValueError):  # the arguments' shapes are part of what was exported
        idioms.exported_roundtrip(function, tree, x)(tree, x[:1])


@pytest.mark.uses("jax>=0.4.30", "jaxlib")
@pytest.mark.level("run")
def test_export_with_a_symbolic_batch() -> None:
    """One export with a symbolic batch dimension serves batches of several sizes."""
    import jax
    import numpy as np
    from jax import export

    w = np.arange(6, dtype=np.float32).reshape(2, 3)
    argument = jax.ShapeDtypeStruct(export.symbolic_shape("b, 2"), np.float32)
    call = idioms.exported_roundtrip(jax.jit(lambda x: x @ w), argument)
    for size in (1, 5):
        x = np.random.default_rng(size).normal(size=(size, 2)).astype(np.float32)
        np.testing.assert_allclose(np.asarray(call(x)), x @ w, rtol=1e-5, atol=1e-5)


@pytest.mark.uses("jax>=0.4.24", "flax")
@pytest.mark.level("interop")
def test_flax_model_exported() -> None:
    """A linen model's apply is exported with its parameters as an argument and answers as the live model."""
    import flax.linen as nn
    import jax
    import numpy as np

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            x = nn.gelu(nn.LayerNorm()(nn.Dense(8)(x)))
            return nn.Dense(2)(x)

    net, x = Net(), np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    variables = jax.jit(net.init)(jax.random.key(0), x)
    apply = jax.jit(net.apply)
    call = idioms.exported_roundtrip(apply, variables, x)
    np.testing.assert_allclose(np.asarray(call(variables, x)), np.asarray(apply(variables, x)), rtol=1e-5, atol=1e-6)


@pytest.mark.uses("jax>=0.4.24", "flax>=0.8.4")
@pytest.mark.level("interop")
def test_nnx_model_exported() -> None:
    """An nnx model, split into definition and state, is exported and answers as the live model."""
    import jax
    import numpy as np
    from flax import nnx

    model = nnx.jit(lambda: nnx.Linear(4, 2, rngs=nnx.Rngs(0)))()
    graphdef, state = nnx.split(model)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    # The leaves go in as a plain list: an exported function knows only jax's own containers.
    leaves, treedef = jax.tree_util.tree_flatten(state)

    @jax.jit
    def apply(leaves: list[Any], x: Any) -> Any:
        return nnx.merge(graphdef, jax.tree_util.tree_unflatten(treedef, leaves))(x)

    call = idioms.exported_roundtrip(apply, leaves, x)
    np.testing.assert_allclose(
        np.asarray(call(leaves, x)), np.asarray(nnx.jit(lambda model, x: model(x))(model, x)), rtol=1e-5, atol=1e-6
    )
