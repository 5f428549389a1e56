"""Tunix trains language models after their pre-training, with nnx, qwix, optax, orbax and grain all in one program.

Everything happens on a one-layer llama with random weights and a vocabulary of 32 letters, so that a few steps suffice
to see learning: supervised fine-tuning (SFT) of LoRA adapters, preference training (DPO, ORPO) and reinforcement
learning with a group's rewards (GRPO).
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import idioms
import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TUNIX = ("jax", "jaxlib", "flax>=0.11.1", "optax", "qwix>=0.1.6", "google-tunix>=0.1.5")

VOCABULARY = 32
PAD, BOS, EOS, FAVOURITE = 0, 1, 2, 5


class Letters:
    """The tokenizer: token n is the n-th character from "@" on, the first three are padding, beginning and end."""

    def encode(self, text: str) -> list[int]:
        return [ord(character) - ord("@") for character in text]

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(chr(ord("@") + int(token)) for token in ids)

    def pad_id(self) -> int:
        return PAD

    def bos_id(self) -> int:
        return BOS

    def eos_id(self) -> int:
        return EOS


class Losses:
    """Training hooks that keep the loss of each step, as the trainer reports it."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_train_start(self, trainer: Any) -> None:
        """Nothing to keep."""

    def on_train_end(self, trainer: Any) -> None:
        """Nothing to keep."""

    def on_train_step_start(self, trainer: Any) -> None:
        """Nothing to keep."""

    def on_train_step_end(self, trainer: Any, step: int, loss: Any) -> None:
        self.seen.append(float(loss))


def llama() -> Any:
    """A one-layer llama, always with the same random weights."""
    from flax import nnx
    from tunix.models.llama3 import model

    config = model.ModelConfig(
        num_layers=1,
        vocab_size=VOCABULARY,
        embed_dim=16,
        hidden_dim=32,
        num_heads=2,
        head_dim=8,
        num_kv_heads=1,
        rope_theta=10_000,
        norm_eps=1e-5,
    )
    return model.Llama3(config, rngs=nnx.Rngs(params=0))


def with_adapters(base: Any) -> Any:
    """The model with LoRA adapters, made by qwix, on what its attention projects with and on its last layer."""
    import qwix
    from flax import nnx

    provider = qwix.LoraProvider(module_path=".*(q_proj|k_proj|v_proj|o_proj|lm_head)", rank=4, alpha=8.0)
    return qwix.apply_lora_to_model(base, provider, rngs=nnx.Rngs(params=1), **base.get_model_input())


def raw(tree: Any) -> list[bytes]:
    """The bits of a tree's arrays."""
    import jax
    import numpy as np

    return [np.asarray(leaf).tobytes() for leaf in jax.tree_util.tree_leaves(tree)]


def causal(tokens: Any) -> tuple[Any, Any]:
    """Positions, and the mask of who may look at whom, of rows of tokens without padding."""
    import numpy as np

    rows, length = tokens.shape
    mask = np.tril(np.ones((length, length), bool))
    return np.broadcast_to(np.arange(length), (rows, length)), np.broadcast_to(mask, (rows, length, length))


def log_probabilities(model: Any, prompts: Any, answers: Any) -> Any:
    """log p(answer | prompt), summed over the answer's tokens, from the model's own logits; rows have no padding."""
    import jax
    import jax.numpy as jnp

    tokens = jnp.concatenate([prompts, answers], axis=1)
    positions, mask = causal(tokens)
    logits, _ = model(tokens, positions, None, mask)
    logp = jax.nn.log_softmax(logits[:, prompts.shape[1] - 1 : -1].astype(jnp.float32), axis=-1)
    return jnp.take_along_axis(logp, answers[..., None], axis=-1)[..., 0].sum(axis=-1)


@pytest.mark.uses(*TUNIX, "grain>=0.2.6", "orbax-checkpoint>=0.12.0")
@pytest.mark.level("interop")
def test_sft_with_lora_resumes(tmp_path: Path) -> None:
    """PeftTrainer trains qwix's adapters with optax on data from grain, and orbax keeps them.

    Only the adapters move, the model underneath keeps its bits, and the loss falls far below that of a guess.
    A trainer made anew beside the checkpoint of the twelfth step goes on to the same losses and the same bits.
    """
    import numpy as np
    import optax
    import orbax.checkpoint as ocp
    from flax import nnx
    from tunix import PeftTrainer, TrainingConfig
    from tunix.sft.peft_trainer import TrainingInput

    rows = [np.arange(start, start + 8, dtype=np.int32) for start in (3, 4, 5, 6)] * 4
    data = idioms.grain_object("MapDataset").source(rows).shuffle(seed=0).repeat(6).batch(4)
    data = data.map(lambda tokens: TrainingInput(input_tokens=tokens, input_mask=np.ones_like(tokens)))

    def inputs(batch: Any) -> dict[str, Any]:
        positions, mask = causal(batch.input_tokens)
        tokens = {"input_tokens": batch.input_tokens, "input_mask": batch.input_mask}
        return tokens | {"positions": positions, "attention_mask": mask}

    def train(folder: Path) -> tuple[Any, list[float]]:
        config = TrainingConfig(
            eval_every_n_steps=100,
            max_steps=24,
            checkpoint_root_directory=str(folder),
            checkpointing_options=ocp.CheckpointManagerOptions(save_interval_steps=12),
        )
        losses = Losses()
        trainer = PeftTrainer(with_adapters(llama()), optax.adamw(0.1), config).with_gen_model_input_fn(inputs)
        trainer.with_training_hooks(losses)
        trainer.train(data)
        return trainer.model, losses.seen

    base = nnx.state(with_adapters(llama()), nnx.Not(nnx.LoRAParam))
    whole, losses = train(tmp_path / "whole")
    assert len(losses) == 24
    assert np.isfinite(losses).all()
    assert abs(losses[0] - np.log(VOCABULARY)) < 0.6
    assert np.mean(losses[-3:]) < 0.5 * losses[0]
    assert raw(nnx.state(whole, nnx.Not(nnx.LoRAParam))) == raw(base)

    shutil.copytree(tmp_path / "whole" / "12", tmp_path / "parts" / "12")
    resumed, second_half = train(tmp_path / "parts")
    assert second_half == losses[12:]
    adapters = raw(nnx.state(whole, nnx.LoRAParam))
    assert len(adapters) == 10
    assert raw(nnx.state(resumed, nnx.LoRAParam)) == adapters


def preferences() -> Any:
    """Prompts with an answer that is preferred and one that is not, as tokens."""
    import numpy as np
    from tunix.sft.dpo.dpo_trainer import TrainingInput

    generator = np.random.default_rng(0)
    prompts, chosen, rejected = (generator.integers(3, VOCABULARY, size=(4, n), dtype=np.int32) for n in (3, 4, 4))
    return TrainingInput(
        prompt_ids=prompts,
        prompt_mask=np.ones_like(prompts),
        chosen_ids=chosen,
        chosen_mask=np.ones_like(chosen),
        rejected_ids=rejected,
        rejected_mask=np.ones_like(rejected),
    )


def preference_run(algorithm: str, reference: Any, **options: Any) -> tuple[Any, list[float]]:
    """Ten steps of preference training; the model and the losses."""
    import optax
    from tunix import DPOTrainer, DPOTrainingConfig

    config = DPOTrainingConfig(eval_every_n_steps=100, max_steps=10, algorithm=algorithm, **options)
    losses = Losses()
    trainer = DPOTrainer(llama(), reference, optax.adam(0.02), config)
    trainer.with_training_hooks(losses)
    trainer.train([preferences()] * 10)
    return trainer.model, losses.seen


@pytest.mark.uses(*TUNIX)
@pytest.mark.level("interop")
def test_dpo_prefers_what_was_chosen() -> None:
    """DPO begins at log 2, where model and reference agree, and moves probability from rejected to chosen answers.

    The loss after training is that of the published formula, from the two models' own logits; the reference stays.
    """
    import jax
    import numpy as np

    reference, data, beta = llama(), preferences(), 0.5
    model, losses = preference_run("dpo", reference, beta=beta)
    assert abs(losses[0] - np.log(2)) < 1e-4
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.35

    def margin(policy: Any) -> Any:
        chosen = log_probabilities(policy, data.prompt_ids, data.chosen_ids)
        return chosen - log_probabilities(policy, data.prompt_ids, data.rejected_ids)

    assert raw(jax.tree_util.tree_leaves(margin(reference))) == raw(jax.tree_util.tree_leaves(margin(llama())))
    gained = np.asarray(margin(model) - margin(reference))
    assert (gained > 1.0).all()
    after = -np.asarray(jax.nn.log_sigmoid(beta * gained)).mean()
    assert 0 < after < losses[-1]


@pytest.mark.uses(*TUNIX)
@pytest.mark.level("interop")
def test_orpo_against_its_formula() -> None:
    """ORPO needs no reference: its first loss is the published formula of the model's own logits, and it falls."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    data, weight = preferences(), 0.1
    model, losses = preference_run("orpo", None, lambda_orpo=weight)

    def formula(policy: Any) -> float:
        chosen = log_probabilities(policy, data.prompt_ids, data.chosen_ids)
        rejected = log_probabilities(policy, data.prompt_ids, data.rejected_ids)
        odds = (chosen - rejected) - (jnp.log1p(-jnp.exp(chosen)) - jnp.log1p(-jnp.exp(rejected)))
        return float((-chosen / data.chosen_ids.shape[1] - weight * jax.nn.log_sigmoid(odds)).mean())

    assert abs(losses[0] - formula(llama())) < 1e-3
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.7 * losses[0]
    assert formula(model) < losses[-1]


@pytest.mark.uses(*TUNIX)
@pytest.mark.level("interop")
def test_grpo_raises_the_reward() -> None:
    """GRPO samples answers with the model itself, and makes what is rewarded more probable.

    The reward is the share of one letter in an answer, so that its expectation before and after can be read off the
    actor's logits. The cluster trains its actor; the reference beside it stays as it was.
    """
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from flax import nnx
    from tunix import ClusterConfig, GRPOConfig, GRPOLearner, RLCluster, RLTrainingConfig, Role, RolloutConfig

    letters, seen = Letters(), []

    def reward(prompts: list[str], completions: list[str], **_: Any) -> list[float]:
        favourite = letters.decode([FAVOURITE])
        shares = [text.count(favourite) / max(len(text), 1) for text in completions]
        seen.append(shares)
        return shares

    mesh = jax.sharding.Mesh(np.asarray(jax.devices()[:1]).reshape(1, 1), ("fsdp", "tp"))
    with mesh:
        cluster = RLCluster(
            actor=llama(),
            reference=llama(),
            tokenizer=letters,
            cluster_config=ClusterConfig(
                role_to_mesh=dict.fromkeys((Role.ACTOR, Role.REFERENCE, Role.ROLLOUT), mesh),
                rollout_engine="vanilla",
                training_config=RLTrainingConfig(actor_optimizer=optax.adam(0.02), eval_every_n_steps=100, max_steps=8),
                rollout_config=RolloutConfig(
                    max_tokens_to_generate=8, max_prompt_length=4, kv_cache_size=16, temperature=1.0
                ),
            ),
        )
        learner = GRPOLearner(
            rl_cluster=cluster, reward_fns=reward, algo_config=GRPOConfig(num_generations=8, beta=0.01)
        )
        prompts = ["HIJ", "KLM", "NOP", "QRS"]
        learner.train([{"prompts": np.asarray(prompts)} for _ in range(8)])

    actor, reference = cluster.actor_trainer.model, cluster.inference_worker.get_model("reference")
    assert [len(shares) for shares in seen] == [32] * 8
    assert all(np.isfinite(leaf).all() for leaf in jax.tree_util.tree_leaves(nnx.state(actor)))
    assert raw(nnx.state(reference)) == raw(nnx.state(llama()))

    tokens = jnp.asarray([[BOS, *letters.encode(text)] for text in prompts])
    favourite = jnp.full((len(prompts), 1), FAVOURITE)
    gained = log_probabilities(actor, tokens, favourite) - log_probabilities(reference, tokens, favourite)
    assert (np.asarray(gained) > 0.3).all()
