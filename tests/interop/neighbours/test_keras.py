"""Keras on JAX: its backend is chosen by a variable, before Keras is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.uses("jax", "keras>=3"),
    pytest.mark.environment(KERAS_BACKEND="jax"),
    pytest.mark.level("interop"),
]


def test_training_step() -> None:
    """A dense layer is trained by gradients of JAX: its weights follow plain gradient descent."""
    import keras
    import numpy as np

    assert keras.backend.backend() == "jax"
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]], np.float32)
    y = x @ np.array([[2.0], [-1.0]], np.float32)
    model.fit(x, y, batch_size=4, epochs=1, shuffle=False, verbose=0)
    kernel, bias = (np.asarray(weight) for weight in model.get_weights())
    # From zeros, one step of the mean squared error moves by twice the rate times the mean of x * y, and of y.
    np.testing.assert_allclose(kernel, 0.2 * (x * y).mean(axis=0)[:, None], rtol=1e-4)
    np.testing.assert_allclose(bias, 0.2 * y.mean(axis=0), rtol=1e-4)


def classified() -> tuple[Any, Any]:
    """Points of the plane with the half in which they lie."""
    import numpy as np

    x = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    return x, (x[:, 0] > x[:, 1]).astype(np.int32)


def test_a_classifier_is_trained_saved_and_loaded(tmp_path: Path) -> None:
    """A model with normalisation and dropout learns, and gives the same after it was saved and loaded."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(0)
    x, y = classified()
    model = keras.Sequential(
        [
            keras.layers.Input((2,)),
            keras.layers.Dense(8),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("relu"),
            keras.layers.Dropout(0.1),
            keras.layers.Dense(2),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(0.05),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = model.fit(x, y, batch_size=16, epochs=10, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] / 2
    # What the layer of normalisation remembers is the mean of what it sees, and that moved from zero.
    assert np.abs(model.layers[1].moving_mean).max() > 0.01
    loss, accuracy = model.evaluate(x, y, verbose=0)
    assert loss < 0.35
    assert accuracy > 0.9
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert int(loaded.optimizer.iterations) == 40


@pytest.mark.uses("jax", "keras>=3", "optax")
def test_a_loop_of_ones_own() -> None:
    """A model without state inside is compiled and differentiated by JAX, and trained by an optimiser of Optax."""
    import jax
    import keras
    import numpy as np
    import optax

    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]], np.float32)
    y = x @ np.array([[2.0], [-1.0]], np.float32)
    trained = [variable.value for variable in model.trainable_variables]
    fixed = [variable.value for variable in model.non_trainable_variables]
    optimizer = optax.sgd(0.1)

    @jax.jit
    def step(trained: Any, state: Any) -> Any:
        def loss(trained: Any) -> Any:
            outputs, _ = model.stateless_call(trained, fixed, x, training=True)
            return ((outputs - y) ** 2).mean()

        value, slopes = jax.value_and_grad(loss)(trained)
        updates, state = optimizer.update(slopes, state)
        return optax.apply_updates(trained, updates), state, value

    state = optimizer.init(trained)
    trained, state, first = step(trained, state)
    np.testing.assert_allclose(first, (y**2).mean(), rtol=1e-5)
    np.testing.assert_allclose(trained[0], 0.2 * (x * y).mean(axis=0)[:, None], rtol=1e-4)
    for _ in range(100):
        trained, state, last = step(trained, state)
    assert last < first / 100
    # Given back to the model, the weights do in it what they did outside.
    for variable, value in zip(model.trainable_variables, trained, strict=True):
        variable.assign(value)
    np.testing.assert_allclose(((model.predict(x, verbose=0) - y) ** 2).mean(), last, rtol=0.2)


@pytest.mark.feature("keras.layers.JaxLayer with init_fn")
@pytest.mark.uses("jax", "keras>=3.3")
def test_a_function_of_jax_is_a_layer() -> None:
    """A function of JAX with its parameters is a layer, which fit trains."""
    import jax
    import jax.numpy as jnp
    import keras
    import numpy as np

    def initial(rng: jax.Array, inputs: Any) -> Any:
        return {"w": jax.random.normal(rng, (inputs.shape[-1], 1)) * 0, "b": jnp.zeros(1)}

    def line(params: Any, inputs: Any) -> Any:
        return inputs @ params["w"] + params["b"]

    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]], np.float32)
    y = x @ np.array([[2.0], [-1.0]], np.float32)
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.JaxLayer(call_fn=line, init_fn=initial)])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    model.fit(x, y, batch_size=4, epochs=1, shuffle=False, verbose=0)
    weights = {weight.shape: np.asarray(weight) for weight in model.trainable_weights}
    np.testing.assert_allclose(weights[2, 1], 0.2 * (x * y).mean(axis=0)[:, None], rtol=1e-4)
    np.testing.assert_allclose(weights[(1,)], 0.2 * y.mean(axis=0), rtol=1e-4)


@pytest.mark.feature("keras.distribution.DataParallel")
@pytest.mark.uses("jax", "keras>=3.3")
def test_a_step_over_eight_devices() -> None:
    """Data in parallel over devices give the weights of plain gradient descent, on each of the devices."""
    import keras
    import numpy as np

    x = np.arange(32, dtype=np.float32).reshape(16, 2) / 16
    y = x @ np.array([[2.0], [-1.0]], np.float32)
    distribution = keras.distribution.DataParallel()
    with distribution.scope():
        model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
        model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
        model.fit(x, y, batch_size=16, epochs=1, shuffle=False, verbose=0)
        kernel = model.trainable_variables[0].value
    np.testing.assert_allclose(kernel, 0.2 * (x * y).mean(axis=0)[:, None], rtol=1e-4)
    assert len(kernel.sharding.device_set) == len(distribution.device_mesh.devices.flatten())
