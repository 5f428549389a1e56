"""Lineax: linear systems and least squares by many solvers, for matrices and functions, and their derivatives."""

from __future__ import annotations

from typing import Any

import pytest

# Its operators and solvers are equinox modules.
pytestmark = [pytest.mark.uses("lineax>=0.0.5", "equinox", "jax"), pytest.mark.level("interop")]


def close(actual: Any, expected: Any, tolerance: float = 1e-4) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


def problem(size: int = 4) -> tuple[Any, Any]:
    """A well-conditioned positive definite matrix, and a right side."""
    import numpy as np

    rng = np.random.default_rng(0)
    factor = rng.normal(size=(size, size))
    return (factor @ factor.T / size + np.eye(size)).astype(np.float32), rng.normal(size=size).astype(np.float32)


def test_solvers_agree_with_numpy() -> None:
    """Direct and iterative solvers give what numpy gives, for a positive definite matrix."""
    import jax
    import lineax as lx
    import numpy as np

    matrix, vector = problem()
    expected = np.linalg.solve(matrix, vector)
    iterative = {"rtol": 1e-5, "atol": 1e-5}
    for solver in (
        lx.AutoLinearSolver(well_posed=True),
        lx.LU(),
        lx.QR(),
        lx.SVD(),
        lx.Cholesky(),
        lx.CG(**iterative),
        lx.GMRES(**iterative),
        lx.BiCGStab(**iterative),
    ):

        def solve(matrix: Any, vector: Any, solver: Any = solver) -> Any:
            operator = lx.MatrixLinearOperator(matrix, lx.positive_semidefinite_tag)
            return lx.linear_solve(operator, vector, solver).value

        close(jax.jit(solve)(matrix, vector), expected, 1e-3)


def test_least_squares_of_a_tall_matrix() -> None:
    """Two solvers that allow for matrices without full rank or square form, against numpy."""
    import jax
    import lineax as lx
    import numpy as np

    rng = np.random.default_rng(1)
    matrix, vector = rng.normal(size=(6, 3)).astype(np.float32), rng.normal(size=6).astype(np.float32)
    expected = np.linalg.lstsq(matrix, vector, rcond=None)[0]
    for solver in (lx.QR(), lx.SVD(), lx.AutoLinearSolver(well_posed=False)):
        solution = jax.jit(
            lambda matrix, solver=solver: lx.linear_solve(lx.MatrixLinearOperator(matrix), vector, solver).value
        )(matrix)
        close(solution, expected, 1e-3)


def test_derivatives_and_batches() -> None:
    """Forward and reverse derivatives of a solution are those of the inverse; a batch is solved by vmap."""
    import jax
    import lineax as lx
    import numpy as np

    matrix, vector = problem()
    inverse = np.linalg.inv(matrix)

    def solve(matrix: Any, vector: Any) -> Any:
        return lx.linear_solve(lx.MatrixLinearOperator(matrix), vector, lx.LU()).value

    direction = np.arange(16, dtype=np.float32).reshape(4, 4) / 10
    _, tangent = jax.jit(lambda m, d: jax.jvp(lambda m: solve(m, vector), (m,), (d,)))(matrix, direction)
    close(tangent, -inverse @ direction @ inverse @ vector, 1e-3)
    by_matrix, by_vector = jax.jit(jax.grad(lambda m, v: solve(m, v).sum(), argnums=(0, 1)))(matrix, vector)
    close(by_vector, inverse.T @ np.ones(4), 1e-3)
    close(by_matrix, -np.outer(inverse.T @ np.ones(4), inverse @ vector), 1e-3)

    vectors = np.random.default_rng(2).normal(size=(3, 4)).astype(np.float32)
    close(jax.jit(jax.vmap(solve, in_axes=(None, 0)))(matrix, vectors), vectors @ inverse.T, 1e-3)


def test_operators_without_a_matrix() -> None:
    """Functions and Jacobians as operators, on trees; diagonals, triangles and bands by their own solvers."""
    import jax
    import jax.numpy as jnp
    import lineax as lx
    import numpy as np

    matrix, vector = problem()
    structure = jax.ShapeDtypeStruct((4,), np.float32)
    function = lx.FunctionLinearOperator(lambda x: matrix @ x, structure, lx.positive_semidefinite_tag)
    conjugate = lx.CG(rtol=1e-5, atol=1e-5)
    close(lx.linear_solve(function, vector, conjugate).value, np.linalg.solve(matrix, vector), 1e-3)
    close(lx.materialise(function).as_matrix(), matrix)
    close((2 * function).mv(vector), 2 * matrix @ vector, 1e-3)

    # One step of Newton's method for a tree of unknowns.
    def residual(y: Any, args: Any) -> Any:
        return {"a": y["a"] ** 2 - 4, "b": y["a"] * y["b"] - 6}

    at = {"a": jnp.array(2.5), "b": jnp.array(2.0)}
    step = jax.jit(
        lambda at: lx.linear_solve(lx.JacobianLinearOperator(residual, at), residual(at, None), lx.QR()).value
    )(at)
    by_hand = np.linalg.solve([[5.0, 0.0], [2.0, 2.5]], [2.25, -1.0])
    close([step["a"], step["b"]], by_hand)

    triangle = np.tril(matrix)
    solved = lx.linear_solve(
        lx.MatrixLinearOperator(jnp.asarray(triangle), lx.lower_triangular_tag), vector, lx.Triangular()
    )
    close(solved.value, np.linalg.solve(triangle, vector), 1e-3)
    bands = lx.TridiagonalLinearOperator(jnp.full(4, 3.0), jnp.ones(3), -jnp.ones(3))
    dense = 3 * np.eye(4) + np.diag(np.ones(3), -1) - np.diag(np.ones(3), 1)
    close(bands.as_matrix(), dense)
    close(lx.linear_solve(bands, vector, lx.Tridiagonal()).value, np.linalg.solve(dense, vector), 1e-3)
    diagonal = lx.linear_solve(lx.DiagonalLinearOperator(jnp.array([1.0, 2.0, 4.0, 8.0])), vector).value
    close(diagonal, vector / np.array([1, 2, 4, 8]))


def test_failure_is_told() -> None:
    """A singular system is an error, or a result that says so where nothing is to be raised."""
    import jax
    import jax.numpy as jnp
    import lineax as lx

    singular = lx.MatrixLinearOperator(jnp.array([[1.0, 1.0], [1.0, 1.0]]))
    vector = jnp.array([1.0, 2.0])
    solution = lx.linear_solve(singular, vector, lx.LU(), throw=False)
    assert solution.result != lx.RESULTS.successful
    with pytest.raises(Exception, match=r"(?i)singular|non-finite"):
        jax.block_until_ready(lx.linear_solve(singular, vector, lx.LU()).value)
