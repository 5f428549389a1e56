"""flax.serialization: a training state as msgpack bytes, read into a target and as plain dictionaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from values import assert_kept, keep

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("jax", "jaxlib", "flax", "optax")]


def state(seed: int) -> Any:
    """A TrainState of one layer, and leaves of other types."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp
    import optax
    from flax.training import train_state

    params = jax.jit(nn.Dense(3).init)(jax.random.PRNGKey(seed), jnp.ones((1, 2)))["params"]
    more = {
        "bfloat16": jnp.arange(4, dtype=jnp.bfloat16) + seed,
        "bool": jnp.array([True, seed == 0]),
        "list": [jnp.asarray(seed), jnp.ones((2,), jnp.uint8)],
    }
    return train_state.TrainState.create(apply_fn=None, params={"layer": params, **more}, tx=optax.adam(1e-2))


@pytest.mark.writes("flax-msgpack")
def test_write(folder: Path) -> None:
    """The bytes of to_bytes."""
    from flax import serialization

    (folder / "state.msgpack").write_bytes(serialization.to_bytes(state(0)))
    keep(folder, "state", state(0))
    keep(folder, "layer", state(0).params["layer"])


@pytest.mark.reads("flax-msgpack")
def test_read_with_target(folder: Path) -> None:
    """from_bytes puts them into the reader's own state, bit for bit."""
    from flax import serialization

    restored = serialization.from_bytes(state(1), (folder / "state.msgpack").read_bytes())
    assert_kept(restored, folder, "state")


@pytest.mark.reads("flax-msgpack")
def test_read_without_target(folder: Path) -> None:
    """msgpack_restore gives dictionaries, in which the parameters are found by name."""
    from flax import serialization

    restored = serialization.msgpack_restore((folder / "state.msgpack").read_bytes())
    assert_kept(restored["params"]["layer"], folder, "layer")
    assert str(restored["params"]["bfloat16"].dtype) == "bfloat16"
