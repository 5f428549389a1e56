"""The Flax models of Diffusers, until release 0.39: a denoiser is trained, and schedulers add and take noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.uses("diffusers<0.40", "jax", "flax"),
    pytest.mark.level("interop"),
    # Said of all Flax classes in the last releases that had them.
    pytest.mark.filterwarnings("ignore:.*Flax.*:FutureWarning"),
]


def denoiser() -> Any:
    """A tiny UNet with one block each way."""
    from diffusers import FlaxUNet2DConditionModel

    return FlaxUNet2DConditionModel(
        sample_size=4,
        in_channels=2,
        out_channels=2,
        down_block_types=("CrossAttnDownBlock2D",),
        up_block_types=("CrossAttnUpBlock2D",),
        block_out_channels=(32,),
        layers_per_block=1,
        attention_head_dim=2,
        cross_attention_dim=4,
    )


def test_noise_is_added_and_taken() -> None:
    """Noise is added as the formula says, and a scheduler that is told the noise takes it all away again."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from diffusers import FlaxDDIMScheduler

    scheduler = FlaxDDIMScheduler(
        num_train_timesteps=100, beta_start=1e-4, beta_end=0.02, beta_schedule="linear", clip_sample=False
    )
    state = scheduler.create_state()
    clean, noise = jax.random.normal(jax.random.PRNGKey(0), (2, 1, 2, 4, 4))
    noisy = scheduler.add_noise(state, clean, noise, jnp.array([90]))
    kept = np.prod(1 - np.linspace(1e-4, 0.02, 100)[:91])
    np.testing.assert_allclose(noisy, np.sqrt(kept) * clean + np.sqrt(1 - kept) * noise, rtol=1e-4, atol=1e-5)

    state = scheduler.set_timesteps(state, num_inference_steps=10, shape=clean.shape)
    assert state.timesteps.tolist() == list(range(90, -1, -10))
    sample = noisy
    step = jax.jit(lambda sample, time: scheduler.step(state, noise, time, sample).prev_sample)
    for time in state.timesteps:
        sample = step(sample, time)
    np.testing.assert_allclose(sample, clean, rtol=1e-3, atol=1e-3)


@pytest.mark.uses("diffusers<0.40", "jax", "flax", "optax")
def test_a_denoiser_is_trained() -> None:
    """Compiled steps of Adam teach a tiny UNet to tell the noise."""
    import jax
    import jax.numpy as jnp
    import optax

    model = denoiser()
    params = model.init_weights(jax.random.PRNGKey(0))
    noise = jax.random.normal(jax.random.PRNGKey(1), (2, 2, 4, 4))
    times, text = jnp.array([3, 50]), jax.random.normal(jax.random.PRNGKey(2), (2, 3, 4))
    optimizer = optax.adam(1e-2)

    @jax.jit
    def step(params: Any, state: Any) -> tuple[Any, Any, jax.Array]:
        def loss(params: Any) -> jax.Array:
            return ((model.apply({"params": params}, noise, times, text).sample - noise) ** 2).mean()

        value, slopes = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(slopes, state)
        return optax.apply_updates(params, updates), state, value

    state = optimizer.init(params)
    losses = []
    for _ in range(25):
        params, state, loss = step(params, state)
        losses.append(float(loss))
    assert losses[-1] < losses[0] / 3


def test_a_model_is_saved_and_loaded(tmp_path: Path) -> None:
    """A model that was saved has the same parameters, bit for bit, and the same configuration."""
    import jax
    import numpy as np
    from diffusers import FlaxUNet2DConditionModel
    from flax.traverse_util import flatten_dict

    model = denoiser()
    params = model.init_weights(jax.random.PRNGKey(0))
    model.save_pretrained(tmp_path, params=params)
    again, loaded = FlaxUNet2DConditionModel.from_pretrained(tmp_path)
    assert (again.config["in_channels"], list(again.config["block_out_channels"])) == (2, [32])
    before, after = flatten_dict(params), flatten_dict(loaded)
    assert set(before) == set(after)
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array)
