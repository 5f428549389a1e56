"""e3nn-jax: arrays of irreducible representations, whose functions turn with their inputs."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("e3nn-jax", "jax"), pytest.mark.level("interop")]

ANGLES = (0.3, 1.1, -0.7)


def turned(function: Any, *arrays: Any) -> tuple[Any, Any]:
    """What the function gives of turned arrays, and its turned result: equal if the function is equivariant."""
    import jax

    @jax.jit
    def both(arrays: Any) -> Any:
        before = function(*(array.transform_by_angles(*ANGLES) for array in arrays))
        return before.array, function(*arrays).transform_by_angles(*ANGLES).array

    return both(arrays)


def test_spherical_harmonics() -> None:
    """They turn with their vector, are 1, x, y, z up to a factor, and have the gradient of finite differences."""
    import e3nn_jax as e3nn
    import jax
    import numpy as np

    vectors = e3nn.IrrepsArray("1o", np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32))

    def harmonics(vectors: Any) -> Any:
        return e3nn.spherical_harmonics([0, 1, 2], vectors, normalize=True, normalization="component")

    before, after = turned(harmonics, vectors)
    assert before.shape == (5, 1 + 3 + 5)
    np.testing.assert_allclose(before, after, atol=1e-4)
    found = jax.jit(harmonics)(vectors).array
    unit = vectors.array / np.linalg.norm(vectors.array, axis=1, keepdims=True)
    np.testing.assert_allclose(found[:, 0], np.ones(5), atol=1e-5)
    np.testing.assert_allclose(found[:, 1:4], np.sqrt(3) * unit, atol=1e-5)

    @jax.jit
    @jax.value_and_grad
    def second(x: Any) -> Any:
        return e3nn.spherical_harmonics(2, e3nn.IrrepsArray("1o", x), normalize=False).array[2]

    point, step = np.array([0.4, -0.2, 0.9], np.float32), 1e-2
    ahead, behind = [[second(point + by * e)[0] for e in np.eye(3, dtype=np.float32)] for by in (step, -step)]
    np.testing.assert_allclose(second(point)[1], (np.array(ahead) - np.array(behind)) / (2 * step), atol=1e-2)


def test_tensor_products() -> None:
    """A product of representations turns with its factors; of two vectors it has the dot and the cross product."""
    import e3nn_jax as e3nn
    import jax
    import numpy as np

    random = np.random.default_rng(1)
    left = e3nn.IrrepsArray("2x0e + 1o", random.normal(size=(3, 5)).astype(np.float32))
    right = e3nn.IrrepsArray("1o", random.normal(size=(3, 3)).astype(np.float32))
    before, after = turned(e3nn.tensor_product, left, right)
    np.testing.assert_allclose(before, after, atol=1e-4)

    vector = left.filter("1o")
    product = jax.jit(e3nn.tensor_product)(vector, right)
    assert product.irreps == e3nn.Irreps("0e + 1e + 2e")
    dot, cross = (vector.array * right.array).sum(1), np.cross(vector.array, right.array)
    np.testing.assert_allclose(product.filter("0e").array[:, 0], dot / np.sqrt(3), atol=1e-5)
    np.testing.assert_allclose(product.filter("1e").array, cross / np.sqrt(2), atol=1e-5)
    outer = jax.vmap(e3nn.tensor_product)(vector, right)
    np.testing.assert_allclose(outer.array, product.array, atol=1e-5)


def layers() -> tuple[Any, Any]:
    import e3nn_jax as e3nn
    import numpy as np

    inputs = e3nn.IrrepsArray("4x0e + 3x1o", np.random.default_rng(2).normal(size=(6, 13)).astype(np.float32))
    return inputs, e3nn.Irreps("5x0e + 2x1o")


@pytest.mark.uses("e3nn-jax", "jax", "flax", "optax")
def test_a_flax_network_is_trained_and_turns() -> None:
    """A linen network of e3nn's layers and a gate brings its loss below a tenth, and still turns with its inputs."""
    import e3nn_jax as e3nn
    import e3nn_jax.flax
    import flax.linen as nn
    import jax
    import numpy as np
    import optax

    inputs, irreps = layers()

    class Network(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            x = e3nn.gate(e3nn.flax.Linear(irreps, name="first")(x))
            return e3nn.flax.Linear("1o", name="last")(x)

    network, tx = Network(), optax.adam(0.05)
    # A vector that turns with the inputs, so that the network can learn it.
    targets = 2.0 * inputs.filter("1o").array.reshape(6, 3, 3).sum(1)

    def loss(parameters: Any) -> Any:
        return ((network.apply(parameters, inputs).array - targets) ** 2).mean()

    @jax.jit
    def step(parameters: Any, state: Any) -> Any:
        value, gradient = jax.value_and_grad(loss)(parameters)
        updates, state = tx.update(gradient, state, parameters)
        return value, optax.apply_updates(parameters, updates), state

    parameters = jax.jit(network.init)(jax.random.key(0), inputs)
    state, values = tx.init(parameters), []
    for _ in range(100):
        value, parameters, state = step(parameters, state)
        values.append(float(value))
    assert values[-1] < 0.1 * values[0]
    before, after = turned(lambda x: network.apply(parameters, x), inputs)
    np.testing.assert_allclose(before, after, atol=1e-3)


@pytest.mark.thorough
def test_signals_on_the_sphere() -> None:
    """Coefficients come back from a grid on the sphere, which Legendre polynomials of JAX make."""
    import e3nn_jax as e3nn
    import jax
    import numpy as np

    coefficients = e3nn.IrrepsArray("0e + 1o + 2e", np.random.default_rng(3).normal(size=9).astype(np.float32))

    @jax.jit
    def there_and_back(coefficients: Any) -> Any:
        signal = e3nn.to_s2grid(coefficients, 6, 7, quadrature="gausslegendre", p_val=1, p_arg=-1)
        return signal.grid_values, e3nn.from_s2grid(signal, coefficients.irreps)

    values, back = there_and_back(coefficients)
    assert values.shape == (6, 7)
    assert np.ptp(values) > 0.1
    np.testing.assert_allclose(back.array, coefficients.array, atol=1e-4)


@pytest.mark.feature("e3nn_jax.scatter_mean with map_back")
def test_a_mean_is_given_back_to_its_nodes() -> None:
    """scatter_mean with numbers of nodes and map_back gives each node the mean of its graph."""
    import e3nn_jax as e3nn
    import numpy as np

    nodes = np.array([[1.0], [3.0], [10.0], [20.0], [30.0]], np.float32)
    means = e3nn.scatter_mean(e3nn.IrrepsArray("0e", nodes), nel=np.array([2, 3]), map_back=True)
    np.testing.assert_allclose(means.array, [[2.0], [2.0], [20.0], [20.0], [20.0]])
