"""Shared set-up of the tests that write artifacts in one environment and read them in another.

A test marked ``writes("name")`` leaves an artifact in its folder, the tests marked ``reads("name")`` find it there in
another environment, with other releases, and compare what they read with what was written. The process environment is
set before anything imports jax.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

#: Artifacts are written by a process with eight devices and read by one with four.
DEVICES = {"write": 8, "read": 4}

os.environ["JAX_PLATFORMS"] = "cpu"
# Many tiny programs that run once: optimising them would cost more than it saves.
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
# No probing of cloud metadata servers: the tests run without a network.
os.environ["TPU_SKIP_MDS_QUERY"] = "1"


def pytest_sessionstart(session: pytest.Session) -> None:
    """The number of devices is fixed for good when jax starts."""
    devices = DEVICES[session.config.stackcompat_exchange["mode"]]
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    os.environ["XLA_FLAGS"] = flags.strip()


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Path:
    """The folder of the test's artifact: new and empty for its writer, a copy of what was written for its readers."""
    exchange = request.config.stackcompat_exchange
    path = Path(exchange["folder"]) / request.node.get_closest_marker(f"{exchange['mode']}s").args[0]
    if exchange["mode"] == "write":
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
    return path
