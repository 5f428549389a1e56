"""The five libraries in one training run that stops and goes on: what every user of the stack relies on."""

from __future__ import annotations

import functools
from contextlib import closing
from typing import TYPE_CHECKING, Any

import idioms
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KINDS = {"state": "standard", "config": "json", "data": "grain"}
CONFIG = {"learning_rate": 0.01, "features": [8, 1]}


def batches() -> Any:
    """A shuffled, endless, batched grain iterator over a small regression problem."""
    import numpy as np

    inputs = np.random.default_rng(0).normal(size=(24, 4)).astype(np.float32)
    targets = np.sin(inputs).sum(axis=1, keepdims=True)
    source = [{"x": x, "y": y} for x, y in zip(inputs, targets, strict=True)]
    dataset = idioms.grain_object("MapDataset").source(source).shuffle(seed=1).repeat().batch(8)
    options = idioms.grain_object("ReadOptions")(num_threads=1, prefetch_buffer_size=2)
    return iter(dataset.to_iter_dataset(options))


def on_one_device(state: Any) -> Any:
    """The state committed to a device, as a restored one is: the step is then compiled once for both."""
    import jax

    return jax.device_put(state, jax.devices()[0])


@functools.cache
def nnx_run() -> tuple[Callable[[], Any], Callable[[Any, Any], tuple[Any, Any]]]:
    """How to start, and how to step, a run of an nnx model with dropout and batch statistics.

    The state of a run is what is saved: a tree of arrays of model, optimizer and random keys (as raw data).
    """
    import jax
    import jax.numpy as jnp
    import optax
    from flax import nnx

    class Model(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            self.first = nnx.Linear(4, 8, rngs=rngs)
            self.norm = nnx.BatchNorm(8, rngs=rngs)
            self.drop = nnx.Dropout(0.25, rngs=rngs)
            self.second = nnx.Linear(8, 1, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.second(self.drop(nnx.relu(self.norm(self.first(x)))))

    def split(model: Any, optimizer: Any) -> Any:
        graph, keys, rest = nnx.split((model, optimizer), nnx.RngKey, ...)
        return graph, {"keys": jax.tree_util.tree_map(jax.random.key_data, keys), "rest": rest}

    @nnx.jit  # one program instead of one for each primitive of each shape
    def create() -> tuple[Any, Any]:
        model = Model(nnx.Rngs(0))
        return model, idioms.nnx_optimizer(model, optax.adamw(CONFIG["learning_rate"]))

    def start() -> Any:
        return on_one_device(split(*create())[1])

    @nnx.jit
    def train(model: Any, optimizer: Any, batch: Any) -> Any:
        loss, gradients = nnx.value_and_grad(lambda model: jnp.mean((model(batch["x"]) - batch["y"]) ** 2))(model)
        idioms.nnx_apply_gradients(optimizer, model, gradients)
        return loss

    graph = split(*create())[0]

    def step(state: Any, batch: Any) -> tuple[Any, Any]:
        keys = jax.tree_util.tree_map(jax.random.wrap_key_data, state["keys"])
        model, optimizer = nnx.merge(graph, keys, state["rest"])
        loss = train(model, optimizer, batch)
        return split(model, optimizer)[1], loss

    return start, step


@functools.cache
def linen_run() -> tuple[Callable[[], Any], Callable[[Any, Any], tuple[Any, Any]]]:
    """The same run with linen and a TrainState; its state holds the dropout key as raw data."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp
    import optax
    from flax.training import train_state

    class Model(nn.Module):
        @nn.compact
        def __call__(self, x: Any, train: bool = True) -> Any:
            x = nn.relu(nn.Dense(8)(x))
            return nn.Dense(1)(nn.Dropout(0.25, deterministic=not train)(x))

    model, optimizer = Model(), optax.adamw(CONFIG["learning_rate"])

    @jax.jit  # one program instead of one for each primitive of each shape
    def create() -> Any:
        params = model.init(jax.random.PRNGKey(0), jnp.zeros((1, 4)), train=False)["params"]
        state = train_state.TrainState.create(apply_fn=model.apply, params=params, tx=optimizer)
        return {"train": state.replace(step=jnp.asarray(0, jnp.int32)), "key": jax.random.PRNGKey(7)}

    def start() -> Any:
        return on_one_device(create())

    @jax.jit
    def step(state: Any, batch: Any) -> tuple[Any, Any]:
        key, used = jax.random.split(state["key"])

        def loss(params: Any) -> Any:
            predictions = state["train"].apply_fn({"params": params}, batch["x"], rngs={"dropout": used})
            return jnp.mean((predictions - batch["y"]) ** 2)

        value, gradients = jax.value_and_grad(loss)(state["train"].params)
        return {"train": state["train"].apply_gradients(grads=gradients), "key": key}, value

    return start, step


@pytest.mark.uses("jax", "jaxlib", "flax>=0.10.0", "optax", "orbax-checkpoint>=0.5.0", "grain>=0.2.1")
@pytest.mark.level("interop")
def test_nnx_run_resumes(tmp_path: Path) -> None:
    """grain feeds an nnx model, optax trains it, orbax saves all: a run made anew goes on with the same bits."""
    assert_run_resumes(tmp_path / "run", *nnx_run())


# Where flax has a documented nnx, the test above shows the same chain; linen's own meetings have tests of their own.
@pytest.mark.uses("jax", "jaxlib", "flax<0.9", "optax", "orbax-checkpoint>=0.5.0", "grain>=0.2.1")
@pytest.mark.level("interop")
def test_linen_run_resumes(tmp_path: Path) -> None:
    """grain feeds a linen model, optax trains it, orbax saves all: a run made anew goes on with the same bits."""
    assert_run_resumes(tmp_path / "run", *linen_run())


def assert_run_resumes(path: Path, start: Callable[[], Any], step: Callable[[Any, Any], tuple[Any, Any]]) -> None:
    """Four steps, a checkpoint at each second one, four more; then again from disk, with nothing but fresh objects."""
    import jax
    import numpy as np

    state, data = start(), batches()
    losses, digests = [], []
    with closing(idioms.orbax_manager(path, KINDS, max_to_keep=1)) as manager:
        for number in range(8):
            state, loss = step(state, next(data))
            losses.append(float(loss))
            digests.append([np.asarray(leaf).tobytes() for leaf in jax.tree_util.tree_leaves(state)])
            if number in (1, 3):
                items = {"state": state, "config": CONFIG, "data": data}
                idioms.orbax_manager_save(manager, number, KINDS, items)
        manager.wait_until_finished()
    assert all(np.isfinite(losses))
    assert len({tuple(digest) for digest in digests}) == 8

    with closing(idioms.orbax_manager(path, KINDS, max_to_keep=1)) as manager:
        assert manager.latest_step() == 3
        targets = {"state": start(), "config": None, "data": batches()}
        restored = idioms.orbax_manager_restore(manager, 3, KINDS, targets)
    assert restored["config"] == CONFIG
    state, data = restored["state"], restored["data"]
    assert [np.asarray(leaf).tobytes() for leaf in jax.tree_util.tree_leaves(state)] == digests[3]
    for number in range(4, 8):
        state, loss = step(state, next(data))
        assert float(loss) == losses[number]
        assert [np.asarray(leaf).tobytes() for leaf in jax.tree_util.tree_leaves(state)] == digests[number]
