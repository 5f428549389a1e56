"""Shared set-up of the smoke tests: the process environment, before anything imports jax."""

from __future__ import annotations

import os

if "STACKCOMPAT_ACCELERATOR" in os.environ:
    # Several cells share the device, so none takes all of its memory beforehand.
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
else:
    os.environ["JAX_PLATFORMS"] = "cpu"
# Eight host devices in every process, so that single- and multi-device tests can share one: the number of devices is
# fixed for good when the backend starts. Flags that the caller already gave in XLA_FLAGS are kept, another number too.
if "--xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8".strip()
# The tests compile hundreds of tiny programs and run each a few times: optimising them would cost more than it saves.
# (A setting of jax's own: a release that does not know it ignores it, where an unknown XLA flag would end the process.)
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
# No probing of cloud metadata servers: the tests run without a network.
os.environ["TPU_SKIP_MDS_QUERY"] = "1"
# Where libtpu is there it compiles, and holds no device that others would have to be kept from: several cells may.
os.environ["ALLOW_MULTIPLE_LIBTPU_LOAD"] = "1"
