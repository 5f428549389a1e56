"""CoLA: structured matrices of jax arrays, and linear algebra that uses their structure."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [
    pytest.mark.uses("cola-ml", "jax"),
    pytest.mark.level("interop"),
    # It asks which device an array is on, and gives up where a traced array could be on several.
    pytest.mark.environment(XLA_FLAGS="--xla_force_host_platform_device_count=1"),
]


def problem() -> tuple[Any, Any]:
    """A positive definite matrix and a vector."""
    import numpy as np

    random = np.random.default_rng(0)
    root = random.normal(size=(6, 6)).astype(np.float32)
    return root @ root.T + 6 * np.eye(6, dtype=np.float32), random.normal(size=6).astype(np.float32)


def test_operators_are_the_matrices_of_numpy() -> None:
    """Products, sums, Kronecker products and blocks of operators multiply as dense matrices do."""
    import cola
    import jax.numpy as jnp
    import numpy as np

    diagonal, dense = np.arange(1.0, 4.0, dtype=np.float32), np.array([[2.0, 1.0], [-2.0, 1.1]], np.float32)
    first, second = cola.ops.Diagonal(jnp.asarray(diagonal)), cola.ops.Dense(jnp.asarray(dense))
    square = second.T @ second + 0.01 * cola.ops.I_like(second)
    blocks = cola.ops.BlockDiag(cola.ops.Kronecker(first, second), square)

    expected = np.zeros((8, 8), np.float32)
    expected[:6, :6] = np.kron(np.diag(diagonal), dense)
    expected[6:, 6:] = dense.T @ dense + 0.01 * np.eye(2)
    v = np.linspace(-1, 1, 8, dtype=np.float32)
    assert blocks.shape == (8, 8)
    np.testing.assert_allclose(blocks @ jnp.asarray(v), expected @ v, atol=1e-5)
    np.testing.assert_allclose(blocks.to_dense(), expected, atol=1e-5)
    np.testing.assert_allclose(cola.linalg.trace(blocks), np.trace(expected), rtol=1e-5)


def test_solving_and_determinants() -> None:
    """Inverse, determinant and eigenvalues of a positive definite operator are those of NumPy."""
    import cola
    import jax.numpy as jnp
    import numpy as np

    matrix, v = problem()
    operator = cola.PSD(cola.ops.Dense(jnp.asarray(matrix)))
    np.testing.assert_allclose(cola.linalg.inv(operator) @ jnp.asarray(v), np.linalg.solve(matrix, v), atol=1e-4)
    np.testing.assert_allclose(cola.linalg.logdet(operator), np.linalg.slogdet(matrix)[1], rtol=1e-4)
    values, vectors = cola.linalg.eig(operator, k=6)
    np.testing.assert_allclose(np.sort(np.real(values)), np.linalg.eigvalsh(matrix), rtol=1e-4)
    np.testing.assert_allclose(matrix @ vectors.to_dense(), vectors.to_dense() * values[None], atol=1e-3)


def test_solving_by_iteration() -> None:
    """Conjugate gradients, which only multiply by the operator, solve what NumPy solves."""
    import cola
    import jax.numpy as jnp
    import numpy as np

    matrix, v = problem()
    operator = cola.PSD(cola.ops.Dense(jnp.asarray(matrix)))
    solution = cola.linalg.inv(operator, cola.linalg.CG(tol=1e-6, max_iters=50)) @ jnp.asarray(v)
    np.testing.assert_allclose(solution, np.linalg.solve(matrix, v), atol=1e-3)


def test_a_solution_is_differentiated() -> None:
    """The gradient through an inverse, mapped and compiled, is the closed form."""
    import cola
    import jax
    import jax.numpy as jnp
    import numpy as np

    def total(x: Any) -> Any:
        operator = cola.ops.Dense(jnp.array([[1.0, 2.0], [3.0, x]]))
        return jnp.ones(2) @ cola.linalg.inv(operator) @ jnp.ones(2)

    at = np.array([0.5, 10.0], np.float32)
    # The sum of the inverse's entries is (x - 4) / (x - 6).
    np.testing.assert_allclose(jax.jit(jax.vmap(total))(at), (at - 4) / (at - 6), rtol=1e-4)
    np.testing.assert_allclose(jax.jit(jax.vmap(jax.grad(total)))(at), -2 / (at - 6) ** 2, rtol=1e-3)
