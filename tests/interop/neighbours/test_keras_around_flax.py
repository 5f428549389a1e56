"""Keras layers around functions and modules of jax's libraries: JaxLayer and FlaxLayer, trained by Keras's fit."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [
    pytest.mark.level("interop"),
    pytest.mark.uses("jax", "keras>=3.0.5"),
    pytest.mark.environment(KERAS_BACKEND="jax"),
]


def trained(layer: Any) -> tuple[Any, float, float]:
    """A Keras model of one layer after some epochs, with its loss before and after."""
    import keras
    import numpy as np

    x = np.linspace(-1, 1, 32, dtype=np.float32).reshape(16, 2)
    y = x @ np.array([[1.0], [-2.0]], np.float32) + 0.5
    model = keras.Sequential([keras.Input((2,)), layer])
    model.compile(keras.optimizers.Adam(0.1), "mse")
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=30, batch_size=16, verbose=0)
    return model, before, model.evaluate(x, y, verbose=0)


@pytest.mark.feature("keras.layers.FlaxLayer")
@pytest.mark.uses("flax>=0.8")
def test_flax_layer() -> None:
    """A linen module with statistics: its parameters train and its statistics move, each in its own Keras list."""
    import keras
    import numpy as np
    from flax import linen as nn

    class Network(nn.Module):
        @nn.compact
        def __call__(self, x: Any, training: bool = False) -> Any:
            x = nn.BatchNorm(use_running_average=not training, momentum=0.5)(x)
            return nn.Dense(1)(x)

    model, before, after = trained(keras.layers.FlaxLayer(Network()))
    assert after < 0.3 * before
    shapes = sorted(tuple(variable.shape) for variable in model.trainable_variables)
    assert shapes == [(1,), (2,), (2,), (2, 1)]
    # (There is a seed as well in some releases.)
    statistics = [np.asarray(variable) for variable in model.non_trainable_variables if "float" in variable.dtype]
    assert [values.shape for values in statistics] == [(2,), (2,)]
    assert not np.allclose(statistics[1], 1.0)


@pytest.mark.feature("keras.layers.JaxLayer with params")
@pytest.mark.parametrize("library", ["jax", pytest.param("nnx", marks=pytest.mark.uses("flax>=0.11"))])
def test_jax_layer(library: str) -> None:
    """A function of parameters, written in jax or made of an nnx module, trains as a layer of Keras."""
    import jax
    import keras

    if library == "nnx":
        from flax import nnx

        graphdef, state = nnx.split(nnx.Linear(2, 1, rngs=nnx.Rngs(0)))
        start = nnx.to_pure_dict(state)

        def call(params: Any, inputs: Any) -> Any:
            own = nnx.state(nnx.eval_shape(lambda: nnx.Linear(2, 1, rngs=nnx.Rngs(0))))
            nnx.replace_by_pure_dict(own, params)
            return nnx.merge(graphdef, own)(inputs)
    else:
        start = {"kernel": jax.numpy.ones((2, 1)), "bias": jax.numpy.zeros((1,))}

        def call(params: Any, inputs: Any) -> Any:
            return inputs @ params["kernel"] + params["bias"]

    model, before, after = trained(keras.layers.JaxLayer(call, params=start))
    assert after < 0.3 * before
    assert len(model.trainable_variables) == 2
