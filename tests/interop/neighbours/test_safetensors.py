"""safetensors' interface to Flax: trees of JAX arrays in files that other frameworks read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.uses("safetensors", "jax"), pytest.mark.level("interop")]

TYPES = ("float32", "float16", "int32", "int8", "uint8", "bool", "bfloat16")


def test_arrays_of_each_type_come_back(tmp_path: Path) -> None:
    """Arrays of JAX come back from a file and from bytes, with their types and bit for bit."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from safetensors import safe_open
    from safetensors.flax import load, load_file, save, save_file

    arrays = {name: jnp.arange(6).reshape(2, 3).astype(name) for name in TYPES} | {"scalar": jnp.float32(0.1)}
    save_file(dict(arrays), tmp_path / "arrays.safetensors", metadata={"step": "7"})
    # From bytes it reads by numpy, which has no bfloat16.
    by_bytes = load(save({name: array for name, array in arrays.items() if name != "bfloat16"}))
    for loaded in (load_file(tmp_path / "arrays.safetensors"), by_bytes):
        assert set(loaded) | {"bfloat16"} == set(arrays)
        for name, array in loaded.items():
            assert isinstance(array, jax.Array)
            assert array.dtype == arrays[name].dtype
            np.testing.assert_array_equal(array, arrays[name])
    with safe_open(tmp_path / "arrays.safetensors", framework="flax") as file:
        assert file.metadata() == {"step": "7"}
        part = file.get_slice("float32")[:, 1:]
        np.testing.assert_array_equal(part, arrays["float32"][:, 1:])
        assert isinstance(file.get_tensor("int8"), jax.Array)


@pytest.mark.uses("safetensors", "jax", "numpy")
def test_numpy_reads_what_jax_wrote() -> None:
    """What JAX wrote numpy reads, and the other way round."""
    import jax.numpy as jnp
    import numpy as np
    import safetensors.flax
    import safetensors.numpy

    arrays = {name: jnp.arange(6).reshape(3, 2).astype(name) for name in TYPES if name != "bfloat16"}
    by_numpy = safetensors.numpy.load(safetensors.flax.save(dict(arrays)))
    back = safetensors.flax.load(safetensors.numpy.save(by_numpy))
    for name, array in arrays.items():
        assert by_numpy[name].dtype == back[name].dtype == array.dtype
        np.testing.assert_array_equal(by_numpy[name], array)
        np.testing.assert_array_equal(back[name], array)


@pytest.mark.uses("safetensors", "jax", "flax")
def test_a_model_is_saved_and_loaded(tmp_path: Path) -> None:
    """The parameters of a Flax model, flattened to names, give the same outputs after a file."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax import linen as nn
    from flax.traverse_util import flatten_dict, unflatten_dict
    from safetensors.flax import load_file, save_file

    class Model(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            return nn.Dense(2, param_dtype=jnp.bfloat16)(nn.tanh(nn.Dense(4)(x)))

    model, x = Model(), jnp.arange(6.0).reshape(2, 3)
    params = model.init(jax.random.PRNGKey(0), x)["params"]
    save_file(flatten_dict(params, sep="."), tmp_path / "model.safetensors")
    loaded = unflatten_dict(load_file(tmp_path / "model.safetensors"), sep=".")
    assert jax.tree_util.tree_structure(loaded) == jax.tree_util.tree_structure(dict(params))
    apply = jax.jit(lambda params: model.apply({"params": params}, x))
    np.testing.assert_array_equal(apply(loaded), apply(params))
    # A trained step from either is the same as well.
    slopes = jax.jit(jax.grad(lambda params: model.apply({"params": params}, x).sum()))
    jax.tree_util.tree_map(np.testing.assert_array_equal, slopes(loaded), slopes(params))
