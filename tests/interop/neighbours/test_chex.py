"""Chex: dataclasses that are trees, and assertions about arrays, together with JAX's transformations."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.uses("chex", "jax"), pytest.mark.level("interop")]


def test_a_dataclass_goes_through_transformations() -> None:
    """A chex dataclass is a tree: it is carried by scan, differentiated, and keeps its class."""
    import chex
    import jax
    import jax.numpy as jnp
    import numpy as np

    @chex.dataclass
    class State:
        position: jax.Array
        velocity: jax.Array

    def step(state: State, force: jax.Array) -> tuple[State, jax.Array]:
        velocity = state.velocity + force
        return state.replace(position=state.position + velocity, velocity=velocity), velocity

    def end(start: State, forces: jax.Array) -> jax.Array:
        last, _ = jax.lax.scan(step, start, forces)
        assert isinstance(last, State)
        return last.position

    start = State(position=jnp.array(1.0), velocity=jnp.array(2.0))
    forces = jnp.array([1.0, 0.0, -3.0])
    # Velocities 3, 3, 0.
    assert jax.jit(end)(start, forces) == 7.0
    gradient = jax.grad(end)(start, forces)
    assert isinstance(gradient, State)
    np.testing.assert_allclose([gradient.position, gradient.velocity], [1.0, 3.0])


def test_assertions_see_shapes_and_traces() -> None:
    """Assertions about trees and about the number of traces fail where they should, and only there."""
    import chex
    import jax
    import jax.numpy as jnp

    chex.assert_trees_all_close({"a": jnp.ones(3)}, {"a": jnp.ones(3)})
    with pytest.raises(AssertionError):
        chex.assert_trees_all_close({"a": jnp.ones(3)}, {"a": 2 * jnp.ones(3)})
    with pytest.raises(AssertionError):
        chex.assert_shape(jnp.ones((2, 3)), (3, 2))

    chex.clear_trace_counter()

    @jax.jit
    @chex.assert_max_traces(n=1)
    def double(x: jax.Array) -> jax.Array:
        return 2 * x

    assert double(jnp.ones(2)).sum() == 4
    assert double(jnp.zeros(2)).sum() == 0
    with pytest.raises(AssertionError):
        double(jnp.ones(3))


def test_variants_run_a_test_in_each_way() -> None:
    """The variants of a test run its function jitted and not."""
    import chex
    import jax
    import jax.numpy as jnp
    from absl.testing import absltest

    seen: list[bool] = []

    class Cases(chex.TestCase):
        @chex.variants(with_jit=True, without_jit=True)
        def test_sum(self) -> None:
            @self.variant
            def total(x: jax.Array) -> jax.Array:
                seen.append(isinstance(x, jax.core.Tracer))
                return x.sum()

            assert total(jnp.arange(4.0)) == 6.0

    suite = absltest.unittest.defaultTestLoader.loadTestsFromTestCase(Cases)
    outcome = suite.run(absltest.unittest.TestResult())
    assert (outcome.testsRun, outcome.failures, outcome.errors) == (2, [], [])
    assert sorted(seen) == [False, True]
