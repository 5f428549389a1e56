"""jax.export: functions compiled ahead and serialised by one release, called by another.

jax promises that what was serialised can be called for six months by newer releases, and for three weeks by older ones.
Serialisation needs the distribution flatbuffers, which jax does not declare.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from values import assert_near, keep, kept

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("jax>=0.4.30", "jaxlib", "flatbuffers")]


def write(folder: Path, name: str, function: Callable[..., Any], *shapes: Any) -> None:
    """Export and serialise a function for these arguments."""
    import jax
    from jax import export

    (folder / f"{name}.bin").write_bytes(export.export(jax.jit(function))(*shapes).serialize())


def read(folder: Path, name: str) -> Callable[..., Any]:
    """Deserialise; what comes back can be called."""
    from jax import export

    return export.deserialize(bytearray((folder / f"{name}.bin").read_bytes())).call


def batch(*shape: int) -> Any:
    """Fixed numbers."""
    import numpy as np

    return np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)


@pytest.mark.writes("jax-export")
def test_write(folder: Path) -> None:
    """A function with a loop, products, reductions and elementary functions; what it computes is kept."""
    import jax
    import jax.numpy as jnp

    def function(tree: dict[str, Any], x: Any) -> Any:
        y, _ = jax.lax.scan(lambda carry, w: (jnp.tanh(carry @ w), None), x, tree["w"])
        return {"y": jnp.sin(y), "n": x.sum(), "top": jnp.argsort(y[0])}

    arguments = {"w": batch(3, 4, 4)}, batch(2, 4)
    write(folder, "function", function, *arguments)
    keep(folder, "result", jax.jit(function)(*arguments))


@pytest.mark.reads("jax-export")
def test_call(folder: Path) -> None:
    """It is called with the same arguments and gives the same up to rounding: the reader's XLA compiles it anew."""
    result = read(folder, "function")({"w": batch(3, 4, 4)}, batch(2, 4))
    assert sorted(result) == ["n", "top", "y"]
    assert_near(result, folder, "result", 1e-5)


@pytest.mark.writes("jax-export-symbolic")
def test_write_symbolic(folder: Path) -> None:
    """A function of a batch whose size is left open."""
    import jax
    import jax.numpy as jnp
    from jax import export

    shape = jax.ShapeDtypeStruct(export.symbolic_shape("b, 4"), jnp.float32)
    write(folder, "function", lambda x: jax.nn.softmax(x @ batch(4, 3)), shape)
    for size in (1, 5):
        keep(folder, f"result-{size}", jax.nn.softmax(batch(size, 4) @ batch(4, 3)))


@pytest.mark.reads("jax-export-symbolic")
def test_call_symbolic(folder: Path) -> None:
    """It is called with batches of several sizes."""
    call = read(folder, "function")
    for size in (1, 5):
        assert_near(call(batch(size, 4)), folder, f"result-{size}", 1e-5)


@pytest.mark.writes("jax-export-linalg")
def test_write_linalg(folder: Path) -> None:
    """Decompositions, which are calls into LAPACK by name: what such a name means must stay what it was."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    def function(matrix: Any) -> Any:
        values, vectors = jnp.linalg.eigh(matrix)
        q, r = jnp.linalg.qr(matrix)
        u, s, v = jnp.linalg.svd(matrix, full_matrices=False)
        return {
            "cholesky": jnp.linalg.cholesky(matrix),
            "eigenvalues": values,
            "eigh": vectors @ jnp.diag(values) @ vectors.T,
            "qr": q @ r,
            "svd": u @ jnp.diag(s) @ v,
            "solve": jnp.linalg.solve(matrix, jnp.ones((4,))),
        }

    base = batch(4, 4)
    matrix = base @ base.T + 4 * np.eye(4, dtype=np.float32)
    keep(folder, "matrix", matrix)
    write(folder, "function", function, matrix)
    keep(folder, "result", jax.jit(function)(matrix))


@pytest.mark.reads("jax-export-linalg")
def test_call_linalg(folder: Path) -> None:
    """The decompositions are found, and what they compute does not depend on their signs and order."""
    (matrix,) = kept(folder, "matrix")
    assert_near(read(folder, "function")(matrix), folder, "result", 1e-4)


@pytest.mark.writes("jax-export-gradient")
def test_write_gradient(folder: Path) -> None:
    """A function exported with its derivative."""
    import jax
    import jax.numpy as jnp
    from jax import export

    def function(x: Any) -> Any:
        return jnp.sum(jnp.tanh(x) ** 2)

    exported = export.export(jax.jit(function))(batch(3))
    (folder / "function.bin").write_bytes(exported.serialize(vjp_order=1))
    keep(folder, "gradient", jax.grad(function)(batch(3)))


@pytest.mark.reads("jax-export-gradient")
def test_differentiate(folder: Path) -> None:
    """It can be differentiated where it is read."""
    import jax

    assert_near(jax.grad(read(folder, "function"))(batch(3)), folder, "gradient", 1e-5)


@pytest.mark.writes("jax-export-flax")
@pytest.mark.uses("flax")
def test_write_flax(folder: Path) -> None:
    """A linen model's apply, its parameters inside."""
    import flax.linen as nn
    import jax

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            return nn.Dense(2)(nn.gelu(nn.LayerNorm()(nn.Dense(8)(x))))

    net = Net()
    variables = jax.jit(net.init)(jax.random.PRNGKey(0), batch(3, 4))
    write(folder, "function", lambda x: net.apply(variables, x), batch(3, 4))
    keep(folder, "result", jax.jit(net.apply)(variables, batch(3, 4)))


@pytest.mark.reads("jax-export-flax")
def test_call_flax(folder: Path) -> None:
    """The reader needs jax alone."""
    assert_near(read(folder, "function")(batch(3, 4)), folder, "result", 1e-4)


@pytest.mark.writes("jax-export-sharded")
def test_write_sharded(folder: Path) -> None:
    """A function over four devices."""
    import jax
    import jax.numpy as jnp

    x = laid_out()
    write(folder, "function", lambda x: jnp.sin(x) @ x.T, x)
    keep(folder, "result", jnp.sin(batch(8, 4)) @ batch(8, 4).T)
    assert len(jax.devices()) == 8


def laid_out() -> Any:
    """A matrix whose rows are spread over four devices."""
    import jax
    import numpy as np

    mesh = jax.sharding.Mesh(np.array(jax.devices()[:4]), ("d",))
    return jax.device_put(batch(8, 4), jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("d")))


@pytest.mark.reads("jax-export-sharded")
def test_call_sharded(folder: Path) -> None:
    """It is called, under jit, on as many devices of the reader's."""
    import jax

    result = jax.jit(read(folder, "function"))(laid_out())
    assert len(result.devices()) == 4
    assert_near(result, folder, "result", 1e-5)
