"""flax.nnx: modules with state trained by optax, split and merged, transformed, and bridged to linen.

nnx is public and documented as flax.nnx since flax 0.8.4; its vmap and scan have their present form since 0.10.
"""

from __future__ import annotations

from typing import Any

import idioms
import pytest

pytestmark = [pytest.mark.uses("jax", "flax>=0.8.4"), pytest.mark.level("interop")]


def close(actual: Any, expected: Any, tolerance: float = 1e-5) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


def normal(*shape: int, seed: int = 0) -> Any:
    import numpy as np

    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def network(**options: Any) -> Any:
    """A small network with normalisation and, when asked for, dropout and batch statistics."""
    from flax import nnx

    class Net(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.first = nnx.Linear(4, 4, rngs=rngs)
            self.norm = (
                nnx.BatchNorm(4, momentum=0.9, rngs=rngs) if options.get("batch_norm") else nnx.LayerNorm(4, rngs=rngs)
            )
            self.drop = nnx.Dropout(options.get("dropout", 0.0), rngs=rngs)
            self.last = nnx.Linear(4, 4, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.last(self.drop(self.norm(nnx.relu(self.first(x)))))

    return Net(nnx.Rngs(0))  # eagerly: all tests with layers of this shape share its few programs


def given(scale: float = 0.5) -> Any:
    """An initialiser that draws with numpy: inside jit, neither a draw of jax's nor its keys have to be compiled."""
    import jax.numpy as jnp
    import numpy as np

    rng = np.random.default_rng(0)
    return lambda _, shape, dtype=np.float32, **__: jnp.asarray(scale * rng.normal(size=shape), dtype)


@pytest.mark.uses("jax", "flax>=0.8.4", "optax")
def test_optimizer_fits() -> None:
    """nnx.Optimizer steps a model with optax inside nnx.jit; the changes reach the outer objects and the loss falls."""
    import jax.numpy as jnp
    import numpy as np
    import optax
    from flax import nnx

    model, x = network(dropout=0.05), normal(4, 4)
    y = np.sin(x)
    optimizer = idioms.nnx_optimizer(model, optax.adamw(3e-2))

    @nnx.jit
    def step(model: Any, optimizer: Any) -> Any:
        loss, gradients = nnx.value_and_grad(lambda model: jnp.mean((model(x) - y) ** 2))(model)
        idioms.nnx_apply_gradients(optimizer, model, gradients)
        return loss

    model.train()
    first = step(model, optimizer)
    for _ in range(200):
        last = step(model, optimizer)
    assert int(idioms.nnx_value(optimizer.step)) == 201
    model.eval()
    out = np.asarray(nnx.jit(lambda model: model(x))(model))
    fitted = np.mean((out - y) ** 2)
    assert np.isfinite(last)
    assert np.isfinite(fitted)
    assert fitted < 0.4 * float(first)

    # The trained model computes what its formula says, and jit sees the same layer as eager code does.
    def array(variable: Any) -> Any:
        return np.asarray(idioms.nnx_value(variable))

    inner = np.maximum(0, x @ array(model.first.kernel) + array(model.first.bias))
    inner = (inner - inner.mean(-1, keepdims=True)) / np.sqrt(inner.var(-1, keepdims=True) + 1e-6)
    inner = inner * array(model.norm.scale) + array(model.norm.bias)
    close(out, inner @ array(model.last.kernel) + array(model.last.bias), 1e-4)
    close(out, model.last(inner), 1e-4)


PARTS = pytest.mark.feature("flax.nnx.Optimizer with optax.masked or optax.partition")


@pytest.mark.uses("jax", "flax>=0.8.4", "optax")
@pytest.mark.parametrize(
    "name",
    [
        *("adam", "multi_steps", "inject_hyperparams"),
        pytest.param("masked", marks=PARTS),
        pytest.param("partition", marks=PARTS),
        pytest.param("muon", marks=[PARTS, pytest.mark.thorough]),
    ],
)
def test_optimizer_steps_as_plain_optax(name: str) -> None:
    """Four steps of nnx.Optimizer, whatever state the optax rule keeps, are those of optax on the bare arrays."""
    if name == "muon" and not idioms.at_least("optax", "0.2.5"):
        pytest.skip("optax.contrib.muon is in optax since 0.2.5")
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from flax import nnx

    def by_rank(params: Any) -> Any:
        return jax.tree_util.tree_map(lambda leaf: "matrix" if leaf.ndim > 1 else "vector", params)

    def matrices(params: Any) -> Any:
        return jax.tree_util.tree_map(lambda leaf: leaf.ndim > 1, params)

    tx = {
        "adam": lambda: optax.adam(0.1),
        "masked": lambda: optax.chain(optax.masked(optax.trace(0.9), matrices), optax.scale(-0.1)),
        "partition": lambda: idioms.optax_partition({"matrix": optax.adam(0.1), "vector": optax.sgd(0.3)}, by_rank),
        "multi_steps": lambda: optax.MultiSteps(optax.adam(0.1), every_k_schedule=2).gradient_transformation(),
        "muon": lambda: optax.contrib.muon(0.1),
        "inject_hyperparams": lambda: optax.inject_hyperparams(optax.adam)(optax.linear_schedule(0.2, 0.0, 3)),
    }[name]()
    x, start = normal(4, 4), {"bias": normal(4, seed=1), "kernel": normal(4, 4, seed=2)}

    def loss_fn(kernel: Any, bias: Any) -> Any:
        return jnp.mean((x @ kernel + bias - np.sin(x)) ** 2)

    class Affine(nnx.Module):
        def __init__(self) -> None:
            self.kernel = nnx.Param(jnp.asarray(start["kernel"]))
            self.bias = nnx.Param(jnp.asarray(start["bias"]))

    @nnx.jit
    def step(model: Any, optimizer: Any) -> None:
        gradients = nnx.grad(lambda model: loss_fn(idioms.nnx_value(model.kernel), idioms.nnx_value(model.bias)))(model)
        idioms.nnx_apply_gradients(optimizer, model, gradients)

    @jax.jit
    def plain_step(params: Any, state: Any) -> Any:
        updates, state = tx.update(jax.grad(lambda params: loss_fn(**params))(params), state, params)
        return optax.apply_updates(params, updates), state

    model = Affine()
    optimizer = idioms.nnx_optimizer(model, tx)
    params, state = start, tx.init(start)
    for _ in range(4):
        step(model, optimizer)
        params, state = plain_step(params, state)
    for leaf, value in params.items():
        assert np.abs(value - start[leaf]).max() > 0.01
        close(idioms.nnx_value(getattr(model, leaf)), value)


def test_split_merge_and_filters() -> None:
    """split gives a definition and states by type, merge gives an equal model, update writes into a live one."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax import nnx

    model, x = network(batch_norm=True), normal(3, 4)
    model.eval()
    graphdef, params, statistics, rest = nnx.split(model, nnx.Param, nnx.BatchStat, ...)
    assert len(jax.tree_util.tree_leaves(params)) == 6
    assert len(jax.tree_util.tree_leaves(statistics)) == 2
    call = nnx.jit(lambda model: model(x))
    expected = np.asarray(call(model))
    assert np.abs(expected).max() > 0.1
    np.testing.assert_array_equal(np.asarray(call(nnx.merge(graphdef, params, statistics, rest))), expected)

    # A pure function over the states, as jax's own transforms want it.
    def pure(params: Any) -> Any:
        return jnp.sum(nnx.merge(graphdef, params, statistics, rest)(x) ** 2)

    assert jax.tree_util.tree_structure(jax.jit(jax.grad(pure))(params)) == jax.tree_util.tree_structure(params)
    copy = nnx.clone(model)
    nnx.update(model, jax.tree_util.tree_map(np.zeros_like, nnx.state(model, nnx.Param)))
    close(call(model), np.zeros((3, 4)))
    np.testing.assert_array_equal(np.asarray(call(copy)), expected)


def test_dropout_and_batch_norm_modes() -> None:
    """train and eval switch Dropout and BatchNorm; running statistics move by their closed form through nnx.jit."""
    import numpy as np
    from flax import nnx

    x = normal(200, 4) + 2
    norm = nnx.BatchNorm(4, momentum=0.9, rngs=nnx.Rngs(0))
    drop = nnx.Dropout(0.5, rngs=nnx.Rngs(dropout=1))
    call = nnx.jit(lambda module, x: module(x))
    norm.train()
    close(call(norm, x), (x - x.mean(0)) / x.std(0), 1e-3)
    close(idioms.nnx_value(norm.mean), 0.1 * x.mean(0), 1e-4)
    close(idioms.nnx_value(norm.var), 0.9 + 0.1 * x.var(0), 1e-4)
    norm.eval()
    close(call(norm, x), (x - 0.1 * x.mean(0)) / np.sqrt(0.9 + 0.1 * x.var(0) + 1e-5), 1e-3)

    drop.train()
    first, second = np.asarray(call(drop, x)), np.asarray(call(drop, x))
    assert 0.4 < (first == 0).mean() < 0.6
    assert ((first == 0) != (second == 0)).mean() > 0.3  # the stream went on inside jit
    close(first[first != 0], 2 * x[first != 0])
    drop.eval()
    np.testing.assert_array_equal(np.asarray(drop(x)), x)


def test_rngs_streams() -> None:
    """Streams are reproducible by seed, independent by name, and advance with each call."""
    import jax
    import numpy as np
    from flax import nnx

    def draws(**seeds: int) -> Any:
        rngs = nnx.Rngs(**seeds)
        return [np.asarray(jax.random.key_data(key)).tolist() for key in (rngs.params(), rngs.params(), rngs.dropout())]

    first, again, other = draws(params=0, dropout=1), draws(params=0, dropout=1), draws(params=5, dropout=1)
    assert first == again
    assert first[0] != first[1]
    assert first[0] != other[0]
    assert first[2] == other[2]


def test_custom_variables_and_gradients_by_type() -> None:
    """A variable type of one's own is left alone by nnx.grad over Param, and a counter survives nnx.jit."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax import nnx

    class Count(nnx.Variable):
        pass

    class Scale(nnx.Module):
        def __init__(self) -> None:
            self.weight = nnx.Param(jnp.asarray(np.array([2.0, 3.0], np.float32)))
            self.calls = Count(jnp.asarray(np.array(0)))

        def __call__(self, x: Any) -> Any:
            idioms.nnx_assign(self.calls, idioms.nnx_value(self.calls) + 1)
            return jnp.sum(idioms.nnx_value(self.weight) ** 2 * x)

    model, x = Scale(), np.array([1.0, 10.0], np.float32)
    value, gradients = nnx.jit(nnx.value_and_grad(lambda model, x: model(x)))(model, x)
    close(value, 94.0)
    (leaf,) = jax.tree_util.tree_leaves(gradients)
    close(leaf, [4.0, 60.0])
    assert int(idioms.nnx_value(model.calls)) == 1
    assert len(jax.tree_util.tree_leaves(nnx.state(model, Count))) == 1


@pytest.mark.thorough
def test_layers_against_closed_forms() -> None:
    """Linear, Embed, Conv, RMSNorm, Einsum, LoRA and Sequential, made and called in nnx.jit, against their formulas."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax import nnx

    class Layers(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            init = given()
            base = nnx.Linear(4, 4, kernel_init=init, rngs=rngs)
            self.linear = nnx.Linear(4, 4, kernel_init=init, bias_init=init, rngs=rngs)
            self.embed = nnx.Embed(5, 4, embedding_init=init, rngs=rngs)
            self.conv = nnx.Conv(1, 2, (3, 3), padding="VALID", use_bias=False, kernel_init=init, rngs=rngs)
            self.rms = nnx.RMSNorm(4, rngs=rngs)
            self.einsum = nnx.Einsum("bi,ij->bj", (4, 4), kernel_init=init, rngs=rngs)
            self.lora = nnx.LoRA(4, 2, 4, base_module=base, rngs=rngs)
            self.sequence = nnx.Sequential(self.linear, nnx.relu)

        def __call__(self, x: Any, tokens: Any, image: Any) -> Any:
            layers = (self.linear, self.rms, self.einsum, self.lora, self.sequence)
            return self.embed(tokens), self.conv(image), [layer(x) for layer in layers]

    def array(variable: Any) -> Any:
        return np.asarray(idioms.nnx_value(variable))

    model = nnx.jit(lambda: Layers(nnx.Rngs(0)))()
    lora = model.lora
    idioms.nnx_assign(lora.lora_b, jnp.asarray(normal(2, 4)))
    assert len(jax.tree_util.tree_leaves(nnx.state(model, nnx.LoRAParam))) == 2
    x, tokens, image = normal(2, 4), np.array([1, 4]), normal(1, 4, 4, 1)
    embedded, convolved, outputs = nnx.jit(lambda model, *args: model(*args))(model, x, tokens, image)
    convolved = np.asarray(convolved)
    close(embedded, array(model.embed.embedding)[tokens])
    window = np.lib.stride_tricks.sliding_window_view(image[0, :, :, 0], (3, 3))
    close(convolved[0], np.einsum("ijab,abo->ijo", window, array(model.conv.kernel)[:, :, 0]), 1e-4)
    linear = x @ array(model.linear.kernel) + array(model.linear.bias)
    base = x @ array(lora.base_module.kernel) + array(lora.base_module.bias)
    expected = (
        linear,
        x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6),
        x @ array(model.einsum.kernel),
        base + x @ array(lora.lora_a) @ array(lora.lora_b),
        np.maximum(0, linear),
    )
    for ours, theirs in zip(outputs, expected, strict=True):
        close(ours, theirs, 1e-4)


@pytest.mark.thorough
def test_attention_against_its_formula_and_its_cache() -> None:
    """Causal attention equals softmax(QK/sqrt(d))V, and decoding token by token with the cache gives the same."""
    import jax.numpy as jnp
    import numpy as np
    from flax import nnx

    x = normal(2, 5, 8)
    options = {"in_features": 8, "qkv_features": 8, "decode": False, "kernel_init": given()}
    layer = nnx.jit(lambda: nnx.MultiHeadAttention(2, rngs=nnx.Rngs(0), **options))()
    out = nnx.jit(lambda layer, x: layer(x, mask=nnx.make_causal_mask(jnp.ones((2, 5)))))(layer, x)
    q, k, v = (
        np.einsum("btd,dhe->bthe", x, np.asarray(idioms.nnx_value(part.kernel)))
        for part in (layer.query, layer.key, layer.value)
    )
    scores = np.where(np.tril(np.ones((5, 5), bool)), np.einsum("bqhe,bkhe->bhqk", q, k) / 2.0, -1e9)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    close(out, np.einsum("bhqk,bkhe,heo->bqo", weights, v, np.asarray(idioms.nnx_value(layer.out.kernel))), 1e-4)

    layer.init_cache((2, 5, 8))
    decode = nnx.jit(lambda layer, token: layer(token, decode=True))
    close(np.concatenate([decode(layer, x[:, t : t + 1]) for t in range(5)], axis=1), out, 1e-4)


@pytest.mark.thorough
@pytest.mark.uses("jax", "flax>=0.10")
def test_recurrent_cells() -> None:
    """nnx.RNN, a scan over an LSTM and over a GRU cell, equals the cells called step by step."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax import nnx

    class Cells(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            init = given()
            self.lstm = nnx.OptimizedLSTMCell(4, 4, kernel_init=init, recurrent_kernel_init=init, rngs=rngs)
            self.gru = nnx.GRUCell(4, 4, kernel_init=init, recurrent_kernel_init=init, rngs=rngs)

    @nnx.jit
    def compare(cells: Cells, x: Any) -> Any:
        lstm, gru = ((jnp.zeros((2, 4)),) * 2, jnp.zeros((2, 4)))
        stepped = []
        for t in range(2):
            lstm, first = cells.lstm(lstm, x[:, t])
            gru, second = cells.gru(gru, x[:, t])
            stepped.append((first, second))
        return nnx.RNN(cells.lstm)(x), nnx.RNN(cells.gru)(x), stepped

    cells = nnx.jit(lambda: Cells(nnx.Rngs(0)))()
    first, second, stepped = jax.tree_util.tree_map(np.asarray, compare(cells, normal(2, 2, 4)))
    for t, (lstm, gru) in enumerate(stepped):
        close(first[:, t], lstm)
        close(second[:, t], gru)
    assert not np.allclose(first, second)


@pytest.mark.uses("jax", "flax>=0.10")
def test_scan_over_vmapped_layers() -> None:
    """Layers made by nnx.vmap and applied by nnx.scan, rematerialised, equal the loop over the sliced parameters."""
    import jax.numpy as jnp
    import numpy as np
    from flax import nnx

    class Block(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.linear = nnx.Linear(4, 4, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return x + jnp.tanh(self.linear(x))

    @nnx.split_rngs(splits=3)
    @nnx.vmap(in_axes=(0,), out_axes=0)
    def create(rngs: nnx.Rngs) -> Block:
        return Block(rngs)

    @nnx.scan(in_axes=(0, nnx.Carry), out_axes=nnx.Carry)
    def forward(block: Block, x: Any) -> Any:
        return nnx.remat(lambda block, x: block(x))(block, x)

    blocks, x = nnx.jit(create)(nnx.Rngs(0)), normal(2, 4)
    kernel, bias = (np.asarray(idioms.nnx_value(v)) for v in (blocks.linear.kernel, blocks.linear.bias))
    assert kernel.shape == (3, 4, 4)
    assert not np.allclose(kernel[0], kernel[1])  # each layer drew its own

    def looped(bias: Any) -> Any:
        y = x.astype(np.float64)
        for i in range(3):
            y = y + np.tanh(y @ np.asarray(kernel[i]) + bias[i])
        return (y**2).sum()

    value, gradients = nnx.jit(nnx.value_and_grad(lambda blocks: jnp.sum(forward(blocks, x) ** 2)))(blocks)
    close(value, looped(np.asarray(bias)), 1e-4)
    direction = normal(3, 4, seed=5)
    slope = (looped(bias + 1e-4 * direction) - looped(bias - 1e-4 * direction)) / 2e-4
    close((np.asarray(idioms.nnx_value(gradients["linear"]["bias"])) * direction).sum(), slope, 1e-3)


@pytest.mark.feature("flax.nnx.shard_map")
@pytest.mark.uses("jax", "flax>=0.10.4")
def test_shard_map() -> None:
    """nnx.shard_map gives each device its rows of the batch, or its share of the weights: the plain model's answer."""
    import jax
    import numpy as np
    from flax import nnx
    from jax.sharding import PartitionSpec as P

    class Mlp(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.first = nnx.Linear(4, 16, use_bias=False, kernel_init=given(), rngs=rngs)
            self.last = nnx.Linear(16, 4, use_bias=False, kernel_init=given(), rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.last(nnx.relu(self.first(x)))

    model, x, mesh = Mlp(nnx.Rngs(0)), normal(16, 4), idioms.mesh((8,), ("i",))
    first, last = (np.asarray(idioms.nnx_value(layer.kernel)) for layer in (model.first, model.last))
    expected = np.maximum(0, x @ first) @ last

    @nnx.jit
    @nnx.shard_map(mesh=mesh, in_specs=(P(None), P("i")), out_specs=P("i"))
    def by_rows(model: Mlp, x: Any) -> Any:
        assert x.shape == (2, 4)
        return model(x)

    close(by_rows(model, x), expected)

    def within(layer: str) -> Any:
        return lambda path, _: path[-2:] == (layer, "kernel")

    shares = nnx.StateSharding({within("first"): P(None, "i"), within("last"): P("i", None)})

    @nnx.jit
    @nnx.shard_map(mesh=mesh, in_specs=(shares, P(None)), out_specs=P(None))
    def by_units(model: Mlp, x: Any) -> Any:
        assert idioms.nnx_value(model.first.kernel).shape == (4, 2)
        return jax.lax.psum(model(x), "i")

    close(by_units(model, x), expected)


@pytest.mark.feature("flax.nnx.pmap")
@pytest.mark.uses("jax", "flax>=0.10")
def test_pmap() -> None:
    """nnx.pmap runs one member of a stacked model on each device and updates it in place: the loop over members."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax import nnx

    class Member(nnx.Module):
        def __init__(self) -> None:
            self.kernel = nnx.Param(jnp.asarray(normal(8, 4, 4)))
            self.mean = nnx.BatchStat(jnp.zeros((8, 4)))

    @nnx.pmap(axis_name="members", in_axes=(0, 0), out_axes=0)
    def forward(member: Member, x: Any) -> Any:
        y = x @ idioms.nnx_value(member.kernel)
        idioms.nnx_assign(member.mean, y.mean(0))
        return y, jax.lax.psum(y, "members")

    members, x = Member(), normal(8, 2, 4, seed=1)
    out, total = forward(members, x)
    expected = np.stack([x[i] @ normal(8, 4, 4)[i] for i in range(8)])
    close(out, expected)
    close(total, np.broadcast_to(expected.sum(0), (8, 2, 4)), 1e-4)
    close(idioms.nnx_value(members.mean), expected.mean(1))


@pytest.mark.uses("jax", "flax>=0.12")  # since then a Module is documented to be a pytree (the guide "Module & Pytree")
def test_modules_are_pytrees() -> None:
    """jax.jit, jax.grad and jax.tree take a Module with nnx.List and nnx.Dict as it is, and give one back."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax import nnx

    class Net(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.layers = nnx.List([nnx.Linear(4, 4, kernel_init=given(), rngs=rngs) for _ in range(2)])
            self.heads = nnx.Dict(left=nnx.Param(jnp.asarray(normal(4))), right=nnx.Param(jnp.asarray(normal(4))))

        def __call__(self, x: Any) -> Any:
            for layer in self.layers:
                x = layer(x)
            return x * self.heads["left"] + self.heads["right"]

    net, x = Net(nnx.Rngs(0)), normal(3, 4)
    first, last = (np.asarray(layer.kernel[...]) for layer in net.layers)
    out = (x @ first @ last) * normal(4) + normal(4)  # the biases are still zero
    close(jax.jit(lambda net, x: net(x))(net, x), out)

    gradient = jax.jit(jax.grad(lambda net, x: jnp.sum(net(x) ** 2)))(net, x)
    assert isinstance(gradient, Net)
    close(gradient.heads["right"][...], 2 * out.sum(0), 1e-4)
    close(gradient.heads["left"][...], 2 * (out * (x @ first @ last)).sum(0), 1e-4)
    close(gradient.layers[1].kernel[...], (x @ first).T @ (2 * out * normal(4)), 1e-4)
    stepped = jax.tree.map(lambda value, slope: value - 0.1 * slope, net, gradient)
    close(stepped.layers[1].kernel[...], last - 0.1 * np.asarray(gradient.layers[1].kernel[...]))
    close(net.layers[1].kernel[...], last)  # and the one that was given is as before


@pytest.mark.thorough
@pytest.mark.uses("jax", "flax>=0.10.2")
def test_state_axes_and_control_flow() -> None:
    """vmap with StateAxes shares parameters and splits randomness, and cond and fori_loop update a module in place."""
    import jax.numpy as jnp
    import numpy as np
    from flax import nnx

    class Noisy(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.weight = nnx.Param(jnp.asarray(np.float32(2)))
            self.drop = nnx.Dropout(0.5, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.drop(idioms.nnx_value(self.weight) * x)

    axes = nnx.StateAxes({nnx.RngState: 0, ...: None})
    call = nnx.split_rngs(splits=3)(nnx.vmap(lambda model, x: model(x), in_axes=(axes, None)))
    out = np.asarray(nnx.jit(lambda x: call(Noisy(nnx.Rngs(0)), x))(np.ones(64, np.float32)))
    assert out.shape == (3, 64)
    assert set(np.unique(out)) == {0.0, 4.0}
    assert (out[0] != out[1]).mean() > 0.2

    class Counter(nnx.Module):
        def __init__(self) -> None:
            self.count = nnx.Variable(jnp.asarray(np.float32(0)))

        def add(self, amount: Any) -> None:
            idioms.nnx_assign(self.count, idioms.nnx_value(self.count) + amount)

    def body(_: Any, counter: Counter) -> Counter:
        counter.add(1.0)
        return counter

    @nnx.jit
    def count(counter: Counter, up: Any) -> Any:
        nnx.cond(up, lambda c: c.add(5.0), lambda c: c.add(-5.0), counter)
        between = idioms.nnx_value(counter.count)
        counter = nnx.fori_loop(0, 4, body, counter)
        return between, counter

    between, counter = count(Counter(), np.array(True))
    close(between, 5.0)
    close(idioms.nnx_value(counter.count), 9.0)


@pytest.mark.uses("jax", "flax>=0.10")
def test_lists_shared_references_and_abstract_state() -> None:
    """Submodules in a list are found, a shared layer stays one, and eval_shape gives shapes without arrays."""
    import jax
    from flax import nnx

    class Stack(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            layer = nnx.Linear(4, 4, use_bias=False, rngs=rngs)
            self.layers = idioms.nnx_list([layer, nnx.Linear(4, 4, use_bias=False, rngs=rngs), layer])

        def __call__(self, x: Any) -> Any:
            for layer in self.layers:
                x = layer(x)
            return x

    model, x = Stack(nnx.Rngs(0)), normal(2, 4)
    graphdef, state = nnx.split(model)
    assert len(jax.tree_util.tree_leaves(state)) == 2  # the shared kernel counts once
    merged = nnx.merge(graphdef, state)
    assert merged.layers[0] is merged.layers[2]
    close(nnx.jit(lambda model, x: model(x))(model, x), merged(x))
    abstract = nnx.eval_shape(lambda: Stack(nnx.Rngs(0)))
    leaves = jax.tree_util.tree_leaves(nnx.state(abstract))
    assert [leaf.shape for leaf in leaves] == [(4, 4), (4, 4)]
    assert all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in leaves)


@pytest.mark.uses("jax", "flax>=0.10")
def test_bridge_to_linen_and_back() -> None:
    """A linen layer inside an nnx model and an nnx layer inside a linen model give what the plain layers give."""
    import flax.linen as nn
    import jax
    import numpy as np
    from flax import nnx
    from flax.nnx import bridge

    x = normal(2, 4)
    model = bridge.lazy_init(bridge.ToNNX(nn.Dense(4), rngs=nnx.Rngs(0)), x)
    kernel, bias = (np.asarray(idioms.nnx_value(variable)) for variable in (model.kernel, model.bias))
    close(model(x), x @ kernel + bias)
    close(nnx.jit(lambda model, x: model(x))(model, x), x @ kernel + bias)

    wrapped = bridge.to_linen(nnx.Linear, 4, out_features=4)
    variables = wrapped.init(jax.random.key(0), x)
    kernel = nn.meta.unbox(variables)["params"]["kernel"]
    close(jax.jit(wrapped.apply)(variables, x), x @ kernel)


@pytest.mark.thorough
@pytest.mark.uses("jax", "flax>=0.10.6")
def test_tabulate() -> None:
    """nnx.tabulate traces the model abstractly and lists its layers and the number of parameters."""
    from flax import nnx

    table = nnx.tabulate(network(), normal(2, 4), console_kwargs={"width": 200, "force_terminal": False})
    assert "first" in table
    assert "last" in table
    assert "48" in table  # 2 * (4 * 4 + 4) + 2 * 4


@pytest.mark.uses("jax", "flax>=0.8.4")
def test_metrics() -> None:
    """MultiMetric accumulates accuracy and a mean over batches inside nnx.jit."""
    import numpy as np
    from flax import nnx

    metrics = nnx.MultiMetric(accuracy=nnx.metrics.Accuracy(), loss=nnx.metrics.Average("loss"))
    update = nnx.jit(lambda metrics, **values: metrics.update(**values))
    logits = np.array([[2.0, 1.0], [0.0, 1.0]], np.float32)
    update(metrics, logits=logits, labels=np.array([0, 0]), loss=np.float32(1))
    update(metrics, logits=logits, labels=np.array([0, 1]), loss=np.float32(3))
    result = metrics.compute()
    close(result["accuracy"], 0.75)
    close(result["loss"], 2.0)


@pytest.mark.thorough
@pytest.mark.uses("jax", "flax>=0.10")
def test_sharded_state() -> None:
    """Partitioning metadata on nnx parameters becomes shardings, and the sharded model answers as the plain one."""
    import jax
    from flax import nnx

    mesh, x = idioms.mesh((4, 2), ("data", "model")), normal(8, 4)
    init = nnx.with_partitioning(given(), (None, "model"))
    with idioms.mesh_context(mesh):
        model = nnx.jit(lambda: nnx.Linear(4, 4, use_bias=False, kernel_init=init, rngs=nnx.Rngs(0)))()
        graphdef, state = nnx.split(model)
        sharded = jax.device_put(state, nnx.get_named_sharding(state, mesh))
        out = jax.jit(lambda state, x: nnx.merge(graphdef, state)(x))(sharded, x)
    (kernel,) = jax.tree_util.tree_leaves(sharded)
    assert {shard.data.shape for shard in kernel.addressable_shards} == {(4, 2)}
    close(out, x @ jax.device_get(kernel), 1e-4)
