"""Pathways: what pathwaysutils promises where there is no service, and a proxy that nobody answers for."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time

import pytest

pytestmark = [pytest.mark.uses("jax>=0.10", "pathwaysutils>=0.1.5"), pytest.mark.level("interop")]


def dead_address() -> str:
    """A loopback address that nobody listens at: the system chose the port a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"grpc://127.0.0.1:{probe.getsockname()[1]}"


def test_initialize_without_a_service() -> None:
    """On a CPU `initialize` changes nothing, however often it is called: jax profiles, caches, computes as before."""
    import jax
    import jax.numpy as jnp
    import pathwaysutils

    profiler = jax.profiler.start_trace, jax.profiler.stop_trace
    caching = jax.config.jax_enable_compilation_cache
    for _ in range(2):
        pathwaysutils.initialize()
    assert not pathwaysutils.is_pathways_backend_used()
    assert (jax.profiler.start_trace, jax.profiler.stop_trace) == profiler
    assert jax.config.jax_enable_compilation_cache == caching
    assert jax.default_backend() == "cpu"
    assert float(jax.jit(jnp.sum)(jnp.arange(5.0))) == 10.0


def test_proxy_client_to_a_dead_address() -> None:
    """The client gives up when the time that it was given is over, in an error that says so; nothing hangs."""
    from jax.extend.backend import ifrt_proxy

    options = ifrt_proxy.ClientConnectionOptions()
    options.connection_timeout_in_seconds = 3
    began = time.monotonic()
    with pytest.raises(Exception, match="Unable to establish connection to ifrt_proxy server"):
        ifrt_proxy.get_client(dead_address(), options)
    assert time.monotonic() - began < 45


#: What `initialize` is documented to do for Pathways, said before the backend is asked for.
PROGRAM = """
import jax, json, pathwaysutils
before = jax.profiler.start_trace
pathwaysutils.initialize()
said = [pathwaysutils.is_pathways_backend_used(), jax.profiler.start_trace is not before]
print(json.dumps([*said, jax.config.jax_enable_compilation_cache]), flush=True)
jax.devices()
"""


@pytest.mark.uses("pathwaysutils>=0.1.13")
@pytest.mark.limit(120)
def test_a_program_without_its_service_ends() -> None:
    """For a proxy, `initialize` takes over the profiler and stops caching; a service that is not there is an error.

    It comes within the time-out that the environment gives: without one, the client waits for ever.
    """
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "proxy",
        "JAX_BACKEND_TARGET": dead_address(),
        "PATHWAYS_PROXY_CONNECTION_TIMEOUT_SECS": "3",
    }
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert json.loads(done.stdout) == [True, True, False], done.stderr[-2000:]
    assert done.returncode == 1
    assert "Unable to establish connection to ifrt_proxy server" in done.stderr, done.stderr[-2000:]


@pytest.mark.uses("pathwaysutils>=0.1.13")
def test_slices_that_answer() -> None:
    """The elastic tools run a small program on each slice, here two of four CPU devices, and find both alive."""
    import jax
    from pathwaysutils.elastic import elastic

    devices = jax.devices()
    slices = {0: devices[:4], 1: devices[4:]}
    assert elastic.get_active_slice_indices(slices) == {0, 1}
    assert elastic.get_active_slice_indices({1: devices[4:]}) == {1}
    assert elastic.is_error_due_to_slice_down(jax.errors.JaxRuntimeError("DATA_LOSS: gone"))
    assert not elastic.is_error_due_to_slice_down(ValueError("DATA_LOSS: gone"))
