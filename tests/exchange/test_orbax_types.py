"""Types beside the common ones: low precision, complex numbers, and typed random keys."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from orbax_ways import restore, save
from values import assert_kept, keep

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.level("exchange")

TYPES = ("bfloat16", "float16", "int4", "float8_e4m3fn", "float8_e5m2", "complex64", "int16")
USES = pytest.mark.uses("jax>=0.4.31", "jaxlib", "orbax-checkpoint>=0.6.0")


def tree() -> dict[str, Any]:
    """An array of each type."""
    import jax.numpy as jnp

    return {name: jnp.arange(6).astype(getattr(jnp, name)) for name in TYPES}


@pytest.mark.writes("orbax-types")
@USES
def test_write(folder: Path) -> None:
    """An array of each type."""
    save(folder / "ck", tree())
    keep(folder, "tree", tree())


@pytest.mark.reads("orbax-types")
@USES
def test_read(folder: Path) -> None:
    """Each comes back in its type, with its values."""
    restored = restore(folder / "ck", tree())
    assert {name: str(leaf.dtype) for name, leaf in restored.items()} == {name: name for name in TYPES}
    assert_kept(restored, folder, "tree")


@pytest.mark.writes("orbax-random-key")
@USES
def test_write_random_key(folder: Path) -> None:
    """A typed random key, as an item of its own."""
    import jax
    import orbax.checkpoint as ocp

    key = jax.random.key(42)
    with closing(ocp.CheckpointManager(folder / "run", item_names=("rng",))) as manager:
        manager.save(0, args=ocp.args.Composite(rng=ocp.args.JaxRandomKeySave(key)))
        manager.wait_until_finished()
    keep(folder, "data", jax.random.key_data(key))


@pytest.mark.reads("orbax-random-key")
@USES
def test_read_random_key(folder: Path) -> None:
    """It comes back as a key of the same kind with the same data."""
    import jax
    import orbax.checkpoint as ocp

    with closing(ocp.CheckpointManager(folder / "run", item_names=("rng",))) as manager:
        key = manager.restore(0, args=ocp.args.Composite(rng=ocp.args.JaxRandomKeyRestore()))["rng"]
    assert jax.random.key_impl(key) == jax.random.key_impl(jax.random.key(0))
    assert_kept(jax.random.key_data(key), folder, "data")
