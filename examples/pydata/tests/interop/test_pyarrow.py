"""pyarrow with NumPy's arrays and pandas' tables."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.uses("numpy", "pyarrow")
@pytest.mark.level("interop")
def test_an_array_is_shared_and_not_copied() -> None:
    """Both see the same memory: its address is the same, there and back."""
    import numpy as np
    import pyarrow as pa

    array = np.arange(1000, dtype="float64")
    column = pa.array(array)
    back = column.to_numpy(zero_copy_only=True)
    address = array.__array_interface__["data"][0]
    assert column.buffers()[1].address == address
    assert back.__array_interface__["data"][0] == address
    assert back.sum() == 499500.0


@pytest.mark.uses("numpy", "pandas", "pyarrow")
@pytest.mark.level("interop")
def test_a_table_in_a_parquet_file(tmp_path: Path) -> None:
    """Texts, categories, times with a zone and missing values come back from a file as they were."""
    import numpy as np
    import pandas as pd
    import pyarrow.parquet as pq

    times = pd.to_datetime(["2024-10-27 00:30", "2024-10-27 01:30", None], utc=True).tz_convert("Europe/Berlin")
    frame = pd.DataFrame(
        {
            "text": ["a", None, "ü"],
            "kind": pd.Categorical(["x", "y", "x"], categories=["y", "x"]),
            "time": times,
            "share": np.array([0.1, np.nan, -0.0]),
        },
        index=pd.Index([3, 1, 2], name="id"),
    )
    frame.to_parquet(tmp_path / "frame.parquet", engine="pyarrow")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "frame.parquet", engine="pyarrow"), frame)
    assert pq.read_metadata(tmp_path / "frame.parquet").num_rows == 3


@pytest.mark.uses("numpy", "pandas", "pyarrow>=7")
@pytest.mark.level("interop")
def test_groups_are_those_of_pandas() -> None:
    """Sums of groups, counted by pyarrow and by pandas from one table."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    random = np.random.default_rng(4)
    frame = pd.DataFrame({"key": random.integers(0, 7, 500), "value": random.integers(0, 50, 500)})
    grouped = pa.Table.from_pandas(frame).group_by("key").aggregate([("value", "sum")]).to_pandas()
    counted = dict(zip(grouped["key"].tolist(), grouped["value_sum"].tolist(), strict=True))
    assert counted == frame.groupby("key")["value"].sum().to_dict()


@pytest.mark.uses("numpy", "pyarrow")
@pytest.mark.level("interop")
def test_missing_values_are_not_numbers() -> None:
    """What pyarrow knows as missing is NaN for NumPy, and only that."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pa.array([1.0, None, float("nan")])
    assert column.null_count == 1
    assert np.isnan(column.to_numpy(zero_copy_only=False)).tolist() == [False, True, True]
    assert pc.sum(pa.array([1, None, 2])).as_py() == 3


@pytest.mark.uses("numpy", "scipy", "pyarrow")
@pytest.mark.level("interop")
def test_a_sparse_matrix_there_and_back() -> None:
    """A sparse matrix of SciPy has the same entries in pyarrow, and comes back as it was."""
    import numpy as np
    import pyarrow as pa
    from scipy import sparse

    matrix = sparse.csr_matrix(np.array([[0.0, 2.0, 0.0], [3.0, 0.0, 0.0]]))
    shared = pa.SparseCSRMatrix.from_scipy(matrix)
    assert shared.non_zero_length == 2
    assert shared.to_tensor().to_numpy().tolist() == [[0.0, 2.0, 0.0], [3.0, 0.0, 0.0]]
    assert (shared.to_scipy() != matrix).nnz == 0
