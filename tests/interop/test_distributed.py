"""Several processes, one program: jax.distributed on loopback, and what the stack promises about it.

The processes ("ranks") are started by the tests and run ``distributed_ranks.py``; none outlives its test.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import distributed_ranks
import idioms
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = pytest.mark.thorough

#: Seconds in which a program of ranks must have ended, whichever way; a hang is a failure.
ENDED_WITHIN = 100


def free_address() -> str:
    """A loopback address that nobody listens at: the system chose the port a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextlib.contextmanager
def started(program: str, folder: Path, ranks: Sequence[int], victim: int | None = None) -> Iterator[list[Any]]:
    """The processes of `program`; at the end of the block those that still run are killed."""
    address = free_address()
    killed = [] if victim is None else [str(victim)]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for rank in ranks:
            with (folder / f"{rank}.log").open("wb") as log:
                command = [sys.executable, "-I", distributed_ranks.__file__, program, str(rank), address, str(folder)]
                processes.append(subprocess.Popen([*command, *killed], stdout=log, stderr=subprocess.STDOUT))
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def log_of(folder: Path, rank: int) -> str:
    """The end of what a rank said."""
    return (folder / f"{rank}.log").read_text(encoding="utf-8", errors="replace")[-3000:]


def results(program: str, folder: Path) -> list[dict[str, Any]]:
    """What each rank of `program` reported; a rank that ends otherwise than well fails the test with its last words."""
    ranks = range(distributed_ranks.RANKS)
    with started(program, folder, ranks) as processes:
        deadline = time.monotonic() + ENDED_WITHIN
        for rank, process in enumerate(processes):
            code = process.wait(timeout=max(1, deadline - time.monotonic()))
            assert code == 0, f"rank {rank} of {program} ended with {code}: {log_of(folder, rank)}"
    return [json.loads((folder / f"{rank}.json").read_text(encoding="utf-8")) for rank in ranks]


@pytest.mark.uses("jax>=0.8", "jaxlib")
@pytest.mark.level("run")
@pytest.mark.limit(120)
def test_collectives_between_processes(tmp_path: Path) -> None:
    """Two processes with two devices each: every collective, carried by gloo, gives its closed form in both."""
    import numpy as np

    whole = np.arange(1, 17, dtype=np.float32).reshape(4, 4)
    expected = {
        "psum": whole.sum(0, keepdims=True),
        "pmax": whole.max(0, keepdims=True),
        "all_gather": np.tile(whole, (4, 1)),
        "psum_scatter": whole.sum(0),
        "ppermute": np.roll(whole, 1, axis=0),
        "all_to_all": whole,
        "sum": (whole**2).sum(),
        "product": whole.T @ whole,
        "of_processes": [10, 11],
        "broadcast": [10],
    }
    for rank, found in enumerate(results("collectives", tmp_path)):
        assert found.pop("process") == rank
        assert found.pop("counts") == [2, 4, 2]
        assert found.keys() == expected.keys()
        for name, value in found.items():
            # Sums of small whole numbers are exact, in whatever order they are taken.
            np.testing.assert_array_equal(np.asarray(value), np.asarray(expected[name]), err_msg=name)


@pytest.mark.uses("jax>=0.8", "jaxlib")
@pytest.mark.level("run")
@pytest.mark.limit(120)
@pytest.mark.parametrize("victim", [1, 0], ids=["a process", "the coordinator"])
def test_a_death_ends_the_program(tmp_path: Path, victim: int) -> None:
    """One process is killed between two collectives: the other one ends in an error that says so, it does not hang."""
    survivor = 1 - victim
    with started("bereaved", tmp_path, range(2), victim) as processes:
        assert processes[victim].wait(timeout=ENDED_WITHIN) == -9
        code = processes[survivor].wait(timeout=ENDED_WITHIN)
    said = log_of(tmp_path, survivor)
    assert code != 0, said
    assert json.loads((tmp_path / f"{survivor}.json").read_text(encoding="utf-8")) == {"joined": True}, said
    # Either the collective sees the connection end, or the coordination service misses the heartbeats.
    assert "UNAVAILABLE" in said or "Connection closed by peer" in said or "INTERNAL" in said, said


@pytest.mark.uses("jax>=0.8", "jaxlib")
@pytest.mark.level("run")
@pytest.mark.limit(120)
def test_a_missing_coordinator_is_an_error(tmp_path: Path) -> None:
    """A process whose coordinator never comes up gives up after the time-out it was given, and says why."""
    with started("alone", tmp_path, [1]) as processes:
        code = processes[0].wait(timeout=ENDED_WITHIN)
    assert code != 0
    assert "DEADLINE_EXCEEDED" in log_of(tmp_path, 1)
    assert not (tmp_path / "1.json").exists()


@pytest.mark.uses("jax>=0.8", "jaxlib", "flax>=0.12", "optax", "orbax-checkpoint>=0.11.26", "grain>=0.2.13")
@pytest.mark.level("interop")
@pytest.mark.limit(180)
def test_training_over_processes(tmp_path: Path) -> None:
    """grain gives each process its own records, nnx and optax train over all devices, orbax saves from both processes.

    The run equals plain numpy on the same batches; resumed from the checkpoint (state and position in the data) it goes
    on with the same bits in every shard; and one process with other devices reads what the two have written.
    """
    import numpy as np

    first, second = results("train", tmp_path)
    for found in (first, second):
        assert found["changed"] == distributed_ranks.STEPS
        assert found["equal"], "the resumed run differs from the uninterrupted one"
        assert found["seen"][distributed_ranks.STEPS :] == found["seen"][2:4]
    assert first["losses"] == second["losses"]
    halves = [sorted(flat(found["seen"][: distributed_ranks.STEPS])) for found in (first, second)]
    assert sorted(halves[0] + halves[1]) == list(range(distributed_ranks.RECORDS))
    assert halves[0] == list(range(8))
    assert [flat(found["seen"][:4]) for found in (first, second)] != halves  # shuffled

    saved = [dict(np.load(tmp_path / f"{rank}.npz")) for rank in range(2)]
    for name, leaf in saved[0].items():
        np.testing.assert_array_equal(leaf, saved[1][name])
    batches = [left + right for left, right in zip(first["seen"][:4], second["seen"][:4], strict=True)]
    begin, end = leaves(saved[0], "first"), leaves(saved[0], "last")
    # Among the leaves are the kernel and its momentum, which begins at zero.
    (kernel,) = (leaf for leaf in begin if leaf.shape == (8, 2) and leaf.any())
    losses, *trained = reference(batches, kernel)
    np.testing.assert_allclose(first["losses"][:4], losses, rtol=1e-4)
    for expected in trained:
        assert any(np.allclose(leaf, expected, rtol=1e-4, atol=1e-5) for leaf in end if leaf.shape == expected.shape)

    restored = read_in_one_process(tmp_path / "run")
    for leaf, expected in zip(restored, leaves(saved[0], "saved"), strict=True):
        np.testing.assert_array_equal(np.asarray(leaf), expected)
        assert len(leaf.sharding.device_set) == 8


def flat(lists: list[list[int]]) -> list[int]:
    return [number for numbers in lists for number in numbers]


def leaves(saved: dict[str, Any], when: str) -> list[Any]:
    """The leaves of the state at that time, in order."""
    return [saved[f"{when}-{number}"] for number in range(sum(name.startswith(when) for name in saved))]


def reference(batches: list[list[int]], kernel: Any) -> tuple[list[float], Any, Any]:
    """The same training in plain numpy: losses, kernel and bias at the end."""
    import numpy as np

    records = distributed_ranks.records()
    kernel, bias = kernel.astype(np.float64), np.zeros(2)
    moments = [np.zeros_like(kernel), np.zeros_like(bias)]
    losses = []
    for numbers in batches:
        x, y = (np.stack([records[number][key] for number in numbers]).astype(np.float64) for key in ("x", "y"))
        error = x @ kernel + bias - y
        losses.append((error**2).mean())
        gradients = [2 * x.T @ error / error.size, 2 * error.sum(0) / error.size]
        moments = [g + distributed_ranks.MOMENTUM * m for g, m in zip(gradients, moments, strict=True)]
        kernel = kernel - distributed_ranks.LEARNING_RATE * moments[0]
        bias = bias - distributed_ranks.LEARNING_RATE * moments[1]
    return losses, kernel, bias


def read_in_one_process(path: Path) -> list[Any]:
    """The leaves of the state that two processes saved, restored by this one onto its eight devices."""
    import jax

    target, _ = distributed_ranks.training(idioms.mesh((8,), ("data",)))
    kinds = {"state": "standard"}
    with closing(idioms.orbax_manager(path, kinds)) as manager:
        step = distributed_ranks.SAVED_AFTER - 1
        assert manager.latest_step() == step
        restored = idioms.orbax_manager_restore(manager, step, kinds, {"state": target})
    return jax.tree_util.tree_leaves(restored["state"])
