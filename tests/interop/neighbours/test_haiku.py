"""Haiku: pure functions out of modules, trained by optax; state, randomness, recurrence, lifted transformations."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("dm-haiku", "jax"), pytest.mark.level("interop")]


def close(actual: Any, expected: Any, tolerance: float = 1e-4) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


def normal(*shape: int, seed: int = 0) -> Any:
    import numpy as np

    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.uses("dm-haiku", "jax", "optax")
def test_a_network_learns() -> None:
    """A multi-layer perceptron with dropout, transformed and trained by optax, fits a product; its formula holds."""
    import haiku as hk
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    x = normal(32, 2)
    y = x[:, :1] * x[:, 1:]

    def network(x: Any, train: bool) -> Any:
        x = jnp.tanh(hk.Linear(8, name="hidden")(x))
        x = hk.dropout(hk.next_rng_key(), 0.05, x) if train else x
        return hk.Linear(1, name="out")(x)

    transformed = hk.transform(network)
    parameters = transformed.init(jax.random.PRNGKey(0), x, True)
    assert sorted(parameters) == ["hidden", "out"]
    optimizer = optax.adam(0.03)

    @jax.jit
    def train(parameters: Any, keys: Any) -> Any:
        def step(carry: Any, key: Any) -> Any:
            parameters, state = carry
            loss, gradient = jax.value_and_grad(
                lambda parameters: jnp.mean((transformed.apply(parameters, key, x, True) - y) ** 2)
            )(parameters)
            updates, state = optimizer.update(gradient, state)
            return (optax.apply_updates(parameters, updates), state), loss

        (parameters, _), losses = jax.lax.scan(step, (parameters, optimizer.init(parameters)), keys)
        return parameters, losses

    fitted, losses = train(parameters, jax.random.split(jax.random.PRNGKey(1), 300))
    out = hk.without_apply_rng(transformed).apply(fitted, x, False)
    assert np.mean((np.asarray(out) - y) ** 2) < 0.2 * losses[0]
    hidden, last = fitted["hidden"], fitted["out"]
    close(out, np.tanh(x @ hidden["w"] + hidden["b"]) @ last["w"] + last["b"], 1e-3)


def test_state_and_normalisation() -> None:
    """Batch normalisation keeps averages in the state of the transformed function, and evaluates by them."""
    import haiku as hk
    import jax
    import numpy as np

    x = 3 * normal(16, 4) + 2

    def network(x: Any, training: bool) -> Any:
        counter = hk.get_state("counter", [], init=lambda shape, dtype: np.zeros(shape, np.int32))
        hk.set_state("counter", counter + 1)
        return hk.BatchNorm(create_scale=True, create_offset=True, decay_rate=0.5)(x, is_training=training)

    transformed = hk.transform_with_state(network)
    parameters, state = transformed.init(None, x, True)
    apply = jax.jit(transformed.apply, static_argnums=4)
    out, state = apply(parameters, state, None, x, True)
    close(out, (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5), 1e-3)
    assert state["~"]["counter"] == 1
    # Two averages of the same batch, of which the first one is not biased towards zero.
    out, _ = apply(parameters, state, None, x, False)
    close(out, (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5), 1e-3)


def test_layers_against_numpy() -> None:
    """Convolution, embedding, layer normalisation and attention give what their formulas say."""
    import haiku as hk
    import jax
    import numpy as np

    def applied(layer: Any, *inputs: Any) -> tuple[Any, Any]:
        def function(*inputs: Any) -> Any:
            return layer()(*inputs)

        transformed = hk.without_apply_rng(hk.transform(function))
        parameters = transformed.init(jax.random.PRNGKey(0), *inputs)
        return parameters, np.asarray(jax.jit(transformed.apply)(parameters, *inputs))

    line = normal(1, 8, 1)
    parameters, out = applied(lambda: hk.Conv1D(1, 3, padding="VALID"), line)
    close(out[0, :, 0], np.correlate(line[0, :, 0], np.asarray(parameters["conv1_d"]["w"])[:, 0, 0], "valid"))

    indices = np.array([2, 0, 2])
    parameters, out = applied(lambda: hk.Embed(3, 4), indices)
    close(out, np.asarray(parameters["embed"]["embeddings"])[indices])

    x = normal(5, 4)
    _, out = applied(lambda: hk.LayerNorm(-1, create_scale=False, create_offset=False), x)
    close(out, (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5), 1e-3)

    scaling = hk.initializers.VarianceScaling(1.0)
    parameters, out = applied(lambda: hk.MultiHeadAttention(2, 3, w_init=scaling), x, x, x)
    query, key, value = (
        (x @ layer["w"] + layer["b"]).reshape(5, 2, 3)
        for layer in (parameters[f"multi_head_attention/{name}"] for name in ("query", "key", "value"))
    )
    logits = np.einsum("thd,Thd->htT", query, key) / np.sqrt(3)
    weights = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    mixed = np.einsum("htT,Thd->thd", weights, value).reshape(5, 6)
    last = parameters["multi_head_attention/linear"]
    close(out, mixed @ last["w"] + last["b"], 1e-3)


def test_lifted_transformations() -> None:
    """Inside a transformed function: scan over a recurrent core, stacked layers, remat, gradients, vmap and cond."""
    import haiku as hk
    import jax
    import jax.numpy as jnp

    sequence = normal(6, 2, 3)

    def recurrent(sequence: Any) -> Any:
        core = hk.VanillaRNN(4)
        start = core.initial_state(2)
        unrolled, _ = hk.dynamic_unroll(core, sequence, start)
        by_hand, _ = hk.static_unroll(core, sequence, start)
        return unrolled, by_hand

    transformed = hk.without_apply_rng(hk.transform(recurrent))
    parameters = transformed.init(jax.random.PRNGKey(0), sequence)
    unrolled, by_hand = jax.jit(transformed.apply)(parameters, sequence)
    assert unrolled.shape == (6, 2, 4)
    close(unrolled, by_hand)

    x = normal(3, 4)

    def deep(x: Any) -> Any:
        stack = hk.experimental.layer_stack(3)(lambda x: jnp.tanh(hk.Linear(4)(x)))
        layer = hk.Linear(1)

        def total(x: Any) -> Any:
            return jnp.sum(hk.remat(layer)(stack(x)))

        rows = hk.vmap(lambda x: layer(stack(x)), split_rng=False)(x)
        return hk.grad(total)(x), rows, hk.cond(True, layer, lambda x: -layer(x), stack(x))

    transformed = hk.without_apply_rng(hk.transform(deep))
    parameters = transformed.init(jax.random.PRNGKey(0), x)
    stacked = next(layer for name, layer in parameters.items() if "layer_stack" in name)
    assert stacked["w"].shape == (3, 4, 4)
    gradient, rows, chosen = jax.jit(transformed.apply)(parameters, x)
    close(rows, chosen)

    last = parameters["linear"]["w"]

    def plain(x: Any) -> Any:
        for weight, bias in zip(stacked["w"], stacked["b"], strict=True):
            x = jnp.tanh(x @ weight + bias)
        return x @ last

    close(chosen, plain(x))
    close(gradient, jax.grad(lambda x: plain(x).sum())(x))


@pytest.mark.feature("haiku.experimental.tabulate")
def test_summaries_of_a_network() -> None:
    """The table of a network names its modules and counts its parameters."""
    import haiku as hk

    def network(x: Any) -> Any:
        return hk.nets.MLP([8, 1], name="net")(x)

    table = hk.experimental.tabulate(hk.transform(network))(normal(4, 2))
    assert "net/~/linear_0" in table
    assert "33" in table  # 2 * 8 + 8 parameters and 8 + 1
    methods = hk.experimental.eval_summary(hk.transform(network))(normal(4, 2))
    assert [method.module_details.module.module_name for method in methods] == [
        "net",
        "net/~/linear_0",
        "net/~/linear_1",
    ]
