"""Every module that a component promises can be imported: the first thing to go red, and the cheapest."""

from __future__ import annotations

import importlib

import missing_distributions
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
        # A library that the matrix does not list may have further modules for optional companions.
        missing = missing_distributions.missing_distribution(error.name or module)
        if declared or not missing:
            raise
        pytest.skip(f"{distribution} needs {missing} for {module}, and does not declare it")
    assert found.__name__ == module
