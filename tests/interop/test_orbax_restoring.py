"""Restoring with Orbax: into other devices, other forms, parts of a tree, and from programs of all kinds.

Each test names the source of its claim: an issue, a pull request or an entry of a changelog.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING, Any

import idioms
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.level("interop"), pytest.mark.thorough]

ORBAX = ("jax", "jaxlib", "orbax-checkpoint>=0.6.0")
ORBAX_V1 = ("jax", "jaxlib", "orbax-checkpoint>=0.11.20")


def numbers(*shape: int) -> Any:
    """A numpy array of different float32 numbers."""
    import numpy as np

    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def save(folder: Path, tree: Any) -> Path:
    """Save a tree with StandardCheckpointer; where it is then."""
    import orbax.checkpoint as ocp

    with closing(ocp.StandardCheckpointer()) as checkpointer:
        checkpointer.save(folder / "ck", tree)
        checkpointer.wait_until_finished()
    return folder / "ck"


def restore(path: Path, *target: Any, **options: Any) -> Any:
    """Restore with StandardCheckpointer."""
    import orbax.checkpoint as ocp

    with closing(ocp.StandardCheckpointer()) as checkpointer:
        return checkpointer.restore(path, *target, **options)


def mesh_sharding(devices: slice, *axes: str | None) -> Any:
    """A sharding over some of the devices, which are called `d`."""
    import jax
    import numpy as np

    mesh = jax.sharding.Mesh(np.array(jax.devices()[devices]), ("d",))
    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*axes))


# ---------------------------------------------------------------------------------------------------------------------
# Typed random keys
# ---------------------------------------------------------------------------------------------------------------------

KEYS = ("threefry2x32", "rbg", "unsafe_rbg")


def key_array(name: str) -> Any:
    """Two typed keys of an implementation of random numbers."""
    import jax

    return jax.random.split(jax.random.key(7, impl=name), 2)


def assert_keys(found: Any, wanted: Any) -> None:
    """The same keys, and they draw the same numbers."""
    import jax
    import numpy as np

    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(jax.random.key_data(found), jax.random.key_data(wanted))
    np.testing.assert_array_equal(jax.random.uniform(found[1], (3,)), jax.random.uniform(wanted[1], (3,)))


@pytest.mark.feature("Orbax restoration of typed PRNG keys")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.11.14")
@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("target", ["none", "keys"])
def test_typed_keys(tmp_path: Path, name: str, target: str) -> None:
    """Keys of each implementation come back without a target and into keys of their own kind.

    Source: google/orbax, changelog of 0.11.14 ("Fix JAX random key restoration with StandardRestore").
    """
    import jax

    path = save(tmp_path, {"key": key_array(name), "w": numbers(2)})
    tree = {"key": jax.random.split(jax.random.key(1, impl=name), 2), "w": numbers(2)}
    assert_keys(restore(path, *([tree] if target == "keys" else []))["key"], key_array(name))


@pytest.mark.feature("Orbax restoration of typed PRNG keys into jax.ShapeDtypeStruct")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.11.14")
@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("how", ["to_shape_dtype_struct", "eval_shape"])
def test_typed_keys_into_shapes(tmp_path: Path, name: str, how: str) -> None:
    """Keys come back into shapes of keys, as jax.eval_shape gives them.

    Source: google/orbax, changelog of 0.11.27 ("restore JAX random key with abstract representation").
    """
    import jax
    import orbax.checkpoint as ocp

    tree = {"key": key_array(name)}
    path = save(tmp_path, tree)
    make = {
        "to_shape_dtype_struct": lambda: jax.tree_util.tree_map(ocp.utils.to_shape_dtype_struct, tree),
        "eval_shape": lambda: jax.eval_shape(lambda: {"key": key_array(name)}),
    }[how]
    assert_keys(restore(path, make())["key"], key_array(name))


@pytest.mark.feature("Orbax restoration of typed PRNG keys into a target of another implementation")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.11.14")
@pytest.mark.parametrize("written", KEYS)
@pytest.mark.parametrize("wanted", KEYS)
def test_typed_keys_of_another_implementation(tmp_path: Path, written: str, wanted: str) -> None:
    """Into keys of another implementation the saved ones come back unchanged, or it is refused for their shape.

    A key of one implementation never becomes one of another. Source: google/orbax, changelog of 0.11.27 and 0.12.4.
    """
    path = save(tmp_path, {"key": key_array(written)})
    sizes = {"threefry2x32": 2, "rbg": 4, "unsafe_rbg": 4}
    target = {"key": key_array(wanted)}
    if sizes[written] != sizes[wanted]:
        with pytest.raises(ValueError, match="shape"):
            restore(path, target)
        return
    assert_keys(restore(path, target)["key"], key_array(written))


@pytest.mark.feature("orbax.checkpoint.args.JaxRandomKeySave or NumpyRandomKeySave")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.5.3")
def test_random_key_handlers(tmp_path: Path) -> None:
    """JaxRandomKeySave and NumpyRandomKeySave keep a generator as an item of its own.

    Source: google/orbax, "Add Deprecating warning to Jax/NumpyRandomKeyCheckpointHandler" (0.11.34).
    """
    import jax
    import numpy as np
    import orbax.checkpoint as ocp

    np.random.seed(3)  # noqa: NPY002  (this state is what the handler keeps)
    state = np.random.get_state()  # noqa: NPY002
    items = {"jax": ocp.args.JaxRandomKeySave(key_array("threefry2x32")), "np": ocp.args.NumpyRandomKeySave(state)}
    with closing(ocp.Checkpointer(ocp.CompositeCheckpointHandler("jax", "np"))) as checkpointer:
        checkpointer.save(tmp_path / "ck", args=ocp.args.Composite(**items))
        args = ocp.args.Composite(jax=ocp.args.JaxRandomKeyRestore(), np=ocp.args.NumpyRandomKeyRestore())
        restored = checkpointer.restore(tmp_path / "ck", args=args)
    assert_keys(restored["jax"], key_array("threefry2x32"))
    np.testing.assert_array_equal(restored["np"][1], state[1])
    assert isinstance(restored["jax"], jax.Array)


# ---------------------------------------------------------------------------------------------------------------------
# Other devices and other forms
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("Orbax restoration onto other devices")
@pytest.mark.uses(*ORBAX)
@pytest.mark.parametrize("written", ["one", "all", "last four"])
@pytest.mark.parametrize("read", ["one", "all", "other one"])
def test_onto_other_devices(tmp_path: Path, written: str, read: str) -> None:
    """An array goes from one device to all, from all to one, and from some to another one, bit for bit.

    Source: google/orbax#678 (a checkpoint of other devices cannot be restored), changelog of 0.11.33 (topology).
    """
    import jax
    import numpy as np

    places = {
        "one": lambda: jax.sharding.SingleDeviceSharding(jax.devices()[0]),
        "other one": lambda: jax.sharding.SingleDeviceSharding(jax.devices()[5]),
        "all": lambda: mesh_sharding(slice(0, 8), "d", None),
        "last four": lambda: mesh_sharding(slice(4, 8), None, "d"),
    }
    path = save(tmp_path, {"w": jax.device_put(numbers(8, 4), places[written]())})
    place = places[read]()
    found = restore(path, {"w": jax.ShapeDtypeStruct((8, 4), np.float32, sharding=place)})["w"]
    assert found.sharding.is_equivalent_to(place, 2)
    np.testing.assert_array_equal(found, numbers(8, 4))


@pytest.mark.feature("orbax.checkpoint.RestoreArgs with restore_type=np.ndarray")
@pytest.mark.uses(*ORBAX)
def test_as_numpy(tmp_path: Path) -> None:
    """restore_type=np.ndarray gives numpy arrays, whatever devices the array was saved from.

    Source: google/orbax#678; its guide "Checkpointing PyTrees".
    """
    import jax
    import numpy as np
    import orbax.checkpoint as ocp

    tree = {"w": jax.device_put(numbers(8, 4), mesh_sharding(slice(0, 8), "d", None)), "n": 3}
    path = save(tmp_path, tree)
    args = jax.tree_util.tree_map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), {"w": 0})
    with closing(ocp.PyTreeCheckpointer()) as checkpointer:
        found = checkpointer.restore(path, restore_args={**args, "n": ocp.RestoreArgs(restore_type=int)})
    assert type(found["w"]) is np.ndarray
    assert type(found["n"]) is int
    np.testing.assert_array_equal(found["w"], numbers(8, 4))


@pytest.mark.feature("Orbax restoration of explicit shardings")
@pytest.mark.uses("jax>=0.7.0", "jaxlib", "orbax-checkpoint>=0.11.14")
def test_explicit_sharding(tmp_path: Path) -> None:
    """An array over a mesh with explicit axes comes back with its sharding in its type.

    Source: jax's changelog, 0.9.0 (explicit axes are the default of make_mesh).
    """
    import jax
    import numpy as np

    mesh = jax.make_mesh((4, 2), ("x", "y"), axis_types=(jax.sharding.AxisType.Explicit,) * 2)
    place = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("x", "y"))
    tree = {"w": jax.device_put(numbers(8, 4), place)}
    path = save(tmp_path, tree)
    with jax.set_mesh(mesh) if idioms.at_least("jax", "0.7.1") else jax.sharding.use_mesh(mesh):
        for found in (restore(path, tree)["w"], restore(path)["w"]):
            np.testing.assert_array_equal(found, numbers(8, 4))
            assert found.sharding.is_equivalent_to(place, 2)
        assert jax.typeof(restore(path, tree)["w"]).sharding.spec == jax.sharding.PartitionSpec("x", "y")


@pytest.mark.feature("Orbax restoration of arrays with a jax.experimental.layout.Layout")
@pytest.mark.uses("jax>=0.7.0", "jaxlib", "orbax-checkpoint>=0.11.18")
def test_layouts(tmp_path: Path) -> None:
    """An array with a layout of its own is saved, and a layout can be asked for when it is restored.

    Source: google/orbax, changelog of 0.11.18; jax's changelog, 0.7.0 (DeviceLocalLayout and Layout become Layout and
    Format).
    """
    import jax
    import numpy as np
    from jax.experimental.layout import Format, Layout

    transposed = Format(Layout((1, 0)), jax.sharding.SingleDeviceSharding(jax.devices()[0]))
    array = jax.device_put(numbers(4, 3), transposed)
    path = save(tmp_path, {"w": array})
    np.testing.assert_array_equal(restore(path)["w"], numbers(4, 3))
    target = {"w": jax.ShapeDtypeStruct((4, 3), np.float32, sharding=transposed)}
    np.testing.assert_array_equal(restore(path, target)["w"], numbers(4, 3))


@pytest.mark.feature("Orbax restoration into pinned_host memory")
@pytest.mark.uses("jax>=0.5.0", "jaxlib", "orbax-checkpoint>=0.11.10")
def test_memory_kinds(tmp_path: Path) -> None:
    """An array in pinned host memory is saved and restored to where it was.

    Source: google/orbax, "Fix pinned_host loading by ensuring memory_kind is carried through" (0.11.10).
    """
    import jax
    import numpy as np

    kinds = {memory.kind for memory in jax.devices()[0].addressable_memories()}
    if "pinned_host" not in kinds:
        pytest.skip("this backend has no pinned host memory")
    place = jax.sharding.SingleDeviceSharding(jax.devices()[0], memory_kind="pinned_host")
    tree = {"w": jax.device_put(numbers(4, 3), place)}
    found = restore(save(tmp_path, tree), tree)["w"]
    assert found.sharding.memory_kind == "pinned_host"
    np.testing.assert_array_equal(found, numbers(4, 3))


@pytest.mark.feature("Orbax restoration into a target of another shape")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.8.0")  # before, it pads without a word
def test_other_shapes(tmp_path: Path) -> None:
    """A target of another shape is refused, unless strict=False asks for padding with zeros or cutting.

    Source: google/orbax, changelog of 0.11.34 (strict shapes and types).
    """
    import jax
    import numpy as np
    import orbax.checkpoint as ocp

    place = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    path = save(tmp_path, {"w": jax.device_put(numbers(4), place)})
    with pytest.raises(ValueError, match="shape"):
        restore(path, {"w": jax.ShapeDtypeStruct((6,), np.float32, sharding=place)})
    with closing(ocp.PyTreeCheckpointer()) as checkpointer:
        for size, wanted in ((6, [0, 1, 2, 3, 0, 0]), (2, [0, 1])):
            args = {"w": ocp.ArrayRestoreArgs(sharding=place, global_shape=(size,), strict=False)}
            np.testing.assert_array_equal(checkpointer.restore(path, restore_args=args)["w"], wanted)


@pytest.mark.feature("Orbax restoration of a flax TrainState into jax.eval_shape targets")
@pytest.mark.uses("jax", "jaxlib", "flax>=0.8", "optax", "orbax-checkpoint>=0.11.29")
def test_eval_shape_of_a_train_state(tmp_path: Path) -> None:
    """A train state comes back into what jax.eval_shape says of it, without any sharding.

    Source: google/orbax, changelog of 0.11.29 ("Fix using jax.eval_shape with StandardRestore").
    """
    import jax
    import numpy as np
    import optax
    from flax.training.train_state import TrainState

    def make() -> TrainState:
        params = {"w": jax.numpy.arange(4.0)}
        return TrainState.create(apply_fn=None, params=params, tx=optax.adam(0.1))

    state = jax.jit(lambda state: state.apply_gradients(grads=state.params))(make())
    found = restore(save(tmp_path, state), jax.eval_shape(make))
    assert isinstance(found, TrainState)
    for one, other in zip(jax.tree_util.tree_leaves(found), jax.tree_util.tree_leaves(state), strict=True):
        np.testing.assert_array_equal(one, other)
        assert isinstance(one, jax.Array)


# ---------------------------------------------------------------------------------------------------------------------
# Parts of a tree
# ---------------------------------------------------------------------------------------------------------------------


def whole() -> dict[str, Any]:
    """A tree of which only a part is restored."""
    import jax

    put = jax.device_put
    return {"params": {"a": put(numbers(2)), "b": put(numbers(3))}, "rest": [put(numbers(4)), put(numbers(5))]}


@pytest.mark.feature("orbax.checkpoint.PLACEHOLDER")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.11.14")
def test_placeholders(tmp_path: Path) -> None:
    """Leaves whose target is PLACEHOLDER are not read, and the others are.

    Source: google/orbax, "Introduce Placeholder to PyTreeCheckpointHandler" (0.11.11).
    """
    import numpy as np
    import orbax.checkpoint as ocp

    path, target = save(tmp_path, whole()), whole()
    target["params"]["b"] = target["rest"][0] = ocp.PLACEHOLDER
    with closing(ocp.Checkpointer(ocp.PyTreeCheckpointHandler())) as checkpointer:
        args = ocp.checkpoint_utils.construct_restore_args(target)
        found = checkpointer.restore(path, args=ocp.args.PyTreeRestore(item=target, restore_args=args))
    np.testing.assert_array_equal(found["params"]["a"], numbers(2))
    np.testing.assert_array_equal(found["rest"][1], numbers(5))
    assert found["params"]["b"] is ocp.PLACEHOLDER
    assert found["rest"][0] is ocp.PLACEHOLDER


@pytest.mark.feature("orbax.checkpoint.args.PyTreeRestore with partial_restore")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.11.16")
@pytest.mark.parametrize("with_args", [True, False])
def test_omission(tmp_path: Path, with_args: bool) -> None:
    """With partial_restore leaves that the target omits are left out, with restore arguments and without.

    Source: google/orbax, changelog of 0.11.16, "Fix tree_trim when restore_args is None" (0.11.23).
    """
    import numpy as np
    import orbax.checkpoint as ocp

    path, target = save(tmp_path, whole()), {"params": {"b": whole()["params"]["b"]}}
    args = {"restore_args": ocp.checkpoint_utils.construct_restore_args(target)} if with_args else {}
    with closing(ocp.Checkpointer(ocp.PyTreeCheckpointHandler())) as checkpointer:
        found = checkpointer.restore(path, args=ocp.args.PyTreeRestore(item=target, partial_restore=True, **args))
    assert set(found) == {"params"}
    assert set(found["params"]) == {"b"}
    np.testing.assert_array_equal(found["params"]["b"], numbers(3))


@pytest.mark.feature("Orbax error message about a missing leaf")
@pytest.mark.uses(*ORBAX)
@pytest.mark.parametrize("case", ["more", "fewer", "renamed"])
def test_a_missing_leaf_is_named(tmp_path: Path, case: str) -> None:
    """A target with other leaves than the checkpoint is refused, and the error names one of them.

    Source: google/orbax, "Improve error message for missing keys in restore item" (0.11.26), #1904.
    """
    path, target = save(tmp_path, whole()), whole()
    if case != "more":
        del target["params"]["b"]
    if case != "fewer":
        target["params"]["extra"] = numbers(3)
    with pytest.raises(Exception, match=r"'b'|params\.b|extra"):
        restore(path, target)


@pytest.mark.feature("Orbax v1 loading with placeholders")
@pytest.mark.uses(*ORBAX_V1)
def test_v1_parts(tmp_path: Path) -> None:
    """The v1 API leaves out what is a placeholder, by its `...`, and reads the rest.

    Source: google/orbax, "Add PLACEHOLDER to v1 api to enable partial restoration" (0.11.14).
    """
    import jax
    import numpy as np
    import orbax.checkpoint.experimental.v1 as ocp

    idioms.orbax_v1_save(ocp)(tmp_path / "ck", whole())
    target = jax.tree_util.tree_map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), whole())
    target["params"]["b"] = ...
    found = idioms.orbax_v1_load(ocp)(tmp_path / "ck", target)
    np.testing.assert_array_equal(found["params"]["a"], numbers(2))
    np.testing.assert_array_equal(found["rest"][1], numbers(5))
    assert found["params"]["b"] is ...


# ---------------------------------------------------------------------------------------------------------------------
# Programs of all kinds, and steps
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("Orbax checkpointing within a running event loop")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.7.0")
@pytest.mark.parametrize("way", ["standard", "manager"])
def test_within_an_event_loop(tmp_path: Path, way: str) -> None:
    """Saving and restoring work in a coroutine, as in a notebook, where an event loop runs already.

    Source: google/orbax, changelog of 0.7.0 (nest_asyncio), 0.11.33 (uvloop in its place), 0.11.34 (where that lacks).
    """
    import numpy as np
    import orbax.checkpoint as ocp

    async def through_the_manager() -> Any:
        with ocp.CheckpointManager(tmp_path / "steps") as manager:
            manager.save(0, args=ocp.args.StandardSave({"w": numbers(3)}))
            manager.wait_until_finished()
            return manager.restore(0, args=ocp.args.StandardRestore({"w": numbers(3)}))

    async def plain() -> Any:
        return restore(save(tmp_path, {"w": numbers(3)}))

    found = asyncio.run(plain() if way == "standard" else through_the_manager())
    np.testing.assert_array_equal(found["w"], numbers(3))


@pytest.mark.feature("Orbax checkpointing outside the main thread")
@pytest.mark.uses(*ORBAX)
def test_from_another_thread(tmp_path: Path) -> None:
    """A thread that is not the main one saves and restores.

    Source: google/orbax, changelog of 0.6.2 ("Allow Orbax save to run from a non-main thread").
    """
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(lambda: restore(save(tmp_path, {"w": numbers(4)}))).result()
    np.testing.assert_array_equal(found["w"], numbers(4))


@pytest.mark.feature("Orbax checkpointing with two checkpointers at once")
@pytest.mark.uses(*ORBAX)
def test_two_checkpointers_at_once(tmp_path: Path) -> None:
    """Two checkpointers save in the background at the same time.

    Source: google/orbax, changelog of 0.5.15 ("Deadlock observed when using multiple AsyncCheckpointers at once").
    """
    import numpy as np
    import orbax.checkpoint as ocp

    with closing(ocp.StandardCheckpointer()) as one, closing(ocp.StandardCheckpointer()) as other:
        one.save(tmp_path / "one", {"w": numbers(1000)})
        other.save(tmp_path / "other", {"w": numbers(1000) + 1})
        one.wait_until_finished()
        other.wait_until_finished()
        np.testing.assert_array_equal(one.restore(tmp_path / "one")["w"], numbers(1000))
        np.testing.assert_array_equal(other.restore(tmp_path / "other")["w"], numbers(1000) + 1)


@pytest.mark.feature("Orbax checkpointing from several threads at once")
@pytest.mark.alone
@pytest.mark.uses(*ORBAX)
def test_from_threads_at_once(tmp_path: Path) -> None:
    """Threads save at the same time, each with a checkpointer and a folder of its own, and every save arrives.

    Many rounds, so that a race is lost in every run. Source: google/orbax, changelog of 0.6.0 and 0.6.2 (background
    threads), 0.11.16 and 0.11.32 (how folders are made in the background).
    """
    import threading
    import time

    import numpy as np

    def arrives(number: int) -> None:
        try:
            found = restore(save(tmp_path / str(number), {"w": numbers(4) + number}))["w"]
        except Exception as error:  # noqa: BLE001  (told by the thread of the test)
            failed.append(error)
        else:
            if np.array_equal(found, numbers(4) + number):
                arrived.add(number)

    arrived: set[int] = set()
    failed: list[Exception] = []
    # Imports and the first use of the devices are no part of a round, and would take long on a busy machine.
    arrives(30)
    start = time.monotonic()
    arrives(31)
    # Where the race is lost, a thread can also wait for minutes for a signal that another one has taken away: it is not
    # waited for. How long a save takes when it is alone says how busy the machine is.
    patience = 15 + 30 * (time.monotonic() - start)
    for first in range(0, 30, 3):
        threads = [threading.Thread(target=arrives, args=(first + i,), daemon=True) for i in range(3)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + patience
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        if not arrived.issuperset(range(first + 3)):
            cause = failed[0] if failed else None
            raise AssertionError("a checkpoint that a thread saved beside others is lost") from cause


def preservation(policies: Any) -> dict[str, Callable[[], Any]]:
    """Policies that decide which steps are kept."""
    return {
        "latest": lambda: policies.LatestN(2),
        "every": lambda: policies.EveryNSteps(3),
        "best": lambda: policies.BestN(get_metric_fn=lambda metrics: metrics["loss"], reverse=True, n=2),
        "any": lambda: policies.AnyPreservationPolicy([policies.LatestN(1), policies.EveryNSteps(4)]),
    }


@pytest.mark.feature("orbax.checkpoint.CheckpointManagerOptions with preservation_policy")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.11.20")
@pytest.mark.parametrize(
    ("name", "kept"), [("latest", [6, 7]), ("every", [0, 3, 6]), ("best", [6, 7]), ("any", [0, 4, 7])]
)
def test_preservation_policies(tmp_path: Path, name: str, kept: list[int]) -> None:
    """Each policy keeps the steps that its documentation says.

    Source: google/orbax, changelog of 0.11.17 (policies), 0.12.0 (EveryNStepsClosest, LatestDuration).
    """
    import orbax.checkpoint as ocp

    policy = preservation(ocp.checkpoint_managers)[name]()
    options = ocp.CheckpointManagerOptions(preservation_policy=policy, enable_async_checkpointing=False)
    with ocp.CheckpointManager(tmp_path / "steps", options=options) as manager:
        for step in range(8):
            manager.save(step, args=ocp.args.StandardSave({"w": numbers(2)}), metrics={"loss": 1.0 / (step + 1)})
        assert manager.all_steps() == kept


@pytest.mark.feature("orbax.checkpoint.CheckpointManagerOptions with step_prefix")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.6.0")
@pytest.mark.parametrize("prefix", ["step", "my_long_name"])
def test_prefix_of_steps(tmp_path: Path, prefix: str) -> None:
    """Steps have a prefix, also with underscores, and leading zeros, and a new manager finds them.

    Source: google/orbax, changelog of 0.11.29 ("step_prefix with any character(s) such as underscores").
    """
    import numpy as np
    import orbax.checkpoint as ocp

    if "_" in prefix and not idioms.at_least("orbax-checkpoint", "0.11.29"):
        pytest.skip("step_prefix can have underscores since 0.11.29")
    options = ocp.CheckpointManagerOptions(step_prefix=prefix, step_format_fixed_length=5)
    for step in (1, 20):
        with ocp.CheckpointManager(tmp_path / "steps", options=options) as manager:
            manager.save(step, args=ocp.args.StandardSave({"w": numbers(2) + step}))
            manager.wait_until_finished()
    assert {path.name for path in (tmp_path / "steps").iterdir()} == {f"{prefix}_00001", f"{prefix}_00020"}
    with ocp.CheckpointManager(tmp_path / "steps", options=options) as manager:
        assert (manager.all_steps(), manager.latest_step()) == ([1, 20], 20)
        found = manager.restore(20, args=ocp.args.StandardRestore())
    np.testing.assert_array_equal(found["w"], numbers(2) + 20)
    paths = [path for path in (tmp_path / "steps").iterdir() if path.name.endswith("20")]
    assert ocp.path.step.step_from_checkpoint_name(paths[0].name) == 20


@pytest.mark.feature("orbax.checkpoint.CheckpointManager.restore without a step")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.7.0")
def test_restore_the_latest(tmp_path: Path) -> None:
    """restore(None) gives the latest step, and several items come back by their names without arguments for each.

    Source: google/orbax, changelog of 0.5.23 (step=None), 0.7.0 (empty arguments restore all items).
    """
    import numpy as np
    import orbax.checkpoint as ocp

    with ocp.CheckpointManager(tmp_path / "steps") as manager:
        for step in (1, 2):
            items = {"state": ocp.args.StandardSave({"w": numbers(2) + step}), "notes": ocp.args.JsonSave({"at": step})}
            manager.save(step, args=ocp.args.Composite(**items))
        manager.wait_until_finished()
        args = ocp.args.Composite(state=ocp.args.StandardRestore(), notes=ocp.args.JsonRestore())
        found = manager.restore(None, args=args)
        assert found["notes"] == {"at": 2}
        np.testing.assert_array_equal(found["state"]["w"], numbers(2) + 2)
        everything = manager.restore(1, args=ocp.args.Composite())
        assert everything["notes"] == {"at": 1}
    with ocp.CheckpointManager(tmp_path / "steps") as fresh:
        assert set(fresh.item_metadata(2).keys()) == {"state", "notes"}


@pytest.mark.feature("orbax.checkpoint.CheckpointManager.save with custom_metadata")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.11.6")
def test_custom_metadata(tmp_path: Path) -> None:
    """What the user says of a step is kept beside it and read without the arrays, metrics too.

    Source: google/orbax, "Add unknown keys to Root/StepMetadata.custom" (0.10.2); brave-eai/dexjoco#23.
    """
    import orbax.checkpoint as ocp

    options = ocp.CheckpointManagerOptions(best_fn=lambda metrics: metrics["loss"])
    with ocp.CheckpointManager(tmp_path / "steps", options=options) as manager:
        save_args = ocp.args.StandardSave({"w": numbers(2)})
        manager.save(3, args=save_args, metrics={"loss": 0.5}, custom_metadata={"git": "abc", "tokens": [1, 2]})
        manager.wait_until_finished()
        metadata = manager.metadata(3)
        assert metadata.custom_metadata == {"git": "abc", "tokens": [1, 2]}
        assert metadata.metrics == {"loss": 0.5}
        assert manager.metrics(3) == {"loss": 0.5}


@pytest.mark.feature("orbax.checkpoint.PyTreeCheckpointer.metadata")
@pytest.mark.surprise("The metadata of a checkpoint is its tree, which is read by the names in it.")
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.11.22")
def test_metadata_holds_the_tree(tmp_path: Path) -> None:
    """Since 0.11.22 it is a StepMetadata around the tree: code that reads it by name fails with a TypeError.

    Source: brave-eai/dexjoco#23, which names 0.12.
    """
    import orbax.checkpoint as ocp

    with ocp.PyTreeCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", {"params": {"w": numbers(2)}})
        metadata = checkpointer.metadata(tmp_path / "state")
    with pytest.raises(TypeError, match="not subscriptable"):
        metadata["params"]
    assert metadata.item_metadata.tree["params"]["w"].shape == numbers(2).shape


@pytest.mark.feature("orbax.checkpoint.CheckpointManagerOptions with cleanup_tmp_directories")
@pytest.mark.uses(*ORBAX)
def test_incomplete_checkpoints(tmp_path: Path) -> None:
    """The remains of a save that was ended are no step, and the next manager can save that step.

    Source: google/orbax, changelog of 0.11.25 (how temporary paths are told) and 0.12.3 (commit_success.txt).
    """
    import orbax.checkpoint as ocp

    with ocp.CheckpointManager(tmp_path / "steps") as manager:
        manager.save(1, args=ocp.args.StandardSave({"w": numbers(2)}))
        manager.wait_until_finished()
    (tmp_path / "steps" / "2.orbax-checkpoint-tmp-123" / "default").mkdir(parents=True)
    options = ocp.CheckpointManagerOptions(cleanup_tmp_directories=True)
    with ocp.CheckpointManager(tmp_path / "steps", options=options) as manager:
        assert manager.all_steps() == [1]
        assert manager.save(2, args=ocp.args.StandardSave({"w": numbers(2)}))
        manager.wait_until_finished()
        assert manager.all_steps() == [1, 2]
    assert not [path for path in (tmp_path / "steps").iterdir() if "tmp" in path.name]
