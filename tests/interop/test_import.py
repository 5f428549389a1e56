"""Every module that a component promises can be imported: the first thing to go red, and the cheapest."""

from __future__ import annotations

import importlib
import importlib.util

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each module of each distribution that the cell holds; which those are is data of the matrix."""
    imports = getattr(metafunc.config, "stackcompat_imports", [])
    metafunc.parametrize(("distribution", "module", "declared"), imports, ids=[module for _, module, _ in imports])


@pytest.mark.level("import")
def test_import(distribution: str, module: str, declared: bool) -> None:
    """The module loads; what it needs from other components at import time is there."""
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        # A library that the matrix does not list may have modules for optional companions; a listed one has promised.
        top = (error.name or module).split(".")[0]
        if declared or importlib.util.find_spec(top) is not None:
            raise
        pytest.skip(f"{distribution} needs {top} for {module}, and does not declare it")
    assert found.__name__ == module
