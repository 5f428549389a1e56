"""Quax: programs for arrays run with array-like objects of one's own, by rules for JAX's primitives."""

# ruff: noqa: I002 - rules are chosen by the classes in their annotations, which must not be texts.
from typing import Any

import pytest

pytestmark = [pytest.mark.uses("quax", "jax"), pytest.mark.level("interop")]


def diagonal() -> Any:
    """An array-like class of diagonal matrices, with a rule for its product with an array."""
    import jax
    import jax.numpy as jnp
    import quax

    class Diagonal(quax.ArrayValue):
        entries: jax.Array

        def aval(self) -> Any:
            (size,) = self.entries.shape
            return jax.core.ShapedArray((size, size), self.entries.dtype)

        def materialise(self) -> Any:
            return jnp.diag(self.entries)

    @quax.register(jax.lax.dot_general_p)
    def _(left: Diagonal, right: jax.Array, *, dimension_numbers: Any, **_: Any) -> jax.Array:
        assert dimension_numbers == (((1,), (0,)), ((), ()))
        return left.entries * right

    @quax.register(jax.lax.mul_p)
    def _(left: Diagonal, right: Diagonal, **_: Any) -> Diagonal:
        return Diagonal(left.entries * right.entries)

    return Diagonal


def test_rules_replace_primitives() -> None:
    """A compiled program that knows arrays alone gives an array and an object; its gradient has the object's class."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import quax

    Diagonal = diagonal()
    matrix, vector = Diagonal(jnp.array([1.0, -2.0, 3.0])), jnp.array([4.0, 5.0, 6.0])

    @jax.jit
    def program(matrix: Any, vector: Any) -> Any:
        return matrix @ vector, matrix * matrix

    product, square = quax.quaxify(program)(matrix, vector)
    np.testing.assert_allclose(product, [4.0, -10.0, 18.0])
    assert isinstance(square, Diagonal)
    np.testing.assert_allclose(square.entries, [1.0, 4.0, 9.0])

    def total(matrix: Any) -> Any:
        return quax.quaxify(lambda matrix: (matrix @ vector).sum())(matrix)

    gradient = jax.jit(jax.grad(total))(matrix)
    assert isinstance(gradient, Diagonal)
    np.testing.assert_allclose(gradient.entries, vector)
    rows = jax.vmap(lambda vector: quax.quaxify(program)(matrix, vector)[0])(jnp.stack([vector, 2 * vector]))
    np.testing.assert_allclose(rows, [[4.0, -10.0, 18.0], [8.0, -20.0, 36.0]])


def test_what_has_no_rule_is_made_an_array() -> None:
    """A primitive without a rule gets the array that the object stands for."""
    import jax.numpy as jnp
    import numpy as np
    import quax

    matrix = diagonal()(jnp.array([1.0, -2.0]))
    np.testing.assert_allclose(quax.quaxify(jnp.exp)(matrix), np.exp(np.diag([1.0, -2.0])), rtol=1e-6)


@pytest.mark.uses("quax", "jax", "equinox", "optax")
def test_low_rank_adapters_are_trained() -> None:
    """The LoRA of the documentation in an equinox layer: it starts as the layer, is trained, and the layer stays."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    import quax
    import quax.examples.lora as lora

    linear = eqx.nn.Linear(6, 5, key=jax.random.key(0))
    adapted = eqx.tree_at(
        lambda layer: layer.weight, linear, lora.LoraArray(linear.weight, rank=2, key=jax.random.key(1))
    )
    x = jax.random.normal(jax.random.key(2), (20, 6))
    # A change of the weights of rank one.
    change = jnp.outer(jnp.arange(5.0) - 2, jnp.array([1.0, -1.0, 0.5, 0.0, 0.0, 2.0])) / 3
    targets = jax.vmap(linear)(x) + x @ change.T

    @quax.quaxify
    def run(layer: Any, x: Any) -> Any:
        return jax.vmap(layer)(x)

    np.testing.assert_allclose(run(adapted, x), jax.vmap(linear)(x), atol=1e-5)
    tx = optax.adam(0.05)

    @eqx.filter_jit
    def step(layer: Any, state: Any) -> Any:
        def loss(layer: Any) -> Any:
            return jnp.mean((run(layer, x) - targets) ** 2)

        value, gradient = eqx.filter_value_and_grad(loss)(layer)
        updates, state = tx.update(gradient, state)
        return value, eqx.apply_updates(layer, updates), state

    state, losses = tx.init(eqx.filter(adapted, eqx.is_array)), []
    for _ in range(150):
        value, adapted, state = step(adapted, state)
        losses.append(float(value))
    assert losses[-1] < 0.02 * losses[0]
    np.testing.assert_allclose(adapted.weight._w, linear.weight)
