"""BlackJAX: samplers of a known density, their warm-up, sequential Monte Carlo, and approximations."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("blackjax>=1.2", "jax"), pytest.mark.level("interop")]

MEAN, DEVIATION = (1.0, -2.0), (0.5, 2.0)


def log_density(position: Any) -> Any:
    """Two independent normal distributions, of a tree of two numbers."""
    import jax.numpy as jnp

    x = jnp.stack([position["a"], position["b"]])
    return -0.5 * jnp.sum(((x - jnp.array(MEAN)) / jnp.array(DEVIATION)) ** 2)


def start() -> Any:
    import jax.numpy as jnp

    return {"a": jnp.array(0.0), "b": jnp.array(0.0)}


def drawn(algorithm: Any, state: Any, steps: int) -> Any:
    """The positions of a chain, as a compiled scan."""
    import jax

    @jax.jit
    def run(state: Any, keys: Any) -> Any:
        def step(state: Any, key: Any) -> Any:
            state, _ = algorithm.step(key, state)
            return state, state.position

        return jax.lax.scan(step, state, keys)[1]

    return run(state, jax.random.split(jax.random.PRNGKey(1), steps))


def check_moments(draws: Any, tolerance: float = 0.3) -> None:
    """Means within a share of the deviation, deviations within this share."""
    import numpy as np

    for name, mean, deviation in zip("ab", MEAN, DEVIATION, strict=True):
        values = np.asarray(draws[name])
        assert abs(values.mean() - mean) < tolerance * deviation
        assert (1 - tolerance) * deviation < values.std() < (1 + tolerance) * deviation


def test_nuts_after_its_warm_up() -> None:
    """The warm-up finds step size and scales, and the sampler with them the moments of the density."""
    import blackjax
    import jax
    import numpy as np

    warmup = blackjax.window_adaptation(blackjax.nuts, log_density)
    (state, parameters), _ = jax.jit(warmup.run, static_argnames="num_steps")(
        jax.random.PRNGKey(0), start(), num_steps=300
    )
    scales = np.asarray(parameters["inverse_mass_matrix"])
    assert 2 < scales[1] / scales[0] < 100  # 16 is right
    draws = drawn(blackjax.nuts(log_density, **parameters), state, 800)
    check_moments(draws)
    chains = np.asarray(draws["a"]).reshape(2, 400)
    assert float(blackjax.diagnostics.potential_scale_reduction(chains)) < 1.1
    assert float(blackjax.diagnostics.effective_sample_size(chains)) > 50


@pytest.mark.parametrize("name", ["hmc", "mala", "rmh"])
def test_other_samplers(name: str) -> None:
    """Hamiltonian, Langevin and random-walk samplers find the moments; eight chains go side by side by vmap."""
    import blackjax
    import jax
    import jax.numpy as jnp

    scales = jnp.array(DEVIATION) ** 2
    algorithm = {
        "hmc": lambda: blackjax.hmc(log_density, 0.3, scales, 8),
        "mala": lambda: blackjax.mala(log_density, 0.15),
        "rmh": lambda: blackjax.additive_step_random_walk(
            log_density, blackjax.mcmc.random_walk.normal(jnp.array([0.8, 2.5]))
        ),
    }[name]()
    key = jax.random.PRNGKey(0)
    starts = {"a": MEAN[0] + DEVIATION[0] * jax.random.normal(key, (8,)), "b": MEAN[1] + jnp.linspace(-3.0, 3.0, 8)}
    states = jax.vmap(algorithm.init)(starts)
    draws = jax.vmap(lambda state, key: chain(algorithm, state, key, 400))(states, jax.random.split(key, 8))
    check_moments(draws, 0.35)


def chain(algorithm: Any, state: Any, key: Any, steps: int) -> Any:
    import jax

    def step(state: Any, key: Any) -> Any:
        state, _ = algorithm.step(key, state)
        return state, state.position

    return jax.lax.scan(step, state, jax.random.split(key, steps))[1]


def test_tempered_particles() -> None:
    """Adaptive tempering carries particles from a wide prior to the posterior of a conjugate model."""
    import blackjax
    import jax
    import jax.numpy as jnp
    import numpy as np
    from blackjax.smc import extend_params, resampling

    algorithm = blackjax.adaptive_tempered_smc(
        lambda x: -0.5 * (x / 3) ** 2,
        lambda x: -0.5 * ((x - 2) / 0.5) ** 2,
        blackjax.hmc.build_kernel(),
        blackjax.hmc.init,
        extend_params({"step_size": 0.3, "inverse_mass_matrix": jnp.ones(1), "num_integration_steps": 5}),
        resampling.systematic,
        0.5,
        num_mcmc_steps=3,
    )
    state = algorithm.init(3 * jax.random.normal(jax.random.PRNGKey(0), (200,)))
    step = jax.jit(algorithm.step)
    tempering = "lmbda" if hasattr(state, "lmbda") else "tempering_param"
    for count in range(50):
        if getattr(state, tempering) >= 1:
            break
        state, _ = step(jax.random.PRNGKey(count + 1), state)
    assert 1 < count < 50
    precision = 1 / 9 + 4
    particles, weights = np.asarray(state.particles), np.asarray(state.weights)
    mean = np.sum(weights * particles)
    assert abs(mean - 8 / precision) < 0.15
    assert 0.7 < np.sum(weights * (particles - mean) ** 2) * precision < 1.4


def test_approximation_by_pathfinder() -> None:
    """Pathfinder, by L-BFGS of its own, approximates a normal distribution by itself."""
    import blackjax
    import jax

    state, _ = jax.jit(lambda key: blackjax.pathfinder.approximate(key, log_density, start()))(jax.random.PRNGKey(0))
    draws, _ = blackjax.pathfinder.sample(jax.random.PRNGKey(1), state, 500)
    check_moments(draws)


@pytest.mark.uses("blackjax>=1.2", "jax", "optax")
def test_mean_field_approximation_by_optax() -> None:
    """A mean-field normal distribution is fitted by a rule of optax."""
    import blackjax
    import jax
    import optax

    algorithm = blackjax.meanfield_vi(log_density, optax.adam(0.05), num_samples=20)

    @jax.jit
    def run(state: Any, keys: Any) -> Any:
        return jax.lax.scan(lambda state, key: (algorithm.step(key, state)[0], None), state, keys)[0]

    state = run(algorithm.init(start()), jax.random.split(jax.random.PRNGKey(0), 400))
    check_moments(algorithm.sample(jax.random.PRNGKey(1), state, 500))
