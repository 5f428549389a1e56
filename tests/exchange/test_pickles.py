"""Pickled arrays and states: what people keep between runs without thinking of a format. Nobody promises them.

Each kind has an artifact of its own, so that a file that one pair of releases cannot read condemns no other. A file of
bfloat16, written with ml-dtypes on one side of 0.5.1 to 0.5.3 and read on the other, brings a second bfloat16 into the
process and spoils the first: its reader has a process of its own.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
from values import assert_kept, assert_near, keep

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("jax", "jaxlib")]


def write(folder: Path, tree: Any) -> None:
    """Pickle a tree, and keep its values beside it."""
    (folder / "tree.pickle").write_bytes(pickle.dumps(tree))
    keep(folder, "values", tree)


def read(folder: Path) -> Any:
    """What a pickle holds, read once jax is there."""
    import jax

    jax.block_until_ready(jax.numpy.zeros(1))
    return pickle.loads((folder / "tree.pickle").read_bytes())


def numpy_tree() -> dict[str, Any]:
    """numpy arrays of the usual types."""
    import numpy as np

    return {"f": np.arange(6, dtype=np.float32).reshape(2, 3), "i": np.arange(4), "b": np.array([True, False])}


@pytest.mark.writes("pickle-numpy")
def test_write_numpy(folder: Path) -> None:
    """numpy arrays within a dictionary."""
    write(folder, numpy_tree())


@pytest.mark.reads("pickle-numpy")
def test_read_numpy(folder: Path) -> None:
    """They come back bit for bit, and go into jax."""
    import jax.numpy as jnp

    found = read(folder)
    assert_kept(found, folder, "values")
    assert float(jnp.asarray(found["f"]).sum()) == 15.0


@pytest.mark.writes("pickle-jax")
def test_write_jax(folder: Path) -> None:
    """jax arrays within a dictionary."""
    import jax

    write(folder, {key: jax.device_put(value) for key, value in numpy_tree().items()})


@pytest.mark.reads("pickle-jax")
def test_read_jax(folder: Path) -> None:
    """They come back as jax arrays, bit for bit.

    Source: dpiras/cosmopower-jax#21, RobertTLange/evosax#112 (jax 0.7 and 0.8 do not read what 0.4 wrote).
    """
    import jax

    found = read(folder)
    assert all(isinstance(leaf, jax.Array) for leaf in found.values())
    assert_kept(found, folder, "values")
    assert float(jax.jit(lambda x: x.sum())(found["f"])) == 15.0


@pytest.mark.writes("pickle-bfloat16")
@pytest.mark.uses("ml-dtypes")
def test_write_bfloat16(folder: Path) -> None:
    """A numpy array of bfloat16."""
    import jax.numpy as jnp
    import numpy as np

    write(folder, {"w": np.arange(4).astype(jnp.bfloat16)})


@pytest.mark.reads("pickle-bfloat16")
@pytest.mark.alone
@pytest.mark.uses("ml-dtypes")
def test_read_bfloat16(folder: Path) -> None:
    """It comes back bit for bit, goes into jax, and the process computes with bfloat16 as before."""
    import jax.numpy as jnp
    import numpy as np

    before = jnp.ones(2, jnp.bfloat16)
    found = read(folder)["w"]
    assert_kept({"w": found}, folder, "values")
    assert found.dtype == jnp.bfloat16
    np.testing.assert_array_equal((jnp.asarray(found)[:2] + before).astype(np.float32), [1.0, 2.0])
    np.testing.assert_array_equal(jnp.asarray(np.ones(2, jnp.bfloat16)).astype(np.float32), [1.0, 1.0])


def rule() -> Any:
    """A rule with named tuples in its state."""
    import optax

    return optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-2))


def params() -> dict[str, Any]:
    """Fixed parameters."""
    import jax.numpy as jnp

    return {"w": jnp.arange(6, dtype=jnp.float32).reshape(2, 3) / 8, "b": jnp.ones((3,))}


def advance(state: Any, steps: int) -> Any:
    """The state after some steps with fixed gradients."""
    for _ in range(steps):
        _, state = rule().update(params(), state, params())
    return state


@pytest.mark.writes("pickle-optax")
@pytest.mark.uses("optax")
def test_write_optax(folder: Path) -> None:
    """The state of a rule, as numpy arrays in optax's named tuples."""
    import jax

    state = advance(rule().init(params()), 3)
    write(folder, jax.tree_util.tree_map(jax.device_get, state))
    keep(folder, "later", advance(state, 2))


@pytest.mark.reads("pickle-optax")
@pytest.mark.uses("optax")
def test_read_optax(folder: Path) -> None:
    """The state comes back in the reader's own classes, and goes on."""
    import jax

    found = read(folder)
    assert jax.tree_util.tree_structure(found) == jax.tree_util.tree_structure(rule().init(params()))
    assert_kept(found, folder, "values")
    assert_near(advance(found, 2), folder, "later", 1e-4)


@pytest.mark.writes("pickle-linen")
@pytest.mark.uses("flax")
def test_write_linen(folder: Path) -> None:
    """A frozen dictionary of flax with numpy arrays."""
    from flax.core import freeze

    write(folder, freeze({"params": {"Dense_0": numpy_tree()}}))


@pytest.mark.reads("pickle-linen")
@pytest.mark.uses("flax")
def test_read_linen(folder: Path) -> None:
    """It comes back frozen, bit for bit."""
    from flax.core import FrozenDict

    found = read(folder)
    assert isinstance(found, FrozenDict)
    assert_kept(found, folder, "values")


@pytest.mark.writes("pickle-key")
def test_write_key(folder: Path) -> None:
    """Raw random keys (jax.random.PRNGKey), as numpy arrays."""
    import jax
    import numpy as np

    write(folder, {"key": np.asarray(jax.random.split(jax.random.PRNGKey(3), 2))})


@pytest.mark.reads("pickle-key")
def test_read_key(folder: Path) -> None:
    """They come back, and are keys to the reader."""
    import jax

    found = read(folder)
    assert_kept(found, folder, "values")
    assert jax.random.uniform(jax.numpy.asarray(found["key"])[0], (3,)).shape == (3,)
