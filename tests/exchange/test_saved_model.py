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


def save(folder: Path, rows: int | None, sizes: tuple[int, ...]) -> None:
    """A function with parameters, for batches of so many rows or of any number; what it computes is kept."""
    import jax
    import jax.numpy as jnp
    import tensorflow as tf
    from orbax.export import ExportManager, JaxModule, ServingConfig

    params = {"w": jnp.asarray(batch(4)), "b": jnp.ones((4,), jnp.float32)}

    def apply(params: Any, x: Any) -> Any:
        return jax.nn.softmax(jnp.tanh(x @ params["w"] + params["b"]))

    options = {} if rows else {"input_polymorphic_shape": "b, 4"}
    signature = [tf.TensorSpec(shape=(rows, 4), dtype=tf.float32, name="x")]
    config = ServingConfig("serving_default", input_signature=signature)
    ExportManager(JaxModule(params, apply, **options), [config]).save(str(folder / "model"))
    for size in sizes:
        keep(folder, f"result-{size}", jax.jit(apply)(params, batch(size)))


def assert_serves(folder: Path, sizes: tuple[int, ...]) -> None:
    """TensorFlow loads and calls it, and computes the same up to rounding."""
    import tensorflow as tf

    serve = tf.saved_model.load(str(folder / "model")).signatures["serving_default"]
    for size in sizes:
        (result,) = serve(x=tf.constant(batch(size))).values()
        assert_near(result.numpy(), folder, f"result-{size}", 1e-5)


@pytest.mark.writes("saved-model")
@pytest.mark.uses("jax", "jaxlib", "orbax-export", "tensorflow")
def test_write(folder: Path) -> None:
    """For batches of one size."""
    save(folder, 5, (5,))


@pytest.mark.reads("saved-model")
@pytest.mark.uses("jax", "tensorflow")
def test_serve(folder: Path) -> None:
    """With a batch of that size."""
    assert_serves(folder, (5,))


@pytest.mark.writes("saved-model-symbolic")
@pytest.mark.uses("jax", "jaxlib", "orbax-export", "tensorflow")
def test_write_symbolic(folder: Path) -> None:
    """For batches of any size: jax writes checks of the size into it, which TensorFlow must be new enough to know."""
    save(folder, None, (1, 5))


@pytest.mark.reads("saved-model-symbolic")
@pytest.mark.uses("jax", "tensorflow")
def test_serve_symbolic(folder: Path) -> None:
    """With batches of several sizes."""
    assert_serves(folder, (1, 5))
