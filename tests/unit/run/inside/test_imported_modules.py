"""Which modules a test imports, itself and by what it uses of the suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.run.inside.imported_modules import imported_modules

TEST = """
import helper
from other_helper import bend as curve
import pytest

LIMIT = 3

def model():
    from flax import nnx
    return nnx.Linear

@pytest.fixture
def tree(model):
    import jax.tree_util as tu
    return tu

def test_plain():
    import jax
    jax.jit

def test_submodule():
    import jax
    import jax.experimental.pallas as pl
    jax.export.export
    pl.pallas_call

def test_helper_function():
    model()

def test_fixture(tree): ...

def test_module_of_the_suite():
    helper.roundtrip(LIMIT)

def test_function_of_the_suite():
    curve()

def test_import_inside():
    from helper import Net
    Net()

class TestBoxes:
    def test_one(self): import boxes.lid
"""
HELPER = """
def roundtrip():
    from jax import export
    return again()

def again(): return roundtrip()

def unused():
    import torch

class Net:
    import flax.linen
"""


@pytest.mark.parametrize(
    ("test", "there", "absent"),
    [
        ("test_plain", {"jax", "jax.jit"}, {"flax.nnx", "jax.export", "torch"}),
        ("test_submodule", {"jax.experimental.pallas", "jax.export"}, {"flax.nnx"}),
        ("test_helper_function", {"flax.nnx"}, {"jax.tree_util"}),
        ("test_fixture", {"flax.nnx", "jax.tree_util"}, {"jax.export"}),
        ("test_module_of_the_suite", {"jax.export"}, {"torch", "flax.linen"}),
        ("test_function_of_the_suite", {"jax.export"}, {"torch", "flax.linen"}),
        ("test_import_inside", {"flax.linen"}, {"torch", "jax.export"}),
        ("TestBoxes", {"boxes.lid"}, {"jax"}),
        ("test_absent", set(), {"jax"}),
    ],
)
def test_imports_are_followed_through_the_suite(tmp_path: Path, test: str, there: set[str], absent: set[str]) -> None:
    (tmp_path / "lent").mkdir()
    (tmp_path / "test_suite.py").write_text(TEST)
    (tmp_path / "lent" / "helper.py").write_text(HELPER)
    (tmp_path / "other_helper.py").write_text("from helper import roundtrip\n\ndef bend(): roundtrip()\n")
    found = imported_modules(tmp_path / "test_suite.py", test, [str(tmp_path), str(tmp_path / "lent")])
    assert there <= found
    assert not absent & found
