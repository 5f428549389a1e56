"""A jax function as a TensorFlow SavedModel, written by orbax-export and called by TensorFlow.

orbax-export imports TensorFlow without declaring it; where it is not installed these tests do not apply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from values import assert_near, keep

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.limit(180)]


def batch(size: int) -> Any:
    """Fixed numbers."""
    import numpy as np

    return np.linspace(-1, 1, size * 4, dtype=np.float32).reshape(size, 4)


@pytest.mark.writes("saved-model")
@pytest.mark.uses("jax", "jaxlib", "orbax-export", "tensorflow")
def test_write(folder: Path) -> None:
    """A function with parameters, for batches of any size; what it computes is kept."""
    import jax
    import jax.numpy as jnp
    import tensorflow as tf
    from orbax.export import ExportManager, JaxModule, ServingConfig

    params = {"w": jnp.asarray(batch(4)), "b": jnp.ones((4,), jnp.float32)}

    def apply(params: Any, x: Any) -> Any:
        return jax.nn.softmax(jnp.tanh(x @ params["w"] + params["b"]))

    module = JaxModule(params, apply, input_polymorphic_shape="b, 4")
    signature = [tf.TensorSpec(shape=(None, 4), dtype=tf.float32, name="x")]
    manager = ExportManager(module, [ServingConfig("serving_default", input_signature=signature)])
    manager.save(str(folder / "model"))
    for size in (1, 5):
        keep(folder, f"result-{size}", jax.jit(apply)(params, batch(size)))


@pytest.mark.reads("saved-model")
@pytest.mark.uses("jax", "tensorflow")
def test_call(folder: Path) -> None:
    """TensorFlow loads and calls it, with batches of several sizes."""
    import tensorflow as tf

    serve = tf.saved_model.load(str(folder / "model")).signatures["serving_default"]
    for size in (1, 5):
        (result,) = serve(x=tf.constant(batch(size))).values()
        assert_near(result.numpy(), folder, f"result-{size}", 1e-5)
