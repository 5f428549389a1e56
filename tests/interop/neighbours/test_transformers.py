"""The Flax models of Transformers, which it had until release 5: trained, saved and loaded, and made to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.uses("transformers<5", "jax", "flax"),
    pytest.mark.level("interop"),
    # Said of all Flax models in the last releases that had them.
    pytest.mark.filterwarnings("ignore:.*Flax.*:FutureWarning"),
]


def small_bert() -> Any:
    """The configuration of a tiny BERT."""
    from transformers import BertConfig

    return BertConfig(
        vocab_size=11,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=8,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )


def test_a_model_is_saved_and_loaded(tmp_path: Path) -> None:
    """A tiny BERT gives the same after it was saved and loaded; what is masked has no influence."""
    import numpy as np
    from transformers import FlaxBertModel

    model = FlaxBertModel(small_bert(), seed=1)
    tokens = np.array([[1, 2, 3, 4]])
    states = model(tokens).last_hidden_state
    assert states.shape == (1, 4, 8)
    # Its last layer normalises.
    np.testing.assert_allclose(states.mean(-1), 0, atol=1e-4)
    np.testing.assert_allclose(states.std(-1), 1, rtol=1e-2)
    model.save_pretrained(tmp_path)
    loaded = FlaxBertModel.from_pretrained(tmp_path)
    np.testing.assert_array_equal(loaded(tokens).last_hidden_state, states)
    mask = np.array([[1, 1, 1, 0]])
    masked, other = (model(np.array([[1, 2, 3, last]]), attention_mask=mask).last_hidden_state for last in (4, 9))
    np.testing.assert_allclose(masked[:, :3], other[:, :3], atol=1e-6)
    assert np.abs(masked[:, :3] - states[:, :3]).max() > 1e-3


@pytest.mark.uses("transformers<5", "jax", "flax", "optax")
def test_a_classifier_is_trained() -> None:
    """Compiled steps of Adam teach a tiny classifier which of two tokens a text begins with."""
    import jax
    import numpy as np
    import optax
    from transformers import FlaxBertForSequenceClassification

    model = FlaxBertForSequenceClassification(small_bert(), seed=0)
    tokens = np.random.default_rng(0).integers(1, 11, (16, 4))
    labels = np.arange(16) % 2
    tokens[:, 1] = 3 + labels
    optimizer = optax.adam(1e-2)

    @jax.jit
    def step(params: Any, state: Any) -> tuple[Any, Any, jax.Array]:
        def loss(params: Any) -> jax.Array:
            logits = model(tokens, params=params, train=False).logits
            return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

        value, slopes = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(slopes, state, params)
        return optax.apply_updates(params, updates), state, value

    params, state = model.params, optimizer.init(model.params)
    losses = []
    for _ in range(40):
        params, state, loss = step(params, state)
        losses.append(float(loss))
    assert 0.5 < losses[0] < 0.9
    assert losses[-1] < losses[0] / 4


@pytest.mark.thorough
def test_text_is_generated() -> None:
    """Greedy generation with its cache writes what choosing the likeliest token step by step does."""
    import numpy as np
    from transformers import FlaxGPT2LMHeadModel, GPT2Config

    config = GPT2Config(
        vocab_size=11,
        n_positions=12,
        n_embd=8,
        n_layer=1,
        n_head=2,
        bos_token_id=0,
        eos_token_id=10,
        initializer_range=1.0,
    )
    model = FlaxGPT2LMHeadModel(config, seed=2)
    prompt = np.array([[1, 2, 3]])
    written = model.generate(prompt, max_length=6, do_sample=False, pad_token_id=10, eos_token_id=None).sequences
    tokens = prompt
    for _ in range(3):
        tokens = np.concatenate([tokens, np.asarray(model(tokens).logits[:, -1:].argmax(-1))], axis=1)
    np.testing.assert_array_equal(written, tokens)
