"""The differences between releases that are announced API changes: one small function each.

A smoke test uses each release's own documented way, so every test that meets such a change calls a function of this
module. A function decides by the *installed version* of the library that owns the API, never by trying one way and
falling back to the other: a fallback would turn a break into a pass.

The module itself must be importable in any cell, so components are imported inside the functions only.
"""

from __future__ import annotations

import functools
import re
from importlib import metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# ---------------------------------------------------------------------------------------------------------------------
# Versions
# ---------------------------------------------------------------------------------------------------------------------


def version_tuple(version: str) -> tuple[int, ...]:
    """The release numbers of a version: "0.12.0.1" and "0.12.0.1rc1" are both (0, 12, 0, 1).

    A pre-release of X counts as X here: it has X's API.
    """
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match.group().split(".")) if match else ()


@functools.cache
def installed(distribution: str) -> tuple[int, ...] | None:
    """The installed version of a distribution as numbers, or None if it is absent.

    A distribution of another name with the same modules counts as well: tensorflow-cpu for tensorflow, a fork for its
    original.
    """
    try:
        return version_tuple(metadata.version(distribution))
    except metadata.PackageNotFoundError:
        names = metadata.packages_distributions().get(distribution.replace("-", "_"), [])
        return version_tuple(metadata.version(names[0])) if names else None


def at_least(distribution: str, version: str) -> bool:
    """Whether the distribution is installed in this version or a newer one."""
    found, wanted = installed(distribution), version_tuple(version)
    if found is None:
        return False
    width = max(len(found), len(wanted))
    return found + (0,) * (width - len(found)) >= wanted + (0,) * (width - len(wanted))


# ---------------------------------------------------------------------------------------------------------------------
# jax
# ---------------------------------------------------------------------------------------------------------------------


def mesh(shape: tuple[int, ...], names: tuple[str, ...]) -> Any:
    """A device mesh whose axes the compiler shards by itself ("auto" axes).

    jax 0.4.35 added jax.make_mesh; jax 0.7 asks for the axis types in words, since the default later became "explicit".
    """
    import jax

    if at_least("jax", "0.7.0"):
        return jax.make_mesh(shape, names, axis_types=(jax.sharding.AxisType.Auto,) * len(shape))
    if at_least("jax", "0.4.35"):
        return jax.make_mesh(shape, names)
    import numpy as np

    devices = np.asarray(jax.devices()[: int(np.prod(shape))])
    return jax.sharding.Mesh(devices.reshape(shape), names)


def mesh_context(mesh: Any) -> Any:
    """The context that makes a mesh current: jax.set_mesh since jax 0.8, the mesh itself before."""
    import jax

    return jax.set_mesh(mesh) if at_least("jax", "0.8.0") else mesh


def shard_map(function: Callable[..., Any], mesh: Any, in_specs: Any, out_specs: Any) -> Callable[..., Any]:
    """The per-device view of a function: jax.shard_map, which was jax.experimental.shard_map.shard_map before jax 0.7.

    (The last 0.6 releases have both; the experimental one is deprecated since 0.8.)
    """
    if at_least("jax", "0.7.0"):
        from jax import shard_map as transform
    else:
        from jax.experimental.shard_map import shard_map as transform
    return transform(function, mesh=mesh, in_specs=in_specs, out_specs=out_specs)


def enable_x64() -> Any:
    """A context in which 64-bit types are on: jax.enable_x64 since jax 0.8, jax.experimental.enable_x64 before."""
    if at_least("jax", "0.8.0"):
        import jax

        return jax.enable_x64(True)
    from jax.experimental import enable_x64 as context

    return context()


def exported_roundtrip(function: Callable[..., Any], *args: Any, **options: Any) -> Callable[..., Any]:
    """Export a jitted function for these arguments, serialise, deserialise, and give what then can be called.

    jax.export since jax 0.4.30, whose Exported has the methods; jax.experimental.export with functions from 0.4.24 on
    (options are keywords of export itself).
    """
    if at_least("jax", "0.4.30"):
        from jax import export

        blob = export.export(function, **options)(*args).serialize()
        return export.deserialize(bytearray(blob)).call
    from jax.experimental import export

    blob = export.serialize(export.export(function, **options)(*args))
    return export.call(export.deserialize(bytearray(blob)))


# ---------------------------------------------------------------------------------------------------------------------
# optax
# ---------------------------------------------------------------------------------------------------------------------


def optax_partition(rules: dict[str, Any], labels: Any) -> Any:
    """Different rules for different leaves: optax.partition since optax 0.2.5, optax.multi_transform before."""
    import optax

    return optax.partition(rules, labels) if at_least("optax", "0.2.5") else optax.multi_transform(rules, labels)


def optax_tree() -> dict[str, Callable[..., Any]]:
    """Tree arithmetic: optax.tree since optax 0.2.5, optax.tree_utils.tree_* before (where two had other names)."""
    import optax

    if at_least("optax", "0.2.5"):
        return {"norm": optax.tree.norm, "vdot": optax.tree.vdot, "add_scale": optax.tree.add_scale}
    utils = optax.tree_utils
    return {"norm": utils.tree_l2_norm, "vdot": utils.tree_vdot, "add_scale": utils.tree_add_scalar_mul}


# ---------------------------------------------------------------------------------------------------------------------
# flax
# ---------------------------------------------------------------------------------------------------------------------


def nnx_optimizer(model: Any, tx: Any) -> Any:
    """flax 0.11 made `wrt` (which variables are trained) a required argument of nnx.Optimizer."""
    from flax import nnx

    return nnx.Optimizer(model, tx, wrt=nnx.Param) if at_least("flax", "0.11") else nnx.Optimizer(model, tx)


def nnx_apply_gradients(optimizer: Any, model: Any, gradients: Any) -> None:
    """Since flax 0.11 an nnx.Optimizer no longer holds the model, so that update takes it as well."""
    if at_least("flax", "0.11"):
        optimizer.update(model, gradients)
    else:
        optimizer.update(gradients)


def nnx_value(variable: Any) -> Any:
    """The array inside an nnx.Variable: `variable[...]` since flax 0.12, which deprecates `variable.value`."""
    return variable[...] if at_least("flax", "0.12") else variable.value


def nnx_assign(variable: Any, value: Any) -> None:
    """Give an nnx.Variable a new array: `variable[...] = value` since flax 0.12, `variable.value = value` before."""
    if at_least("flax", "0.12"):
        variable[...] = value
    else:
        variable.value = value


def nnx_list(modules: list[Any]) -> Any:
    """A list of submodules: since flax 0.12 a module declares it with nnx.List, before a plain list was the way."""
    from flax import nnx

    return nnx.List(modules) if at_least("flax", "0.12") else modules


def nnx_replace_by_restored(state: Any, pure: Any) -> None:
    """Put a plain dictionary that a checkpointer restored into an nnx.State, where lists have integers for names.

    flax 0.12.1 brought nnx.restore_int_paths, which undoes that they became text; before, only the function that
    replaces did so.
    """
    from flax import nnx

    nnx.replace_by_pure_dict(state, nnx.restore_int_paths(pure) if at_least("flax", "0.12.1") else pure)


# ---------------------------------------------------------------------------------------------------------------------
# orbax-checkpoint
# ---------------------------------------------------------------------------------------------------------------------


def orbax_wait(checkpointer: Any) -> None:
    """Wait for a StandardCheckpointer's save, which goes on in the background since orbax-checkpoint 0.6.0."""
    if at_least("orbax-checkpoint", "0.6.0"):
        checkpointer.wait_until_finished()


def orbax_partial_restore(checkpointer: Any, path: Any, target: Any, restore_args: Any) -> Any:
    """Restore only those leaves of a PyTree checkpoint that `target` has.

    orbax-checkpoint 0.11.16 brought `partial_restore=True`; before it, an empty `transforms` meant the same.
    """
    import orbax.checkpoint as ocp

    if at_least("orbax-checkpoint", "0.11.16"):
        args = ocp.args.PyTreeRestore(item=target, restore_args=restore_args, partial_restore=True)
        return checkpointer.restore(path, args=args)
    if at_least("orbax-checkpoint", "0.5.0"):
        args = ocp.args.PyTreeRestore(item=target, restore_args=restore_args, transforms={})
        return checkpointer.restore(path, args=args)
    return checkpointer.restore(path, item=target, restore_args=restore_args, transforms={})


def orbax_metadata_tree(checkpointer: Any, path: Any) -> Any:
    """The tree of array metadata of a checkpoint, its containers as plain dictionaries.

    orbax-checkpoint 0.11.1 wrapped the tree in an object, 0.11.22 put the metadata of the step around that.
    """
    metadata_of = checkpointer.metadata(path)
    if at_least("orbax-checkpoint", "0.11.22"):
        metadata_of = metadata_of.item_metadata
    return metadata_of.tree if at_least("orbax-checkpoint", "0.11.1") else metadata_of


def orbax_manager(directory: Any, kinds: dict[str, str], **options: Any) -> Any:
    """A CheckpointManager for several items; `kinds` says of each whether it is "standard", "json" or "grain".

    orbax-checkpoint 0.5.0 replaced the dictionary of checkpointers by arguments given at each save and restore (and
    wanted the names of the items up front until 0.7.0).
    """
    import orbax.checkpoint as ocp

    option_values = ocp.CheckpointManagerOptions(**options)
    if at_least("orbax-checkpoint", "0.7.0"):
        return ocp.CheckpointManager(directory, options=option_values)
    if at_least("orbax-checkpoint", "0.5.0"):
        return ocp.CheckpointManager(directory, options=option_values, item_names=tuple(kinds))
    handlers = {"standard": ocp.StandardCheckpointHandler, "json": ocp.JsonCheckpointHandler}
    checkpointers = {name: ocp.Checkpointer(handlers[kind]()) for name, kind in kinds.items()}
    return ocp.CheckpointManager(directory, checkpointers, options=option_values)


def orbax_manager_save(
    manager: Any, step: int, kinds: dict[str, str], items: dict[str, Any], metrics: Any = None
) -> bool:
    """Save one step of an `orbax_manager` (see there for what changed)."""
    import orbax.checkpoint as ocp

    if not at_least("orbax-checkpoint", "0.5.0"):
        return manager.save(step, items, metrics=metrics)
    classes = {name: _orbax_args(kind)[0] for name, kind in kinds.items()}
    args = ocp.args.Composite(**{name: classes[name](item) for name, item in items.items()})
    return manager.save(step, args=args, metrics=metrics)


def orbax_manager_restore(manager: Any, step: int, kinds: dict[str, str], targets: dict[str, Any]) -> dict[str, Any]:
    """Restore one step of an `orbax_manager`; a target of None leaves the form to the checkpoint."""
    import orbax.checkpoint as ocp

    if not at_least("orbax-checkpoint", "0.5.0"):
        return manager.restore(step, items=targets)
    classes = {name: _orbax_args(kind)[1] for name, kind in kinds.items()}
    made = {name: classes[name]() if target is None else classes[name](target) for name, target in targets.items()}
    restored = manager.restore(step, args=ocp.args.Composite(**made))
    return {name: restored[name] for name in targets}


def _orbax_args(kind: str) -> tuple[Any, Any]:
    """The argument classes (for save, for restore) of a kind of item."""
    import orbax.checkpoint as ocp

    if kind == "grain":
        return grain_checkpoint_args()
    return {
        "standard": (ocp.args.StandardSave, ocp.args.StandardRestore),
        "json": (ocp.args.JsonSave, ocp.args.JsonRestore),
    }[kind]


def orbax_v1_save(target: Any) -> Callable[..., Any]:
    """`save` of the v1 API's module or its training.Checkpointer: called save_pytree before orbax-checkpoint 0.12.0."""
    return target.save if at_least("orbax-checkpoint", "0.12.0") else target.save_pytree


def orbax_v1_load(target: Any) -> Callable[..., Any]:
    """`load` of the v1 API's module or its training.Checkpointer: called load_pytree before orbax-checkpoint 0.12.0."""
    return target.load if at_least("orbax-checkpoint", "0.12.0") else target.load_pytree


def orbax_v1_save_async(target: Any) -> Callable[..., Any]:
    """`save_async` of the v1 API's module: called save_pytree_async before orbax-checkpoint 0.12.0."""
    return target.save_async if at_least("orbax-checkpoint", "0.12.0") else target.save_pytree_async


# ---------------------------------------------------------------------------------------------------------------------
# grain
# ---------------------------------------------------------------------------------------------------------------------


def grain_object(name: str) -> Any:
    """A public name of grain, where the release documents it.

    grain 0.2.6 brought `import grain` with submodules and shorter names; before, all was in `grain.python`. (There is
    no list of the modules to read this from: 0.2.6 and 0.2.7 kept ReadOptions in `grain.sources`.)
    """
    import importlib

    if not at_least("grain", "0.2.6"):
        old = {"Map": "MapTransform", "Filter": "FilterTransform", "RandomMap": "RandomMapTransform"}
        return getattr(importlib.import_module("grain.python"), old.get(name, name))
    modules = {
        "grain.transforms": ("Batch", "Filter", "Map", "MapWithIndex", "RandomMap"),
        "grain.samplers": ("IndexSampler", "SequentialSampler"),
        "grain.sharding": ("NoSharding", "ShardByJaxProcess", "ShardOptions"),
        "grain.sources": ("ArrayRecordDataSource", "RangeDataSource"),
        "grain.multiprocessing": ("MultiprocessingOptions",),
    }
    home = next((module for module, names in modules.items() if name in names), "grain")
    if name == "ReadOptions" and not at_least("grain", "0.2.8"):
        home = "grain.sources"
    return getattr(importlib.import_module(home), name)


def grain_experimental() -> Any:
    """grain.experimental since grain 0.2.6, grain.python.experimental before."""
    import importlib

    if at_least("grain", "0.2.6"):
        return importlib.import_module("grain.experimental")
    return importlib.import_module("grain.python").experimental


def grain_checkpoint_args() -> tuple[Any, Any]:
    """The classes (for save, for restore) that hand an iterator to orbax.

    Since grain 0.2.6 they are `grain.checkpoint.CheckpointSave` and `CheckpointRestore`, before it
    `grain.python.PyGrainCheckpointSave` and `PyGrainCheckpointRestore`.
    """
    import importlib

    if at_least("grain", "0.2.6"):
        module = importlib.import_module("grain.checkpoint")
        return module.CheckpointSave, module.CheckpointRestore
    module = importlib.import_module("grain.python")
    return module.PyGrainCheckpointSave, module.PyGrainCheckpointRestore


# ---------------------------------------------------------------------------------------------------------------------
# qwix
# ---------------------------------------------------------------------------------------------------------------------


def qwix_nnx_lora(model: Any, provider: Any, *inputs: Any) -> Any:
    """An nnx model with LoRA adapters: qwix 0.1.5 began to take the generator of their first values as `rngs`."""
    import qwix
    from flax import nnx

    options = {"rngs": nnx.Rngs(1)} if at_least("qwix", "0.1.5") else {}
    return qwix.apply_lora_to_model(model, provider, *inputs, **options)
