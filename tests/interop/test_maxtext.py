"""MaxText trains large language models: here a tiny one, over eight host devices, through its own command line.

MaxText sets options of jax for its whole process, so each test has one of its own. Nothing of a cloud takes part: the
data is synthetic, and ``DECOUPLE_GCLOUD`` makes MaxText do without its clients.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

MAXTEXT = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "tokamax", "maxtext>=0.2.0")

TINY = {
    "base_emb_dim": 64,
    "base_num_query_heads": 4,
    "base_num_kv_heads": 2,
    "base_mlp_dim": 128,
    "base_num_decoder_layers": 2,
    "head_dim": 16,
    "vocab_size": 128,
    "max_target_length": 16,
    "per_device_batch_size": 1,
    "dataset_type": "synthetic",
    "attention": "dot_product",
    "learning_rate": 0.01,
    "warmup_steps_fraction": 0.0,
    "skip_jax_distributed_system": True,
    "enable_goodput_recording": False,
    "log_config": False,
}
#: Eight devices: parameters split over four of them, each layer over two.
SHARDED = {"ici_fsdp_parallelism": 4, "ici_tensor_parallelism": 2}


def base_config() -> str:
    """The configuration that MaxText ships; all of it but what a test gives."""
    files = metadata.files("maxtext") or []
    return str(next(file for file in files if file.match("configs/base.yml")).locate())


def command_line(folder: Path, **options: Any) -> list[str]:
    """What one would type after the module's name."""
    given = TINY | SHARDED | {"run_name": "run", "base_output_directory": str(folder)} | options
    return ["", base_config(), *(f"{name}={value}" for name, value in given.items())]


def train(folder: Path, **options: Any) -> list[float]:
    """Train as the command line does; the loss of each step, as MaxText writes it down."""
    os.environ["DECOUPLE_GCLOUD"] = "TRUE"
    from maxtext.trainers.pre_train import train as trainer

    folder.mkdir(exist_ok=True)
    metrics = folder / "metrics.jsonl"
    metrics.unlink(missing_ok=True)
    trainer.main(command_line(folder, metrics_file=metrics, **options))
    return [json.loads(line)["learning/loss"] for line in metrics.read_text().splitlines()]


def saved(folder: Path, step: int) -> list[tuple[str, bytes]]:
    """Names and bits of all arrays that the run saved at a step."""
    import jax
    import numpy as np
    import orbax.checkpoint as ocp

    with ocp.PyTreeCheckpointer() as checkpointer:
        tree = checkpointer.restore(folder / "run" / "checkpoints" / str(step) / "items")

    def bits(leaf: Any) -> bytes:
        is_key = isinstance(leaf, jax.Array) and jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return np.asarray(jax.random.key_data(leaf) if is_key else leaf).tobytes()

    return [(jax.tree_util.keystr(path), bits(leaf)) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)]


@pytest.mark.alone
@pytest.mark.uses(*MAXTEXT)
@pytest.mark.level("interop")
def test_training_resumes(tmp_path: Path) -> None:
    """Sharded over eight devices, saved by orbax in the background: what was interrupted goes on to the same bits.

    The second run has nothing but the first one's checkpoint of its second step.
    """
    import numpy as np

    options = {"steps": 5, "checkpoint_period": 2, "async_checkpointing": True}
    losses = train(tmp_path / "whole", **options)
    assert len(losses) == 5
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.5 * losses[0]

    checkpoints = Path("run") / "checkpoints"
    shutil.copytree(tmp_path / "whole" / checkpoints / "2", tmp_path / "parts" / checkpoints / "2")
    again = train(tmp_path / "parts", **options)
    assert again == losses[-len(again) :]
    assert len(again) == 2
    assert saved(tmp_path / "parts", 4) == saved(tmp_path / "whole", 4)
    assert saved(tmp_path / "parts", 4) != saved(tmp_path / "parts", 2)


@pytest.mark.alone
@pytest.mark.uses(*MAXTEXT, "qwix")
@pytest.mark.level("interop")
def test_int8_training_by_qwix(tmp_path: Path) -> None:
    """Qwix quantises the model while it trains: near the exact run, and not equal to it."""
    import numpy as np

    options = {"steps": 4, "enable_checkpointing": False}
    exact = train(tmp_path / "exact", **options)
    quantised = train(tmp_path / "int8", quantization="int8", use_qwix_quantization=True, **options)
    assert np.isfinite(quantised).all()
    assert quantised[-1] < quantised[0] - 0.3
    difference = np.abs(np.subtract(exact, quantised))
    assert (difference > 0).all()
    assert (difference < 0.1).all()


@pytest.mark.alone
@pytest.mark.uses(*MAXTEXT, "libtpu")
@pytest.mark.level("compile")
@pytest.mark.parametrize(("topology", "shape"), [("v5e-16", "v5e:4x4"), ("v6e-16", "v6e:4x4")])
def test_compiles_for_tpu(tmp_path: Path, topology: str, shape: str) -> None:
    """MaxText's train_compile has libtpu compile the sharded train step for TPUs that are not there.

    What it writes is a program that names each device of such a topology.
    """
    os.environ |= {"DECOUPLE_GCLOUD": "TRUE", "TPU_SKIP_MDS_QUERY": "1"}
    from jax.experimental import topologies
    from maxtext.trainers.pre_train import train_compile

    program = tmp_path / "program.pickle"
    options = {"compile_topology": topology, "compile_topology_num_slices": 1, "enable_checkpointing": False}
    sharded = {"ici_fsdp_parallelism": 16, "ici_tensor_parallelism": 1}
    train_compile.main(command_line(tmp_path, compiled_trainstep_file=program, **sharded, **options))
    devices = {device.id: device for device in topologies.get_topology_desc(shape, "tpu").devices}
    named, codes = set(), []

    class Program(pickle.Unpickler):
        def persistent_load(self, pid: Any) -> Any:
            kind, *rest = pid
            if kind == "device":
                named.add(rest[0])
                return devices[rest[0]]
            codes.extend(rest)
            return rest[0] if rest else None

    with program.open("rb") as file:
        Program(file).load()
    assert named == devices.keys()
    assert len(named) == 16
    assert sum(map(len, codes)) > 100_000
