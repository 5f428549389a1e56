"""The hardware of a machine, by the files of its drivers and its variables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stackcompat.run.hardware import CPU, find_cpu, find_hardware

VERSION = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version:  x\n"


def with_gpus(root: Path, *names: str) -> Path:
    """A file system with the files of NVIDIA's driver for these GPUs."""
    folder = root / "proc" / "driver" / "nvidia"
    folder.mkdir(parents=True)
    (folder / "version").write_text(VERSION)
    (root / "dev").mkdir()
    for number, name in enumerate(names):
        (folder / "gpus" / f"0000:0{number}:00.0").mkdir(parents=True)
        text = f"Model: \t\t {name}\nIRQ:   \t\t 17\nDevice Minor: \t {number}\n"
        (folder / "gpus" / f"0000:0{number}:00.0" / "information").write_text(text)
        (root / "dev" / f"nvidia{number}").touch()
    return root


def test_a_cpu_alone_has_no_label(tmp_path: Path) -> None:
    assert find_hardware({}, tmp_path) == CPU
    folder = tmp_path / "proc" / "driver" / "nvidia"
    folder.mkdir(parents=True)
    (folder / "version").write_text(VERSION)  # a driver without a device
    found = find_hardware({"CUDA_HOME": "/cuda", "LD_LIBRARY_PATH": "/x", "TPU_NAME": "t"}, tmp_path)
    assert found == CPU


@pytest.mark.parametrize(
    ("chosen", "label"),
    [
        (None, "1 NVIDIA A100, 2 NVIDIA H200, driver 550.54.15"),
        ("1", "1 NVIDIA H200, driver 550.54.15"),
        ("0, 2", "1 NVIDIA A100, 1 NVIDIA H200, driver 550.54.15"),
        ("1,7,2", "1 NVIDIA H200, driver 550.54.15"),
        ("GPU-0aa1", "1 NVIDIA A100, driver 550.54.15"),
        ("-1", ""),
        ("", ""),
    ],
)
def test_the_gpus_that_can_be_seen(tmp_path: Path, chosen: str | None, label: str) -> None:
    root = with_gpus(tmp_path, "NVIDIA A100", "NVIDIA H200", "NVIDIA H200")
    variables = {"LD_LIBRARY_PATH": "/cuda/lib", "XLA_FLAGS": "--x", "HOME": "/home/me"}
    variables |= {} if chosen is None else {"CUDA_VISIBLE_DEVICES": chosen}
    found = find_hardware(variables, root)
    assert (found.label, found.accelerated) == (label, bool(label))
    assert found.variables == ({"LD_LIBRARY_PATH": "/cuda/lib"} if label else {})
    assert found.devices == ({"CUDA_VISIBLE_DEVICES": chosen} if label and chosen is not None else {})


@pytest.mark.parametrize(("answer", "label"), [("NVIDIA H200, 570.1", "1 NVIDIA H200, driver 570.1"), ("", "")])
def test_where_a_container_hides_the_files_nvidia_smi_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, label: str
) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "nvidia0").touch()
    command = tmp_path / "nvidia-smi"
    command.write_text(f"#!/bin/sh\necho '{answer}'\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert find_hardware({}, tmp_path).label == label


def test_tpu_chips_are_counted(tmp_path: Path) -> None:
    (tmp_path / "dev" / "vfio").mkdir(parents=True)
    for name in ("vfio/0", "vfio/1", "vfio/vfio"):
        (tmp_path / "dev" / name).touch()
    assert find_hardware({}, tmp_path) == CPU
    found = find_hardware({"TPU_ACCELERATOR_TYPE": "v5litepod-4"}, tmp_path)
    assert (found.label, found.accelerated) == ("2 TPU v5litepod-4", True)
    assert found.variables == {"TPU_ACCELERATOR_TYPE": "v5litepod-4"}
    (tmp_path / "dev" / "accel0").touch()
    assert find_hardware({}, tmp_path).label == "1 TPU"


def test_a_person_names_the_machine(tmp_path: Path) -> None:
    root = with_gpus(tmp_path, "NVIDIA H200")
    assert find_hardware({"STACKCOMPAT_RUNNER": "cpu", "CUDA_HOME": "/cuda"}, root) == CPU
    named = find_hardware({"STACKCOMPAT_RUNNER": "gpu-pool"}, root)
    assert (named.label, named.accelerated) == ("gpu-pool", True)
    big = find_hardware({"STACKCOMPAT_RUNNER": "big"}, tmp_path / "elsewhere")
    assert (big.label, big.accelerated) == ("big", False)


@pytest.mark.parametrize(("name", "label"), [("", ""), ("cpu", ""), ("big", "big")])
def test_the_cpu_of_a_machine_is_named_by_a_person_alone(name: str, label: str) -> None:
    found = find_cpu({"STACKCOMPAT_RUNNER": name, "OMP_NUM_THREADS": "2", "CUDA_HOME": "/c"})
    assert (found.label, found.accelerated, found.variables) == (label, False, {"OMP_NUM_THREADS": "2"})
