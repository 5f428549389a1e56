"""What the tests of checkpoints share: trees, targets, and saving and restoring by the plain checkpointers."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import idioms

if TYPE_CHECKING:
    from pathlib import Path


def make_tree() -> dict[str, Any]:
    """One leaf of every kind that training states are made of; the same in every environment."""
    import jax.numpy as jnp
    import numpy as np

    return {
        "params": {
            "kernel": jnp.arange(12, dtype=jnp.float32).reshape(3, 4) / 8,
            "scale": jnp.arange(1, 5, dtype=jnp.bfloat16) / 4,
            "mask": jnp.array([True, False, True]),
        },
        "count": jnp.asarray(7, jnp.int32),
        "bytes": jnp.arange(5, dtype=jnp.uint8),
        "table": np.arange(6, dtype=np.int64).reshape(2, 3),
        "blocks": [jnp.full((2,), 0.5), jnp.full((2,), 0.25)],
        "step": 3,
        "rate": 0.125,
    }


def abstract(tree: Any, sharding: Any = None) -> Any:
    """The tree with every jax array replaced by its shape, dtype and (its own or the given) sharding."""
    import jax

    def leaf(value: Any) -> Any:
        if isinstance(value, jax.Array):
            return jax.ShapeDtypeStruct(value.shape, value.dtype, sharding=sharding or value.sharding)
        return value

    return jax.tree_util.tree_map(leaf, tree)


def assert_same(found: Any, wanted: Any) -> None:
    """Same structure, and every leaf equal in dtype, shape and bits; Python scalars need only be equal."""
    import jax
    import numpy as np

    found_leaves, found_structure = jax.tree_util.tree_flatten(found)
    wanted_leaves, wanted_structure = jax.tree_util.tree_flatten(wanted)
    assert found_structure == wanted_structure
    for one, other in zip(found_leaves, wanted_leaves, strict=True):
        if isinstance(other, (int, float)):
            assert one == other
            continue
        left, right = np.asarray(one), np.asarray(other)
        assert (left.dtype, left.shape) == (right.dtype, right.shape)
        assert left.tobytes() == right.tobytes()


def save(path: Path, tree: Any) -> None:
    """Save with StandardCheckpointer, and wait until it is done."""
    import orbax.checkpoint as ocp

    with closing(ocp.StandardCheckpointer()) as checkpointer:
        checkpointer.save(path, tree)
        idioms.orbax_wait(checkpointer)


def restore(path: Path, target: Any) -> Any:
    """Restore with StandardCheckpointer into the shapes, types and shardings of `target`."""
    import orbax.checkpoint as ocp

    with closing(ocp.StandardCheckpointer()) as checkpointer:
        return checkpointer.restore(path, abstract(target))


def restore_as_it_is(path: Path) -> Any:
    """Restore with StandardCheckpointer, with nothing but the path (orbax-checkpoint 0.5.0 and newer)."""
    import orbax.checkpoint as ocp

    with closing(ocp.StandardCheckpointer()) as checkpointer:
        return checkpointer.restore(path)
