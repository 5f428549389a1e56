"""MaxDiffusion trains models that turn noise into pictures and videos: here tiny ones with random weights.

Its own trainer of Stable Diffusion (flax linen, optax, orbax) and its video transformer WAN (flax nnx, quantised by
qwix), over eight host devices. Weights and data sets of a hub take no part: pictures come as a trainer keeps them once
the image encoder and the text encoder have seen them.
"""

from __future__ import annotations

import contextlib
from importlib import metadata
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAXDIFFUSION = ("jax", "jaxlib", "flax", "maxdiffusion")

#: The noise that Stable Diffusion was trained with.
STEPS = 1000
NOISE = {"num_train_timesteps": STEPS, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


#: Which axes of WAN's arrays go along which axis of a mesh.
AXES = (
    ("batch", "data"),
    ("activation_batch", "data"),
    ("activation_heads", "tensor"),
    ("activation_kv", "tensor"),
    ("heads", "tensor"),
)


def raw(tree: Any) -> list[bytes]:
    """The bits of a tree's arrays."""
    import jax
    import numpy as np

    return [np.asarray(leaf).tobytes() for leaf in jax.tree_util.tree_leaves(tree)]


def kept() -> Any:
    """How much of a picture's variance is left after each step, by the published formula, in double precision."""
    import numpy as np

    return np.cumprod(1.0 - np.linspace(0.00085**0.5, 0.012**0.5, STEPS) ** 2)


@pytest.mark.uses(*MAXDIFFUSION)
@pytest.mark.level("interop")
def test_noise_against_its_formula() -> None:
    """DDPM adds noise, and takes one step of it away, as the formulas of its paper say in double precision."""
    import jax
    import numpy as np
    from maxdiffusion.schedulers.scheduling_ddpm_flax import FlaxDDPMScheduler

    scheduler = FlaxDDPMScheduler(**NOISE, clip_sample=False)
    state = scheduler.create_state()
    rest = kept()
    np.testing.assert_allclose(state.common.alphas_cumprod, rest, rtol=1e-5)

    generator = np.random.default_rng(0)
    clean, noise = generator.normal(size=(2, 4, 3, 8, 8))
    when = np.asarray([0, 1, 400, STEPS - 1])
    signal, spread = (np.sqrt(part)[:, None, None, None] for part in (rest[when], 1 - rest[when]))
    noisy = scheduler.add_noise(state, clean.astype(np.float32), noise.astype(np.float32), when)
    np.testing.assert_allclose(noisy, signal * clean + spread * noise, rtol=1e-4, atol=1e-5)
    velocity = scheduler.get_velocity(state, clean.astype(np.float32), noise.astype(np.float32), when)
    np.testing.assert_allclose(velocity, signal * noise - spread * clean, rtol=1e-4, atol=1e-5)

    # The mean of what was one step before, given where it is and the true noise (equation 7), and the spread around it.
    now = 400
    beta = 1 - rest[now] / rest[now - 1]
    toward = np.sqrt(rest[now - 1]) * beta / (1 - rest[now])
    stay = np.sqrt(1 - beta) * (1 - rest[now - 1]) / (1 - rest[now])
    mean = toward * clean[2] + stay * np.asarray(noisy)[2]
    key = jax.random.key(3)
    drawn = jax.random.normal(jax.random.split(key)[1], (1, *mean.shape))[0]
    before = scheduler.step(state, noise[2:3].astype(np.float32), now, noisy[2:3], key).prev_sample[0]
    deviation = np.sqrt((1 - rest[now - 1]) / (1 - rest[now]) * beta)
    np.testing.assert_allclose(before, mean + deviation * drawn, rtol=1e-3, atol=1e-4)


@pytest.mark.uses(*MAXDIFFUSION)
@pytest.mark.level("interop")
def test_ddim_goes_back_to_the_picture() -> None:
    """DDIM, which draws nothing, walks from noise to the picture when it is told the true noise at each step.

    Every picture on its way is the one that the formula mixes of the picture and that noise.
    """
    import numpy as np
    from maxdiffusion.schedulers.scheduling_ddim_flax import FlaxDDIMScheduler

    scheduler = FlaxDDIMScheduler(**NOISE, set_alpha_to_one=True)
    state = scheduler.set_timesteps(scheduler.create_state(), 10, (2, 3, 8, 8))
    clean, noise = np.random.default_rng(1).normal(size=(2, 2, 3, 8, 8)).astype(np.float32)
    rest = [*kept()[np.asarray(state.timesteps)], 1.0]
    mixed = [(np.sqrt(part) * clean + np.sqrt(1 - part) * noise).astype(np.float32) for part in rest]
    assert len(mixed) == 11
    assert np.abs(mixed[0] - clean).mean() > 0.5
    sample = mixed[0]
    for now, expected in zip(map(int, state.timesteps), mixed[1:], strict=True):
        sample = scheduler.step(state, noise, now, sample).prev_sample
        np.testing.assert_allclose(sample, expected, atol=5e-4)
    np.testing.assert_array_equal(mixed[-1], clean)


def trainer_of(folder: Path) -> Any:
    """MaxDiffusion's trainer of Stable Diffusion in `folder`, by the configuration that it ships and a few options.

    Eight devices: parameters split over four of them, heads over two. The scheduler is one that was saved beside it, as
    a hub has it.
    """
    from maxdiffusion import pyconfig
    from maxdiffusion.schedulers.scheduling_ddpm_flax import FlaxDDPMScheduler
    from maxdiffusion.trainers.stable_diffusion_trainer import StableDiffusionTrainer

    FlaxDDPMScheduler(**NOISE).save_pretrained(folder / "pretrained" / "scheduler")
    files = metadata.files("maxdiffusion") or []
    options = {
        "run_name": "run",
        "output_dir": folder,
        "pretrained_model_name_or_path": folder / "pretrained",
        "resolution": 16,
        "learning_rate": 2e-3,
        "max_train_steps": 1000,
        "train_new_unet": True,
        "ici_data_parallelism": 1,
        "ici_fsdp_parallelism": 4,
        "ici_tensor_parallelism": 2,
        "skip_jax_distributed_system": True,
    }
    base = str(next(file for file in files if file.match("configs/base14.yml")).locate())
    pyconfig.initialize(["", base, *(f"{name}={value}" for name, value in options.items())])
    return StableDiffusionTrainer(pyconfig.config)


class Training:
    """A training of a tiny UNet, with its checkpoints in `folder`.

    Of the image encoder and the text encoder, only the shapes of what they give take part.
    """

    def __init__(self, folder: Path) -> None:
        import jax
        from maxdiffusion.models.unet_2d_condition_flax import FlaxUNet2DConditionModel

        self.trainer = trainer = trainer_of(folder)
        unet = FlaxUNet2DConditionModel(
            sample_size=8,
            down_block_types=("CrossAttnDownBlock2D",),
            up_block_types=("CrossAttnUpBlock2D",),
            block_out_channels=(32,),
            layers_per_block=1,
            attention_head_dim=2,
            cross_attention_dim=16,
            split_head_dim=True,
            mesh=trainer.mesh,
        )
        vae = SimpleNamespace(config=SimpleNamespace(block_out_channels=(1, 1)))
        text_encoder = SimpleNamespace(config=SimpleNamespace(max_position_embeddings=4, hidden_size=16))
        pipeline = SimpleNamespace(unet=unet, vae=vae, text_encoder=text_encoder)
        pipeline.scheduler, noise = trainer.create_scheduler(pipeline, {})
        self.state, sharding, _ = trainer.create_unet_state(pipeline, {}, "unet_state", is_training=True)
        self._step = trainer.compile_train_step(
            pipeline,
            {"scheduler": noise},
            {"unet_state": self.state, "vae_state": None, "text_encoder_state": None},
            {"unet_state_shardings": sharding, "vae_state_shardings": None},
            trainer.get_data_shardings(),
        )
        pictures, captions = jax.random.split(jax.random.key(7))
        batch = {
            "pixel_values": jax.random.normal(pictures, (8, 4, 8, 8)),
            "input_ids": jax.random.normal(captions, (8, 4, 16)),
        }
        self._batch = jax.device_put(batch, trainer.get_data_shardings())

    def run(self, until: int) -> list[float]:
        """Train up to a step; the loss of each step that was made, with random numbers of its own."""
        import jax

        losses = []
        for step in range(int(self.state.step), until):
            self.state, _, metrics, _ = self._step(self.state, None, None, self._batch, jax.random.PRNGKey(step))
            losses.append(float(metrics["scalar"]["learning/loss"]))
        return losses

    def save(self) -> None:
        """Save the state as the trainer does, with its checkpoint manager."""
        import orbax.checkpoint as ocp

        items = ocp.args.Composite(unet_state=ocp.args.PyTreeSave(self.state))
        self.trainer.checkpoint_manager.save(int(self.state.step), args=items)
        self.trainer.checkpoint_manager.wait_until_finished()

    def restore(self) -> None:
        """Take the state from the newest checkpoint, each array split as it is here."""
        import jax
        import orbax.checkpoint as ocp

        manager = self.trainer.checkpoint_manager
        here = jax.tree_util.tree_map(ocp.utils.to_shape_dtype_struct, self.state)
        arguments = ocp.checkpoint_utils.construct_restore_args(here)
        items = ocp.args.Composite(unet_state=ocp.args.PyTreeRestore(here, restore_args=arguments))
        self.state = manager.restore(manager.latest_step(), args=items)["unet_state"]


@pytest.mark.alone
@pytest.mark.uses(*MAXDIFFUSION, "optax", "orbax-checkpoint", "grain")
@pytest.mark.level("interop")
def test_stable_diffusion_training_resumes(tmp_path: Path) -> None:
    """Its trainer teaches a UNet to tell noise from pictures, and another goes on from its checkpoint to the same bits.

    The checkpoint is read by orbax's own words: the trainer's look for it in another form than it was saved in, with
    any release of orbax, and begin anew where they do not find it.
    """
    import numpy as np

    whole = Training(tmp_path)
    losses = whole.run(80)
    whole.save()
    kernel = whole.state.params["down_blocks_0"]["attentions_0"]["transformer_blocks_0"]["attn1"]["to_q"]["kernel"]
    assert kernel.shape == (32, 32)
    assert {shard.data.shape for shard in kernel.addressable_shards} == {(8, 16)}
    at_checkpoint = raw(whole.state.params)
    losses += whole.run(90)

    assert np.isfinite(losses).all()
    assert 0.8 < losses[0] < 3
    assert np.mean(losses[70:]) < 0.5 * losses[0]

    resumed = Training(tmp_path)
    resumed.restore()
    assert int(resumed.state.step) == 80
    assert raw(resumed.state.params) == at_checkpoint
    assert resumed.run(90) == losses[80:]
    assert raw(resumed.state) == raw(whole.state)
    assert raw(resumed.state.params) != at_checkpoint


@contextlib.contextmanager
def devices(rows: int, columns: int) -> Iterator[None]:
    """Videos split over `rows` of devices, attention heads over `columns`."""
    import jax
    import numpy as np
    from flax.linen.partitioning import axis_rules

    grid = np.asarray(jax.devices()[: rows * columns]).reshape(rows, columns)
    with jax.sharding.Mesh(grid, ("data", "tensor")), axis_rules(AXES):
        yield


def video_model(**options: Any) -> Any:
    """A tiny WAN, which makes videos of what a text says, always with the same random weights."""
    import jax
    from flax import nnx
    from maxdiffusion.models.wan.transformers.transformer_wan import WanModel

    sizes = {
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "in_channels": 4,
        "out_channels": 4,
        "text_dim": 16,
        "freq_dim": 16,
        "ffn_dim": 48,
        "num_layers": 2,
        "rope_max_seq_len": 32,
    }
    return WanModel(rngs=nnx.Rngs(jax.random.key(0)), attention="dot_product", **(sizes | options))


#: How far 32-bit sums in another order may lie from each other.
TOLERANCE = 5e-5


def video_inputs() -> tuple[Any, Any, Any]:
    """Two noisy videos of three frames, the steps that they are at, and their texts."""
    import jax
    import jax.numpy as jnp

    video, text = jax.random.split(jax.random.key(1))
    videos = jax.random.normal(video, (2, 4, 3, 8, 8))
    return videos, jnp.asarray([3.0, 700.0]), jax.random.normal(text, (2, 6, 16))


@pytest.mark.uses(*MAXDIFFUSION)
@pytest.mark.level("interop")
def test_wan_transformer() -> None:
    """The video transformer gives the same compiled or not, on one device or four, with its layers in a loop or one by
    one, its texts remembered or not.

    Sums of 32-bit numbers in another order differ in their last digits: hence the tolerance.
    """
    import jax
    import numpy as np
    from flax import nnx

    inputs = videos, when, text = video_inputs()
    with devices(1, 1):
        model = video_model()
        plain = np.asarray(model(*inputs))
        assert plain.shape == videos.shape
        assert np.isfinite(plain).all()
        assert np.std(plain) > 0.1
        for other in ((videos, when + 100, text), (videos, when, text[::-1]), (videos[:, :, ::-1], when, text)):
            assert np.abs(model(*other) - plain).max() > 1e-3

        remembered, mask = model.compute_kv_cache(text, timestep=when)
        again = model(videos, when, text, kv_cache=remembered, encoder_attention_mask=mask)
        np.testing.assert_allclose(again, plain, atol=TOLERANCE)

        unrolled = video_model(scan_layers=False)
        for number, block in enumerate(unrolled.blocks):
            layer = jax.tree_util.tree_map(lambda leaf, number=number: leaf[number], nnx.state(model.blocks))
            nnx.update(block, layer)
        nnx.update(unrolled, nnx.state(model, nnx.Not(nnx.PathContains("blocks"))))
        np.testing.assert_allclose(unrolled(*inputs), plain, atol=TOLERANCE)

    compiled = nnx.jit(lambda model, *given: model(*given))
    for rows, columns in ((1, 1), (2, 2)):
        with devices(rows, columns):
            np.testing.assert_allclose(compiled(video_model(), *inputs), plain, atol=TOLERANCE)


@pytest.mark.uses(*MAXDIFFUSION, "optax")
@pytest.mark.level("interop")
def test_wan_trains() -> None:
    """The video transformer's gradient is that of finite differences, and optax goes down it."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from flax import nnx

    with devices(2, 2):
        inputs = video_inputs()
        wanted = jnp.roll(inputs[0], 1, axis=2)
        graph, params, rest = nnx.split(video_model(), nnx.Param, ...)
        optimizer = optax.adam(3e-3)

        @jax.jit
        def loss(params: Any) -> Any:
            return jnp.mean((nnx.merge(graph, params, rest)(*inputs) - wanted) ** 2)

        @jax.jit
        def step(params: Any, state: Any) -> Any:
            value, gradient = jax.value_and_grad(loss)(params)
            updates, state = optimizer.update(gradient, state)
            return optax.apply_updates(params, updates), state, value, gradient

        state, losses = optimizer.init(params), []
        *_, gradient = step(params, state)
        slope = optax.global_norm(gradient)
        stride = jax.tree_util.tree_map(lambda leaf: 1e-2 * leaf / slope, gradient)
        ahead = loss(jax.tree_util.tree_map(lambda here, along: here + along, params, stride))
        back = loss(jax.tree_util.tree_map(lambda here, along: here - along, params, stride))
        np.testing.assert_allclose((ahead - back) / 2e-2, slope, rtol=2e-2)
        for _ in range(40):
            params, state, value, _ = step(params, state)
            losses.append(float(value))
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.uses(*MAXDIFFUSION, "qwix")
@pytest.mark.level("interop")
def test_wan_int8_by_qwix() -> None:
    """Qwix quantises the video transformer by MaxDiffusion's own rules: near the exact one, and not equal to it."""
    import numpy as np
    import qwix
    from maxdiffusion.pipelines.wan.wan_pipeline import WanPipeline

    config = SimpleNamespace(use_qwix_quantization=True, quantization="int8", qwix_module_path=".*")
    with devices(1, 1):
        model, inputs = video_model(), video_inputs()
        exact = np.asarray(model(*inputs))
        quantised = np.asarray(qwix.quantize_model(model, WanPipeline.get_qt_provider(config), *inputs)(*inputs))
    error = np.linalg.norm(quantised - exact) / np.linalg.norm(exact)
    assert 1e-4 < error < 0.1
