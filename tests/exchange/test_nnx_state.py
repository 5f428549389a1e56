"""An nnx model as an orbax checkpoint: its parameters, its whole state, a plain dictionary of it, and its optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import idioms
import pytest
from orbax_ways import restore, restore_as_it_is, save
from values import assert_kept, assert_near, keep

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.level("exchange"),
    pytest.mark.uses("jax", "jaxlib", "flax>=0.8.5", "optax", "orbax-checkpoint"),
]


def model(seed: int) -> Any:
    """A new model; writers and readers begin with different seeds."""
    import nnx_model
    from flax import nnx

    return nnx_model.Model(nnx.Rngs(seed))


def storable(state: Any) -> Any:
    """The state with the numbers inside typed random keys in their place, as flax's guide to checkpoints has it."""
    import jax

    def leaf(value: Any) -> Any:
        return jax.random.key_data(value) if jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key) else value

    return jax.tree_util.tree_map(leaf, state)


def inputs() -> Any:
    """A fixed batch."""
    import numpy as np

    return np.linspace(-1, 1, 32, dtype=np.float32).reshape(8, 4)


def output(model: Any) -> Any:
    """What the model says of the batch, in evaluation."""
    model.eval()
    return model(inputs())


@pytest.mark.writes("nnx-params")
def test_write_params(folder: Path) -> None:
    """The parameters alone."""
    from flax import nnx

    state = nnx.state(model(0), nnx.Param)
    save(folder / "ck", state)
    keep(folder, "state", state)
    keep(folder, "output", output(model(0)))


@pytest.mark.reads("nnx-params")
def test_read_params(folder: Path) -> None:
    """They come back bit for bit into another model, which then computes what the writer's did up to rounding."""
    from flax import nnx

    fresh = model(1)
    restored = restore(folder / "ck", nnx.state(fresh, nnx.Param))
    assert_kept(restored, folder, "state")
    nnx.update(fresh, restored)
    assert_near(output(fresh), folder, "output", 1e-4)


@pytest.mark.writes("nnx-state")
def test_write_state(folder: Path) -> None:
    """The whole state: parameters, batch statistics, and counters and keys of random streams."""
    from flax import nnx

    state = storable(nnx.state(model(0)))
    save(folder / "ck", state)
    keep(folder, "state", state)


@pytest.mark.reads("nnx-state")
def test_read_state(folder: Path) -> None:
    """It comes back bit for bit into the state of another model."""
    from flax import nnx

    assert_kept(restore(folder / "ck", storable(nnx.state(model(1)))), folder, "state")


@pytest.mark.writes("nnx-pure-dict")
@pytest.mark.uses("flax>=0.10.4")
def test_write_pure_dict(folder: Path) -> None:
    """The parameters as a plain dictionary: flax's own advice for checkpoints that outlive its releases."""
    from flax import nnx

    state = nnx.state(model(0), nnx.Param)
    save(folder / "ck", nnx.to_pure_dict(state))
    keep(folder, "state", state)


@pytest.mark.reads("nnx-pure-dict")
@pytest.mark.uses("flax>=0.10.4")
def test_read_pure_dict(folder: Path) -> None:
    """It is read as it is, without a target, and put into another model's state."""
    from flax import nnx

    state = nnx.state(model(1), nnx.Param)
    nnx.replace_by_pure_dict(state, restore_as_it_is(folder / "ck"))
    assert_kept(state, folder, "state")


def trained_optimizer(seed: int) -> Any:
    """An nnx.Optimizer after two steps."""
    import jax.numpy as jnp
    import optax
    from flax import nnx

    trained = model(seed)
    optimizer = idioms.nnx_optimizer(trained, optax.adamw(1e-2))

    @nnx.jit
    def step(model: Any, optimizer: Any) -> None:
        gradients = nnx.grad(lambda model: jnp.mean(model(inputs()) ** 2))(model)
        idioms.nnx_apply_gradients(optimizer, model, gradients)

    for _ in range(2):
        step(trained, optimizer)
    return optimizer


def moments(optimizer: Any) -> Any:
    """The state of the optimizer, without the model that it held before flax 0.11 (an announced change of the API)."""
    from flax import nnx

    state = nnx.state(optimizer, nnx.Not(nnx.Any(nnx.Param, nnx.BatchStat, nnx.RngState)))
    return state["opt_state"] if idioms.at_least("flax", "0.10.0") else state


@pytest.mark.writes("nnx-optimizer")
@pytest.mark.uses("flax>=0.10.0")
def test_write_optimizer(folder: Path) -> None:
    """The state of nnx.Optimizer: moments and counters."""
    state = moments(trained_optimizer(0))
    save(folder / "ck", state)
    keep(folder, "state", state)


@pytest.mark.reads("nnx-optimizer")
@pytest.mark.uses("flax>=0.10.0")
def test_read_optimizer(folder: Path) -> None:
    """It comes back bit for bit into another optimizer's."""
    assert_kept(restore(folder / "ck", moments(trained_optimizer(1))), folder, "state")
