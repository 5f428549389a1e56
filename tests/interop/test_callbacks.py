"""Host callbacks under every transformation: how users reach numpy, loggers and debuggers from compiled programs.

Sources: jax's changelog of 0.4.35 (the default under vmap gives way to `vmap_method`, jax-ml/jax#23881; host_callback
is gone), 0.6.0 (the parameter `vectorized` is gone), 0.4.36 (how programs are traced changed: "stackless"); jax-ml/jax
issues #24255 (jax inside a callback hangs), #20725 (io_callback under vmap called another thing) and #19986 (a wrong
axis under vmap).
"""

from __future__ import annotations

from typing import Any

import idioms
import pytest

pytestmark = [pytest.mark.level("run"), pytest.mark.thorough]


# ---------------------------------------------------------------------------------------------------------------------
# pure_callback
# ---------------------------------------------------------------------------------------------------------------------


def sorted_by_numpy(x: Any, **options: Any) -> Any:
    """The rows of `x`, sorted by numpy within a program of jax."""
    import jax
    import numpy as np

    def on_host(x: Any) -> Any:
        return np.sort(np.asarray(x), axis=-1)

    return jax.pure_callback(on_host, jax.ShapeDtypeStruct(x.shape, x.dtype), x, **options)


def table() -> Any:
    """Some rows of numbers."""
    import numpy as np

    return np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)


@pytest.mark.feature("jax.pure_callback under jax.vmap")
@pytest.mark.uses("jax>=0.4.34", "jaxlib")
@pytest.mark.parametrize("method", ["sequential", "expand_dims", "broadcast_all"])
def test_pure_callback_under_vmap(method: str) -> None:
    """vmap calls the host once for each row, or once for all, as `vmap_method` says; the values are the same."""
    import jax
    import numpy as np

    shapes = []

    def on_host(x: Any, scale: Any) -> Any:
        shapes.append((np.shape(x), np.shape(scale)))
        return np.sort(np.asarray(x), axis=-1) * np.asarray(scale)[..., None]

    def function(x: Any, scale: Any) -> Any:
        return jax.pure_callback(on_host, jax.ShapeDtypeStruct(x.shape, x.dtype), x, scale, vmap_method=method)

    found = jax.jit(jax.vmap(function, in_axes=(0, None)))(table(), np.float32(2.0))
    np.testing.assert_array_equal(found, 2 * np.sort(table(), axis=-1))
    wanted = {
        "sequential": {((5,), ())},
        "expand_dims": {((3, 5), (1,))},
        "broadcast_all": {((3, 5), (3,))},
    }[method]
    assert set(shapes) == wanted
    assert len(shapes) == (3 if method == "sequential" else 1)


@pytest.mark.feature("jax.pure_callback within jax.custom_vjp")
@pytest.mark.uses("jax>=0.4.34", "jaxlib")
def test_pure_callback_under_grad() -> None:
    """A callback with a derivative rule of its own (custom_vjp) is differentiated, under jit and vmap."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    @jax.custom_vjp
    def sine(x: Any) -> Any:
        return jax.pure_callback(np.sin, jax.ShapeDtypeStruct(x.shape, x.dtype), x, vmap_method="broadcast_all")

    sine.defvjp(lambda x: (sine(x), x), lambda x, slope: (slope * jnp.cos(x),))
    x = table()
    np.testing.assert_allclose(jax.jit(jax.vmap(jax.vmap(jax.grad(sine))))(x), np.cos(x), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="do not support JVP"):
        jax.grad(lambda x: sorted_by_numpy(x).sum())(x[0])


@pytest.mark.feature("jax.pure_callback within jax.lax.scan, while_loop or cond")
@pytest.mark.uses("jax>=0.4.34", "jaxlib")
def test_pure_callback_in_loops() -> None:
    """A callback in scan, in a while loop and in a branch of cond gives its values at every step."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    def double(x: Any) -> Any:
        return jax.pure_callback(lambda x: np.asarray(x) * 2, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    @jax.jit
    def program(x: Any) -> Any:
        last, steps = jax.lax.scan(lambda carry, _: (double(carry), carry), x, None, length=4)
        looped = jax.lax.while_loop(lambda x: x < 100, double, x)
        return last, steps, looped, jax.lax.cond(x > 2, double, lambda x: x, x)

    last, steps, looped, chosen = program(jnp.float32(3.0))
    assert (float(last), float(looped), float(chosen)) == (48.0, 192.0, 6.0)
    np.testing.assert_array_equal(steps, [3.0, 6.0, 12.0, 24.0])


@pytest.mark.feature("jax.pure_callback on sharded arrays")
@pytest.mark.uses("jax>=0.4.34", "jaxlib")
def test_pure_callback_on_many_devices() -> None:
    """Under shard_map each device calls the host with its own part; under jit a sharded argument arrives whole."""
    import jax
    import numpy as np

    mesh, shapes = idioms.mesh((8,), ("d",)), []
    spec = jax.sharding.PartitionSpec("d")
    x = jax.device_put(np.arange(16, dtype=np.float32)[::-1].copy(), jax.sharding.NamedSharding(mesh, spec))

    def on_host(x: Any) -> Any:
        shapes.append(np.shape(x))
        return np.sort(np.asarray(x))

    def function(x: Any) -> Any:
        return jax.pure_callback(on_host, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    each = jax.jit(idioms.shard_map(function, mesh, spec, spec))(x)
    np.testing.assert_array_equal(each, np.arange(16).reshape(8, 2)[::-1].ravel())
    assert shapes == [(2,)] * 8
    np.testing.assert_array_equal(jax.jit(function)(x), np.arange(16))


@pytest.mark.feature("jax.pure_callback of a function that uses JAX")
@pytest.mark.uses("jax>=0.4.34", "jaxlib")
def test_pure_callback_that_uses_jax() -> None:
    """A callback may run a program of jax itself. (Not promised: in 0.4.32 to 0.4.3x such a program could hang.)"""
    import jax
    import numpy as np

    inner = jax.jit(lambda x: x @ x.T)

    def on_host(x: Any) -> Any:
        return np.asarray(inner(np.asarray(x)))

    outer = jax.jit(lambda x: jax.pure_callback(on_host, jax.ShapeDtypeStruct((64, 64), x.dtype), x) + 1)
    x = np.random.default_rng(1).normal(size=(64, 64)).astype(np.float32)
    for _ in range(5):
        np.testing.assert_allclose(outer(x), x @ x.T + 1, rtol=1e-4, atol=1e-4)


@pytest.mark.feature("jax.pure_callback of a function that raises")
@pytest.mark.uses("jax>=0.4.34", "jaxlib")
def test_an_error_of_a_callback_is_told() -> None:
    """What a callback raises ends the program with its message, and the next program runs."""
    import jax
    import numpy as np

    def on_host(x: Any) -> Any:
        raise ValueError(f"no value for {float(x)}")

    function = jax.jit(lambda x: jax.pure_callback(on_host, jax.ShapeDtypeStruct((), np.float32), x))
    with pytest.raises(Exception, match=r"no value for 3\.0"):
        jax.block_until_ready(function(np.float32(3.0)))
    assert float(jax.jit(lambda x: x + 1)(np.float32(1.0))) == 2.0


# ---------------------------------------------------------------------------------------------------------------------
# io_callback
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("jax.experimental.io_callback within jax.lax.scan")
@pytest.mark.uses("jax>=0.4.30", "jaxlib")
@pytest.mark.parametrize("ordered", [True, False])
def test_io_callback_in_scan(ordered: bool) -> None:
    """Each step of a scan reaches the host once, in order if that is asked for, and what it returns comes back."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax.experimental import io_callback

    seen = []

    def on_host(x: Any) -> Any:
        seen.append(float(x))
        return np.float32(10 * x)

    def step(carry: Any, x: Any) -> Any:
        return carry + 1, io_callback(on_host, jax.ShapeDtypeStruct((), jnp.float32), x, ordered=ordered)

    count, found = jax.jit(lambda xs: jax.lax.scan(step, 0, xs))(np.arange(5, dtype=np.float32))
    jax.effects_barrier()
    assert int(count) == 5
    np.testing.assert_array_equal(found, 10 * np.arange(5))
    assert (seen if ordered else sorted(seen)) == [0.0, 1.0, 2.0, 3.0, 4.0]


@pytest.mark.feature("jax.experimental.io_callback under jax.vmap")
@pytest.mark.uses("jax>=0.4.30", "jaxlib")
def test_io_callback_under_vmap() -> None:
    """Under vmap the host is reached once for each row, even where nobody uses what it returns."""
    import jax
    import numpy as np
    from jax.experimental import io_callback

    seen = []

    def function(x: Any) -> Any:
        io_callback(lambda x: seen.append(float(x)), None, x.sum())
        return x * 2

    np.testing.assert_array_equal(jax.jit(jax.vmap(function))(table()), 2 * table())
    jax.effects_barrier()
    np.testing.assert_allclose(sorted(seen), np.sort(table().sum(1)), rtol=1e-5)


@pytest.mark.feature("jax.experimental.io_callback with pytrees")
@pytest.mark.uses("jax>=0.4.30", "jaxlib")
def test_io_callback_takes_trees() -> None:
    """Arguments and results of a callback can be trees; two ordered callbacks keep their order."""
    import jax
    import numpy as np
    from jax.experimental import io_callback

    log: list[str] = []

    def split(tree: Any) -> Any:
        log.append("split")
        return {"low": np.minimum(tree["x"], 0), "high": [np.maximum(tree["x"], 0)]}

    @jax.jit
    def program(x: Any) -> Any:
        form = jax.ShapeDtypeStruct(x.shape, x.dtype)
        parts = io_callback(split, {"low": form, "high": [form]}, {"x": x}, ordered=True)
        io_callback(lambda: log.append("done"), None, ordered=True)
        return parts

    parts = program(table())
    jax.effects_barrier()
    np.testing.assert_array_equal(parts["low"] + parts["high"][0], table())
    assert log == ["split", "done"]


# ---------------------------------------------------------------------------------------------------------------------
# debug.callback, debug.print, and what else tells of a program as it runs
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("jax.debug.callback under transformations")
@pytest.mark.uses("jax>=0.4.30", "jaxlib")
def test_debug_callback_under_transformations() -> None:
    """debug.callback sees each value under jit, vmap, grad, scan and remat, and changes no result."""
    import jax
    import numpy as np

    seen: list[float] = []

    def watched(x: Any) -> Any:
        jax.debug.callback(lambda x: seen.append(float(x)), x)
        return x * x

    def of(run: Any) -> Any:
        seen.clear()
        out = np.asarray(run())
        jax.effects_barrier()
        return out, sorted(set(seen))

    xs = np.array([1.0, 2.0, 3.0], np.float32)
    for run, wanted, values in [
        (lambda: jax.jit(watched)(xs[1]), 4.0, [2.0]),
        (lambda: jax.vmap(watched)(xs), xs**2, [1.0, 2.0, 3.0]),
        (lambda: jax.grad(watched)(xs[2]), 6.0, [3.0]),
        (lambda: jax.vmap(jax.grad(jax.checkpoint(watched)))(xs), 2 * xs, [1.0, 2.0, 3.0]),
        (lambda: jax.lax.scan(lambda c, x: (c, watched(x)), 0, xs)[1], xs**2, [1.0, 2.0, 3.0]),
    ]:
        out, found = of(run)
        np.testing.assert_allclose(out, wanted)
        assert found == values


@pytest.mark.feature("jax.debug.print")
@pytest.mark.uses("jax>=0.4.30", "jaxlib")
def test_debug_print(capsys: pytest.CaptureFixture[str]) -> None:
    """debug.print writes what its format says, in order if that is asked for, and once for each row under vmap."""
    import jax
    import numpy as np

    def step(carry: Any, x: Any) -> Any:
        jax.debug.print("x = {x:.2f} after {}", carry, x=x, ordered=True)
        return carry + 1, None

    jax.jit(lambda xs: jax.lax.scan(step, 0, xs))(np.array([0.5, 1.5], np.float32))
    jax.effects_barrier()
    assert capsys.readouterr().out.splitlines() == ["x = 0.50 after 0", "x = 1.50 after 1"]

    def row(x: Any) -> Any:
        jax.debug.print("row {}", x)
        return x

    jax.jit(jax.vmap(row))(np.arange(3))
    jax.effects_barrier()
    assert sorted(capsys.readouterr().out.splitlines()) == ["row 0", "row 1", "row 2"]


@pytest.mark.feature("jax.debug.callback within flax.linen.scan")
@pytest.mark.level("interop")
@pytest.mark.uses("jax>=0.4.30", "jaxlib", "flax>=0.8")
@pytest.mark.parametrize("remat", [False, True])
def test_debug_callback_in_a_scanned_layer(remat: bool) -> None:
    """A layer that prints, scanned and perhaps rematerialised, prints at each depth, and is differentiated as without.

    Source: google/flax#5540 (since flax 0.12.9 it is by dead code that nn.scan tells what is broadcast).
    """
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax import linen as nn

    seen: list[float] = []

    class Layer(nn.Module):
        @nn.compact
        def __call__(self, x: Any, _: Any) -> Any:
            x = x * self.param("scale", nn.initializers.constant(2.0), ())
            jax.debug.callback(lambda x: seen.append(float(x)), x)
            return x, None

    layer = nn.remat(Layer) if remat else Layer
    stack = nn.scan(layer, variable_axes={"params": 0}, split_rngs={"params": True}, length=3)()
    variables = stack.init(jax.random.PRNGKey(0), jnp.float32(1.0), None)
    seen.clear()
    assert float(jax.jit(stack.apply)(variables, jnp.float32(1.0), None)[0]) == 8.0
    jax.effects_barrier()
    assert sorted(seen) == [2.0, 4.0, 8.0]
    slope = jax.grad(lambda v: stack.apply(v, jnp.float32(1.0), None)[0])(variables)
    np.testing.assert_allclose(slope["params"]["scale"], [4.0, 4.0, 4.0])


@pytest.mark.feature("jax.debug.callback within flax.nnx transformations")
@pytest.mark.level("interop")
@pytest.mark.uses("jax>=0.4.30", "jaxlib", "flax>=0.10")
def test_callbacks_in_nnx_modules() -> None:
    """Callbacks in an nnx module under nnx.jit, nnx.grad, nnx.vmap and nnx.scan see each value once.

    Source: google/flax#5073 (nnx.scan with side effects), jax's changelog of 0.4.36.
    """
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax import nnx

    seen: list[float] = []

    class Scale(nnx.Module):
        def __init__(self, scale: Any) -> None:
            self.scale = nnx.Param(jnp.float32(scale))

        def __call__(self, x: Any) -> Any:
            out = x * idioms.nnx_value(self.scale)
            jax.debug.callback(lambda x: seen.append(float(x)), out)
            return out

    gradients = nnx.jit(nnx.grad(lambda model, x: model(x)))(Scale(3.0), jnp.float32(5.0))
    jax.effects_barrier()
    assert float(idioms.nnx_value(gradients["scale"])) == 5.0
    assert set(seen) == {15.0}

    seen.clear()
    stack = nnx.vmap(Scale)(jnp.array([2.0, 3.0, 5.0]))
    each = nnx.vmap(lambda model: model(jnp.float32(1.0)))(stack)
    jax.effects_barrier()
    np.testing.assert_array_equal(each, [2.0, 3.0, 5.0])
    assert sorted(seen) == [2.0, 3.0, 5.0]

    seen.clear()
    through = nnx.scan(lambda x, model: model(x), in_axes=(nnx.Carry, 0), out_axes=nnx.Carry)
    assert float(nnx.jit(through)(jnp.float32(1.0), stack)) == 30.0
    jax.effects_barrier()
    assert sorted(set(seen)) == [2.0, 6.0, 30.0]


@pytest.mark.feature("jax.experimental.checkify")
@pytest.mark.uses("jax>=0.4.30", "jaxlib")
def test_checkify() -> None:
    """checkify carries failed checks, NaNs and wrong indices out of jit, scan and vmap, with the message."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax.experimental import checkify

    def root(x: Any) -> Any:
        checkify.check(x >= 0, "negative: {x}", x=x)
        return jnp.sqrt(x)

    checked = jax.jit(checkify.checkify(jax.vmap(root)))
    error, value = checked(np.array([4.0, 9.0], np.float32))
    error.throw()
    np.testing.assert_allclose(value, [2.0, 3.0])
    assert "negative: -9.0" in checked(np.array([4.0, -9.0], np.float32))[0].get()

    def step(carry: Any, x: Any) -> Any:
        return carry, jnp.log(x) * 0 / (x - 2)

    scanned = jax.jit(checkify.checkify(lambda xs: jax.lax.scan(step, 0, xs), errors=checkify.float_checks))
    assert "division by zero" in scanned(np.array([1.0, 2.0], np.float32))[0].get()
    indexed = checkify.checkify(lambda x, i: x[i], errors=checkify.index_checks)
    assert "out-of-bounds" in indexed(jnp.arange(3), 5)[0].get()


@pytest.mark.feature("jax.debug_nans")
@pytest.mark.uses("jax>=0.4.30", "jaxlib")
def test_debug_nans() -> None:
    """Under jax.debug_nans a program that makes a NaN ends with FloatingPointError, and others run."""
    import jax
    import jax.numpy as jnp

    with jax.debug_nans(True):
        assert float(jax.jit(lambda x: x / 2)(jnp.float32(1.0))) == 0.5
        with pytest.raises(FloatingPointError, match="invalid value"):
            jax.block_until_ready(jax.jit(lambda x: x / x)(jnp.float32(0.0)))
        with pytest.raises(FloatingPointError, match="invalid value"):
            jax.grad(lambda x: jnp.sqrt(x) * 0)(jnp.float32(0.0))
