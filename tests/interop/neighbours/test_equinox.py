"""Equinox: models that are trees, filtered transformations of JAX, state, runtime errors, files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import idioms
import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.uses("equinox>=0.11", "jax"), pytest.mark.level("interop")]


def close(actual: Any, expected: Any, tolerance: float = 1e-5) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


def mlp(seed: int = 0) -> Any:
    import equinox as eqx
    import jax

    return eqx.nn.MLP(2, 1, width_size=8, depth=1, activation=jax.nn.tanh, key=jax.random.PRNGKey(seed))


@pytest.mark.uses("equinox>=0.11", "jax", "optax")
def test_a_network_learns() -> None:
    """A multi-layer perceptron, trained by optax in a filtered, jitted step, fits a product of its inputs."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    model = mlp()
    x = np.random.default_rng(0).uniform(-1, 1, (32, 2)).astype(np.float32)
    y = x[:, :1] * x[:, 1:]
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.03))

    @eqx.filter_value_and_grad
    def loss_and_gradient(model: Any) -> Any:
        return jnp.mean((jax.vmap(model)(x) - y) ** 2)

    @eqx.filter_jit
    def step(model: Any, state: Any) -> Any:
        loss, gradients = loss_and_gradient(model)
        updates, state = optimizer.update(gradients, state, eqx.filter(model, eqx.is_inexact_array))
        return loss, eqx.apply_updates(model, updates), state

    state = optimizer.init(eqx.filter(model, eqx.is_inexact_array))
    first, model, state = step(model, state)
    for _ in range(200):
        last, model, state = step(model, state)
    assert last < 0.1 * first

    hidden, out = model.layers
    by_hand = np.tanh(x @ np.asarray(hidden.weight).T + np.asarray(hidden.bias)) @ np.asarray(out.weight).T + out.bias
    close(jax.vmap(model)(x), by_hand, 1e-4)
    # What is no array stays what it was.
    assert model.activation is jax.nn.tanh or model.activation(0.5) == pytest.approx(np.tanh(0.5))


def test_filtered_transformations_against_formulas() -> None:
    """Derivatives of modules, by parts, through checkpoints and with rules of their own; shapes; ensembles."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import numpy as np

    class Power(eqx.Module):
        scale: jax.Array
        shift: jax.Array
        exponent: int = eqx.field(static=True)
        name: str = "power"

        def __call__(self, x: Any) -> Any:
            return self.scale * x**self.exponent + self.shift

    power = Power(jnp.array(2.0), jnp.array(1.0), 3)
    x = np.array([1.0, -2.0, 0.5], np.float32)

    def total(model: Any, x: Any) -> Any:
        return jnp.sum(eqx.filter_checkpoint(model)(x))

    gradient = eqx.filter_jit(eqx.filter_grad(total))(power, x)
    assert isinstance(gradient, Power)
    close([gradient.scale, gradient.shift], [np.sum(x**3), 3.0])

    # One parameter is frozen by a partition.
    trained = eqx.tree_at(lambda tree: tree.scale, jax.tree_util.tree_map(lambda _: False, power), replace=True)
    moving, fixed = eqx.partition(power, trained)
    partial = jax.grad(lambda moving: total(eqx.combine(moving, fixed), x))(moving)
    assert partial.shift is None
    close(partial.scale, np.sum(x**3))

    # A rule of one's own, which gives twice the derivative.
    @eqx.filter_custom_vjp
    def square(x: Any) -> Any:
        return x**2

    square.def_fwd(lambda perturbed, x: (x**2, x))
    square.def_bwd(lambda residual, cotangent, perturbed, x: 4 * residual * cotangent)
    close(jax.jit(jax.grad(square))(3.0), 12.0)

    primal, tangent = eqx.filter_jvp(lambda model: model(3.0), (power,), (gradient,))
    close([primal, tangent], [55.0, 27 * np.sum(x**3) + 3.0])
    closed = eqx.filter_closure_convert(lambda x: power(x) * 2, jnp.array(1.0))
    close(closed(jnp.array(2.0)), 34.0)
    shapes = eqx.filter_eval_shape(power, jnp.ones((4, 2)))
    assert (shapes.shape, shapes.dtype) == ((4, 2), np.float32)

    @eqx.filter_vmap
    def members(scale: Any) -> Any:
        return Power(scale, jnp.array(0.0), 2)

    ensemble = members(jnp.arange(1.0, 4.0))
    close(eqx.filter_vmap(lambda model, x: model(x), in_axes=(eqx.if_array(0), None))(ensemble, 3.0), [9.0, 18.0, 27.0])
    assert "f32[3]" in eqx.tree_pformat(ensemble)


def test_layers_with_state_under_vmap() -> None:
    """Batch normalisation keeps its statistics in a state, across vmap, jit and grad; dropout ends with inference."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import numpy as np

    # Since 0.13 a release says which of two variants it is; before, there was only this one.
    options = {"mode": "ema"} if idioms.at_least("equinox", "0.13") else {}

    class Net(eqx.Module):
        norm: eqx.nn.BatchNorm
        drop: eqx.nn.Dropout
        linear: eqx.nn.Linear

        def __init__(self, key: Any) -> None:
            self.norm = eqx.nn.BatchNorm(3, axis_name="batch", momentum=0.9, **options)
            self.drop = eqx.nn.Dropout(0.5)
            self.linear = eqx.nn.Linear(3, 2, key=key)

        def __call__(self, x: Any, state: Any, key: Any) -> Any:
            x, state = self.norm(x, state)
            return self.linear(self.drop(x, key=key)), state

    model, state = eqx.nn.make_with_state(Net)(jax.random.PRNGKey(0))
    x = np.random.default_rng(0).normal(2.0, 3.0, (16, 3)).astype(np.float32)
    keys = jax.random.split(jax.random.PRNGKey(1), 16)

    @eqx.filter_jit
    @eqx.filter_value_and_grad(has_aux=True)
    def loss(model: Any, state: Any) -> Any:
        out, state = jax.vmap(model, axis_name="batch", in_axes=(0, None, 0), out_axes=(0, None))(x, state, keys)
        return jnp.mean(out**2), state

    (_, state), gradient = loss(model, state)
    assert np.abs(np.asarray(gradient.linear.weight)).max() > 0

    # After the first batch its statistics are those of the batch: evaluated, the layer normalises by them.
    evaluated = eqx.nn.inference_mode(model)
    out, _ = jax.vmap(evaluated, axis_name="batch", in_axes=(0, None, None), out_axes=(0, None))(x, state, None)
    normal = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
    close(out, normal @ np.asarray(model.linear.weight).T + np.asarray(model.linear.bias), 1e-3)


def test_attention_against_its_formula() -> None:
    """Multi-head attention with a mask, and a convolution, against numpy."""
    import equinox as eqx
    import jax
    import numpy as np

    attention = eqx.nn.MultiheadAttention(num_heads=2, query_size=4, key=jax.random.PRNGKey(0))
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    mask = np.tril(np.ones((5, 5), bool))
    query, key, value = (
        (x @ np.asarray(projection.weight).T).reshape(5, 2, 2)
        for projection in (attention.query_proj, attention.key_proj, attention.value_proj)
    )
    logits = np.where(mask, np.einsum("shd,Shd->hsS", query, key) / np.sqrt(2), -np.inf)
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    mixed = np.einsum("hsS,Shd->shd", weights, value).reshape(5, 4)
    close(eqx.filter_jit(attention)(x, x, x, mask=mask), mixed @ np.asarray(attention.output_proj.weight).T)

    convolution = eqx.nn.Conv1d(1, 1, kernel_size=3, key=jax.random.PRNGKey(1))
    line = np.random.default_rng(1).normal(size=8).astype(np.float32)
    kernel = np.asarray(convolution.weight)[0, 0]
    expected = np.correlate(line, kernel, "valid") + np.asarray(convolution.bias).item()
    close(convolution(line[None])[0], expected)


def test_runtime_errors() -> None:
    """error_if stops a compiled program where its condition holds, with its message, and not elsewhere."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    @eqx.filter_jit
    def root(x: Any) -> Any:
        x = eqx.error_if(x, jnp.any(x < 0), "a negative number has no root")
        return jnp.sqrt(x)

    close(root(jnp.array([4.0, 9.0])), [2.0, 3.0])
    with pytest.raises(Exception, match="a negative number has no root"):
        jax.block_until_ready(root(jnp.array([4.0, -9.0])))
    # It goes through differentiation and vmap too.
    close(jax.vmap(jax.grad(root))(jnp.array([4.0, 16.0])), [0.25, 0.125])


@pytest.mark.feature("equinox.EquinoxRuntimeError from a function that has worked before")
@pytest.mark.uses("equinox>=0.13", "jax")
def test_runtime_errors_after_a_call_that_worked() -> None:
    """A compiled function whose first call was right raises the error of Equinox later, and not that of a callback.

    Source: patrick-kidger/equinox#1156 (since jax 0.7.2; mended in 0.13.3).
    """
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    @eqx.filter_jit
    def root(x: Any) -> Any:
        return jnp.sqrt(eqx.error_if(x, jnp.any(x < 0), "a negative number has no root"))

    close(root(jnp.array([4.0, 9.0])), [2.0, 3.0])
    with pytest.raises(eqx.EquinoxRuntimeError, match="a negative number has no root"):
        jax.block_until_ready(root(jnp.array([4.0, -9.0])))
    close(root(jnp.array([4.0, 9.0])), [2.0, 3.0])


def test_saved_leaves_come_back(tmp_path: Path) -> None:
    """A model's leaves go into a file and come back, bit for bit, into a model of the same form."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import numpy as np

    model = (mlp(0), jnp.arange(4, dtype=jnp.bfloat16) / 3, 7, 2.5, True)
    path = tmp_path / "model.eqx"
    eqx.tree_serialise_leaves(path, model)
    like = eqx.filter_eval_shape(lambda: (mlp(1), jnp.zeros(4, jnp.bfloat16), 0, 0.0, False))
    restored = eqx.tree_deserialise_leaves(path, like)
    assert restored[2:] == (7, 2.5, True)
    assert restored[1].dtype == jnp.bfloat16
    saved, loaded = (jax.tree_util.tree_leaves(eqx.filter(tree, eqx.is_array)) for tree in (model, restored))
    assert len(saved) == len(loaded) == 5
    for before, after in zip(saved, loaded, strict=True):
        assert before.dtype == after.dtype
        np.testing.assert_array_equal(np.asarray(before, np.float32), np.asarray(after, np.float32))


@pytest.mark.feature("equinox.filter_shard")
def test_data_parallel_step() -> None:
    """Sharded inputs and a replicated model give the gradient of one device."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax.sharding import NamedSharding, PartitionSpec

    mesh = idioms.mesh((8,), ("batch",))
    by_batch, everywhere = NamedSharding(mesh, PartitionSpec("batch")), NamedSharding(mesh, PartitionSpec())
    x = np.random.default_rng(0).normal(size=(16, 2)).astype(np.float32)

    @eqx.filter_grad
    def gradient(model: Any, x: Any) -> Any:
        return jnp.mean(jax.vmap(model)(x) ** 2)

    @eqx.filter_jit
    def step(model: Any, x: Any) -> Any:
        model = eqx.filter_shard(model, everywhere)
        return eqx.filter_shard(gradient(model, eqx.filter_shard(x, by_batch)), everywhere)

    sharded = step(*eqx.filter_shard((mlp(), x), everywhere))
    assert len(sharded.layers[0].weight.devices()) == 8
    alone = gradient(mlp(), x)
    for got, wanted in zip(jax.tree_util.tree_leaves(sharded), jax.tree_util.tree_leaves(alone), strict=True):
        close(got, wanted)


@pytest.mark.feature("equinox.filter_pmap")
def test_parallel_map() -> None:
    """filter_pmap runs a function once on each of some devices, with a mean over them."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    @eqx.filter_pmap(axis_name="device")
    def centred(x: Any, name: str) -> Any:
        return x - jax.lax.pmean(x, "device")

    close(centred(jnp.arange(4.0), "ignored"), [-1.5, -0.5, 0.5, 1.5])


@pytest.mark.feature("equinox.internal.finalise_fn")
def test_finalised_for_export() -> None:
    """finalise_fn replaces the primitives of Equinox, which exporters to other formats do not know."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    @eqx.internal.finalise_fn
    def root(x: Any) -> Any:
        return jax.nn.relu(jnp.sqrt(eqx.internal.noinline(lambda value: value + 1)(x)))

    program = jax.make_jaxpr(root)(jnp.arange(4.0))
    assert "noinline" not in str(program)
    close(root(jnp.array([0.0, 3.0, 8.0])), [1.0, 2.0, 3.0])
