"""A whole training state of flax.linen and optax through Orbax: into the reader's own, and with nothing but its path.

Without a target, the names under which it comes back are all that a reader has: they are kept beside the checkpoint.
"""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from orbax_ways import restore, restore_as_it_is, save
from values import assert_kept, keep

if TYPE_CHECKING:
    from pathlib import Path

USES = pytest.mark.uses("jax", "jaxlib", "flax>=0.8", "optax>=0.2.2", "orbax-checkpoint>=0.6.0")
pytestmark = [pytest.mark.level("exchange"), USES]


def train_state() -> Any:
    """A state after one step from fixed parameters."""
    import jax.numpy as jnp
    import optax
    from flax.training.train_state import TrainState

    params = {"Dense_0": {"kernel": jnp.arange(8, dtype=jnp.float32).reshape(4, 2) / 8, "bias": jnp.ones((2,))}}
    tx = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-2))
    state = TrainState.create(apply_fn=None, params=params, tx=tx)
    return state.apply_gradients(grads=params)


def names(tree: Any) -> list[str]:
    """The paths of the leaves of nested containers."""
    import jax

    return [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_flatten_with_path(tree)[0]]


@pytest.mark.writes("orbax-train-state")
def test_write(folder: Path) -> None:
    """The state, its values, and the names under which the writer finds it again."""
    save(folder / "ck", train_state())
    keep(folder, "state", train_state())
    found = restore_as_it_is(folder / "ck")
    keep(folder, "plain", found)
    (folder / "names").write_text(json.dumps(names(found)))


@pytest.mark.reads("orbax-train-state")
def test_read_with_target(folder: Path) -> None:
    """The state comes back into the reader's own, bit for bit."""
    assert_kept(restore(folder / "ck", train_state()), folder, "state")


@pytest.mark.reads("orbax-train-state")
def test_read_without_target(folder: Path) -> None:
    """The same leaves under the same names as for the writer."""
    found = restore_as_it_is(folder / "ck")
    assert names(found) == json.loads((folder / "names").read_text())
    assert_kept(found, folder, "plain")


@pytest.mark.writes("orbax-other-devices")
def test_write_for_other_devices(folder: Path) -> None:
    """An array over all devices of the writer, of which the reader has half."""
    import jax
    import numpy as np

    mesh = jax.sharding.Mesh(np.array(jax.devices()), ("d",))
    place = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("d"))
    save(folder / "ck", {"w": jax.device_put(np.arange(16, dtype=np.float32), place)})


@pytest.mark.reads("orbax-other-devices")
@pytest.mark.uses("orbax-checkpoint>=0.11.32")
def test_read_with_a_fallback(folder: Path) -> None:
    """A target without a sharding: the leaf comes back with the fallback of the arguments.

    Source: google/orbax, changelog of 0.11.32 ("Add sharding fallback for target tree leaves").
    """
    import jax
    import numpy as np
    import orbax.checkpoint as ocp

    fallback = jax.sharding.SingleDeviceSharding(jax.devices()[1])
    target = {"w": jax.ShapeDtypeStruct((16,), np.float32)}
    args = ocp.args.StandardRestore(target, fallback_sharding=fallback)
    with closing(ocp.Checkpointer(ocp.StandardCheckpointHandler())) as checkpointer:
        found = checkpointer.restore(folder / "ck", args=args)["w"]
    assert found.sharding.is_equivalent_to(fallback, 1)
    np.testing.assert_array_equal(found, np.arange(16))


@pytest.mark.reads("orbax-other-devices")
def test_read_as_numpy(folder: Path) -> None:
    """As a numpy array, whatever devices there are."""
    import numpy as np
    import orbax.checkpoint as ocp

    with closing(ocp.PyTreeCheckpointer()) as checkpointer:
        args = {"w": ocp.RestoreArgs(restore_type=np.ndarray)}
        found = checkpointer.restore(folder / "ck", restore_args=args)["w"]
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, np.arange(16))
