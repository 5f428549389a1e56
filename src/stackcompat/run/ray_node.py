"""The side of a Ray cluster that runs cells: what a task does on its node.

A node has Ray, this tool with the same code, interpreters, a way to the package index, and a package cache of its own,
each by its own settings. Everything else comes with the cell. Whether the node fits is found out here, where it is
known: a node that does not fit says why, and the cell goes to another one.
"""

from __future__ import annotations

import functools
import hashlib
import os
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import uv

import stackcompat
from stackcompat.core.errors import UsageError
from stackcompat.core.files import remove_tree
from stackcompat.core.folders import default_cache
from stackcompat.core.record import Record
from stackcompat.ecosystem.interpreters import Interpreter, find_interpreters, how_to_get, this_platform
from stackcompat.evidence.results import CellOutcome, CellResult
from stackcompat.run.hardware import Hardware, find_cpu, find_hardware
from stackcompat.run.isolation import find_means, level_of
from stackcompat.run.job import Job
from stackcompat.run.local import LocalExecutor
from stackcompat.run.package_cache import PackageCache, cache_bound
from stackcompat.run.parcels import Parcels, pack, relocated

__all__ = ["Ended", "Question", "Shipment", "Unfit", "accelerators_here", "answer", "engine_digest", "run_shipment"]

#: The packages whose code runs on a node.
_ENGINE = ("core", "ecosystem", "evidence", "resolve", "run")


class Shipment(Record):
    """A cell on its way to a node. What belongs to it travels beside it, as parcels.

    Attributes:
        job: The job, with the paths of the machine that sends it.
        engine: The digest of the code that must run it.
        interpreter: The full version of the interpreter that the environment must be made from.
        parcels: For each path of the machine that sends it, the name of the parcel with its content.
    """

    job: Job
    engine: str
    interpreter: str
    parcels: dict[Path, str]


class Unfit(NamedTuple):
    """Why a node does not run a cell, and the outcome of the cell if no node does."""

    outcome: CellOutcome
    reason: str


class Ended(NamedTuple):
    """The result of a cell as JSON, and the packed artifacts that it wrote; empty if it wrote none."""

    result: str
    artifacts: bytes


@functools.cache
def engine_digest() -> str:
    """The digest of the code of this tool that runs cells. Two machines with the same one run a cell alike."""
    root = Path(stackcompat.__file__).parent
    content = hashlib.sha256()
    for package in _ENGINE:
        for path in sorted((root / package).rglob("*.py")):
            content.update(f"{path.relative_to(root).as_posix()}\n".encode() + path.read_bytes())
    return content.hexdigest()[:16]


def run_shipment(text: str, fetch: Callable[[str], bytes], environ: Mapping[str, str] = os.environ) -> Ended | Unfit:
    """Run a cell on this node.

    Args:
        text: The shipment as JSON, from a machine with the same code.
        fetch: Gives the archive of a parcel by its name.
        environ: The variables of this node.

    Returns:
        The result of the cell, or why this node does not run it.
    """
    shipment = Shipment.model_validate_json(text)
    job = shipment.job
    found = _interpreter(job.lock.python)
    if unfit := _unfit(shipment, found, environ):
        return unfit
    assert found is not None
    executor, cache = _executor(default_cache())
    with cache.claimed():
        parcels = Parcels(cache.root / "parcels")
        places = {path: parcels.open(name, functools.partial(fetch, name)) for path, name in shipment.parcels.items()}
        folder = cache.environments / f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        written = parcels.root / f"{folder.name}-artifacts"  # if this process is lost, it is dropped as parcels are
        here = relocated(job, places).model_copy(
            update={
                "folder": folder,
                "interpreter": found.path,
                "cache": cache.root,
                "uv": cache.uv,
                "hardware": _with_own_devices(job.hardware, environ),
            }
        )
        writes = here.exchange is not None and here.exchange.mode == "write"
        if here.exchange is not None and writes:
            here = here.model_copy(update={"exchange": here.exchange.model_copy(update={"store": written})})
        try:
            result: CellResult = executor.run(here)
            artifacts = pack(written, follow=False).content if writes and written.is_dir() else b""
        finally:
            remove_tree(written)
            Path(f"{written}.lock").unlink(missing_ok=True)
    return Ended(result.to_json(), artifacts)


@functools.cache
def _interpreter(python: str) -> Interpreter | None:
    """The interpreter of this node for a Python such as ``3.12``. It is looked for once for each process."""
    return find_interpreters([python]).get(python)


@functools.cache
def _executor(root: Path) -> tuple[LocalExecutor, PackageCache]:
    """What runs the cells of this process, one after another, with the package cache of the node."""
    cache = PackageCache(root, uv.find_uv_bin(), cache_bound())
    Parcels(cache.root / "parcels").drop_unused()
    return LocalExecutor(cache, 1), cache


def _unfit(shipment: Shipment, found: Interpreter | None, environ: Mapping[str, str]) -> Unfit | None:
    """Why this node does not run a cell; None if it can. The key of the evidence must be true of what runs here."""
    job = shipment.job
    if this_platform() != job.lock.platform:
        return Unfit("crashed", f"it is {this_platform()}, and the cell is for {job.lock.platform}")
    if found is None:
        return Unfit("interpreter-missing", how_to_get(job.lock.python))
    if found.version != shipment.interpreter:
        return Unfit(
            "interpreter-missing", f"it has Python {found.version}, and the cell is for {shipment.interpreter}"
        )
    if job.isolation == "strict":
        try:
            level_of(job.isolation, find_means())
        except UsageError as error:
            return Unfit("crashed", str(error))
    if job.index and not environ.get(job.index):
        return Unfit("crashed", f"it has no environment variable {job.index} with the address of the extra index")
    here = accelerators_here(environ) if job.hardware.accelerated else find_cpu(environ)
    if here.label != job.hardware.label:
        return Unfit("crashed", f'its hardware is "{here.label}", and the cell is for "{job.hardware.label}"')
    differing = sorted(name for name, value in here.variables.items() if job.hardware.variables.get(name) != value)
    if job.hardware.accelerated and differing:
        return Unfit("crashed", f"its value of {', '.join(differing)} differs from that of the other nodes")
    return None


def accelerators_here(environ: Mapping[str, str] = os.environ) -> Hardware:
    """The accelerators that a task sees, with the variables that reach tests only where there is an accelerator.

    The variables of a CPU come with the cell: Ray sets ``OMP_NUM_THREADS`` for each of its tasks.
    """
    found = find_hardware(environ)
    others = find_cpu(environ).variables
    return found.model_copy(update={"variables": {k: v for k, v in found.variables.items() if k not in others}})


def _with_own_devices(asked: Hardware, environ: Mapping[str, str]) -> Hardware:
    """The hardware that a cell asks for, with the devices that Ray gave this task."""
    if not asked.accelerated:
        return asked
    return asked.model_copy(update={"devices": find_hardware(environ).devices})


# ---------------------------------------------------------------------------------------------------------------------
# Plain data, as Ray carries it between machines that could have other code
# ---------------------------------------------------------------------------------------------------------------------

#: The question of a task: what accelerators it sees, or the result of a cell.
Question = Literal["accelerators", "cell"]


def answer(question: Question, text: str, engine: str, fetch: Callable[[str], bytes]) -> dict[str, Any]:
    """The answer of this node to a task, as plain data.

    Args:
        question: What is asked.
        text: The shipment, if a cell is to be run.
        engine: The digest of the code of the machine that asks.
        fetch: Gives the archive of a parcel by its name.
    """
    if engine_digest() != engine:
        reason = "it has another version of stackcompat; install the same everywhere"
        return {"unfit": Unfit("crashed", reason)._asdict()}
    if question == "accelerators":
        return {"hardware": accelerators_here().to_json()}
    ended = run_shipment(text, fetch)
    return {"unfit" if isinstance(ended, Unfit) else "ended": ended._asdict()}
