"""pandas on NumPy's arrays."""

from __future__ import annotations

import pytest


@pytest.mark.uses("numpy", "pandas")
@pytest.mark.level("interop")
def test_sums_of_groups() -> None:
    """Groups of a table are the sums that NumPy counts from the same numbers."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(0)
    keys, values = random.integers(0, 5, 1000), random.integers(-100, 100, 1000)
    sums = pd.DataFrame({"key": keys, "value": values}).groupby("key")["value"].sum()
    expected = [int(values[keys == key].sum()) for key in range(5)]
    assert sums.tolist() == expected
    assert sums.index.tolist() == list(range(5))


@pytest.mark.uses("numpy", "pandas")
@pytest.mark.level("interop")
@pytest.mark.parametrize("dtype", ["int8", "uint64", "float32", "complex128", "bool", "datetime64[ns]"])
def test_the_type_of_an_array_survives_a_series(dtype: str) -> None:
    """An array comes back out of a series with its type and its bytes."""
    import numpy as np
    import pandas as pd

    array = np.array([1, 0, 1]).astype(dtype)
    back = pd.Series(array).to_numpy()
    assert back.dtype == array.dtype
    assert back.tobytes() == array.tobytes()


@pytest.mark.uses("numpy", "pandas")
@pytest.mark.level("interop")
def test_a_table_in_functions_of_numpy() -> None:
    """Functions of NumPy keep the labels of a table, and see missing values."""
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame({"a": [1.0, 4.0], "b": [9.0, np.nan]}, index=["x", "y"])
    root = np.sqrt(frame)
    assert isinstance(root, pd.DataFrame)
    assert root.loc["y", "a"] == 2.0
    assert root.isna().to_numpy().tolist() == [[False, False], [False, True]]


@pytest.mark.uses("pandas")
@pytest.mark.level("run")
def test_the_day_that_has_25_hours() -> None:
    """Hours of the day on which clocks in Berlin are set back, and of the one on which they are set forward."""
    import pandas as pd

    hours = pd.Series(1, index=pd.date_range("2024-01-01", "2024-12-31 23:00", freq="h", tz="Europe/Berlin"))
    days = hours.resample("D").sum()
    assert days[days != 24].to_dict() == {
        pd.Timestamp("2024-03-31", tz="Europe/Berlin"): 23,
        pd.Timestamp("2024-10-27", tz="Europe/Berlin"): 25,
    }
