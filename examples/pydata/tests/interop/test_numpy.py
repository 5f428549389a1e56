"""NumPy by itself: results that are known without it."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.uses("numpy")
@pytest.mark.level("run")
def test_a_linear_system_with_an_exact_solution() -> None:
    """The solution of a system whose solution was chosen first."""
    import numpy as np

    matrix = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 4.0]])
    chosen = np.array([1.0, -2.0, 3.0])
    right = np.array([0.0, -2.0, 10.0])  # by hand
    np.testing.assert_allclose(np.linalg.solve(matrix, right), chosen, rtol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(18.0)


@pytest.mark.uses("numpy>=1.17")
@pytest.mark.level("run")
def test_the_stream_of_a_seed() -> None:
    """PCG64 gives the same bits in every release: NumPy promises the streams of its bit generators."""
    import numpy as np

    raw = np.random.PCG64(12345).random_raw(3)
    assert [int(number) for number in raw] == [4193609425186963869, 5843160025838961886, 14708796524633321433]


@pytest.mark.uses("numpy")
@pytest.mark.level("run")
def test_a_structured_array_in_a_file(tmp_path: Path) -> None:
    """Names, types and bytes come back from a .npy file as they were."""
    import numpy as np

    rows = np.array([("a", 1, 0.5), ("bc", -2, np.nan)], dtype=[("name", "U4"), ("count", "<i2"), ("share", "<f8")])
    np.save(tmp_path / "rows.npy", rows)
    back = np.load(tmp_path / "rows.npy")
    assert back.dtype == rows.dtype
    assert back.tobytes() == rows.tobytes()
    assert back["name"].tolist() == ["a", "bc"]


@pytest.mark.uses("numpy")
@pytest.mark.level("run")
def test_shapes_that_stretch_to_each_other() -> None:
    """Broadcasting and a reduction agree with loops in plain Python."""
    import numpy as np

    rows, columns = [1, 2, 3], [10, 20]
    table = np.array(rows)[:, None] * np.array(columns)
    assert table.tolist() == [[row * column for column in columns] for row in rows]
    assert table.sum(axis=0).tolist() == [60, 120]
    with pytest.raises(ValueError):
        np.ones(3) + np.ones(2)
