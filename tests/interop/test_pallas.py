"""Pallas: kernels interpreted on the CPU against plain numpy, and lowered for a TPU and for GPUs that are not there."""

from __future__ import annotations

from typing import Any

import idioms
import pytest

pytestmark = [pytest.mark.thorough, pytest.mark.uses("jax>=0.5", "jaxlib")]


def normal(*shape: int, seed: int = 0) -> Any:
    import numpy as np

    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def product(x: Any, y: Any, **options: Any) -> Any:
    """A blocked matrix product: a grid of three axes, the last of which adds up in memory of the kernel's own."""
    import jax
    import jax.numpy as jnp
    from jax.experimental import pallas as pl
    from jax.experimental.pallas import tpu as pltpu

    def kernel(x: Any, y: Any, out: Any, total: Any) -> None:
        @pl.when(pl.program_id(2) == 0)
        def _() -> None:
            total[...] = jnp.zeros_like(total)

        total[...] += jnp.dot(x[...], y[...], preferred_element_type=jnp.float32)

        @pl.when(pl.program_id(2) == pl.num_programs(2) - 1)
        def _() -> None:
            out[...] = total[...]

    rows, inner, columns = 8, 128, 128
    return pl.pallas_call(
        kernel,
        out_shape=jax.ShapeDtypeStruct((x.shape[0], y.shape[1]), jnp.float32),
        grid=(x.shape[0] // rows, y.shape[1] // columns, x.shape[1] // inner),
        in_specs=[
            pl.BlockSpec((rows, inner), lambda i, j, k: (i, k)),
            pl.BlockSpec((inner, columns), lambda i, j, k: (k, j)),
        ],
        out_specs=pl.BlockSpec((rows, columns), lambda i, j, k: (i, j)),
        scratch_shapes=[pltpu.VMEM((rows, columns), jnp.float32)],
        **options,
    )(x, y)


def twice_plus_one(x: Any, **options: Any) -> Any:
    """The simplest kernel that has something to compute."""
    import jax
    from jax.experimental import pallas as pl

    def kernel(x: Any, out: Any) -> None:
        out[...] = x[...] * 2 + 1

    return pl.pallas_call(kernel, out_shape=jax.ShapeDtypeStruct(x.shape, x.dtype), **options)(x)


def tpu_interpreter(**options: Any) -> Any:
    """What `interpret` takes to simulate a TPU; public since jax 0.6.2."""
    from jax.experimental.pallas import tpu as pltpu

    return pltpu.InterpretParams(**options)


# ---------------------------------------------------------------------------------------------------------------------
# Interpreted
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.level("run")
def test_blocked_product_interpreted() -> None:
    """Grid, block specifications and scratch memory mean what they say: a blocked product is numpy's, jitted or not."""
    import jax
    import numpy as np

    x, y = normal(16, 256), normal(256, 128, seed=1)
    for call in (product, jax.jit(product, static_argnames="interpret")):
        np.testing.assert_allclose(np.asarray(call(x, y, interpret=True)), x @ y, rtol=1e-4, atol=1e-3)


@pytest.mark.level("run")
def test_a_kernel_under_vmap() -> None:
    """vmap adds an axis to the grid of a kernel."""
    import jax
    import numpy as np

    x, y = normal(3, 8, 128), normal(3, 128, 128, seed=1)
    found = jax.vmap(lambda x, y: product(x, y, interpret=True))(x, y)
    np.testing.assert_allclose(np.asarray(found), x @ y, rtol=1e-4, atol=1e-3)


@pytest.mark.uses("jax>=0.6.2")
@pytest.mark.level("run")
def test_blocked_product_on_a_simulated_tpu() -> None:
    """The simulation of a TPU's memories and cores computes what the plain interpreter does, and sees no race."""
    import numpy as np

    x, y = normal(8, 256), normal(256, 128, seed=1)
    found = product(x, y, interpret=tpu_interpreter(detect_races=True))
    np.testing.assert_allclose(np.asarray(found), x @ y, rtol=1e-4, atol=1e-3)


@pytest.mark.uses("jax>=0.8")
@pytest.mark.level("run")
def test_copies_between_simulated_tpus() -> None:
    """A kernel sends its block to the next of four devices by remote copy: what comes out is the rolled array."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax.experimental import pallas as pl
    from jax.experimental.pallas import tpu as pltpu
    from jax.sharding import PartitionSpec as P

    count = 4
    mesh = idioms.mesh((count,), ("i",))

    def kernel(x: Any, out: Any, sent: Any, received: Any) -> None:
        to = jax.lax.rem(jax.lax.axis_index("i") + 1, count)
        copy = pltpu.make_async_remote_copy(src_ref=x, dst_ref=out, send_sem=sent, recv_sem=received, device_id=(to,))
        copy.start()
        copy.wait()

    def shift(x: Any) -> Any:
        return pl.pallas_call(
            kernel,
            out_shape=jax.ShapeDtypeStruct(x.shape, jnp.float32),
            in_specs=[pl.BlockSpec(memory_space=pl.ANY)],
            out_specs=pl.BlockSpec(memory_space=pl.ANY),
            scratch_shapes=[pltpu.SemaphoreType.DMA, pltpu.SemaphoreType.DMA],
            interpret=tpu_interpreter(),
        )(x)

    x = normal(count * 8, 128)
    mapped = jax.jit(jax.shard_map(shift, mesh=mesh, in_specs=P("i"), out_specs=P("i"), check_vma=False))
    np.testing.assert_array_equal(np.asarray(mapped(x)), np.roll(x, 8, axis=0))


@pytest.mark.uses("flax>=0.11", "optax")
@pytest.mark.level("interop")
def test_a_kernel_inside_an_nnx_module() -> None:
    """A kernel with a derivative of its own, inside an nnx module that optax trains, takes the step of plain jax."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from flax import nnx

    @jax.custom_vjp
    def dot(x: Any, y: Any) -> Any:
        return product(x, y, interpret=True)

    def forward(x: Any, y: Any) -> Any:
        return dot(x, y), (x, y)

    def backward(saved: Any, gradient: Any) -> Any:
        x, y = saved
        return product(gradient, y.T, interpret=True), product(x.T, gradient, interpret=True)

    dot.defvjp(forward, backward)

    class Net(nnx.Module):
        def __init__(self, multiply: Any) -> None:
            self.kernel = nnx.Param(jnp.asarray(normal(128, 128, seed=2)) / 11)
            self.multiply = multiply

        def __call__(self, x: Any) -> Any:
            return jnp.tanh(self.multiply(x, idioms.nnx_value(self.kernel)))

    x, y = normal(128, 128), normal(128, 128, seed=1)
    trained = []
    for multiply in (dot, jnp.matmul):
        net = Net(multiply)
        optimizer = idioms.nnx_optimizer(net, optax.sgd(1.0))
        loss, gradients = nnx.value_and_grad(lambda net: jnp.mean((net(x) - y) ** 2))(net)
        idioms.nnx_apply_gradients(optimizer, net, gradients)
        trained.append((float(loss), np.asarray(idioms.nnx_value(net.kernel))))
    np.testing.assert_allclose(trained[0][0], trained[1][0], rtol=1e-4)
    np.testing.assert_allclose(trained[0][1], trained[1][1], rtol=1e-4, atol=1e-5)
    assert np.abs(trained[0][1] - normal(128, 128, seed=2) / 11).max() > 1e-4


@pytest.mark.level("run")
def test_a_kernel_does_not_run_on_a_cpu_uninterpreted() -> None:
    """Without `interpret` a CPU refuses, in words that say what is the matter."""
    with pytest.raises(ValueError, match="Only interpret mode is supported on CPU backend"):
        twice_plus_one(normal(8, 128))


# ---------------------------------------------------------------------------------------------------------------------
# Lowered
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.uses("flatbuffers")
@pytest.mark.level("lower")
def test_lowered_for_a_tpu() -> None:
    """Mosaic makes a TPU kernel of it where no TPU is: exported, it keeps the kernel and refuses to run elsewhere."""
    import jax
    from jax import export

    x, y = normal(16, 256), normal(256, 128, seed=1)
    blob = export.export(jax.jit(product), platforms=["tpu"])(x, y).serialize()
    exported = export.deserialize(bytearray(blob))
    assert exported.platforms == ("tpu",)
    assert [(aval.shape, str(aval.dtype)) for aval in exported.out_avals] == [((16, 128), "float32")]
    assert exported.mlir_module().count("tpu_custom_call") == 1
    with pytest.raises(ValueError, match="platform"):
        exported.call(x, y)


GPUS = ["NVIDIA A100-SXM4-40GB", "NVIDIA H100 80GB HBM3"]


def lowered_for_gpu(function: Any, kind: str, *arguments: Any) -> str:
    """The StableHLO of `function` for a GPU of that kind, of which no specimen is needed."""
    import jax
    from jax.sharding import AbstractDevice, AbstractMesh

    device = AbstractDevice(device_kind=kind, num_cores=132, platform="gpu")
    with jax.sharding.use_abstract_mesh(AbstractMesh((1,), ("i",), abstract_device=device)):
        return jax.jit(function).trace(*arguments).lower(lowering_platforms=("cuda",)).as_text()


@pytest.mark.uses("jax>=0.10.2")
@pytest.mark.level("lower")
@pytest.mark.parametrize("kind", GPUS)
def test_lowered_by_triton(kind: str) -> None:
    """Pallas makes a Triton kernel of it where no GPU is."""
    from jax.experimental.pallas import triton

    def call(x: Any) -> Any:
        return twice_plus_one(x, compiler_params=triton.CompilerParams(num_warps=4))

    text = lowered_for_gpu(call, kind, normal(64, 64))
    assert text.count("@__gpu$xla.gpu.triton") == 1
    assert "num_warps = 4" in text


@pytest.mark.uses("jax>=0.10.2", "absl-py")  # which Mosaic's code imports, and jax does not declare
@pytest.mark.level("lower")
@pytest.mark.parametrize("kind", GPUS)
def test_lowered_by_mosaic_gpu(kind: str) -> None:
    """Mosaic makes a GPU kernel of it where no GPU is."""
    import jax
    import jax.numpy as jnp
    from jax.experimental.pallas import mosaic_gpu

    def kernel(x: Any, out: Any) -> None:
        out[...] = x[...] * 2 + 1

    shape = jax.ShapeDtypeStruct((128, 128), jnp.float32)
    text = lowered_for_gpu(mosaic_gpu.kernel(kernel, out_type=shape), kind, normal(128, 128))
    assert text.count("@mosaic_gpu") == 1
