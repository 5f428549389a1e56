"""Orbax export hands a JAX model to TensorFlow: what is saved is loaded again, called, and compared with JAX.

The SavedModel carries its own weights, so nothing of JAX takes part in the second half of a test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

EXPORT = ("jax", "jaxlib", "orbax-export>=0.0.5", "tensorflow")


def perceptron() -> tuple[Any, Any]:
    """A two-layer perceptron of flax, as a pure function of its parameters and a batch of inputs; and parameters."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp

    class Perceptron(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            return nn.Dense(3)(jnp.tanh(nn.Dense(8)(x)))

    model = Perceptron()
    return model.apply, model.init(jax.random.PRNGKey(0), jnp.zeros((1, 4)))


def inputs(rows: int) -> Any:
    """A batch of so many rows."""
    import numpy as np

    return np.random.default_rng(rows).normal(size=(rows, 4)).astype(np.float32)


def save(path: Path, apply: Any, params: Any, rows: int | None, **options: Any) -> None:
    """Export for so many rows a batch, or for any number of them if None, and save."""
    import tensorflow as tf
    from orbax.export import ExportManager, JaxModule, ServingConfig

    module = JaxModule(params, apply, **options)
    signature = [tf.TensorSpec((rows, 4), tf.float32, name="x")]
    config = ServingConfig("serving_default", signature, tf_postprocessor=lambda y: {"y": y})
    ExportManager(module, [config]).save(str(path))


def assert_same(found: Any, wanted: Any) -> None:
    """Equal up to the order in which a compiler adds: the same numbers went through the same operations."""
    import numpy as np

    assert str(found.numpy().dtype) == str(np.asarray(wanted).dtype) == "float32"
    np.testing.assert_allclose(found.numpy(), np.asarray(wanted), rtol=1e-5, atol=1e-5)


@pytest.mark.uses(*EXPORT)
@pytest.mark.level("interop")
@pytest.mark.parametrize("rows", [2, None], ids=["static", "symbolic"])
def test_plain_function(tmp_path: Path, rows: int | None) -> None:
    """A function of JAX alone, no other library in it, exported for one shape, and for any number of rows."""
    import jax.numpy as jnp
    import numpy as np
    import tensorflow as tf

    def apply(params: Any, x: Any) -> Any:
        return jnp.tanh(x @ params["weights"]) + params["bias"]

    params = {"weights": np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3), "bias": np.ones(3, np.float32)}
    symbol = {} if rows else {"input_polymorphic_shape": "b, ..."}
    save(tmp_path / "model", apply, params, rows=rows, **symbol)
    served = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    for some in (2,) if rows else (1, 5):
        assert_same(served(x=tf.constant(inputs(some)))["y"], apply(params, inputs(some)))


@pytest.mark.uses(*EXPORT, "flax")
@pytest.mark.level("interop")
def test_static_shape(tmp_path: Path) -> None:
    """A flax model exported for one shape computes in TensorFlow what it computes in JAX, and refuses another shape."""
    import tensorflow as tf

    apply, params = perceptron()
    save(tmp_path / "model", apply, params, rows=2)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    served = loaded.signatures["serving_default"]
    assert_same(served(x=tf.constant(inputs(2)))["y"], apply(params, inputs(2)))
    with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)):
        served(x=tf.constant(inputs(3)))


@pytest.mark.uses(*EXPORT, "flax")
@pytest.mark.level("interop")
def test_symbolic_shape(tmp_path: Path) -> None:
    """Exported with a symbol for the number of rows, the model takes batches of sizes that it was never traced with.

    JAX writes into such a program the checks that the symbol demands, which TensorFlow must be new enough to read: JAX
    promises that for a TensorFlow at most three weeks older than itself.
    """
    import tensorflow as tf

    apply, params = perceptron()
    save(tmp_path / "model", apply, params, rows=None, input_polymorphic_shape="b, ...")
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    served = loaded.signatures["serving_default"]
    for rows in (1, 5):
        assert_same(served(x=tf.constant(inputs(rows)))["y"], apply(params, inputs(rows)))


@pytest.mark.uses(*EXPORT, "flax")
@pytest.mark.level("interop")
def test_gradient_survives(tmp_path: Path) -> None:
    """Exported as trainable, the loaded model's variables have in TensorFlow the gradients that they have in JAX."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import tensorflow as tf

    apply, params = perceptron()
    save(tmp_path / "model", apply, params, rows=2, trainable=True, jax2tf_kwargs={"with_gradient": True})
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    served = loaded.signatures["serving_default"]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(served(x=tf.constant(inputs(2)))["y"] ** 2)
    found = tape.gradient(loss, tape.watched_variables())
    wanted = jax.tree_util.tree_leaves(jax.grad(lambda p: jnp.sum(apply(p, inputs(2)) ** 2))(params))
    # The four arrays have four shapes, which tell who is who.
    for one, other in zip(sorted(found, key=lambda g: tuple(g.shape)), sorted(wanted, key=np.shape), strict=True):
        assert_same(one, other)
