"""The hardware of this machine, as far as it can change what tests show: accelerators, and variables that reach tests.

The key of evidence holds it, so that what was seen on a CPU is no answer for a GPU.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from stackcompat.core.record import Record

__all__ = ["CPU", "RUNNER", "Hardware", "find_cpu", "find_hardware"]

#: The variable by which a person names the hardware of a machine. ``cpu``: accelerators are not used.
RUNNER = "STACKCOMPAT_RUNNER"

#: The caller's variables that reach every test and can change its result.
_OF_CPU = r"OPENBLAS_\w+|OMP_\w+|MKL_\w+" + (r"|NVPL_\w+" if platform.machine() == "aarch64" else "")
#: Those that reach tests only where there is an accelerator.
_OF_ACCELERATORS = r"CUDA_\w+|LD_LIBRARY_PATH|NVIDIA_\w+|TPU_\w+"
#: Those that choose among equal devices. The label says which kinds they are.
_CHOOSE_DEVICES = r"CUDA_VISIBLE_DEVICES|NVIDIA_VISIBLE_DEVICES|TPU_VISIBLE_CHIPS|TPU_VISIBLE_DEVICES"

#: The seconds that `nvidia-smi` can take.
_PATIENCE = 20


class Hardware(Record):
    """What tests find on a machine.

    Attributes:
        label: The accelerators with their driver, or the name that a person gave the machine; empty for a CPU alone.
        accelerated: Whether there are accelerators that tests can use.
        variables: The caller's variables that reach tests and can change their results.
        devices: The caller's variables that choose among equal devices.
    """

    label: str = ""
    accelerated: bool = False
    variables: dict[str, str] = {}
    devices: dict[str, str] = {}


#: A machine without accelerators.
CPU = Hardware()


def find_hardware(environ: Mapping[str, str] = os.environ, root: Path = Path("/")) -> Hardware:
    """The hardware of this machine.

    Args:
        environ: The variables of the caller.
        root: The root of the file system.
    """
    name = environ.get(RUNNER, "").strip()
    found = () if name == "cpu" else (*_nvidia(environ, root), *_tpus(environ, root))
    allowed = f"{_OF_CPU}|{_OF_ACCELERATORS}" if found else _OF_CPU
    passed_on = {key: value for key, value in sorted(environ.items()) if re.fullmatch(allowed, key)}
    return Hardware(
        label=", ".join(found) if name in ("", "cpu") else name,
        accelerated=bool(found),
        variables={key: value for key, value in passed_on.items() if not re.fullmatch(_CHOOSE_DEVICES, key)},
        devices={key: value for key, value in passed_on.items() if re.fullmatch(_CHOOSE_DEVICES, key)},
    )


def find_cpu(environ: Mapping[str, str] = os.environ) -> Hardware:
    """The hardware of this machine without its accelerators, under the name that a person gave the machine.

    Args:
        environ: The variables of the caller.
    """
    name = environ.get(RUNNER, "").strip()
    cpu = find_hardware({**environ, RUNNER: "cpu"})
    return cpu.model_copy(update={"label": "" if name == "cpu" else name})


def _nvidia(environ: Mapping[str, str], root: Path) -> tuple[str, ...]:
    """The GPUs of NVIDIA that can be seen, such as ``2 NVIDIA H200, driver 550.54.15``; none if there are none."""
    if not any((root / "dev").glob("nvidia[0-9]*")):
        return ()
    folder = root / "proc" / "driver" / "nvidia"
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("gpus/*/information"))]
    names = [match[1] for text in texts if (match := re.search(r"^Model:\s*(.+?)\s*$", text, re.MULTILINE))]
    driver = ""
    if (folder / "version").is_file():
        version = re.search(r"Kernel Module\D*?([\d.]+)\s", (folder / "version").read_text(encoding="utf-8"))
        driver = version[1] if version else ""
    if not names:
        names, driver = _ask_nvidia_smi(driver)
    return _label(_visible(names, environ.get("CUDA_VISIBLE_DEVICES")), f"driver {driver}" if driver else "")


def _ask_nvidia_smi(driver: str) -> tuple[list[str], str]:
    """The names of the GPUs and the version of the driver, where a container hides the files of the driver."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return ["NVIDIA GPU"], driver
    question = [command, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(question, capture_output=True, text=True, check=False, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return ["NVIDIA GPU"], driver
    rows = [line.rpartition(",") for line in answer.stdout.splitlines() if answer.returncode == 0 and "," in line]
    return [name.strip() for name, _, _ in rows], rows[0][2].strip() if rows else driver


def _visible(names: list[str], chosen: str | None) -> list[str]:
    """The devices that ``CUDA_VISIBLE_DEVICES`` leaves. A choice by another name than a number keeps the first ones."""
    if chosen is None:
        return names
    visible = []
    for place, text in enumerate(part.strip() for part in chosen.split(",")):
        number = int(text) if text.isdigit() else place
        if text in ("", "-1") or number >= len(names):
            break  # CUDA ignores everything after a device that does not exist
        visible.append(names[number])
    return visible


def _tpus(environ: Mapping[str, str], root: Path) -> tuple[str, ...]:
    """The TPU chips of this machine, such as ``4 TPU v5litepod-4``; none if there are none."""
    chips = list((root / "dev").glob("accel[0-9]*"))
    kind = environ.get("TPU_ACCELERATOR_TYPE", "")
    if not chips and kind:
        chips = list((root / "dev" / "vfio").glob("[0-9]*"))
    return _label([f"TPU {kind}".strip()] * len(chips), "")


def _label(names: Iterable[str], addition: str) -> tuple[str, ...]:
    """How many devices of which name there are, in one text; none if there are none."""
    counts = [f"{number} {name}" for name, number in sorted(Counter(names).items())]
    return (", ".join([*counts, addition] if addition else counts),) if counts else ()
