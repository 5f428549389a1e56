"""Where flax.nnx and equinox meet: a model of one inside functions of the other.

Both are trees of arrays to jax. What a leaf is for, a weight or a statistic, only its own library knows: the other one
loses it without a word. The first tests show the ways that keep it, the others what happens otherwise.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.level("interop"), pytest.mark.uses("jax", "flax>=0.12.1", "equinox>=0.11.10")]


def nnx_model() -> Any:
    """A model with a weight and a statistic, both of which decide its output."""
    import jax.numpy as jnp
    from flax import nnx

    class Model(nnx.Module):
        def __init__(self) -> None:
            self.weight = nnx.Param(jnp.array([1.0, 2.0]))
            self.mean = nnx.BatchStat(jnp.array([0.5, 0.5]))

        def __call__(self, x: Any) -> Any:
            return self.weight[...] * (x - self.mean[...])

    return Model()


def inputs() -> Any:
    """An input of the models."""
    import numpy as np

    return np.array([3.0, 4.0], np.float32)


@pytest.mark.feature("equinox.filter_value_and_grad on a split flax.nnx model")
def test_nnx_split_for_equinox() -> None:
    """The parameters of an nnx model, split off, are differentiated by equinox as nnx itself does it."""
    import equinox as eqx
    import numpy as np
    from flax import nnx

    graphdef, params, rest = nnx.split(nnx_model(), nnx.Param, ...)

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def loss(params: Any, rest: Any, x: Any) -> Any:
        return (nnx.merge(graphdef, params, rest)(x) ** 2).sum()

    value, slope = loss(params, rest, inputs())
    wanted = nnx.grad(lambda model: (model(inputs()) ** 2).sum())(nnx_model())
    np.testing.assert_allclose(slope["weight"][...], wanted["weight"][...])
    np.testing.assert_allclose(value, (np.array([2.5, 7.0]) ** 2).sum())


@pytest.mark.feature("flax.nnx.Optimizer on equinox arrays in flax.nnx.Param")
def test_equinox_partitioned_for_nnx() -> None:
    """The arrays of an equinox model, kept in an nnx.Param, train with nnx.Optimizer as the model does by itself."""
    import equinox as eqx
    import jax
    import numpy as np
    import optax
    from flax import nnx

    linear = eqx.nn.Linear(2, 1, key=jax.random.PRNGKey(0))
    arrays, rest = eqx.partition(linear, eqx.is_inexact_array)

    class Model(nnx.Module):
        def __init__(self) -> None:
            self.arrays = nnx.Param(arrays)

        def __call__(self, x: Any) -> Any:
            return eqx.combine(self.arrays.get_value(), rest)(x)

    model = Model()
    optimizer = nnx.Optimizer(model, optax.sgd(0.1), wrt=nnx.Param)
    gradients = nnx.grad(lambda model: (model(inputs()) ** 2).sum())(model)
    optimizer.update(model, gradients)
    slope = eqx.filter_grad(lambda linear: (linear(inputs()) ** 2).sum())(linear)
    found = model.arrays.get_value()
    np.testing.assert_allclose(found.weight, linear.weight - 0.1 * slope.weight, rtol=1e-5)
    np.testing.assert_allclose(found.bias, linear.bias - 0.1 * slope.bias, rtol=1e-5)


@pytest.mark.feature("equinox.filter_grad on an unsplit flax.nnx model")
@pytest.mark.surprise("Statistics of an nnx model are no weights to equinox.")
def test_equinox_trains_statistics_of_nnx() -> None:
    """Without nnx.split, equinox differentiates statistics like weights. No error tells of it."""
    import equinox as eqx
    import numpy as np

    slope = eqx.filter_grad(lambda model: (model(inputs()) ** 2).sum())(nnx_model())
    # d/dmean of the sum of (w (x - mean))^2 is -2 w^2 (x - mean).
    np.testing.assert_allclose(slope.mean[...], [-5.0, -28.0])
    np.testing.assert_allclose(slope.weight[...], [12.5, 49.0])


@pytest.mark.feature("equinox.filter_jit on an unsplit flax.nnx model")
@pytest.mark.surprise("An nnx module updates its statistics inside equinox's jit.")
def test_equinox_loses_updates_of_nnx() -> None:
    """Without nnx.jit, a statistic that changes inside eqx.filter_jit is as before outside."""
    import equinox as eqx
    import numpy as np
    from flax import nnx

    def step(model: Any, x: Any) -> Any:
        model.mean[...] = model.mean[...] + x
        return model(x)

    model = nnx_model()
    eqx.filter_jit(step)(model, inputs())
    np.testing.assert_array_equal(model.mean[...], [0.5, 0.5])
    nnx.jit(step)(model, inputs())
    np.testing.assert_array_equal(model.mean[...], [3.5, 4.5])


@pytest.mark.feature("flax.nnx.data with an equinox layer")
@pytest.mark.surprise("An equinox layer within an nnx module is trained with it.")
def test_nnx_does_not_train_weights_of_equinox() -> None:
    """Its weights are no parameters to nnx: nnx.Optimizer leaves them as they are, without an error."""
    import equinox as eqx
    import jax
    import optax
    from flax import nnx

    class Model(nnx.Module):
        def __init__(self) -> None:
            self.layer = nnx.data(eqx.nn.Linear(2, 1, key=jax.random.PRNGKey(0)))

        def __call__(self, x: Any) -> Any:
            return self.layer(x)

    model = Model()
    assert not jax.tree_util.tree_leaves(nnx.state(model, nnx.Param))
    assert len(jax.tree_util.tree_leaves(nnx.state(model))) == 2
    before = model.layer.weight
    optimizer = nnx.Optimizer(model, optax.sgd(0.1), wrt=nnx.Param)
    optimizer.update(model, nnx.grad(lambda model: (model(inputs()) ** 2).sum())(model))
    assert (model.layer.weight == before).all()
