"""Small and unusual number types through all that stores arrays: Orbax, msgpack, safetensors, pickle, numpy files.

What a release of tensorstore or safetensors cannot store is not asked of it: the floors below are those that were seen.
Each test names the source of its claim: an issue, a pull request or an entry of a changelog.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import idioms
import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.level("interop"), pytest.mark.thorough]

#: Each type with the release of tensorstore, the library below Orbax, that was seen to store it.
STORED = {
    **dict.fromkeys(("bool", "int8", "uint8", "uint16", "int64", "float16", "float64", "complex64"), "0"),
    **dict.fromkeys(("bfloat16", "int4", "float8_e4m3fn", "float8_e5m2", "float8_e4m3b11fnuz"), "0.1.71"),
    **dict.fromkeys(("float8_e4m3fnuz", "float8_e5m2fnuz"), "0.1.71"),
    **dict.fromkeys(("int2", "float8_e3m4"), "0.1.76"),
    "float4_e2m1fn": "0.1.80",
    "float8_e8m0fnu": "0.1.86",
}
#: Each type that jax has not always had, with the first release that has it.
SINCE = {
    **dict.fromkeys(("int2", "uint2"), "0.4.31"),
    **dict.fromkeys(("float8_e3m4", "float8_e4m3"), "0.4.36"),
    **dict.fromkeys(("float4_e2m1fn", "float8_e8m0fnu"), "0.5.3"),
}
#: Types that jax has only in 64-bit mode: they are saved as numpy arrays.
WIDE = ("int64", "float64")


def values(name: str) -> Any:
    """Some numbers of a type as a numpy array, in the range of the narrowest one. Skips where there is no such type."""
    import ml_dtypes
    import numpy as np

    kind = getattr(ml_dtypes, name, None) or getattr(np, "bool_" if name == "bool" else name, None)
    if kind is None:
        pytest.skip(f"no type {name} in this ml-dtypes")
    return np.array([0, 1, 1, 0, 1, 0], np.float32).reshape(2, 3).astype(kind)


def array(name: str) -> Any:
    """The same as a jax array. Skips where jax does not know the type."""
    import jax

    if not idioms.at_least("jax", SINCE.get(name, "0")):
        pytest.skip(f"jax has {name} since {SINCE[name]}")
    return jax.device_put(values(name))


def assert_bits(found: Any, wanted: Any) -> None:
    """Equal in type, shape and bits."""
    import numpy as np

    left, right = np.asarray(found), np.asarray(wanted)
    assert (str(left.dtype), left.shape) == (str(right.dtype), right.shape)
    assert left.tobytes() == right.tobytes()


# ---------------------------------------------------------------------------------------------------------------------
# Orbax
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("orbax.checkpoint.StandardCheckpointer with low-precision dtypes")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.6.0", "tensorstore")
@pytest.mark.parametrize("name", STORED)
def test_orbax(tmp_path: Path, name: str) -> None:
    """A jax array and a numpy array of each type come back bit for bit, with a target and without.

    Source: google/orbax, "Add mapping for signed and unsigned int4" (0.11.25), "Add new float8e3m4 dtype for testing"
    (0.11.14); jax-ml/ml_dtypes, changelog of 0.5.0 (the new float8 and float4).
    """
    import jax
    import orbax.checkpoint as ocp

    if not idioms.at_least("tensorstore", STORED[name]):
        pytest.skip(f"tensorstore stores {name} since {STORED[name]}")
    tree = {"host": values(name)} if name in WIDE else {"host": values(name), "device": array(name)}
    with closing(ocp.StandardCheckpointer()) as checkpointer:
        checkpointer.save(tmp_path / "ck", tree)
        checkpointer.wait_until_finished()
        plain = checkpointer.restore(tmp_path / "ck")
        into = checkpointer.restore(tmp_path / "ck", jax.tree_util.tree_map(ocp.utils.to_shape_dtype_struct, tree))
    for restored in (plain, into):
        for leaf in tree:
            assert_bits(restored[leaf], values(name))


@pytest.mark.feature("Orbax rejection of dtypes that it cannot store")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.6.0")
@pytest.mark.parametrize("name", ["uint4", "uint2", "float8_e4m3"])
def test_orbax_refuses_or_stores(tmp_path: Path, name: str) -> None:
    """A type that tensorstore does not know is refused as the checkpoint is written; it never comes back as another.

    Source: google/orbax, "Add mapping for signed and unsigned int4" (0.11.25), after which tensorstore still has no
    uint4.
    """
    import orbax.checkpoint as ocp

    with closing(ocp.PyTreeCheckpointer()) as checkpointer:
        try:
            checkpointer.save(tmp_path / "ck", {"a": array(name)})
        except ValueError as error:
            assert f'Unsupported data type: "{name}"' in str(error)  # noqa: PT017  (either is right)
        else:
            assert_bits(checkpointer.restore(tmp_path / "ck")["a"], values(name))


@pytest.mark.feature("Orbax casting to and from low-precision dtypes")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.6.0", "tensorstore>=0.1.71")
@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "int4"])
def test_orbax_casts(tmp_path: Path, name: str) -> None:
    """float32 is written as a smaller type, and a smaller type is read as float32, where the arguments say so.

    Source: google/orbax, "Move read-time dtype casting into ArrayReadSpec" (0.11.32), "Add ArrayStorageOptions"
    (0.11.7).
    """
    import jax
    import numpy as np
    import orbax.checkpoint as ocp

    wide = jax.device_put(values("float32"))
    small = values(name).dtype
    with closing(ocp.PyTreeCheckpointer()) as checkpointer:
        checkpointer.save(tmp_path / "small", {"a": wide}, save_args={"a": ocp.SaveArgs(dtype=small)})
        assert_bits(checkpointer.restore(tmp_path / "small")["a"], values(name))
        back = {"a": ocp.ArrayRestoreArgs(dtype=np.float32, sharding=wide.sharding)}
        assert_bits(checkpointer.restore(tmp_path / "small", restore_args=back)["a"], values("float32"))


@pytest.mark.feature("Orbax v1 checkpointing of low-precision dtypes")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.11.20", "tensorstore>=0.1.76")
@pytest.mark.parametrize("name", ["bool", "bfloat16", "int4", "float8_e4m3fn", "float8_e5m2"])
def test_orbax_v1(tmp_path: Path, name: str) -> None:
    """The v1 functions save and load each type bit for bit.

    Source: google/orbax, changelog of 0.11.14 (leaf handlers of v1).
    """
    import orbax.checkpoint.experimental.v1 as ocp

    tree = {"device": array(name), "host": values(name)}
    idioms.orbax_v1_save(ocp)(tmp_path / "ck", tree)
    restored = idioms.orbax_v1_load(ocp)(tmp_path / "ck")
    for leaf in tree:
        assert_bits(restored[leaf], values(name))


@pytest.mark.feature("Orbax v1 loading of safetensors")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.11.32", "safetensors")
@pytest.mark.parametrize("name", ["bool", "int8", "uint16", "float16", "bfloat16", "float32"])
def test_orbax_v1_reads_safetensors(tmp_path: Path, name: str) -> None:
    """A file of safetensors is loaded as a tree, each type bit for bit.

    Source: google/orbax, changelog of 0.11.20 (SafeTensors) and 0.12.2 (how they are read).
    """
    import orbax.checkpoint.experimental.v1 as ocp
    import safetensors.flax

    path = tmp_path / "model.safetensors"
    safetensors.flax.save_file({"a": array(name)}, str(path))
    with ocp.Context(checkpoint_layout=ocp.options.CheckpointLayout.SAFETENSORS):
        assert_bits(idioms.orbax_v1_load(ocp)(path)["a"], values(name))


@pytest.mark.feature("Orbax v1 loading of float8 from safetensors")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.11.34", "safetensors")
@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2"])
def test_orbax_v1_reads_float8_of_safetensors(tmp_path: Path, name: str) -> None:
    """The same for float8. Source: google/orbax, "Fix a couple of dtype mappings in safetensor loading" (0.11.34)."""
    test_orbax_v1_reads_safetensors(tmp_path, name)


# ---------------------------------------------------------------------------------------------------------------------
# msgpack, safetensors, pickle, numpy's files
# ---------------------------------------------------------------------------------------------------------------------

#: What jax has in releases of the last two years.
KNOWN = (
    *("bool", "int8", "uint16", "float16", "bfloat16", "complex64", "int4", "uint4"),
    *("float8_e4m3fn", "float8_e5m2", "float8_e4m3b11fnuz", "float8_e3m4", "float4_e2m1fn"),
)


@pytest.mark.feature("flax.serialization of low-precision dtypes")
@pytest.mark.uses("jax", "jaxlib", "flax")
@pytest.mark.parametrize("name", KNOWN)
def test_msgpack(name: str) -> None:
    """flax's msgpack brings jax and numpy arrays of each type back bit for bit, in chunks too.

    Source: google/flax#585 (bfloat16); google/flax#5446 (lists of nnx in msgpack).
    """
    from flax import serialization

    tree = {"device": array(name), "host": values(name)}
    restored = serialization.msgpack_restore(serialization.msgpack_serialize(tree))
    into = serialization.from_bytes(tree, serialization.to_bytes(tree))
    for leaf in tree:
        assert_bits(restored[leaf], values(name))
        assert_bits(into[leaf], values(name))


@pytest.mark.feature("flax.serialization of flax.nnx.List")
@pytest.mark.uses("jax", "flax>=0.12")
def test_msgpack_of_nnx_lists() -> None:
    """The pure dictionary of a model with nnx.List goes through msgpack and back into the model.

    Source: google/flax#5446 ("Add fix for msgpack serialization of nnx.List structures", 0.12.8).
    """
    import jax
    import numpy as np
    from flax import nnx, serialization

    class Model(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.layers = nnx.List([nnx.Linear(2, 2, rngs=rngs) for _ in range(3)])

    first, second = Model(nnx.Rngs(0)), Model(nnx.Rngs(1))
    state = nnx.state(second)
    restored = serialization.msgpack_restore(serialization.msgpack_serialize(nnx.to_pure_dict(nnx.state(first))))
    idioms.nnx_replace_by_restored(state, restored)
    nnx.update(second, state)
    jax.tree_util.tree_map(np.testing.assert_array_equal, nnx.to_pure_dict(state), nnx.to_pure_dict(nnx.state(first)))
    np.testing.assert_array_equal(second.layers[2].kernel[...], first.layers[2].kernel[...])


@pytest.mark.feature("safetensors.flax with jax arrays")
@pytest.mark.uses("jax", "jaxlib", "safetensors")
@pytest.mark.parametrize("name", ["bool", "int8", "uint16", "float16", "float32", "bfloat16"])
def test_safetensors(tmp_path: Path, name: str) -> None:
    """safetensors.flax writes a file of jax arrays and reads it back bit for bit, with the metadata of the file.

    Source: the documentation of safetensors ("Flax API").
    """
    import jax
    import safetensors
    import safetensors.flax

    path = tmp_path / "model.safetensors"
    safetensors.flax.save_file({"a": array(name), "b": array("float32")}, str(path), metadata={"format": "flax"})
    restored = safetensors.flax.load_file(str(path))
    assert isinstance(restored["a"], jax.Array)
    assert_bits(restored["a"], values(name))
    assert_bits(restored["b"], values("float32"))
    with safetensors.safe_open(str(path), framework="flax") as file:
        assert file.metadata() == {"format": "flax"}
        assert set(file.keys()) == {"a", "b"}
        assert_bits(file.get_slice("a")[1:], values(name)[1:])


@pytest.mark.feature("pickle or copy of low-precision arrays")
@pytest.mark.level("run")
@pytest.mark.uses("jax", "jaxlib")
@pytest.mark.parametrize("name", KNOWN)
def test_pickle_and_copy(name: str) -> None:
    """jax and numpy arrays are pickled and copied bit for bit, and still compute with others of their type.

    Source: jax-ml/jax#8505 (bfloat16 and pickle), #4651 (a copied bfloat16 array spoils its type).
    """
    import copy
    import pickle

    import jax.numpy as jnp
    import numpy as np

    for value in (array(name), values(name)):
        for again in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value), copy.copy(value)):
            assert type(again) is type(value)
            assert_bits(again, values(name))
    if name == "bfloat16":
        restored = pickle.loads(pickle.dumps(values(name)))
        assert restored.dtype == jnp.bfloat16
        np.testing.assert_array_equal((jnp.asarray(restored) + array(name)).astype(np.float32), 2 * values("float32"))


@pytest.mark.feature("jax.numpy.load of saved bfloat16 arrays")
@pytest.mark.level("run")
@pytest.mark.uses("jax", "jaxlib")
@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16", "complex64", "int8"])
def test_numpy_files(tmp_path: Path, name: str) -> None:
    """jnp.save and jnp.load keep the type, bfloat16 among them. Source: jax-ml/jax#8499."""
    import jax.numpy as jnp

    jnp.save(tmp_path / "a.npy", array(name))
    assert_bits(jnp.load(tmp_path / "a.npy"), values(name))


@pytest.mark.feature("NumPy on low-precision jax arrays")
@pytest.mark.level("run")
@pytest.mark.uses("jax", "jaxlib", "ml-dtypes")
@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "int4"])
def test_numpy_functions(name: str) -> None:
    """numpy's own functions work on arrays of jax in small types: sums, comparisons, casts, stacking, printing.

    Source: jax-ml/ml_dtypes, changelog of 0.5.0 (numpy 2) and 0.5.1; jax-ml/ml_dtypes#145.
    """
    import numpy as np

    device = array(name)
    host = np.asarray(device)
    assert host.dtype == values(name).dtype
    np.testing.assert_array_equal(np.stack([host, host]).astype(np.float32)[1], values("float32"))
    np.testing.assert_array_equal(host == values(name), np.ones((2, 3), bool))
    assert host.astype(np.float32).sum() == 3.0
    assert np.dtype(name) == host.dtype
    assert f"dtype={name}" in np.array_repr(host).replace("'", "")
