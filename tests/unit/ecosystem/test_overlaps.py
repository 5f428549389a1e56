"""Distributions that write over each other's modules."""

from __future__ import annotations

import pytest

from stackcompat.ecosystem.overlaps import Overlap, overlapping


def test_two_distributions_that_install_other_contents_are_named_with_a_file() -> None:
    nightly = {"prob/version.py": "b", "prob/core.py": "c", "prob/__init__.py": "d", "nightly.py": "e"}
    release = {"prob/version.py": "x", "prob/core.py": "y", "prob/__init__.py": "z", "release.py": "e"}
    (overlap,) = overlapping({"prob 1.0": release, "other 1.0": {"other.py": "x"}, "nightly 2.0": nightly})
    assert overlap == Overlap(first="nightly 2.0", second="prob 1.0", path="prob/core.py", digests=("c", "y"), files=3)


@pytest.mark.parametrize(
    "path",
    [
        "names/__init__.py",
        "tests/test_it.py",
        "docs/conf.py",
        "LICENSE",
        "names/__pycache__/core.cpython-312.pyc",
        "../../../bin/it.py",
    ],
)
def test_what_no_library_imports_does_not_count(path: str) -> None:
    assert overlapping({"a 1": {path: "b"}, "c 1": {path: "d"}}) == ()


def test_equal_files_are_no_overlap() -> None:
    assert overlapping({"a 1": {"names/core.py": "b"}, "c 1": {"names/core.py": "b"}}) == ()


def test_three_distributions_overlap_two_by_two() -> None:
    records = {name: {"core.so": name} for name in ("c 1", "a 1", "b 1")}
    pairs = [(overlap.first, overlap.second) for overlap in overlapping(records)]
    assert pairs == [("a 1", "b 1"), ("a 1", "c 1"), ("b 1", "c 1")]
