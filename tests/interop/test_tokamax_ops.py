"""Tokamax: every public op that a CPU can run against plain numpy; its kernels lowered for TPUs and GPUs.

Each op has a plain XLA implementation beside its kernels, which is what a CPU runs. The numpy side is written from the
op's documentation, not from its code.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import idioms
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.uses("jax", "tokamax>=0.0.13"), pytest.mark.level("interop")]


def normal(*shape: int, seed: int = 0) -> Any:
    import numpy as np

    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def on_device(*values: Any) -> Any:
    """The same values as jax arrays, which is what tokamax checks for."""
    import jax
    import jax.numpy as jnp

    return jax.tree_util.tree_map(jnp.asarray, values)


def close(actual: Any, expected: Any, tolerance: float = 1e-4) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


def sigmoid(x: Any) -> Any:
    import numpy as np

    return 1 / (1 + np.exp(-x))


def softmax(x: Any) -> Any:
    import numpy as np

    weights = np.exp(x - x.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def normed(x: Any, scale: Any, offset: Any, epsilon: float = 1e-6) -> Any:
    import numpy as np

    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon) * scale + offset


def attended(query: Any, key: Any, value: Any, allowed: Any = True, bias: Any = 0.0, cap: float | None = None) -> Any:
    """Attention as it is defined; several query heads share one head of keys and values."""
    import numpy as np

    groups = query.shape[2] // key.shape[2]
    key, value = (np.repeat(x, groups, axis=2) for x in (key, value))
    logits = np.einsum("bqhd,bkhd->bhqk", query, key) / np.sqrt(query.shape[-1]) + bias
    if cap is not None:
        logits = cap * np.tanh(logits / cap)
    return np.einsum("bhqk,bkhd->bqhd", softmax(np.where(allowed, logits, -1e30)), value)


# ---------------------------------------------------------------------------------------------------------------------
# Attention
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("implementation", ["xla", "xla_chunked"])
def test_attention(implementation: str) -> None:
    """Causal, windowed, biased, masked and soft-capped attention with shared key heads, each against its definition."""
    import jax
    import numpy as np
    import tokamax

    query, key, value = normal(2, 16, 4, 8), normal(2, 16, 2, 8, seed=1), normal(2, 16, 2, 8, seed=2)
    bias, mask = normal(2, 4, 16, 16, seed=3), np.random.default_rng(4).random((2, 1, 16, 16)) < 0.7
    mask |= np.eye(16, dtype=bool)  # a query that may look at nothing has no defined answer
    row, column = np.indices((16, 16))
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, {}),
        ({"is_causal": True}, {"allowed": column <= row}),
        ({"local_window_size": (3, 2)}, {"allowed": (column >= row - 3) & (column <= row + 2)}),
        ({"bias": bias}, {"bias": bias}),
        ({"mask": mask}, {"allowed": mask}),
        ({"logits_soft_cap": 2.0}, {"cap": 2.0}),
        (
            {"key_value_seq_lengths": np.asarray([5, 16], np.int32)},
            {"allowed": column[None, None] < np.asarray([5, 16])[:, None, None, None]},
        ),
    ]

    @jax.jit  # all in one program, which is quicker than one for each
    def found(query: Any, key: Any, value: Any) -> list[Any]:
        every = [
            {name: on_device(x)[0] if hasattr(x, "dtype") else x for name, x in given.items()} for given, _ in cases
        ]
        attend = functools.partial(tokamax.dot_product_attention, query, key, value, implementation=implementation)
        return [attend(**given) for given in every]

    for result, (_, meaning) in zip(found(query, key, value), cases, strict=True):
        close(result, attended(query, key, value, **meaning))


def test_attention_differentiated() -> None:
    """The derivatives of both implementations for query, key and value are those of attention written out in jax."""
    import jax
    import jax.numpy as jnp
    import tokamax

    arrays = [normal(1, 8, 2, 4, seed=seed) for seed in range(3)]

    def plain(query: Any, key: Any, value: Any) -> Any:
        weights = jax.nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", query, key) / 2.0)
        return jnp.sum(jnp.sin(jnp.einsum("bhqk,bkhd->bqhd", weights, value)))

    expected = jax.grad(plain, argnums=(0, 1, 2))(*arrays)
    for implementation in ("xla", "xla_chunked"):

        def through(query: Any, key: Any, value: Any, implementation: str = implementation) -> Any:
            return jnp.sum(jnp.sin(tokamax.dot_product_attention(query, key, value, implementation=implementation)))

        for found, wanted in zip(jax.jit(jax.grad(through, argnums=(0, 1, 2)))(*arrays), expected, strict=True):
            close(found, wanted)


# ---------------------------------------------------------------------------------------------------------------------
# The other ops that training uses
# ---------------------------------------------------------------------------------------------------------------------


def test_gated_linear_unit() -> None:
    """activation(x W_gate) * (x W_up), with the weights in one array or in two."""
    import jax
    import numpy as np
    import tokamax

    x, gate, up = normal(8, 16), normal(16, 4, seed=1), normal(16, 4, seed=2)
    for activation, meaning in (
        (jax.nn.swish, lambda z: z * sigmoid(z)),
        (jax.nn.relu, lambda z: np.maximum(z, 0)),
        (jax.nn.sigmoid, sigmoid),
    ):
        expected = meaning(x @ gate) * (x @ up)
        for weights in ((gate, up), np.stack([gate, up], axis=1)):
            found = tokamax.gated_linear_unit(*on_device(x, weights), activation=activation, implementation="xla")
            close(found, expected, 1e-3)


@pytest.mark.uses("flax>=0.11")
def test_layer_norm_is_that_of_flax() -> None:
    """LayerNorm and RMSNorm of tokamax and of flax are the same functions, with the same derivatives."""
    import jax
    import jax.numpy as jnp
    import tokamax
    from flax import nnx

    x, scale, offset = normal(4, 16), normal(16, seed=1), normal(16, seed=2)
    layer, rms = nnx.LayerNorm(16, rngs=nnx.Rngs(0)), nnx.RMSNorm(16, rngs=nnx.Rngs(0))
    idioms.nnx_assign(layer.scale, jnp.asarray(scale))
    idioms.nnx_assign(layer.bias, jnp.asarray(offset))
    idioms.nnx_assign(rms.scale, jnp.asarray(scale))

    def layer_norm(x: Any) -> Any:
        return tokamax.layer_norm(x, jnp.asarray(scale), jnp.asarray(offset), implementation="xla")

    def rms_norm(x: Any) -> Any:
        return tokamax.layer_norm(x, jnp.asarray(scale), None, subtract_mean=False, implementation="xla")

    close(layer_norm(x), normed(x, scale, offset))
    for ours, theirs in ((layer_norm, layer), (rms_norm, rms)):
        close(ours(x), theirs(x))
        close(
            jax.grad(lambda x, f=ours: jnp.sum(jnp.sin(f(x))))(x),
            jax.grad(lambda x, f=theirs: jnp.sum(jnp.sin(f(x))))(x),
        )


@pytest.mark.uses("optax")
def test_linear_softmax_cross_entropy_is_that_of_optax() -> None:
    """The fused loss is optax's loss of the product, for every reduction, and so are its derivatives."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    import tokamax

    # The chunked form pads the vocabulary to whole blocks of 2048, and tokamax 0.0.17 counts what it pads with.
    x, weights = on_device(normal(8, 16), normal(16, 2048, seed=1))
    labels = jnp.asarray(np.random.default_rng(2).integers(0, 2048, 8), jnp.int32)
    reductions = {"none": lambda losses: losses, "mean": jnp.mean, "sum": jnp.sum}

    def theirs(x: Any, weights: Any, reduction: str) -> Any:
        return reductions[reduction](optax.softmax_cross_entropy_with_integer_labels(x @ weights, labels))

    def results(loss: Any) -> Any:
        """The loss by every reduction, and the derivatives of its mean, in one program."""
        return jax.jit(
            lambda *arrays: (
                [loss(*arrays, reduction) for reduction in reductions],
                jax.grad(loss, argnums=(0, 1))(*arrays, "mean"),
            )
        )(x, weights)

    expected = jax.tree_util.tree_leaves(results(theirs))
    for implementation in ("xla", "chunked_xla"):

        def ours(x: Any, weights: Any, reduction: str, implementation: str = implementation) -> Any:
            return tokamax.linear_softmax_cross_entropy_loss(
                x, labels, weights, reduction=reduction, implementation=implementation
            )

        for found, wanted in zip(jax.tree_util.tree_leaves(results(ours)), expected, strict=True):
            close(found, wanted)


def test_ragged_dot() -> None:
    """Each group of rows meets its own matrix, an empty group too; derivatives are those of the products apart."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import tokamax

    rows, matrices, sizes = normal(8, 16), normal(3, 16, 4, seed=1), np.asarray([3, 0, 5], np.int32)
    group = np.repeat(np.arange(3), sizes)

    def ours(rows: Any, matrices: Any) -> Any:
        return tokamax.ragged_dot(*on_device(rows, matrices, sizes), implementation="xla")

    def apart(rows: Any, matrices: Any) -> Any:
        return jnp.einsum("mk,mkn->mn", rows, matrices[group])

    close(ours(rows, matrices), np.stack([row @ matrices[g] for row, g in zip(rows, group, strict=True)]))
    close(ours(rows, matrices), jax.lax.ragged_dot(rows, matrices, sizes))
    found, expected = (
        jax.grad(lambda *arrays, f=f: jnp.sum(jnp.sin(f(*arrays))), argnums=(0, 1))(rows, matrices)
        for f in (ours, apart)
    )
    for one, other in zip(found, expected, strict=True):
        close(one, other)

    # The general form with the same dimensions, and with the inner dimension ragged instead.
    numbers = jax.lax.RaggedDotDimensionNumbers(
        dot_dimension_numbers=(((1,), (1,)), ((), ())), lhs_ragged_dimensions=[0], rhs_group_dimensions=[0]
    )
    general = tokamax.ragged_dot_general(*on_device(rows, matrices, sizes), numbers, implementation="xla")
    close(general, ours(rows, matrices))
    inner = jax.lax.RaggedDotDimensionNumbers(
        dot_dimension_numbers=(((0,), (0,)), ((), ())), lhs_ragged_dimensions=[0], rhs_group_dimensions=[]
    )
    other = normal(8, 4, seed=2)
    expected = np.stack([rows[group == g].T @ other[group == g] for g in range(3)])
    close(tokamax.ragged_dot_general(*on_device(rows, other, sizes), inner, implementation="xla"), expected)


@pytest.mark.parametrize("kind", ["incoming", "outgoing"])
def test_triangle_multiplication(kind: str) -> None:
    """The triangle update of AlphaFold (supplementary algorithms 11 and 12), step by step."""
    import numpy as np
    import tokamax

    size, channels, hidden, out = 6, 4, 5, 7
    x, mask = normal(size, size, channels), np.random.default_rng(9).random((size, size)) < 0.8
    into, gate_in = normal(channels, 2, hidden, seed=1), normal(channels, 2, hidden, seed=2)
    onto, gate_out = normal(hidden, out, seed=3), normal(channels, out, seed=4)
    norms = [normal(channels, seed=5), normal(channels, seed=6), normal(hidden, seed=7), normal(hidden, seed=8)]

    arguments = on_device(x, mask, into, gate_in, onto, gate_out, *norms)
    found = tokamax.triangle_multiplication(*arguments, triangle_type=kind, implementation="xla")
    inner = normed(x, norms[0], norms[1])
    both = np.einsum("ijc,cph->pijh", inner, into) * sigmoid(np.einsum("ijc,cph->pijh", inner, gate_in))
    left, right = both * mask[..., None]
    # Which edges of the triangle meet: those that leave i and j, or those that come in.
    update = np.einsum("ikh,jkh->ijh", left, right) if kind == "outgoing" else np.einsum("kjh,kih->ijh", left, right)
    close(found, (normed(update, norms[2], norms[3]) @ onto) * sigmoid(inner @ gate_out), 1e-3)


# ---------------------------------------------------------------------------------------------------------------------
# The ops of mixtures of experts and of serving, in tokamax.ops since 0.0.17
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.uses("tokamax>=0.0.17")
def test_selection_ops() -> None:
    """top_k and router_topk select what a sort selects, with ties to the lowest index."""
    import numpy as np
    from tokamax import ops

    scores = normal(4, 256)
    scores[1, 7] = scores[1, 3] = 9.0
    order = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    lengths = np.asarray([256, 256, 256, 3], np.int32)
    given, given_lengths = on_device(scores, lengths)
    found = np.asarray(ops.top_k(given, 5, given_lengths))
    for row in range(3):
        assert set(found[row].tolist()) == set(order[row].tolist())
    assert set(found[3].tolist()) == {0, 1, 2, -1}

    weights, experts = ops.router_topk(given, 5)
    np.testing.assert_array_equal(np.asarray(experts), order)
    np.testing.assert_array_equal(np.asarray(weights), np.take_along_axis(scores, order, axis=1))


@pytest.mark.uses("tokamax>=0.0.17")
def test_gather_ops() -> None:
    """ragged_gather takes rows within its bounds; ragged_gather_reduce adds up the weighted rows of each token."""
    import numpy as np
    from tokamax import ops

    x, picks = normal(16, 128), np.random.default_rng(1).integers(0, 16, 8).astype(np.int32)
    start, end = np.full(1, 2, np.int32), np.full(1, 7, np.int32)
    found = np.asarray(ops.ragged_gather(*on_device(x, picks, start, end)))
    np.testing.assert_array_equal(found[2:7], x[picks[2:7]])

    weights, valid = normal(8, seed=2), np.asarray([1, 1, 0, 1, 1, 1, 1, 0], bool)
    found = ops.ragged_gather_reduce(*on_device(x, picks, weights, valid), 2)
    close(found, ((weights * valid)[:, None] * x[picks]).reshape(4, 2, 128).sum(1))


@pytest.mark.uses("tokamax>=0.0.17")
def test_rotary_and_stream_ops() -> None:
    """deepseek_rope turns pairs of trailing channels by the token's angle; mhc_post mixes residual streams."""
    import jax.numpy as jnp
    import numpy as np
    from tokamax import ops

    x, positions = normal(4, 128), np.asarray([3, 0, 1, 2], np.int32)
    angles = np.arange(5)[:, None] * 0.3 ** np.arange(1, 17)[None]
    cache = np.concatenate([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found = np.asarray(ops.deepseek_rope(*on_device(x, positions, cache)))
    turned = (x[:, 96::2] + 1j * x[:, 97::2]) * np.exp(1j * angles[positions])
    np.testing.assert_array_equal(found[:, :96], x[:, :96])
    close(found[:, 96::2], turned.real)
    close(found[:, 97::2], turned.imag)

    streams = [jnp.asarray(normal(4, size, seed=size), jnp.bfloat16) for size in (128, 2 * 128)]
    post, mix = normal(4, 2, seed=1), normal(4, 2, 2, seed=2)
    found = ops.mhc_post(*streams, *on_device(post, mix))
    sublayer, residual = (np.asarray(stream, np.float32) for stream in streams)
    expected = post[:, :, None] * sublayer[:, None] + np.einsum("tij,tih->tjh", mix, residual.reshape(4, 2, 128))
    # The result is bfloat16, which keeps 8 bits.
    close(np.asarray(found, np.float32), expected.reshape(4, 256), 2e-2)


@pytest.mark.uses("tokamax>=0.0.17")
def test_kimi_delta_attention() -> None:
    """The recurrence: the state decays, is corrected towards the value by the delta rule, and is read by the query."""
    import numpy as np
    from tokamax import ops

    heads, batch, steps, keys, values = 2, 1, 6, 4, 3
    query, key = normal(heads, batch, steps, keys), normal(heads, batch, steps, keys, seed=1) / 2
    value = normal(heads, batch, steps, values, seed=2)
    gate = -np.abs(normal(heads, batch, steps, keys, seed=3))
    beta = sigmoid(normal(heads, batch, steps, seed=4))
    arguments = on_device(query, key, value, gate, beta)
    found, final = ops.kimi_delta_attention(*arguments, output_final_state=True, implementation="xla")
    expected = np.zeros((heads, batch, steps, values))
    states = np.zeros((heads, keys, values))
    for h in range(heads):
        for t in range(steps):
            states[h] *= np.exp(gate[h, 0, t])[:, None]
            error = value[h, 0, t] - key[h, 0, t] @ states[h]
            states[h] += beta[h, 0, t] * np.outer(key[h, 0, t], error)
            expected[h, 0, t] = query[h, 0, t] @ states[h] / np.sqrt(keys)
    close(found, expected)
    close(np.asarray(final).reshape(states.shape), states)


# ---------------------------------------------------------------------------------------------------------------------
# With the rest of the stack
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.uses("flax>=0.11", "optax")
def test_training_an_nnx_module_of_ops() -> None:
    """A transformer block of tokamax ops in an nnx module, trained by optax, goes the way of plain jax."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    import tokamax
    from flax import nnx

    def plain_attention(query: Any, key: Any, value: Any, **_: Any) -> Any:
        return jax.nn.dot_product_attention(query, key, value, is_causal=True)

    def plain_norm(x: Any, scale: Any, offset: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) * scale + offset

    def plain_unit(x: Any, weights: Any, activation: Callable[[Any], Any]) -> Any:
        return activation(x @ weights[0]) * (x @ weights[1])

    class Block(nnx.Module):
        def __init__(self, norm: Any, attention: Any, unit: Any) -> None:
            self.scale, self.offset = nnx.Param(jnp.ones(16)), nnx.Param(jnp.zeros(16))
            self.qkv = nnx.Linear(16, 48, use_bias=False, rngs=nnx.Rngs(0))
            self.gate = nnx.Param(jnp.asarray(normal(16, 8, seed=1) / 4))
            self.up = nnx.Param(jnp.asarray(normal(16, 8, seed=2) / 4))
            self.down = nnx.Linear(8, 16, rngs=nnx.Rngs(1))
            self.ops = (norm, attention, unit)

        def __call__(self, x: Any) -> Any:
            norm, attention, unit = self.ops
            inner = norm(x, idioms.nnx_value(self.scale), idioms.nnx_value(self.offset))
            query, key, value = jnp.split(self.qkv(inner).reshape(*x.shape[:2], 2, 24), 3, axis=-1)
            x = x + attention(query, key, value, is_causal=True).reshape(x.shape)
            weights = (idioms.nnx_value(self.gate), idioms.nnx_value(self.up))
            return x + self.down(unit(x, weights, activation=jax.nn.swish))

    @nnx.jit
    def step(block: Any, optimizer: Any, x: Any, y: Any) -> Any:
        loss, gradients = nnx.value_and_grad(lambda block: jnp.mean((block(x) - y) ** 2))(block)
        idioms.nnx_apply_gradients(optimizer, block, gradients)
        return loss

    x, y = normal(2, 8, 16, seed=3), normal(2, 8, 16, seed=4)
    ways = (
        (tokamax.layer_norm, tokamax.dot_product_attention, tokamax.gated_linear_unit),
        (plain_norm, plain_attention, plain_unit),
    )
    losses = []
    for ops in ways:
        block = Block(*ops)
        optimizer = idioms.nnx_optimizer(block, optax.sgd(0.1, momentum=0.9))
        losses.append([float(step(block, optimizer, x, y)) for _ in range(4)])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)
    assert losses[0][-1] < 0.95 * losses[0][0]


@pytest.mark.uses("qwix>=0.1.4")
def test_quantised_by_qwix() -> None:
    """Arrays that qwix has quantised go into attention and ragged_dot as they are, at int8's error and not without."""
    import jax.numpy as jnp
    import numpy as np
    import qwix
    import tokamax

    query, key, value = normal(2, 16, 2, 8), normal(2, 16, 2, 8, seed=1), normal(2, 16, 2, 8, seed=2)
    less = [qwix.quantize(jnp.asarray(x), jnp.int8, channelwise_axes=(0, 1, 2)) for x in (key, value)]
    rows, matrices, sizes = normal(8, 16), normal(3, 16, 4, seed=1), np.asarray([3, 0, 5], np.int32)
    fewer = qwix.quantize(jnp.asarray(matrices), jnp.int8, channelwise_axes=(0, 2))
    assert {x.qvalue.dtype for x in (*less, fewer)} == {jnp.dtype("int8")}
    for found, expected in (
        (tokamax.dot_product_attention(*on_device(query), *less, implementation="xla"), attended(query, key, value)),
        (
            tokamax.ragged_dot(jnp.asarray(rows), fewer, jnp.asarray(sizes), implementation="xla"),
            np.stack([row @ matrices[g] for row, g in zip(rows, np.repeat(np.arange(3), sizes), strict=True)]),
        ),
    ):
        error = np.linalg.norm(np.asarray(found) - expected) / np.linalg.norm(expected)
        assert 1e-5 < error < 0.02


@pytest.mark.uses("flatbuffers")
def test_exported_for_a_cpu() -> None:
    """With the checks off that tokamax names, jax.export keeps its ops: read back, they compute the same."""
    import jax
    import tokamax
    from jax import export

    def function(query: Any, x: Any) -> Any:
        attention = tokamax.dot_product_attention(query, query, query, is_causal=True)
        return attention, tokamax.layer_norm(x, None, None)

    arguments = on_device(normal(1, 8, 2, 4), normal(4, 16))
    exported = export.export(jax.jit(function), disabled_checks=tokamax.DISABLE_JAX_EXPORT_CHECKS)(*arguments)
    read = export.deserialize(bytearray(exported.serialize()))
    for found, expected in zip(read.call(*arguments), function(*arguments), strict=True):
        close(found, expected, 1e-5)


@pytest.mark.parametrize("implementation", ["mosaic_tpu", "triton", "cudnn"])
def test_a_kernel_refuses_a_cpu(implementation: str) -> None:
    """Asked for by name, an accelerator's kernel says that it cannot; in a sequence the next one is taken."""
    import tokamax

    (query,) = on_device(normal(1, 8, 2, 4))
    with pytest.raises(NotImplementedError, match="Not supported on cpu"):
        tokamax.dot_product_attention(query, query, query, implementation=implementation)
    found = tokamax.dot_product_attention(query, query, query, implementation=(implementation, "xla"))
    close(found, attended(*(normal(1, 8, 2, 4),) * 3))


# ---------------------------------------------------------------------------------------------------------------------
# Lowered
# ---------------------------------------------------------------------------------------------------------------------


def device_of_kind(kind: str, platform: str) -> Any:
    """The context in which a program is for a device of that kind, of which no specimen is needed."""
    import contextlib

    import jax
    import tokamax
    from jax.sharding import AbstractDevice, AbstractMesh

    device = AbstractDevice(device_kind=kind, num_cores=1, platform=platform)
    stack = contextlib.ExitStack()
    stack.enter_context(jax.sharding.use_abstract_mesh(AbstractMesh((1,), ("i",), abstract_device=device)))
    stack.enter_context(tokamax.config.cross_compile(True))
    return stack


@pytest.mark.uses("tokamax>=0.0.16", "flatbuffers")
@pytest.mark.level("lower")
@pytest.mark.parametrize("kind", ["TPU v5 lite", "TPU v6 lite"])
def test_kernels_lowered_for_a_tpu(kind: str) -> None:
    """Attention with its derivative, the fused loss and ragged_dot become Mosaic kernels where no TPU is.

    Exported, they need no check to be off: jax promises that the Mosaic call stays readable.
    """
    import jax
    import jax.numpy as jnp
    import tokamax
    from jax import export

    query = jnp.ones((1, 256, 2, 128), jnp.bfloat16)
    x, labels, weights = jnp.ones((1024, 512)), jnp.zeros(1024, jnp.int32), jnp.ones((512, 2048))
    rows, matrices = jnp.ones((512, 256), jnp.bfloat16), jnp.ones((4, 256, 256), jnp.bfloat16)
    sizes = jnp.full(4, 128, jnp.int32)

    def attention(query: Any) -> Any:
        found = tokamax.dot_product_attention(query, query, query, is_causal=True, implementation="mosaic_tpu")
        return jnp.sum(found.astype(jnp.float32))

    def loss(x: Any, labels: Any, weights: Any) -> Any:
        return tokamax.linear_softmax_cross_entropy_loss(x, labels, weights, implementation="mosaic_tpu")

    def product(rows: Any, matrices: Any, sizes: Any) -> Any:
        return tokamax.ragged_dot(rows, matrices, sizes, implementation="mosaic_tpu")

    for function, least, *arguments in (
        (attention, 1, query),
        (jax.grad(attention), 2, query),
        (loss, 1, x, labels, weights),
        (product, 1, rows, matrices, sizes),
    ):
        with device_of_kind(kind, "tpu"):
            exported = export.export(jax.jit(function), platforms=["tpu"])(*arguments)
        assert exported.platforms == ("tpu",)
        assert exported.mlir_module().count("@tpu_custom_call") >= least
        assert len(exported.serialize()) > 1000


@pytest.mark.level("lower")
@pytest.mark.parametrize("kind", ["NVIDIA A100-SXM4-40GB", "NVIDIA H100 80GB HBM3"])
def test_attention_lowered_for_a_gpu(kind: str) -> None:
    """Attention becomes a Triton kernel where no GPU is."""
    import jax
    import jax.numpy as jnp
    import tokamax

    def attention(query: Any) -> Any:
        return tokamax.dot_product_attention(query, query, query, implementation="triton")

    query = jnp.ones((1, 256, 2, 64), jnp.bfloat16)
    with device_of_kind(kind, "gpu"):
        traced = jax.jit(attention).trace(query)
        text = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert text.count("@__gpu$xla.gpu.triton") == 1
