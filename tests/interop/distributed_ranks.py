"""One process of several that jax.distributed joins.

``python -I distributed_ranks.py PROGRAM RANK ADDRESS FOLDER [VICTIM]``. Each rank has two devices of its own. What it
saw goes to ``FOLDER/<RANK>.json``, arrays to ``FOLDER/<RANK>.npz``; the test that started it judges. Components are
imported inside functions only, since the test imports this file as well.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

RANKS = 2
DEVICES_OF_A_RANK = 2
RECORDS = 16
STEPS = 4
SAVED_AFTER = 2
LEARNING_RATE = 0.02
MOMENTUM = 0.9
KINDS = {"state": "standard", "data": "grain"}


def join(rank: int, address: str, **options: Any) -> None:
    """Become one of the processes of a program; the first one serves as coordinator."""
    import jax

    # gloo is what carries collectives between CPU processes; newer releases choose it themselves.
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(address, num_processes=RANKS, process_id=rank, **options)


def placed(value: Any, mesh: Any, *spec: str | None) -> Any:
    """`value`, which every process knows in full, as one array over the devices of all of them."""
    import jax
    import numpy as np
    from jax.sharding import NamedSharding, PartitionSpec

    whole = np.asarray(value)
    sharding = NamedSharding(mesh, PartitionSpec(*spec))
    return jax.make_array_from_callback(whole.shape, sharding, lambda index: whole[index])


# ---------------------------------------------------------------------------------------------------------------------
# Collectives
# ---------------------------------------------------------------------------------------------------------------------


def collectives(rank: int) -> dict[str, Any]:
    """Every kind of collective over the four devices of both processes, the results as lists."""
    import idioms
    import jax
    import numpy as np
    from jax.experimental import multihost_utils
    from jax.sharding import PartitionSpec as P

    mesh = idioms.mesh((RANKS * DEVICES_OF_A_RANK,), ("i",))
    whole = np.arange(1, 17, dtype=np.float32).reshape(4, 4)
    x = placed(whole, mesh, "i", None)

    def body(x: Any) -> Any:
        return (
            jax.lax.psum(x, "i"),
            jax.lax.pmax(x, "i"),
            jax.lax.all_gather(x, "i", tiled=True),
            jax.lax.psum_scatter(x[0], "i", tiled=True),
            jax.lax.ppermute(x, "i", [(k, (k + 1) % 4) for k in range(4)]),
            jax.lax.all_to_all(x, "i", split_axis=1, concat_axis=0, tiled=True),
        )

    # What is gathered is laid out by device, so that the copy of each is seen.
    specs = {
        "psum": P(),
        "pmax": P(),
        "all_gather": P("i"),
        "psum_scatter": P("i"),
        "ppermute": P("i"),
        "all_to_all": P(None, "i"),
    }
    found = jax.jit(idioms.shard_map(body, mesh, P("i"), tuple(specs.values())))(x)
    results = {
        name: np.asarray(multihost_utils.process_allgather(value, tiled=True)).tolist()
        for name, value in zip(specs, found, strict=True)
    }
    # The compiler puts the collective in by itself where a sum runs over a sharded axis.
    results["sum"] = float(jax.jit(lambda x: (x**2).sum())(x))
    results["product"] = np.asarray(
        jax.jit(lambda x: x.T @ x, out_shardings=jax.sharding.NamedSharding(mesh, P()))(x)
    ).tolist()
    own = np.asarray([10.0 + rank], np.float32)
    results["of_processes"] = multihost_utils.process_allgather(own).ravel().tolist()
    results["broadcast"] = multihost_utils.broadcast_one_to_all(own).tolist()
    multihost_utils.sync_global_devices("done")
    counts = (jax.process_count(), jax.device_count(), jax.local_device_count())
    return results | {"counts": counts, "process": jax.process_index()}


# ---------------------------------------------------------------------------------------------------------------------
# Training
# ---------------------------------------------------------------------------------------------------------------------


def records() -> list[dict[str, Any]]:
    """The regression problem that is trained on; each record carries its number."""
    import numpy as np

    inputs = np.random.default_rng(0).normal(size=(RECORDS, 8)).astype(np.float32)
    targets = np.stack([inputs.sum(axis=1), np.sin(inputs[:, 0])], axis=1)
    return [{"number": np.int32(n), "x": x, "y": y} for n, (x, y) in enumerate(zip(inputs, targets, strict=True))]


def loader() -> Any:
    """A grain loader that gives each process its own half of the shuffled records, two at a time."""
    import idioms

    sampler = idioms.grain_object("IndexSampler")(
        num_records=RECORDS,
        shard_options=idioms.grain_object("ShardByJaxProcess")(drop_remainder=True),
        shuffle=True,
        num_epochs=1,
        seed=3,
    )
    batch = idioms.grain_object("Batch")(batch_size=DEVICES_OF_A_RANK, drop_remainder=True)
    return idioms.grain_object("DataLoader")(
        data_source=records(),
        sampler=sampler,
        operations=[batch],
        worker_count=0,
        read_options=idioms.grain_object("ReadOptions")(num_threads=1, prefetch_buffer_size=2),
    )


def training(mesh: Any) -> tuple[Any, Any]:
    """The first state of an nnx model with its optimizer, laid out over `mesh`, and the jitted step."""
    import idioms
    import jax
    import jax.numpy as jnp
    import optax
    from flax import nnx
    from jax.sharding import NamedSharding, PartitionSpec

    model = nnx.Linear(8, 2, rngs=nnx.Rngs(0))
    optimizer = idioms.nnx_optimizer(model, optax.sgd(LEARNING_RATE, momentum=MOMENTUM))
    graph, local = nnx.split((model, optimizer))
    # The rows of the kernel and of its momentum lie on different processes: each saves a part of both.
    state = jax.tree_util.tree_map(lambda leaf: placed(leaf, mesh, *(("data", None) if leaf.ndim == 2 else ())), local)
    layout = jax.tree_util.tree_map(lambda leaf: leaf.sharding, state)

    def step(state: Any, x: Any, y: Any) -> Any:
        model, optimizer = nnx.merge(graph, state)
        loss, gradients = nnx.value_and_grad(lambda model: jnp.mean((model(x) - y) ** 2))(model)
        idioms.nnx_apply_gradients(optimizer, model, gradients)
        return nnx.split((model, optimizer))[1], loss

    replicated = NamedSharding(mesh, PartitionSpec())
    return state, jax.jit(step, out_shardings=(layout, replicated))


def train(folder: Path) -> dict[str, Any]:
    """Train on per-process data, save in the middle, then again from the checkpoint, with nothing but fresh objects."""
    import idioms
    import jax
    import numpy as np
    from jax.experimental import multihost_utils
    from jax.sharding import NamedSharding, PartitionSpec

    mesh = idioms.mesh((RANKS * DEVICES_OF_A_RANK,), ("data",))
    by_record = NamedSharding(mesh, PartitionSpec("data", None))
    state, step = training(mesh)
    seen: list[list[int]] = []
    losses: list[float] = []
    digests: list[list[str]] = []

    def advance(state: Any, data: Any) -> Any:
        batch = next(data)
        seen.append(batch["number"].tolist())
        x, y = (jax.make_array_from_process_local_data(by_record, batch[name]) for name in ("x", "y"))
        state, loss = step(state, x, y)
        losses.append(float(loss))
        shards = [shard for leaf in jax.tree_util.tree_leaves(state) for shard in leaf.addressable_shards]
        digests.append([np.asarray(shard.data).tobytes().hex() for shard in shards])
        return state

    def whole(state: Any) -> list[Any]:
        leaves = jax.tree_util.tree_leaves(state)
        return [np.asarray(multihost_utils.process_allgather(leaf, tiled=True)) for leaf in leaves]

    data = iter(loader())
    arrays = {"first": whole(state)}
    with closing(idioms.orbax_manager(folder / "run", KINDS)) as manager:
        for number in range(STEPS):
            state = advance(state, data)
            if number + 1 == SAVED_AFTER:
                idioms.orbax_manager_save(manager, number, KINDS, {"state": state, "data": data})
                arrays["saved"] = whole(state)
        manager.wait_until_finished()
    arrays["last"] = whole(state)

    fresh, step = training(mesh)
    with closing(idioms.orbax_manager(folder / "run", KINDS)) as manager:
        targets = {"state": fresh, "data": iter(loader())}
        restored = idioms.orbax_manager_restore(manager, SAVED_AFTER - 1, KINDS, targets)
    state = restored["state"]
    for _ in range(SAVED_AFTER, STEPS):
        state = advance(state, restored["data"])
    rank = jax.process_index()
    named = {f"{when}-{number}": leaf for when, leaves in arrays.items() for number, leaf in enumerate(leaves)}
    np.savez(folder / f"{rank}.npz", **named)
    return {
        "seen": seen,
        "losses": losses,
        "equal": digests[STEPS:] == digests[SAVED_AFTER:STEPS],
        "changed": len({tuple(digest) for digest in digests[:STEPS]}),
    }


# ---------------------------------------------------------------------------------------------------------------------
# What goes wrong
# ---------------------------------------------------------------------------------------------------------------------


def bereaved(rank: int, victim: int) -> None:
    """After a sum over both processes the victim is gone, and the survivor goes on: that must end in an error."""
    import idioms
    import jax
    import numpy as np

    mesh = idioms.mesh((RANKS * DEVICES_OF_A_RANK,), ("i",))
    ones = placed(np.ones(4, np.float32), mesh, "i")
    total = jax.jit(lambda x: x.sum())
    assert float(total(ones)) == 4.0
    if rank == victim:
        os.kill(os.getpid(), signal.SIGKILL)
    total(ones).block_until_ready()


def main() -> None:
    """Run one program as one rank; where a victim is named, that rank is killed after it."""
    program, rank, address, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    victim = int(sys.argv[5]) if len(sys.argv) > 5 else None
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={DEVICES_OF_A_RANK}"
    sys.path.insert(0, str(Path(__file__).parent))
    # Where somebody is to be missed, he is missed soon.
    patience = {"heartbeat_timeout_seconds": 5} if victim is not None else {}
    join(rank, address, initialization_timeout=2 if program == "alone" else 40, **patience)
    match program:
        case "collectives":
            result = collectives(rank)
        case "train":
            result = train(folder)
        case _:
            result = {"joined": True}
    (folder / f"{rank}.json").write_text(json.dumps(result), encoding="utf-8")
    if victim is not None:
        bereaved(rank, victim)
        (folder / f"{rank}.json").write_text(json.dumps({"survived": True}), encoding="utf-8")


if __name__ == "__main__":
    main()
