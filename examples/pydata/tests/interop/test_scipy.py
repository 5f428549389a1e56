"""SciPy on NumPy's arrays and on pandas' columns."""

from __future__ import annotations

import pytest


@pytest.mark.uses("numpy", "scipy")
@pytest.mark.level("interop")
def test_the_exponential_of_a_rotation() -> None:
    """The exponential of a quarter turn's generator is the quarter turn."""
    import numpy as np
    from scipy import linalg

    turn = linalg.expm(np.pi / 2 * np.array([[0.0, -1.0], [1.0, 0.0]]))
    np.testing.assert_allclose(turn, [[0, -1], [1, 0]], atol=1e-12)


@pytest.mark.uses("numpy", "scipy")
@pytest.mark.level("interop")
def test_a_sparse_system_is_solved_like_a_dense_one() -> None:
    """The direct solver of sparse matrices agrees with NumPy's of dense ones."""
    import numpy as np
    from scipy import sparse
    from scipy.sparse import linalg

    matrix = sparse.diags([[-1.0] * 49, [4.0] * 50, [-1.0] * 49], [-1, 0, 1], format="csc")
    right = np.random.default_rng(1).normal(size=50)
    np.testing.assert_allclose(linalg.spsolve(matrix, right), np.linalg.solve(matrix.toarray(), right), rtol=1e-10)


@pytest.mark.uses("numpy", "scipy")
@pytest.mark.level("interop")
def test_a_minimum_that_is_known() -> None:
    """Rosenbrock's valley ends at (1, 1)."""
    import numpy as np
    from scipy import optimize

    found = optimize.minimize(optimize.rosen, np.array([-1.2, 1.0]), jac=optimize.rosen_der, method="BFGS")
    assert found.success
    np.testing.assert_allclose(found.x, [1.0, 1.0], atol=1e-5)


@pytest.mark.uses("numpy", "scipy")
@pytest.mark.level("interop")
def test_a_transform_is_the_sum_that_defines_it() -> None:
    """The fast Fourier transform against the matrix of the slow one."""
    import numpy as np
    from scipy import fft

    signal = np.random.default_rng(2).normal(size=30)
    steps = np.arange(30)
    slow = np.exp(-2j * np.pi * np.outer(steps, steps) / 30) @ signal
    np.testing.assert_allclose(fft.fft(signal), slow, atol=1e-10)


@pytest.mark.uses("numpy", "pandas", "scipy")
@pytest.mark.level("interop")
def test_a_line_through_the_columns_of_a_table() -> None:
    """A regression on two columns finds the line from which they were made, as NumPy's least squares does."""
    import numpy as np
    import pandas as pd
    from scipy import stats

    frame = pd.DataFrame({"x": np.linspace(0, 1, 200)})
    frame["y"] = 3 * frame["x"] - 2 + np.random.default_rng(3).normal(scale=0.01, size=200)
    line = stats.linregress(frame["x"], frame["y"])
    assert line.slope == pytest.approx(3, abs=0.02)
    assert [line.slope, line.intercept] == pytest.approx(np.polyfit(frame["x"], frame["y"], 1).tolist())
