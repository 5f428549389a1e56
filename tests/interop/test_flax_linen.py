"""flax.linen: models trained by optax, layers against closed forms, lifted transforms, serialisation, checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.uses("jax", "flax"), pytest.mark.level("interop")]


def close(actual: Any, expected: Any, tolerance: float = 1e-5) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


def normal(*shape: int, seed: int = 0) -> Any:
    import numpy as np

    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def variables_of(module: Any, *args: Any, **kwargs: Any) -> Any:
    """Variables of the shapes that the module's init gives, filled by numpy: no initialiser has to be compiled."""
    import jax
    import numpy as np

    shapes = jax.eval_shape(lambda key: module.init(key, *args, **kwargs), jax.random.key(0))
    rng = np.random.default_rng(0)
    return jax.tree_util.tree_map(lambda leaf: np.asarray(0.5 * rng.normal(size=leaf.shape)).astype(leaf.dtype), shapes)


@pytest.mark.uses("jax", "flax", "optax")
def test_train_state_fits() -> None:
    """A small network with LayerNorm, in a TrainState stepped by optax inside jit, brings the loss below a tenth."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from flax.training.train_state import TrainState

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            x = nn.LayerNorm()(nn.relu(nn.Dense(4)(x)))
            return nn.Dense(4)(x)

    net, x, y = Net(), normal(4, 4), normal(4, 4, seed=1)

    # Initialisation, forward pass and state in one program instead of one for each primitive of each shape.
    @jax.jit
    def create() -> Any:
        variables = net.init(jax.random.key(0), x)
        state = TrainState.create(apply_fn=net.apply, params=variables["params"], tx=optax.adam(5e-2))
        return state.replace(step=jnp.asarray(0)), net.apply(variables, x)

    state, out = create()
    first_layer, norm, last_layer = (state.params[name] for name in ("Dense_0", "LayerNorm_0", "Dense_1"))
    inner = np.maximum(0, x @ np.asarray(first_layer["kernel"]) + np.asarray(first_layer["bias"]))
    inner = (inner - inner.mean(-1, keepdims=True)) / np.sqrt(inner.var(-1, keepdims=True) + 1e-6)
    inner = inner * np.asarray(norm["scale"]) + np.asarray(norm["bias"])
    close(out, inner @ np.asarray(last_layer["kernel"]) + np.asarray(last_layer["bias"]), 1e-4)
    eager = nn.Dense(4).apply({"params": last_layer}, inner)  # jit sees the same layer as eager code does
    close(eager, out, 1e-4)

    @jax.jit
    def step(state: Any) -> Any:
        def loss_fn(params: Any) -> Any:
            return jnp.mean((state.apply_fn({"params": params}, x) - y) ** 2)

        loss, gradients = jax.value_and_grad(loss_fn)(state.params)
        return state.apply_gradients(grads=gradients), loss

    state, first = step(state)
    for _ in range(150):
        state, last = step(state)
    assert int(state.step) == 151
    assert np.isfinite(last)
    assert float(last) < 0.1 * float(first)


@pytest.mark.thorough
@pytest.mark.uses("jax", "flax", "optax")
def test_train_state_with_wrapped_rules() -> None:
    """A TrainState gathers two gradients a step and follows an injected rate, and reads back bit by bit half-way."""
    import flax.linen as nn
    import jax
    import numpy as np
    import optax
    from flax import serialization
    from flax.training.train_state import TrainState

    rates = optax.linear_schedule(0.5, 0.1, 2)
    tx = optax.MultiSteps(optax.inject_hyperparams(optax.sgd)(learning_rate=rates), every_k_schedule=2)
    layer = nn.Dense(4, use_bias=False)
    kernel = normal(4, 4)
    state = TrainState.create(apply_fn=layer.apply, params={"kernel": kernel}, tx=tx.gradient_transformation())
    blank = state

    @jax.jit
    def step(state: Any, x: Any) -> Any:
        gradients = jax.grad(lambda params: state.apply_fn({"params": params}, x).sum())(state.params)
        return state.apply_gradients(grads=gradients)

    expected = kernel
    for update, rate in enumerate((0.5, 0.3, 0.1)):
        batches = [normal(3, 4, seed=2 * update + half) for half in range(2)]
        state = step(state, batches[0])
        close(state.params["kernel"], expected)  # nothing moves half-way
        kept = serialization.from_bytes(blank, serialization.to_bytes(state))
        state, again = step(state, batches[1]), step(kept, batches[1])
        # The gradient of the sum of x @ kernel is, in each column, the sum of the rows of x.
        expected = expected - rate * np.mean([x.sum(0) for x in batches], axis=0)[:, None]
        close(state.params["kernel"], expected)
        close(state.opt_state.inner_opt_state.hyperparams["learning_rate"], rate)
        for ours, theirs in zip(*map(jax.tree_util.tree_leaves, (again, state)), strict=True):
            np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    assert int(state.opt_state.gradient_step) == 3


def test_dropout_and_batch_statistics() -> None:
    """Dropout draws from its own stream, and BatchNorm's running mean moves by its closed form when mutable."""
    import flax.linen as nn
    import jax
    import numpy as np

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x: Any, train: bool) -> Any:
            x = nn.BatchNorm(use_running_average=not train, momentum=0.9)(x)
            return nn.Dropout(0.5, deterministic=not train)(x)

    net, x = Net(), normal(400, 8) + 3
    variables = {"batch_stats": {"BatchNorm_0": {"mean": np.zeros(8, np.float32), "var": np.ones(8, np.float32)}}}
    variables["params"] = {"BatchNorm_0": {"scale": np.ones(8, np.float32), "bias": np.zeros(8, np.float32)}}
    assert jax.tree_util.tree_structure(variables_of(net, x, train=False)) == jax.tree_util.tree_structure(variables)
    close(jax.jit(lambda v, x: net.apply(v, x, train=False))(variables, x), x, 1e-3)  # nothing dropped

    @jax.jit
    def train(variables: Any, key: Any) -> Any:
        return net.apply(variables, x, train=True, rngs={"dropout": key}, mutable=["batch_stats"])

    out, updated = train(variables, jax.random.key(1))
    again, _ = train(variables, jax.random.key(1))
    other, _ = train(variables, jax.random.key(2))
    np.testing.assert_array_equal(np.asarray(out), np.asarray(again))
    dropped = np.asarray(out) == 0
    assert 0.4 < dropped.mean() < 0.6
    assert (dropped != (np.asarray(other) == 0)).mean() > 0.4
    normalised = (x - x.mean(0)) / x.std(0)
    close(np.asarray(out)[~dropped], 2 * normalised[~dropped], 1e-3)
    close(updated["batch_stats"]["BatchNorm_0"]["mean"], 0.1 * x.mean(0), 1e-4)
    close(updated["batch_stats"]["BatchNorm_0"]["var"], 0.9 + 0.1 * x.var(0), 1e-4)


def test_layers_against_closed_forms() -> None:
    """Embed, Conv, pooling, GroupNorm, RMSNorm and DenseGeneral give what their formulas give."""
    import flax.linen as nn
    import jax
    import numpy as np

    class Net(nn.Module):
        @nn.compact
        def __call__(self, tokens: Any, image: Any, x: Any) -> Any:
            return {
                "embed": nn.Embed(5, 4, name="embed")(tokens),
                "conv": nn.Conv(2, (3, 3), padding="VALID", use_bias=False, name="conv")(image),
                "pool": nn.avg_pool(image, (2, 2), strides=(2, 2)),
                "group": nn.GroupNorm(num_groups=2, use_bias=False, use_scale=False, name="group")(x),
                "rms": nn.RMSNorm(use_scale=False, name="rms")(x),
                "general": nn.DenseGeneral((2, 3), use_bias=False, name="general")(x),
            }

    net, tokens, image, x = Net(), np.array([1, 4]), normal(1, 4, 4, 1), normal(2, 4, seed=1)
    variables = variables_of(net, tokens, image, x)
    out = jax.tree_util.tree_map(np.asarray, jax.jit(net.apply)(variables, tokens, image, x))
    params = variables["params"]
    close(out["embed"], params["embed"]["embedding"][tokens])
    kernel = params["conv"]["kernel"]
    window = np.lib.stride_tricks.sliding_window_view(image[0, :, :, 0], (3, 3))
    close(out["conv"][0], np.einsum("ijab,abo->ijo", window, kernel[:, :, 0]), 1e-4)
    close(out["pool"][0, :, :, 0], image[0, :, :, 0].reshape(2, 2, 2, 2).mean((1, 3)))
    groups = x.reshape(2, 2, 2)
    scaled = (groups - groups.mean(-1, keepdims=True)) / np.sqrt(groups.var(-1, keepdims=True) + 1e-6)
    close(out["group"], scaled.reshape(2, 4), 1e-3)
    close(out["rms"], x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6), 1e-4)
    close(out["general"], np.einsum("bi,ijk->bjk", x, params["general"]["kernel"]))


@pytest.mark.thorough
def test_attention_against_its_formula_and_its_cache() -> None:
    """Causal self-attention equals softmax(QK/sqrt(d))V, and decoding token by token with the cache gives the same."""
    import flax.linen as nn
    import jax
    import numpy as np

    x = normal(2, 5, 8)
    mask = np.tril(np.ones((2, 1, 5, 5), bool))
    layer = nn.MultiHeadDotProductAttention(num_heads=2, qkv_features=8)
    variables = variables_of(layer, x, x)
    out = jax.jit(lambda v, x: layer.apply(v, x, x, mask=mask))(variables, x)
    p = variables["params"]
    q, k, v = (np.einsum("btd,dhe->bthe", x, p[n]["kernel"]) + p[n]["bias"] for n in ("query", "key", "value"))
    scores = np.where(np.tril(np.ones((5, 5), bool)), np.einsum("bqhe,bkhe->bhqk", q, k) / 2.0, -1e9)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    close(out, np.einsum("bhqk,bkhe,heo->bqo", weights, v, p["out"]["kernel"]) + p["out"]["bias"], 1e-4)

    decoder = nn.MultiHeadDotProductAttention(num_heads=2, qkv_features=8, decode=True)
    cache = jax.tree_util.tree_map(np.zeros_like, variables_of(decoder, x, x)["cache"])

    @jax.jit
    def decode(cache: Any, token: Any) -> Any:
        out, updated = decoder.apply({"params": variables["params"], "cache": cache}, token, token, mutable=["cache"])
        return updated["cache"], out

    steps = []
    for t in range(5):
        cache, token = decode(cache, x[:, t : t + 1])
        steps.append(token)
    close(np.concatenate(steps, axis=1), out, 1e-4)


@pytest.mark.thorough
def test_recurrent_cells() -> None:
    """nn.RNN, a lifted scan over an LSTM and over a GRU cell, equals the cells' formulas step by step."""
    import flax.linen as nn
    import jax
    import numpy as np

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            lstm = nn.RNN(nn.OptimizedLSTMCell(4, name="lstm"), return_carry=True)
            return lstm(x), nn.RNN(nn.GRUCell(4, name="gru"))(x)

    net, x = Net(), normal(2, 3, 4)
    variables = variables_of(net, x)
    ((last_c, last_h), outputs), gated = jax.tree_util.tree_map(np.asarray, jax.jit(net.apply)(variables, x))

    def affine(layer: Any, v: Any) -> Any:
        return v @ layer["kernel"] + layer.get("bias", 0)

    def sigmoid(v: Any) -> Any:
        return 1 / (1 + np.exp(-v))

    p, q = variables["params"]["lstm"], variables["params"]["gru"]
    h, c, g = np.zeros((2, 4)), np.zeros((2, 4)), np.zeros((2, 4))
    for t in range(3):
        i, f, n, o = (affine(p["i" + gate], x[:, t]) + affine(p["h" + gate], h) for gate in "ifgo")
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(n)
        h = sigmoid(o) * np.tanh(c)
        close(outputs[:, t], h, 1e-4)
        reset, update = (sigmoid(affine(q["i" + gate], x[:, t]) + affine(q["h" + gate], g)) for gate in "rz")
        g = (1 - update) * np.tanh(affine(q["in"], x[:, t]) + reset * affine(q["hn"], g)) + update * g
        close(gated[:, t], g, 1e-4)
    close(last_c, c, 1e-4)
    close(last_h, h, 1e-4)


def test_scan_and_remat_over_layers() -> None:
    """A scanned and rematerialised stack of layers equals the loop over its sliced parameters, its gradient too."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp
    import numpy as np

    class Block(nn.Module):
        @nn.compact
        def __call__(self, x: Any, _: Any) -> Any:
            return x + nn.tanh(nn.Dense(4, name="dense")(x)), None

    class Stack(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            scanned = nn.scan(
                nn.remat(Block, prevent_cse=False), variable_axes={"params": 0}, split_rngs={"params": True}, length=3
            )
            return scanned(name="blocks")(x, None)[0]

    stack, x = Stack(), normal(2, 4)
    params = variables_of(stack, x)["params"]
    dense = params["blocks"]["dense"]
    assert dense["kernel"].shape == (3, 4, 4)

    def looped(bias: Any) -> Any:
        y = x.astype(np.float64)
        for i in range(3):
            y = y + np.tanh(y @ dense["kernel"][i] + bias[i])
        return (y**2).sum()

    value, gradient = jax.jit(jax.value_and_grad(lambda params: jnp.sum(stack.apply({"params": params}, x) ** 2)))(
        params
    )
    close(value, looped(dense["bias"]), 1e-4)
    direction = normal(3, 4, seed=5)
    slope = (looped(dense["bias"] + 1e-4 * direction) - looped(dense["bias"] - 1e-4 * direction)) / 2e-4
    close((np.asarray(gradient["blocks"]["dense"]["bias"]) * direction).sum(), slope, 1e-3)


@pytest.mark.thorough
def test_vmap_over_members_and_jit_inside() -> None:
    """A lifted vmap makes an ensemble with parameters of its own, each member equal to the plain layer (nn.jit too)."""
    import flax.linen as nn
    import jax
    import numpy as np

    ensemble = nn.vmap(
        nn.jit(nn.Dense), variable_axes={"params": 0}, split_rngs={"params": True}, in_axes=None, axis_size=3
    )(features=4)
    x = normal(4, 4)
    variables = variables_of(ensemble, x)
    out = np.asarray(jax.jit(ensemble.apply)(variables, x))
    kernel, bias = variables["params"]["kernel"], variables["params"]["bias"]
    assert kernel.shape == (3, 4, 4)
    for member in range(3):
        close(out[member], x @ kernel[member] + bias[member])


def test_lifted_control_flow_and_derivatives() -> None:
    """nn.cond, nn.while_loop and nn.vjp see the module's variables, and give what the plain functions give."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp
    import numpy as np

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x: Any, double: Any) -> Any:
            scale = self.param("scale", nn.initializers.constant(3.0), ())
            dense = nn.Dense(2, use_bias=False, name="dense")
            y = dense(x)
            out = nn.cond(double, lambda m, v: 2 * v * scale, lambda m, v: v * scale, self, y)

            def body(module: Any, steps: Any) -> Any:
                counter = module.variable("counters", "n", lambda: jnp.zeros((), jnp.int32))
                counter.value += 1
                return steps + 1

            if self.is_initializing():
                body(self, 0)
            else:
                nn.while_loop(lambda _, steps: steps < 4, body, self, 0, carry_variables="counters")
            _, pullback = nn.vjp(lambda m, v: m(v), dense, x)
            gradient, inputs = pullback(jnp.ones_like(y))
            return out, gradient, inputs

    net, x = Net(), normal(3, 4)
    variables = variables_of(net, x, True)
    variables["counters"]["n"] = np.int32(0)
    kernel, scale = variables["params"]["dense"]["kernel"], variables["params"]["scale"]
    (out, gradient, inputs), updated = jax.jit(lambda v, x, d: net.apply(v, x, d, mutable=["counters"]))(
        variables, x, True
    )
    close(out, 2 * scale * (x @ kernel))
    close(gradient["params"]["kernel"], x.T @ np.ones((3, 2)))
    close(inputs, np.ones((3, 2)) @ kernel.T)
    assert int(updated["counters"]["n"]) == 4


@pytest.mark.thorough
def test_sow_perturb_and_intermediates() -> None:
    """sow, capture_intermediates and perturb expose inner values, and the perturbation's gradient is the cotangent."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp
    import numpy as np

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            y = nn.Dense(2, use_bias=False, name="dense")(x)
            self.sow("intermediates", "inner", y)
            y = self.perturb("delta", y)
            return jnp.sum(y**2)

    net, x = Net(), normal(3, 4)
    variables = variables_of(net, x)
    params = {"params": variables["params"]}
    _, state = jax.jit(lambda p, x: net.apply(p, x, mutable=["intermediates"], capture_intermediates=True))(params, x)
    inner = x @ variables["params"]["dense"]["kernel"]
    close(state["intermediates"]["inner"][0], inner)
    close(state["intermediates"]["dense"]["__call__"][0], inner)
    delta = {"delta": np.zeros((3, 2), np.float32)}
    gradient = jax.jit(jax.grad(lambda d: net.apply({**params, "perturbations": d}, x)))(delta)
    close(gradient["delta"], 2 * inner, 1e-4)


@pytest.mark.thorough
def test_spectral_norm() -> None:
    """SpectralNorm divides a kernel by its largest singular value, estimated in a mutable collection."""
    import flax.linen as nn
    import jax
    import numpy as np

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            return nn.SpectralNorm(nn.Dense(3, use_bias=False, name="dense"))(x, update_stats=True)

    net, x = Net(), np.eye(4, dtype=np.float32)
    variables = variables_of(net, x)
    step = jax.jit(lambda v: net.apply(v, x, mutable=["batch_stats"]))
    for _ in range(60):  # a step of the power iteration each
        kernel, updated = step(variables)
        variables = {**variables, **updated}
    raw = np.asarray(variables["params"]["dense"]["kernel"])
    close(kernel, raw / np.linalg.norm(raw, 2), 2e-2)


@pytest.mark.thorough
@pytest.mark.uses("jax", "flax>=0.8.0")
def test_weight_norm() -> None:
    """WeightNorm gives every output column the length of its scale."""
    import flax.linen as nn
    import jax
    import numpy as np

    net, x = nn.WeightNorm(nn.Dense(3, use_bias=False)), np.eye(4, dtype=np.float32)
    variables = variables_of(net, x)
    (scale,) = (leaf for leaf in jax.tree_util.tree_leaves(variables) if leaf.ndim == 1)
    kernel = jax.jit(net.apply)(variables, x)
    close(np.linalg.norm(kernel, axis=0), np.abs(scale), 1e-3)


@pytest.mark.thorough
def test_tabulate_counts_parameters() -> None:
    """tabulate evaluates the model abstractly and lists every layer with its number of parameters."""
    import flax.linen as nn
    import jax

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            return nn.Dense(7)(nn.relu(nn.Dense(5)(x)))

    table = Net().tabulate(jax.random.key(0), normal(2, 3), console_kwargs={"width": 200, "force_terminal": False})
    assert "Dense_0" in table
    assert "Dense_1" in table
    assert "Total Parameters: 62" in table  # 3 * 5 + 5 + 5 * 7 + 7


def test_mixed_precision() -> None:
    """dtype computes in bfloat16 with float32 parameters, and DynamicScale unscales the gradients it scaled."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax.training.dynamic_scale import DynamicScale

    layer, x = nn.Dense(3, use_bias=False, dtype=jnp.bfloat16), normal(4, 5)
    variables = variables_of(layer, x)
    assert variables["params"]["kernel"].dtype == jnp.float32
    out = jax.jit(layer.apply)(variables, x)
    assert out.dtype == jnp.bfloat16
    close(np.asarray(out).astype(np.float32), x @ variables["params"]["kernel"], 0.05)

    scaled = DynamicScale(scale=1024.0)
    scale, finite, value, gradient = jax.jit(scaled.value_and_grad(lambda w: jnp.sum(w**2)))(np.arange(3.0))
    assert bool(finite)
    close(value, 5.0)
    close(gradient, [0.0, 2.0, 4.0])
    assert float(scale.scale) == 1024.0


@pytest.mark.feature("flax.jax_utils")
def test_replicate_and_prefetch_bitwise() -> None:
    """flax.jax_utils puts state on every device and a batch's parts on theirs, for pmap, and changes no bit of them."""
    import flax.jax_utils
    import jax
    import numpy as np
    from flax.training import common_utils

    params = {"kernel": normal(3, 4), "scale": np.float32(0.5), "step": np.int32(7)}
    replicated = flax.jax_utils.replicate(params)
    for name, leaf in flax.jax_utils.unreplicate(replicated).items():
        assert len(replicated[name].sharding.device_set) == 8
        assert leaf.dtype == params[name].dtype
        np.testing.assert_array_equal(np.asarray(leaf), params[name])
        np.testing.assert_array_equal(np.asarray(replicated[name]), np.stack([params[name]] * 8))

    given = [{"x": normal(8, 2, 3, seed=seed), "label": np.arange(8, dtype=np.int32) + seed} for seed in range(3)]
    fetched = list(flax.jax_utils.prefetch_to_device(iter(given), 2))
    assert len(fetched) == 3
    for theirs, ours in zip(fetched, given, strict=True):
        for name, leaf in theirs.items():
            assert len(leaf.sharding.device_set) == 8
            assert leaf.dtype == ours[name].dtype
            np.testing.assert_array_equal(np.asarray(leaf), ours[name])
    out = jax.pmap(lambda params, batch: batch["x"] @ params["kernel"])(replicated, fetched[-1])
    close(out, given[-1]["x"] @ params["kernel"])
    np.testing.assert_array_equal(common_utils.shard(normal(16, 3)), normal(16, 3).reshape(8, 2, 3))


def test_serialisation_is_bitwise() -> None:
    """to_bytes and from_bytes, and state dicts, bring every leaf back bit by bit, bfloat16 and scalars included."""
    import flax
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax import serialization, traverse_util

    @flax.struct.dataclass
    class State:
        params: Any
        step: int
        name: str = flax.struct.field(pytree_node=False)

    numbers = np.arange(4).astype(jnp.bfloat16)
    state = State({"a": {"w": jnp.asarray(normal(3, 4))}, "b": jnp.asarray(numbers)}, 7, "run")
    blank = State({"a": {"w": jnp.zeros((3, 4))}, "b": jnp.asarray(0 * numbers)}, 0, "run")
    restored = serialization.from_bytes(blank, serialization.to_bytes(state))
    assert restored.step == 7
    assert restored.name == "run"
    for ours, theirs in zip(
        jax.tree_util.tree_leaves(restored.params), jax.tree_util.tree_leaves(state.params), strict=True
    ):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    flat = traverse_util.flatten_dict(state.params, sep="/")
    assert sorted(flat) == ["a/w", "b"]
    assert sorted(traverse_util.unflatten_dict(flat, sep="/")["a"]) == ["w"]
    frozen = flax.core.freeze(state.params)
    assert jax.tree_util.tree_structure(flax.core.unfreeze(frozen)) == jax.tree_util.tree_structure(state.params)


@pytest.mark.uses("jax", "flax", "optax", "orbax-checkpoint")
def test_legacy_checkpoints(tmp_path: Path) -> None:
    """flax.training.checkpoints, which hands over to orbax-checkpoint, restores a TrainState bit by bit.

    It runs as in any plain script, where nothing has parsed the absl flags.
    """
    import flax.linen as nn
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from flax.training import checkpoints
    from flax.training.train_state import TrainState

    layer = nn.Dense(4)

    def create(scale: float) -> Any:
        params = jax.tree_util.tree_map(
            lambda leaf: jnp.asarray(np.asarray(scale * leaf, leaf.dtype)), variables_of(layer, normal(1, 4))["params"]
        )
        return TrainState.create(apply_fn=layer.apply, params=params, tx=optax.adam(1e-2))

    state = jax.jit(lambda state, gradients: state.apply_gradients(grads=gradients))(
        create(1.0), jax.tree_util.tree_map(np.ones_like, create(1.0).params)
    )
    directory = str(tmp_path / "checkpoints")
    checkpoints.save_checkpoint(directory, state, step=1, overwrite=True)
    restored = checkpoints.restore_checkpoint(directory, create(0.0))
    assert int(restored.step) == 1
    leaves, expected = jax.tree_util.tree_leaves(restored), jax.tree_util.tree_leaves(state)
    assert len(leaves) == len(expected)
    for ours, theirs in zip(leaves, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    assert checkpoints.latest_checkpoint(directory) is not None
