"""evosax: evolution strategies whose populations are arrays, in compiled loops."""

from __future__ import annotations

from typing import Any

import idioms
import pytest

pytestmark = [pytest.mark.uses("evosax", "jax"), pytest.mark.level("interop")]

GOAL = (1.0, -2.0, 0.5)
# Those that begin with a population; others begin with a mean.
POPULATIONS = ("DifferentialEvolution", "PSO")


def misses(x: Any) -> Any:
    """The squared distance of a population from the goal."""
    import jax.numpy as jnp

    return ((x - jnp.array(GOAL)) ** 2).sum(axis=-1)


def evolved(strategy: Any, generations: int) -> tuple[Any, Any]:
    """The best solution and its fitness after some generations in one compiled loop.

    evosax 0.2 gives the key first, and has an initial mean or population in place of bounds.
    """
    import jax
    import jax.numpy as jnp

    start, *keys = jax.random.split(jax.random.PRNGKey(0), generations + 1)
    params = strategy.default_params
    if not idioms.at_least("evosax", "0.2"):

        def old_generation(state: Any, key: jax.Array) -> tuple[Any, None]:
            population, state = strategy.ask(key, state, params)
            return strategy.tell(population, misses(population), state, params), None

        state, _ = jax.lax.scan(old_generation, strategy.initialize(start, params), jnp.stack(keys))
        return state.best_member, state.best_fitness

    def generation(state: Any, key: jax.Array) -> tuple[Any, None]:
        ask, tell = jax.random.split(key)
        population, state = strategy.ask(ask, state, params)
        state, _ = strategy.tell(tell, population, misses(population), state, params)
        return state, None

    if type(strategy).__name__ in POPULATIONS:
        population = jax.random.normal(start, (strategy.population_size, 3))
        state = strategy.init(start, population, misses(population), params)
    else:
        state = strategy.init(start, jnp.zeros(3), params)
    state, _ = jax.lax.scan(generation, state, jnp.stack(keys))
    return state.best_solution, state.best_fitness


def strategy(name: str, size: int, **options: Any) -> Any:
    """A strategy for three numbers."""
    import jax.numpy as jnp

    if idioms.at_least("evosax", "0.2"):
        import evosax.algorithms

        return getattr(evosax.algorithms, name)(population_size=size, solution=jnp.zeros(3), **options)
    import evosax

    old = {"Open_ES": "OpenES", "DifferentialEvolution": "DE"}.get(name, name)
    return getattr(evosax, old)(popsize=size, num_dims=3, **options)


@pytest.mark.parametrize("name", ["CMA_ES", "SNES", "DifferentialEvolution", "PSO"])
def test_strategies_find_the_least_value(name: str) -> None:
    """In a compiled loop a strategy comes close to the minimum of a quadratic function."""
    import jax
    import numpy as np

    found, fitness = jax.jit(lambda: evolved(strategy(name, 16), 60))()
    np.testing.assert_allclose(fitness, misses(found), rtol=1e-4, atol=1e-6)
    assert fitness < 0.05
    np.testing.assert_allclose(found, GOAL, atol=0.25)


@pytest.mark.uses("evosax>=0.2", "jax", "optax")
def test_evolution_by_an_optimiser_of_optax() -> None:
    """OpenAI-ES moves its mean by Adam of Optax."""
    import jax
    import numpy as np
    import optax

    strategy_of_optax = strategy("Open_ES", 32, optimizer=optax.adam(0.15), std_schedule=optax.constant_schedule(0.1))
    found, fitness = jax.jit(lambda: evolved(strategy_of_optax, 60))()
    assert fitness < 0.05
    np.testing.assert_allclose(found, GOAL, atol=0.25)


@pytest.mark.uses("evosax>=0.2", "jax", "flax")
def test_the_weights_of_a_network_evolve() -> None:
    """A tree of parameters is a solution: populations have its structure, and fit a line."""
    import evosax.algorithms
    import jax
    import jax.numpy as jnp
    from flax import linen as nn

    network = nn.Dense(1)
    x = jnp.linspace(-1, 1, 16)[:, None]
    solution = network.init(jax.random.PRNGKey(0), x)
    es = evosax.algorithms.CMA_ES(population_size=12, solution=solution)
    params = es.default_params

    def loss(weights: Any) -> jax.Array:
        return ((network.apply(weights, x) - (3 * x - 1)) ** 2).mean()

    def generation(state: Any, key: jax.Array) -> tuple[Any, jax.Array]:
        ask, tell = jax.random.split(key)
        population, state = es.ask(ask, state, params)
        losses = jax.vmap(loss)(population)
        state, _ = es.tell(tell, population, losses, state, params)
        return state, losses.mean()

    state = es.init(jax.random.PRNGKey(1), solution, params)
    keys = jax.random.split(jax.random.PRNGKey(2), 50)
    state, losses = jax.jit(lambda state: jax.lax.scan(generation, state, keys))(state)
    assert losses[-1] < losses[0] / 50
    population, _ = es.ask(jax.random.PRNGKey(3), state, params)
    assert jax.tree_util.tree_structure(population) == jax.tree_util.tree_structure(solution)
