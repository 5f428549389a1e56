"""Programs compiled for TPUs ahead of time, on a machine that has none: jax, jaxlib and libtpu must fit together.

libtpu carries the TPU compiler; given the name of a topology it compiles for it and says what the executable needs.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import idioms
import pytest

# Each test has a process of its own: libtpu reads its settings, and takes its memory, once and for good.
pytestmark = [
    pytest.mark.uses("jax>=0.10", "jaxlib", "libtpu"),
    pytest.mark.level("compile"),
    pytest.mark.alone,
    pytest.mark.limit(240),
]

#: Each topology with what its devices are called: four chips of the fifth and of the sixth generation.
TOPOLOGIES = {"v5e:2x2": "TPU v5 lite", "v6e:2x2": "TPU v6 lite"}


@pytest.fixture
def meshes(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """For each topology a mesh of two by two devices that exist as a description only."""
    # Nothing here may ask a metadata server, and where there is no TPU the runtime cannot find these out.
    monkeypatch.setenv("TPU_SKIP_MDS_QUERY", "1")
    monkeypatch.setenv("TPU_ACCELERATOR_TYPE", "v5litepod-4")
    monkeypatch.setenv("TPU_WORKER_HOSTNAMES", "localhost")
    monkeypatch.setenv("TPU_WORKER_ID", "0")
    from jax.experimental import topologies

    found = {name: topologies.get_topology_desc(platform="tpu", topology_name=name) for name in TOPOLOGIES}
    assert {name: t.devices[0].device_kind for name, t in found.items()} == TOPOLOGIES
    return [topologies.make_mesh(topology, (2, 2), ("data", "model")) for topology in found.values()]


def described(mesh: Any, shape: tuple[int, ...], dtype: Any, *spec: str | None) -> Any:
    """An array that exists as a description only, laid out over `mesh`."""
    import jax
    from jax.sharding import NamedSharding, PartitionSpec

    return jax.ShapeDtypeStruct(shape, dtype, sharding=NamedSharding(mesh, PartitionSpec(*spec)))


def operations(compiled: Any, name: str) -> int:
    """How many operations of that name the executable has; an asynchronous pair counts once."""
    return len(re.findall(rf"= [^=]*? {name}(?:-start)?\(", compiled.as_text()))


def test_product_over_devices(meshes: list[Any]) -> None:
    """A product whose inner dimension is split adds up over the devices; arithmetic and memory are the closed forms."""
    import jax
    import jax.numpy as jnp

    for mesh in meshes:
        x = described(mesh, (512, 1024), jnp.float32, "data", "model")
        w = described(mesh, (1024, 256), jnp.float32, "model", None)
        compiled = jax.jit(lambda x, w: x @ w).lower(x, w).compile()
        assert operations(compiled, "all-reduce") == 1
        memory = compiled.memory_analysis()
        # Of each device: a quarter of x and half of w; half of the rows come out.
        assert memory.argument_size_in_bytes == 4 * (512 * 1024 // 4 + 1024 * 256 // 2)
        assert memory.output_size_in_bytes == 4 * 512 * 256 // 2
        cost = compiled.cost_analysis()
        assert cost["flops"] == pytest.approx(2 * 256 * 512 * 256, rel=0.01)


@pytest.mark.uses("flax>=0.12", "optax")
def test_sharded_training_step(meshes: list[Any]) -> None:
    """A step of an nnx model with optax's adam, over data and model axes: communicating, with its state in place."""
    import jax
    import jax.numpy as jnp
    import optax
    from flax import nnx
    from jax.sharding import NamedSharding, PartitionSpec

    class Net(nnx.Module):
        def __init__(self, rngs: Any) -> None:
            self.first = nnx.Linear(256, 1024, use_bias=False, rngs=rngs)
            self.second = nnx.Linear(1024, 256, use_bias=False, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.second(nnx.relu(self.first(x)))

    def build() -> Any:
        model = Net(nnx.Rngs(0))
        return nnx.split((model, idioms.nnx_optimizer(model, optax.adam(1e-3))))

    graph, state = nnx.eval_shape(build)
    specs = {(256, 1024): PartitionSpec(None, "model"), (1024, 256): PartitionSpec("model", None)}

    def step(state: Any, x: Any, y: Any) -> Any:
        model, optimizer = nnx.merge(graph, state)
        loss, gradients = nnx.value_and_grad(lambda model: jnp.mean((model(x) - y) ** 2))(model)
        idioms.nnx_apply_gradients(optimizer, model, gradients)
        return nnx.split((model, optimizer))[1], loss

    for mesh in meshes:
        laid = functools.partial(NamedSharding, mesh)
        layout = jax.tree_util.tree_map(lambda leaf, laid=laid: laid(specs.get(leaf.shape, PartitionSpec())), state)
        given = jax.tree_util.tree_map(
            lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), state, layout
        )
        x = described(mesh, (512, 256), jnp.float32, "data", None)
        replicated = NamedSharding(mesh, PartitionSpec())
        jitted = jax.jit(step, donate_argnums=0, out_shardings=(layout, replicated))
        compiled = jitted.lower(given, x, x).compile()
        # The second layer adds up over "model", the gradients over "data".
        assert operations(compiled, "all-reduce") >= 2
        parameters = 2 * 256 * 1024 // 2 * 4
        batch = 2 * 512 * 256 // 2 * 4
        memory = compiled.memory_analysis()
        # Weights and the two moments of adam; scalars take a tile each.
        assert memory.argument_size_in_bytes == pytest.approx(3 * parameters + batch, abs=16_384)
        assert memory.alias_size_in_bytes == pytest.approx(3 * parameters, abs=16_384)
        # Two products forward, and backward two for the second layer and one for the first.
        assert compiled.cost_analysis()["flops"] == pytest.approx(5 * 2 * 256 * 256 * 512, rel=0.05)


@pytest.mark.uses("flatbuffers")
def test_pallas_kernel(meshes: list[Any]) -> None:
    """A Pallas kernel on each device compiles to Mosaic's call, alone or brought over as an exported program."""
    import jax
    import jax.numpy as jnp
    from jax import export
    from jax.experimental import pallas as pl
    from jax.sharding import PartitionSpec as P

    def kernel(x: Any, y: Any, out: Any) -> None:
        out[...] = jnp.dot(x[...], y[...], preferred_element_type=jnp.float32)

    def product(x: Any, y: Any) -> Any:
        return pl.pallas_call(
            kernel,
            out_shape=jax.ShapeDtypeStruct((x.shape[0], y.shape[1]), jnp.float32),
            grid=(x.shape[0] // 128,),
            in_specs=[pl.BlockSpec((128, 256), lambda i: (i, 0)), pl.BlockSpec((256, 128), lambda _: (0, 0))],
            out_specs=pl.BlockSpec((128, 128), lambda i: (i, 0)),
        )(x, y)

    for mesh in meshes:
        mapped = jax.shard_map(
            product, mesh=mesh, in_specs=(P(("data", "model")), P()), out_specs=P(("data", "model")), check_vma=False
        )
        x = described(mesh, (1024, 256), jnp.float32, ("data", "model"), None)
        y = described(mesh, (256, 128), jnp.float32)
        compiled = jax.jit(mapped).lower(x, y).compile()
        assert compiled.as_text().count('custom_call_target="tpu_custom_call"') == 1
        assert operations(compiled, "all-gather") == 0
        assert compiled.memory_analysis().output_size_in_bytes == 4 * 1024 * 128 // 4

        exported = export.export(jax.jit(mapped), platforms=["tpu"])(x, y)
        again = jax.jit(export.deserialize(bytearray(exported.serialize())).call).lower(x, y).compile()
        assert again.as_text().count('custom_call_target="tpu_custom_call"') == 1


def test_pallas_kernel_that_does_not_fit(meshes: list[Any]) -> None:
    """A kernel that wants more fast memory than the chip has is refused when it is compiled, not when it runs."""
    import jax
    import jax.numpy as jnp
    from jax.experimental import pallas as pl
    from jax.experimental.pallas import tpu as pltpu
    from jax.sharding import PartitionSpec as P

    def kernel(x: Any, out: Any, scratch: Any) -> None:
        scratch[0:8] = x[...]
        out[...] = scratch[0:8]

    def greedy(x: Any) -> Any:
        return pl.pallas_call(
            kernel,
            out_shape=jax.ShapeDtypeStruct(x.shape, x.dtype),
            scratch_shapes=[pltpu.VMEM((2**20, 128), jnp.float32)],
        )(x)

    for mesh in meshes:
        mapped = jax.shard_map(greedy, mesh=mesh, in_specs=P(), out_specs=P(), check_vma=False)
        with pytest.raises(jax.errors.JaxRuntimeError, match=r"RESOURCE_EXHAUSTED|vmem"):
            jax.jit(mapped).lower(described(mesh, (8, 128), jnp.float32)).compile()


@pytest.mark.uses("tokamax>=0.0.17")
def test_tokamax_kernels(meshes: list[Any]) -> None:
    """Tokamax's attention, its derivative and its fused loss compile to Mosaic kernels on every device of the mesh."""
    import jax
    import jax.numpy as jnp
    import tokamax
    from jax.sharding import PartitionSpec as P

    def attention(query: Any) -> Any:
        found = tokamax.dot_product_attention(query, query, query, is_causal=True, implementation="mosaic_tpu")
        return jnp.sum(found.astype(jnp.float32))

    def loss(x: Any, labels: Any, weights: Any) -> Any:
        return tokamax.linear_softmax_cross_entropy_loss(x, labels, weights, implementation="mosaic_tpu")

    def compiled(mesh: Any, function: Any, specs: Any, out: Any, *arguments: Any) -> Any:
        mapped = jax.shard_map(function, mesh=mesh, in_specs=specs, out_specs=out, check_vma=False)
        with tokamax.config.cross_compile(True), jax.sharding.use_abstract_mesh(mesh.abstract_mesh):
            return jax.jit(mapped).lower(*arguments).compile()

    def total(*arrays: Any) -> Any:
        return jax.lax.psum(loss(*arrays), "data")

    for mesh in meshes:
        query = described(mesh, (4, 256, 2, 128), jnp.bfloat16, "data", None, "model", None)
        by_head = P("data", None, "model", None)
        derived = compiled(mesh, jax.grad(attention), (by_head,), by_head, query)
        assert derived.as_text().count('custom_call_target="tpu_custom_call"') >= 2
        assert derived.memory_analysis().output_size_in_bytes == 4 * 256 * 2 * 128 * 2 // 4

        rows = described(mesh, (2048, 512), jnp.float32, "data", None)
        labels = described(mesh, (2048,), jnp.int32, "data")
        weights = described(mesh, (512, 2048), jnp.float32)
        summed = compiled(mesh, total, (P("data"), P("data"), P()), P(), rows, labels, weights)
        assert summed.as_text().count('custom_call_target="tpu_custom_call"') >= 1
        assert operations(summed, "all-reduce") == 1
