"""Arrays spread over eight devices when they were saved, and over four when they are restored."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import idioms
import pytest
from orbax_ways import abstract, assert_same, restore, save

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint")]


def sharded() -> dict[str, Any]:
    """A matrix over all devices, cut both ways, and one that every device has a copy of."""
    import jax
    import jax.numpy as jnp

    mesh = idioms.mesh((len(jax.devices()) // 2, 2), ("x", "y"))
    cut = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("x", "y"))
    copied = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    matrix = jnp.arange(64, dtype=jnp.float32).reshape(8, 8)
    return {"cut": jax.device_put(matrix, cut), "copied": jax.device_put(matrix[:2], copied)}


@pytest.mark.writes("orbax-sharded")
def test_write(folder: Path) -> None:
    """Saved on eight devices."""
    import jax

    assert len(jax.devices()) == 8
    save(folder / "ck", sharded())


@pytest.mark.reads("orbax-sharded")
def test_reshard(folder: Path) -> None:
    """Restored on four devices: the reader's target says where each part goes."""
    import jax

    assert len(jax.devices()) == 4
    restored = restore(folder / "ck", sharded())
    assert_same(restored, sharded())
    assert restored["cut"].sharding.is_equivalent_to(sharded()["cut"].sharding, 2)
    assert {shard.data.shape for shard in restored["cut"].addressable_shards} == {(4, 4)}


@pytest.mark.reads("orbax-sharded")
def test_read_as_numpy(folder: Path) -> None:
    """Restored as numpy arrays: no device is asked for."""
    import jax
    import numpy as np
    import orbax.checkpoint as ocp

    tree = jax.tree_util.tree_map(np.asarray, sharded())
    restore_args = jax.tree_util.tree_map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), tree)
    with closing(ocp.Checkpointer(ocp.PyTreeCheckpointHandler())) as checkpointer:
        restored = checkpointer.restore(folder / "ck", item=tree, restore_args=restore_args)
    assert all(type(leaf) is np.ndarray for leaf in restored.values())
    assert_same(restored, tree)


@pytest.mark.writes("orbax-v1-sharded")
@pytest.mark.uses("orbax-checkpoint>=0.11.20")
def test_write_by_v1(folder: Path) -> None:
    """The same by the v1 API."""
    import orbax.checkpoint.experimental.v1 as ocp

    idioms.orbax_v1_save(ocp)(folder / "ck", sharded())


@pytest.mark.reads("orbax-v1-sharded")
@pytest.mark.uses("orbax-checkpoint>=0.11.20")
def test_reshard_by_v1(folder: Path) -> None:
    """Loaded on four devices."""
    import orbax.checkpoint.experimental.v1 as ocp

    restored = idioms.orbax_v1_load(ocp)(folder / "ck", abstract(sharded()))
    assert_same(restored, sharded())
    assert restored["cut"].sharding.is_equivalent_to(sharded()["cut"].sharding, 2)
