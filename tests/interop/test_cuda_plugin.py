"""JAX's CUDA plugin without a GPU: whether jax, jaxlib, the plugin and its PJRT library are of one release.

Where they are not, jax says so in a warning and goes on without the GPU, which many take for a broken driver.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import re
import warnings
from pathlib import Path
from typing import Any

import pytest

# A process takes one CUDA plugin and no other: each test has its own.
pytestmark = [pytest.mark.uses("jax>=0.8", "jaxlib"), pytest.mark.level("lower"), pytest.mark.alone]

#: The extension modules that jax asks the plugin for.
EXTENSIONS = ("_versions", "_triton", "_linalg", "_prng", "_solver", "_sparse", "_hybrid", "_rnn", "_mosaic_gpu_ext")


@pytest.mark.uses("jax-cuda13-plugin")
def test_extensions_of_cuda13() -> None:
    """jaxlib takes every extension module of the CUDA 13 plugin, whose kernels jax registers for lowering."""
    assert_extensions("jax_cuda13_plugin")


@pytest.mark.uses("jax-cuda12-plugin")
def test_extensions_of_cuda12() -> None:
    """jaxlib takes every extension module of the CUDA 12 plugin, whose kernels jax registers for lowering."""
    if importlib.util.find_spec("jax_cuda13_plugin"):
        pytest.skip("of two plugins jaxlib takes the one for CUDA 13")
    assert_extensions("jax_cuda12_plugin")


@pytest.mark.uses("jax-cuda13-pjrt")
def test_pjrt_library_of_cuda13() -> None:
    """jaxlib loads the PJRT library for CUDA 13, accepts its version, and stops at the missing GPU if there is none."""
    assert_pjrt_library("jax_plugins.xla_cuda13")


@pytest.mark.uses("jax-cuda12-pjrt")
def test_pjrt_library_of_cuda12() -> None:
    """jaxlib loads the PJRT library for CUDA 12, accepts its version, and stops at the missing GPU if there is none."""
    assert_pjrt_library("jax_plugins.xla_cuda12")


def assert_extensions(plugin: str) -> None:
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jaxlib import plugin_support

    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # "... is installed, but it is not compatible ..."
        for name in EXTENSIONS:
            module = plugin_support.import_from_plugin("cuda", name)
            assert module is not None, f"{plugin} has no {name}"
            assert module.__name__ == f"{plugin}.{name}"
    kernels = importlib.import_module(f"{plugin}._solver").registrations()
    matrix = np.eye(4, dtype=np.float32)
    for function, kernel in ((jnp.linalg.eigh, "cusolver_syevd_ffi"), (jnp.linalg.qr, "cusolver_geqrf_ffi")):
        text = jax.jit(function).trace(matrix).lower(lowering_platforms=("cuda",)).as_text()
        assert f"@{kernel}" in text
        assert kernel in kernels, f"jax asks for {kernel}, which the plugin does not have"


class _Version(ctypes.Structure):
    """PJRT_Api_Version of the C interface."""

    _fields_ = (
        ("size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("major", ctypes.c_int),
        ("minor", ctypes.c_int),
    )


class _Api(ctypes.Structure):
    """The beginning of PJRT_Api, which no release may change."""

    _fields_ = (("size", ctypes.c_size_t), ("extension", ctypes.c_void_p), ("version", _Version))


def assert_pjrt_library(package: str) -> None:
    from jaxlib import xla_client

    (folder,) = importlib.import_module(package).__path__
    library = Path(folder) / "xla_cuda_plugin.so"
    entry: Any = ctypes.CDLL(str(library)).GetPjrtApi
    entry.restype = ctypes.POINTER(_Api)
    version = entry().contents.version
    assert (version.major, version.minor) >= (0, 50)
    assert not xla_client.pjrt_plugin_loaded("cuda")
    xla_client.load_pjrt_plugin_dynamically("cuda", str(library))
    xla_client.initialize_pjrt_plugin("cuda")
    assert xla_client.pjrt_plugin_initialized("cuda")
    client: Any = None
    refusal = None
    try:
        client = xla_client.make_c_api_client("cuda", {}, None)
    except Exception as error:  # noqa: BLE001  (jaxlib has had several classes for it)
        refusal = str(error)
    if refusal is not None:
        assert re.search(r"No visible GPU|no supported devices|CUDA_ERROR_NO_DEVICE|Failed call to cuInit", refusal)
    else:
        assert "STACKCOMPAT_ACCELERATOR" in os.environ, "there is a client without a GPU"
        assert client.devices()
