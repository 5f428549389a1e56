"""Brax: rigid bodies simulated by its own pipelines, environments under JAX's transformations, and training by PPO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.uses("brax", "jax"),
    pytest.mark.level("interop"),
    # Since brax 0.12.1 it says at each use of a pipeline that MJX is the maintained one.
    pytest.mark.filterwarnings("ignore:Brax System:UserWarning"),
]

BALL = """
<mujoco>
  <option timestep="0.01"/>
  <worldbody><body pos="0 0 10"><freejoint/><geom type="sphere" size="0.1" mass="2"/></body></worldbody>
</mujoco>
"""


def heights_of_thrown_balls(pipeline: Any, speeds: Any) -> Any:
    """How high balls are, by a pipeline, 20 steps of 0.01 s after they were thrown up from a height of 10.

    They are asked for their coordinates: the frames of bodies that MuJoCo keeps are those before the last step.
    """
    import jax
    import jax.numpy as jnp
    from brax.io import mjcf

    system = mjcf.loads(BALL)

    def height(speed: jax.Array) -> jax.Array:
        velocity = jnp.zeros(system.qd_size()).at[2].set(speed)
        start = pipeline.init(system, system.init_q, velocity)

        def step(state: Any, _: None) -> tuple[Any, None]:
            return pipeline.step(system, state, jnp.zeros(system.act_size())), None

        last, _ = jax.lax.scan(step, start, length=20)
        return last.q[2]

    return jax.jit(jax.vmap(height))(jnp.asarray(speeds))


def closed_form(speeds: Any) -> Any:
    """The same: velocity first, then position, so that gravity has acted 1 + 2 + ... + 20 times."""
    import numpy as np

    return 10 + 20 * 0.01 * np.asarray(speeds) - 9.81 * 0.01**2 * 20 * 21 / 2


def test_balls_fall() -> None:
    """Bodies that are thrown up at different speeds fall as the closed form of the integrator says."""
    import numpy as np
    from brax.spring import pipeline

    speeds = [0.0, 1.0, 5.0]
    np.testing.assert_allclose(heights_of_thrown_balls(pipeline, speeds), closed_form(speeds), rtol=1e-4)


@pytest.mark.uses("brax", "mujoco-mjx", "jax")
def test_balls_fall_by_mjx() -> None:
    """The pipeline that leaves the physics to MJX, and makes its data by hand, says the same.

    MJX 3.3.4 has taken fields out of these data, with which Brax 0.12.1 fails.
    """
    import numpy as np
    from brax.mjx import pipeline

    speeds = [0.0, 1.0, 5.0]
    np.testing.assert_allclose(heights_of_thrown_balls(pipeline, speeds), closed_form(speeds), rtol=1e-4)


def test_wrapped_environments_in_a_scan() -> None:
    """A batch of environments counts steps, says when an episode is over, and starts anew by itself."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from brax import envs

    env = envs.create("fast", episode_length=4, auto_reset=True, batch_size=3)
    start = jax.jit(env.reset)(jax.random.PRNGKey(0))

    def step(state: Any, action: jax.Array) -> tuple[Any, Any]:
        state = env.step(state, jnp.tile(action, (3, 1)))
        return state, (state.obs, state.reward, state.done)

    _, (observed, rewards, done) = jax.jit(lambda state, actions: jax.lax.scan(step, state, actions))(
        start, jnp.ones(6)
    )
    # Each step adds dt = 0.02 to the velocity, which adds dt of itself to the place, and the place is the reward.
    places = 0.02**2 * np.array([1.0, 3.0, 6.0, 10.0])
    np.testing.assert_allclose(rewards[:4], np.tile(places[:, None], 3), rtol=1e-5)
    np.testing.assert_allclose(rewards[4:], np.tile(places[:2, None], 3), rtol=1e-5)
    np.testing.assert_array_equal(done[:, 0], [0, 0, 0, 1, 0, 0])
    # What is observed at the end of an episode is the first of the next one.
    np.testing.assert_allclose(observed[3], 0)


@pytest.mark.uses("brax", "jax", "flax", "optax")
def test_ppo_learns() -> None:
    """PPO learns to push always in the direction that is rewarded."""
    import functools

    import jax
    import jax.numpy as jnp
    from brax import envs
    from brax.training.agents.ppo import networks
    from brax.training.agents.ppo import train as ppo

    seen: list[float] = []
    make_policy, parameters, _ = ppo.train(
        environment=envs.get_environment("fast"),
        num_timesteps=8192,
        episode_length=8,
        num_envs=16,
        batch_size=16,
        num_minibatches=2,
        unroll_length=4,
        num_updates_per_batch=4,
        num_evals=2,
        num_eval_envs=16,
        learning_rate=1e-2,
        reward_scaling=100,
        max_devices_per_host=1,
        normalize_observations=True,
        network_factory=functools.partial(
            networks.make_ppo_networks, policy_hidden_layer_sizes=(8,), value_hidden_layer_sizes=(8,)
        ),
        progress_fn=lambda _, metrics: seen.append(float(metrics["eval/episode_reward"])),
    )
    # Places 1, 3, 6, ..., 36 times dt squared: no policy gets more than this.
    best = 0.02**2 * 120
    assert seen[0] < 0.75 * best
    assert 0.9 * best < seen[-1] <= best * (1 + 1e-5)
    policy = make_policy(parameters, deterministic=True)
    actions, _ = policy(jnp.array([[0.0, 0.0], [0.002, 0.06]]), jax.random.PRNGKey(1))
    assert (actions > 0).all()


@pytest.mark.feature("brax.training.agents.ppo.checkpoint")
@pytest.mark.uses("brax>=0.12.3", "jax", "flax", "orbax-checkpoint")
def test_a_policy_is_saved_and_loaded(tmp_path: Path) -> None:
    """The parameters of a policy, with the statistics of what it observed, act as before once they are loaded."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from brax.training.acme import running_statistics, specs
    from brax.training.agents.ppo import checkpoint, networks

    network = networks.make_ppo_networks(3, 2, preprocess_observations_fn=running_statistics.normalize)
    policy, value = jax.random.split(jax.random.PRNGKey(0))
    normalizer = running_statistics.init_state(specs.Array((3,), jnp.dtype("float32")))
    parameters = (
        running_statistics.update(normalizer, 2 * jnp.arange(12.0).reshape(4, 3)),
        network.policy_network.init(policy),
        network.value_network.init(value),
    )
    config = checkpoint.network_config(3, 2, True, networks.make_ppo_networks)
    checkpoint.save(tmp_path, 7, parameters, config)
    loaded = checkpoint.load(tmp_path / f"{7:012d}")
    make_policy = networks.make_inference_fn(network)
    observed, key = jnp.arange(6.0).reshape(2, 3), jax.random.PRNGKey(1)
    actions, _ = make_policy(parameters, deterministic=True)(observed, key)
    again, _ = make_policy(loaded, deterministic=True)(observed, key)
    np.testing.assert_array_equal(again, actions)
    assert np.abs(actions).max() > 0
