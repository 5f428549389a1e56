"""jax with jaxlib and numpy alone: the ground that every other test of the stack stands on."""

from __future__ import annotations

from typing import Any

import idioms
import pytest

pytestmark = [pytest.mark.uses("jax", "jaxlib"), pytest.mark.level("run")]


def close(actual: Any, expected: Any, tolerance: float = 1e-5) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


def test_jit_equals_eager_and_numpy() -> None:
    """A compiled function gives what the uncompiled one and numpy give."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    x = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)

    def function(x: Any) -> Any:
        return jnp.tanh(x) @ jnp.sin(x).T + jnp.where(x > 0, x, 0.1 * x).sum()

    expected = np.tanh(x) @ np.sin(x).T + np.where(x > 0, x, 0.1 * x).sum()
    close(jax.jit(function)(x), expected)
    with jax.disable_jit():
        close(function(jnp.asarray(x)), expected)


def test_gradients_against_closed_forms() -> None:
    """grad, jvp, jacobian and hessian of a quadratic form and of a sine, against what calculus says."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    a = np.array([[2.0, 0.5], [0.5, 1.0]], np.float32)
    x = np.array([0.3, -1.2], np.float32)

    def form(x: Any) -> Any:
        return x @ a @ x

    @jax.jit
    def derivatives(x: Any) -> Any:
        _, tangent = jax.jvp(form, (x,), (jnp.ones(2),))
        return jax.value_and_grad(form)(x), jax.hessian(form)(x), jax.jacfwd(jnp.sin)(x), tangent

    (value, gradient), hessian, jacobian, tangent = derivatives(x)
    close(value, x @ a @ x)
    close(gradient, 2 * a @ x)
    close(hessian, 2 * a)
    close(jacobian, np.diag(np.cos(x)))
    close(tangent, (2 * a @ x).sum())


def test_custom_vjp_and_checkpoint() -> None:
    """A custom derivative is used instead of the true one, and rematerialisation does not change gradients."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    @jax.custom_vjp
    def clipped(x: Any) -> Any:
        return x**3

    clipped.defvjp(lambda x: (x**3, x), lambda x, cotangent: (jnp.clip(3 * x**2, 0.0, 1.0) * cotangent,))
    replaced, slope = jax.jit(
        lambda x, y: (jax.grad(clipped)(x), jax.grad(jax.checkpoint(lambda y: jnp.sin(jnp.sin(y))))(y))
    )(2.0, 0.7)
    close(replaced, 1.0)
    close(slope, np.cos(np.sin(0.7)) * np.cos(0.7))


def test_vmap_equals_a_loop() -> None:
    """vmap over two arguments, with a broadcast one, equals the loop that it stands for."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    rng = np.random.default_rng(0)
    xs, ys, w = rng.normal(size=(5, 3)), rng.normal(size=(3, 5)), rng.normal(size=(3, 3))
    batched = jax.jit(jax.vmap(lambda x, y, w: jnp.dot(x @ w, y), in_axes=(0, 1, None)))(xs, ys, w)
    close(batched, [xs[i] @ w @ ys[:, i] for i in range(5)])


def test_control_flow() -> None:
    """scan, while_loop, fori_loop, cond and switch, compiled, against their closed forms."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax import lax

    @jax.jit
    def loops(n: Any, base: Any) -> Any:
        total, partial = lax.scan(lambda carry, x: (carry + x, carry), jnp.float32(0), jnp.arange(6.0))
        power = lax.while_loop(lambda v: v < n, lambda v: 2 * v, jnp.int32(1))
        factorial = lax.fori_loop(1, 6, lambda i, v: v * i, jnp.int32(1))
        branch = lax.cond(n > 5, lambda v: v + 1, lambda v: v - 1, n)
        choice = lax.switch(n % 3, [lambda: 10, lambda: 11, lambda: 12])
        # The scan's gradient runs it backwards: d(x**8)/dx.
        slope = jax.grad(lambda x: lax.scan(lambda c, _: (c * x, None), jnp.float32(1), None, length=8)[0])(base)
        return total, partial, power, factorial, branch, choice, slope

    total, partial, power, factorial, branch, choice, slope = loops(10, 1.1)
    close(total, 15.0)
    close(partial, np.array([0, 0, 1, 3, 6, 10]))
    assert (int(power), int(factorial), int(branch), int(choice)) == (16, 120, 11, 11)
    close(slope, 8 * 1.1**7, 1e-4)


@pytest.mark.thorough
def test_random_distributions() -> None:
    """Keys are deterministic and independent, and the samples have the moments of their distributions.

    Values are not compared: jax does not promise them over releases. Bounds are ten standard errors wide.
    """
    import jax
    import numpy as np

    n = 4000

    @jax.jit
    def draw(key: Any) -> Any:
        keys = jax.random.split(key, 3)
        return (
            jax.vmap(lambda key: jax.random.normal(key, (n,)))(keys[:2]),
            jax.random.uniform(keys[2], (n,), minval=-1, maxval=3),
            jax.random.bernoulli(jax.random.fold_in(key, 1), 0.25, (n,)),
        )

    (normal, uniform, coins), again = ([np.asarray(v) for v in draw(jax.random.key(0))] for _ in range(2))
    np.testing.assert_array_equal(normal, again[0])
    assert abs(np.corrcoef(normal)[0, 1]) < 0.16
    assert np.all(np.abs(normal.mean(1)) < 0.16)
    assert np.all(np.abs(normal.std(1) - 1) < 0.12)
    assert uniform.min() >= -1
    assert uniform.max() < 3
    assert abs(uniform.mean() - 1) < 0.2
    assert coins.dtype == bool
    assert abs(coins.mean() - 0.25) < 0.07
    # A raw key, made the old way, holds the same bits as a typed one.
    np.testing.assert_array_equal(np.asarray(jax.random.PRNGKey(7)), np.asarray(jax.random.key_data(jax.random.key(7))))


def test_small_dtypes_equal_ml_dtypes() -> None:
    """jax rounds to the small types exactly as ml_dtypes and numpy do, and back, inside a compiled function."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    values = np.linspace(-3, 3, 16, dtype=np.float32)
    dtypes = {name: jnp.dtype(getattr(jnp, name)) for name in ("bfloat16", "float16", "float8_e4m3fn", "float8_e5m2")}
    rounded = jax.jit(lambda x: {name: x.astype(dtype) for name, dtype in dtypes.items()})(values)
    back = jax.jit(lambda tree: {name: x.astype(np.float32) for name, x in tree.items()})(rounded)
    for name, dtype in dtypes.items():
        expected = values.astype(dtype).astype(np.float32)
        assert rounded[name].dtype == dtype
        np.testing.assert_array_equal(np.asarray(rounded[name]).astype(np.float32), expected, err_msg=name)
        np.testing.assert_array_equal(np.asarray(back[name]), expected, err_msg=name)


@pytest.mark.uses("jax>=0.4.21")  # before, reading one back could end the process
def test_four_bits_hold_what_they_can() -> None:
    """Numbers of four bits come out of a compiled function as they went in."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    whole = np.arange(-8, 8, dtype=np.int8)
    narrow = jax.jit(lambda x, n: (x + 1, n.astype(jnp.int4)))(np.float32(1), whole)[1]
    assert narrow.dtype == jnp.int4
    np.testing.assert_array_equal(np.asarray(narrow).astype(np.int8), whole)


def test_bfloat16_matmul() -> None:
    """A bfloat16 product accumulates in float32 when asked, and is near the exact one."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    a, b = np.random.default_rng(1).normal(size=(2, 8, 8)).astype(np.float32)
    narrow = np.asarray(a).astype(jnp.bfloat16), np.asarray(b).astype(jnp.bfloat16)
    product = jax.jit(lambda a, b: jnp.matmul(a, b, preferred_element_type=jnp.float32))(*narrow)
    assert product.dtype == jnp.float32
    close(product, a @ b, 0.1)


@pytest.mark.thorough
def test_linear_algebra_against_numpy() -> None:
    """Factorisations (LAPACK inside jaxlib) against numpy."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    a = np.random.default_rng(2).normal(size=(4, 4)).astype(np.float32)
    spd = a @ a.T + 4 * np.eye(4, dtype=np.float32)
    b = np.arange(4, dtype=np.float32)

    @jax.jit
    def factorise(a: Any, spd: Any, b: Any) -> Any:
        direct = jnp.linalg.solve(spd, b), jnp.linalg.cholesky(spd), jnp.linalg.eigh(spd)[0]
        return direct, jnp.linalg.svd(a), jnp.linalg.qr(a)

    direct, (u, s, vh), (q, r) = ([np.asarray(v) for v in part] for part in factorise(a, spd, b))
    expected = (np.linalg.solve(spd, b), np.linalg.cholesky(spd), np.linalg.eigvalsh(spd))
    for ours, theirs in zip(direct, expected, strict=True):
        close(ours, theirs, 1e-4)
    close((u * s) @ vh, a, 1e-4)
    close(q @ r, a, 1e-4)
    close(q.T @ q, np.eye(4), 1e-4)


def test_convolution_fft_and_sort_against_numpy() -> None:
    """Convolution, FFT, einsum, top_k and segment sums: the kernels that layers and losses are made of."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    rng = np.random.default_rng(3)
    x, k = rng.normal(size=16).astype(np.float32), rng.normal(size=3).astype(np.float32)
    m = rng.normal(size=(2, 3, 4)).astype(np.float32)

    @jax.jit
    def compute(x: Any, k: Any, m: Any) -> Any:
        numbers = ("NWC", "WIO", "NWC")
        signal, kernel = x.reshape(1, 16, 1), k[::-1].reshape(3, 1, 1)
        return (
            jax.lax.conv_general_dilated(signal, kernel, (1,), "VALID", dimension_numbers=numbers).ravel(),
            jnp.abs(jnp.fft.rfft(x)),
            jnp.einsum("bij,bkj->bik", m, m),
            jax.lax.top_k(x, 3)[0],
            jax.ops.segment_sum(x[:4], jnp.array([0, 1, 0, 2]), num_segments=3),
        )

    convolved, spectrum, product, largest, sums = compute(x, k, m)
    close(convolved, np.convolve(x, k, "valid"))
    close(spectrum, np.abs(np.fft.rfft(x)), 1e-4)
    close(product, np.einsum("bij,bkj->bik", m, m), 1e-4)
    close(largest, np.sort(x)[::-1][:3])
    close(sums, [x[0] + x[2], x[1], x[3]])


@pytest.mark.thorough
def test_optimised_programs_agree_with_plain_ones() -> None:
    """What XLA fuses and lays out anew computes the same; all else here is compiled without most optimisations."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    numbers = np.random.default_rng(0)
    images = numbers.normal(size=(4, 8, 8, 3)).astype(np.float32)
    kernel = numbers.normal(size=(3, 3, 3, 8)).astype(np.float32) * 0.2
    dense = numbers.normal(size=(8, 5)).astype(np.float32) * 0.3

    def loss(weights: tuple[Any, Any], x: Any) -> Any:
        hidden = jax.lax.conv_general_dilated(x, weights[0], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        hidden = jax.nn.gelu(hidden).mean((1, 2))
        normal = (hidden - hidden.mean(-1, keepdims=True)) / jnp.sqrt(hidden.var(-1, keepdims=True) + 1e-3)
        return -jax.nn.log_softmax(normal @ weights[1])[:, 0].mean()

    def step(weights: tuple[Any, Any], x: Any) -> Any:
        value, slopes = jax.value_and_grad(loss)(weights, x)
        return value, slopes, jax.lax.fori_loop(0, 10, lambda _, w: w - 0.1 * jnp.tanh(w), weights[1])

    plain = jax.jit(step)((kernel, dense), images)
    jax.clear_caches()
    try:
        jax.config.update("jax_disable_most_optimizations", False)
        optimised = jax.jit(step)((kernel, dense), images)
    finally:
        jax.config.update("jax_disable_most_optimizations", True)  # as conftest.py has it
        jax.clear_caches()
    for one, other in zip(*map(jax.tree_util.tree_leaves, (plain, optimised)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert 0.5 < optimised[0] < 4


def test_pytrees() -> None:
    """Nested containers and a registered class go through jit and grad and come back with their structure."""
    import jax
    import numpy as np

    @jax.tree_util.register_pytree_with_keys_class
    class Point:
        def __init__(self, x: Any, y: Any, name: str) -> None:
            self.x, self.y, self.name = x, y, name

        def tree_flatten_with_keys(self) -> Any:
            key = jax.tree_util.GetAttrKey
            return ((key("x"), self.x), (key("y"), self.y)), self.name

        @classmethod
        def tree_unflatten(cls, name: str, children: Any) -> Point:
            return cls(*children, name)

    tree = {"p": Point(2.0, 3.0, "a"), "l": [np.ones(2, np.float32), None]}
    gradient = jax.jit(jax.grad(lambda t: t["p"].x ** 2 * t["p"].y + 5 * t["l"][0].sum()))(tree)
    assert jax.tree_util.tree_structure(gradient) == jax.tree_util.tree_structure(tree)
    close([gradient["p"].x, gradient["p"].y], [12.0, 4.0])
    close(gradient["l"][0], [5.0, 5.0])
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_flatten_with_path(tree)[0]]
    assert paths == ["['l'][0]", "['p'].x", "['p'].y"]


def test_callbacks_reach_numpy() -> None:
    """Compiled code calls back into numpy (pure_callback), and ordered side effects arrive (io_callback)."""
    import jax
    import numpy as np
    from jax.experimental import io_callback

    seen: list[float] = []

    @jax.jit
    def function(x: Any) -> Any:
        y = jax.pure_callback(lambda v: np.cbrt(np.asarray(v)), jax.ShapeDtypeStruct(x.shape, x.dtype), x)
        io_callback(lambda v: seen.append(float(v)), None, y.sum(), ordered=True)
        return 2 * y

    close(function(np.array([8.0, 27.0], np.float32)), [4.0, 6.0])
    jax.effects_barrier()
    assert seen == pytest.approx([5.0], rel=1e-5)


def test_double_precision() -> None:
    """Inside the 64-bit context numpy's float64 stays float64 through a compiled function."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    with idioms.enable_x64():
        result = jax.jit(jnp.sqrt)(np.array([2.0]))
        assert result.dtype == np.float64
        np.testing.assert_allclose(np.asarray(result), np.sqrt([2.0]), rtol=1e-14)
    assert jax.jit(lambda x: x + 1)(np.array([2.0])).dtype == np.float32


def test_buffers_shared_with_numpy_and_donation() -> None:
    """dlpack and the buffer protocol carry arrays between numpy and jax, and a donated buffer is given up."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(np.from_dlpack(jnp.asarray(x)), x)
    np.testing.assert_array_equal(np.asarray(jax.device_put(x)), x)
    step = jax.jit(lambda v: v + 1, donate_argnums=0)
    donated = jax.device_put(np.ones(4, np.float32))
    close(step(donated), 2 * np.ones(4))
    compiled = step.lower(jax.ShapeDtypeStruct((4,), np.float32)).compile()
    close(compiled(jax.device_put(np.zeros(4, np.float32))), np.ones(4))
