"""Programs on the accelerator of this machine give the values that they give on its CPU.

Where there is no accelerator that tests can use, none of this applies. What stands for itself there, without a device,
is in test_cuda_plugin.py, test_libtpu.py and test_pallas.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.uses("jax>=0.8", "jaxlib"), pytest.mark.level("run"), pytest.mark.limit(240)]

#: For each plugin its name for devices, and where the system has them.
PLUGINS = {
    "jax-cuda13-plugin": ("gpu", "nvidia[0-9]*"),
    "jax-cuda12-plugin": ("gpu", "nvidia[0-9]*"),
    "libtpu": ("tpu", "accel[0-9]*"),
}


def device_of(plugin: str) -> Any:
    """The first device that a plugin serves. An error if the machine has one and jax goes on without it."""
    kind, files = PLUGINS[plugin]
    if "STACKCOMPAT_ACCELERATOR" not in os.environ:
        pytest.skip("this machine has no accelerator that tests can use")
    if not (any(Path("/dev").glob(files)) or (kind == "tpu" and any(Path("/dev/vfio").glob("[0-9]*")))):
        pytest.skip(f"this machine has an accelerator, and no {kind}")
    import jax

    return jax.devices(kind)[0]


def on_both(plugin: str, function: Callable[..., Any], *arguments: Any) -> tuple[Any, Any]:
    """The values of a compiled function on the accelerator and on the CPU."""
    import jax
    import numpy as np

    def values(device: Any) -> Any:
        placed = [jax.device_put(argument, device) for argument in arguments]
        result = jax.block_until_ready(jax.jit(function)(*placed))
        for leaf in jax.tree.leaves(result):
            assert set(leaf.devices()) == {device}, f"computed on {leaf.devices()}, not on {device}"
        return jax.tree.map(np.asarray, result)

    return values(device_of(plugin)), values(jax.devices("cpu")[0])


def uniform(*shape: int, seed: int = 0) -> Any:
    import numpy as np

    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def assert_close(both: tuple[Any, Any], tolerance: float) -> None:
    import jax
    import numpy as np

    there, here = (jax.tree.leaves(values) for values in both)
    assert len(there) == len(here) > 0
    for first, second in zip(there, here, strict=True):
        np.testing.assert_allclose(first.astype(np.float32), second.astype(np.float32), rtol=tolerance, atol=tolerance)


def matrix_products(plugin: str) -> None:
    """In single precision, and in bfloat16 with its eight bits."""
    import jax
    import jax.numpy as jnp

    left, right = uniform(96, 160), uniform(160, 64, seed=1)

    def product(a: Any, b: Any) -> Any:
        return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)

    assert_close(on_both(plugin, product, left, right), 1e-5)
    assert_close(on_both(plugin, product, left.astype(jnp.bfloat16), right.astype(jnp.bfloat16)), 5e-2)


def convolution_and_its_gradient(plugin: str) -> None:
    import jax
    import jax.numpy as jnp

    images, kernel = uniform(2, 12, 12, 3), uniform(3, 3, 3, 8, seed=1)

    def loss(kernel: Any, images: Any) -> Any:
        dimensions = ("NHWC", "HWIO", "NHWC")
        highest = jax.lax.Precision.HIGHEST
        out = jax.lax.conv_general_dilated(
            images, kernel, (1, 1), "SAME", dimension_numbers=dimensions, precision=highest
        )
        return jnp.mean(jnp.tanh(out) ** 2)

    assert_close(on_both(plugin, jax.value_and_grad(loss), kernel, images), 1e-5)


def linear_algebra(plugin: str) -> None:
    """What a library of the vendor computes: a Cholesky factor, eigenvalues, and the solution of a system."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    matrix = uniform(24, 24)
    positive = matrix @ matrix.T + 24 * np.eye(24, dtype=np.float32)

    def solve(positive: Any, right: Any) -> Any:
        with jax.default_matmul_precision("highest"):
            solution = jnp.linalg.solve(positive, right)
            return jnp.linalg.cholesky(positive), jnp.linalg.eigvalsh(positive), solution

    assert_close(on_both(plugin, solve, positive, uniform(24, 3, seed=1)), 1e-4)


def reductions_and_a_scan(plugin: str) -> None:
    import jax
    import jax.numpy as jnp

    def reduce(values: Any) -> Any:
        _, running = jax.lax.scan(lambda carry, x: (0.9 * carry + x, 0.9 * carry + x), jnp.zeros(16), values)
        return values.sum(), jax.nn.softmax(values), jnp.cumsum(values, axis=0), running, jax.nn.logsumexp(values)

    assert_close(on_both(plugin, reduce, uniform(64, 16)), 1e-5)


def integers_and_random_bits(plugin: str) -> None:
    """Nothing is rounded here, so the values are equal: also the bits of a key, on which all training depends."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    numbers = np.random.default_rng(0).integers(-1000, 1000, (32, 32)).astype(np.int32)

    def exact(numbers: Any) -> Any:
        key = jax.random.key(7, impl="threefry2x32")
        bits = jax.random.bits(key, (64,), dtype=jnp.uint32)
        return jnp.sort(numbers, axis=0), jnp.argmax(numbers, axis=1), numbers @ numbers.T, bits

    there, here = on_both(plugin, exact, numbers)
    for first, second in zip(there, here, strict=True):
        np.testing.assert_array_equal(first, second)


def moves_between_devices(plugin: str) -> None:
    """To the accelerator and back, bit for bit, numbers that are none among them."""
    import jax
    import numpy as np

    device = device_of(plugin)
    values = uniform(1000)
    values[:3] = (np.nan, np.inf, -0.0)
    there = jax.device_put(values, device)
    assert there.devices() == {device}
    back = np.asarray(jax.device_put(there, jax.devices("cpu")[0]))
    assert back.tobytes() == values.tobytes()


def training(plugin: str) -> None:
    """Twenty steps of Adam on two layers: the losses of both are the same within rounding, and fall."""
    import jax
    import jax.numpy as jnp
    import optax

    inputs, targets = uniform(64, 8), uniform(64, 1, seed=1)
    parameters = {"hidden": 0.5 * uniform(8, 32, seed=2), "out": 0.5 * uniform(32, 1, seed=3)}
    optimizer = optax.adam(1e-2)

    def loss(parameters: Any, inputs: Any, targets: Any) -> Any:
        with jax.default_matmul_precision("highest"):
            return jnp.mean((jnp.tanh(inputs @ parameters["hidden"]) @ parameters["out"] - targets) ** 2)

    def train(parameters: Any, inputs: Any, targets: Any) -> Any:
        def step(carry: Any, _: None) -> Any:
            parameters, state = carry
            value, gradient = jax.value_and_grad(loss)(parameters, inputs, targets)
            updates, state = optimizer.update(gradient, state)
            return (optax.apply_updates(parameters, updates), state), value

        return jax.lax.scan(step, (parameters, optimizer.init(parameters)), None, length=20)[1]

    there, here = on_both(plugin, train, parameters, inputs, targets)
    assert_close((there, here), 1e-3)
    assert there[-1] < 0.9 * there[0]


#: The programs that need no other library.
each_program = pytest.mark.parametrize(
    "program",
    [
        matrix_products,
        convolution_and_its_gradient,
        linear_algebra,
        reductions_and_a_scan,
        integers_and_random_bits,
        moves_between_devices,
    ],
)


@each_program
@pytest.mark.uses("jax-cuda13-plugin")
def test_on_cuda13(program: Callable[[str], None]) -> None:
    program("jax-cuda13-plugin")


@each_program
@pytest.mark.uses("jax-cuda12-plugin")
def test_on_cuda12(program: Callable[[str], None]) -> None:
    program("jax-cuda12-plugin")


@each_program
@pytest.mark.uses("libtpu")
def test_on_a_tpu(program: Callable[[str], None]) -> None:
    program("libtpu")


@pytest.mark.level("interop")
@pytest.mark.uses("jax-cuda13-plugin", "optax")
def test_training_on_cuda13() -> None:
    training("jax-cuda13-plugin")


@pytest.mark.level("interop")
@pytest.mark.uses("jax-cuda12-plugin", "optax")
def test_training_on_cuda12() -> None:
    training("jax-cuda12-plugin")


@pytest.mark.level("interop")
@pytest.mark.uses("libtpu", "optax")
def test_training_on_a_tpu() -> None:
    training("libtpu")
