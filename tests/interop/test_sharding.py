"""Many devices in one process: meshes, sharded arrays, collectives, and sharded training steps.

The set-up of the tests gives every process eight host devices.
"""

from __future__ import annotations

from typing import Any

import idioms
import pytest


def close(actual: Any, expected: Any, tolerance: float = 1e-5) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


def named(mesh: Any, *spec: str | None) -> Any:
    from jax.sharding import NamedSharding, PartitionSpec

    return NamedSharding(mesh, PartitionSpec(*spec))


@pytest.mark.uses("jax", "jaxlib")
@pytest.mark.level("run")
def test_jit_with_shardings() -> None:
    """A matrix product over a 4 x 2 mesh equals numpy's, and its result lies where out_shardings says."""
    import jax
    import numpy as np

    assert jax.device_count() == 8
    mesh = idioms.mesh((4, 2), ("data", "model"))
    x = np.arange(32, dtype=np.float32).reshape(8, 4)
    w = np.linspace(-1, 1, 24, dtype=np.float32).reshape(4, 6)
    product = jax.jit(
        lambda x, w: x @ w,
        in_shardings=(named(mesh, "data", None), named(mesh, None, "model")),
        out_shardings=named(mesh, "data", "model"),
    )(x, w)
    close(product, x @ w)
    assert product.sharding.is_equivalent_to(named(mesh, "data", "model"), 2)
    assert len(product.addressable_shards) == 8
    assert {shard.data.shape for shard in product.addressable_shards} == {(2, 3)}


@pytest.mark.uses("jax", "jaxlib")
@pytest.mark.level("run")
def test_device_put_and_reshard() -> None:
    """An array moves between layouts and meshes of other sizes without a change of its values."""
    import jax
    import numpy as np

    x = np.arange(64, dtype=np.float32).reshape(8, 8)
    wide, narrow = idioms.mesh((8,), ("a",)), idioms.mesh((2, 2), ("a", "b"))
    rows = jax.device_put(x, named(wide, "a", None))
    columns = jax.device_put(rows, named(wide, None, "a"))
    tiles = jax.device_put(columns, named(narrow, "a", "b"))
    for array, shape in ((rows, (1, 8)), (columns, (8, 1)), (tiles, (4, 4))):
        np.testing.assert_array_equal(np.asarray(array), x)
        assert {shard.data.shape for shard in array.addressable_shards} == {shape}
    constrained = jax.jit(lambda v: jax.lax.with_sharding_constraint(v * 2, named(wide, "a", None)))(columns)
    np.testing.assert_array_equal(np.asarray(constrained), 2 * x)
    assert constrained.sharding.is_equivalent_to(named(wide, "a", None), 2)
    local = jax.make_array_from_callback((8, 8), named(wide, "a", None), lambda index: x[index])
    np.testing.assert_array_equal(np.asarray(local), x)


@pytest.mark.uses("jax", "jaxlib")
@pytest.mark.level("run")
def test_shard_map_collectives() -> None:
    """psum, all_gather, ppermute and axis_index inside shard_map, against their closed forms."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax.sharding import PartitionSpec as P

    mesh = idioms.mesh((8,), ("i",))
    x = np.arange(16, dtype=np.float32)

    def body(x: Any) -> Any:
        total = jax.lax.psum(x.sum(), "i")
        turned = jax.lax.ppermute(x, "i", [(k, (k + 1) % 8) for k in range(8)])
        gathered = jax.lax.all_gather(x, "i", tiled=True)
        return total, turned, x + jax.lax.axis_index("i"), gathered.max(keepdims=True)

    mapped = jax.jit(idioms.shard_map(body, mesh, P("i"), (P(), P("i"), P("i"), P("i"))))
    total, turned, indexed, largest = mapped(x)
    close(total, 120.0)
    np.testing.assert_array_equal(np.asarray(turned), np.roll(x, 2))
    np.testing.assert_array_equal(np.asarray(indexed), x + np.arange(16) // 2)
    np.testing.assert_array_equal(np.asarray(largest), np.full(8, 15.0))
    # The gradient goes through the collective: d(sum x)^2/dx = 2 sum x for each x.
    squared = idioms.shard_map(lambda v: jax.lax.psum(v.sum(), "i") ** 2, mesh, P("i"), P())
    close(jax.jit(jax.grad(lambda v: jnp.sum(squared(v))))(x), np.full(16, 240.0))


@pytest.mark.uses("jax>=0.9", "jaxlib")
@pytest.mark.level("run")
def test_explicit_sharding() -> None:
    """With explicit axes (settled in jax 0.9) the sharding is part of an array's type, and reshard changes it."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax.sharding import PartitionSpec as P

    mesh = jax.make_mesh((8,), ("i",), axis_types=(jax.sharding.AxisType.Explicit,))
    with jax.set_mesh(mesh):
        x = jax.device_put(np.arange(16, dtype=np.float32).reshape(8, 2), P("i", None))
        doubled = jax.jit(lambda v: 2 * v)(x)
        assert jax.typeof(doubled).sharding.spec == P("i", None)
        replicated = jax.sharding.reshard(doubled, P(None, None))
        close(jnp.sum(replicated), 240.0)
        assert jax.typeof(replicated).sharding.spec == P(None, None)


@pytest.mark.uses("jax", "jaxlib")
@pytest.mark.level("run")
def test_pmap_mean_of_gradients() -> None:
    """Classic data parallelism: pmap with pmean gives the gradient of the whole batch on every device."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    x = np.random.default_rng(0).normal(size=(8, 4, 3)).astype(np.float32)
    w = np.ones(3, np.float32)
    gradient = jax.pmap(
        lambda w, x: jax.lax.pmean(jax.grad(lambda w: jnp.mean((x @ w) ** 2))(w), "batch"),
        axis_name="batch",
        in_axes=(None, 0),
    )(w, x)
    whole = x.reshape(-1, 3)
    assert gradient.shape == (8, 3)
    close(gradient, np.tile(2 * whole.T @ (whole @ w) / len(whole), (8, 1)), 1e-4)


def regression_step(tx: Any) -> Any:
    import jax
    import jax.numpy as jnp
    import optax

    def step(params: Any, state: Any, x: Any, y: Any) -> Any:
        def loss_fn(params: Any) -> Any:
            return jnp.mean((x @ params["w1"] @ params["w2"] - y) ** 2)

        loss, gradients = jax.value_and_grad(loss_fn)(params)
        updates, state = tx.update(gradients, state, params)
        return optax.apply_updates(params, updates), state, loss

    return step


@pytest.mark.thorough
@pytest.mark.uses("jax", "optax")
@pytest.mark.level("interop")
def test_sharded_optax_training_equals_single_device() -> None:
    """Parameters and optax state sharded over data and model axes train to what one device trains to.

    The optimiser state follows the parameters' layout without being told, because optax maps over the pytree.
    """
    import jax
    import numpy as np
    import optax

    rng = np.random.default_rng(0)
    x = rng.normal(size=(16, 4)).astype(np.float32)
    y = np.sin(x[:, :2]).astype(np.float32)
    params = {
        "w1": 0.3 * rng.normal(size=(4, 8)).astype(np.float32),
        "w2": 0.3 * rng.normal(size=(8, 2)).astype(np.float32),
    }
    tx = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-2))
    step = jax.jit(regression_step(tx))

    def train(params: Any, x: Any, y: Any) -> Any:
        # Eagerly: a compiled init's zeros would not lie where the parameters do.
        state = tx.init(params)
        for _ in range(3):
            params, state, loss = step(params, state, x, y)
        return params, state, loss

    device = jax.devices()[0]
    params_one, state_one, loss_one = train(*jax.device_put((params, x, y), device))
    mesh = idioms.mesh((4, 2), ("data", "model"))
    layout = {"w1": named(mesh, None, "model"), "w2": named(mesh, "model", None)}
    batch = named(mesh, "data", None)
    params_many, state_many, loss_many = train(
        jax.device_put(params, layout), jax.device_put(x, batch), jax.device_put(y, batch)
    )
    assert np.isfinite(loss_one)
    close(loss_many, loss_one, 1e-4)
    for name, sharding in layout.items():
        close(params_many[name], params_one[name], 1e-4)
        assert params_many[name].sharding.is_equivalent_to(sharding, 2)
        for moment in ("mu", "nu") if idioms.at_least("optax", "0.2.3") else ():  # which has tree_get
            one, many = (optax.tree_utils.tree_get(state, moment)[name] for state in (state_one, state_many))
            close(many, one, 1e-4)
            assert many.sharding.is_equivalent_to(sharding, 2)


@pytest.mark.uses("jax", "flax", "optax")
@pytest.mark.level("interop")
def test_sharded_flax_training_equals_single_device() -> None:
    """A linen TrainState laid out by its own partitioning metadata takes the same step as on one device."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from flax.training.train_state import TrainState

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            init = nn.initializers.lecun_normal()
            return nn.Dense(4, use_bias=False, kernel_init=nn.with_partitioning(init, (None, "model")))(x)

    net, rng = Net(), np.random.default_rng(1)
    x, y = rng.normal(size=(2, 16, 4)).astype(np.float32)

    def step(state: Any, x: Any, y: Any) -> Any:
        loss, gradients = jax.value_and_grad(lambda p: jnp.mean((state.apply_fn({"params": p}, x) - y) ** 2))(
            state.params
        )
        return state.apply_gradients(grads=gradients), loss

    mesh = idioms.mesh((4, 2), ("data", "model"))
    tx = optax.sgd(1e-1, momentum=0.9)

    @jax.jit
    def create(key: Any) -> Any:
        state = TrainState.create(apply_fn=net.apply, params=net.init(key, x)["params"], tx=tx)
        # TrainState starts its counter as a Python int; an array, as after a step, keeps jit from compiling twice.
        return state.replace(step=jnp.asarray(0, jnp.int32))

    one = jax.device_put(create(jax.random.key(0)), jax.devices()[0])
    layout = nn.logical_to_mesh_sharding(nn.get_partition_spec(one), mesh, rules=(("model", "model"),))
    many = jax.device_put(one, layout)
    batch = named(mesh, "data", None)
    with idioms.mesh_context(mesh):
        sharded = jax.jit(step, in_shardings=(layout, batch, batch), out_shardings=(layout, None))
        for _ in range(2):
            many, loss_many = sharded(many, jax.device_put(x, batch), jax.device_put(y, batch))
    alone = jax.jit(step)
    for _ in range(2):
        one, loss_one = alone(one, x, y)
    assert np.isfinite(loss_one)
    close(loss_many, loss_one, 1e-4)
    kernel_many, kernel_one = (nn.meta.unbox(state.params)["Dense_0"]["kernel"] for state in (many, one))
    assert {shard.data.shape for shard in kernel_many.addressable_shards} == {(4, 2)}
    close(kernel_many, kernel_one, 1e-4)
