"""BrainState: states through JAX's transformations, branches and loops, alone and mapped over a batch."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("brainstate>=0.2", "jax"), pytest.mark.level("interop")]


@pytest.mark.uses("brainstate>=0.2", "jax", "optax")
def test_a_network_is_trained() -> None:
    """Compiled steps of Adam, which read and write the states of a network, teach it a product of its inputs."""
    import brainstate
    import jax
    import jax.numpy as jnp
    import optax

    class Network(brainstate.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = brainstate.nn.Linear(2, 16)
            self.second = brainstate.nn.Linear(16, 1)
            self.calls = brainstate.ShortTermState(jnp.zeros((), jnp.int32))

        def update(self, x: Any) -> Any:
            self.calls.value += 1
            return self.second(jnp.tanh(self.first(x)))

    brainstate.random.seed(0)
    network = Network()
    x = jax.random.normal(jax.random.PRNGKey(1), (64, 2))
    y = x[:, :1] * x[:, 1:]
    weights = network.states(brainstate.ParamState)
    assert len(weights) == 2
    optimizer = optax.adam(3e-2)
    moments = brainstate.ShortTermState(optimizer.init({path: state.value for path, state in weights.items()}))

    def loss() -> jax.Array:
        return jnp.mean((network(x) - y) ** 2)

    @brainstate.transform.jit
    def step() -> jax.Array:
        slopes, value = brainstate.transform.grad(loss, weights, return_value=True)()
        values = {path: state.value for path, state in weights.items()}
        updates, moments.value = optimizer.update(dict(slopes), moments.value, values)
        for path, new in optax.apply_updates(values, updates).items():
            weights[path].value = new
        return value

    losses = [float(step()) for _ in range(150)]
    assert losses[0] > 0.3
    assert losses[-1] < losses[0] / 20
    assert int(network.calls.value) == 150


@pytest.mark.uses("brainstate>=0.5", "jax")
def test_states_in_branches_and_loops() -> None:
    """Loops and branches write states, and give what plain Python does."""
    import brainstate
    import jax.numpy as jnp
    import numpy as np

    total = brainstate.ShortTermState(jnp.zeros(()))

    def add(x: Any) -> Any:
        total.value += x
        return total.value

    xs = jnp.arange(1.0, 6.0)
    np.testing.assert_allclose(brainstate.transform.for_loop(add, xs), np.cumsum(xs))
    assert float(total.value) == 15

    def halve(x: Any) -> Any:
        return brainstate.transform.cond(x > 4, lambda: add(-x), lambda: add(x))

    np.testing.assert_allclose(brainstate.transform.for_loop(halve, xs), [16, 18, 21, 25, 20])
    last = brainstate.transform.bounded_while_loop(lambda value: value < 40, lambda value: 2 * value, 3.0, max_steps=8)
    assert float(last) == 48


@pytest.mark.uses("brainstate>=0.5", "jax")
def test_branches_and_loops_over_a_batch() -> None:
    """Mapped over a batch, each element takes its own branch and as many rounds of a loop as it needs.

    Source: chaobrain/brainstate#222 (the rules of batching of 0.5.0 ask for a name that jax 0.10.2 does not have).
    """
    import brainstate
    import jax
    import jax.numpy as jnp
    import numpy as np

    def branch(x: Any) -> Any:
        conditions = [x > 2, (x > 0) & (x <= 2), x <= 0]
        return brainstate.transform.ifelse(conditions, [lambda: 3 * x, lambda: 2 * x, lambda: x - 1])

    def rounds(x: Any) -> Any:
        return brainstate.transform.bounded_while_loop(
            lambda value: value < 40, lambda value: 2 * value, x, max_steps=8
        )

    np.testing.assert_allclose(jax.vmap(branch)(jnp.array([-1.0, 1.0, 2.0, 3.0])), [-2, 2, 4, 9])
    np.testing.assert_allclose(jax.vmap(rounds)(jnp.array([3.0, 5.0, 39.0, 41.0])), [48, 40, 78, 41])


def test_random_states_are_repeatable() -> None:
    """The same seed gives the same numbers, also inside a compiled function; the next draw gives others."""
    import brainstate
    import numpy as np

    @brainstate.transform.jit
    def draw() -> Any:
        return brainstate.random.rand(1000)

    brainstate.random.seed(7)
    first, second = np.asarray(draw()), np.asarray(draw())
    brainstate.random.seed(7)
    np.testing.assert_array_equal(np.asarray(draw()), first)
    assert np.abs(first - second).max() > 0.1
    assert 0.45 < first.mean() < 0.55
