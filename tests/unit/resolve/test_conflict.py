"""Which bounds exclude each other."""

from __future__ import annotations

import pytest

from stackcompat.resolve.conflict import excludes


@pytest.mark.parametrize(
    ("first", "second", "excluded"),
    [
        ("alpha==1.0", "alpha>=2", True),
        ("alpha==2.0", "alpha>=2", False),
        ("alpha<2", "alpha>=2", True),
        ("alpha<=2", "alpha>=2", False),
        ("alpha>2", "alpha<2.1", False),
        ("alpha==1.*", "alpha>=2", True),
        ("alpha", "alpha>=2", False),
        ("alpha==1", "beta>=2", False),
        ("alpha===odd", "alpha>=2", True),
        ("alpha===1.0", "alpha>=1", False),
        ("alpha!=0", "alpha<=0", False),  # 0.dev1 satisfies both
        ("alpha>=1.1.1.dev1", "alpha!=1.1.*", False),
        ("alpha!=1.1,==1.1.*", "alpha<1.1a1", False),
        ("alpha==1.0", "alpha!=1.0", True),
    ],
)
def test_which_bounds_exclude_each_other(first: str, second: str, excluded: bool) -> None:
    assert excludes(first, second) is excluded
    assert excludes(second, first) is excluded
