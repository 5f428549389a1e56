"""Orbax saves what jax, flax and optax hold, and gives it back bit for bit, by every path that users take.

Each path of saving or restoring has its own test, so that a red test names the path: a release that breaks only the
CheckpointManager leaves the plain checkpointers green.
"""

from __future__ import annotations

import functools
from contextlib import closing
from typing import TYPE_CHECKING, Any

import idioms
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ORBAX = ("jax", "jaxlib", "orbax-checkpoint")
# The v1 API is experimental, and settled enough to be documented only from here on.
ORBAX_V1 = ("jax", "jaxlib", "orbax-checkpoint>=0.11.20")

# ---------------------------------------------------------------------------------------------------------------------
# What is saved, and how it is compared
# ---------------------------------------------------------------------------------------------------------------------


def filled(size: int, value: float) -> Any:
    """A float32 jax array of equal numbers. (Made by numpy, as all data here is: jnp would compile a program.)"""
    import jax
    import numpy as np

    return jax.device_put(np.full(size, value, np.float32))


def counted(size: int) -> Any:
    """A float32 jax array of 0, 1, 2, ..."""
    import jax
    import numpy as np

    return jax.device_put(np.arange(size, dtype=np.float32))


def make_tree() -> dict[str, Any]:
    """One leaf of every kind that training states are made of."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    return {
        "params": {
            "kernel": jax.device_put(np.linspace(-1.0, 1.0, 12, dtype=np.float32).reshape(3, 4)),
            "scale": jax.device_put(np.linspace(0.1, 3.0, 4).astype(jnp.bfloat16)),
            "mask": jax.device_put(np.array([True, False, True])),
        },
        "count": jax.device_put(np.int32(7)),
        "bytes": jax.device_put(np.arange(5, dtype=np.uint8)),
        "table": np.arange(6, dtype=np.int64).reshape(2, 3),
        "blocks": [filled(2, 0.5), filled(2, 0.25)],
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


# ---------------------------------------------------------------------------------------------------------------------
# Plain checkpointers
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.uses(*ORBAX)
@pytest.mark.level("interop")
def test_pytree_checkpointer_without_target(tmp_path: Path) -> None:
    """PyTreeCheckpointer writes every kind of leaf and restores the tree with nothing but the path."""
    import orbax.checkpoint as ocp

    tree = make_tree()
    with closing(ocp.PyTreeCheckpointer()) as checkpointer:
        checkpointer.save(tmp_path / "ck", tree)
        assert_same(checkpointer.restore(tmp_path / "ck"), tree)


@pytest.mark.uses(*ORBAX)
@pytest.mark.level("interop")
def test_pytree_checkpointer_with_restore_args(tmp_path: Path) -> None:
    """PyTreeCheckpointer with the restore arguments of a target gives jax arrays with the target's sharding."""
    import jax
    import orbax.checkpoint as ocp

    tree = make_tree()
    restore_args = ocp.checkpoint_utils.construct_restore_args(tree)
    with closing(ocp.PyTreeCheckpointer()) as checkpointer:
        checkpointer.save(tmp_path / "ck", tree)
        restored = checkpointer.restore(tmp_path / "ck", item=tree, restore_args=restore_args)
    assert_same(restored, tree)
    assert isinstance(restored["params"]["scale"], jax.Array)
    assert restored["params"]["kernel"].sharding == tree["params"]["kernel"].sharding


@pytest.mark.uses(*ORBAX)
@pytest.mark.level("interop")
def test_pytree_checkpointer_casts(tmp_path: Path) -> None:
    """ArrayRestoreArgs(dtype=...) casts while it reads: how float32 checkpoints become bfloat16 models."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import orbax.checkpoint as ocp

    values = np.linspace(-1.0, 1.0, 12, dtype=np.float32)
    kernel = jax.device_put(values)
    args = {"kernel": ocp.ArrayRestoreArgs(dtype=jnp.bfloat16, sharding=kernel.sharding)}
    with closing(ocp.PyTreeCheckpointer()) as checkpointer:
        checkpointer.save(tmp_path / "ck", {"kernel": kernel})
        restored = checkpointer.restore(tmp_path / "ck", restore_args=args)
    assert_same(restored, {"kernel": values.astype(jnp.bfloat16)})


@pytest.mark.uses(*ORBAX)
@pytest.mark.level("interop")
def test_standard_checkpointer_with_abstract_target(tmp_path: Path) -> None:
    """StandardCheckpointer restores into shapes, dtypes and shardings: the documented way for any training state."""
    import jax
    import orbax.checkpoint as ocp

    tree = make_tree()
    with closing(ocp.StandardCheckpointer()) as checkpointer:
        checkpointer.save(tmp_path / "ck", tree)
        idioms.orbax_wait(checkpointer)
        restored = checkpointer.restore(tmp_path / "ck", abstract(tree))
    assert_same(restored, tree)
    assert isinstance(restored["params"]["kernel"], jax.Array)


@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.5.0")
@pytest.mark.level("interop")
def test_standard_checkpointer_without_target(tmp_path: Path) -> None:
    """StandardCheckpointer restores with nothing but the path, from the metadata and shardings on disk."""
    import orbax.checkpoint as ocp

    tree = make_tree()
    with closing(ocp.StandardCheckpointer()) as checkpointer:
        checkpointer.save(tmp_path / "ck", tree)
        idioms.orbax_wait(checkpointer)
        assert_same(checkpointer.restore(tmp_path / "ck"), tree)


@pytest.mark.uses(*ORBAX)
@pytest.mark.level("interop")
def test_checkpointer_overwrites_when_forced(tmp_path: Path) -> None:
    """Checkpointer(StandardCheckpointHandler()) refuses an existing path and overwrites it with force=True."""
    import orbax.checkpoint as ocp

    first, second = {"w": filled(3, 0.0)}, {"w": counted(3)}
    with closing(ocp.Checkpointer(ocp.StandardCheckpointHandler())) as checkpointer:
        checkpointer.save(tmp_path / "ck", first)
        with pytest.raises(ValueError, match="already exists"):
            checkpointer.save(tmp_path / "ck", second)
        checkpointer.save(tmp_path / "ck", second, force=True)
        assert_same(checkpointer.restore(tmp_path / "ck", abstract(second)), second)


@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.5.0")
@pytest.mark.level("interop")
def test_checkpointer_with_args(tmp_path: Path) -> None:
    """Checkpointer(PyTreeCheckpointHandler()) driven by ocp.args, the form that the guides teach since 0.5.0."""
    import orbax.checkpoint as ocp

    tree = make_tree()
    restore_args = ocp.checkpoint_utils.construct_restore_args(tree)
    with closing(ocp.Checkpointer(ocp.PyTreeCheckpointHandler())) as checkpointer:
        checkpointer.save(tmp_path / "ck", args=ocp.args.PyTreeSave(tree))
        args = ocp.args.PyTreeRestore(tree, restore_args=restore_args)
        assert_same(checkpointer.restore(tmp_path / "ck", args=args), tree)


@pytest.mark.uses(*ORBAX)
@pytest.mark.level("interop")
def test_async_checkpointer(tmp_path: Path) -> None:
    """AsyncCheckpointer takes its copy before save() returns: the arrays may be donated to the next step at once."""
    import jax
    import numpy as np
    import orbax.checkpoint as ocp

    state = {"w": counted(8), "n": jax.device_put(np.int32(1))}
    wanted = jax.tree_util.tree_map(np.array, state)
    update = jax.jit(lambda tree: jax.tree_util.tree_map(lambda x: x * 2, tree), donate_argnums=0)
    with closing(ocp.AsyncCheckpointer(ocp.PyTreeCheckpointHandler())) as checkpointer:
        checkpointer.save(tmp_path / "ck", state)
        state = update(state)
        checkpointer.wait_until_finished()
        assert_same(checkpointer.restore(tmp_path / "ck"), wanted)


@pytest.mark.uses(*ORBAX)
@pytest.mark.level("interop")
def test_restore_a_part(tmp_path: Path) -> None:
    """Only the leaves that the target names are read: how parameters are taken out of a full training state."""
    import orbax.checkpoint as ocp

    tree = make_tree()
    part = {"params": {"kernel": tree["params"]["kernel"]}}
    target, restore_args = abstract(part), ocp.checkpoint_utils.construct_restore_args(part)
    with closing(ocp.Checkpointer(ocp.PyTreeCheckpointHandler())) as checkpointer:
        checkpointer.save(tmp_path / "ck", tree)
        restored = idioms.orbax_partial_restore(checkpointer, tmp_path / "ck", target, restore_args)
    assert_same(restored, part)


# Before orbax-checkpoint 0.4.3 a handler wrote the metadata of a tree only where it was asked to.
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.4.3")
@pytest.mark.level("interop")
def test_metadata_describes_the_arrays(tmp_path: Path) -> None:
    """The metadata of a checkpoint tells shapes and dtypes without reading it, enough to build a restore target."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import orbax.checkpoint as ocp

    arrays = jax.device_put({"a": {"w": np.ones((3, 4), jnp.bfloat16)}, "n": np.arange(5, dtype=np.int32)})
    with closing(ocp.Checkpointer(ocp.PyTreeCheckpointHandler())) as checkpointer:
        checkpointer.save(tmp_path / "ck", arrays)
        tree = idioms.orbax_metadata_tree(checkpointer, tmp_path / "ck")
    assert (tuple(tree["a"]["w"].shape), tree["a"]["w"].dtype) == ((3, 4), jnp.bfloat16)
    assert (tuple(tree["n"].shape), tree["n"].dtype) == ((5,), jnp.int32)


# ---------------------------------------------------------------------------------------------------------------------
# Sharded arrays
# ---------------------------------------------------------------------------------------------------------------------


def make_sharded() -> tuple[Any, Any]:
    """An (8, 8) array laid out over a 4 x 2 mesh of all eight devices, and that sharding."""
    import jax
    import numpy as np

    mesh = jax.sharding.Mesh(np.array(jax.devices()).reshape(4, 2), ("x", "y"))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("x", "y"))
    return jax.device_put(np.arange(64, dtype=np.float32).reshape(8, 8), sharding), sharding


@pytest.mark.uses(*ORBAX)
@pytest.mark.level("interop")
@pytest.mark.parametrize("devices", [8, 4])
def test_restore_to_another_sharding(tmp_path: Path, devices: int) -> None:
    """An array saved over 4 x 2 devices comes back over another mesh: of all eight devices, or of only four."""
    import jax
    import numpy as np
    import orbax.checkpoint as ocp

    array, _ = make_sharded()
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:devices]), ("d",))
    other = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(None, "d"))
    with closing(ocp.StandardCheckpointer()) as checkpointer:
        checkpointer.save(tmp_path / "ck", {"w": array})
        idioms.orbax_wait(checkpointer)
        restored = checkpointer.restore(tmp_path / "ck", abstract({"w": array}, other))
    assert restored["w"].sharding.is_equivalent_to(other, 2)
    assert {shard.data.shape for shard in restored["w"].addressable_shards} == {(8, 8 // devices)}
    assert_same(restored, {"w": array})


@pytest.mark.uses(*ORBAX)
@pytest.mark.level("interop")
def test_pytree_checkpointer_reshards(tmp_path: Path) -> None:
    """ArrayRestoreArgs(mesh=..., mesh_axes=...) lays a saved array out anew; the sharded original stays as it was."""
    import jax
    import numpy as np
    import orbax.checkpoint as ocp

    array, sharding = make_sharded()
    mesh = jax.sharding.Mesh(np.array(jax.devices()), ("d",))
    axes = jax.sharding.PartitionSpec("d", None)
    with closing(ocp.PyTreeCheckpointer()) as checkpointer:
        checkpointer.save(tmp_path / "ck", {"w": array})
        args = {"w": ocp.ArrayRestoreArgs(mesh=mesh, mesh_axes=axes)}
        restored = checkpointer.restore(tmp_path / "ck", restore_args=args)
    assert restored["w"].sharding.is_equivalent_to(jax.sharding.NamedSharding(mesh, axes), 2)
    assert array.sharding == sharding
    assert_same(restored, {"w": array})


@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.5.0")
@pytest.mark.level("interop")
def test_restore_to_the_saved_sharding(tmp_path: Path) -> None:
    """Without a target a sharded array comes back over the devices it was saved from: the sharding is on disk too."""
    import orbax.checkpoint as ocp

    array, sharding = make_sharded()
    with closing(ocp.StandardCheckpointer()) as checkpointer:
        checkpointer.save(tmp_path / "ck", {"w": array})
        idioms.orbax_wait(checkpointer)
        restored = checkpointer.restore(tmp_path / "ck")
    assert restored["w"].sharding.is_equivalent_to(sharding, 2)
    assert_same(restored, {"w": array})


# ---------------------------------------------------------------------------------------------------------------------
# CheckpointManager
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.uses(*ORBAX)
@pytest.mark.level("interop")
def test_manager_keeps_the_latest(tmp_path: Path) -> None:
    """max_to_keep removes old steps, and a new manager on the same directory finds and restores the latest one."""
    kinds = {"state": "standard"}
    with closing(idioms.orbax_manager(tmp_path / "run", kinds, max_to_keep=2)) as manager:
        for step in range(4):
            assert idioms.orbax_manager_save(manager, step, kinds, {"state": {"w": filled(3, step)}})
        manager.wait_until_finished()

    with closing(idioms.orbax_manager(tmp_path / "run", kinds, max_to_keep=2)) as reopened:
        assert sorted(reopened.all_steps()) == [2, 3]
        assert reopened.latest_step() == 3
        restored = idioms.orbax_manager_restore(reopened, 3, kinds, {"state": abstract({"w": filled(3, 0.0)})})
    assert_same(restored["state"], {"w": filled(3, 3.0)})


@pytest.mark.uses(*ORBAX)
@pytest.mark.level("interop")
def test_manager_keeps_the_best(tmp_path: Path) -> None:
    """best_fn over the metrics of each step decides which steps survive, and best_step() names the winner."""
    kinds = {"state": "standard"}
    options = {"max_to_keep": 1, "best_fn": lambda metrics: metrics["loss"], "best_mode": "min"}
    with closing(idioms.orbax_manager(tmp_path / "run", kinds, **options)) as manager:
        for step, loss in enumerate((0.5, 0.1, 0.3)):
            items = {"state": {"w": filled(2, step)}}
            idioms.orbax_manager_save(manager, step, kinds, items, metrics={"loss": loss})
        manager.wait_until_finished()
        assert manager.best_step() == 1
        assert list(manager.all_steps()) == [1]
        restored = idioms.orbax_manager_restore(manager, 1, kinds, {"state": {"w": filled(2, 0.0)}})
    assert_same(restored["state"], {"w": filled(2, 1.0)})


@pytest.mark.uses(*ORBAX)
@pytest.mark.level("interop")
def test_manager_saves_several_items(tmp_path: Path) -> None:
    """One step holds parameters, optimizer-like state and a JSON item, restored together or one alone."""
    kinds = {"params": "standard", "moments": "standard", "config": "json"}
    params, moments = {"w": counted(4)}, {"w": filled(4, 0.5)}
    items = {"params": params, "moments": moments, "config": {"width": 8, "name": "m"}}
    targets = {"params": abstract(params), "moments": abstract(moments), "config": None}
    with closing(idioms.orbax_manager(tmp_path / "run", kinds)) as manager:
        idioms.orbax_manager_save(manager, 5, kinds, items)
        manager.wait_until_finished()
        restored = idioms.orbax_manager_restore(manager, 5, kinds, targets)
        alone = idioms.orbax_manager_restore(manager, 5, kinds, {"params": targets["params"]})
    assert_same(restored["params"], items["params"])
    assert_same(restored["moments"], items["moments"])
    assert restored["config"] == items["config"]
    assert_same(alone["params"], items["params"])


@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.5.0")
@pytest.mark.level("interop")
def test_manager_with_a_single_item(tmp_path: Path) -> None:
    """The shortest documented loop: one unnamed item, saved at an interval, restored with and without a target."""
    import orbax.checkpoint as ocp

    options = ocp.CheckpointManagerOptions(save_interval_steps=2)
    with closing(ocp.CheckpointManager(tmp_path / "run", options=options)) as manager:
        saved = [manager.save(step, args=ocp.args.StandardSave({"w": filled(3, step)})) for step in range(4)]
        manager.wait_until_finished()
        assert [bool(each) for each in saved] == [True, False, True, False]
        target = {"w": filled(3, 0.0)}
        assert_same(manager.restore(2, args=ocp.args.StandardRestore(abstract(target))), {"w": filled(3, 2.0)})
        assert_same(manager.restore(0, args=ocp.args.StandardRestore()), target)


@pytest.mark.thorough
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.6.0")
@pytest.mark.level("interop")
def test_manager_saves_random_keys(tmp_path: Path) -> None:
    """A typed random key is an item of its own, and draws the same numbers after it was restored."""
    import jax
    import orbax.checkpoint as ocp

    key = jax.random.key(42)
    with closing(ocp.CheckpointManager(tmp_path / "run", item_names=("rng",))) as manager:
        manager.save(0, args=ocp.args.Composite(rng=ocp.args.JaxRandomKeySave(key)))
        manager.wait_until_finished()
        restored = manager.restore(0, args=ocp.args.Composite(rng=ocp.args.JaxRandomKeyRestore()))["rng"]
    assert_same(jax.random.uniform(restored, (4,)), jax.random.uniform(key, (4,)))


# ---------------------------------------------------------------------------------------------------------------------
# The v1 API
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.uses(*ORBAX_V1)
@pytest.mark.level("interop")
def test_v1_save_and_load(tmp_path: Path) -> None:
    """The v1 functions write a tree and load it, with a target and without one, and asynchronously."""
    import orbax.checkpoint.experimental.v1 as ocp

    tree = make_tree()
    idioms.orbax_v1_save(ocp)(tmp_path / "ck", tree)
    assert_same(idioms.orbax_v1_load(ocp)(tmp_path / "ck"), tree)
    assert_same(idioms.orbax_v1_load(ocp)(tmp_path / "ck", abstract(tree)), tree)
    idioms.orbax_v1_save_async(ocp)(tmp_path / "later", tree).result()
    assert_same(idioms.orbax_v1_load(ocp)(tmp_path / "later"), tree)


@pytest.mark.uses(*ORBAX_V1)
@pytest.mark.level("interop")
def test_v1_reshards(tmp_path: Path) -> None:
    """A sharded array saved by v1 comes back over four devices when the target says so."""
    import jax
    import numpy as np
    import orbax.checkpoint.experimental.v1 as ocp

    array, _ = make_sharded()
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:4]), ("d",))
    other = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("d"))
    idioms.orbax_v1_save(ocp)(tmp_path / "ck", {"w": array})
    restored = idioms.orbax_v1_load(ocp)(tmp_path / "ck", abstract({"w": array}, other))
    assert restored["w"].sharding.is_equivalent_to(other, 2)
    assert_same(restored, {"w": array})


@pytest.mark.uses(*ORBAX_V1)
@pytest.mark.level("interop")
def test_v1_training_checkpointer(tmp_path: Path) -> None:
    """training.Checkpointer keeps a sequence of steps, and a new one on the same directory resumes from the latest."""
    import orbax.checkpoint.experimental.v1 as ocp

    every_step = ocp.training.save_decision_policies.FixedIntervalPolicy(1)
    with ocp.training.Checkpointer(tmp_path / "run", save_decision_policy=every_step) as checkpointer:
        assert checkpointer.latest is None
        for step in range(3):
            idioms.orbax_v1_save(checkpointer)(step, {"w": filled(3, step)})
    with ocp.training.Checkpointer(tmp_path / "run") as checkpointer:
        assert checkpointer.latest.step == 2
        restored = idioms.orbax_v1_load(checkpointer)(2, abstract({"w": filled(3, 0.0)}))
    assert_same(restored, {"w": filled(3, 2.0)})


@pytest.mark.uses(*ORBAX_V1)
@pytest.mark.level("interop")
def test_v1_reads_what_the_manager_wrote(tmp_path: Path) -> None:
    """v1 loads an item of a CheckpointManager's step: the promised way from the old API to the new one."""
    import orbax.checkpoint as old
    import orbax.checkpoint.experimental.v1 as ocp

    tree = make_tree()
    with closing(old.CheckpointManager(tmp_path / "run")) as manager:
        manager.save(0, args=old.args.Composite(state=old.args.StandardSave(tree)))
        manager.wait_until_finished()
    assert_same(ocp.load_checkpointables(tmp_path / "run" / "0", {"state": abstract(tree)})["state"], tree)


# ---------------------------------------------------------------------------------------------------------------------
# Training goes on as if it had never stopped
# ---------------------------------------------------------------------------------------------------------------------


def regression_batch() -> tuple[Any, Any]:
    """A fixed batch of a small regression problem."""
    import numpy as np

    generator = np.random.default_rng(0)
    x = generator.normal(size=(8, 4)).astype(np.float32)
    return x, (x @ np.array([[1.0], [-2.0], [0.5], [0.0]], np.float32)).astype(np.float32)


def pytree_checkpointer(path: Path, state: Any) -> Any:
    """Save with PyTreeCheckpointer, restore into the state's own structure."""
    import orbax.checkpoint as ocp

    with closing(ocp.PyTreeCheckpointer()) as checkpointer:
        checkpointer.save(path, state)
        restore_args = ocp.checkpoint_utils.construct_restore_args(state)
        return checkpointer.restore(path, item=state, restore_args=restore_args)


def standard_checkpointer(path: Path, state: Any, target: Any = None) -> Any:
    """Save with StandardCheckpointer, restore into an abstract state: the given one, or that of the state."""
    import orbax.checkpoint as ocp

    with closing(ocp.StandardCheckpointer()) as checkpointer:
        checkpointer.save(path, state)
        idioms.orbax_wait(checkpointer)
        return checkpointer.restore(path, target or abstract(state))


def manager(path: Path, state: Any, target: Any = None) -> Any:
    """Save with one CheckpointManager, restore with another into an abstract state, as above."""
    kinds = {"state": "standard"}
    with closing(idioms.orbax_manager(path, kinds)) as writer:
        idioms.orbax_manager_save(writer, 0, kinds, {"state": state})
        writer.wait_until_finished()
    with closing(idioms.orbax_manager(path, kinds)) as reader:
        return idioms.orbax_manager_restore(reader, 0, kinds, {"state": target or abstract(state)})["state"]


WAYS: list[Callable[[Path, Any], Any]] = [pytree_checkpointer, standard_checkpointer, manager]


def committed(state: Any) -> Any:
    """The state placed on one device in words, as restored arrays are: one program of the step then serves both."""
    import jax

    return jax.device_put(state, jax.devices()[0])


def assert_resumes(step: Callable[[Any], Any], state: Any, through_disk: Callable[[Any], Any]) -> None:
    """Three steps, a checkpoint, two more steps: the same bits whether the last two ran on the saved state or not."""
    for _ in range(3):
        state = step(state)
    restored = through_disk(state)
    assert_same(restored, state)
    for _ in range(2):
        state, restored = step(state), step(restored)
    assert_same(restored, state)


@functools.cache
def optax_training() -> tuple[Callable[[Any], Any], Any]:
    """A step and a first state of parameters under nested optax states: chain, mask, schedule, accumulation."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    x, y = regression_batch()
    schedule = optax.warmup_cosine_decay_schedule(0.0, 0.1, warmup_steps=2, decay_steps=8)
    decay = optax.masked(optax.add_decayed_weights(0.01), {"w": True, "b": False})
    scale = optax.scale_by_schedule(lambda count: -schedule(count))
    optimizer = optax.MultiSteps(
        optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam(), decay, scale), every_k_schedule=2
    )

    @jax.jit
    def step(state: Any) -> Any:
        def loss(params: Any) -> Any:
            return jnp.mean((x @ params["w"] + params["b"] - y) ** 2)

        updates, inner = optimizer.update(jax.grad(loss)(state["params"]), state["optimizer"], state["params"])
        return {"params": optax.apply_updates(state["params"], updates), "optimizer": inner}

    params = committed({"w": np.zeros((4, 1), np.float32), "b": np.zeros(1, np.float32)})
    return step, committed({"params": params, "optimizer": jax.jit(optimizer.init)(params)})


@pytest.mark.thorough
@pytest.mark.uses("jax", "jaxlib", "optax", "orbax-checkpoint")
@pytest.mark.level("interop")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_optax_state_resumes(tmp_path: Path, way: Callable[[Path, Any], Any]) -> None:
    """Nested optax states survive with their types, and training goes on bit for bit."""
    step, state = optax_training()
    assert_resumes(step, state, lambda state: way(tmp_path / "ck", state))


@functools.cache
def linen_training() -> tuple[Callable[[Any], Any], Any]:
    """A step and a first state of a linen model in flax's TrainState."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp
    import optax
    from flax.training import train_state

    x, y = regression_batch()

    class Model(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            return nn.Dense(1)(nn.relu(nn.Dense(8)(x)))

    model, optimizer = Model(), optax.adamw(1e-2)

    @jax.jit
    def create() -> Any:
        params = model.init(jax.random.PRNGKey(0), x)["params"]
        state = train_state.TrainState.create(apply_fn=model.apply, params=params, tx=optimizer)
        # TrainState starts its counter as a Python int; an array, as after a step, keeps jit from tracing twice.
        return state.replace(step=jnp.asarray(0, jnp.int32))

    @jax.jit
    def step(state: Any) -> Any:
        def loss(params: Any) -> Any:
            return jnp.mean((state.apply_fn({"params": params}, x) - y) ** 2)

        return state.apply_gradients(grads=jax.grad(loss)(state.params))

    return step, committed(create())


@pytest.mark.uses("jax", "jaxlib", "flax", "optax", "orbax-checkpoint")
@pytest.mark.level("interop")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_linen_train_state_resumes(tmp_path: Path, way: Callable[[Path, Any], Any]) -> None:
    """A flax TrainState (parameters, optax state, step counter) goes through orbax and training goes on bit for bit."""
    step, state = linen_training()
    assert_resumes(step, state, lambda state: way(tmp_path / "ck", state))


@functools.cache
def nnx_training() -> tuple[Callable[[Any], Any], Any]:
    """A step and a first state of an nnx model with its optimizer, both split into a graph and a state of arrays."""
    import jax.numpy as jnp
    import optax
    from flax import nnx

    x, y = regression_batch()

    class Model(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            self.first = nnx.Linear(4, 8, rngs=rngs)
            self.norm = nnx.BatchNorm(8, rngs=rngs)
            self.second = nnx.Linear(8, 1, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.second(nnx.relu(self.norm(self.first(x))))

    @nnx.jit
    def train(model: Any, optimizer: Any) -> None:
        gradients = nnx.grad(lambda model: jnp.mean((model(x) - y) ** 2))(model)
        idioms.nnx_apply_gradients(optimizer, model, gradients)

    @nnx.jit
    def create() -> Any:
        model = Model(nnx.Rngs(0))
        return model, idioms.nnx_optimizer(model, optax.adamw(1e-2))

    graph, state = nnx.split(create())

    def step(state: Any) -> Any:
        model, optimizer = nnx.merge(graph, state)
        train(model, optimizer)
        return nnx.split((model, optimizer))[1]

    return step, committed(state)


@pytest.mark.thorough
@pytest.mark.uses("jax", "jaxlib", "flax>=0.10.0", "optax", "orbax-checkpoint")
@pytest.mark.level("interop")
@pytest.mark.parametrize("way", WAYS[1:], ids=lambda way: way.__name__)
def test_nnx_state_resumes(tmp_path: Path, way: Callable[[Path, Any], Any]) -> None:
    """The nnx.State of model, batch statistics and nnx.Optimizer is a tree that orbax saves; training goes on."""
    step, state = nnx_training()
    assert_resumes(step, state, lambda state: way(tmp_path / "ck", state))


@pytest.mark.uses("jax", "jaxlib", "flax>=0.10.4", "optax", "orbax-checkpoint")
@pytest.mark.level("interop")
def test_nnx_pure_dict_resumes(tmp_path: Path) -> None:
    """The same state as a plain dictionary of arrays: flax's own advice for checkpoints that outlive its releases."""
    import jax
    import numpy as np
    from flax import nnx

    def through_disk(state: Any) -> Any:
        empty = jax.tree_util.tree_map(np.zeros_like, state)
        nnx.replace_by_pure_dict(empty, standard_checkpointer(tmp_path / "ck", nnx.to_pure_dict(state)))
        return empty

    step, state = nnx_training()
    assert_resumes(step, state, through_disk)


@functools.cache
def nnx_serving(rate: float) -> tuple[Callable[[], Any], Callable[[Any], Any], Any]:
    """How to create an nnx model with batch statistics and this rate of dropout, how it answers, and its first state.

    With dropout the state holds typed random keys. Each answer moves the statistics and the count of drawn keys.
    """
    from flax import nnx

    x, _ = regression_batch()

    class Model(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            self.first = nnx.Linear(4, 8, rngs=rngs)
            self.norm = nnx.BatchNorm(8, rngs=rngs)
            self.drop = nnx.Dropout(rate, rngs=rngs) if rate else None
            self.second = nnx.Linear(8, 1, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            x = nnx.relu(self.norm(self.first(x)))
            return self.second(x if self.drop is None else self.drop(x))

    def create() -> Any:
        return Model(nnx.Rngs(0))

    return create, nnx.jit(lambda model: model(x)), committed(nnx.state(nnx.jit(create)()))


def assert_nnx_restores(rate: float, through_disk: Callable[[Any, Any], Any]) -> None:
    """A used model's state, restored into an abstract model and merged, answers with the same bits, again and again."""
    import numpy as np
    from flax import nnx

    create, answer, state = nnx_serving(rate)
    graph, target = nnx.split(nnx.eval_shape(create))
    model = nnx.merge(graph, state)
    first = answer(model)
    restored = nnx.merge(graph, through_disk(committed(nnx.state(model)), target))
    wanted, found = ([answer(each), answer(each)] for each in (model, restored))
    assert_same(found, wanted)
    assert_same(nnx.state(restored, nnx.BatchStat), nnx.state(model, nnx.BatchStat))
    # Dropout that draws anew each time, and is restored to where it was: neither to its start nor to a fixed mask.
    assert not rate or len({np.asarray(each).tobytes() for each in (first, *wanted)}) == 3


@pytest.mark.uses("jax", "jaxlib", "flax>=0.10.0", "orbax-checkpoint>=0.5.0")
@pytest.mark.level("interop")
@pytest.mark.parametrize("way", WAYS[1:], ids=lambda way: way.__name__)
def test_nnx_restores_into_an_abstract_model(tmp_path: Path, way: Callable[[Path, Any, Any], Any]) -> None:
    """The guide's way: nnx.eval_shape says what to restore, nnx.merge makes a model of it, which answers the same."""
    assert_nnx_restores(0.0, lambda state, target: way(tmp_path / "ck", state, target))


@pytest.mark.feature("Orbax restoration of typed PRNG keys into an abstract flax.nnx model")
# Orbax announced that it saves and restores jax.random.key() in a tree with 0.11.7.
@pytest.mark.uses("jax", "jaxlib", "flax>=0.10.0", "orbax-checkpoint>=0.11.7")
@pytest.mark.level("interop")
@pytest.mark.parametrize("way", WAYS[1:], ids=lambda way: way.__name__)
def test_nnx_with_dropout_restores_into_an_abstract_model(tmp_path: Path, way: Callable[[Path, Any, Any], Any]) -> None:
    """The same for a model whose state holds typed random keys: it drops out the same units as if it had gone on."""
    assert_nnx_restores(0.25, lambda state, target: way(tmp_path / "ck", state, target))


@pytest.mark.thorough
@pytest.mark.uses("jax", "jaxlib", "flax>=0.10.4", "orbax-checkpoint>=0.5.0")
@pytest.mark.level("interop")
@pytest.mark.parametrize("target", [False, True], ids=["without target", "with target"])
def test_nnx_list_of_layers(tmp_path: Path, target: bool) -> None:
    """A list's layers have integers for names, which orbax may give back as text: flax's functions take both.

    As a plain dictionary it is restored with no target, and flax finds the integers again; into an abstract state
    orbax gives the names that this has.
    """
    import jax
    from flax import nnx

    class Model(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            self.layers = idioms.nnx_list([nnx.Linear(4, 4, rngs=rngs) for _ in range(11)])

        def __call__(self, x: Any) -> Any:
            for layer in self.layers:
                x = jax.numpy.tanh(layer(x))
            return x

    def create() -> Any:
        return Model(nnx.Rngs(0))

    x, _ = regression_batch()
    model = nnx.jit(create)()
    graph, state = nnx.split(nnx.eval_shape(create))
    if target:
        restored = standard_checkpointer(tmp_path / "ck", nnx.state(model), state)
    else:
        pure = without_target(tmp_path / "ck", nnx.to_pure_dict(nnx.state(model)))
        idioms.nnx_replace_by_restored(state, pure)
        restored = state
    answer = nnx.jit(lambda model, x: model(x))
    assert_same(answer(nnx.merge(graph, restored), x), answer(model, x))


def without_target(path: Path, state: Any) -> Any:
    """Save with StandardCheckpointer, restore with nothing but the path."""
    import orbax.checkpoint as ocp

    with closing(ocp.StandardCheckpointer()) as checkpointer:
        checkpointer.save(path, state)
        idioms.orbax_wait(checkpointer)
        return checkpointer.restore(path)


@pytest.mark.uses("jax", "jaxlib", "flax", "optax", "orbax-checkpoint")
@pytest.mark.level("interop")
def test_manager_with_a_checkpointer(tmp_path: Path) -> None:
    """The form of flax's linen guide: a CheckpointManager around PyTreeCheckpointer, told items and arguments to save.

    Orbax has called it legacy since 0.5.0; it keeps the last two steps of a training state and restores the latest.
    """
    import orbax.checkpoint as ocp
    from flax.training import orbax_utils

    step, state = linen_training()
    options = ocp.CheckpointManagerOptions(max_to_keep=2, create=True)
    with closing(ocp.CheckpointManager(tmp_path / "run", ocp.PyTreeCheckpointer(), options)) as manager:
        for number in range(4):
            save_args = orbax_utils.save_args_from_target(state)
            manager.save(number, state, save_kwargs={"save_args": save_args})
            wanted, state = state, step(state)
        manager.wait_until_finished()
        assert sorted(manager.all_steps()) == [2, 3]
        raw = manager.restore(manager.latest_step())
        kwargs = {"restore_args": orbax_utils.restore_args_from_target(wanted)}
        restored = manager.restore(3, items=wanted, restore_kwargs=kwargs)
    assert_same(restored, wanted)
    assert_same(raw["params"], wanted.params)
    assert_same(step(restored), state)


@pytest.mark.uses("jax", "jaxlib", "flax", "optax")
@pytest.mark.level("interop")
def test_linen_train_state_through_msgpack(tmp_path: Path) -> None:
    """Flax's own bytes hold a TrainState with optax's state, and training goes on bit for bit."""
    from flax import serialization

    step, state = linen_training()

    def through_disk(state: Any) -> Any:
        (tmp_path / "state").write_bytes(serialization.to_bytes(state))
        _, blank = linen_training()
        return committed(serialization.from_bytes(blank, (tmp_path / "state").read_bytes()))

    assert_resumes(step, state, through_disk)


@pytest.mark.thorough
@pytest.mark.uses("jax", "jaxlib", "flax", "orbax-checkpoint")
@pytest.mark.level("interop")
def test_flax_save_args(tmp_path: Path) -> None:
    """flax.training.orbax_utils writes the save and restore arguments of a linen tree, as flax's guide shows."""
    import flax.linen as nn
    import jax
    import numpy as np
    import orbax.checkpoint as ocp
    from flax.training import orbax_utils

    params = jax.jit(nn.Dense(3).init)(jax.random.PRNGKey(0), np.ones((1, 2), np.float32))
    with closing(ocp.PyTreeCheckpointer()) as checkpointer:
        checkpointer.save(tmp_path / "ck", params, save_args=orbax_utils.save_args_from_target(params))
        restore_args = orbax_utils.restore_args_from_target(params)
        assert_same(checkpointer.restore(tmp_path / "ck", item=params, restore_args=restore_args), params)
